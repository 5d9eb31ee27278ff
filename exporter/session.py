"""The aiohttp session: how connections to the service are made, kept and used again.

Owns what every call has in common on the wire. Knows no instance, no token and no answer.
"""

from __future__ import annotations

import ssl
from weakref import WeakSet

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

from . import __version__
from .failures import BrokenWhenNew, SpokeUnasked

PIECE = 64 * 1024
"""Bytes taken from a connection, or unpacked, in one go. aiohttp buffers twice as many and then stops reading.

So an answer holds its share of the budget and, beyond it, about 128 KiB and one receive of asyncio (256 KiB).
"""

_HEADERS = {"User-Agent": f"greenapi-exporter/{__version__}", "Accept-Encoding": "gzip"}
_KEEPALIVE = 65.0
"""Seconds a connection is kept for the next scrape: longer than a minute's interval, shorter than nginx' 75 s."""


def open_session(tls: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
    """A session without cookies, proxies of the environment, limits (the gates bound the calls) and timeouts.

    `tls` replaces the system's idea of whom to trust.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE, ssl=tls or True),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_HEADERS,
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=PIECE,
        trust_env=False,
        request_class=_Question,
        response_class=_AnswerOnce,
    )


class _Question(aiohttp.ClientRequest):
    """Is not sent on a connection on which the server has said something that nobody asked for.

    aiohttp would take it for the answer to this question, and it may be about another instance.
    """

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        if (protocol := conn.protocol) is not None and protocol.should_close:
            raise SpokeUnasked
        return await super().send(conn)


class _AnswerOnce(aiohttp.ClientResponse):
    """Keeps aiohttp from asking twice within one call, for quotas count each question.

    aiohttp repeats a GET whose connection broke before the answer. That is right on a kept connection, which the
    server may have closed meanwhile without having seen the question; on a new one the question has been asked.
    """

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        protocol = connection.protocol
        assert protocol is not None
        try:
            await super().start(connection)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            if protocol in _kept:
                raise
            raise BrokenWhenNew(error) from None
        _kept.add(protocol)
        return self


_kept: WeakSet[ResponseHandler] = WeakSet()
"""The connections that have given an answer; only such are kept."""
