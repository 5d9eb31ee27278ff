"""Between which two moments a message was delivered or read, and what an account's timestamps mean.

The journal tells no event times, only statuses at the moments it was asked; so an event lies between the start of the
request that last showed the earlier status and the arrival of the answer that shows the new one, unless the row's own
timestamp moved into that span: then it happened at that second. All times are the service's clock.
"""

from __future__ import annotations

from math import floor
from typing import NamedTuple

from ..model import DELIVERY, READ, Meaning
from .known import Message

OUTAGE = 300.0
"""A span wider than this and than two intervals is an outage: it says nothing about a latency."""

VOTES = 100
SENT_OR_DELIVERED = ("sent", "delivered")


class Span(NamedTuple):
    """An event lies in [low, high]."""

    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low


def too_wide(width: float, interval: float) -> bool:
    return width > OUTAGE and width > 2 * interval


def moved_into(message: Message, timestamp: int, span: Span) -> bool:
    """Whether the step that ends in `span` took the timestamp along: it is the second of the event then.

    A message that leaves pending may get a new timestamp for other reasons: no evidence.
    """
    return (
        message.status in SENT_OR_DELIVERED
        and timestamp != message.timestamp
        and floor(span.low) <= timestamp <= span.high
    )


def spans(message: Message, stages: tuple[str, ...], timestamp: int, between: Span) -> dict[str, Span]:
    """The span of each stage newly reached by a step that ends in `between` and shows `timestamp`."""
    if not stages or not moved_into(message, timestamp, between):
        return dict.fromkeys(stages, between)
    event = float(timestamp)
    found = {stages[-1]: Span(event, event)}
    if DELIVERY in stages and READ in stages:  # delivered was skipped: it happened before the reading
        found[DELIVERY] = Span(min(between.low, event), event)
    return found


def vote(message: Message, timestamp: int, span: Span) -> bool | None:
    """What a step to delivered or read says: True the timestamp follows the status, False it does not, None nothing.

    It does not if it stayed although an answer begun a second after it still showed the earlier status.
    """
    if not message.seen_sent or message.status not in SENT_OR_DELIVERED:
        return None
    if moved_into(message, timestamp, span):
        return True
    if timestamp == message.timestamp and span.low >= timestamp + 1:
        return False
    return None


class TimestampMeaning:
    """Learns from votes whether timestamps are the sending time or follow the last action; `auto` starts undecided."""

    __slots__ = ("_configured", "_learnt", "_votes")

    def __init__(self, configured: Meaning, votes: str = "", learnt: Meaning = Meaning.AUTO) -> None:
        self._configured = configured
        self._votes = votes
        self._learnt = learnt

    @property
    def in_force(self) -> Meaning:
        """SENT or LAST_ACTION; AUTO while nothing has decided it."""
        return self._learnt if self._configured is Meaning.AUTO else self._configured

    @property
    def learnt(self) -> Meaning:
        return self._learnt

    @property
    def votes(self) -> str:
        """The last VOTES of them, a 1 for each that moved and a 0 for each that stayed."""
        return self._votes

    def take(self, moved: bool) -> None:
        """A tie leaves what was decided before."""
        self._votes = (self._votes + "01"[moved])[-VOTES:]
        balance = 2 * self._votes.count("1") - len(self._votes)
        if balance:
            self._learnt = Meaning.LAST_ACTION if balance > 0 else Meaning.SENT

    def reconfigured(self, configured: Meaning) -> TimestampMeaning:
        return TimestampMeaning(configured, self._votes, self._learnt)
