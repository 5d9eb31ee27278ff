"""What is asked over HTTP and what is answered: probes, discovery, pages, their bounds and their manners."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import hashlib
import html
import json
import random
import re
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import yaml
from aiohttp import web

from exporter.access import Access
from exporter.client import Client
from exporter.commits import Commits
from exporter.discovery import NotAnAddress, address_of, parse_external
from exporter.exposition import Exposition
from exporter.fleet import Fleet
from exporter.instance import Face
from exporter.loading import load
from exporter.metric import Kind, Metric
from exporter.model import Secret
from exporter.reload import Reloaded
from exporter.series import Series
from exporter.store import MemoryStore
from exporter.telemetry import Telemetry
from exporter.web import MOST_SCRAPES, Surface
from exporter.words import moment, span

from .running import (
    CHAT,
    TIMEOUT_HEADER,
    TOKEN,
    Exporter,
    Service,
    configure,
    exporting,
    id_of,
    row,
    run,
    serving,
    write,
)
from .tools import require_tool


@asynccontextmanager
async def usual(folder: Path, *flags: str) -> AsyncIterator[tuple[Service, Exporter]]:
    """An exporter of two instances, name-1 and name-2."""
    async with serving() as service, exporting(configure(folder, service, 1, 2), *flags) as (exporter, _):
        yield service, exporter


# /probe


@pytest.mark.parametrize("target", [id_of(1), "name-1"])
def test_a_probe_by_id_or_name_asks_and_shows_that_instance_alone(tmp_path: Path, target: str) -> None:
    async def scenario() -> None:
        async with usual(tmp_path) as (service, exporter):
            samples = await exporter.samples(f"/probe?target={target}")
            assert samples[f'greenapi_up{{id_instance="{id_of(1)}",name="name-1"}}'] == 1
            assert not any(id_of(2) in name for name in samples)
            assert not any(name.startswith(("greenapi_exporter_", "process_", "python_")) for name in samples)
            assert service.times_asked(id_of(2)) == 0

    run(scenario())


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("", 400, "name one instance"),
        ("?target=", 400, "name one instance"),
        ("?target=name-1&target=name-2", 400, "name one instance"),
        ("?module=x", 400, "name one instance"),
        ("?target=nobody", 404, "no instance has this id or name"),
        ("?target=%ff%00%ed%a0%80", 404, "no instance has this id or name"),
        ("?target=<script>", 404, "no instance has this id or name"),
    ],
)
def test_a_probe_that_names_no_instance_is_told_so_in_plain_words(
    tmp_path: Path, query: str, status: int, said: str
) -> None:
    async def scenario() -> None:
        async with usual(tmp_path) as (service, exporter):
            told = await exporter.get(f"/probe{query}", status=status)
            assert said in told
            assert "script" not in told
            assert not service.asked

    run(scenario())


def test_a_probe_answers_before_its_own_scraper_gives_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with usual(tmp_path) as (service, exporter):
            service.hold(id_of(1))
            async with asyncio.timeout(1):
                samples = await exporter.samples("/probe?target=name-1", patience=1)
            assert f'greenapi_up{{id_instance="{id_of(1)}",name="name-1"}}' not in samples

    run(scenario())


def test_the_debug_answer_tells_what_was_asked_what_came_back_and_what_changed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with usual(tmp_path) as (service, exporter):
            path = "/probe?target=name-1&debug=true"
            assert "asked by this probe: ok" in await exporter.get(path)
            service.rows[id_of(1)] = [row("one", time.time(), "read"), {"idMessage": "two"}]
            told = await exporter.get(path)
            assert f"GET {service.url}/waInstance{id_of(1)}/lastOutgoingMessages/<token>?minutes=1440" in told
            assert "1 usable rows; not usable: no_timestamp 1" in told
            assert "message_type=textMessage origin=api 1 (+1)" in told
            assert "status=read message_type=textMessage origin=api 1 (+1)" in told
            for secret in (TOKEN, CHAT, CHAT.split("@")[0], "what nobody may see"):
                assert secret not in told

    run(scenario())


def test_the_debug_answer_tells_why_nothing_was_asked(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving() as service:
            service.tokens[id_of(1)] = "another"
            path = configure(tmp_path, service, 1, 2, min_interval="1h")
            async with exporting(path) as (exporter, _):
                assert "no answer yet, or none" in await exporter.get("/probe?target=name-1&debug=true")
                paused = await exporter.get("/probe?target=name-1&debug=true")
                assert "not asked, paused until 20" in paused
                assert "unauthorized (HTTP 401: the token is not accepted" in paused
                await exporter.get("/probe?target=name-2")
                assert "not asked, not due yet" in await exporter.get("/probe?target=name-2&debug=true")

    run(scenario())


def test_the_debug_answer_tells_of_a_call_that_goes_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with usual(tmp_path) as (service, exporter):
            service.hold(id_of(1))
            told = await exporter.get("/probe?target=name-1&debug=true", patience=1)
            assert "asked, no answer yet; it serves the next scrape" in told

    run(scenario())


# /metrics/self, /config, /sd


def test_the_exporters_own_metrics_stand_alone_too_and_ask_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with usual(tmp_path) as (service, exporter):
            names = await exporter.samples("/metrics/self")
            assert all(name.startswith(("greenapi_exporter_", "process_", "python_")) for name in names)
            assert not service.asked
            accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
            assert (await exporter.get("/metrics/self", headers=accept)).endswith("# EOF\n")

    run(scenario())


def test_the_configuration_is_shown_without_its_secrets(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with usual(tmp_path) as (_, exporter):
            shown = await exporter.get("/config")
            assert TOKEN not in shown
            assert [instance["token"] for instance in yaml.safe_load(shown)["instances"]] == ["<secret>"] * 2

    run(scenario())


def test_service_discovery_names_one_probe_per_instance(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving() as service:
            labels = {"team": "a"}
            instance = {"id": id_of(1), "token": TOKEN, "api_url": service.url, "name": "sales", "labels": labels}
            async with exporting(write(tmp_path, {"instances": [instance]})) as (exporter, _):
                async with exporter.http.get(f"{exporter.url}/sd") as response:
                    assert response.content_type == "application/json"
                    groups = await response.json()
                assert groups == [
                    {
                        "targets": [exporter.url.removeprefix("http://")],
                        "labels": {
                            "__metrics_path__": "/probe", "__param_target": id_of(1), "name": "sales",
                            "__meta_greenapi_id_instance": id_of(1), "__meta_greenapi_label_team": "a",
                        },
                    }
                ]  # fmt: skip
                label = groups[0]["labels"]
                await exporter.get(f"{label['__metrics_path__']}?target={label['__param_target']}")

    run(scenario())


def test_service_discovery_behind_a_proxy_names_the_external_url(tmp_path: Path) -> None:
    async def scenario() -> None:
        flag = "--web.external-url=https://metrics.example.org/greenapi/"
        async with usual(tmp_path, flag) as (_, exporter):
            group = json.loads(await exporter.get("/sd"))[0]
            assert group["targets"] == ["metrics.example.org"]
            assert group["labels"]["__metrics_path__"] == "/greenapi/probe"
            assert group["labels"]["__scheme__"] == "https"

    run(scenario())


@pytest.mark.parametrize("host", ["", "a b", "user@host", "host/path", "host:port", "[::1", 'x"y', "a" * 300])
def test_a_host_that_is_none_is_not_repeated(host: str) -> None:
    with pytest.raises(NotAnAddress):
        address_of(None, "http", host)


@pytest.mark.parametrize("host", ["localhost", "10.0.0.1:10048", "[::1]:10048", "exporter.svc.cluster.local:80"])
def test_a_host_that_is_one_is_named(host: str) -> None:
    assert address_of(None, "http", host).authority == host


@pytest.mark.parametrize("url", ["metrics.example.org", "ftp://a", "http://", "http://a?b", "http://u:p@a", "http://[x"])
def test_an_external_url_that_is_none_is_a_complaint(url: str) -> None:
    with pytest.raises(NotAnAddress):
        parse_external(url)


# The landing page


def test_the_landing_page_lists_every_instance_those_that_fail_first_and_asks_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with usual(tmp_path) as (service, exporter):
            assert "2 instances: 2 not asked yet" in await exporter.get("/")
            assert not service.asked
            service.tokens[id_of(2)] = "another"
            await exporter.get("/metrics")
            page = await exporter.get("/")
            assert "2 instances: 1 failing, 1 ok" in page
            assert page.index("name-2") < page.index("name-1")
            assert "unauthorized: HTTP 401: the token is not accepted" in page
            assert '<td data-label="paused">until 20' in page
            for target in re.findall(r'href="(probe[^"]*)"', page):
                await exporter.get(f"/{html.unescape(target)}")

    run(scenario())


def test_nothing_on_the_landing_page_is_taken_for_html(tmp_path: Path) -> None:
    async def scenario() -> None:
        name = "\"'><script>alert(1)</script>&amp;{style}"
        instance = {"id": id_of(1), "token": TOKEN, "name": name.replace("$", "$$")}
        async with exporting(write(tmp_path, {"instances": [instance]})) as (exporter, _):
            page = await exporter.get("/")
            assert "<script" not in page
            assert html.escape(name) in page

    run(scenario())


def test_a_browser_is_told_to_let_nothing_in_but_the_pages_own_style(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with usual(tmp_path) as (_, exporter), exporter.http.get(exporter.url) as response:
            style = re.search("<style>(.*?)</style>", await response.text(), re.DOTALL)
            assert style is not None
            digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
            assert f"style-src 'sha256-{digest}'" in response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Server"] == "greenapi-exporter"
            assert response.headers["Cache-Control"] == "no-store"

    run(scenario())


# Manners


@pytest.mark.parametrize("path", ["/", "/metrics", "/metrics/self", "/probe?target=name-1", "/sd", "/config"])
def test_head_is_get_without_a_body_and_other_methods_are_refused(tmp_path: Path, path: str) -> None:
    async def scenario() -> None:
        async with usual(tmp_path) as (_, exporter):
            async with exporter.http.head(exporter.url + path) as response:
                assert response.status == 200
                assert int(response.headers["Content-Length"]) > 0
                assert await response.read() == b""
            async with exporter.http.get(exporter.url + path) as response:
                assert response.status == 200, "the connection is in order"
            for method in ("POST", "PUT", "DELETE", "PATCH"):
                async with exporter.http.request(method, exporter.url + path) as response:
                    assert response.status == 405
                    assert response.headers["Allow"] == "GET,HEAD"

    run(scenario())


def test_an_unknown_path_is_not_found_and_health_is_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with usual(tmp_path) as (_, exporter):
            for path in ("/metrics/", "/-/", "/%2e%2e/etc/passwd", "/probe/x", "//metrics"):
                await exporter.get(path, status=404)
            assert await exporter.get("/-/healthy") == "greenapi-exporter is healthy.\n"
            assert await exporter.get("/-/ready") == "greenapi-exporter is ready.\n"

    run(scenario())


@pytest.mark.parametrize("path", ["/metrics", "/probe?target=name-1", "/metrics/self"])
def test_promtool_has_nothing_to_say(tmp_path: Path, path: str) -> None:
    promtool = require_tool("promtool")

    async def scenario() -> None:
        async with usual(tmp_path) as (service, exporter):
            await exporter.get("/metrics")
            service.rows[id_of(1)] = [row("one", time.time(), "read")]
            exposition = await exporter.get(path)
        checked = await asyncio.to_thread(
            subprocess.run, [promtool, "check", "metrics"], input=exposition, capture_output=True, text=True
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")

    run(scenario())


# Bounds and bugs


def test_scrapes_beyond_the_bound_are_turned_away_at_once_and_pages_are_not(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with usual(tmp_path) as (service, exporter):
            answer = service.hold(id_of(1))
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as many:
                crowd = asyncio.as_completed([scraped(many, exporter.url) for _ in range(MOST_SCRAPES + 16)])
                for _ in range(16):
                    status, text, retry_after = await next(crowd)
                    assert (status, retry_after) == (503, "1")
                    assert text == "64 scrapes are being answered already; come again\n"
                await exporter.get("/")
                await exporter.get("/probe?target=name-2")
                answer.set()
                assert [(await rest)[0] for rest in crowd] == [200] * MOST_SCRAPES
            assert service.times_asked(id_of(1)) == 1
            await exporter.get("/metrics")

    run(scenario())


async def scraped(http: aiohttp.ClientSession, url: str) -> tuple[int, str, str | None]:
    async with http.get(f"{url}/metrics", headers={TIMEOUT_HEADER: "60"}) as response:
        return response.status, await response.text(), response.headers.get("Retry-After")


def test_a_scraper_that_leaves_does_not_end_the_query_that_others_wait_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with serving() as service:
            config = configure(tmp_path, service, 1, min_interval="1h")
            async with exporting(config) as (exporter, _):
                answer = service.hold(id_of(1))
                host, _, port = exporter.url.removeprefix("http://").partition(":")
                _, writer = await asyncio.open_connection(host, int(port))
                writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 60\r\n\r\n")
                await service.until_asked(id_of(1))
                writer.transport.abort()
                other = asyncio.create_task(exporter.samples(patience=60))
                answer.set()
                assert (await other)[f'greenapi_up{{id_instance="{id_of(1)}",name="name-1"}}'] == 1
                assert service.times_asked(id_of(1)) == 1

    run(scenario())
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_no_mutilated_request_meets_a_bug(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        chance = random.Random(4)
        async with usual(tmp_path) as (_, exporter):
            host, _, port = exporter.url.removeprefix("http://").partition(":")
            for _ in range(300):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(mutilated(chance.choice(REQUESTS), chance))
                writer.write_eof()
                with contextlib.suppress(ConnectionError):
                    await reader.read()
                writer.close()
            await exporter.get("/metrics")

    run(scenario())
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


REQUESTS = (
    b"GET /probe?target=name-1&debug=true HTTP/1.1\r\nHost: x\r\nAccept: text/plain;version=0.0.4;q=0.5,*/*\r\n\r\n",
    b"GET /sd HTTP/1.1\r\nHost: localhost:80\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 1.5\r\nAccept-Encoding: gzip\r\n\r\n",
    b"POST /-/reload HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody",
    b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    b"GET /nothing HTTP/1.1\r\nHost: x\r\nExpect: \xff\r\n\r\n",
)
PIECES = (b"", b"%", b"%ff", b"\xff", b"\x00", b"\r\n", b"&target=", b"nan", b"-1", b"?", b"x" * 50)


def mutilated(request: bytes, chance: random.Random) -> bytes:
    """The request with a few pieces replaced."""
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(request))
        piece = chance.choice(PIECES)
        request = request[:place] + piece + request[place + chance.randint(0, 3) :]
    return request


def test_a_bug_while_rendering_is_told_to_the_composition_root_and_the_client_gets_500(tmp_path: Path) -> None:
    def broken(_: Face) -> object:
        raise ZeroDivisionError("a bug")

    async def scenario() -> None:
        metric = Metric("greenapi_x", Kind.GAUGE, "x", (), broken, lambda _: Series.of({}))
        async with surface(tmp_path, Exposition([metric])) as (url, bugs), aiohttp.ClientSession() as http:
            async with http.get(f"{url}/metrics") as response:
                assert response.status == 500
                assert await response.text() == "a fault of the exporter; see its log\n"
            assert [type(bug) for bug in bugs] == [ZeroDivisionError]
            async with http.get(f"{url}/metrics/self") as response:
                assert response.status == 200

    run(scenario())


def test_while_a_scrape_is_made_the_garbage_collector_waits_longer_than_usual(tmp_path: Path) -> None:
    usual, waits = gc.get_threshold()[0], []

    def looked(_: Face) -> None:
        waits.append(gc.get_threshold()[0])

    async def scenario() -> None:
        metric = Metric("greenapi_x", Kind.GAUGE, "x", (), looked)
        async with surface(tmp_path, Exposition([metric])) as (url, _), aiohttp.ClientSession() as http:
            async with http.get(f"{url}/metrics") as response:
                assert response.status == 200
            assert waits[0] > usual == gc.get_threshold()[0]

    run(scenario())


@asynccontextmanager
async def surface(folder: Path, exposition: Exposition[Face]) -> AsyncIterator[tuple[str, list[BaseException]]]:
    """The surface alone, over a fleet that is never answered; its URL, and the bugs that it told of."""
    bugs: list[BaseException] = []
    telemetry = Telemetry()
    config, _ = load(str(write(folder, {"instances": [{"id": id_of(1), "token": TOKEN, "api_url": "http://[::1]:9"}]})))
    client = await Client.open(clock=time.time, observe=telemetry.called)
    store = MemoryStore()

    async def no_token(_: str) -> Secret | None:
        return None

    async def no_reload() -> Reloaded:
        return Reloaded(True, ())

    fleet = Fleet(
        client, lambda instances: Commits(store, instances, telemetry), clock=time.time, read_token=no_token,
        crash=bugs.append,
    )  # fmt: skip
    await fleet.configure(config, store.load)
    shown = Surface(
        fleet, exposition, telemetry, clock=time.time, config=lambda: config, reload=no_reload, external_url=None,
        access=Access(None), crash=bugs.append,
    )  # fmt: skip
    runner = web.AppRunner(shown.application())
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", bugs
    finally:
        await runner.cleanup()
        shown.close()
        await fleet.close()
        await client.close()


# Words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 d"),
     (-5, "0.0 s")],
)  # fmt: skip
def test_a_span_is_told_in_its_largest_unit(seconds: float, said: str) -> None:
    assert span(seconds) == said


@pytest.mark.parametrize(("seconds", "said"), [(0, "1970-01-01 00:00:00 UTC"), (1e20, "100000000000000000000")])
def test_a_moment_is_told_as_utc_or_as_its_number(seconds: float, said: str) -> None:
    assert moment(seconds) == said
