"""Connections: bad clients are cut off, take little, and keep nobody else from being served."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web

from exporter.access import Access
from exporter.connections import BATCH, Bounds, Door, attended, usual_bounds

from .running import run

LARGE = b"x" * 20_000_000


@dataclass
class Shop:
    """A server behind a door: `/` is quick, `/slow` waits for `released`, `/large` is 20 MB. `left`: who got an end."""

    door: Door
    host: str
    port: int
    released: asyncio.Event
    entered: asyncio.Event
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def connect(self, tls: ssl.SSLContext | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self.port, ssl=tls)

    async def is_served(self) -> bool:
        async with asyncio.timeout(10), aiohttp.ClientSession() as http, http.get(self.url) as response:
            return await response.text() == "served"


@asynccontextmanager
async def shop(bounds: Bounds, access: Access | None = None) -> AsyncIterator[Shop]:
    released, entered, left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def quick(_: web.Request) -> web.Response:
        return web.Response(text="served")

    async def slow(_: web.Request) -> web.Response:
        entered.set()
        await released.wait()
        return web.Response(text="served")

    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        entered.set()
        try:
            await response.write(LARGE)
            await response.write(LARGE)
        finally:
            left.set()
        return response

    app = web.Application(middlewares=[attended])
    app.add_routes([web.get("/", quick), web.post("/", quick), web.get("/slow", slow), web.get("/large", large)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    assert runner.server is not None
    door = Door(runner.server, access or Access(None), bounds)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    host, port = listener.getsockname()
    door.open(listener)
    try:
        yield Shop(door, host, port, released, entered, left)
    finally:
        door.close()
        await runner.cleanup()


def test_half_a_head_is_cut_off_after_its_time(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with shop(Bounds(head=0.05)) as place:
            for said in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET"):
                reader, writer = await place.connect()
                writer.write(said)
                assert await cut(reader)
                writer.close()

    run(scenario())
    assert not errors(caplog)


def test_a_second_request_has_its_time_from_its_first_byte(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with shop(Bounds(head=0.05)) as place:
            reader, writer = await place.connect()
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"served")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.1)  # idle for longer than a head may take
            writer.write(b"GET / HTTP/1.1\r\n")
            assert await cut(reader)
            writer.close()

    run(scenario())
    assert not errors(caplog)


def test_an_idle_connection_is_kept_for_the_next_scrape() -> None:
    async def scenario() -> None:
        async with shop(Bounds(head=0.05)) as place:
            reader, writer = await place.connect()
            for _ in range(3):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                await reader.readuntil(b"served")
                await asyncio.sleep(0.06)
            writer.close()

    run(scenario())


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n" + b"X-Header: " + b"x" * 9000 + b"\r\n\r\n",
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: x\r\n" % number for number in range(100)) + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS greeting",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHo st: b\r\n\r\n",
        b"\x00" * 1000,
    ],
)
def test_a_malformed_or_huge_request_gets_400_in_plain_words_and_no_traceback(
    head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with shop(Bounds()) as place:
            reader, writer = await place.connect()
            writer.write(head)
            answer = await reader.read()
            assert b" 400 Bad Request\r\n" in answer
            assert answer.endswith(b"this is no HTTP request that can be understood\n")
            writer.close()
            assert await place.is_served()

    run(scenario())
    assert not errors(caplog)


def test_a_head_beyond_the_bound_is_refused_before_it_is_whole() -> None:
    async def scenario() -> None:
        async with shop(Bounds(head_bytes=20_000)) as place:
            reader, writer = await place.connect()
            writer.write(b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 5000) for n in range(5)))
            assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
            writer.close()

    run(scenario())


def test_thousands_of_half_open_connections_take_bounded_room_and_others_are_served() -> None:
    async def scenario() -> None:
        async with shop(Bounds(connections=50)) as place:
            crowd = []
            for _ in range(20):
                for _ in range(100):
                    half_open = socket.create_connection((place.host, place.port))
                    half_open.sendall(b"GET / HTTP/1.1\r\nX-Half: " + b"x" * 4000)
                    crowd.append(half_open)
                assert await place.is_served()
                assert len(place.door) <= 50 + BATCH
            for half_open in crowd:
                half_open.close()

    run(scenario())


def test_whoever_is_being_answered_is_not_sent_away_for_newcomers() -> None:
    async def scenario() -> None:
        async with shop(Bounds(connections=2)) as place, aiohttp.ClientSession() as http:
            waiting = asyncio.create_task(http.get(f"{place.url}/slow"))
            await place.entered.wait()
            for _ in range(5):
                assert await place.is_served()
            place.released.set()
            async with await waiting as response:
                assert await response.text() == "served"

    run(scenario())


def test_when_all_are_being_answered_a_newcomer_is_refused() -> None:
    async def scenario() -> None:
        async with shop(Bounds(connections=1)) as place, aiohttp.ClientSession() as http:
            waiting = asyncio.create_task(http.get(f"{place.url}/slow"))
            await place.entered.wait()
            reader, writer = await place.connect()
            assert await cut(reader)
            writer.close()
            place.released.set()
            assert (await waiting).status == 200

    run(scenario())


def test_a_client_that_never_reads_is_cut_off_and_its_handler_ends(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with shop(Bounds(stall=0.1)) as place:
            raw = socket.create_connection((place.host, place.port))
            raw.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            await place.entered.wait()
            assert await place.is_served()
            async with asyncio.timeout(10):
                await place.left.wait()
            raw.close()

    run(scenario())
    assert not errors(caplog)


def test_an_answer_that_takes_too_long_altogether_is_cut_off() -> None:
    async def scenario() -> None:
        async with shop(Bounds(answer=0.1)) as place:
            reader, writer = await place.connect()
            writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await cut(reader)
            writer.close()

    run(scenario())


def test_a_client_that_sends_without_end_while_it_is_answered_does_not_fill_the_memory() -> None:
    async def scenario() -> None:
        async with shop(Bounds()) as place:
            for head in (b"Upgrade: websocket\r\nConnection: upgrade\r\n", b"Content-Length: 100000000\r\n", b""):
                reader, writer = await place.connect()
                writer.transport.set_write_buffer_limits(high=1)
                writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n")
                await place.entered.wait()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2):  # until the sockets' buffers are full
                        for _ in range(2_000):
                            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000)
                            await writer.drain()
                assert await place.is_served()
                place.entered.clear()
                writer.transport.abort()
                del reader

    run(scenario())


def test_a_body_that_nobody_reads_does_not_hold_the_answer() -> None:
    async def scenario() -> None:
        async with shop(Bounds()) as place:
            reader, writer = await place.connect()
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
            assert (await reader.readuntil(b"served")).startswith(b"HTTP/1.1 200")
            writer.transport.abort()

    run(scenario())


def test_a_tls_handshake_that_never_comes_is_cut_off_and_counts(tmp_path: Path) -> None:
    async def scenario() -> None:
        authority = trustme.CA()
        server = authority.issue_cert("127.0.0.1")
        server.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
        (tmp_path / "web.yaml").write_text("tls_server_config: {cert_file: both.pem, key_file: both.pem}")
        client = ssl.create_default_context()
        authority.configure_trust(client)
        bounds = Bounds(connections=3, handshake=0.1)
        async with shop(bounds, Access(str(tmp_path / "web.yaml"))) as place:
            reader, writer = await place.connect()
            assert await cut(reader)
            writer.close()
            crowd = [await place.connect() for _ in range(10)]
            _, served = await place.connect(client)
            served.close()
            await served.wait_closed()
            for _, writer in crowd:
                writer.transport.abort()
            reader, writer = await place.connect()
            writer.write(b"GET / HTTP/1.1\r\n\r\n")  # not TLS at all
            assert not (await reader.read()).startswith(b"HTTP/1.1 200")
            writer.close()

    run(scenario())


def test_the_bound_on_connections_leaves_open_files_for_the_service() -> None:
    bounds = usual_bounds()
    assert 0 < bounds.connections <= 4096


async def cut(reader: asyncio.StreamReader) -> bool:
    """Whether the server ends the connection without an answer, within a while."""
    async with asyncio.timeout(10):
        try:
            return await reader.read() == b""
        except ConnectionError:
            return True


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
