"""An instance but for its messages, as two parts: `MOMENT` changes with every query, `COUNTS` with what it brought.

Owns the shapes that lie in the file (MessagePack). Every word is stored as a word, never as its place in a
vocabulary, and what this version does not know is read as unknown or left out: versions may come and go. The words of
a family of totals are the same for most instances, so they are one entry of a table, a `head`; an instance's own part
holds numbers only. What schema 1 wrote is read by `legacy`.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import zip_longest
from math import inf
from typing import Any, TypeVar

import msgspec

from ..instance import Saved
from ..ledger import Scalars, Snapshot
from ..ledger.totals import BUCKETS, FAMILIES, Histogram
from ..ledger.vocabulary import FIELDS
from ..model import MESSENGERS, STAGES, UNKNOWN, Meaning, Method, Outcome
from ..pace import Pause, SavedPace
from ..series import Series
from .register import Register
from .seal import Damaged, seal, unseal

MOMENT, COUNTS = "moment", "counts"

Word = TypeVar("Word", bound=StrEnum)


class _Moment(msgspec.Struct, array_like=True):
    horizon: float | None
    last_started: float | None
    correction: float
    asked: dict[str, float]
    """By method, when it was last asked, by our clock."""
    pauses: dict[str, tuple[str, float, float, int]]


class _Counts(msgspec.Struct, array_like=True):
    learnt: str
    votes: str
    messenger: str
    types: tuple[str, ...]
    statuses: tuple[str, ...]
    unlisted: tuple[tuple[str, int], ...]
    totals: list[tuple[int, list[int | float | tuple[tuple[int, ...], float]]]]
    """The number of a head, and its numbers: for each series one, or a histogram's counts and sum."""


class Head(msgspec.Struct, array_like=True):
    """Which numbers these are: a family, the label values of its series, and the upper bounds of its buckets, so that
    other buckets can take the counts over; the last count is beyond all."""

    family: str
    labels: tuple[tuple[str, ...], ...]
    bounds: tuple[float, ...] = ()


def told_by(saved: Saved) -> tuple[object, ...]:
    """All that `COUNTS` holds: while each is the very same object, the part need not be written again."""
    told = saved.scalars
    return told.votes, told.learnt, told.types, told.statuses, told.unlisted, saved.messenger, saved.totals


class Heads:
    """The table of heads. Raises `Damaged` when a head cannot be read.

    None is ever deleted: there is one for each family and set of types that some account ever had, and these are few.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._register: Register[bytes] = Register(
            connection, "heads", lambda number, head: seal(head, f"head {number}"),
            lambda number, sealed: unseal(sealed, f"head {number}"),
        )  # fmt: skip
        self._numbers: dict[tuple[object, ...], list[int]] = {}
        self._heads: dict[int, Head] = {}
        self._read()

    def numbers(self, totals: Snapshot) -> list[int]:
        """One for each family."""
        shapes = (*totals, *[series.shape for series in totals.values()])
        found = self._numbers.get(shapes)
        if found is None:
            if len(self._numbers) >= _MOST_SHAPES:
                self._numbers.clear()
            heads = (Head(family, series.shape.labels, BUCKETS.get(family, ())) for family, series in totals.items())
            found = self._numbers[shapes] = [self._register.number(_pack(head)) for head in heads]
        return found

    def head(self, number: int) -> Head:
        if number not in self._heads:
            self._read()  # it may be one of our own commits'
        try:
            return self._heads[number]
        except KeyError:
            raise Damaged("a family's labels are missing") from None

    def _read(self) -> None:
        for number, head in self._register:
            try:
                self._heads[number] = msgspec.msgpack.decode(head, type=Head)
            except msgspec.MsgspecError as wrong:
                raise Damaged(f"a family's labels cannot be read: {wrong}") from None

    def keep(self) -> None:
        self._register.keep()

    def drop(self) -> None:
        self._register.drop()
        self._numbers.clear()


def moment(saved: Saved) -> bytes:
    pace, scalars = saved.pace, saved.scalars
    pauses = {method: (of.outcome, of.since, of.until, of.times) for method, of in pace.pauses.items()}
    return _pack((scalars.horizon, scalars.last_started, saved.correction, pace.last_started, pauses))


def counts(saved: Saved, heads: Heads) -> bytes:
    scalars = saved.scalars
    totals = saved.totals or {}
    numbers = list(zip(heads.numbers(totals), [series.numbers for series in totals.values()], strict=True))
    words = scalars.types, scalars.statuses, scalars.unlisted
    return _pack((scalars.learnt, scalars.votes, saved.messenger, *words, numbers))


def restored(moment: bytes, counts: bytes, heads: Heads) -> Saved:
    """Put an instance together. Raises `Damaged`."""
    try:
        then = msgspec.msgpack.decode(moment, type=_Moment)
        told = msgspec.msgpack.decode(counts, type=_Counts)
        totals = dict(_family(heads.head(number), numbers) for number, numbers in told.totals)
    except (msgspec.MsgspecError, TypeError, ValueError) as wrong:
        raise Damaged(f"a part of an instance cannot be read: {wrong}") from None
    scalars = Scalars(
        then.horizon, then.last_started, told.votes, known(Meaning, told.learnt) or Meaning.AUTO, told.types,
        told.statuses, tuple((field, key) for field, key in told.unlisted if field in FIELDS),
    )  # fmt: skip
    totals = {family: totals[family] for family in FAMILIES if family in totals}
    messenger = told.messenger if told.messenger in MESSENGERS else UNKNOWN
    return Saved(scalars, totals or None, restored_pace(then.asked, then.pauses), then.correction, messenger)


def known(words: type[Word], word: str) -> Word | None:
    return words(word) if word in words.__members__.values() else None


def restored_pace(asked: Mapping[str, float], stored: Mapping[str, tuple[str, float, float, int]]) -> SavedPace:
    pauses = {
        method: Pause(outcome, since, until, times)
        for word, (of, since, until, times) in stored.items()
        if (method := known(Method, word)) and (outcome := known(Outcome, of))
    }
    return SavedPace({method: at for word, at in asked.items() if (method := known(Method, word))}, pauses)


def rebucketed(stage: str, bounds: Sequence[float], counts: Sequence[int], total: float) -> Histogram:
    """The bounds may be those of another version: a count goes to the first of ours that is not below its own."""
    ours = BUCKETS[stage]
    if tuple(bounds) == ours:
        return Histogram(tuple(counts), total)
    moved = [0] * (len(ours) + 1)
    for bound, count in zip_longest(bounds, counts, fillvalue=inf):
        moved[bisect_left(ours, bound)] += int(count)
    return Histogram(tuple(moved), total)


def _family(head: Head, numbers: Sequence[Any]) -> tuple[str, Series[Any]]:
    if head.family in STAGES:
        numbers = [rebucketed(head.family, head.bounds, *latencies) for latencies in numbers]
    elif any(isinstance(number, tuple) for number in numbers):
        raise ValueError("a histogram where a number belongs")
    return head.family, Series.of(dict(zip(head.labels, numbers, strict=True)))


_MOST_SHAPES = 4096
_pack = msgspec.msgpack.encode
