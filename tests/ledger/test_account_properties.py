"""What must hold for any sequence of answers, commits that fail, and restarts: the ledger against the naive oracle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from math import isclose
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.ledger import Account, Answer, Changes, Known, Message, Scalars, Snapshot
from exporter.ledger.totals import BUCKETS, Histogram
from exporter.model import STAGES, Journal, Meaning
from tests.ledger.oracle import Oracle, Row

START, WINDOW, INTERVAL = 1_790_000_000.0, 600.0, 100.0
STATUSES = [
    "pending", "sent", "delivered", "read", "noAccount", "failed", "fail", "yellowCard", "suspended", "", None, "new",
    "newer",
]  # fmt: skip
TYPES = ["textMessage", "imageMessage", "", "editedMessage", "new", "newer"]


def key_of(chat: str, id_: str) -> int:
    """Telling keys, so that a failing example can be read."""
    return int.from_bytes(f"{chat}/{id_}".encode()[-7:], "big")


@dataclass(frozen=True)
class Edit:
    """What happens to one message in the journal before an answer: it takes a row more, other rows, or none."""

    message: int
    action: str
    status: str | None
    at: int | None
    message_type: str
    by_api: object


@dataclass(frozen=True)
class Step:
    """One answer: `pause` seconds after the one before, `took` seconds long, and what happens to its commit."""

    pause: float
    took: float
    edits: list[Edit]
    reverse: bool
    fate: str


edits = st.builds(
    Edit,
    message=st.integers(0, 4),
    action=st.sampled_from(["replace", "replace", "replace", "replace", "double", "vanish"]),
    status=st.sampled_from([*STATUSES, "sent", "delivered", "read"]),
    at=st.none() | st.sampled_from([-900, -650, -200, -120, -119, -61, -30, -2, -1, 0, 1, 2, 3, 8, 400]),
    message_type=st.sampled_from([*TYPES, "textMessage", "textMessage"]),
    by_api=st.sampled_from([True, True, False, None]),
)
"""`at` is a timestamp in seconds after the start of the request, None the one shown before."""
steps = st.builds(
    Step,
    pause=st.sampled_from([60.0, 60.5, 61.25, 130.0, 250.0, 301.0, 480.0, 599.5, 700.0, 1201.0, 1300.0, 3000.0]),
    took=st.sampled_from([0.0, 0.25, 1.0, 30.5]),
    edits=st.lists(edits, max_size=4),
    reverse=st.booleans(),
    fate=st.sampled_from(["committed", "committed", "committed", "failed", "restart", "failed, restart"]),
)
"""Answers come at least a minute apart, since no more often is looked for what can be forgotten."""


@dataclass
class Disk:
    """What a store keeps, and does with changes; a restart begins with it."""

    scalars: Scalars = field(default_factory=Scalars)
    totals: Snapshot | None = None
    messages: dict[int, Message] = field(default_factory=dict)

    def commit(self, changes: Changes) -> None:
        for key in changes.forgotten:
            self.messages.pop(key, None)
        self.messages.update({message.key: message for message in changes.messages.values()})
        self.scalars, self.totals = changes.scalars, changes.totals

    def account(self, meaning: Meaning) -> Account:
        known = Known()
        for message in self.messages.values():
            known.add(message)
        return Account(key_of, ["textMessage"], meaning, self.scalars, self.totals, known)


class Journey:
    """The account, the disk under it and the oracle beside it, on one way through any steps."""

    def __init__(self, meaning: Meaning, crowd: int = 0) -> None:
        """`crowd` messages stand in every answer beside those that the steps are about, and never change."""
        self.crowd = [Row(f"C{n}", "", int(START) - n, "read") for n in range(crowd)]
        self.meaning = meaning
        self.oracle = Oracle(meaning.value)
        self.disk = Disk()
        self.committed = deepcopy(self.oracle)
        self.account = self.disk.account(meaning)
        self.shown: Snapshot = self.account.shown
        self.rows: dict[int, list[Row]] = {}
        self.now = START

    def travel(self, way: list[Step], compare: Callable[[Journey], None]) -> None:
        for step in way:
            started = self.now + step.pause
            self.now = started + step.took
            for edit in step.edits:
                self._edit(edit, started)
            rows = [row for number in sorted(self.rows, reverse=step.reverse) for row in self.rows[number]]
            rows += self.crowd
            answer = Answer(Journal(list(rows), {}), started, self.now, WINDOW, INTERVAL, "whatsapp")
            self.account.fold(answer)
            self.oracle.take(rows, started, self.now, WINDOW, INTERVAL)
            self._commit(step.fate)
            compare(self)

    def _edit(self, edit: Edit, started: float) -> None:
        before = self.rows.get(edit.message, [])
        timestamp = int(started) + edit.at if edit.at is not None else before[0].timestamp if before else int(started)
        row = Row(
            f"id{edit.message % 3}", f"chat{edit.message // 3}", timestamp, edit.status, edit.message_type, edit.by_api
        )
        self.rows[edit.message] = {"replace": [row], "double": [*before, row], "vanish": []}[edit.action]

    def _commit(self, fate: str) -> None:
        changes = self.account.changes()
        if fate.startswith("failed"):
            self.account.not_committed(changes)
        else:
            self.disk.commit(changes)
            self.account.committed(changes)
            self.committed = deepcopy(self.oracle)
        if fate.endswith("restart"):
            self.restart()

    def restart(self) -> None:
        self.account = self.disk.account(self.meaning)
        self.oracle = deepcopy(self.committed)


def numbers(totals: Snapshot) -> Iterator[tuple[tuple[str, ...], float]]:
    """Every number that may only grow, histograms' included."""
    for family, series in totals.items():
        for labels, value in series.items():
            if isinstance(value, Histogram):
                yield (family, "sum", *labels), value.sum
                yield from (((family, str(place), *labels), count) for place, count in enumerate(value.counts))
            else:
                yield (family, *labels), value


