"""The door: accepts connections, makes their TLS handshakes, and sends idle ones away when there is no room.

Owns who is inside. Knows nothing of requests: how long one may take is each connection's own affair.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import OrderedDict
from collections.abc import Callable

from aiohttp import web

from ..access import Access
from .bounds import Bounds
from .connection import Connection

log = logging.getLogger(__name__)

BATCH = 64
"""Connections accepted between two turns of the event loop."""
_OUT_OF_FILES = 0.5
"""Seconds without accepting after the system had no file descriptor left."""


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
