"""What one account has counted: numbers that only grow, and the frozen copies of them that are committed and shown.

Every family is a dict from label values to a number (or to a `Histogram`); copies share the families that did not
change, so that a copy costs what changed, and an unchanged family is the same object (`is`) in two copies.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..model import ALL_MESSAGE_TYPES, ALL_STATUSES, DELIVERY, ORIGINS, READ, STAGES, UNSETTLED

MESSAGES, REACHED, SETTLED = "messages", "reached", "settled"
UNCERTAINTY, UNMEASURED = "uncertainty", "unmeasured"
CONFLICTS, GAP, UNLISTED = "conflicts", "gap", "unlisted"

BUCKETS: dict[str, tuple[float, ...]] = {
    DELIVERY: (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0),
    READ: (15.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 10800.0, 21600.0, 43200.0, 86400.0),
}
"""Upper bounds of the latency histograms in seconds; their stage is also the name of their family."""

FAMILIES = (MESSAGES, REACHED, SETTLED, DELIVERY, READ, UNCERTAINTY, UNMEASURED, CONFLICTS, GAP, UNLISTED)

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """`counts` per bucket, not cumulated, the last beyond every bound; `sum` in seconds."""

    counts: tuple[int, ...]
    sum: float = 0.0

    @classmethod
    def empty(cls, stage: str) -> Histogram:
        return cls((0,) * (len(BUCKETS[stage]) + 1))

    @property
    def count(self) -> int:
        return sum(self.counts)

    def with_value(self, stage: str, value: float) -> Histogram:
        counts = list(self.counts)
        counts[bisect_left(BUCKETS[stage], value)] += 1
        return Histogram(tuple(counts), self.sum + value)


Family = Mapping[Labels, float] | Mapping[Labels, Histogram]
Snapshot = Mapping[str, Family]
"""Family name -> its numbers, never changed after it was made."""


class Totals:
    """The working numbers of one account."""

    __slots__ = ("_families", "_snapshot", "_touched")

    def __init__(self, restored: Snapshot | None = None) -> None:
        saved = restored or {}
        self._families: dict[str, dict[Labels, Any]] = {family: dict(saved.get(family, {})) for family in FAMILIES}
        self._snapshot: dict[str, Family] = {}
        self._touched: set[str] = set(FAMILIES)

    def declare(self, family: str, labels: Iterable[Labels]) -> None:
        """Make series exist at 0; those that exist keep their numbers."""
        series = self._families[family]
        if missing := [label for label in labels if label not in series]:
            zero = Histogram.empty(family) if family in STAGES else 0
            merged = series | dict.fromkeys(missing, zero)
            self._families[family] = {label: merged[label] for label in sorted(merged, key=_canonical)}
            self._touched.add(family)

    def add(self, family: str, labels: Labels = (), amount: float = 1) -> None:
        self.declare(family, [labels])
        self._families[family][labels] += amount
        self._touched.add(family)

    def observe(self, stage: str, message_type: str, value: float) -> None:
        """One latency in seconds."""
        labels = (message_type,)
        self.declare(stage, [labels])
        self._families[stage][labels] = self._families[stage][labels].with_value(stage, value)
        self._touched.add(stage)

    def snapshot(self) -> Snapshot:
        """A frozen copy; the families that did not change since the last one are its very objects."""
        if self._touched:
            self._snapshot = self._snapshot | {family: self._families[family].copy() for family in self._touched}
            self._touched = set()
        return self._snapshot


_WORDS = (DELIVERY, *ALL_STATUSES, UNSETTLED, *ALL_MESSAGE_TYPES, *ORIGINS)  # the stage READ is a status' word, too
_PLACES = {word: place for place, word in enumerate(dict.fromkeys(_WORDS))}


def _canonical(labels: Labels) -> tuple[int, ...]:
    """Series stand in the vocabularies' order, whatever order they were met in."""
    return tuple(_PLACES.get(label, 0) for label in labels)
