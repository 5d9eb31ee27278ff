"""What one answer shows by itself: the window gauges. Nothing here is counted or committed."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from ..model import ANNOTATION_TYPES, Journal, Row
from .order import status_label, type_label
from .vocabulary import Vocabulary, Words

ROW_LIMITS = {"whatsapp": 10_000, "waba": 10_000, "telegram": 10_000, "max": 5_000}
"""Rows that the service hands out at most. Source: the journal pages of the products."""

CHAT_TYPES = ("private", "group", "other")
AGES = (("under_5m", 300.0), ("5m_1h", 3600.0), ("1h_6h", 21600.0), ("over_6h", float("inf")))
"""Age label and its upper bound in seconds."""
WAITING = ("pending", "sent")

_words = attrgetter("status", "message_type")
_chat, _timestamp = attrgetter("chat"), attrgetter("timestamp")


@dataclass(frozen=True, slots=True)
class Window:
    """The last answer in numbers. Times in Unix seconds of the service's clock, spans in seconds.

    `counts`: rows by (status, type) label, with a 0 for every pair of a type and a status that the account has met.
    """

    asked: float
    covered: float
    truncated: bool
    counts: dict[tuple[str, str], int]
    chats: dict[str, int]
    rejected: dict[str, int]
    waiting: dict[tuple[str, str], int]
    oldest_pending: int | None


@dataclass(frozen=True, slots=True)
class Move:
    """A message that stands where it stood in the last answer, of the same type: what the row said, what it says."""

    message_type: str
    old_status: str
    old_timestamp: int
    new_status: str
    new_timestamp: int


class Tally:
    """The rows of one answer, counted; `move` follows an answer that shows the same messages, some moved on."""

    __slots__ = ("_chats", "_counts", "_waiting")

    def __init__(self, rows: Sequence[Row], met: Words, vocabulary: Vocabulary) -> None:
        """`met` are the `words` of the rows; the vocabulary knows them already."""
        self._counts = {(status, type_): 0 for type_ in vocabulary.types for status in vocabulary.statuses}
        for (status, message_type), number in met.items():
            self._counts[status_label(status), type_label(message_type)] += number
        self._chats = _chats(rows)
        self._waiting = {status: array("q", sorted(_sent_at(rows, status))) for status in WAITING}

    def follows(self, moves: Iterable[Move]) -> bool:
        """Whether there are series for all of these; else the rows must be counted anew."""
        return all((move.new_status, move.message_type) in self._counts for move in moves)

    def move(self, moves: Sequence[Move]) -> None:
        if moves:
            self._counts = self._counts.copy()  # the last window keeps its own
        for move in moves:
            self._counts[move.old_status, move.message_type] -= 1
            self._counts[move.new_status, move.message_type] += 1
            if move.old_status in WAITING:
                sent = self._waiting[move.old_status]
                sent.pop(bisect_left(sent, move.old_timestamp))
            if move.new_status in WAITING:
                insort(self._waiting[move.new_status], move.new_timestamp)

    def window(self, journal: Journal, *, started: float, arrived: float, asked: float, messenger: str) -> Window:
        """The gauges of the answer that was tallied."""
        truncated = is_truncated(journal.length, messenger)
        covered = asked
        if truncated and journal.rows:
            covered = min(asked, max(0.0, started - min(map(_timestamp, journal.rows))))
        pending = self._waiting["pending"]
        return Window(
            asked, covered, truncated, self._counts, self._chats, journal.rejected, self._ages(arrived),
            pending[0] if pending else None,
        )  # fmt: skip

    def _ages(self, now: float) -> dict[tuple[str, str], int]:
        ages = {}
        for status, sent in self._waiting.items():
            younger = 0
            for age, bound in AGES:
                upto = len(sent) - bisect_right(sent, now - bound)  # an age of just `bound` is in the next label
                ages[status, age] = upto - younger
                younger = upto
        return ages


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
