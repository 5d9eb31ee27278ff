"""One scrape of many instances: what is due is asked, folded, committed, and shown before the scraper gives up.

Owns the running calls and the deadline. A call belongs to its instance, not to a scrape: scrapes that meet share it,
and one that outlasts its scrape serves the next. Knows no metric and no web request.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import wire
from .client import Ask, Client
from .commits import Commits
from .config import Config, InstanceConfig
from .episodes import Notice
from .failures import wordless
from .instance import Face, Instance, Saved
from .logs import LEVELS
from .model import METHODS, Call, Method, Outcome, Secret
from .renewal import Renewal
from .store import Restored

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT = 10.0
"""Seconds a scraper is assumed to wait when it does not say: Prometheus' own default."""
LEAST_RESERVE = 0.5
"""Seconds of a scraper's patience that are always kept for commit, rendering and compressing."""
FIRST_TAIL = 0.001
"""Seconds per instance that these are taken to need before they have been measured."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a scrape shows, and when it stopped waiting for the service (`time.perf_counter`).

    An instance that a reload removed meanwhile is not among the faces.
    """

    faces: list[Face]
    at: float


@dataclass(frozen=True, slots=True)
class Question:
    """How one method's answer is read, by the instance that asked, and what becomes of it."""

    decoder: Callable[[Instance], Callable[[bytes], Any]]
    take: Callable[[Instance, Call, Any], list[Notice]]


QUESTIONS: Mapping[Method, Question] = {
    Method.MESSAGES: Question(
        lambda instance: partial(wire.journal_after, instance.account.imprint), Instance.took_journal
    ),
    Method.STATE: Question(lambda _: wire.instance_state, lambda instance, _, word: instance.took_state(word)),
    Method.SETTINGS: Question(
        lambda _: wire.instance_settings, lambda instance, _, settings: instance.took_settings(settings)
    ),
}


