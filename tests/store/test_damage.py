"""Damage anywhere in the files: what is read is what was written, or the file is set aside; nothing in between."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.store import SqliteStore

from .builders import NOW, WINDOW, Row, State, busy, commit, messages_of, state_of, stored_state

IDS = ("1101000001", "1101000002")
VARIANTS = 24
SEED = 20_261_123

Damage = Callable[[random.Random, bytearray], None]


def flip_a_bit(rng: random.Random, content: bytearray) -> None:
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def scribble(rng: random.Random, content: bytearray) -> None:
    length = rng.randrange(1, 60)
    at = rng.randrange(len(content) - length)
    content[at : at + length] = rng.randbytes(length)


def lose_a_sector(rng: random.Random, content: bytearray) -> None:
    at = rng.randrange(len(content) // 512) * 512
    content[at : at + 512] = bytes(512)


def cut_the_end_off(rng: random.Random, content: bytearray) -> None:
    del content[rng.randrange(1, len(content)) :]


def spoil_the_header(rng: random.Random, content: bytearray) -> None:
    content[rng.randrange(100)] = rng.randrange(256)


DAMAGES: tuple[Damage, ...] = (flip_a_bit, scribble, lose_a_sector, cut_the_end_off, spoil_the_header)


@dataclass(frozen=True)
class Left:
    """State files as a stop left them, and what they hold."""

    directory: Path
    truth: dict[str, State]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Left:
    """Left by an orderly stop: one file."""
    return _made(tmp_path_factory.mktemp("closed"), kill=False)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Left:
    """Left by kill -9: all of it is still in SQLite's log."""
    return _made(tmp_path_factory.mktemp("killed"), kill=True)


def _made(directory: Path, *, kill: bool) -> Left:
    store = SqliteStore(str(directory / "state.db"))
    instances = [busy(store, id_, messages=60) for id_ in IDS]
    commit(store, *instances)
    for step in range(5):
        at = NOW + WINDOW + 20 + 10 * step
        for kept in instances:
            kept.answer(at, *(Row(f"{step}/{number}", "sent", int(at) - 5) for number in range(10)))
        commit(store, *instances)
    if not kill:
        store.close()
    left = shutil.copytree(directory, directory / "left")
    if kill:
        store.close()
    return Left(left, {kept.id: state_of(kept) for kept in instances})


def _starts(left: Left, name: str, damage: Damage, rng: random.Random, directory: Path) -> bool:
    """Start on a damaged copy. True if all was read as it was written, False if it was set aside.

    What is committed after that must be there after the next start; one variant in six is asked to show it.
    """
    shutil.copytree(left.directory, directory)
    content = bytearray((directory / name).read_bytes())
    damage(rng, content)
    (directory / name).write_bytes(content)
    store = SqliteStore(str(directory / "state.db"))
    loaded = {id_: (restored.saved, messages_of(restored)) for id_, restored in store.load(IDS).items()}
    set_aside = any("damaged" in entry for entry in os.listdir(directory))
    assert loaded == ({} if set_aside else left.truth)
    assert store.is_intact()
    if rng.random() < 1 / 6:
        _goes_on(store, directory)
    store.close()
    return not set_aside


def _goes_on(store: SqliteStore, directory: Path) -> None:
    kept = busy(store, "1101000009", messages=4)
    commit(store, kept)
    with closing(SqliteStore(str(shutil.copytree(directory, directory / "next") / "state.db"))) as again:
        assert stored_state(again, kept.id) == state_of(kept)


def _variants(
    left: Left, name: str, damage: Damage, directory: Path, caplog: pytest.LogCaptureFixture
) -> tuple[int, int]:
    """How many variants were read, and how many set aside; each of these said so, once, without a traceback."""
    rng = random.Random(f"{SEED} {name} {damage.__name__}")
    fates = [_starts(left, name, damage, rng, directory / str(number)) for number in range(VARIANTS)]
    set_aside = fates.count(False)
    said = [record for record in caplog.records if "was set aside" in record.message]
    assert len(said) == len(caplog.records) == set_aside
    assert not any(record.exc_info for record in said)
    return fates.count(True), set_aside


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_read_as_it_was_written_or_set_aside(
    closed: Left, damage: Damage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, set_aside = _variants(closed, "state.db", damage, tmp_path, caplog)
    assert set_aside


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_log_is_read_as_it_was_written_or_set_aside(
    killed: Left, damage: Damage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite by itself would go back to an earlier commit here, and say nothing."""
    _, set_aside = _variants(killed, "state.db-wal", damage, tmp_path, caplog)
    assert set_aside


def test_a_damaged_lock_file_harms_nothing(killed: Left, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert _variants(killed, "state.db.lock", flip_a_bit, tmp_path, caplog) == (VARIANTS, 0)


def test_files_that_are_whole_are_read(closed: Left, killed: Left, tmp_path: Path) -> None:
    def nothing(_rng: random.Random, _content: bytearray) -> None:
        pass

    assert _starts(closed, "state.db", nothing, random.Random(), tmp_path / "closed")
    assert _starts(killed, "state.db", nothing, random.Random(), tmp_path / "killed")
