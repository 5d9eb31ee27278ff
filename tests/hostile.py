"""A server that can do anything to a connection: whole answers, half answers, none, resets.

Each request is handed to the server's present `conduct`, a coroutine that writes what it likes. Only for tests.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class Visit:
    """One request on one connection: its `head` (request line and headers), and what can be done to it."""

    def __init__(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = head
        self._reader = reader
        self._writer = writer

    @property
    def target(self) -> str:
        """The path and the query that were asked for, as they were sent."""
        return self.head.split(b" ", 2)[1].decode()

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def hang(self) -> None:
        """Say nothing more until the client goes away."""
        await self._reader.read()

    def finish(self) -> None:
        """Close in order, whatever was promised."""
        self._writer.close()

    def reset(self) -> None:
        """Close with a TCP reset."""
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    @property
    def over(self) -> bool:
        return self._writer.is_closing()


Conduct = Callable[[Visit], Awaitable[None]]


class HostileServer:
    """Serves on loopback. `visits` are the requests so far, `connections` how many clients connected.

    `greet` is done to a connection before anything is read from it.
    """

    def __init__(self, conduct: Conduct, scheme: str) -> None:
        self.conduct = conduct
        self.greet: Conduct | None = None
        self.visits: list[Visit] = []
        self.connections = 0
        self.port = 0
        self._scheme = scheme
        self._visited = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"{self._scheme}://localhost:{self.port}"

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self.greet is not None:
                await self.greet(Visit(b"", reader, writer))
            while not writer.is_closing():
                visit = Visit(await reader.readuntil(b"\r\n\r\n"), reader, writer)
                async with self._visited:
                    self.visits.append(visit)
                    self._visited.notify_all()
                await self.conduct(visit)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()

    async def visited(self, count: int) -> None:
        """Wait until there have been `count` requests."""
        async with asyncio.timeout(10), self._visited:
            await self._visited.wait_for(lambda: len(self.visits) >= count)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def hostile(conduct: Conduct, tls: ssl.SSLContext | None = None) -> AsyncIterator[HostileServer]:
    server = HostileServer(conduct, "http" if tls is None else "https")
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        async with listener:
            yield server
    finally:
        await server.stop()


def answer(body: bytes = b"[]", status: int = 200, **headers: str) -> bytes:
    """A whole HTTP answer. A header's name is written with `_` for `-`."""
    fields = {"Content_Length": str(len(body)), **headers}
    lines = [f"HTTP/1.1 {status} Words", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def saying(*pieces: bytes) -> Conduct:
    """The conduct that says these pieces and keeps the connection."""

    async def conduct(visit: Visit) -> None:
        for piece in pieces:
            await visit.say(piece)

    return conduct


def once(event: asyncio.Event, conduct: Conduct) -> Conduct:
    """The conduct that begins when `event` is set."""

    async def patient(visit: Visit) -> None:
        await event.wait()
        await conduct(visit)

    return patient


def then(first: Conduct, *more: Callable[[Visit], Awaitable[None] | None]) -> Conduct:
    """One conduct after the other, e.g. `then(saying(half), Visit.reset)`."""

    async def conduct(visit: Visit) -> None:
        await first(visit)
        for step in more:
            if (pending := step(visit)) is not None:
                await pending

    return conduct
