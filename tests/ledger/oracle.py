"""The rules of counting once more, as naive as can be: whatever was shown is kept, nothing is fast, nothing saved.

The property tests hold the ledger against this. It was written from the rules as users were promised them, not
from the ledger, and shares nothing with it but the vocabulary. Where they are silent a comment says what was taken.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from math import floor

from exporter.model import MESSAGE_TYPES

LADDER = ["none", "other", "pending", "yellowCard", "suspended", "sent", "delivered", "read"]
FINALS = ["noAccount", "notInGroup", "failed", "noActiveSession"]
ANNOTATIONS = ["deletedMessage", "editedMessage", "reactionMessage", "pollUpdateMessage"]
ROADS = {"sent": ["sent"], "delivered": ["sent", "delivered"], "read": ["sent", "delivered", "read"]}
STAGE = {"delivered": "delivery", "read": "read"}
KNOWN_WORDS = {*LADDER, *FINALS} - {"none", "other"}


@dataclass(frozen=True)
class Row:
    """A usable row as the rules speak of it; equal to the ledger's `model.Row` in shape."""

    id: str
    chat: str
    timestamp: int
    status: str | None = "sent"
    message_type: str | None = "textMessage"
    by_api: object = True


@dataclass
class Sight:
    """One answer that showed the message."""

    started: float
    arrived: float
    status: str
    timestamp: int


@dataclass
class Life:
    """One message and all that was ever shown of it."""

    counted: bool
    message_type: str
    origin: str
    first_timestamp: int
    first_seen: float
    ahead: bool
    first_status: str
    status: str
    reached: set[str] = field(default_factory=set)
    sights: list[Sight] = field(default_factory=list)
    """Every answer that showed it."""
    accepted: list[Sight] = field(default_factory=list)
    """Those of them that showed the status it was in, or moved it forward."""
    settled: bool = False


def label(word: str | None) -> str:
    if not word:
        return "none"
    return {"fail": "failed"}.get(word, word if word in KNOWN_WORDS else "other")


def type_label(word: str | None) -> str:
    return "none" if not word else word if word in MESSAGE_TYPES else "other"


def furthest(rows: list[Row]) -> Row:
    """Read, delivered, any final one, sent, and so on down; among equals the first."""
    order = ["read", "delivered", *FINALS, "sent", "suspended", "yellowCard", "pending", "other", "none"]
    best = min(order.index(label(row.status)) for row in rows)
    return next(row for row in rows if order.index(label(row.status)) == best)


def can_become(status: str, shown: str) -> bool:
    if status in FINALS:
        return False
    if shown in FINALS:
        return status not in ("delivered", "read")
    return LADDER.index(shown) > LADDER.index(status)


class Oracle:
    """The whole history of one account. `meaning` is "sent" or "last_action": what is learnt is tested elsewhere."""

    def __init__(self, meaning: str) -> None:
        self.last_action = meaning == "last_action"
        self.horizon: float | None = None
        self.last_success: float | None = None
        self.lives: dict[tuple[str, str], Life] = {}
        self.messages: Counter[tuple[str, str]] = Counter()
        self.reached: Counter[tuple[str, str, str]] = Counter()
        self.settled: Counter[str] = Counter()
        self.observed: list[tuple[str, str, float, float]] = []
        """(stage, type, value, width) of every latency that was measured."""
        self.unmeasured: Counter[tuple[str, str]] = Counter()
        self.conflicts = 0
        self.gap = 0.0

    def take(self, rows: list[Row], started: float, arrived: float, window: float, interval: float) -> None:
        """One good answer that was not truncated."""
        baseline = self.horizon is None
        if self.last_success is not None:
            self.gap += max(0.0, started - window - (self.last_success - 120))
        real = [row for row in rows if row.message_type not in ANNOTATIONS]
        if self.horizon is None:
            newest = max((row.timestamp for row in rows), default=0)
            # Timestamps are whole seconds, so the bounds are too: floored, lest a message of that second be lost.
            self.horizon = min(max(newest, floor(arrived) - 120), floor(arrived))
        by_key = sorted(real, key=lambda row: (row.chat, row.id))
        for key, several in groupby(by_key, key=lambda row: (row.chat, row.id)):
            self._see(key, list(several), started, arrived, interval, baseline)
        self._settle(arrived, min(window, 86_400), interval)
        self._forget(started, window)
        self.last_success = started

    def _see(
        self, key: tuple[str, str], rows: list[Row], started: float, arrived: float, interval: float, baseline: bool
    ) -> None:
        row = furthest(rows)
        shown = label(row.status)
        sight = Sight(started, arrived, shown, row.timestamp)
        if key not in self.lives:
            assert self.horizon is not None
            first = rows[0]
            origin = "api" if first.by_api is True else "phone" if first.by_api is False else "unknown"
            life = self.lives[key] = Life(
                not baseline and row.timestamp >= self.horizon, type_label(first.message_type), origin, row.timestamp,
                arrived, row.timestamp > arrived + 2, shown, shown,
            )  # fmt: skip
            if life.counted:
                self.messages[life.message_type, origin] += 1
            self._reach(life, sight, interval)
            life.accepted.append(sight)
        else:
            life = self.lives[key]
            if can_become(life.status, shown):
                life.status = shown
                self._reach(life, sight, interval)
                life.accepted.append(sight)
            elif shown == life.status:
                life.accepted.append(sight)
            elif shown != life.sights[-1].status:
                self.conflicts += 1
        life.sights.append(sight)

    def _reach(self, life: Life, now: Sight, interval: float) -> None:
        if not life.counted:
            return
        new = [status for status in ROADS.get(now.status, [now.status]) if status not in life.reached]
        life.reached.update(new)
        for status in new:
            self.reached[status, life.message_type, life.origin] += 1
        for status in new:
            if status in STAGE:
                self._measure(life, status, now, interval)

    def _measure(self, life: Life, status: str, now: Sight, interval: float) -> None:
        """A conflicting row showed an earlier status too, so low moves with it; its timestamp is ignored with it."""
        before = life.accepted[-1] if life.accepted else None
        low = life.sights[-1].started if life.sights else float(life.first_timestamp)
        low, high = min(low, now.arrived), now.arrived
        had_been_sent = before is not None and before.status in ("sent", "delivered")
        if before and had_been_sent and now.timestamp != before.timestamp and floor(low) <= now.timestamp <= high:
            high = float(now.timestamp)
            low = high if status == now.status else min(low, high)
        seen_too_late = life.first_status in ("delivered", "read")
        stage = STAGE[status]
        if high - low > max(300, 2 * interval) or life.ahead or (self.last_action and seen_too_late):
            self.unmeasured[stage, life.message_type] += 1
        else:
            self.observed.append((stage, life.message_type, max(0.0, high - life.first_timestamp), high - low))

    def _settle(self, now: float, age: float, interval: float) -> None:
        for life in self.lives.values():
            due = min(life.first_timestamp, life.first_seen) + age
            if life.counted and not life.settled and now >= due:
                life.settled = True
                # An answer stands for the moment its request began: nothing later is sure to be in it.
                absent = life.sights[-1].started < due - max(300, 2 * interval)
                self.settled["unknown" if absent else life.status] += 1

    def _forget(self, now: float, window: float) -> None:
        assert self.horizon is not None
        for key, life in list(self.lives.items()):
            shown = life.sights[-1].started
            if now - shown >= 2 * window:
                # One second beyond its sending time, or it would be counted again should it come back.
                self.horizon = max(self.horizon, min(life.first_timestamp + 1, shown))
                del self.lives[key]
