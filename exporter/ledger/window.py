"""What one answer shows by itself: the window gauges. Nothing here is counted or committed."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from math import inf
from operator import attrgetter
from typing import NamedTuple

from ..model import ANNOTATION_TYPES, REJECTIONS, Journal, Row
from ..series import Series, shape
from .order import status_label, type_label
from .vocabulary import Vocabulary, Words

ROW_LIMITS = {"whatsapp": 10_000, "waba": 10_000, "telegram": 10_000, "max": 5_000}
"""Rows that the service hands out at most. Source: the journal pages of the products."""

CHAT_TYPES = ("private", "group", "other")
AGES = ("under_5m", "5m_1h", "1h_6h", "over_6h")
_BOUNDS = (300.0, 3600.0, 21600.0)
"""The ages in seconds at which each label but the first begins."""
WAITING = ("pending", "sent")

_words = attrgetter("status", "message_type")
_chat, _timestamp = attrgetter("chat"), attrgetter("timestamp")


class Window(NamedTuple):
    """The last answer in numbers. Times in Unix seconds of the service's clock, spans in seconds.

    `counts`: rows by (status, type) label, with a 0 for every pair of a type and a status that the account has met.
    `chats` by type of chat, `rejected` by reason, `waiting` by (status, age).
    """

    asked: float
    covered: float
    truncated: bool
    counts: Series[int]
    chats: Series[int]
    rejected: Series[int]
    waiting: Series[int]
    oldest_pending: int | None


class Move(NamedTuple):
    """A message that stands where it stood in the last answer, of the same type: what the row said, what it says."""

    message_type: str
    old_status: str
    old_timestamp: int
    new_status: str
    new_timestamp: int

    @property
    def stays(self) -> bool:
        """Whether it is no move at all."""
        return self.old_status == self.new_status and self.old_timestamp == self.new_timestamp


class _Ages(NamedTuple):
    """How many messages wait, by status and age, from a moment on until the next one grows too old for its label."""

    waiting: Series[int]
    since: float
    until: float


_CHATS, _REJECTED = shape((word,) for word in CHAT_TYPES), shape((reason,) for reason in REJECTIONS)
_WAITING = shape((status, age) for status in WAITING for age in AGES)


class Tally:
    """The elements of one answer, counted; `move` follows an answer that shows the same messages, some moved on."""

    __slots__ = ("_ages", "_chats", "_counts", "_length", "_oldest", "_rejected", "_waiting")

    def __init__(self, journal: Journal, met: Words, vocabulary: Vocabulary) -> None:
        """`met` are the `words` of the rows; the vocabulary knows them already."""
        counts = {(status, type_): 0 for type_ in vocabulary.types for status in vocabulary.statuses}
        for (status, message_type), number in met.items():
            counts[status_label(status), type_label(message_type)] += number
        self._counts = Series.of(counts)
        self._chats = Series(_CHATS, tuple(map(_chats(journal.rows).__getitem__, CHAT_TYPES)))
        self._rejected = Series(_REJECTED, tuple(journal.rejected.get(reason, 0) for reason in REJECTIONS))
        self._length = journal.length
        self._oldest: int | None = min(map(_timestamp, journal.rows), default=None)
        self._waiting = {status: array("q", sorted(_sent_at(journal.rows, status))) for status in WAITING}
        self._ages: _Ages | None = None

    def follows(self, moves: Iterable[Move]) -> bool:
        """Whether it can; else the rows must be counted anew, as when there are no series yet for what they say."""
        places = self._counts.shape.places
        for move in moves:
            if (move.new_status, move.message_type) not in places:
                return False
            if move.new_timestamp != move.old_timestamp == self._oldest:
                return False
        return True

    def move(self, moves: Sequence[Move]) -> None:
        if not moves:
            return
        self._ages = None
        counts, places = list(self._counts.numbers), self._counts.shape.places
        for move in moves:
            counts[places[move.old_status, move.message_type]] -= 1
            counts[places[move.new_status, move.message_type]] += 1
            if move.old_status in WAITING:
                sent = self._waiting[move.old_status]
                sent.pop(bisect_left(sent, move.old_timestamp))
            if move.new_status in WAITING:
                insort(self._waiting[move.new_status], move.new_timestamp)
            self._oldest = min(self._oldest or move.new_timestamp, move.new_timestamp)
        self._counts = Series(self._counts.shape, tuple(counts))

    def window(self, *, started: float, arrived: float, asked: float, messenger: str) -> Window:
        """The gauges of the answer that was tallied."""
        truncated = is_truncated(self._length, messenger)
        covered = asked
        if truncated and self._oldest is not None:
            covered = min(asked, max(0.0, started - self._oldest))
        if self._ages is None or not self._ages.since <= arrived < self._ages.until:
            self._ages = self._aged(arrived)
        pending = self._waiting["pending"]
        return Window(
            asked, covered, truncated, self._counts, self._chats, self._rejected, self._ages.waiting,
            pending[0] if pending else None,
        )  # fmt: skip

    def _aged(self, now: float) -> _Ages:
        ages, until = [], inf
        for sent in self._waiting.values():
            reached = len(sent)
            for bound in _BOUNDS:
                before, reached = reached, bisect_right(sent, now - bound)
                ages.append(before - reached)
                if reached < before:
                    until = min(until, sent[reached] + bound)
            ages.append(reached)
        return _Ages(Series(_WAITING, tuple(ages)), now, until)


def words(rows: Iterable[Row]) -> Words:
    """The raw words of rows."""
    return Counter(map(_words, rows))


def is_truncated(length: int, messenger: str) -> bool:
    """Whether an answer of so many rows hit the service's row limit; an unknown product may have either limit."""
    if messenger in ROW_LIMITS:
        return length >= ROW_LIMITS[messenger]
    return length == ROW_LIMITS["max"] or length >= ROW_LIMITS["whatsapp"]


def _sent_at(rows: Iterable[Row], status: str) -> Iterable[int]:
    return [row.timestamp for row in rows if row.status == status and row.message_type not in ANNOTATION_TYPES]


def _chats(rows: Iterable[Row]) -> dict[str, int]:
    chats = dict.fromkeys(CHAT_TYPES, 0)
    for chat in set(map(_chat, rows)):
        chats[chat_type(chat)] += 1
    return chats


def chat_type(chat: str) -> str:
    """WhatsApp marks the kind behind an @; Telegram and MAX use bare numbers, negative for groups.

    Source: https://green-api.com/en/docs/api/chat-id/
    """
    if chat.endswith(("@c.us", "@lid")):
        return "private"
    if chat.endswith("@g.us"):
        return "group"
    if chat.removeprefix("-").isdecimal():
        return "group" if chat.startswith("-") else "private"
    return "other"
