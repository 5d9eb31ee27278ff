"""Commits: what is written together, and what is shown when a part of it could not be written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from exporter.commits import Commits
from exporter.errors import CommitFailed
from exporter.instance import Instance, InstanceChanges
from exporter.store import MemoryStore
from exporter.telemetry import Telemetry
from tests.ledger.oracle import Row
from tests.test_instance import NOW, SALES, ended, fresh


class RecordingStore(MemoryStore):
    """Remembers which instances each commit held, and how many of their messages; refuses some commits.

    `then` is called after each that succeeds.
    """

    def __init__(self, refused: Collection[int] = (), then: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.commits: list[dict[str, int]] = []
        self._refused = refused
        self._then = then
        self._asked = 0

    def commit(self, batch: Sequence[InstanceChanges]) -> None:
        self._asked += 1
        if self._asked in self._refused:
            raise CommitFailed("no space left on device")
        self.commits.append({changes.id: len(changes.account.messages) for changes in batch})
        self._then()


def fleet(*messages: int) -> list[Instance]:
    """For each of these numbers an instance that was answered so many new messages since its baseline."""
    instances = []
    for number, many in enumerate(messages):
        instance = fresh(replace(SALES, id=str(number), name=str(number)))
        ended(instance, 0)
        instance.account.committed(instance.changes().account)
        ended(instance, 60, journal=tuple(Row(f"M{one}", "1@c.us", int(NOW) + 30) for one in range(many)))
        instances.append(instance)
    return instances


def counted(instance: Instance) -> int:
    """The messages that are shown."""
    return sum(instance.account.shown["messages"].values())


def flushed(instances: list[Instance], store: RecordingStore) -> None:
    async def scenario() -> None:
        commits = Commits(store, lambda: instances, Telemetry())
        await commits.flush()

    asyncio.run(scenario())


def test_what_a_scrape_brought_is_written_in_one_commit() -> None:
    store, instances = RecordingStore(), fleet(3, 0, 5)
    flushed(instances, store)
    assert store.commits == [{"0": 3, "1": 0, "2": 5}]
    assert list(map(counted, instances)) == [3, 0, 5]


def test_the_first_answers_of_a_large_fleet_are_written_in_several_commits() -> None:
    store, instances = RecordingStore(), fleet(6_000, 5_000, 10_000, 1)
    flushed(instances, store)
    assert store.commits == [{"0": 6_000, "1": 5_000}, {"2": 10_000}, {"3": 1}]
    assert list(map(counted, instances)) == [6_000, 5_000, 10_000, 1]


def test_an_instance_that_is_removed_between_two_commits_is_not_written_any_more() -> None:
    instances = fleet(10_000, 10_000, 10_000)
    store = RecordingStore(then=lambda: instances.pop(1) if len(instances) == 3 else None)
    flushed(instances, store)
    assert store.commits == [{"0": 10_000}, {"2": 10_000}]


def test_when_one_of_several_commits_fails_what_was_written_is_shown_and_the_rest_comes_with_the_next() -> None:
    store, instances = RecordingStore(refused={2}), fleet(10_000, 10_000, 1)
    flushed(instances, store)
    assert list(map(counted, instances)) == [10_000, 0, 0]
    flushed(instances, store)
    assert store.commits == [{"0": 10_000}, {"1": 10_000}, {"2": 1}]
    assert list(map(counted, instances)) == [10_000, 10_000, 1]
