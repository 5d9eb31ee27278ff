"""Connections: who is let in, how many at once, and how long anybody may take.

Owns what aiohttp's server leaves open: a bound on connections and on TLS handshakes, a deadline for a request's head
and for taking an answer, certificates that change while we run. Knows no path and no metric. Whoever is cut off here
asked too slowly, or stood idle while others waited for room.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from .access import Access
from .access.tls import names_in

log = logging.getLogger(__name__)

BATCH = 64
"""Connections accepted between two turns of the event loop."""
_OUT_OF_FILES = 0.5
"""Seconds without accepting after the system had no file descriptor left."""
_LONGEST_LINE, _MOST_HEADERS = 8190, 64
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one client may take, in seconds and bytes, and how many of them there may be.

    `head` lasts from the connection, or from a request's first byte, to the end of its headers; `stall` is how long
    a client may take nothing of what waits for it; `answer` a whole request: the longest scrape, and a minute.
    `idle` is a little longer than Prometheus keeps a connection, so that it is Prometheus who closes it.
    """

    connections: int = 4096
    head_bytes: int = 64 * 1024
    handshake: float = 10.0
    head: float = 10.0
    stall: float = 20.0
    answer: float = 180.0
    idle: float = 310.0


def usual_bounds() -> Bounds:
    """As many connections as half of the open files we may have, after raising that limit as far as it goes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = Bounds().connections
    return Bounds(connections=most if hard == resource.RLIM_INFINITY else min(most, hard // 2))


class Door:
    """Accepts connections for an aiohttp server. `open` a listening socket, as many as there are; `close` all.

    When `bounds.connections` are inside, a newcomer takes the place of whoever stood idle for the longest; at most
    `BATCH` of those can be on their way out at one time.
    """

    def __init__(self, server: web.Server, access: Access, bounds: Bounds) -> None:
        self.bounds = bounds
        self._server = server
        self._access = access
        self._listeners: list[socket.socket] = []
        self._welcomes: set[asyncio.Task[None]] = set()
        self._inside = 0
        self._idle: OrderedDict[Connection, Callable[[], object]] = OrderedDict()
        """Who could be asked to leave, the longest idle first, and how."""

    def __len__(self) -> int:
        """How many connections there are, those still in their TLS handshake included."""
        return self._inside

    def __repr__(self) -> str:
        return f"<Door {self._inside} inside, {len(self._idle)} of them idle>"

    def open(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        self._listeners.append(listener)
        self._listen(listener)

    def close(self) -> None:
        """Let nobody in any more; who is inside stays."""
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        for welcome in self._welcomes:
            welcome.cancel()

    # What connections tell

    def idle(self, guest: Connection, leave: Callable[[], object]) -> None:
        """It has nothing to do and, if room is needed, may be made to leave."""
        self._idle.pop(guest, None)
        self._idle[guest] = leave

    def busy(self, guest: Connection) -> None:
        self._idle.pop(guest, None)

    def left(self, guest: Connection) -> None:
        self.busy(guest)
        self._inside -= 1

    # Letting in

    def _listen(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:  # not closed meanwhile
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(BATCH):
            try:
                connection, _address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no file descriptor is left: accepting would fail again at once
                log.warning("cannot accept connections", extra={"fields": {"reason": error.strerror}})
                self._send_one_away()
                loop = asyncio.get_running_loop()
                loop.remove_reader(listener)
                loop.call_later(_OUT_OF_FILES, self._listen, listener)
                return
            self._let_in(connection)

    def _let_in(self, connection: socket.socket) -> None:
        if self._inside >= self.bounds.connections and not self._send_one_away():
            connection.close()
            return
        self._inside += 1
        connection.setblocking(False)
        config = self._access.current()
        guest = Connection(self, self._server, config.allowed_sans)
        welcome = asyncio.create_task(self._welcome(guest, connection, config.context))
        self._welcomes.add(welcome)
        welcome.add_done_callback(lambda done: self._welcomed(done, guest, connection))
        self.idle(guest, welcome.cancel)

    def _send_one_away(self) -> bool:
        if not self._idle:
            return False
        _, leave = self._idle.popitem(last=False)
        leave()
        return True

    async def _welcome(self, guest: Connection, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Make the connection, its TLS handshake included."""
        timeout = None if tls is None else self.bounds.handshake
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: guest, connection, ssl=tls, ssl_handshake_timeout=timeout, ssl_shutdown_timeout=timeout
            )
        except OSError as error:  # TLS' errors and timeouts are such, too
            log.debug("a connection came to nothing", extra={"fields": {"reason": str(error)}})

    def _welcomed(self, welcome: asyncio.Task[None], guest: Connection, connection: socket.socket) -> None:
        """However it ended: a task that is cancelled before its first step does not even begin."""
        self._welcomes.discard(welcome)
        if not guest.entered:
            connection.close()
            self.left(guest)


