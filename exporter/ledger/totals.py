"""What one account has counted: numbers that only grow, and the frozen copies of them that are committed and shown.

Every family is a `Series` of numbers (or of `Histogram`s) by label values; copies share the families that did not
change, so that a copy costs what changed, and an unchanged family is the same object (`is`) in two copies.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..model import ALL_MESSAGE_TYPES, ALL_STATUSES, DELIVERY, ORIGINS, READ, STAGES, UNSETTLED
from ..series import Labels, Series, Shape, shape

MESSAGES, REACHED, SETTLED = "messages", "reached", "settled"
UNCERTAINTY, UNMEASURED = "uncertainty", "unmeasured"
CONFLICTS, GAP, UNLISTED = "conflicts", "gap", "unlisted"

BUCKETS: dict[str, tuple[float, ...]] = {
    DELIVERY: (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0),
    READ: (15.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 10800.0, 21600.0, 43200.0, 86400.0),
}
"""Upper bounds of the latency histograms in seconds; their stage is also the name of their family."""

FAMILIES = (MESSAGES, REACHED, SETTLED, DELIVERY, READ, UNCERTAINTY, UNMEASURED, CONFLICTS, GAP, UNLISTED)


class Histogram(NamedTuple):
    """`counts` per bucket, not cumulated, the last beyond every bound; `sum` in seconds.

    The state file holds these fields in this order.
    """

    counts: tuple[int, ...]
    sum: float = 0.0

    @classmethod
    def empty(cls, stage: str) -> Histogram:
        return cls((0,) * (len(BUCKETS[stage]) + 1))

    def with_value(self, stage: str, value: float) -> Histogram:
        counts = list(self.counts)
        counts[bisect_left(BUCKETS[stage], value)] += 1
        return Histogram(tuple(counts), self.sum + value)


Snapshot = Mapping[str, Series[Any]]
"""Family name -> its numbers, never changed after it was made."""


class _Working:
    """The numbers of one family as they are now."""

    __slots__ = ("numbers", "shape")

    def __init__(self, shape: Shape, numbers: Iterable[Any]) -> None:
        self.shape = shape
        self.numbers = list(numbers)


_NOTHING: Series[Any] = Series.of({})


class Totals:
    """The working numbers of one account."""

    __slots__ = ("_families", "_snapshot", "_touched")

    def __init__(self, restored: Snapshot | None = None) -> None:
        saved = {family: (restored or {}).get(family, _NOTHING) for family in FAMILIES}
        self._families = {family: _Working(series.shape, series.numbers) for family, series in saved.items()}
        self._snapshot: dict[str, Series[Any]] = {}
        self._touched: set[str] = set(FAMILIES)

    def declare(self, family: str, labels: Iterable[Labels]) -> None:
        """Make series exist at 0; those that exist keep their numbers."""
        working = self._families[family]
        if missing := [label for label in labels if label not in working.shape.places]:
            zero = Histogram.empty(family) if family in STAGES else 0
            merged = dict(zip(working.shape.labels, working.numbers, strict=True)) | dict.fromkeys(missing, zero)
            ordered = shape(sorted(merged, key=_canonical))
            self._families[family] = _Working(ordered, map(merged.__getitem__, ordered.labels))
            self._touched.add(family)

    def add(self, family: str, labels: Labels = (), amount: float = 1) -> None:
        working, place = self._place(family, labels)
        working.numbers[place] += amount

    def observe(self, stage: str, message_type: str, value: float) -> None:
        """One latency in seconds."""
        working, place = self._place(stage, (message_type,))
        working.numbers[place] = working.numbers[place].with_value(stage, value)

    def _place(self, family: str, labels: Labels) -> tuple[_Working, int]:
        """Where a number stands that is about to change."""
        self._touched.add(family)
        working = self._families[family]
        place = working.shape.places.get(labels)
        if place is None:
            self.declare(family, [labels])
            return self._place(family, labels)
        return working, place

    def snapshot(self) -> Snapshot:
        """A frozen copy; the families that did not change since the last one are its very objects."""
        if self._touched:
            snapshot = dict(self._snapshot)
            for family in self._touched:
                working = self._families[family]
                snapshot[family] = Series(working.shape, tuple(working.numbers))
            self._snapshot, self._touched = snapshot, set()
        return self._snapshot


_WORDS = (DELIVERY, *ALL_STATUSES, UNSETTLED, *ALL_MESSAGE_TYPES, *ORIGINS)  # the stage READ is a status' word, too
_PLACES = {word: place for place, word in enumerate(dict.fromkeys(_WORDS))}


def _canonical(labels: Labels) -> tuple[int, ...]:
    """Series stand in the vocabularies' order, whatever order they were met in."""
    return tuple(_PLACES.get(label, 0) for label in labels)
