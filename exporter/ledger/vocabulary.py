"""The words an account has met: types and statuses that have series, and the unlisted ones, remembered as hashes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..model import ALL_MESSAGE_TYPES, ALL_STATUSES, OTHER, STATUSES
from .order import status_label, type_label
from .sightings import KeyOf

FIELDS = ("statusMessage", "typeMessage", "stateInstance")
MOST_UNLISTED = 1_000
"""Distinct unlisted words remembered per field."""

Words = Mapping[tuple[str | None, str | None], int]
"""Raw (status, type) words of rows, and how often each pair came."""


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A word of the service that this version does not list, met for the first time."""

    field: str
    word: str


class Vocabulary:
    """`types` and `statuses` are labels in the vocabularies' order; both only grow, and are bounded by them."""

    __slots__ = ("_key_of", "_unlisted", "statuses", "types", "unlisted")

    def __init__(
        self, key_of: KeyOf, types: Iterable[str], statuses: Iterable[str], unlisted: Iterable[tuple[str, int]]
    ) -> None:
        self._key_of = key_of
        self.types = tuple(types)
        self.statuses = tuple(word for word in ALL_STATUSES if word in {*statuses, *STATUSES})
        self._unlisted: dict[str, set[int]] = {field: set() for field in FIELDS}
        for field, memory in unlisted:
            self._unlisted[field].add(memory)
        self.unlisted = self._memories()

    def meet(self, words: Words) -> list[Unlisted]:
        """Remember the words of an answer; those that are unlisted and new."""
        labels = {pair: (status_label(pair[0]), type_label(pair[1])) for pair in words}
        self.statuses = _joined(ALL_STATUSES, self.statuses, {status for status, _ in labels.values()})
        self.types = _joined(ALL_MESSAGE_TYPES, self.types, {message_type for _, message_type in labels.values()})
        met = (
            self.meet_word(field, word)
            for pair, of_pair in labels.items()
            for field, word, label in zip(FIELDS, pair, of_pair, strict=False)
            if word and label == OTHER
        )
        return [unlisted for unlisted in met if unlisted is not None]

    def meet_word(self, field: str, word: str) -> Unlisted | None:
        """None for an unlisted word of one of FIELDS that was met before, or comes when the memory is full."""
        memory = self._unlisted[field]
        key = self._key_of(field, word)
        if key in memory or len(memory) >= MOST_UNLISTED:
            return None
        memory.add(key)
        self.unlisted = self._memories()
        return Unlisted(field, word)

    def _memories(self) -> tuple[tuple[str, int], ...]:
        return tuple((field, key) for field, memory in self._unlisted.items() for key in sorted(memory))


def _joined(vocabulary: tuple[str, ...], known: tuple[str, ...], met: set[str]) -> tuple[str, ...]:
    return known if met <= set(known) else tuple(word for word in vocabulary if word in met or word in known)
