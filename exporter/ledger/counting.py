"""What the sightings of messages amount to: counted once, forward only, measured, settled, forgotten.

Owns the rules and the known messages; every step writes to the totals at once and notes which messages a commit must
carry. Times are arguments, in Unix seconds of the service's clock.
"""

from __future__ import annotations

from math import floor
from typing import NamedTuple

from ..model import API, OTHER, PHONE, STAGES, STATUSES, UNKNOWN, UNSETTLED, Imprint, Journal, Meaning, Repeat
from . import latency, order, totals
from .known import Known, Message, Slot
from .latency import Span, TimestampMeaning
from .sightings import KeyOf, LastAnswer, Sighting
from .totals import Totals
from .window import Move

JOURNAL_LAG = 120
"""Seconds until a new message stands in the journal. Source: the WhatsApp page of lastOutgoingMessages."""
SETTLING_AGE = 86_400.0
AHEAD = 2.0
"""Seconds that a first timestamp may lie ahead of now before it is no sending time to measure from."""
_SWEEP_EVERY = 60.0
_AT_HAND = 16
"""So many changed messages of an account are kept for the next commit as they are."""


class Answer(NamedTuple):
    """One good answer. `asked` and `interval` in seconds: the span asked for, and the query interval in force."""

    journal: Journal | Repeat
    started: float
    arrived: float
    asked: float
    interval: float
    messenger: str = UNKNOWN


