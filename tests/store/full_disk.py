"""What runs in a process whose files may not grow: a disk that is full, as far as SQLite can tell.

The limit is one of a whole process, so not for the one that runs the tests.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from resource import RLIMIT_FSIZE, getrlimit, setrlimit

from exporter.errors import CommitFailed, StoreUnusable
from exporter.store import SqliteStore

from .builders import NOW, Row, busy, commit, state_of, stored_state


@contextmanager
def room_for(bytes_: int) -> Iterator[None]:
    soft, hard = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (bytes_, hard))
    yield
    setrlimit(RLIMIT_FSIZE, (soft, hard))


def fails_and_recovers(directory: str) -> None:
    """Commits until the disk is full and beyond; every failed one leaves the last good one, and nothing is lost."""
    for spare in (0, 1_000, 5_000, 60_000):
        path = f"{directory}/{spare}.db"
        store = SqliteStore(path)
        kept = busy(store)
        commit(store, kept)
        before, failures = stored_state(store, kept.id), 0
        with room_for(store.size() + spare):
            for step in range(1, 13):
                at = NOW + 700 + 10 * step
                kept.answer(at, *(Row(f"{step}/{number}", "sent", int(at) - 5) for number in range(150)))
                changes = kept.changes()
                try:
                    store.commit([changes])
                except CommitFailed:
                    kept.account.not_committed(changes.account)
                    failures += 1
                    assert store.is_intact()
                    assert stored_state(store, kept.id) == before
                else:
                    before = stored_state(store, kept.id)
        assert failures, "the disk was never full"
        commit(store, kept)
        assert stored_state(store, kept.id) == state_of(kept)
        store.close()
        again = SqliteStore(path)
        assert stored_state(again, kept.id) == state_of(kept)
        again.close()


def refuses_to_start(directory: str) -> None:
    """A new state file that does not fit; where there is room again, it is begun as if nothing had been."""
    for bytes_ in (0, 100, 4096, 20_000):
        path = f"{directory}/{bytes_}.db"
        with room_for(bytes_):
            try:
                SqliteStore(path).close()
            except StoreUnusable as refused:
                assert "cannot be opened: the disk is full" in str(refused), refused
            else:
                raise AssertionError("it fits")
        SqliteStore(path).close()
    assert not [name for name in os.listdir(directory) if "damaged" in name]


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    {"fails_and_recovers": fails_and_recovers, "refuses_to_start": refuses_to_start}[sys.argv[1]](sys.argv[2])