class Fleet:
    """All instances of a configuration. `clock` gives Unix seconds; `read_token` reads a token file, None if it cannot;
    `crash` is told of a bug, which ends the process.

    `await fleet.scrape(...)` is the whole of it; `configure` and `close` come from outside.
    """

    def __init__(
        self, client: Client, commits: Callable[[Callable[[], Iterable[Instance]]], Commits],
        *, clock: Callable[[], float], read_token: Callable[[str], Awaitable[Secret | None]],
        crash: Callable[[BaseException], None],
    ) -> None:  # fmt: skip
        self._client = client
        self._clock = clock
        self._renew_tokens = Renewal(read_token)
        self._crash = crash
        self._instances: dict[str, Instance] = {}
        self._running: dict[tuple[str, Method], asyncio.Task[None]] = {}
        self._scrapes = 0
        self._tails: dict[bool, float] = {}
        self._commits = commits(lambda: self._instances.values())

    def __len__(self) -> int:
        return len(self._instances)

    def __iter__(self) -> Iterator[Instance]:
        return iter(self._instances.values())

    @property
    def known_messages(self) -> int:
        return sum(len(instance.account) for instance in self)

    @property
    def state_file_bytes(self) -> int:
        return self._commits.size

    def find(self, target: str) -> Instance | None:
        """An instance by its id, or else by its name."""
        by_name = (instance for instance in self if instance.config.name == target)
        return self._instances.get(target) or next(by_name, None)

    def is_asking(self, instance: Instance, method: Method) -> bool:
        """Whether a call of this method is under way."""
        return (instance.id, method) in self._running

    # Configuration

    async def configure(self, config: Config, load: Callable[[list[str]], dict[str, Restored]]) -> None:
        """Take a configuration over. Unchanged instances keep all; new ones go on where the store left them.

        What `load` raises leaves everything as it was.
        """
        wanted = {instance.id: instance for instance in config.instances}
        new = [id_ for id_ in wanted if id_ not in self._instances]
        restored = await self._commits.call(lambda: load(new)) if new else {}
        removed = self._instances.keys() - wanted.keys()
        if removed:
            await self._commits.flush()  # they may come back one day, and then go on from here
        self._instances = {
            id_: self._configured(instance, config, restored.get(id_)) for id_, instance in wanted.items()
        }
        for (id_, method), task in list(self._running.items()):
            if id_ in removed:
                del self._running[id_, method]
                task.cancel()

    def _configured(self, instance: InstanceConfig, config: Config, restored: Restored | None) -> Instance:
        known = self._instances.get(instance.id)
        if known is not None:
            known.configure(instance, config)
            return known
        saved, messages = (restored.saved, restored.messages) if restored else (Saved(), None)
        return Instance(instance, config, self._commits.key_of, saved, messages)

    # Scraping

    async def scrape(self, patience: float = DEFAULT_TIMEOUT, only: Instance | None = None) -> Seen:
        """Ask what is due, wait as long as a scraper with `patience` seconds allows, and show what there is."""
        loop = asyncio.get_running_loop()
        end = loop.time() + patience - self._reserve(patience, only)
        instances = [only] if only else list(self)
        await self._renew_tokens(instances)
        awaited = [task for instance in instances for task in self._calls(instance, alone=only is not None)]
        self._scrapes += 1
        try:
            await _wait_for(awaited, end)
            at = time.perf_counter()
            await self._wait_for_commit(end - loop.time() + self._reserve(patience, only) / 2)
        finally:
            self._scrapes -= 1
        now = self._clock()
        still = [instance for instance in instances if self._instances.get(instance.id) is instance]
        return Seen([instance.face(now) for instance in still], at)

    def answered(self, seconds: float, *, alone: bool) -> None:
        """What commit, rendering and compressing took: the next scrape keeps twice as much in reserve."""
        self._tails[alone] = seconds

    async def close(self) -> None:
        """End the running calls, commit what they brought, close the store."""
        tasks, self._running = list(self._running.values()), {}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._commits.close()

    def _reserve(self, patience: float, only: Instance | None) -> float:
        """Seconds before the scraper gives up that the answer must be ready to be written."""
        likely = FIRST_TAIL * (1 if only else len(self))
        return min(max(LEAST_RESERVE, 2 * self._tails.get(only is not None, likely)), patience / 2)

    async def _wait_for_commit(self, seconds: float) -> None:
        """For what was folded so far; a disk that hangs does not hang the scrape."""
        flush = asyncio.ensure_future(self._commits.flush())
        done, _ = await asyncio.wait([flush], timeout=max(0.0, seconds))
        for finished in done:
            finished.result()

    def _calls(self, instance: Instance, *, alone: bool) -> Iterator[asyncio.Task[None]]:
        """Start what is due; yields the running calls that are worth waiting for."""
        now = self._clock()
        for method in instance.due(now):
            if (instance.id, method) not in self._running:
                instance.begin(method, now)
                self._start(instance, method)
        for method in METHODS:
            task = self._running.get((instance.id, method))
            if task is not None and (alone or not instance.timed_out(method)):
                yield task

    def _start(self, instance: Instance, method: Method) -> None:
        self._running[instance.id, method] = asyncio.create_task(self._visit(instance, method), name=instance.id)

    async def _visit(self, instance: Instance, method: Method) -> None:
        key = instance.id, method
        try:
            await self._query(instance, method)
        except Exception as bug:
            self._crash(bug)
        finally:
            if self._running.get(key) is asyncio.current_task():  # else it was taken out, and may have a successor
                del self._running[key]

    async def _query(self, instance: Instance, method: Method) -> None:
        if instance.paced and method is Method.MESSAGES:
            await self._commits.flush()  # a restart must know that this call of the month's few was spent
        question, ask = QUESTIONS[method], self._ask(instance, method)
        call, answer = await self._client.ask(ask, question.decoder(instance))
        if call.ok:
            try:
                self._tell(question.take(instance, call, answer))
            except Exception as bug:
                log.error("an answer could not be taken in; please report this", exc_info=wordless(bug))
                call = call._replace(outcome=Outcome.INTERNAL, detail=f"a fault of the exporter ({type(bug).__name__})")
        notice = instance.ended(call, ask.token)
        self._tell([notice] if notice else [])
        if call.outcome is Outcome.UNAUTHORIZED:
            await self._renew_tokens([instance])
        if not self._scrapes:
            await self._commits.flush()

    def _ask(self, instance: Instance, method: Method) -> Ask:
        config = instance.config
        minutes = instance.minutes if method is Method.MESSAGES else None
        return Ask(
            config.id, config.api_url, instance.token, method, config.timeout, minutes, instance.is_failing(method)
        )

    @staticmethod
    def _tell(notices: Iterable[Notice]) -> None:
        for notice in notices:
            log.log(LEVELS[notice.level], notice.text, extra={"fields": notice.fields})


async def _wait_for(tasks: Sequence[asyncio.Task[None]], until: float) -> None:
    """Return when all have ended, or at `until` by the loop's clock. The last one is awaited first: by then most others
    have ended, and to look costs less than to be told of each.
    """
    loop = asyncio.get_running_loop()
    for task in reversed(tasks):
        if task.done():
            continue
        if (left := until - loop.time()) <= 0:
            return
        await asyncio.wait([task], timeout=left)
