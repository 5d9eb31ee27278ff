"""With real Prometheus servers: what they scrape, how a fleet is shared between exporters, and what a pair asks."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from exporter.simulator.account import Account
from exporter.simulator.server import Simulator

from ..tools import require_tool
from .inside import Exporter, config, exporting, id_of, instance, run
from .secrets import TOKEN

INSTANCES = 12
Result = list[tuple[dict[str, str], float]]


class Prometheus:
    """A running Prometheus server."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def query(self, promql: str) -> Result:
        """The vector that an instant query gives; nothing while it does not listen yet, or listens and still loads."""
        try:
            async with self._http.get(f"{self._url}/api/v1/query", params={"query": promql}) as response:
                if response.status == 503:
                    return []
                answer: Any = await response.json()
        except aiohttp.ClientConnectionError:
            return []
        return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]

    async def until(self, promql: str, count: int) -> Result:
        """The vector once it has so many elements."""
        for _ in range(300):
            if len(found := await self.query(promql)) == count:
                return found
            await asyncio.sleep(0.1)
        raise AssertionError(f"{promql} gives {found}")


@asynccontextmanager
async def prometheus(folder: Path, *jobs: dict[str, object]) -> AsyncIterator[Prometheus]:
    program = require_tool("prometheus")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    file = folder.with_suffix(".yaml")
    settings = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": list(jobs)}
    file.write_text(yaml.safe_dump(settings))
    process = await asyncio.create_subprocess_exec(
        program, f"--config.file={file}", f"--storage.tsdb.path={folder}", f"--web.listen-address={address}",
        "--log.level=error", stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as http:
            yield Prometheus(f"http://{address}", http)
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def exporters(folder: Path, count: int) -> AsyncIterator[tuple[Simulator, list[Exporter]]]:
    """So many exporters of the same configuration, each with its own state."""
    simulator = Simulator([Account(id_of(number), TOKEN) for number in range(INSTANCES)], rate_clock=None)
    async with simulator as url, AsyncExitStack() as stack:
        running = []
        for place in range(count):
            own = folder / f"exporter-{place}"
            own.mkdir()
            file = config(own, *(instance(number, url) for number in range(INSTANCES)), min_interval=1)
            running.append(await stack.enter_async_context(exporting(file)))
        yield simulator, running


def _address(exporter: Exporter) -> str:
    return exporter.url.removeprefix("http://")


def _whole(*addresses: str) -> dict[str, object]:
    return {"job_name": "greenapi", "static_configs": [{"targets": [*addresses]}]}


def _shard(exporter: Exporter, number: int, of: int) -> dict[str, object]:
    """One exporter's share of the fleet, by a hash of the instance's id; its own metrics beside it."""
    return {
        "job_name": f"greenapi-{number}",
        "honor_labels": True,
        "http_sd_configs": [{"url": f"{exporter.url}/sd", "refresh_interval": "1s"}],
        "relabel_configs": [
            {"source_labels": ["__param_target"], "modulus": of, "target_label": "__tmp_shard", "action": "hashmod"},
            {"source_labels": ["__tmp_shard"], "regex": str(number), "action": "keep"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
        ],
    }


@asynccontextmanager
async def asking_for_text(exporter: Exporter) -> AsyncIterator[str]:
    """The address of a proxy that asks for plain text, whatever it is asked for itself; older servers do."""

    async def forward(request: web.Request) -> web.Response:
        async with exporter.http.get(exporter.url + request.path_qs, headers={"Accept": "text/plain"}) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            return web.Response(body=await answer.read(), headers={"Content-Type": answer.headers["Content-Type"]})

    app = web.Application()
    app.router.add_get("/metrics", forward)
    async with TestServer(app, host="127.0.0.1") as server:
        yield f"127.0.0.1:{server.port}"


async def both_formats_are_scraped_with_up_1(folder: Path) -> None:
    """Of its own accord it asks for OpenMetrics."""
    async with exporters(folder, 1) as (_, [exporter]), asking_for_text(exporter) as for_text:
        targets = [_address(exporter), for_text]
        async with prometheus(folder / "prometheus", _whole(*targets)) as server:
            found = await server.until("up == 1", 2)
            assert sorted(labels["instance"] for labels, _ in found) == sorted(targets)
            assert len(await server.until("greenapi_up == 1", 2 * INSTANCES)) == 2 * INSTANCES


async def two_exporters_share_a_fleet_by_hashmod(folder: Path) -> None:
    """Each instance is probed by exactly one of them, and up is 1."""
    async with exporters(folder, 2) as (simulator, both):
        jobs = [_shard(exporter, number, len(both)) for number, exporter in enumerate(both)]
        async with prometheus(folder / "prometheus", *jobs) as server:
            found = await server.until("up == 1", INSTANCES)
            assert sorted(labels["instance"] for labels, _ in found) == [id_of(n) for n in range(INSTANCES)]
            assert {labels["job"] for labels, _ in found} == {"greenapi-0", "greenapi-1"}
            assert len(await server.until("greenapi_up == 1", INSTANCES)) == INSTANCES
            assert sorted(call.instance for call in simulator.asked()) == [id_of(n) for n in range(INSTANCES)]


async def a_pair_of_servers_costs_one_question_per_instance_and_interval(folder: Path) -> None:
    async with exporters(folder, 1) as (simulator, [exporter]):
        job = _whole(_address(exporter))
        async with prometheus(folder / "a", job) as a, prometheus(folder / "b", job) as b:
            for interval in range(1, 4):
                for server in (a, b):
                    moment = f"greenapi_last_success_timestamp_seconds == {exporter.clock.now}"
                    await server.until(moment, INSTANCES)
                for number in range(INSTANCES):
                    assert len(simulator.asked(id_of(number))) == interval
                exporter.clock.now += 1


SCENES: tuple[Callable[[Path], Coroutine[None, None, None]], ...] = (
    both_formats_are_scraped_with_up_1, two_exporters_share_a_fleet_by_hashmod,
    a_pair_of_servers_costs_one_question_per_instance_and_interval,
)  # fmt: skip


@pytest.fixture(scope="module")
def endings(tmp_path_factory: pytest.TempPathFactory) -> list[BaseException | None]:
    """How the scenes ended. They play at the same time, for a Prometheus lets its first scrape wait for 5 s."""
    require_tool("prometheus")
    found: list[BaseException | None] = []

    async def scenario() -> None:
        scenes = (scene(tmp_path_factory.mktemp("scene")) for scene in SCENES)
        found.extend(await asyncio.gather(*scenes, return_exceptions=True))

    run(scenario(), debug=False)
    return found


@pytest.mark.parametrize("number", range(len(SCENES)), ids=[scene.__name__ for scene in SCENES])
def test_with_real_prometheus(number: int, endings: list[BaseException | None]) -> None:
    if (error := endings[number]) is not None:
        raise error


@pytest.mark.parametrize("path", ["/metrics", "/probe?target=name-1", "/metrics/self"])
def test_promtool_has_nothing_to_say(path: str, tmp_path: Path) -> None:
    program = require_tool("promtool")
    pages = []

    async def scenario() -> None:
        async with exporters(tmp_path, 1) as (_, [exporter]):
            pages.append(await exporter.get(path))

    run(scenario())
    done = subprocess.run([program, "check", "metrics"], input=pages[0].encode(), capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
