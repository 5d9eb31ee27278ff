"""An instance but for its messages, as named parts: each is written only when it changed.

Owns the shapes that lie in the file (MessagePack). Every word is stored as a word, never as its place in a
vocabulary, and what this version does not know is read as unknown or left out: versions may come and go.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import zip_longest
from math import inf
from typing import Any, TypeVar

import msgspec

from ..instance import Saved
from ..ledger import Scalars
from ..ledger.totals import BUCKETS, FAMILIES, Histogram
from ..ledger.vocabulary import FIELDS
from ..model import MESSENGERS, STAGES, UNKNOWN, Meaning, Method, Outcome
from ..pace import Pause, SavedPace
from ..series import Series
from .seal import Damaged

Word = TypeVar("Word", bound=StrEnum)
Part = TypeVar("Part")

_TOTALS = "totals/"
"""The parts that hold a family of totals are named by it, behind this."""


class _Ledger(msgspec.Struct):
    horizon: float | None = None
    last_started: float | None = None
    learnt: str = Meaning.AUTO.value


class _Votes(msgspec.Struct):
    moved: tuple[bool, ...] = ()


class _Words(msgspec.Struct):
    types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    unlisted: tuple[tuple[str, int], ...] = ()


class _Service(msgspec.Struct):
    correction: float = 0.0
    messenger: str = UNKNOWN


class _Pause(msgspec.Struct):
    outcome: str
    since: float
    until: float
    times: int


class _Pace(msgspec.Struct):
    last_started: dict[str, float] = {}
    pauses: dict[str, _Pause] = {}


class _Histogram(msgspec.Struct):
    """Counts beside their upper bounds, so that other buckets can take them over; the last count is beyond all."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float


_Counts = list[tuple[tuple[str, ...], int | float]]
_Latencies = list[tuple[tuple[str, ...], _Histogram]]

Parts = dict[str, Any]
"""Part name -> its value as the account has it: while it is the same or equal, it need not be written again."""


def parts(saved: Saved) -> Parts:
    """Take an instance apart."""
    scalars = saved.scalars
    found: Parts = {
        "ledger": (scalars.horizon, scalars.last_started, scalars.learnt),
        "votes": scalars.votes,
        "words": (scalars.types, scalars.statuses, scalars.unlisted),
        "service": (saved.correction, saved.messenger),
        "pace": saved.pace,
    }
    if saved.totals is not None:
        found |= {_TOTALS + family: series for family, series in saved.totals.items()}
    return found


def encode(name: str, value: Any) -> bytes:
    """One part as bytes."""
    if name.startswith(_TOTALS):
        return _pack(_series(name.removeprefix(_TOTALS), value))
    return _pack(_WRITTEN[name](value))


def restored(blobs: Mapping[str, bytes]) -> Saved:
    """Put an instance together; a missing part has its default. Raises `Damaged`."""
    try:
        ledger = _read(blobs, "ledger", _Ledger())
        words = _read(blobs, "words", _Words())
        service = _read(blobs, "service", _Service())
        scalars = Scalars(
            ledger.horizon, ledger.last_started, _read(blobs, "votes", _Votes()).moved,
            _known(Meaning, ledger.learnt) or Meaning.AUTO, words.types, words.statuses,
            tuple((field, key) for field, key in words.unlisted if field in FIELDS),
        )  # fmt: skip
        totals = {family: _family(family, blobs[_TOTALS + family]) for family in FAMILIES if _TOTALS + family in blobs}
        messenger = service.messenger if service.messenger in MESSENGERS else UNKNOWN
        return Saved(scalars, totals or None, _pace(_read(blobs, "pace", _Pace())), service.correction, messenger)
    except msgspec.MsgspecError as wrong:
        raise Damaged(f"a part of an instance cannot be read: {wrong}") from None


def _read(blobs: Mapping[str, bytes], name: str, default: Part) -> Part:
    return msgspec.msgpack.decode(blobs[name], type=type(default)) if name in blobs else default


def _known(words: type[Word], word: str) -> Word | None:
    return words(word) if word in words.__members__.values() else None


def _written_pace(pace: SavedPace) -> _Pace:
    pauses = {
        method.value: _Pause(pause.outcome, pause.since, pause.until, pause.times)
        for method, pause in pace.pauses.items()
    }
    return _Pace({method.value: at for method, at in pace.last_started.items()}, pauses)


def _pace(stored: _Pace) -> SavedPace:
    pauses: dict[Method, Pause] = {}
    for word, pause in stored.pauses.items():
        if (method := _known(Method, word)) and (outcome := _known(Outcome, pause.outcome)):
            pauses[method] = Pause(outcome, pause.since, pause.until, pause.times)
    started = {method: at for word, at in stored.last_started.items() if (method := _known(Method, word))}
    return SavedPace(started, pauses)


def _series(family: str, series: Mapping[tuple[str, ...], Any]) -> list[tuple[tuple[str, ...], Any]]:
    if family in STAGES:
        return [(labels, _Histogram(BUCKETS[family], h.counts, h.sum)) for labels, h in series.items()]
    return list(series.items())


def _family(family: str, blob: bytes) -> Series[Any]:
    if family not in STAGES:
        return Series.of(dict(msgspec.msgpack.decode(blob, type=_Counts)))
    latencies = msgspec.msgpack.decode(blob, type=_Latencies)
    return Series.of({labels: _rebucketed(family, stored) for labels, stored in latencies})


def _rebucketed(stage: str, stored: _Histogram) -> Histogram:
    """The bounds may be those of another version: a count goes to the first of ours that is not below its own."""
    bounds = BUCKETS[stage]
    if stored.bounds == bounds:
        return Histogram(stored.counts, stored.sum)
    counts = [0] * (len(bounds) + 1)
    for bound, count in zip_longest(stored.bounds, stored.counts, fillvalue=inf):
        counts[bisect_left(bounds, bound)] += int(count)
    return Histogram(tuple(counts), stored.sum)


_pack = msgspec.msgpack.encode
_WRITTEN: Mapping[str, Callable[[Any], msgspec.Struct]] = {
    "ledger": lambda value: _Ledger(*value),
    "votes": _Votes,
    "words": lambda value: _Words(*value),
    "service": lambda value: _Service(*value),
    "pace": _written_pace,
}
