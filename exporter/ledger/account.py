"""One instance's account: answers are folded in, every message counts once, forward only.

This is contract 7. Owns the rules and what must survive a restart; knows no JSON, no HTTP, no disk and no clock: every
time is an argument, in Unix seconds of the service's clock. A fold is one synchronous step, so nobody sees half of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor

from ..model import (
    ALL_MESSAGE_TYPES,
    ALL_STATUSES,
    ANNOTATION_TYPES,
    API,
    OTHER,
    PHONE,
    STAGES,
    STATUSES,
    UNKNOWN,
    UNSETTLED,
    Journal,
    Meaning,
)
from . import latency, order, totals, window
from .known import Known, Message, Slot
from .latency import Span, TimestampMeaning
from .sightings import KeyOf, LastAnswer, Sighting
from .totals import Snapshot, Totals
from .window import Window

JOURNAL_LAG = 120
"""Seconds until a new message stands in the journal. Source: the WhatsApp page of lastOutgoingMessages."""
SETTLING_AGE = 86_400.0
AHEAD = 2.0
"""Seconds that a first timestamp may lie ahead of now before it is no sending time to measure from."""
MOST_UNLISTED = 1_000
"""Distinct unlisted words remembered per field."""
FIELDS = ("statusMessage", "typeMessage", "stateInstance")
_SWEEP_EVERY = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One good answer. `asked` and `interval` in seconds: the span asked for, and the query interval in force."""

    journal: Journal
    started: float
    arrived: float
    asked: float
    interval: float
    messenger: str = UNKNOWN


@dataclass(frozen=True, slots=True)
class Scalars:
    """All of an account that must survive a restart, but for its totals and its messages.

    `horizon` and `last_started` (the start of the last good answer's request) are None before the baseline.
    """

    horizon: float | None = None
    last_started: float | None = None
    votes: tuple[bool, ...] = ()
    learnt: Meaning = Meaning.AUTO
    types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    unlisted: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What a commit must write: `forgotten` keys are deleted first, then `messages` are put, the rest is replaced."""

    scalars: Scalars
    totals: Snapshot
    messages: list[Message]
    forgotten: frozenset[int]
    slots: frozenset[Slot]


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A word of the service that this version does not list, met for the first time."""

    field: str
    word: str


