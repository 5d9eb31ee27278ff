"""How far the service's clock is from ours, and when that is worth correcting."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.clock import DISENGAGE, ENGAGE, FOLLOW, ServiceClock
from exporter.model import Call, Method, Outcome

NOW = 1_790_000_000.0


def call(offset: float | None, took: float = 0.0) -> Call:
    """A call in whose middle the service's clock is `offset` seconds ahead of ours, to the very second."""
    date = None if offset is None else NOW + took / 2 + offset - 0.5
    return Call("1", Method.MESSAGES, Outcome.OK, NOW, NOW + took, date=date)


def after(*offsets: float) -> ServiceClock:
    clock = ServiceClock()
    for offset in offsets:
        clock.observe(call(offset))
    return clock


def test_without_a_date_nothing_is_known_and_nothing_corrected() -> None:
    clock = ServiceClock()
    clock.observe(call(None))
    assert clock.offset is None
    assert clock.corrected(NOW) == NOW


@pytest.mark.parametrize("offset", [0.0, 1.9, -1.9, 2.0])
def test_clocks_that_agree_within_two_seconds_are_left_alone(offset: float) -> None:
    clock = after(offset)
    assert clock.offset == pytest.approx(offset)
    assert clock.corrected(NOW) == NOW


@pytest.mark.parametrize("offset", [2.1, -2.1, 3600.0])
def test_a_clock_that_is_off_by_more_is_corrected(offset: float) -> None:
    assert after(offset).corrected(NOW) == pytest.approx(NOW + offset)


def test_an_answer_without_a_date_keeps_the_correction_and_shows_no_offset() -> None:
    clock = after(10.0)
    clock.observe(call(None))
    assert clock.offset is None
    assert clock.correction == pytest.approx(10.0)


def test_small_changes_do_not_move_the_correction() -> None:
    """A Date has whole seconds: what follows each of its jumps would tear the times of one message apart."""
    assert after(10.0, 10.9, 9.2, 10.4).correction == pytest.approx(10.0)


def test_the_correction_follows_a_clock_that_drifts() -> None:
    assert after(10.0, 11.5, 11.5).correction == pytest.approx(11.5)


@pytest.mark.parametrize("absurd", [-1_790_000_000.0, 2_300_000_000.0, 86_401.0, 3600.0, -30.0])
def test_one_answer_with_an_absurd_date_changes_nothing(absurd: float) -> None:
    assert after(0.0, absurd, 0.0, absurd, 0.0).correction == 0.0
    assert after(10.0, absurd, 10.0).correction == pytest.approx(10.0)


def test_a_change_that_a_second_answer_confirms_is_followed() -> None:
    assert after(0.0, 3600.0).correction == 0.0
    assert after(0.0, 3600.0, 3600.4).correction == pytest.approx(3600.4)


def test_no_clock_is_believed_to_be_off_by_more_than_a_day() -> None:
    assert after(90_000.0, 90_000.0, 90_000.0).correction == 0.0


def test_once_engaged_it_is_kept_until_the_clocks_agree_within_a_second() -> None:
    """Around two seconds the correction would else come and go with every answer."""
    assert after(2.5, 1.8, 2.5, 1.6).correction == pytest.approx(2.5)
    assert after(2.5, 1.6, 0.4, 0.4).correction == 0.0


def test_a_service_that_was_set_nearly_right_is_not_corrected_by_what_it_was_before() -> None:
    """Neither more than two seconds off nor less than one: the old ten seconds are wrong all the same."""
    assert after(10.0, 1.5, 1.5).correction == pytest.approx(1.5)


def test_a_slow_answer_says_little_because_its_date_is_from_any_moment_of_it() -> None:
    clock = ServiceClock()
    clock.observe(call(5.0, took=10.0))
    assert clock.correction == 0.0
    clock.observe(call(10.0))
    clock.observe(call(10.0))
    clock.observe(call(0.0, took=60.0))
    assert clock.correction == pytest.approx(10.0)


def test_our_own_clock_set_back_during_a_call_proves_nothing() -> None:
    clock = after(0.0)
    clock.observe(Call("1", Method.MESSAGES, Outcome.OK, NOW, NOW - 3600, date=NOW - 3600))
    assert clock.correction == 0.0


def test_a_correction_survives_a_restart() -> None:
    assert ServiceClock(7.5).corrected(NOW) == NOW + 7.5


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 60)), max_size=20), st.floats(-86_000, 86_000))
def test_after_any_past_two_quick_answers_leave_at_most_the_tolerated_error(
    past: list[tuple[float, float]], offset: float
) -> None:
    clock = ServiceClock()
    for measured, took in past:
        clock.observe(call(measured, took))
    clock.observe(call(offset))
    clock.observe(call(offset))
    assert abs(clock.correction - offset) <= max(ENGAGE, FOLLOW, DISENGAGE) + 1e-3
