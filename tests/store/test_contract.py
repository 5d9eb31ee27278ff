"""What every store promises, whatever it keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.store import MemoryStore, SqliteStore, Store

from .builders import busy, commit

MAKERS: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _: MemoryStore(),
    "sqlite": lambda directory: SqliteStore(str(directory / "state.db")),
}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made = MAKERS[request.param](tmp_path)
    yield made
    made.close()


def test_a_key_is_the_same_at_each_call_and_another_for_another_message(store: Store) -> None:
    key = store.key_of("chat", "id")
    others = {store.key_of("chat", "other"), store.key_of("cha", "tid"), store.key_of("", "chatid")}
    assert key == store.key_of("chat", "id")
    assert key not in others
    assert len(others) == 3


def test_a_key_fits_a_signed_64_bit_column_and_takes_any_text(store: Store) -> None:
    texts = ["", "x" * 10_000, "\ud83d", "\x00", "чат"]
    assert all(0 <= store.key_of(text, text) < 2**63 for text in texts)


def test_two_stores_know_the_same_message_by_different_keys(store: Store, tmp_path: Path) -> None:
    other = SqliteStore(str(tmp_path / "other.db"))
    assert other.key_of("chat", "id") != store.key_of("chat", "id")
    other.close()


def test_nothing_is_known_of_an_instance_that_was_never_committed(store: Store) -> None:
    assert store.load(["1101000001"]) == {}


def test_a_commit_succeeds_and_so_does_the_next_and_an_empty_one(store: Store) -> None:
    kept = busy(store)
    commit(store, kept)
    commit(store, kept)
    store.commit([])
    assert store.is_intact()


def test_many_instances_go_into_one_commit(store: Store) -> None:
    commit(store, *(busy(store, str(number), messages=3) for number in range(1101000001, 1101000021)))
    assert store.is_intact()


def test_everything_may_be_committed_again_at_any_time(store: Store) -> None:
    kept = busy(store)
    commit(store, kept)
    commit(store, kept, everything=True)
    assert store.is_intact()


def test_a_size_is_never_negative(store: Store) -> None:
    commit(store, busy(store))
    assert store.size() >= 0


def test_a_store_tells_what_it_is_without_its_secret(store: Store) -> None:
    assert repr(store).startswith("<")
