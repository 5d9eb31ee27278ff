"""The state file while running: commits that cannot be made are made later, and a file that is gone is made anew."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.errors import CommitFailed, StoreUnusable
from exporter.store import SqliteStore

from .builders import NOW, WINDOW, Row, busy, commit, set_aside, state_of, stored_state

ID = "1101000001"
OTHER = "1101000002"
ROOT = Path(__file__).parents[2]


def remove(path: str) -> None:
    """The state file and all that belongs to it."""
    for ending in ("", "-wal", "-shm", ".lock"):
        os.unlink(path + ending)


def test_a_file_that_is_removed_is_noticed_and_written_anew_from_memory(path: str) -> None:
    store = SqliteStore(path)
    kept = busy(store)
    commit(store, kept)
    key = store.key_of("chat", "id")
    remove(path)
    assert not store.is_intact()
    commit(store, kept, everything=True)
    assert store.is_intact()
    store.close()
    again = SqliteStore(path)
    assert stored_state(again, ID) == state_of(kept)
    assert again.key_of("chat", "id") == key
    again.close()


def test_an_instance_that_a_reload_loads_while_the_file_is_removed_is_written_whole_too(path: str) -> None:
    store = SqliteStore(path)
    running, reloaded = busy(store), busy(store, OTHER)
    commit(store, running, reloaded)
    store.close()
    store = SqliteStore(path)
    assert store.load([ID]).keys() == {ID}
    assert store.load([OTHER]).keys() == {OTHER}
    remove(path)
    assert not store.is_intact()
    commit(store, running, everything=True)  # the other one does not run yet
    assert store.is_intact()
    commit(store, running, reloaded)
    assert not store.is_intact()
    commit(store, running, reloaded, everything=True)
    assert store.is_intact()
    commit(store, running, reloaded)
    assert store.is_intact()
    store.close()
    again = SqliteStore(path)
    assert stored_state(again, ID) == state_of(running)
    assert stored_state(again, OTHER) == state_of(reloaded)
    again.close()


def test_a_log_that_is_removed_is_noticed_as_well(path: str) -> None:
    store = SqliteStore(path)
    kept = busy(store)
    commit(store, kept)
    os.unlink(path + "-wal")
    assert not store.is_intact()
    commit(store, kept, everything=True)
    store.close()
    again = SqliteStore(path)
    assert stored_state(again, ID) == state_of(kept)
    again.close()


def test_a_file_that_is_replaced_is_set_aside(path: str, store: SqliteStore, tmp_path: Path) -> None:
    kept = busy(store)
    commit(store, kept)
    (tmp_path / "other").write_text("something else")
    os.replace(tmp_path / "other", path)
    assert not store.is_intact()
    commit(store, kept, everything=True)
    assert store.is_intact()
    (aside,) = set_aside(path)
    assert aside.read_text() == "something else"
    assert stored_state(store, ID) == state_of(kept)


def test_a_directory_that_is_removed_fails_commits_until_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "state" / "state.db"
    path.parent.mkdir()
    store = SqliteStore(str(path))
    kept = busy(store)
    commit(store, kept)
    shutil.rmtree(path.parent)
    for _ in range(3):
        assert not store.is_intact()
        with pytest.raises(CommitFailed, match="is not a directory, or does not exist"):
            store.commit([kept.changes(everything=True)])
    with pytest.raises(StoreUnusable):
        store.load([ID])
    path.parent.mkdir()
    assert not store.is_intact()
    commit(store, kept, everything=True)
    assert store.is_intact()
    assert stored_state(store, ID) == state_of(kept)
    store.close()


def test_another_exporter_that_took_the_file_over_meanwhile_keeps_it(path: str, store: SqliteStore) -> None:
    kept = busy(store)
    commit(store, kept)
    remove(path)
    other = SqliteStore(path)
    assert not store.is_intact()
    with pytest.raises(CommitFailed, match="another process has taken"):
        store.commit([kept.changes(everything=True)])
    other.close()
    commit(store, kept, everything=True)


def test_a_file_that_is_damaged_while_running_is_set_aside_and_written_anew(path: str) -> None:
    store = SqliteStore(path)
    kept = busy(store, messages=3000)
    commit(store, kept)
    store.close()
    store = SqliteStore(path)
    _ruin_all_but_the_first_page(path)
    with pytest.raises(CommitFailed, match="damaged"):
        store.commit([kept.changes(everything=True)])
    assert not store.is_intact()
    commit(store, kept, everything=True)
    assert store.is_intact()
    assert stored_state(store, ID) == state_of(kept)
    assert len(set_aside(path)) == 1
    store.close()


def _ruin_all_but_the_first_page(path: str) -> None:
    intruder = sqlite3.connect(path)
    intruder.execute("PRAGMA user_version = 1")  # makes the store read again what it has in its cache
    intruder.close()
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (os.path.getsize(path) - 4096))


def test_an_instance_that_cannot_be_loaded_at_a_reload_costs_the_running_ones_nothing(path: str) -> None:
    store = SqliteStore(path)
    running, left_out = busy(store), busy(store, "other")
    commit(store, running, left_out)
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE messages SET sent = sent + 1 WHERE instance = (SELECT max(instance) FROM messages)")
    connection.commit()
    connection.close()
    store = SqliteStore(path)
    assert ID in store.load([ID])
    assert store.load(["other"]) == {}
    assert not store.is_intact()
    commit(store, running, everything=True)
    assert store.is_intact()
    assert stored_state(store, ID) == state_of(running)
    store.close()


def test_a_program_that_locks_the_file_fails_a_commit_and_nothing_is_lost(path: str, store: SqliteStore) -> None:
    kept = busy(store)
    commit(store, kept)
    kept.answer(NOW + WINDOW + 20, Row("0", "read", int(NOW)), Row("new", "sent", int(NOW + WINDOW + 15)))
    intruder = sqlite3.connect(path, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    changes = kept.changes()
    with pytest.raises(CommitFailed, match="another program holds the file locked"):
        store.commit([changes])
    kept.account.not_committed(changes.account)
    assert store.is_intact()
    intruder.execute("ROLLBACK")
    intruder.close()
    commit(store, kept)
    assert stored_state(store, ID) == state_of(kept)


def test_a_reader_does_not_hinder_commits(path: str, store: SqliteStore) -> None:
    commit(store, busy(store))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM messages").fetchone()
    commit(store, busy(store, "other"))
    reader.execute("COMMIT")
    reader.close()


def _with_a_full_disk(call: str, directory: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.store.full_disk", call, directory],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


def test_a_full_disk_fails_commits_whole_and_the_next_that_succeeds_carries_all(tmp_path: Path) -> None:
    _with_a_full_disk("fails_and_recovers", tmp_path)


def test_a_disk_that_is_full_at_the_start_is_said_so_and_nothing_is_set_aside(tmp_path: Path) -> None:
    _with_a_full_disk("refuses_to_start", tmp_path)
