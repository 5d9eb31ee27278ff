"""What one answer shows by itself: the window gauges. Nothing here is remembered, counted or committed."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from ..model import ANNOTATION_TYPES, Journal, Row
from .order import status_label, type_label

ROW_LIMITS = {"whatsapp": 10_000, "waba": 10_000, "telegram": 10_000, "max": 5_000}
"""Rows that the service hands out at most; Source: the journal pages of the products."""

CHAT_TYPES = ("private", "group", "other")
AGES = (("under_5m", 300.0), ("5m_1h", 3600.0), ("1h_6h", 21600.0), ("over_6h", float("inf")))
"""Age label and its upper bound in seconds."""
WAITING = ("pending", "sent")

Words = Mapping[tuple[str | None, str | None], int]

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


def is_truncated(length: int, messenger: str) -> bool:
    """Whether an answer of so many rows hit the service's row limit; an unknown product may have either limit."""
    if messenger in ROW_LIMITS:
        return length >= ROW_LIMITS[messenger]
    return length == ROW_LIMITS["max"] or length >= ROW_LIMITS["whatsapp"]


def words(journal: Journal) -> Words:
    """The raw (status, type) words of the rows, and how often each pair came."""
    return Counter(map(_words, journal.rows))


def summarise(
    journal: Journal, met: Words, *, types: Iterable[str], statuses: Iterable[str],
    started: float, arrived: float, asked: float, messenger: str, chats: dict[str, int] | None = None,
) -> Window:  # fmt: skip
    """`met` are the journal's `words`; `types` and `statuses` the labels that have series even at 0.

    `chats` are those of the answer before, where this one shows the same messages.
    """
    rows = journal.rows
    counts = {(status, message_type): 0 for message_type in types for status in statuses}
    for (status, message_type), number in met.items():
        counts[status_label(status), type_label(message_type)] += number
    truncated = is_truncated(journal.length, messenger)
    covered = asked
    if truncated and rows:
        covered = min(asked, max(0.0, started - min(map(_timestamp, rows))))
    waiting = {
        status: sorted(
            row.timestamp for row in rows if row.status == status and row.message_type not in ANNOTATION_TYPES
        )
        if any(status == word for word, _ in met)
        else []
        for status in WAITING
    }
    return Window(
        asked, covered, truncated, counts, chats or _chats(rows), journal.rejected, _ages(waiting, arrived),
        waiting["pending"][0] if waiting["pending"] else None,
    )  # fmt: skip


def _ages(waiting: Mapping[str, list[int]], now: float) -> dict[tuple[str, str], int]:
    """`waiting`: sorted sending times by status."""
    ages = {}
    for status, sent in waiting.items():
        younger = 0
        for age, bound in AGES:
            upto = len(sent) - bisect_right(sent, now - bound)  # an age of just `bound` is in the next label
            ages[status, age] = upto - younger
            younger = upto
    return ages


def _chats(rows: list[Row]) -> dict[str, int]:
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
