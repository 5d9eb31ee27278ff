"""Whatever answers, commits, failed commits and restarts follow one another: nothing is lost, nothing is doubled.

The account that went through it all is compared with one that was given the same answers without a store, except
those that no commit had carried when the process ended: they are gone, and the journal will show them again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.errors import CommitFailed
from exporter.instance import InstanceChanges
from exporter.ledger import Message, Scalars, Snapshot
from exporter.store import SqliteStore

from .builders import NOW, Kept, Row

IDS = ("1101000001", "1101000002")
STATUSES = ("pending", "sent", "delivered", "read", "noAccount", "failed", "yellowCard", "", "unlisted")
STEPS = (61.0, 90.0, 400.0, 1500.0)
"""Longer than the time between two sweeps, which starts anew with the process."""


class Halfway(Sequence[InstanceChanges]):
    """A batch whose disk fails when all of it but the last instance is written."""

    def __init__(self, batch: Sequence[InstanceChanges]) -> None:
        self._batch = batch

    def __len__(self) -> int:
        return len(self._batch)

    @overload
    def __getitem__(self, place: int) -> InstanceChanges: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[InstanceChanges]: ...
    def __getitem__(self, place: int | slice) -> InstanceChanges | Sequence[InstanceChanges]:
        return self._batch[place]

    def __iter__(self) -> Iterator[InstanceChanges]:
        yield from self._batch[:-1]
        raise OSError(28, "No space left on device")


class FailingStore:
    """A store that fails as it is told: before it writes, in the midst of it, or after it (the answer got lost)."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store

    def commit(self, batch: Sequence[InstanceChanges], failure: str) -> None:
        if failure == "before":
            raise CommitFailed("told to")
        self.store.commit(Halfway(batch) if failure == "halfway" else batch)
        if failure == "after":
            raise CommitFailed("told to")


Answer = tuple[float, tuple[Row, ...]]


@dataclass
class World:
    """Two instances over one state file, beside the answers that they were given and those that are on the disk."""

    path: str
    now: float = NOW
    given: dict[str, list[Answer]] = field(default_factory=lambda: {id_: [] for id_ in IDS})
    on_disk: dict[str, list[Answer]] = field(default_factory=lambda: {id_: [] for id_ in IDS})

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.store = FailingStore(SqliteStore(self.path))
        restored = self.store.store.load(IDS)
        self.instances = {id_: Kept(id_, self.store.store.key_of, restored.get(id_)) for id_ in IDS}

    def answer(self, id_: str, step: float, rows: tuple[Row, ...]) -> None:
        self.now += step
        self.instances[id_].answer(self.now, *rows)
        self.given[id_].append((self.now, rows))

    def commit(self, ids: Sequence[str], failure: str = "", *, everything: bool = False) -> None:
        batch = [self.instances[id_].changes(everything=everything) for id_ in ids]
        try:
            self.store.commit(batch, failure)
        except CommitFailed:
            for id_, changes in zip(ids, batch, strict=True):
                self.instances[id_].account.not_committed(changes.account)
        else:
            for id_, changes in zip(ids, batch, strict=True):
                self.instances[id_].account.committed(changes.account)
        if failure in ("", "after"):
            self.on_disk |= {id_: list(self.given[id_]) for id_ in ids}

    def restart(self) -> None:
        self.store.store.close()
        self.given = {id_: list(answers) for id_, answers in self.on_disk.items()}
        self.open()


rows = st.lists(
    st.builds(Row, st.sampled_from("abcdefg"), st.sampled_from(STATUSES), st.integers(0, 4000).map(int(NOW).__add__)),
    max_size=8,
).map(tuple)
ids = st.sampled_from(IDS)
some = st.sampled_from([IDS, IDS, IDS, IDS[:1], IDS[1:]])
operations = st.lists(
    st.one_of(
        st.tuples(st.just("answer"), ids, st.sampled_from(STEPS), rows),
        st.tuples(st.just("answer"), ids, st.sampled_from(STEPS), rows),
        st.tuples(st.just("commit"), some, st.sampled_from(["", "", "before", "halfway", "after"]), st.booleans()),
        st.tuples(st.just("restart")),
    ),
    min_size=15, max_size=40,
)  # fmt: skip


DO: dict[str, Callable[..., None]] = {
    "answer": World.answer,
    "commit": lambda world, ids, failure, everything: world.commit(ids, failure, everything=everything),
    "restart": World.restart,
}


@settings(max_examples=50, deadline=None)
@given(operations)
def test_any_history_ends_in_the_account_of_an_undisturbed_one(history: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(f"{directory}/state.db")
        for name, *arguments in history:
            DO[str(name)](world, *arguments)
        world.commit(IDS)
        world.restart()
        for id_ in IDS:
            assert _settled(world.instances[id_]) == _settled(_undisturbed(world, id_))
        world.store.store.close()


def _undisturbed(world: World, id_: str) -> Kept:
    kept = Kept(id_, world.store.store.key_of)
    for at, given_rows in world.given[id_]:
        kept.answer(at, *given_rows)
    kept.account.committed(kept.account.changes())
    return kept


def _settled(kept: Kept) -> tuple[Scalars, Snapshot, Snapshot, list[Message]]:
    """All that can be told of an account, with the time at which each message was shown last as it is meant."""
    shown = kept.account.shown
    changes = kept.account.changes(everything=True)
    messages = sorted(changes.messages.values(), key=lambda message: message.key)
    for message in messages:
        if message.present:
            message.shown_at = changes.scalars.last_started or 0.0
    return changes.scalars, changes.totals, shown, messages
