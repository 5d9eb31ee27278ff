"""The simulated GREEN-API behaves as the service does, misbehaves when told to, and tells the truth."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import yaml
from aiohttp import ClientConnectionError, ClientError, ClientSession, ClientTimeout
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.model import MESSAGE_TYPES, Meaning
from exporter.simulator.__main__ import main
from exporter.simulator.account import USUAL_RULES, Account, Rules
from exporter.simulator.clock import Clock, ManualClock
from exporter.simulator.faults import MEBIBYTE, Action, Fault
from exporter.simulator.lives import lives
from exporter.simulator.plan import Episode, Message, Phase, Plan, Profile
from exporter.simulator.server import Simulator
from exporter.simulator.story import DAY_CHAPTERS, LOGGED_OUT, TROUBLE_BEGINS, day, fleet

NOW = 1_790_000_000.0
ID, TOKEN = "1101000001", "simulated-token-1"
CHAT = "79000000001@c.us"
BUSY = Profile(per_hour=600, no_account=0.1, not_in_group=0.2, groups=0.3, failed=0.1, compress=20)


def life(id: str = "A1", *steps: tuple[str, float], **more: Any) -> Message:
    """A scripted message; without steps it is sent a minute ago."""
    return Message(CHAT, id, steps or (("sent", NOW - 60),), **more)


def scripted(*messages: Message, rules: Rules = USUAL_RULES, **more: Any) -> Account:
    account = Account(ID, TOKEN, rules=rules, **more)
    account.add(*messages)
    return account


@dataclass
class Visit:
    """A client at a running simulator."""

    simulator: Simulator
    clock: ManualClock
    session: ClientSession
    url: str

    async def get(
        self, method: str = "lastOutgoingMessages", *, id: str = ID, token: str = TOKEN, query: str = ""
    ) -> Any:
        """Status, headers and body of one call."""
        async with self.session.get(f"{self.url}/waInstance{id}/{method}/{token}{query}") as response:
            return response.status, response.headers, await response.read()

    async def rows(self, query: str = "") -> list[dict[str, Any]]:
        status, _, body = await self.get(query=query)
        assert status == 200
        found: list[dict[str, Any]] = json.loads(body)
        return found

    async def control(self, verb: str, path: str, **more: Any) -> Any:
        async with self.session.request(verb, f"{self.url}/simulator/{path}", **more) as response:
            text = await response.text()
            return json.loads(text) if response.status == 200 else (response.status, text)


def visit(test: Callable[[Visit], Awaitable[None]], *accounts: Account, **options: Any) -> None:
    """Run `test` against a simulator of these accounts; the clock stands at NOW, the rate limit is off."""

    async def run() -> None:
        clock = ManualClock(NOW)
        simulator = Simulator(accounts or [scripted(life())], clock=clock, **{"rate_clock": None} | options)
        async with simulator as url, ClientSession(timeout=ClientTimeout(20)) as session:
            await test(Visit(simulator, clock, session, url))

    asyncio.run(run(), debug=True)


# The service's answers


def test_a_row_has_the_keys_of_the_service() -> None:
    async def test(service: Visit) -> None:
        (row,) = await service.rows()
        assert (row["type"], row["idMessage"], row["chatId"]) == ("outgoing", "A1", CHAT)
        assert (row["timestamp"], row["statusMessage"], row["sendByApi"]) == (int(NOW) - 60, "sent", True)
        assert len(row["textMessage"]) == 40 and row["isDeleted"] is False

    visit(test)


def test_thumbnails_and_texts_have_the_size_that_was_drawn() -> None:
    async def test(service: Visit) -> None:
        (row,) = await service.rows()
        assert len(row["jpegThumbnail"]) == 13000 and len(row["caption"]) == 100

    visit(test, scripted(life(type="videoMessage", thumbnail=13000, text=200)))


def test_the_newest_message_comes_first_and_the_row_limit_cuts_the_oldest() -> None:
    async def test(service: Visit) -> None:
        assert [row["idMessage"] for row in await service.rows()] == ["late", "middle"]

    messages = [life(name, ("sent", NOW - ago)) for name, ago in (("early", 90), ("late", 30), ("middle", 60))]
    visit(test, scripted(*messages, rules=Rules(row_limit=2)))


def test_the_row_limit_is_10000_and_5000_for_max() -> None:
    assert Account("1", "t", Plan(())).row_limit == 10_000
    assert Account("1", "t", Plan((), messenger="max")).row_limit == 5_000


def test_minutes_bounds_the_window_and_defaults_to_a_day() -> None:
    async def test(service: Visit) -> None:
        assert {row["idMessage"] for row in await service.rows()} == {"hour", "minute"}
        assert {row["idMessage"] for row in await service.rows("?minutes=5")} == {"minute"}
        assert len(await service.rows("?minutes=20160")) == 3
        status, _, body = await service.get(query="?minutes=soon")
        assert status == 400 and json.loads(body)["statusCode"] == 400

    ages = {"minute": 60, "hour": 3600, "week": 7 * 86400}
    visit(test, scripted(*(life(name, ("sent", NOW - age)) for name, age in ages.items())))


@pytest.mark.parametrize("path", ["/v3/waInstance{}/lastOutgoingMessages/{}", "/waInstance{}/LastOutgoingMessages/{}"])
def test_the_v3_prefix_and_a_capital_method_name_work(path: str) -> None:
    async def test(service: Visit) -> None:
        async with service.session.get(service.url + path.format(ID, TOKEN)) as response:
            assert len(await response.json()) == 1

    visit(test)


def test_a_wrong_token_is_answered_401_with_an_empty_body() -> None:
    async def test(service: Visit) -> None:
        status, _, body = await service.get(token="another")
        assert (status, body) == (401, b"")

    visit(test)


@pytest.mark.parametrize(("id", "method"), [("1101999999", "lastOutgoingMessages"), (ID, "sendTelepathy")])
def test_an_unknown_instance_or_method_is_answered_404_in_html(id: str, method: str) -> None:
    async def test(service: Visit) -> None:
        status, headers, body = await service.get(method, id=id)
        assert status == 404 and headers["Content-Type"].startswith("text/html") and b"404 Not Found" in body

    visit(test)


def test_the_wrong_verb_is_answered_404() -> None:
    async def test(service: Visit) -> None:
        async with service.session.post(f"{service.url}/waInstance{ID}/getSettings/{TOKEN}") as response:
            assert response.status == 404

    visit(test)


def test_an_id_that_is_no_number_is_answered_403_with_a_message() -> None:
    async def test(service: Visit) -> None:
        status, _, body = await service.get(id="first")
        assert status == 403 and "message" in json.loads(body)

    visit(test)


def test_more_than_one_call_a_second_per_instance_and_method_is_answered_429_with_an_empty_body() -> None:
    tick = ManualClock(0)

    async def test(service: Visit) -> None:
        assert (await service.get())[0] == 200
        status, _, body = await service.get()
        assert (status, body) == (429, b"")
        assert (await service.get("getStateInstance"))[0] == 200
        tick.advance(1)
        assert (await service.get())[0] == 200

    visit(test, rate_clock=tick)


def test_beyond_the_monthly_quota_the_answer_is_466_until_the_next_month() -> None:
    async def test(service: Visit) -> None:
        assert [(await service.get())[0] for _ in range(3)] == [200, 200, 466]
        _, _, body = await service.get()
        assert json.loads(body)["invokeStatus"] == {
            "method": "lastOutgoingMessages", "used": 2, "total": 2, "status": "QUOTE_EXCEEDED",
            "description": "The month's calls are used up",
        }  # fmt: skip
        assert json.loads(body)["correspondentsStatus"]["status"] == "CORRESPONDENTS_QUOTE_EXCEEDED"
        assert (await service.get("getStateInstance"))[0] == 200
        service.clock.advance(31 * 86400)
        assert (await service.get())[0] == 200

    visit(test, scripted(life(), quota=2))


def test_the_state_follows_the_episodes_and_a_stuck_queue_does_not_show() -> None:
    async def state(service: Visit) -> str:
        _, _, body = await service.get("getStateInstance")
        return str(json.loads(body)["stateInstance"])

    async def test(service: Visit) -> None:
        assert await state(service) == "authorized"
        service.simulator.accounts[ID].interrupt(Episode("notAuthorized", NOW + 60))
        service.clock.advance(60)
        assert await state(service) == "notAuthorized"

    visit(test, Account(ID, TOKEN, Plan((), (Episode("stuck", NOW),))))


def test_a_starting_instance_refuses_its_journal_with_status_false() -> None:
    async def test(service: Visit) -> None:
        status, _, body = await service.get()
        assert status == 200 and json.loads(body)["status"] is False

    visit(test, Account(ID, TOKEN, Plan((), (Episode("starting", NOW),))))


def test_a_suspended_max_account_is_forbidden_its_journal() -> None:
    async def test(service: Visit) -> None:
        assert (await service.get())[0] == 403

    visit(test, Account(ID, TOKEN, Plan((), (Episode("suspended", NOW),), "max")))


def test_an_outage_is_answered_502_while_it_lasts() -> None:
    async def test(service: Visit) -> None:
        assert (await service.get())[0] == 502
        service.clock.advance(10)
        assert (await service.get())[0] == 200

    visit(test, Account(ID, TOKEN, Plan((), (Episode("outage", NOW, NOW + 10),))))


def test_settings_hold_the_flags_and_secrets_to_be_dropped() -> None:
    async def test(service: Visit) -> None:
        _, _, body = await service.get("getSettings")
        found = json.loads(body)
        assert (found["outgoingWebhook"], found["outgoingMessageWebhook"]) == ("no", "yes")
        assert found["webhookUrlToken"] == "simulated-webhook-secret" and "login" in found["proxyInstance"]
        assert found["typeInstance"] == "v3"

    visit(test, Account(ID, TOKEN, Plan((), messenger="max"), flags={"outgoingWebhook": False}))


def test_the_date_header_follows_the_clock_and_its_offset() -> None:
    async def test(service: Visit) -> None:
        _, headers, _ = await service.get()
        assert parsedate_to_datetime(headers["Date"]).timestamp() == NOW + 90
        service.simulator.date_offset = None
        assert "Date" not in (await service.get())[1]

    visit(test, date_offset=90.0)


# The journal


def test_a_new_message_appears_after_its_own_lag_but_its_status_changes_do_not_lag() -> None:
    account = scripted(life("A1", ("sent", NOW), ("read", NOW + 100), lag=0.5), rules=Rules(max_lag=120))
    assert account.journal(NOW + 59) == []
    assert [row.status for row in account.journal(NOW + 60)] == ["sent"]
    assert [row.status for row in account.journal(NOW + 100)] == ["read"]


def test_status_changes_lag_when_asked_to() -> None:
    account = scripted(life("A1", ("sent", NOW), ("read", NOW + 100), lag=0.5), rules=Rules(max_lag=0, status_lag=20))
    assert [row.status for row in account.journal(NOW + 109)] == ["sent"]
    assert [row.status for row in account.journal(NOW + 110)] == ["read"]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(Rules(max_lag=0), [0, 0, 0], id="sent: it never moves"),
        pytest.param(Rules(max_lag=0, restamp_on_sending=True), [0, 20, 20], id="it moves on leaving pending only"),
        pytest.param(Rules(Meaning.LAST_ACTION, max_lag=0), [0, 20, 90], id="last action: it follows the status"),
    ],
)
def test_the_timestamp_has_either_meaning(rules: Rules, expected: list[int]) -> None:
    account = scripted(life("A1", ("pending", NOW), ("sent", NOW + 20), ("read", NOW + 90)), rules=rules)
    shown = [account.journal(NOW + moment)[0].timestamp - int(NOW) for moment in (10, 30, 95)]
    assert shown == expected


def test_without_outgoing_webhook_every_row_stays_at_sent() -> None:
    account = scripted(life("A1", ("sent", NOW), ("delivered", NOW + 1)), flags={"outgoingWebhook": False})
    assert [row.status for row in account.journal(NOW + 60)] == ["sent"]


def test_without_outgoing_message_webhook_what_was_typed_on_the_phone_is_missing() -> None:
    account = scripted(life("A1", by_api=False), life("A2"), flags={"outgoingMessageWebhook": False})
    assert [row.message.id for row in account.journal(NOW)] == ["A2"]


def test_a_life_must_go_forward_in_time() -> None:
    with pytest.raises(ValueError, match="order of time"):
        life("A1", ("sent", NOW), ("read", NOW - 1))


# Lives


def test_every_documented_type_and_every_status_occurs() -> None:
    trouble = (Episode("yellowCard", NOW - 3600, NOW - 600), Episode("blocked", NOW - 600))
    account = Account(ID, TOKEN, Plan.steady(NOW - 20 * 3600, BUSY, *trouble))
    rows = account.journal(NOW)
    assert {row.message.type for row in rows} == set(MESSAGE_TYPES)
    statuses = {"pending", "sent", "delivered", "read", "noAccount", "notInGroup", "failed", "yellowCard"}
    assert {row.status for row in rows} == statuses
    json.loads(b"[" + b",".join(row.json for row in rows) + b"]")


def test_numbers_are_invented_and_groups_and_ids_look_like_the_services() -> None:
    for message, _ in zip(lives(1, Plan.steady(NOW, BUSY)), range(500), strict=False):
        assert message.chat.startswith(("7900000", "120363")) and message.chat.endswith(("@c.us", "@g.us"))
        assert message.id.startswith("3EB0") if message.by_api else len(message.id) == 32
    first = next(lives(1, Plan((Phase(NOW, BUSY),), messenger="max")))
    assert first.id == str(int(first.created * 1000))


def test_phases_change_how_much_is_sent() -> None:
    plan = Plan((Phase(NOW, Profile(per_hour=600)), Phase(NOW + 3600, Profile(per_hour=0))))
    assert 500 < len(list(lives(1, plan))) < 700


def test_an_interruption_holds_the_queue_and_lets_it_go_at_its_end() -> None:
    plan = Plan.steady(NOW, Profile(per_hour=600, phone=0, queue=0.1), Episode("stuck", NOW + 600, NOW + 1200))
    account = Account(ID, TOKEN, plan, rules=Rules(max_lag=0))
    held = Counter(row.status for row in account.journal(NOW + 1199, 10))
    assert set(held) == {"pending"} and held["pending"] > 50
    assert all(row.status != "pending" for row in account.journal(NOW + 1270, 15) if row.timestamp < NOW + 1190)


@given(st.lists(st.floats(NOW - 600, NOW + 600), max_size=8))
def test_what_is_shown_at_a_moment_does_not_depend_on_when_it_was_asked_before(moments: list[float]) -> None:
    plan = Plan.steady(NOW - 900, BUSY, Episode("yellowCard", NOW - 100, NOW + 50))
    asked, fresh = Account(ID, TOKEN, plan), Account(ID, TOKEN, plan)
    for moment in moments:
        asked.journal(moment)
    assert [row.json for row in asked.journal(NOW)] == [row.json for row in fresh.journal(NOW)]
    assert asked.truth(NOW) == fresh.truth(NOW)


@settings(max_examples=50)
@given(
    seed=st.integers(0, 1000),
    moment=st.floats(NOW, NOW + 3600),
    minutes=st.integers(1, 90),
    meaning=st.sampled_from([Meaning.SENT, Meaning.LAST_ACTION]),
    limit=st.integers(1, 300),
)
def test_the_journal_shows_the_truth(seed: int, moment: float, minutes: int, meaning: Meaning, limit: int) -> None:
    """Every row is a true message in its true status; none that should be shown is missing; none is shown twice."""
    plan = Plan.steady(NOW, BUSY, Episode("yellowCard", NOW + 600, NOW + 900), Episode("blocked", NOW + 3000))
    account = Account(ID, TOKEN, plan, seed=seed, rules=Rules(meaning, row_limit=limit))
    rows = [json.loads(row.json) for row in account.journal(moment, minutes)]
    expected = {}
    for true in account.truth(moment):
        status, at = list(true.steps.items())[-1]
        timestamp = int(true.created if meaning is Meaning.SENT else at)
        if true.appears <= moment and timestamp >= moment - minutes * 60:
            expected[true.chat, true.id] = (status, timestamp, true.type, true.by_api)
    fields = ("statusMessage", "timestamp", "typeMessage", "sendByApi")
    shown = {(row["chatId"], row["idMessage"]): tuple(row[field] for field in fields) for row in rows}
    assert len(shown) == len(rows) == min(limit, len(expected))
    assert shown.items() <= expected.items()
    stamps = [row["timestamp"] for row in rows]
    assert stamps == sorted(stamps, reverse=True)
    left_out = [expected[key][1] for key in expected.keys() - shown.keys()]
    assert max(left_out, default=0) <= min(stamps, default=0)


# Misbehaviour


def test_a_fault_answers_with_any_status_headers_and_body_as_often_as_told() -> None:
    async def test(service: Visit) -> None:
        fault = Fault(Action.ANSWER, ID, status=503, headers={"Retry-After": "7"}, body=b"\xff\x00", times=2)
        service.simulator.faults.add(fault)
        for _ in range(2):
            status, headers, body = await service.get()
            assert (status, headers["Retry-After"], body) == (503, "7", b"\xff\x00")
        assert (await service.get())[0] == 200

    visit(test)


def test_a_fault_meets_only_the_instance_and_method_it_is_for_until_cleared() -> None:
    async def test(service: Visit) -> None:
        faults = service.simulator.faults
        faults.add(Fault(Action.ANSWER, ID, "getSettings", status=500))
        assert [(await service.get(method))[0] for method in ("getSettings", "getStateInstance")] == [500, 200]
        assert (await service.get("getSettings", id="2", token="t"))[0] == 200
        faults.clear("2")
        assert (await service.get("getSettings"))[0] == 500
        faults.clear(ID)
        assert (await service.get("getSettings"))[0] == 200

    visit(test, scripted(), Account("2", "t"))


def test_faults_with_a_count_make_a_script() -> None:
    async def test(service: Visit) -> None:
        for status in (500, 502):
            service.simulator.faults.add(Fault(Action.ANSWER, status=status, times=1))
        assert [(await service.get())[0] for _ in range(3)] == [500, 502, 200]

    visit(test)


def test_a_delayed_answer_is_the_true_one() -> None:
    async def test(service: Visit) -> None:
        service.simulator.faults.add(Fault(Action.DELAY, seconds=0.05))
        assert len(await service.rows()) == 1

    visit(test)


@pytest.mark.parametrize("action", [Action.STALL, Action.STALL_BODY])
def test_a_stalled_call_holds_nobody_else_up_and_ends_with_the_server(action: Action) -> None:
    async def test(service: Visit) -> None:
        service.simulator.faults.add(Fault(action, times=1))
        stalled = asyncio.create_task(service.get())
        await service.simulator.until_asked(1)
        assert (await service.get())[0] == 200
        assert not stalled.done()
        await service.simulator.stop()
        with pytest.raises(ClientError):
            await stalled

    visit(test)


@pytest.mark.parametrize("action", [Action.TRUNCATE, Action.RESET_BODY])
def test_a_body_can_end_too_early(action: Action) -> None:
    async def test(service: Visit) -> None:
        service.simulator.faults.add(Fault(action))
        with pytest.raises(ClientError):
            await service.get()

    visit(test)


def test_a_connection_can_be_reset_before_any_byte() -> None:
    async def test(service: Visit) -> None:
        service.simulator.faults.add(Fault(Action.RESET))
        with pytest.raises(ClientConnectionError):
            await service.get()
        assert {call.status for call in service.simulator.calls} == {None}

    visit(test)


def test_a_malformed_body_has_a_stray_comma() -> None:
    async def test(service: Visit) -> None:
        service.simulator.faults.add(Fault(Action.MALFORM))
        status, _, body = await service.get()
        assert status == 200 and body.endswith(b"},]")

    visit(test)


def test_a_gzip_bomb_unpacks_to_the_size_asked_for() -> None:
    async def test(service: Visit) -> None:
        service.simulator.faults.add(Fault(Action.GZIP_BOMB, size=3 * MEBIBYTE))
        _, headers, body = await service.get()
        assert headers["Content-Encoding"] == "gzip" and len(body) == 3 * MEBIBYTE

    visit(test)


# Control over HTTP


def test_the_truth_endpoint_tells_every_message_with_the_true_time_of_each_status() -> None:
    async def test(service: Visit) -> None:
        told = await service.control("GET", f"truth?instance={ID}")
        assert (told["now"], told["state"]) == (NOW, "authorized")
        (message,) = told["messages"]
        assert message["steps"] == {"sent": NOW - 60, "delivered": NOW - 50}
        assert (message["chat"], message["id"], message["type"]) == (CHAT, "A1", "extendedTextMessage")
        status, text = await service.control("GET", "truth?instance=9")
        assert status == 404 and ID in text

    visit(test, scripted(life("A1", ("sent", NOW - 60), ("delivered", NOW - 50), ("read", NOW + 1))))


def test_faults_can_be_set_listed_and_cleared_over_http() -> None:
    async def test(service: Visit) -> None:
        order = {"action": "answer", "status": 429, "headers": {"Retry-After": "3"}, "text": "wait"}
        assert len(await service.control("POST", "faults", json=order)) == 1
        status, headers, body = await service.get()
        assert (status, headers["Retry-After"], body) == (429, "3", b"wait")
        assert (await service.control("GET", "faults"))[0]["action"] == "answer"
        assert await service.control("DELETE", "faults") == []
        assert (await service.get())[0] == 200

    visit(test)


@pytest.mark.parametrize("wrong", ['{"action": "sulk"}', '{"status": 500}', "nonsense"])
def test_a_fault_that_makes_no_sense_is_refused_with_a_reason(wrong: str) -> None:
    async def test(service: Visit) -> None:
        status, text = await service.control("POST", "faults", data=wrong)
        assert status == 400 and text.strip()

    visit(test)


def test_messages_can_be_added_over_http() -> None:
    async def test(service: Visit) -> None:
        message = {"chat": CHAT, "id": "A2", "steps": [["pending", NOW - 30], ["noAccount", NOW - 20]]}
        assert await service.control("POST", f"messages?instance={ID}", json=message) == {}
        assert [row["statusMessage"] for row in await service.rows()] == ["noAccount", "sent"]
        backwards = message | {"steps": [["sent", NOW], ["read", NOW - 20]]}
        status, text = await service.control("POST", f"messages?instance={ID}", json=backwards)
        assert status == 400 and "order of time" in text

    visit(test)


def test_the_log_of_calls_tells_who_was_asked_what_and_holds_no_token() -> None:
    async def test(service: Visit) -> None:
        await service.get(query="?minutes=10")
        await service.get("getSettings", token="simulated-wrong-token")
        calls = await service.control("GET", "calls")
        answered = [(call["method"], call["status"]) for call in calls]
        assert answered == [("lastOutgoingMessages", 200), ("getSettings", 401)]
        assert calls[0]["minutes"] == "10" and "token" not in json.dumps(calls)
        assert len(service.simulator.asked(ID, "getSettings")) == 1

    visit(test)


# Clocks and stories


def test_an_accelerated_clock_starts_where_it_is_told_and_runs_forward() -> None:
    clock = Clock(NOW, speed=1000)
    first = clock()
    assert NOW <= first <= clock()


def test_the_demo_has_a_day_of_history_a_healthy_a_dirty_and_a_troubled_instance() -> None:
    healthy, dirty, troubled = fleet(NOW)
    assert all(len(account.journal(NOW)) > 500 for account in (healthy, dirty, troubled))
    later = NOW + 900
    fates = Counter(list(true.steps)[-1] for true in dirty.truth(later) if true.created >= NOW)
    assert 0.12 < fates["noAccount"] / fates.total() < 0.3
    assert [account.state(later) for account in (healthy, dirty)] == ["authorized", "authorized"]
    moments = (NOW, NOW + TROUBLE_BEGINS, NOW + LOGGED_OUT, later)
    assert [troubled.state(at) for at in moments] == ["authorized", "yellowCard", "notAuthorized", "notAuthorized"]
    waiting = [Counter(row.status for row in troubled.journal(at))["pending"] for at in (NOW + 60, NOW + 300, later)]
    assert waiting[0] < waiting[1] < waiting[2]


def test_the_demos_latencies_fill_within_two_minutes() -> None:
    healthy = fleet(NOW)[0]
    recent = [true for true in healthy.truth(NOW + 120) if true.created >= NOW]
    assert sum("delivered" in true.steps for true in recent) > 3
    assert sum("read" in true.steps for true in recent) > 1


def test_the_scripted_day_goes_through_its_chapters() -> None:
    midnight = NOW - NOW % 86400
    account = Account(ID, TOKEN, day(midnight))
    for chapter in DAY_CHAPTERS:
        middle = midnight + (chapter.begins + chapter.ends) * 1800
        shown = "authorized" if chapter.kind in ("", "stuck", "outage") else chapter.kind
        assert account.state(middle) == shown, chapter.title
        assert account.out_of_order(middle) == (chapter.kind == "outage"), chapter.title
    campaign = [true for true in account.truth(midnight + 86400) if 10 * 3600 <= true.created - midnight < 11.5 * 3600]
    assert sum("noAccount" in true.steps for true in campaign) > 0.2 * len(campaign) > 200


# On its own


def test_on_its_own_it_prints_a_configuration_that_works_and_stops_in_order_at_sigterm() -> None:
    command = [sys.executable, "-m", "exporter.simulator", "--listen", "127.0.0.1:0", "--instances", "2"]

    async def run() -> None:
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        printed = (await process.stdout.readuntil(b"api_url: http")) + await process.stdout.readuntil(b"api_url: http")
        printed += await process.stdout.readline()
        first, second = yaml.safe_load(printed)["instances"]
        assert first["token"] == "simulated-token-1" and second["id"] == "1101000002"
        async with ClientSession() as session:
            url = f"{second['api_url']}/waInstance{second['id']}/lastOutgoingMessages/{second['token']}"
            async with session.get(url) as response:
                assert len(await response.json()) > 1000
        process.terminate()
        assert await process.wait() == 0

    asyncio.run(run(), debug=True)


def test_an_address_that_is_taken_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["--listen", address]) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith(f"cannot listen on {address}: ") and complaint.count("\n") == 1


def test_an_address_that_is_none_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--listen", "everywhere"])
    assert "'everywhere' is not HOST:PORT" in capsys.readouterr().err
