"""One question per instance, however many ask; nobody waits for whom he need not wait for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from exporter.model import Method
from exporter.simulator.account import Account
from exporter.simulator.faults import Action, Fault
from exporter.simulator.plan import Message
from exporter.simulator.server import Simulator

from .inside import TIMEOUT_HEADER, Exporter, config, exporting, id_of, instance, run
from .secrets import TOKEN

IDS = FIRST, STALLED, LAST = id_of(1), id_of(2), id_of(3)


@asynccontextmanager
async def three(folder: Path) -> AsyncIterator[tuple[Simulator, Exporter]]:
    """A simulated service and an exporter of three of its instances, with all three methods in use."""
    accounts = [Account(id_, TOKEN) for id_ in IDS]
    simulator = Simulator(accounts, rate_clock=None)
    async with simulator as url:
        file = config(folder, *(instance(n, url) for n in (1, 2, 3)), state_interval=60, settings_interval=3600)
        async with exporting(file) as exporter:
            for account in accounts:
                account.add(Message("79005550124@c.us", f"m{account.id}", (("sent", exporter.clock.now - 600),)))
            simulator.clock = exporter.clock
            yield simulator, exporter


def _each_once() -> list[tuple[str, str]]:
    return sorted((id_, str(method)) for id_ in IDS for method in Method)


def _asked(simulator: Simulator) -> list[tuple[str, str]]:
    return sorted((call.instance, call.method) for call in simulator.asked())


@pytest.mark.parametrize(
    "paths", [["/metrics"] * 2, ["/metrics"] * 9, ["/metrics", "/probe?target=name-2", "/metrics"]], ids=str
)
def test_scrapes_at_the_same_moment_cause_one_question_per_instance_and_method(
    paths: list[str], tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with three(tmp_path) as (simulator, exporter):
            simulator.faults.add(Fault(Action.DELAY, seconds=0.05))
            pages = await asyncio.gather(*(exporter.scrape(path=path) for path in paths))
            assert _asked(simulator) == _each_once()
            assert [page.value("greenapi_up", STALLED) for page in pages] == [1] * len(paths)

    run(scenario())


def test_with_one_instance_stalled_a_scrape_answers_in_time_with_the_others_fresh(tmp_path: Path) -> None:
    """From the very first scrape on: a call may take 20 s, the scraper waits 1.5 s."""

    async def scenario() -> None:
        async with three(tmp_path) as (simulator, exporter):
            simulator.faults.add(Fault(Action.STALL, instance=STALLED))
            for number in (1, 2):
                page = await exporter.scrape(1.5)
                assert [page.value("greenapi_up", id_) for id_ in IDS] == [1, None, 1]
                assert [page.outcomes(id_) for id_ in IDS] == [{"ok": number}, {}, {"ok": number}]
                exporter.clock.now += 10
            assert len(simulator.asked(STALLED, Method.MESSAGES)) == 1
            simulator.faults.clear()

    run(scenario())


def test_a_query_that_outlasts_its_scrape_serves_the_next(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with three(tmp_path) as (simulator, exporter):
            simulator.faults.add(Fault(Action.DELAY, instance=STALLED, seconds=0.8))
            first = await exporter.scrape(1)
            second = await exporter.scrape(10)
            assert (first.value("greenapi_up", STALLED), second.value("greenapi_up", STALLED)) == (None, 1)
            assert _asked(simulator) == _each_once()

    run(scenario())


@pytest.mark.parametrize("others", [0, 2])
def test_a_client_that_leaves_cancels_no_query(others: int, tmp_path: Path) -> None:
    """Neither one that others wait for, nor one that the next scrape may use."""

    async def scenario() -> None:
        async with three(tmp_path) as (simulator, exporter):
            simulator.faults.add(Fault(Action.DELAY, seconds=0.3))
            leaving = asyncio.create_task(_scrape_alone(exporter))
            staying = [asyncio.create_task(exporter.scrape()) for _ in range(others)]
            await simulator.until_asked(9)
            leaving.cancel()
            await asyncio.wait({leaving})
            pages = [*await asyncio.gather(*staying), await exporter.scrape()]
            assert [page.value("greenapi_up", FIRST) for page in pages] == [1] * len(pages)
            assert _asked(simulator) == _each_once()

    run(scenario())


async def _scrape_alone(exporter: Exporter) -> None:
    """A scrape on a connection of its own, which ends with it."""
    async with aiohttp.ClientSession() as http, http.get(f"{exporter.url}/metrics") as response:
        await response.read()


def test_a_whole_fleet_in_a_black_hole_is_scraped_in_time(tmp_path: Path) -> None:
    """Nobody answers a single packet: the exporter starts, says which instances there are, and that none is known."""

    async def scenario() -> None:
        with socket.socket() as hole:
            hole.bind(("127.0.0.1", 0))
            hole.listen(0)
            knocking = [socket.socket() for _ in range(3)]
            for one in knocking:
                one.setblocking(False)
                one.connect_ex(hole.getsockname())
            url = f"http://127.0.0.1:{hole.getsockname()[1]}"
            async with exporting(config(tmp_path, *(instance(n, url) for n in range(30)), concurrency=5)) as exporter:
                page = await exporter.scrape(1)
                assert page.value("greenapi_up") is None
                assert page.value("greenapi_instance_info") == 30
                assert page.value("greenapi_exporter_inflight_api_requests") == 5
            for one in knocking:
                one.close()

    run(scenario())


@pytest.mark.parametrize("header", ["0", "-1", "nan", "inf", "1e9", "soon", "", "0x5", "121"])
def test_a_timeout_that_makes_no_sense_is_as_none(header: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with three(tmp_path) as (_, exporter), asyncio.timeout(10):
            assert "greenapi_up{" in await exporter.get("/metrics", **{TIMEOUT_HEADER: header})

    run(scenario())
