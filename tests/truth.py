"""What an exporter must have counted, told from the simulated truth and the moments of the good answers alone.

Knows no ledger: for every message it looks at what each answer can have shown of it, and goes by the rules of counting
from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import floor
from typing import Any

from exporter.model import ANNOTATION_TYPES, STAGES, Meaning
from exporter.simulator.account import Truth

ROAD = ["sent", "delivered", "read"]
STAGE_OF = {"delivered": "delivery", "read": "read"}


@dataclass(frozen=True)
class Look:
    """A good answer: when its request began, when the service looked, and when it arrived."""

    started: float
    seen: float
    arrived: float


@dataclass(frozen=True)
class Event:
    """A counted message reached a stage: in which answer that showed, and how long it truly took; None: unmeasured."""

    look: int
    stage: str
    latency: float | None


@dataclass
class Expected:
    """The numbers that must be exported after the last look."""

    messages: Counter[tuple[str, str]] = field(default_factory=Counter)
    reached: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    events: list[Event] = field(default_factory=list)


class World:
    """`meaning` of the rows' timestamps, `window` asked for and `interval` in force, both in seconds."""

    def __init__(self, meaning: Meaning, window: float, interval: float) -> None:
        self.meaning = meaning
        self.window = window
        self.outage = max(300.0, 2 * interval)

    def expected(self, messages: Iterable[Truth], looks: list[Look]) -> Expected:
        told = [(message, dict(self._sights(message, looks))) for message in messages]
        told = [(message, sights) for message, sights in told if sights and message.type not in ANNOTATION_TYPES]
        horizon = self._horizon(told, looks[0])
        expected = Expected()
        for message, sights in told:
            first = min(sights)
            if first > 0 and self._timestamp(message, sights[first]) >= horizon:
                self._count(expected, message, sights, looks)
        return expected

    def _sights(self, message: Truth, looks: list[Look]) -> Iterator[tuple[int, str]]:
        """Number of the look -> the status it shows, for the looks that show the message."""
        for number, look in enumerate(looks):
            status = self._status(message, look.seen)
            in_journal = message.appears <= look.seen
            if in_journal and self._timestamp(message, status) >= look.seen - self.window:
                yield number, status

    @staticmethod
    def _status(message: Truth, at: float) -> str:
        passed = [status for status, when in message.steps.items() if when <= at]
        return passed[-1] if passed else next(iter(message.steps))

    def _timestamp(self, message: Truth, status: str) -> int:
        return int(message.steps[status] if self.meaning is Meaning.LAST_ACTION else message.created)

    def _horizon(self, told: list[tuple[Truth, dict[int, str]]], first: Look) -> int:
        newest = max((self._timestamp(message, sights[0]) for message, sights in told if 0 in sights), default=0)
        return min(max(newest, floor(first.arrived) - 120), floor(first.arrived))

    def _count(self, expected: Expected, message: Truth, sights: Mapping[int, str], looks: list[Look]) -> None:
        origin = "api" if message.by_api else "phone"
        expected.messages[message.type, origin] += 1
        reached: set[str] = set()
        for number, status in sorted(sights.items()):
            implied = ROAD[: ROAD.index(status) + 1] if status in ROAD else [status]
            new = [s for s in implied if s not in reached]
            reached.update(new)
            expected.reached.update((s, message.type, origin) for s in new)
            for s in new:
                if s in STAGE_OF:
                    expected.events.append(self._event(message, sights, number, s, looks))
        self._settle(expected, message, sights, looks)

    def _event(self, message: Truth, sights: Mapping[int, str], at: int, status: str, looks: list[Look]) -> Event:
        first = sights[min(sights)]
        before = [number for number in sights if number < at]
        sending = message.steps[first] if self.meaning is Meaning.LAST_ACTION else message.created
        low = looks[max(before)].started if before else float(int(sending))
        high = looks[at].arrived
        if self.meaning is Meaning.LAST_ACTION and before and sights[max(before)] in ROAD:
            moved = float(int(message.steps[sights[at]]))
            low, high = (moved, moved) if status == sights[at] else (min(low, moved), moved)
        unmeasured = high - low > self.outage or (self.meaning is Meaning.LAST_ACTION and first in STAGE_OF)
        return Event(at, STAGE_OF[status], None if unmeasured else message.steps[status] - sending)

    def _settle(self, expected: Expected, message: Truth, sights: Mapping[int, str], looks: list[Look]) -> None:
        first = min(sights)
        due = min(self._timestamp(message, sights[first]), looks[first].arrived) + min(self.window, 86_400.0)
        answer = next((number for number, look in enumerate(looks) if look.arrived >= due), None)
        if answer is not None:
            last = max(number for number in sights if number <= answer)
            absent = due - looks[last].started > self.outage
            expected.settled["unknown" if absent else sights[last]] += 1


def check(totals: Mapping[str, Any], expected: Expected) -> None:
    """Every counter equals the truth."""
    assert nonzero(totals["messages"]) == expected.messages
    assert nonzero(totals["reached"]) == expected.reached
    assert {labels[0]: number for labels, number in nonzero(totals["settled"]).items()} == expected.settled
    assert totals["conflicts"][()] == 0
    for stage in STAGES:
        events = [event for event in expected.events if event.stage == stage]
        measured, _, _ = sums(totals, stage)
        assert measured == sum(event.latency is not None for event in events)
        unmeasured = sum(number for (s, _), number in totals["unmeasured"].items() if s == stage)
        assert unmeasured == sum(event.latency is None for event in events)


def check_latencies(history: list[Mapping[str, Any]], expected: Expected) -> None:
    """What each answer added to the sums holds the true latencies of the events it showed, within a second for each.

    Answers come so often that most show one event or none, so this is each latency between its two ends.
    """
    for stage in STAGES:
        for look in range(1, len(history)):
            truth = [e.latency for e in expected.events if (e.look, e.stage) == (look, stage) and e.latency is not None]
            before, after = sums(history[look - 1], stage), sums(history[look], stage)
            count, high, width = (new - old for new, old in zip(after, before, strict=True))
            assert count == len(truth)
            assert high - width - count - 1e-3 <= sum(truth) <= high + count + 1e-3


def sums(totals: Mapping[str, Any], stage: str) -> tuple[int, float, float]:
    """Count, sum and uncertainty of a stage over all types."""
    histograms = totals[stage].values()
    width = sum(number for (s, _), number in totals["uncertainty"].items() if s == stage)
    return sum(sum(h.counts) for h in histograms), sum(h.sum for h in histograms), width


def nonzero(series: Mapping[Any, Any]) -> dict[Any, Any]:
    return {labels: number for labels, number in series.items() if number}
