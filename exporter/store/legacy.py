"""What schema 1 wrote of an instance: a part for each subject and each family of totals, with all words in each.

Only read: the first commit of an instance replaces these parts by those of today.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from ..instance import Saved
from ..ledger import Scalars
from ..ledger.totals import FAMILIES
from ..ledger.vocabulary import FIELDS
from ..model import MESSENGERS, STAGES, UNKNOWN, Meaning
from ..series import Series
from .parts import known, rebucketed, restored_pace
from .seal import Damaged

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
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float


_Numbers = list[tuple[tuple[str, ...], int | float]]
_Latencies = list[tuple[tuple[str, ...], _Histogram]]


def restored(blobs: Mapping[str, bytes]) -> Saved:
    """Put an instance together; a missing part has its default. Raises `Damaged`."""
    try:
        ledger, words = _read(blobs, "ledger", _Ledger()), _read(blobs, "words", _Words())
        service, pace = _read(blobs, "service", _Service()), _read(blobs, "pace", _Pace())
        votes = _read(blobs, "votes", _Votes()).moved
        totals = {family: _family(family, blobs[_TOTALS + family]) for family in FAMILIES if _TOTALS + family in blobs}
    except msgspec.MsgspecError as wrong:
        raise Damaged(f"a part of an instance cannot be read: {wrong}") from None
    scalars = Scalars(
        ledger.horizon, ledger.last_started, "".join("01"[moved] for moved in votes),
        known(Meaning, ledger.learnt) or Meaning.AUTO, words.types, words.statuses,
        tuple((field, key) for field, key in words.unlisted if field in FIELDS),
    )  # fmt: skip
    pauses = {word: (of.outcome, of.since, of.until, of.times) for word, of in pace.pauses.items()}
    messenger = service.messenger if service.messenger in MESSENGERS else UNKNOWN
    return Saved(scalars, totals or None, restored_pace(pace.last_started, pauses), service.correction, messenger)


def _read(blobs: Mapping[str, bytes], name: str, default: Part) -> Part:
    return msgspec.msgpack.decode(blobs[name], type=type(default)) if name in blobs else default


def _family(family: str, blob: bytes) -> Series[Any]:
    if family not in STAGES:
        return Series.of(dict(msgspec.msgpack.decode(blob, type=_Numbers)))
    stored = msgspec.msgpack.decode(blob, type=_Latencies)
    return Series.of({labels: rebucketed(family, of.bounds, of.counts, of.sum) for labels, of in stored})
