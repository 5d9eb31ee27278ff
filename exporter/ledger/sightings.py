"""Which messages does an answer show anew or changed, and which does it show no more?

An answer repeats nearly all of the last one, so a digest per element finds the few rows that are worth looking at.
Where it shows the very elements of the last one but for some rows, the `Repeat` brings just these. Digests are good for
one process only, hence the first answer after a start is looked at whole, and so is every one in which a message stands
twice.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..model import ANNOTATION_TYPES, Imprint, Journal, Repeat, Row
from .known import Known, Slot
from .order import FURTHEST_FIRST, status_label

KeyOf = Callable[[str, str], int]
"""(chat, id) -> the key under which a message is known: 63 bits that tell nothing about either."""

_NO_SLOT = 2**32 - 1
"""Stands for elements that are not messages of their own."""
_UNSIGNED = 2**64 - 1

_Element = tuple[Row | None, int]


@dataclass(slots=True)
class Sighting:
    """One message in one answer: its first row, its row of the furthest status, its slot (None: not known yet)."""

    key: int
    slot: Slot | None
    first: Row
    furthest: Row


class Difference(NamedTuple):
    """What an answer tells beyond the one before. `keys` are those of the rows behind `sightings`, None: no message.

    `same_messages`: the answer shows the very messages of the last one, row by row, some in another status.
    """

    sightings: list[Sighting]
    vanished: set[Slot]
    digests: array[int]
    keys: dict[int, int | None]
    before: dict[int, Slot]
    same_messages: bool = False


class LastAnswer:
    """Remembers the last answer as two numbers per element: its digest and its message's slot.

    `imprint` is what the next answer's bytes may be held against.
    """

    __slots__ = ("_digests", "_key_of", "_known", "_repeats", "_slots", "imprint")

    def __init__(self, known: Known, key_of: KeyOf) -> None:
        self._known = known
        self._key_of = key_of
        self._digests = array("Q")
        self._slots = array("I")
        self._repeats = False
        self.imprint: Imprint | None = None

    def compare(self, journal: Journal | Repeat) -> Difference:
        """`remember` must be told the slots of what is new in it."""
        if isinstance(journal, Repeat) and (amended := self._amended(journal)) is not None:
            return amended
        whole = journal.whole()
        elements = _elements(whole)
        digests = whole.imprint.digests if whole.imprint else array("Q", (digest for _, digest in elements))
        return (None if self._repeats else self._by_digest(elements, digests)) or self._whole(elements, digests)

    def remember(self, journal: Journal | Repeat, difference: Difference, slots: Mapping[int, Slot]) -> None:
        """`slots`: key -> slot for the keys of every sighting."""
        self.imprint = journal.imprint
        self._digests = difference.digests
        if difference.same_messages:
            return
        place = difference.before | {
            digest: _NO_SLOT if key is None else slots[key] for digest, key in difference.keys.items()
        }
        self._slots = array("I", map(place.__getitem__, difference.digests))
        distinct = len(set(self._slots) - {_NO_SLOT})
        self._repeats = distinct < len(self._slots) - self._slots.count(_NO_SLOT)

    def _amended(self, repeat: Repeat) -> Difference | None:
        """The usual case: every row stands where it stood, and a few have changed. None when it is another case."""
        if repeat.changed and self._repeats:
            return None
        sightings = []
        for place, row in repeat.changed.items():
            slot = self._slots[place]
            key = self._key_of(row.chat, row.id)
            if slot == _NO_SLOT or row.message_type in ANNOTATION_TYPES or self._known.key(slot) != key:
                return None
            sightings.append(Sighting(key, slot, row, row))
        return Difference(sightings, set(), repeat.imprint.digests, {}, {}, same_messages=True)

    def _by_digest(self, elements: Sequence[_Element], digests: array[int]) -> Difference | None:
        """Rows came or went. None when a message that changed has an unchanged row too: it stands twice."""
        if not self._digests:
            return None
        before = dict(zip(self._digests, self._slots, strict=True))
        difference = self._compare(
            [(row, digest) for row, digest in elements if digest not in before],
            digests, before, {before[gone] for gone in before.keys() - set(digests)},
        )  # fmt: skip
        staying = set(map(before.get, digests)) if difference.sightings else set()
        if any(sighting.slot in staying for sighting in difference.sightings if sighting.slot is not None):
            return None
        return difference

    def _whole(self, elements: Sequence[_Element], digests: array[int]) -> Difference:
        before = dict(zip(self._digests, self._slots, strict=True))
        return self._compare(elements, digests, before, self._known.present())

    def _compare(
        self, changed: Sequence[_Element], digests: array[int], before: dict[int, Slot], candidates: set[Slot]
    ) -> Difference:
        keys: dict[int, int | None] = {}
        groups: dict[int, Sighting] = {}
        for row, digest in changed:
            if row is None or row.message_type in ANNOTATION_TYPES:
                keys[digest] = None
                continue
            key = keys[digest] = self._key_of(row.chat, row.id)
            if key not in groups:
                groups[key] = Sighting(key, None, row, row)
            elif _further(row, groups[key].furthest):
                groups[key].furthest = row
        self._find_slots(groups)
        seen = {sighting.slot for sighting in groups.values()}
        return Difference(list(groups.values()), candidates - seen - {_NO_SLOT}, digests, keys, before)

    def _find_slots(self, groups: dict[int, Sighting]) -> None:
        index = self._known.index() if len(groups) > 4 else None
        for key, sighting in groups.items():
            sighting.slot = self._known.find(key) if index is None else index.get(key)


def _elements(journal: Journal) -> list[_Element]:
    """Every element's row (None: unusable) and digest."""
    if journal.imprint is None:
        return [(row, hash(row) & _UNSIGNED) for row in journal.rows]
    rows = iter(journal.rows)
    return [
        (None if place in journal.unusable else next(rows), digest)
        for place, digest in enumerate(journal.imprint.digests)
    ]


def _further(row: Row, than: Row) -> bool:
    return FURTHEST_FIRST[status_label(row.status)] < FURTHEST_FIRST[status_label(than.status)]