class Account:
    """`fold` takes answers in, `changes` gives what to commit, `shown` is what was committed and may be seen."""

    def __init__(
        self, key_of: KeyOf, declare_types: Iterable[str], meaning: Meaning,
        scalars: Scalars | None = None, saved: Snapshot | None = None, messages: Known | None = None,
    ) -> None:  # fmt: skip
        scalars = scalars or Scalars()
        self._key_of = key_of
        self._known = messages or Known()
        self._last_answer = LastAnswer(self._known, key_of)
        self._totals = Totals(saved)
        self._horizon = scalars.horizon
        self._last_started = scalars.last_started
        self._meaning = TimestampMeaning(meaning, scalars.votes, scalars.learnt)
        self._types, self._statuses = set(scalars.types), {*scalars.statuses, *STATUSES}
        self._unlisted: dict[str, set[int]] = {field: set() for field in FIELDS}
        for field, memory in scalars.unlisted:
            self._unlisted[field].add(memory)
        self._declared: set[tuple[str, str]] = set()
        self._next_settling = self._next_sweep = 0.0
        self._dirty: set[Slot] = set()
        self._forgotten: set[int] = set()
        self.window: Window | None = None
        self._declare_scalars(declare_types)
        self.shown = self._totals.snapshot()

    def __repr__(self) -> str:
        return f"<Account {len(self._known)} messages, horizon {self._horizon}>"

    def __len__(self) -> int:
        """How many messages are known."""
        return len(self._known)

    @property
    def meaning(self) -> Meaning:
        return self._meaning.now

    def reconfigure(self, declare_types: Iterable[str], meaning: Meaning) -> None:
        """A reload changed the configuration; everything counted and known stays."""
        self._meaning = self._meaning.reconfigured(meaning)
        self._next_settling = self._next_sweep = 0.0  # the window may be another one
        self._declare_scalars(declare_types)

    # Folding

    def fold(self, answer: Answer) -> list[Unlisted]:
        """Take one good answer in; returns the unlisted words met for the first time."""
        words = window.words(answer.journal)
        unlisted = self._learn_words(words)
        same_messages = self._take_rows(answer)
        summary = window.summarise(
            answer.journal, words, types=_in_order(ALL_MESSAGE_TYPES, self._types),
            statuses=_in_order(ALL_STATUSES, self._statuses), started=answer.started, arrived=answer.arrived,
            asked=answer.asked, messenger=answer.messenger,
            chats=self.window.chats if same_messages and self.window else None,
        )  # fmt: skip
        self._add_gap(answer.started, summary.covered)
        self._last_started = answer.started
        self._settle(answer)
        self._forget(answer)
        self.window = summary
        return unlisted

    def meet_word(self, field: str, word: str) -> Unlisted | None:
        """Count an unlisted word of one of FIELDS once; the memory for them is bounded."""
        memory = self._unlisted[field]
        key = self._key_of(field, word)
        if key in memory or len(memory) >= MOST_UNLISTED:
            return None
        memory.add(key)
        self._totals.add(totals.UNLISTED, (field,))
        return Unlisted(field, word)

    def _learn_words(self, words: window.Words) -> list[Unlisted]:
        met: list[Unlisted] = []
        for status, message_type in words:
            labels = order.status_label(status), order.type_label(message_type)
            for field, word, label in zip(FIELDS, (status, message_type), labels, strict=False):
                if word and label == OTHER and (unlisted := self.meet_word(field, word)):
                    met.append(unlisted)
            self._statuses.add(labels[0])
            if labels[1] not in self._types:
                self._types.add(labels[1])
                self._declare_latencies(labels[1])
        return met

    def _add_gap(self, started: float, covered: float) -> None:
        if self._last_started is None:
            return
        gap = started - covered - (self._last_started - JOURNAL_LAG)
        if gap > 0:
            self._totals.add(totals.GAP, amount=gap)

    def _take_rows(self, answer: Answer) -> bool:
        """Whether the answer shows the very messages of the last one."""
        difference = self._last_answer.compare(answer.journal.rows)
        baseline = self._horizon is None
        if self._horizon is None:
            self._horizon = _first_horizon(answer)
        if difference is None:
            return True
        for slot in difference.vanished:
            self._vanish(slot)
        slots: dict[int, Slot] = {}
        for sighting in difference.sightings:
            if sighting.slot is None:
                slots[sighting.key] = self._meet(sighting, answer, counted=not baseline)
            else:
                slots[sighting.key] = sighting.slot
                self._see_again(sighting, sighting.slot, answer)
        self._last_answer.remember(difference, slots)
        return difference.same_messages

    def _meet(self, sighting: Sighting, answer: Answer, *, counted: bool) -> Slot:
        """A message is seen for the first time."""
        row = sighting.furthest
        status, message_type = order.status_label(row.status), order.type_label(sighting.first.message_type)
        origin = _origin(sighting.first.by_api)
        self._declare(message_type, origin)
        message = Message(
            sighting.key, status, status, message_type, origin,
            sent=row.timestamp, timestamp=row.timestamp, shown_at=answer.started,
            born=min(float(row.timestamp), answer.arrived),
            counted=counted and row.timestamp >= (self._horizon or 0.0),
            ahead=row.timestamp > answer.arrived + AHEAD,
            late=order.at_least_delivered(status),
            seen_sent=status == "sent",
        )  # fmt: skip
        if message.counted:
            self._totals.add(totals.MESSAGES, (message_type, origin))
            self._next_settling = min(self._next_settling, message.born + _settling_age(answer.asked))
            asked = Span(min(float(row.timestamp), answer.arrived), answer.arrived)
            self._reach(message, order.reached(None, status), dict.fromkeys(STAGES, asked), answer.interval)
        slot = self._known.add(message)
        self._dirty.add(slot)
        return slot

    def _see_again(self, sighting: Sighting, slot: Slot, answer: Answer) -> None:
        row = sighting.furthest
        status = order.status_label(row.status)
        message = self._known.get(slot)
        low = self._shown_at(message)
        if status == message.status:
            message.timestamp = row.timestamp
        elif order.may_become(message.status, status):
            self._advance(message, status, row.timestamp, Span(min(low, answer.arrived), answer.arrived), answer)
        elif status != message.shown:
            self._totals.add(totals.CONFLICTS)
        message.shown, message.shown_at, message.present = status, answer.started, True
        self._known.put(slot, message)
        self._dirty.add(slot)

    def _advance(self, message: Message, status: str, timestamp: int, asked: Span, answer: Answer) -> None:
        newly = order.reached(message.status, status)
        if stages := order.stages(newly):
            moved = latency.vote(message, timestamp, asked)
            if moved is not None:
                self._meaning.take(moved)
        if message.counted:
            self._reach(message, newly, latency.spans(message, stages, timestamp, asked), answer.interval)
        message.status, message.timestamp = status, timestamp
        message.seen_sent = message.seen_sent or status == "sent"

    def _reach(
        self, message: Message, newly: tuple[str, ...], spans: dict[str, Span], interval: float
    ) -> None:
        for status in newly:
            self._totals.add(totals.REACHED, (status, message.message_type, message.origin))
        for stage in order.stages(newly):
            self._measure(message, stage, spans[stage], interval)

    def _measure(self, message: Message, stage: str, span: Span, interval: float) -> None:
        labels = (stage, message.message_type)
        sending_time_unknown = message.ahead or (message.late and self._meaning.now is not Meaning.SENT)
        if sending_time_unknown or latency.too_wide(span.width, interval):
            self._totals.add(totals.UNMEASURED, labels)
        else:
            self._totals.observe(stage, message.message_type, max(0.0, span.high - message.sent))
            self._totals.add(totals.UNCERTAINTY, labels, span.width)

    def _shown_at(self, message: Message) -> float:
        """The column is not written while a message stays in the answers: the account's own time holds for all."""
        return self._last_started or 0.0 if message.present else message.shown_at

    def _vanish(self, slot: Slot) -> None:
        message = self._known.get(slot)
        message.shown_at, message.present = self._shown_at(message), False
        self._known.put(slot, message)
        self._dirty.add(slot)

    # Settling and forgetting

    def _settle(self, answer: Answer) -> None:
        if answer.arrived < self._next_settling:
            return
        age = _settling_age(answer.asked)
        self._next_settling = float("inf")
        for born, slot in list(self._known.unsettled()):
            due = born + age
            if due > answer.arrived:
                self._next_settling = min(self._next_settling, due)
                continue
            message = self._known.get(slot)
            overdue = latency.too_wide(due - self._shown_at(message), answer.interval)
            self._totals.add(totals.SETTLED, (UNSETTLED if overdue else message.status,))
            message.settled = True
            self._known.put(slot, message)
            self._dirty.add(slot)

    def _forget(self, answer: Answer) -> None:
        if answer.arrived < self._next_sweep:
            return
        self._next_sweep = answer.arrived + min(_SWEEP_EVERY, answer.asked / 10)
        for shown_at, slot in list(self._known.absent()):
            if answer.started - shown_at < 2 * answer.asked:
                continue
            message = self._known.get(slot)
            # A second beyond its sending time: should it come back, it is older than the horizon and not counted again.
            self._horizon = max(self._horizon or 0.0, min(message.sent + 1.0, shown_at))
            self._known.forget(slot)
            self._dirty.discard(slot)
            self._forgotten.add(message.key)

    # Committing

    def changes(self, *, everything: bool = False) -> Changes:
        """What was not committed yet, or all there is; the account counts it as handed over."""
        slots = frozenset(self._known.slots()) if everything else frozenset(self._dirty)
        changes = Changes(
            self._saved_scalars(), self._totals.snapshot(), [self._known.get(slot) for slot in slots],
            frozenset(self._forgotten), slots,
        )  # fmt: skip
        self._dirty, self._forgotten = set(), set()
        return changes

    def committed(self, changes: Changes) -> None:
        self.shown = changes.totals

    def not_committed(self, changes: Changes) -> None:
        """The changes did not reach the disk: they come again with the next ones."""
        self._dirty |= {slot for slot in changes.slots if self._known.holds(slot)}
        self._forgotten |= changes.forgotten

    def _saved_scalars(self) -> Scalars:
        return Scalars(
            self._horizon, self._last_started, self._meaning.votes, self._meaning.learnt,
            tuple(sorted(self._types)), tuple(sorted(self._statuses)),
            tuple((field, key) for field, memory in self._unlisted.items() for key in sorted(memory)),
        )  # fmt: skip

    # Series that exist before they count

    def _declare_scalars(self, declare_types: Iterable[str]) -> None:
        for family in (totals.CONFLICTS, totals.GAP):
            self._totals.declare(family, [()])
        self._totals.declare(totals.UNLISTED, [(field,) for field in FIELDS])
        self._totals.declare(totals.SETTLED, [(status,) for status in STATUSES])
        for message_type in declare_types:
            self._declare(message_type, API)

    def _declare(self, message_type: str, origin: str) -> None:
        if (message_type, origin) not in self._declared:
            self._declared.add((message_type, origin))
            self._totals.declare(totals.MESSAGES, [(message_type, origin)])
            self._totals.declare(totals.REACHED, [(status, message_type, origin) for status in STATUSES])

    def _declare_latencies(self, message_type: str) -> None:
        if message_type in ANNOTATION_TYPES:
            return
        for stage in STAGES:
            self._totals.declare(stage, [(message_type,)])
            for family in (totals.UNCERTAINTY, totals.UNMEASURED):
                self._totals.declare(family, [(stage, message_type)])


def _first_horizon(answer: Answer) -> float:
    """The newest timestamp, but not before two minutes ago (rows still lagging) and not after now."""
    newest = max((row.timestamp for row in answer.journal.rows), default=0)
    now = floor(answer.arrived)
    return float(min(max(newest, now - JOURNAL_LAG), now))


def _in_order(vocabulary: tuple[str, ...], met: set[str]) -> list[str]:
    return [word for word in vocabulary if word in met]


def _settling_age(asked: float) -> float:
    return min(asked, SETTLING_AGE)


def _origin(by_api: object) -> str:
    if isinstance(by_api, bool):
        return API if by_api else PHONE
    return UNKNOWN
