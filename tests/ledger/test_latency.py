"""Between which two moments a delivery or a reading lies, to the second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.ledger import Account, Answer
from exporter.model import Journal, Meaning
from exporter.store.keys import keyed
from tests.ledger.oracle import Row

NOW = 1_790_000_000


class Message:
    """One message, counted after an empty baseline at 0, and what each answer makes of it. Times are after NOW."""

    def __init__(self, meaning: Meaning = Meaning.SENT, interval: float = 60.0) -> None:
        self.account = Account(keyed(b"the key of these tests"), ["textMessage"], meaning)
        self.interval = interval
        self.account.fold(Answer(Journal([], {}), NOW, NOW, 86_400.0, interval))

    def shown(self, status: str, timestamp: int, started: float, arrived: float | None = None) -> None:
        row = Row("A", "c", NOW + timestamp, status)
        end = started if arrived is None else arrived
        self.account.fold(Answer(Journal([row], {}), NOW + started, NOW + end, 86_400.0, self.interval))

    def latency(self, stage: str) -> tuple[float, float] | None:
        """Its lower and upper end; None when it is unmeasured."""
        totals: Mapping[str, Any] = self.account.changes().totals
        histogram = totals[stage]["textMessage",]
        if not any(histogram.counts):
            assert totals["unmeasured"][stage, "textMessage"] == 1
            return None
        return histogram.sum - totals["uncertainty"][stage, "textMessage"], histogram.sum


def test_it_lies_between_the_request_that_last_showed_the_earlier_status_and_the_answer_that_shows_it() -> None:
    message = Message()
    message.shown("sent", 30, 60, 61)
    message.shown("sent", 30, 120, 125)
    message.shown("delivered", 30, 180, 184)
    message.shown("read", 30, 240, 241)
    assert message.latency("delivery") == (120 - 30, 184 - 30)
    assert message.latency("read") == (180 - 30, 241 - 30)


def test_first_seen_as_delivered_it_lies_between_the_sending_and_the_answer() -> None:
    message = Message()
    message.shown("delivered", 30, 60, 61)
    assert message.latency("delivery") == (0, 31)


def test_it_is_never_negative() -> None:
    """Its timestamp lies two seconds ahead of the answer, which the clocks' difference may explain."""
    message = Message()
    message.shown("delivered", 62, 60)
    assert message.latency("delivery") == (0, 0)


def test_when_the_clock_was_set_back_meanwhile_the_ends_do_not_cross() -> None:
    message = Message()
    message.shown("sent", 30, 600)
    message.shown("delivered", 30, 60, 61)
    assert message.latency("delivery") == (31, 31)


@pytest.mark.parametrize(
    ("interval", "pause", "measured"),
    [(60, 300, True), (60, 301, False), (200, 400, True), (200, 401, False), (2700, 5400, True), (2700, 5401, False)],
)
def test_a_span_beyond_five_minutes_and_two_intervals_is_an_outage(
    interval: float, pause: float, measured: bool
) -> None:
    message = Message(interval=interval)
    message.shown("sent", 30, 60)
    message.shown("delivered", 30, 60 + pause)
    assert (message.latency("delivery") is not None) == measured


class TestTimestampsThatMove:
    def test_the_event_happened_at_the_second_that_the_timestamp_moved_to(self) -> None:
        message = Message(Meaning.LAST_ACTION)
        message.shown("sent", 30, 60)
        message.shown("delivered", 95, 120)
        message.shown("read", 140, 180)
        assert message.latency("delivery") == (65, 65)
        assert message.latency("read") == (110, 110)

    def test_it_may_lie_in_the_very_second_in_which_the_request_before_began(self) -> None:
        message = Message(Meaning.LAST_ACTION)
        message.shown("sent", 30, 60.7)
        message.shown("delivered", 60, 120)
        assert message.latency("delivery") == (30, 30)

    @pytest.mark.parametrize("timestamp", [59, 121, 30])
    def test_a_timestamp_outside_the_span_or_unmoved_tells_nothing(self, timestamp: int) -> None:
        message = Message(Meaning.LAST_ACTION)
        message.shown("sent", 30, 60)
        message.shown("delivered", timestamp, 120)
        assert message.latency("delivery") == (30, 90)

    def test_a_timestamp_that_had_moved_before_the_step_tells_nothing(self) -> None:
        message = Message(Meaning.LAST_ACTION)
        message.shown("sent", 30, 60)
        message.shown("sent", 121, 120.5, 122)
        message.shown("delivered", 121, 180)
        assert message.latency("delivery") == (120.5 - 30, 180 - 30)

    def test_a_skipped_delivery_keeps_its_lower_end_and_ends_with_the_reading(self) -> None:
        message = Message(Meaning.LAST_ACTION)
        message.shown("sent", 30, 60)
        message.shown("read", 100, 120)
        assert message.latency("delivery") == (30, 70)
        assert message.latency("read") == (70, 70)

    def test_a_move_on_leaving_pending_tells_nothing(self) -> None:
        message = Message(Meaning.LAST_ACTION)
        message.shown("pending", 30, 60)
        message.shown("delivered", 95, 120)
        assert message.latency("delivery") == (30, 90)

    def test_a_long_span_is_no_outage_where_the_second_is_told(self) -> None:
        message = Message(Meaning.LAST_ACTION)
        message.shown("sent", 30, 60)
        message.shown("delivered", 1000, 2000)
        assert message.latency("delivery") == (970, 970)
