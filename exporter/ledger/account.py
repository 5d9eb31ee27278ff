"""One instance's account: answers in, committed numbers out; `counting` holds the rules.

Owns what must survive a restart and the order of a fold, which is one synchronous step, so that nobody sees half of
it. Knows no JSON, no HTTP, no disk and no clock: times are arguments, in Unix seconds of the service's clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..model import ANNOTATION_TYPES, API, STAGES, STATUSES, Imprint, Meaning
from . import totals, window
from .counting import JOURNAL_LAG, Answer, Counting
from .known import Known, Message, Slot
from .latency import TimestampMeaning
from .sightings import KeyOf
from .totals import Snapshot, Totals
from .vocabulary import FIELDS, Unlisted, Vocabulary, Words
from .window import Tally, Window


class Scalars(NamedTuple):
    """All of an account that must survive a restart, but for its totals and its messages.

    `horizon` and `last_started` (the start of the last good answer's request) are None before the baseline.
    """

    horizon: float | None = None
    last_started: float | None = None
    votes: str = ""
    learnt: Meaning = Meaning.AUTO
    types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    unlisted: tuple[tuple[str, int], ...] = ()


class Changes(NamedTuple):
    """What a commit must write: `forgotten` keys are deleted first, then `messages` are put, the rest is replaced.

    The slots of the messages are for the account itself, should the commit fail.
    """

    scalars: Scalars
    totals: Snapshot
    messages: Mapping[Slot, Message]
    forgotten: frozenset[int]


class Account:
    """`fold` takes answers in, `changes` gives what to commit, `shown` is what was committed and may be seen."""

    __slots__ = ("_counting", "_tally", "_totals", "_vocabulary", "shown", "window")

    def __init__(
        self, key_of: KeyOf, declare_types: Iterable[str], meaning: Meaning,
        scalars: Scalars = Scalars(), saved: Snapshot | None = None, messages: Known | None = None,
    ) -> None:  # fmt: skip
        self._totals = Totals(saved)
        learnt = TimestampMeaning(meaning, scalars.votes, scalars.learnt)
        self._counting = Counting(
            key_of, messages or Known(), self._totals, learnt, scalars.horizon, scalars.last_started
        )
        self._vocabulary = Vocabulary(key_of, scalars.types, scalars.statuses, scalars.unlisted)
        self._tally: Tally | None = None
        self.window: Window | None = None
        self._declare(declare_types)
        self.shown = self._totals.snapshot()

    def __repr__(self) -> str:
        return f"<Account {len(self)} messages, horizon {self._counting.horizon}>"

    def __len__(self) -> int:
        """How many messages are known."""
        return len(self._counting.known)

    @property
    def uncommitted(self) -> int:
        """How many messages the next commit must carry."""
        return len(self._counting.dirty)

    @property
    def meaning(self) -> Meaning:
        return self._counting.meaning.in_force

    @property
    def imprint(self) -> Imprint | None:
        """The last answer's; the next one may be decoded as what it changes in it."""
        return self._counting.imprint

    def reconfigure(self, declare_types: Iterable[str], meaning: Meaning) -> None:
        """A reload changed the configuration; everything counted and known stays."""
        self._counting.meaning = self._counting.meaning.reconfigured(meaning)
        self._counting.look_again()
        self._declare(declare_types)

    def fold(self, answer: Answer) -> list[Unlisted]:
        """Take one good answer in; returns the unlisted words met for the first time."""
        last_started = self._counting.last_started
        tally, self._tally = self._tally, None  # a fault on the way must not leave one that is behind
        moves = self._counting.take(answer)
        unlisted: list[Unlisted] = []
        if moves is not None and tally is not None and tally.follows(moves):
            tally.move(moves)
        else:
            journal = answer.journal.whole()
            words = window.words(journal.rows)
            unlisted = self._learn(words)
            tally = Tally(journal, words, self._vocabulary)
        self.window = tally.window(
            started=answer.started, arrived=answer.arrived, asked=answer.asked, messenger=answer.messenger
        )
        self._tally = tally
        if last_started is not None:
            self._add_gap(answer.started - self.window.covered - (last_started - JOURNAL_LAG))
        return unlisted

    def meet_word(self, field: str, word: str) -> Unlisted | None:
        """Count an unlisted word of one of FIELDS, once."""
        unlisted = self._vocabulary.meet_word(field, word)
        if unlisted is not None:
            self._totals.add(totals.UNLISTED, (field,))
        return unlisted

    def _learn(self, words: Words) -> list[Unlisted]:
        unlisted = self._vocabulary.meet(words)
        for word in unlisted:
            self._totals.add(totals.UNLISTED, (word.field,))
        self._declare_latencies()
        return unlisted

    def _add_gap(self, seconds: float) -> None:
        if seconds > 0:
            self._totals.add(totals.GAP, amount=seconds)

    # Committing

    def changes(self, *, everything: bool = False) -> Changes:
        """What was not committed yet, or all there is; the account counts it as handed over."""
        counting = self._counting
        dirty = dict.fromkeys(counting.known.slots()) if everything else counting.dirty
        messages = {slot: message or counting.known.get(slot) for slot, message in dirty.items()}
        changes = Changes(self._scalars(), self._totals.snapshot(), messages, frozenset(counting.forgotten))
        counting.handed_over()
        return changes

    def committed(self, changes: Changes) -> None:
        self.shown = changes.totals

    def not_committed(self, changes: Changes) -> None:
        """The changes did not reach the disk: they come again with the next ones."""
        counting = self._counting
        counting.dirty = dict.fromkeys(filter(counting.known.holds, changes.messages)) | counting.dirty
        counting.forgotten |= changes.forgotten

    def _scalars(self) -> Scalars:
        counting, vocabulary = self._counting, self._vocabulary
        return Scalars(
            counting.horizon, counting.last_started, counting.meaning.votes, counting.meaning.learnt,
            vocabulary.types, vocabulary.statuses, vocabulary.unlisted,
        )  # fmt: skip

    # Series that exist before they count

    def _declare(self, declare_types: Iterable[str]) -> None:
        for family in (totals.CONFLICTS, totals.GAP):
            self._totals.declare(family, [()])
        self._totals.declare(totals.UNLISTED, [(field,) for field in FIELDS])
        self._totals.declare(totals.SETTLED, [(status,) for status in STATUSES])
        for message_type in declare_types:
            self._counting.declare(message_type, API)

    def _declare_latencies(self) -> None:
        types = [word for word in self._vocabulary.types if word not in ANNOTATION_TYPES]
        for stage in STAGES:
            self._totals.declare(stage, [(message_type,) for message_type in types])
            for family in (totals.UNCERTAINTY, totals.UNMEASURED):
                self._totals.declare(family, [(stage, message_type) for message_type in types])
