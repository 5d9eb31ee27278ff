"""When an instance may be asked: intervals, and the pauses after each kind of failure."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.model import Call, Method, Outcome
from exporter.pace import LONGEST_RETRY_AFTER, Pace, SavedPace

NOW = 1_790_000_000.0
INTERVALS = {Method.MESSAGES: 10.0, Method.STATE: 60.0, Method.SETTINGS: 3600.0}
NO_ACCESS = [Outcome.UNAUTHORIZED, Outcome.FORBIDDEN, Outcome.NOT_FOUND]
WITH_RULES = {*NO_ACCESS, Outcome.OK, Outcome.RATE_LIMITED, Outcome.QUOTA_EXCEEDED}
OTHERS = [outcome for outcome in Outcome if outcome not in WITH_RULES]


def fresh(min_interval: float = 10.0, *, strict: bool = False) -> Pace:
    return Pace(INTERVALS | {Method.MESSAGES: min_interval}, strict=strict)


def ended(
    pace: Pace, outcome: Outcome, at: float, method: Method = Method.MESSAGES, *, took: float = 0.0,
    retry_after: float | None = None,
) -> None:  # fmt: skip
    """A call that begins at `at`, as the fleet reports it."""
    pace.begin(method, at)
    pace.end(Call("1", method, outcome, at, at + took, retry_after=retry_after))


def pauses(outcome: Outcome, count: int, pace: Pace | None = None) -> list[float]:
    """How long each of `count` failures in a row pauses, each asked again as soon as it may be."""
    pace, now, lengths = pace or fresh(), NOW, []
    for _ in range(count):
        ended(pace, outcome, now)
        until = pace.paused_until(Method.MESSAGES, now)
        assert until is not None
        lengths.append(until - now)
        now = until
    return lengths


class TestIntervals:
    def test_everything_in_use_is_due_at_the_start(self) -> None:
        assert all(fresh().due(method, NOW) for method in Method)

    def test_a_method_that_is_not_in_use_is_never_due(self) -> None:
        assert not Pace({Method.MESSAGES: 10.0}, strict=False).due(Method.STATE, NOW)

    def test_a_query_is_due_when_nine_tenths_of_its_interval_have_passed_since_it_began(self) -> None:
        pace = fresh()
        pace.begin(Method.MESSAGES, NOW)
        assert not pace.due(Method.MESSAGES, NOW + 8.9)
        assert pace.due(Method.MESSAGES, NOW + 9.0)

    def test_scrapes_at_the_very_interval_never_alias(self) -> None:
        """Each scrape comes a little early or late; none may find its query not yet due."""
        pace = fresh()
        for scrape, jitter in enumerate([0.0, 0.4, -0.4, 0.3, -0.3]):
            now = NOW + 10 * scrape + jitter
            assert pace.due(Method.MESSAGES, now)
            ended(pace, Outcome.OK, now)

    def test_a_quota_is_kept_to_the_second(self) -> None:
        pace = fresh(2700.0, strict=True)
        pace.begin(Method.MESSAGES, NOW)
        assert not pace.due(Method.MESSAGES, NOW + 2699)
        assert pace.due(Method.MESSAGES, NOW + 2700)

    def test_a_month_of_the_free_plan_stays_within_a_thousand_calls(self) -> None:
        pace, calls = fresh(2700.0, strict=True), 0
        for second in range(0, 31 * 86_400, 60):
            if pace.due(Method.MESSAGES, NOW + second):
                pace.begin(Method.MESSAGES, NOW + second)
                calls += 1
        assert 900 < calls <= 1000

    def test_each_method_has_its_own_interval(self) -> None:
        pace = fresh()
        for method in Method:
            pace.begin(method, NOW)
        assert [method for method in Method if pace.due(method, NOW + 54)] == [Method.MESSAGES, Method.STATE]

    def test_a_clock_that_was_set_back_does_not_block(self) -> None:
        pace = fresh()
        ended(pace, Outcome.QUOTA_EXCEEDED, NOW)
        assert pace.due(Method.MESSAGES, NOW - 86_400)


class TestPauses:
    def test_429_pauses_two_seconds_doubling_to_a_minute(self) -> None:
        assert pauses(Outcome.RATE_LIMITED, 7) == [2, 4, 8, 16, 32, 60, 60]

    def test_466_pauses_an_hour(self) -> None:
        assert pauses(Outcome.QUOTA_EXCEEDED, 3) == [3600, 3600, 3600]

    @pytest.mark.parametrize("outcome", NO_ACCESS)
    def test_no_access_pauses_a_minute_doubling_to_ten(self, outcome: Outcome) -> None:
        assert pauses(outcome, 6) == [60, 120, 240, 480, 600, 600]

    @pytest.mark.parametrize("outcome", OTHERS)
    def test_any_other_failure_pauses_ten_seconds_doubling_to_five_minutes(self, outcome: Outcome) -> None:
        assert pauses(outcome, 7) == [10, 20, 40, 80, 160, 300, 300]

    def test_a_thousand_failures_in_a_row_are_no_overflow(self) -> None:
        assert pauses(Outcome.NETWORK, 1000)[-1] == 300

    def test_an_interval_below_a_second_bounds_the_pauses_of_other_failures_only(self) -> None:
        assert pauses(Outcome.NETWORK, 3, fresh(0.5)) == [0.5, 0.5, 0.5]
        assert pauses(Outcome.RATE_LIMITED, 2, fresh(0.5)) == [2, 4]
        assert pauses(Outcome.FORBIDDEN, 1, fresh(0.5)) == [60]

    def test_a_pause_is_the_methods_own(self) -> None:
        pace = fresh()
        ended(pace, Outcome.SERVER_ERROR, NOW)
        assert pace.is_paused(Method.MESSAGES, NOW + 9.9)
        assert not pace.is_paused(Method.MESSAGES, NOW + 10)
        assert pace.due(Method.STATE, NOW)

    @pytest.mark.parametrize("outcome", NO_ACCESS)
    def test_without_access_the_whole_instance_pauses(self, outcome: Outcome) -> None:
        pace = fresh()
        ended(pace, outcome, NOW, Method.STATE)
        assert [method for method in Method if pace.due(method, NOW + 59)] == []
        assert pace.lacks_access

    def test_methods_that_lose_access_in_the_same_scrape_are_one_failure(self) -> None:
        """Three calls that were under way together meet the same wrong token: that is not three in a row."""
        pace = fresh()
        for method in Method:
            pace.begin(method, NOW)
        for order, method in enumerate(Method):
            pace.end(Call("1", method, Outcome.UNAUTHORIZED, NOW, NOW + 1 + order))
        assert pace.paused_until(Method.MESSAGES, NOW + 3) == NOW + 3 + 60

    def test_a_success_ends_the_pause_and_its_doubling(self) -> None:
        pace = fresh()
        pauses(Outcome.NETWORK, 4, pace)
        ended(pace, Outcome.OK, NOW + 1000)
        assert pauses(Outcome.NETWORK, 1, pace) == [10]

    def test_a_success_after_the_pause_says_that_there_is_access_again(self) -> None:
        pace = fresh()
        ended(pace, Outcome.UNAUTHORIZED, NOW)
        ended(pace, Outcome.OK, NOW + 60)
        assert not pace.lacks_access

    def test_a_success_that_was_under_way_when_the_instance_was_paused_does_not_end_it(self) -> None:
        """A suspended MAX account: its journal is forbidden while its state is told."""
        pace = fresh()
        pace.begin(Method.MESSAGES, NOW)
        pace.begin(Method.STATE, NOW)
        pace.end(Call("1", Method.MESSAGES, Outcome.FORBIDDEN, NOW, NOW + 0.1))
        pace.end(Call("1", Method.STATE, Outcome.OK, NOW, NOW + 0.2))
        assert pace.is_paused(Method.MESSAGES, NOW + 59)

    def test_another_kind_of_failure_begins_anew(self) -> None:
        pace = fresh()
        pauses(Outcome.NETWORK, 4, pace)
        assert pauses(Outcome.RATE_LIMITED, 1, pace) == [2]

    @pytest.mark.parametrize(("asked", "length"), [(1.0, 2.0), (90.0, 90.0), (86_400.0, LONGEST_RETRY_AFTER)])
    def test_retry_after_is_honoured_up_to_an_hour(self, asked: float, length: float) -> None:
        pace = fresh()
        ended(pace, Outcome.RATE_LIMITED, NOW, retry_after=asked)
        assert pace.paused_until(Method.MESSAGES, NOW) == NOW + length

    def test_a_pause_begins_when_the_call_ends(self) -> None:
        pace = fresh()
        ended(pace, Outcome.TIMEOUT, NOW, took=60.0)
        assert pace.paused_until(Method.MESSAGES, NOW + 60) == NOW + 70

    def test_a_changed_token_and_a_reload_end_the_pause_for_lack_of_access_alone(self) -> None:
        for end in (Pace.access_changed, lambda pace: pace.reconfigured(INTERVALS, strict=False)):
            pace = fresh()
            ended(pace, Outcome.QUOTA_EXCEEDED, NOW)
            ended(pace, Outcome.UNAUTHORIZED, NOW, Method.STATE)
            end(pace)
            assert not pace.lacks_access
            assert pace.due(Method.SETTINGS, NOW)
            assert pace.is_paused(Method.MESSAGES, NOW)


class TestRestart:
    def test_the_last_query_and_a_spent_quota_are_remembered(self) -> None:
        pace = fresh(2700.0, strict=True)
        ended(pace, Outcome.QUOTA_EXCEEDED, NOW)
        again = Pace(INTERVALS | {Method.MESSAGES: 2700.0}, strict=True, saved=pace.saved())
        assert again.paused_until(Method.MESSAGES, NOW) == NOW + 3600
        ended(pace, Outcome.OK, NOW + 3600)
        again = Pace(INTERVALS | {Method.MESSAGES: 2700.0}, strict=True, saved=pace.saved())
        assert not again.due(Method.MESSAGES, NOW + 3600 + 2699)

    def test_a_wrong_token_is_not_remembered(self) -> None:
        pace = fresh()
        ended(pace, Outcome.UNAUTHORIZED, NOW)
        assert Pace(INTERVALS, strict=False, saved=pace.saved()).due(Method.MESSAGES, NOW + 10)

    def test_what_was_saved_does_not_change_afterwards(self) -> None:
        pace = fresh()
        saved = pace.saved()
        ended(pace, Outcome.NETWORK, NOW)
        assert saved == SavedPace()


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(Outcome), st.sampled_from(Method), st.floats(0, 5000)), max_size=25))
def test_whatever_happens_every_method_may_be_asked_again_within_its_longest_pause(
    past: list[tuple[Outcome, Method, float]],
) -> None:
    pace, now = fresh(), NOW
    for outcome, method, wait in past:
        now += wait
        if pace.due(method, now):
            ended(pace, outcome, now, method)
    assert all(pace.due(method, now + 3600) for method in Method)
