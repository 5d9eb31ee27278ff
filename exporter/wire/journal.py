"""lastOutgoingMessages: an array of rows, newest first.

It mostly repeats the last answer, so its bytes are held against what `imprint` remembers of that one: where all is the
same nothing is decoded, where few elements differ only these are. Else it is read in three steps, each only where the
one before failed:
  1. the whole array into `JournalRow`, by msgspec, typed: nearly every answer;
  2. element by element, so that a row with a wrong type costs only itself;
  3. by the standard library, which takes what msgspec refuses anywhere in a text: a lone surrogate, left over where
     a text was cut inside an emoji. A number of absurd length or a NaN ends there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import msgspec

from .. import imprint
from ..model import Imprint, Journal, Repeat, Row
from . import row
from .row import JournalRow
from .text import as_utf8, parsed, unusable

_rows = msgspec.json.Decoder(list[JournalRow])
_elements = msgspec.json.Decoder(list[msgspec.Raw])

_MANY = 4
"""Where more than one element in so many has changed, it is cheaper to decode them all."""


def journal_after(last: Imprint | None, body: bytes) -> Journal | Repeat:
    """An answer, held against the imprint of the one before, if that has one.

    AnswerUnusable: `malformed` or `refused`; what a `Repeat` decodes afterwards raises nothing.
    """
    change = None if last is None else imprint.change(last, body)
    if change is None:
        return _whole(body, imprint.imprint_of(body))
    seen, changed = change.imprint, _rows_of(change)
    return _whole(body, seen) if changed is None else Repeat(changed, seen, _Whole(body, seen))


def _rows_of(change: imprint.Change) -> dict[int, Row] | None:
    """The rows that are not as they were, by place; None where there are many, or something else than a row."""
    if change.elements is None or len(change.elements) > len(change.imprint.begins) // _MANY:
        return None
    rows: dict[int, Row] = {}
    for place, element in change.elements.items():
        found = row.read(as_utf8(bytes(element)))
        if isinstance(found, str):
            return None
        rows[place] = found
    return rows


class _Whole:
    """All of an answer, decoded once somebody asks for it."""

    __slots__ = ("_body", "_journal", "_seen")

    def __init__(self, body: bytes, seen: Imprint) -> None:
        self._body = body
        self._seen = seen
        self._journal: Journal | None = None

    def __call__(self) -> Journal:
        if self._journal is None:
            self._journal = _whole(self._body, self._seen)
        return self._journal


def _whole(body: bytes, seen: Imprint | None) -> Journal:
    """Every element decoded."""
    body = as_utf8(body)
    try:
        return Journal(cast("list[Row]", _rows.decode(body)), {}, imprint=seen)
    except msgspec.ValidationError:
        pass  # some row, or the whole, has another shape
    except (msgspec.DecodeError, RecursionError):
        return _sorted_out(map(row.converted, _array(body)), seen)
    try:
        elements = _elements.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return _sorted_out(map(row.converted, _array(body)), seen)
    return _sorted_out(map(row.read, elements), seen)


def _sorted_out(found: Iterable[JournalRow | str], seen: Imprint | None) -> Journal:
    """`found`: for each element its row, or the reason why it cannot be used."""
    rows: list[Row] = []
    rejected: dict[str, int] = {}
    places: list[int] = []
    for place, each in enumerate(found):
        if isinstance(each, str):
            rejected[each] = rejected.get(each, 0) + 1
            places.append(place)
        else:
            rows.append(each)
    return Journal(rows, rejected, frozenset(places), seen)


def _array(body: bytes) -> list[object]:
    answer = parsed(body)
    if isinstance(answer, list):
        return answer
    raise unusable(answer, "an array of rows")