class Connection(web.RequestHandler):
    """One connection, and the only timer that it has: for a request's head, or for the whole answer."""

    __slots__ = ("_allowed_sans", "_door", "_heard", "_stall", "_timer", "entered")

    def __init__(self, door: Door, server: web.Server, allowed_sans: frozenset[str]) -> None:
        super().__init__(
            server, loop=asyncio.get_running_loop(), keepalive_timeout=door.bounds.idle,
            max_line_size=_LONGEST_LINE, max_field_size=_LONGEST_LINE, max_headers=_MOST_HEADERS,
        )  # fmt: skip
        self.entered = False
        self._door = door
        self._allowed_sans = allowed_sans
        self._heard: int | None = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.entered = True
        super().connection_made(transport)
        self._door.idle(self, self._cut)
        self._allow(self._door.bounds.head)
        if self._allowed_sans and not self._allowed_sans & names_in(transport.get_extra_info("peercert")):
            log.debug("a client's certificate names nobody who is let in")
            self._cut()

    def connection_lost(self, exc: BaseException | None) -> None:
        for timer in (self._timer, self._stall):
            if timer is not None:
                timer.cancel()
        self._door.left(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._heard is not None:
            self._heard += len(data)
            if self._heard > self._door.bounds.head_bytes:
                self._refuse()
                return
            if self._timer is None:
                self._allow(self._door.bounds.head)
        super().data_received(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall = asyncio.get_running_loop().call_later(self._door.bounds.stall, self._cut)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """From the end of a request's head to its answer."""
        self._heard = None
        self._door.busy(self)
        self._allow(self._door.bounds.answer)
        try:
            yield
        finally:
            self._heard = 0
            self._allow(None)
            if self.transport is not None:
                self._door.idle(self, self._cut)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500,
        exc: BaseException | None = None, message: str | None = None,
    ) -> web.StreamResponse:  # fmt: skip
        """What a client did wrong is no error of ours: no traceback, and none of its bytes in the answer.

        Our own bugs do not come here, the surface catches them. What does come and is no malformed request is what
        aiohttp itself stumbles over, such as an Expect header that is no text.
        """
        if isinstance(exc, ConnectionError):  # it left before its answer
            raise exc
        if request.writer.output_size:
            raise ConnectionResetError("an answer that has begun cannot become another one")
        log.debug("a request was malformed", extra={"fields": {"kind": type(exc).__name__}})
        text = "this is no HTTP request that can be understood\n"
        response = web.Response(status=400, text=text, headers={"Server": "greenapi-exporter"})
        response.force_close()
        return response

    def _allow(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = None if seconds is None else loop.call_later(seconds, self._cut)

    def _refuse(self) -> None:
        if self.transport is not None:
            self.transport.write(_TOO_LARGE)
        self.force_close()

    def _cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()


@web.middleware
async def attended(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost middleware: tells the connection while a request is being answered."""
    connection = request.protocol
    if not isinstance(connection, Connection):
        return await handler(request)
    with connection.answering():
        return await handler(request)
