"""Clients that misbehave against the exporter as a process: its memory stays bounded, and everybody else is served."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp

from .inside import config, id_of, instance, run
from .numbers import Page
from .outside import Process, started
from .service import serving

INSTANCES = 40
MEMORY = 64 * 2**20
"""Bytes that all bad clients together may cost."""
GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
MALFORMED = {
    "noise": bytes(range(256)) * 20,
    "TLS where none is spoken": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "HTTP/2 without a word before": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version that does not exist": b"GET /metrics HTTP/9.9\r\n\r\n",
    "no version": b"GET /metrics\r\n\r\n",
    "a method that is none": b"G\x00T /metrics HTTP/1.1\r\n\r\n",
    "a path that is none": b"GET metrics\x7f HTTP/1.1\r\nHost: x\r\n\r\n",
    "an address of another server": b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header without a colon": GET + b"nonsense\r\n\r\n",
    "a header of control characters": GET + b"X-\x01: \x02\r\n\r\n",
    "two lengths": GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a negative length": GET + b"Content-Length: -1\r\n\r\n",
    "a length and chunks": GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks that are none": GET + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a huge path": b"GET /" + b"a" * 2_000_000 + b" HTTP/1.1\r\n\r\n",
    "a huge header": GET + b"X: " + b"a" * 2_000_000 + b"\r\n\r\n",
    "ten thousand headers": GET + b"".join(b"X-%d: x\r\n" % number for number in range(10_000)) + b"\r\n",
    "an expectation that nobody has": GET + b"Expect: the spanish inquisition\r\n\r\n",
    "a websocket": GET + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + bytes(10_000),
    "a strange encoding": GET + b"Accept-Encoding: gzip;q=x, \xff\r\nAccept: a/b;q=nan,,,;;\r\n\r\n",
    "a reload by a page's form, with a body": b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\nx",
}
CROWDS = ((200, b""), (400, GET + b"X-Half: "), (30, GET + b"\r\n"), (10, (GET + b"\r\n") * 500))
"""How many connections, and what is sent on each: nothing, half a question, a question, hundreds of them."""


def test_bad_clients_cost_the_others_nothing(tmp_path: Path) -> None:
    """Whatever is sent, before and while hundreds hold connections open and dozens do not take what they asked for."""

    async def scenario() -> None:
        async with serving() as (service, _):
            file = config(tmp_path, *(instance(number, service.url) for number in range(INSTANCES)))
            async with started(file) as process, aiohttp.ClientSession() as http:
                await _is_served(process, http)
                before = process.memory
                for data in MALFORMED.values():
                    await _send(process, data)
                    await _is_served(process, http)
                with ExitStack() as crowds:
                    for count, data in CROWDS:
                        crowds.enter_context(_crowd(process, count, data))
                        await _is_served(process, http)
                    assert process.memory - before < MEMORY
                await _is_served(process, http)
        assert b"Traceback" not in process.stderr
        assert b"level=error" not in process.stderr

    run(scenario(), debug=False)


async def _is_served(process: Process, http: aiohttp.ClientSession) -> None:
    """A scraper that behaves gets everything before it gives up."""
    async with asyncio.timeout(10), http.get(f"{process.url}/metrics") as response:
        page = Page(await response.text())
        assert response.status == 200
        assert page.value("greenapi_up") == INSTANCES
        assert page.value("greenapi_up", id_of(INSTANCES - 1)) == 1


async def _send(process: Process, data: bytes) -> None:
    """Send it all, if it is taken, and leave; what is answered does not matter."""
    host, port = process.address.result().rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(data)
        async with asyncio.timeout(5):
            await writer.drain()
            await reader.read(100)
    except ConnectionError:
        pass  # thrown out
    finally:
        writer.close()


@contextmanager
def _crowd(process: Process, count: int, data: bytes) -> Iterator[None]:
    """So many connections on which this was sent, and from which nothing is ever read."""
    host, port = process.address.result().rsplit(":", 1)
    with ExitStack() as stack:
        for _ in range(count):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect((host, int(port)))
            one.sendall(data)
        yield