def without_zeros(series: Mapping[Any, Any]) -> dict[Any, Any]:
    return {labels: value for labels, value in series.items() if value}


def agrees_with_the_oracle(journey: Journey) -> None:
    changes, truth = journey.account.changes(), journey.oracle
    journey.account.not_committed(changes)  # this was a look only
    totals: Mapping[str, Any] = changes.totals
    assert without_zeros(totals["messages"]) == truth.messages
    assert without_zeros(totals["reached"]) == truth.reached
    assert {labels[0]: n for labels, n in without_zeros(totals["settled"]).items()} == truth.settled
    assert totals["conflicts"][()] == truth.conflicts
    assert isclose(totals["gap"][()], truth.gap)
    assert without_zeros(totals["unmeasured"]) == truth.unmeasured
    for stage in STAGES:
        for (message_type,), histogram in totals[stage].items():
            spans = [(value, width) for s, kind, value, width in truth.observed if (s, kind) == (stage, message_type)]
            assert sum(histogram.counts) == len(spans)
            assert isclose(histogram.sum, sum(value for value, _ in spans), abs_tol=1e-6)
            widths = sum(width for _, width in spans)
            assert isclose(totals["uncertainty"].get((stage, message_type), 0), widths, abs_tol=1e-6)
            bounds = (*BUCKETS[stage], float("inf"))
            falls = Counter(next(n for n, bound in enumerate(bounds) if value <= bound) for value, _ in spans)
            assert {place: count for place, count in enumerate(histogram.counts) if count} == falls
    assert len(journey.account) == len(truth.lives)


