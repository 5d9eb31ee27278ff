"""Commits: finished folds are grouped, written off the event loop, and shown only then.

Owns the order of taking changes, writing them and telling the accounts; knows nothing of what is written or where.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from .errors import CommitFailed
from .instance import Instance, InstanceChanges
from .store import Store

log = logging.getLogger(__name__)

T = TypeVar("T")

_MOST_MESSAGES = 10_000
"""A commit with so many messages is large enough: more would cost memory, some hundred bytes for each."""


class Observer(Protocol):
    """Told of every commit, for the exporter's own metrics."""

    def committed(self, seconds: float) -> None: ...
    def commit_failed(self) -> None: ...


class Commits:
    """The one writer of a store. All of the store's calls run in one thread of its own, one at a time."""

    def __init__(self, store: Store, instances: Callable[[], Iterable[Instance]], observer: Observer) -> None:
        self.key_of = store.key_of
        self._store = store
        self._instances = instances
        self._observer = observer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._failures = 0
        self._began = 0.0
        self.size = store.size()

    async def call(self, work: Callable[[], T]) -> T:
        """Run blocking `work` on the store's thread, after what is under way there."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def flush(self) -> None:
        """Return when everything folded before this call is committed, or its commit has failed.

        Callers that meet while a commit runs share the next one.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._commit_after(self._running))
        await asyncio.shield(self._next)

    async def close(self) -> None:
        """Commit what is left, and close the store."""
        await self.flush()
        await self.call(self._store.close)
        self._thread.shutdown()

    async def _commit_after(self, running: asyncio.Task[None] | None) -> None:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        try:
            await self._commit()
        finally:
            self._running = None

    async def _commit(self) -> None:
        intact = await self.call(self._store.is_intact)
        if not intact and not self._failures:
            log.warning("the state file was removed or damaged while running; it is written anew from memory")
        dirty = [instance for instance in self._instances() if instance.dirty]
        for portion in _portions(dirty) if intact else [list(self._instances())]:
            present = set(self._instances())  # one that a reload has removed meanwhile may have a successor already
            instances = [instance for instance in portion if instance in present]
            if instances and not await self._commit_together(instances, everything=not intact):
                return

    async def _commit_together(self, instances: Sequence[Instance], *, everything: bool) -> bool:
        """All of them or none; whether it succeeded."""
        batch = [instance.changes(everything=everything) for instance in instances]
        began = time.perf_counter()
        try:
            self.size = await self.call(lambda: self._write(batch))
        except CommitFailed as failure:
            self._give_back(instances, batch)
            self._failed(str(failure))
            return False
        for instance, changes in zip(instances, batch, strict=True):
            instance.account.committed(changes.account)
        self._observer.committed(time.perf_counter() - began)
        self._succeeded()
        return True

    def _write(self, batch: Sequence[InstanceChanges]) -> int:
        self._store.commit(batch)
        return self._store.size()

    @staticmethod
    def _give_back(instances: Iterable[Instance], batch: Iterable[InstanceChanges]) -> None:
        for instance, changes in zip(instances, batch, strict=True):
            instance.account.not_committed(changes.account)
            instance.dirty = True

    def _failed(self, reason: str) -> None:
        self._observer.commit_failed()
        if not self._failures:
            self._began = time.monotonic()
            log.error(
                "the state file cannot be written; counters stay at the last commit until it can",
                extra={"fields": {"reason": reason}},
            )
        self._failures += 1

    def _succeeded(self) -> None:
        if self._failures:
            lasted = f"{time.monotonic() - self._began:.0f}s"
            log.info("commits succeed again", extra={"fields": {"failures": self._failures, "lasted": lasted}})
            self._failures = 0


def _portions(instances: Iterable[Instance]) -> Iterator[list[Instance]]:
    """Those whose changes go into one commit: nearly always all, but not the first answers of a large fleet."""
    portion: list[Instance] = []
    messages = 0
    for instance in instances:
        portion.append(instance)
        messages += instance.account.uncommitted
        if messages >= _MOST_MESSAGES:
            yield portion
            portion, messages = [], 0
    if portion:
        yield portion
