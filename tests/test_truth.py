"""The exporter against a simulated service that tells the truth: every counter equal, every latency within its ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random
from typing import Any

import aiohttp
import msgspec
import pytest

from exporter import wire
from exporter.client import Client, Limits
from exporter.commits import Commits
from exporter.config import Config, InstanceConfig, Tariff
from exporter.fleet import Fleet
from exporter.instance import Instance
from exporter.model import Call, Journal, Meaning, Method, Outcome, Repeat, Secret
from exporter.simulator.account import Account, Rules, Truth
from exporter.simulator.clock import ManualClock
from exporter.simulator.faults import Action, Fault
from exporter.simulator.plan import Plan, Profile
from exporter.simulator.server import Simulator
from exporter.store import MemoryStore
from exporter.store.keys import keyed
from tests.truth import Look, World, check, check_latencies

START, HOUR = 1_790_000_000.0, 3600.0
INTERVAL = 30.0
PEOPLE = Profile(
    per_hour=150, queue=4, delivery=6, offline=0.1, offline_for=600, reading=200, evening_readers=0, no_account=0.1,
    not_in_group=0.1, failed=0.05, thumbnails=0,
)  # fmt: skip


def account(seed: int, meaning: Meaning, profile: Profile = PEOPLE) -> Account:
    """It has been sending for ten minutes when the exporter first asks."""
    plan = Plan.steady(START - 600, profile)
    return Account("1101000001", "a-token", plan, seed=seed, rules=Rules(meaning=meaning, max_lag=110.0))


def config(meaning: Meaning, window: float, url: str = "https://api.green-api.com", *ids: str) -> Config:
    instances = tuple(
        InstanceConfig(
            id_, id_, Secret("a-token"), None, url, (), Tariff.BUSINESS, window, INTERVAL, 10.0, meaning
        )
        for id_ in ids or ("1101000001",)
    )  # fmt: skip
    return Config(instances, 10, 300.0, ":memory:", 2**27, 0.0, 0.0, ("textMessage",))


def moments(rng: Random, hours: float) -> list[tuple[Look, bool]]:
    """Irregular queries over some hours; one in ten fails, and so do all of twenty minutes in the middle."""
    now, planned = START, []
    outage = START + hours * HOUR / 2
    while now < START + hours * HOUR:
        took = rng.uniform(0.1, 4.0)
        look = Look(now, now + took * rng.random(), now + took)
        planned.append((look, now > START and (rng.random() < 0.1 or outage < now < outage + 1200)))
        now += took + rng.choice([INTERVAL, INTERVAL, rng.uniform(INTERVAL, 4 * INTERVAL)])
    return planned


def shown(service: Account, look: Look, instance: Instance) -> Journal | Repeat:
    """What the service answers at that look, through the exporter's own decoder."""
    rows = service.journal(look.seen, instance.minutes)
    return wire.journal_after(instance.account.imprint, b"[" + b",".join(row.json for row in rows) + b"]")


@pytest.mark.parametrize(("window", "meaning"), [(HOUR, Meaning.SENT), (24 * HOUR, Meaning.LAST_ACTION)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hours_of_queries_give_the_true_numbers(seed: int, window: float, meaning: Meaning) -> None:
    service, setup = account(seed, meaning), config(meaning, window)
    instance = Instance(setup.instances[0], setup, keyed(b"the key of these tests"))
    looks, history = [], []
    for look, fails in moments(Random(seed), 4):
        outcome = Outcome.NETWORK if fails else Outcome.OK
        call = Call(instance.id, Method.MESSAGES, outcome, look.started, look.arrived)
        if call.ok:
            instance.took_journal(call, shown(service, look, instance))
            looks.append(look)
            instance.account.committed(instance.changes().account)
            history.append(instance.face(look.arrived).totals)
        instance.ended(call)
    expected = World(meaning, window, INTERVAL).expected(service.truth(looks[-1].seen), looks)
    check(history[-1], expected)
    check_latencies(history, expected)
    assert len(expected.events) > 300
    assert any(event.latency is None for event in expected.events)


@pytest.mark.parametrize("meaning", [Meaning.SENT, Meaning.LAST_ACTION])
def test_the_meaning_of_timestamps_is_learnt_within_minutes(meaning: Meaning) -> None:
    service, setup = account(7, meaning), config(Meaning.AUTO, HOUR)
    instance = Instance(setup.instances[0], setup, keyed(b"the key of these tests"))
    for look, _ in moments(Random(7), 0.25):
        call = Call(instance.id, Method.MESSAGES, Outcome.OK, look.started, look.arrived)
        instance.took_journal(call, shown(service, look, instance))
    assert instance.account.meaning is meaning


class _Unobserved:
    """Commits tell their observer; nobody listens here."""

    def committed(self, seconds: float) -> None: ...
    def commit_failed(self) -> None: ...


async def _no_token(_path: str) -> Secret | None:
    return None


@pytest.mark.parametrize("meaning", [Meaning.SENT, Meaning.LAST_ACTION])
def test_over_real_http_the_fleet_shows_the_true_numbers(meaning: Meaning) -> None:
    asyncio.run(_over_http(meaning), debug=True)


async def _over_http(meaning: Meaning) -> None:
    """Three instances, an hour of scrapes on a simulated clock, some answers broken."""
    clock = ManualClock(START)
    accounts = [account(seed, meaning, replace(PEOPLE, per_hour=100)) for seed in range(3)]
    for number, each in enumerate(accounts):
        each.id = f"110100000{number}"
    simulator = Simulator(accounts, clock=clock, rate_clock=None)
    bugs: list[BaseException] = []
    rng = Random(1)
    async with simulator as url:
        client = await Client.open(clock=clock, observe=lambda call: None, limits=Limits())
        fleet = Fleet(
            client, lambda instances: Commits(MemoryStore(), instances, _Unobserved()),
            clock=clock, read_token=_no_token, crash=bugs.append,
        )  # fmt: skip
        await fleet.configure(config(meaning, HOUR, url, *simulator.accounts), lambda ids: {})
        looks: dict[str, list[Look]] = {each.id: [] for each in accounts}
        history: dict[str, list[Any]] = {each.id: [] for each in accounts}
        for scrape in range(80):
            if scrape % 9 == 8:
                action = rng.choice([Action.ANSWER, Action.MALFORM, Action.TRUNCATE])
                simulator.faults.add(Fault(action, times=2, status=502))
            seen = await fleet.scrape(10.0)
            for face in seen.faces:
                if face.up and face.last_success == clock():
                    looks[face.id].append(Look(clock(), clock(), clock()))
                    history[face.id].append(face.totals)
            clock.advance(45.0)
        async with aiohttp.ClientSession() as session:
            for id_ in looks:
                async with session.get(f"{url}/simulator/truth", params={"instance": id_}) as response:
                    truth = msgspec.convert((await response.json())["messages"], list[Truth])
                expected = World(meaning, HOUR, INTERVAL).expected(truth, looks[id_])
                assert len(expected.events) > 50
                check(history[id_][-1], expected)
                check_latencies(history[id_], expected)
        assert any(len(times) < 80 for times in looks.values())
        await fleet.close()
        await client.close()
    assert bugs == []
