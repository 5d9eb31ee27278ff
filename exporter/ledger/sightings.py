"""Which messages does an answer show anew or changed, and which does it show no more?

An answer repeats nearly all of the last one, so a digest per row finds the few rows that are worth looking at. Digests
are Python's own hashes: good for one process only, hence the first answer after a start is looked at whole, and so is
every answer in which a message stands twice.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..model import ANNOTATION_TYPES, Row
from .known import Known, Slot
from .order import FURTHEST_FIRST, status_label

KeyOf = Callable[[str, str], int]
"""(chat, id) -> the key under which a message is known: 63 bits that tell nothing about either."""

_NO_SLOT = 2**32 - 1
"""Stands for rows that are not messages of their own."""


@dataclass(slots=True)
class Sighting:
    """One message in one answer: its first row, its row of the furthest status, its slot (None: not known yet)."""

    key: int
    slot: Slot | None
    first: Row
    furthest: Row


@dataclass(frozen=True, slots=True)
class Difference:
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
    """Remembers the last answer as two numbers per row: its digest and its message's slot."""

    __slots__ = ("_digests", "_key_of", "_known", "_repeats", "_slots")

    def __init__(self, known: Known, key_of: KeyOf) -> None:
        self._known = known
        self._key_of = key_of
        self._digests = array("q")
        self._slots = array("I")
        self._repeats = False

    def compare(self, rows: Sequence[Row]) -> Difference | None:
        """None: the very rows of the last answer. Else `remember` must be told the slots of what was new."""
        digests = array("q", map(hash, rows))
        if digests == self._digests and self._digests:
            return None
        if self._repeats:
            return self._whole(rows, digests)
        return self._in_place(rows, digests) or self._by_digest(rows, digests) or self._whole(rows, digests)

    def remember(self, difference: Difference, slots: Mapping[int, Slot]) -> None:
        """`slots`: key -> slot for the keys of every sighting."""
        self._digests = difference.digests
        if difference.same_messages:
            return
        place = difference.before | {
            digest: _NO_SLOT if key is None else slots[key] for digest, key in difference.keys.items()
        }
        self._slots = array("I", map(place.__getitem__, difference.digests))
        distinct = len(set(self._slots) - {_NO_SLOT})
        self._repeats = distinct < len(self._slots) - self._slots.count(_NO_SLOT)

    def _in_place(self, rows: Sequence[Row], digests: array[int]) -> Difference | None:
        """The usual case: every row stands where it stood, and a few have changed. None when it is another case."""
        if not digests or len(digests) != len(self._digests):
            return None
        changed = [place for place, (a, b) in enumerate(zip(digests, self._digests, strict=True)) if a != b]
        if len(changed) > len(digests) // 4:
            return None
        sightings = []
        for place in changed:
            row, slot = rows[place], self._slots[place]
            key = self._key_of(row.chat, row.id)
            if slot == _NO_SLOT or row.message_type in ANNOTATION_TYPES or self._known.key(slot) != key:
                return None
            sightings.append(Sighting(key, slot, row, row))
        return Difference(sightings, set(), digests, {}, {}, same_messages=True)

    def _by_digest(self, rows: Sequence[Row], digests: array[int]) -> Difference | None:
        """Rows came or went. None when a message that changed has an unchanged row too: it stands twice."""
        if not self._digests:
            return None
        before = dict(zip(self._digests, self._slots, strict=True))
        difference = self._compare(
            [(row, digest) for row, digest in zip(rows, digests, strict=True) if digest not in before],
            digests, before, {before[gone] for gone in before.keys() - set(digests)},
        )  # fmt: skip
        staying = set(map(before.get, digests)) if difference.sightings else set()
        if any(sighting.slot in staying for sighting in difference.sightings if sighting.slot is not None):
            return None
        return difference

    def _whole(self, rows: Sequence[Row], digests: array[int]) -> Difference:
        before = dict(zip(self._digests, self._slots, strict=True))
        return self._compare(list(zip(rows, digests, strict=True)), digests, before, self._known.present())

    def _compare(
        self, changed: list[tuple[Row, int]], digests: array[int], before: dict[int, Slot], candidates: set[Slot]
    ) -> Difference:
        keys: dict[int, int | None] = {}
        groups: dict[int, Sighting] = {}
        for row, digest in changed:
            if row.message_type in ANNOTATION_TYPES:
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


def _further(row: Row, than: Row) -> bool:
    return FURTHEST_FIRST[status_label(row.status)] < FURTHEST_FIRST[status_label(than.status)]
