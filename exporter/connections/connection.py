"""One connection: the deadlines for a request's head and for taking its answer, and what a malformed one is told.

Owns the timers. Knows the door only as whom it tells what it is doing, so that the door can choose who has to leave.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from ..access.tls import names_in
from .bounds import Bounds

log = logging.getLogger(__name__)

_LONGEST_LINE, _MOST_HEADERS = 8190, 64
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Host(Protocol):
    """Told by each connection what it is doing."""

    @property
    def bounds(self) -> Bounds: ...

    def idle(self, guest: Connection, leave: Callable[[], object]) -> None:
        """It has nothing to do and, if room is needed, may be made to leave."""
        ...

    def busy(self, guest: Connection) -> None: ...
    def left(self, guest: Connection) -> None: ...


class Connection(web.RequestHandler):
    """One connection, and the only timer that it has: for a request's head, or for the whole answer."""

    __slots__ = ("_allowed_sans", "_door", "_heard", "_stall", "_timer", "entered")

    def __init__(self, door: Host, server: web.Server, allowed_sans: frozenset[str]) -> None:
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
