"""One instance at run time: what is due, what is stale, what a reload and a restart keep. Scenarios show the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.config import Config, InstanceConfig, Tariff
from exporter.instance import Face, Instance
from exporter.ledger import Known
from exporter.model import Call, InstanceSettings, Journal, Meaning, Method, Outcome, Secret
from exporter.store.keys import keyed
from tests.ledger.oracle import Row

NOW = 1_790_000_000.0
KEY_OF = keyed(b"the key of these tests")
SALES = InstanceConfig(
    "1101000001", "sales", Secret("first-token"), None, "https://1101.api.green-api.com:8443/path",
    (("team", "blue"),), Tariff.BUSINESS, 3600.0, 60.0, 10.0, Meaning.SENT,
)  # fmt: skip
CONFIG = Config((SALES,), 100, 300.0, ":memory:", 2**27, 60.0, 3600.0, ("textMessage",))


def fresh(instance: InstanceConfig = SALES, config: Config = CONFIG) -> Instance:
    return Instance(instance, config, KEY_OF)


def ended(
    instance: Instance, at: float, method: Method = Method.MESSAGES, outcome: Outcome = Outcome.OK,
    journal: tuple[Row, ...] = (), date: float | None = None,
) -> Call:  # fmt: skip
    """A call that begins `at` seconds after NOW and takes one."""
    call = Call(instance.id, method, outcome, NOW + at, NOW + at + 1, date=date)
    instance.begin(method, call.started)
    if call.ok and method is Method.MESSAGES:
        instance.took_journal(call, Journal(list(journal), {}))
    instance.ended(call)
    return call


def commit(instance: Instance) -> None:
    instance.account.committed(instance.changes().account)


def face(instance: Instance, at: float) -> Face:
    return instance.face(NOW + at)


def test_one_journal_answer_with_an_absurd_date_moves_no_time() -> None:
    """Its call is told of twice, when its answer is taken and when it has ended; it must not agree with itself."""
    instance = fresh()
    for at, ahead in ((0, 0.5), (60, 0.5), (120, 7200.5), (180, 0.5)):
        ended(instance, at, journal=(Row("A", "c", int(NOW)),), date=NOW + at + ahead)
        assert instance.clock.correction == 0.0
    commit(instance)
    assert face(instance, 181).totals["gap"][()] == 0


class TestAsking:
    def test_everything_is_due_at_first_and_what_was_asked_is_not(self) -> None:
        instance = fresh()
        assert instance.due(NOW) == list(Method)
        for method in Method:
            ended(instance, 0, method)
        assert instance.due(NOW + 50) == []
        assert instance.due(NOW + 54) == [Method.MESSAGES, Method.STATE]

    def test_a_refusal_of_an_old_token_does_not_pause_what_has_a_new_one(self) -> None:
        instance = fresh()
        call = Call(instance.id, Method.MESSAGES, Outcome.UNAUTHORIZED, NOW, NOW + 1)
        instance.renew_token(Secret("second-token"))
        instance.ended(call, Secret("first-token"))
        assert instance.due(NOW + 100) == list(Method)
        instance.ended(call, Secret("second-token"))
        assert instance.due(NOW + 50) == []

    def test_methods_that_are_switched_off_are_never_due_and_have_no_series(self) -> None:
        instance = fresh(config=replace(CONFIG, state_interval=0.0, settings_interval=0.0))
        assert instance.due(NOW) == [Method.MESSAGES]
        assert {method for method, _ in face(instance, 0).requests} == {"lastOutgoingMessages"}

    def test_the_interval_counts_from_when_the_call_really_began(self) -> None:
        """It had waited 40 s for its turn."""
        instance = fresh()
        instance.begin(Method.MESSAGES, NOW)
        instance.ended(Call(instance.id, Method.MESSAGES, Outcome.OK, NOW + 40, NOW + 41))
        assert Method.MESSAGES not in instance.due(NOW + 60)

    @pytest.mark.parametrize(("window", "minutes"), [(60.0, 1), (61.0, 2), (59.0, 1), (86_400.0, 1440)])
    def test_the_window_is_asked_for_in_whole_minutes_rounded_up(self, window: float, minutes: int) -> None:
        assert fresh(replace(SALES, window=window)).minutes == minutes

    def test_a_scrape_of_many_does_not_wait_for_what_timed_out(self) -> None:
        instance = fresh()
        ended(instance, 0, outcome=Outcome.TIMEOUT)
        assert all(instance.timed_out(method) for method in Method)
        ended(instance, 60)
        assert not instance.timed_out(Method.MESSAGES)

    def test_only_another_token_ends_the_pause_for_lack_of_access(self) -> None:
        instance = fresh()
        ended(instance, 0, outcome=Outcome.UNAUTHORIZED)
        assert instance.lacks_access
        assert not instance.renew_token(Secret("first-token"))
        assert instance.due(NOW + 10) == []
        assert instance.renew_token(Secret("second-token"))
        assert instance.due(NOW + 1) == [Method.STATE, Method.SETTINGS]
        assert not instance.lacks_access


class TestShowing:
    def test_before_the_first_query_it_is_neither_up_nor_down(self) -> None:
        shown = face(fresh(), 0)
        assert (shown.up, shown.last_success, shown.duration, shown.window) == (None, None, None, None)
        assert shown.interval == 60.0
        assert set(shown.requests.values()) == {0}
        assert len(shown.requests) == len(Method) * len(Outcome)

    def test_a_failure_shows_at_once_and_the_last_success_stays(self) -> None:
        instance = fresh()
        ended(instance, 0)
        ended(instance, 60, outcome=Outcome.NETWORK)
        shown = face(instance, 61)
        assert (shown.up, shown.last_success, shown.duration) == (False, NOW + 1, 1.0)

    @pytest.mark.parametrize(("interval", "lasts"), [(60.0, 300.0), (200.0, 600.0)])
    def test_gauges_outlive_a_failure_by_stale_after_but_at_least_three_intervals(
        self, interval: float, lasts: float
    ) -> None:
        instance = fresh(replace(SALES, min_interval=interval))
        ended(instance, 0)
        ended(instance, 999, outcome=Outcome.NETWORK)
        ended(instance, 1100, outcome=Outcome.TIMEOUT)
        assert face(instance, 1000 + lasts).window is not None
        assert face(instance, 1001 + lasts).window is None

    def test_each_method_goes_stale_on_its_own(self) -> None:
        instance = fresh()
        for method in Method:
            ended(instance, 0, method)
        instance.took_state("authorized")
        instance.took_settings(InstanceSettings({"outgoingWebhook": True}, "max"))
        ended(instance, 60, Method.STATE, Outcome.SERVER_ERROR)
        shown = face(instance, 400)
        assert shown.state is None
        assert shown.settings is not None
        assert shown.window is not None

    def test_what_is_not_asked_any_more_is_not_shown_any_more(self) -> None:
        instance = fresh()
        instance.took_state("authorized")
        ended(instance, 0, Method.STATE)
        instance.configure(SALES, replace(CONFIG, state_interval=0.0))
        assert face(instance, 1).state is None
        assert face(instance, 1).requests["getStateInstance", "ok"] == 1

    def test_the_info_has_the_labels_of_all_instances(self) -> None:
        other = replace(SALES, id="2", labels=(("shift", "night"),))
        instance = fresh(config=replace(CONFIG, instances=(SALES, other)))
        (info,) = face(instance, 0).info
        assert dict(info) == {
            "messenger": "unknown", "api_host": "1101.api.green-api.com:8443", "team": "blue", "shift": "",
        }  # fmt: skip

    def test_a_face_does_not_change_after_it_was_shown(self) -> None:
        """The exposition keeps lines while their source is the same object."""
        instance = fresh()
        ended(instance, 0)
        before = face(instance, 1)
        requests, totals = dict(before.requests), repr(before.totals)
        ended(instance, 60, journal=(Row("A", "c", int(NOW) + 30),))
        commit(instance)
        assert (dict(before.requests), repr(before.totals)) == (requests, totals)
        assert face(instance, 61).requests["lastOutgoingMessages", "ok"] == 2

    def test_counters_are_shown_when_they_are_committed_and_not_before(self) -> None:
        instance = fresh()
        ended(instance, 0)
        ended(instance, 60, journal=(Row("A", "c", int(NOW) + 30),))
        assert face(instance, 61).totals["messages"]["textMessage", "api"] == 0
        assert face(instance, 61).window is not None
        commit(instance)
        assert face(instance, 61).totals["messages"]["textMessage", "api"] == 1

    def test_the_clock_of_any_method_tells_the_offset(self) -> None:
        instance = fresh()
        ended(instance, 0, Method.STATE, date=NOW + 30.0)
        offset = face(instance, 1).clock_offset
        assert offset is not None
        assert offset == pytest.approx(30.0, abs=1)

    def test_its_repr_holds_no_secret(self) -> None:
        assert "token" not in repr(fresh())


class TestRestart:
    def test_what_was_committed_is_what_it_goes_on_with(self) -> None:
        instance = fresh(replace(SALES, tariff=Tariff.DEVELOPER, min_interval=2700.0))
        instance.took_settings(InstanceSettings({}, "max"))
        ended(instance, 0, date=NOW + 30)
        ended(instance, 2700, outcome=Outcome.RATE_LIMITED)
        changes = instance.changes(everything=True)
        known = Known()
        for message in changes.account.messages.values():
            known.add(message)
        again = Instance(instance.config, CONFIG, KEY_OF, changes.saved, known)
        assert again.due(NOW + 2702) == [Method.STATE, Method.SETTINGS]
        assert again.messenger == "max"
        assert again.clock.correction == instance.clock.correction != 0
        assert face(again, 2702).totals == instance.account.changes().totals
        assert face(again, 2702).up is None

    def test_only_what_has_something_to_commit_is_dirty(self) -> None:
        instance = fresh()
        dirty = [instance.dirty]
        for step in (commit, lambda one: ended(one, 0), commit):
            step(instance)
            dirty.append(instance.dirty)
        assert dirty == [True, False, True, False]