class Counting:
    """The messages of one account. `horizon` and `last_started` are None before the first answer, the baseline."""

    __slots__ = (
        "_declared", "_last_answer", "_next_settling", "_next_sweep", "_totals", "dirty", "forgotten", "horizon",
        "known", "last_started", "meaning",
    )  # fmt: skip

    def __init__(
        self, key_of: KeyOf, known: Known, numbers: Totals, meaning: TimestampMeaning,
        horizon: float | None, last_started: float | None,
    ) -> None:  # fmt: skip
        self.known = known
        self.meaning = meaning
        self.horizon = horizon
        self.last_started = last_started
        self.dirty: dict[Slot, Message | None] = {}
        """The messages that changed since the last commit, by slot. A few are at hand, the others (None) are looked up:
        a first answer, or a disk that is full for hours, brings thousands."""
        self.forgotten: set[int] = set()
        """Keys of messages that were forgotten since then."""
        self._totals = numbers
        self._last_answer = LastAnswer(known, key_of)
        self._declared: set[tuple[str, str]] = set()
        self._next_settling = self._next_sweep = 0.0

    @property
    def imprint(self) -> Imprint | None:
        """The last answer's, which the next one's bytes may be held against."""
        return self._last_answer.imprint

    def handed_over(self) -> None:
        """A commit carries all that changed up to now. It is read by the store's thread while answers go on coming in,
        so what they change goes elsewhere."""
        self.dirty, self.forgotten = {}, set()

    def look_again(self) -> None:
        """The window may be another one: look through all messages at the next answer."""
        self._next_settling = self._next_sweep = 0.0

    def take(self, answer: Answer) -> list[Move] | None:
        """Take an answer's rows in; how messages moved on, or None when it does not show just those of the last one."""
        difference = self._last_answer.compare(answer.journal)
        baseline = self.horizon is None
        if self.horizon is None:
            self.horizon = _first_horizon(answer)
        for slot in difference.vanished:
            self._vanish(slot)
        moves: list[Move | None] = []
        slots: dict[int, Slot] = {}
        for sighting in difference.sightings:
            if sighting.slot is None:
                slots[sighting.key] = self._meet(sighting, answer, counted=not baseline)
            else:
                slots[sighting.key] = sighting.slot
                moves.append(self._see_again(sighting, sighting.slot, answer))
        self._last_answer.remember(answer.journal, difference, slots)
        self.last_started = answer.started
        self._settle(answer)
        self._forget(answer)
        known_moves = [move for move in moves if move is not None]
        return known_moves if difference.same_messages and len(known_moves) == len(moves) else None

    def _meet(self, sighting: Sighting, answer: Answer, *, counted: bool) -> Slot:
        """A message is seen for the first time."""
        row = sighting.furthest
        status, message_type = order.status_label(row.status), order.type_label(sighting.first.message_type)
        origin = _origin(sighting.first.by_api)
        self.declare(message_type, origin)
        message = Message(
            sighting.key, status, status, message_type, origin,
            sent=row.timestamp, timestamp=row.timestamp, shown_at=answer.started,
            born=min(float(row.timestamp), answer.arrived),
            counted=counted and row.timestamp >= (self.horizon or 0.0),
            ahead=row.timestamp > answer.arrived + AHEAD,
            late=order.at_least_delivered(status),
            seen_sent=status == "sent",
            odd=order.type_label(row.message_type) != message_type,
        )  # fmt: skip
        if message.counted:
            self._totals.add(totals.MESSAGES, (message_type, origin))
            self._next_settling = min(self._next_settling, message.born + _settling_age(answer.asked))
            between = Span(message.born, answer.arrived)
            self._reach(message, order.reached(None, status), dict.fromkeys(STAGES, between), answer.interval)
        slot = self.known.add(message)
        self._note(slot, message)
        return slot

    def _see_again(self, sighting: Sighting, slot: Slot, answer: Answer) -> Move | None:
        """The move that the window's tally can follow; None if it cannot tell what the row before was."""
        row = sighting.furthest
        status, message_type = order.status_label(row.status), order.type_label(row.message_type)
        message = self.known.get(slot)
        move = Move(message_type, message.status, message.timestamp, status, row.timestamp)
        was_plain = not message.odd
        listed = OTHER not in (status, message_type)  # another other may be another word
        if was_plain and listed and message.present and move.stays and message_type == message.message_type:
            return move  # something else in the row has changed
        if status == message.status:
            message.timestamp = row.timestamp
        elif order.may_become(message.status, status):
            low = min(self._shown_at(message), answer.arrived)
            self._advance(message, status, row.timestamp, Span(low, answer.arrived), answer)
        elif status != message.shown:
            self._totals.add(totals.CONFLICTS)
        message.shown, message.shown_at, message.present = status, answer.started, True
        message.odd = status != message.status or message_type != message.message_type
        self._keep(slot, message)
        return move if was_plain and not message.odd and listed else None

    def _advance(self, message: Message, status: str, timestamp: int, between: Span, answer: Answer) -> None:
        newly = order.reached(message.status, status)
        if stages := order.stages(newly):
            moved = latency.vote(message, timestamp, between)
            if moved is not None:
                self.meaning.take(moved)
        if message.counted:
            self._reach(message, newly, latency.spans(message, stages, timestamp, between), answer.interval)
        message.status, message.timestamp = status, timestamp
        message.seen_sent = message.seen_sent or status == "sent"

    def _reach(self, message: Message, newly: tuple[str, ...], spans: dict[str, Span], interval: float) -> None:
        for status in newly:
            self._totals.add(totals.REACHED, (status, message.message_type, message.origin))
        for stage in order.stages(newly):
            self._measure(message, stage, spans[stage], interval)

    def _measure(self, message: Message, stage: str, span: Span, interval: float) -> None:
        labels = (stage, message.message_type)
        sending_time_unknown = message.ahead or (message.late and self.meaning.in_force is not Meaning.SENT)
        if sending_time_unknown or latency.too_wide(span.width, interval):
            self._totals.add(totals.UNMEASURED, labels)
        else:
            self._totals.observe(stage, message.message_type, max(0.0, span.high - message.sent))
            self._totals.add(totals.UNCERTAINTY, labels, span.width)

    def _shown_at(self, message: Message) -> float:
        """The column is not written while a message stays in the answers: the account's own time holds for all."""
        return self.last_started or 0.0 if message.present else message.shown_at

    def _keep(self, slot: Slot, message: Message) -> None:
        self.known.put(slot, message)
        self._note(slot, message)

    def _note(self, slot: Slot, message: Message) -> None:
        self.dirty[slot] = message if len(self.dirty) < _AT_HAND else None

    def _vanish(self, slot: Slot) -> None:
        message = self.known.get(slot)
        message.shown_at, message.present = self._shown_at(message), False
        self._keep(slot, message)

    def _settle(self, answer: Answer) -> None:
        if answer.arrived < self._next_settling:
            return
        age = _settling_age(answer.asked)
        self._next_settling = float("inf")
        for born, slot in list(self.known.unsettled()):
            due = born + age
            if due > answer.arrived:
                self._next_settling = min(self._next_settling, due)
                continue
            message = self.known.get(slot)
            overdue = latency.too_wide(due - self._shown_at(message), answer.interval)
            self._totals.add(totals.SETTLED, (UNSETTLED if overdue else message.status,))
            message.settled = True
            self._keep(slot, message)

    def _forget(self, answer: Answer) -> None:
        if answer.arrived < self._next_sweep:
            return
        self._next_sweep = answer.arrived + min(_SWEEP_EVERY, answer.asked / 10)
        for shown_at, slot in list(self.known.absent()):
            if answer.started - shown_at < 2 * answer.asked:
                continue
            message = self.known.get(slot)
            # A second beyond its sending time: should it come back, it is older than the horizon and not counted again.
            self.horizon = max(self.horizon or 0.0, min(message.sent + 1.0, shown_at))
            self.known.forget(slot)
            self.dirty.pop(slot, None)
            self.forgotten.add(message.key)

    def declare(self, message_type: str, origin: str) -> None:
        """Make the series of messages of this type and origin exist before any is counted."""
        if (message_type, origin) not in self._declared:
            self._declared.add((message_type, origin))
            self._totals.declare(totals.MESSAGES, [(message_type, origin)])
            self._totals.declare(totals.REACHED, [(status, message_type, origin) for status in STATUSES])


def _first_horizon(answer: Answer) -> float:
    """The newest timestamp, but not before two minutes ago (rows still lagging) and not after now."""
    newest = max((row.timestamp for row in answer.journal.whole().rows), default=0)
    now = floor(answer.arrived)
    return float(min(max(newest, now - JOURNAL_LAG), now))


def _settling_age(asked: float) -> float:
    return min(asked, SETTLING_AGE)


def _origin(by_api: object) -> str:
    if isinstance(by_api, bool):
        return API if by_api else PHONE
    return UNKNOWN