def keeps_its_promises(journey: Journey) -> None:
    """The rules of counting that hold of the shown numbers alone."""
    shown: Mapping[str, Any] = journey.account.shown
    before, after = dict(numbers(journey.shown)), dict(numbers(shown))
    assert before.keys() <= after.keys(), "a series vanished"
    assert all(after[series] >= before[series] for series in before), "a counter fell"
    journey.shown = shown
    reached = shown["reached"]
    for (message_type, origin), messages in shown["messages"].items():
        way = [reached.get((status, message_type, origin), 0) for status in ("read", "delivered", "sent")]
        assert way == sorted(way)
        assert all(n <= messages for (_, *labels), n in reached.items() if labels == [message_type, origin])
    for stage, status in zip(STAGES, ("delivered", "read"), strict=True):
        for (message_type,), histogram in shown[stage].items():
            arrived = sum(n for (s, kind, _), n in reached.items() if (s, kind) == (status, message_type))
            assert sum(histogram.counts) + shown["unmeasured"].get((stage, message_type), 0) == arrived
    assert sum(shown["settled"].values()) <= sum(shown["messages"].values())


@pytest.mark.parametrize("meaning", [Meaning.SENT, Meaning.LAST_ACTION])
def test_any_sequence_of_answers_counts_as_users_were_promised(meaning: Meaning) -> None:
    @settings(max_examples=250, deadline=None)
    @given(st.lists(steps, min_size=1, max_size=8))
    def check(way: list[Step]) -> None:
        Journey(meaning).travel(way, agrees_with_the_oracle)

    check()


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, min_size=1, max_size=8), st.sampled_from(list(Meaning)))
def test_shown_counters_never_fall_and_fit_together(way: list[Step], meaning: Meaning) -> None:
    Journey(meaning).travel(way, keeps_its_promises)


@settings(max_examples=100, deadline=None)
@given(st.lists(steps, min_size=1, max_size=6))
def test_when_all_is_over_every_counted_message_is_settled_once_and_none_is_known(way: list[Step]) -> None:
    journey = Journey(Meaning.AUTO)
    goodbye = Step(
        2.1 * WINDOW, 0.0, [Edit(n, "vanish", None, None, "", None) for n in range(5)], reverse=False, fate="committed"
    )
    journey.travel([*way, goodbye, goodbye], keeps_its_promises)
    shown: Mapping[str, Any] = journey.account.shown
    assert sum(shown["settled"].values()) == sum(shown["messages"].values())
    assert len(journey.account) == 0
    assert journey.disk.messages == {}


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, min_size=1, max_size=8), st.sampled_from([0, 0, 20]))
def test_an_account_that_restarts_before_every_answer_knows_counts_and_shows_the_same(
    way: list[Step], crowd: int
) -> None:
    """It has no last answer to compare with, so it looks at every answer whole; the other one takes the fast paths.

    Those are taken where few of many rows change, hence the crowd.
    """
    whole, fast = Journey(Meaning.AUTO, crowd), Journey(Meaning.AUTO, crowd)
    for step in way:
        whole.travel([replace(step, fate="committed")], lambda _: None)
        fast.travel([replace(step, fate="committed")], lambda _: None)
        assert whole.account.shown == fast.account.shown
        assert whole.account.window == fast.account.window
        whole.restart()
    everything = fast.account.changes(everything=True)
    assert memories(everything.messages.values()) == memories(whole.disk.messages.values())
    assert everything.scalars == whole.disk.scalars


@settings(max_examples=50, deadline=None)
@given(st.lists(steps, min_size=1, max_size=8))
def test_what_is_handed_over_piece_by_piece_is_all_there_is(way: list[Step]) -> None:
    """A store that took every committed change holds what a store would hold that was written anew."""
    journey = Journey(Meaning.AUTO)
    pieces = [replace(step, fate=step.fate.removesuffix("restart").rstrip(", ") or "committed") for step in way]
    journey.travel([*pieces, Step(60.0, 0.0, [], reverse=False, fate="committed")], lambda _: None)
    anew = Disk()
    anew.commit(journey.account.changes(everything=True))
    assert anew == journey.disk


def memories(messages: Iterable[Message]) -> dict[int, Message]:
    """For a message that is in the last answer, the account's own time tells when it was shown last."""
    return {m.key: replace(m, shown_at=0.0) if m.present else m for m in messages}
