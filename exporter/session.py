"""The aiohttp session: how connections to the service are made, kept and used again.

Owns what every call has in common on the wire. Knows no instance, no token and no answer.
"""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.connector import Connection

from . import __version__
from .failures import BrokenWhenNew, SpokeUnasked

PIECE = 64 * 1024
"""Bytes taken from a connection, or unpacked, in one go. aiohttp buffers twice as many and then stops reading."""

_HEADERS = {"User-Agent": f"greenapi-exporter/{__version__}", "Accept-Encoding": "gzip"}
_KEEPALIVE = 65.0
"""Seconds a connection is kept for the next scrape: longer than a minute's interval, shorter than nginx' 75 s."""


def open_session(tls: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
    """A session without cookies, proxies of the environment, limits (the gates bound the calls) and timeouts.

    `tls` replaces the system's idea of whom to trust. Each of its requests is given an `Attempts`, twice:
    `trace_request_ctx=attempts, middlewares=(attempts,)`.
    """
    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_end.append(_tell_the_attempts)
    return aiohttp.ClientSession(
        connector=_Connector(limit=0, keepalive_timeout=_KEEPALIVE, ssl=tls or True),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_HEADERS,
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=PIECE,
        trust_env=False,
        trace_configs=[tracing],
    )


class _Connector(aiohttp.TCPConnector):
    """Hands out no connection on which the server has said something that nobody asked for.

    aiohttp would take it for the answer to the next question, which may be about another instance.
    """

    async def connect(self, *args: Any, **more: Any) -> Connection:
        connection = await super().connect(*args, **more)
        if connection.protocol is not None and connection.protocol.should_close:
            connection.close()
            raise SpokeUnasked
        return connection


class Attempts:
    """Keeps aiohttp from asking twice within one call, for quotas count each question.

    aiohttp repeats a GET whose connection broke before the answer. That is right on a kept connection, which the
    server may have closed meanwhile without having seen the question; on a new one the question has been asked.
    """

    def __init__(self) -> None:
        self.on_new_connection = False

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        try:
            return await handler(request)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            if self.on_new_connection:
                raise BrokenWhenNew(error) from None
            raise


async def _tell_the_attempts(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceConnectionCreateEndParams
) -> None:
    context.trace_request_ctx.on_new_connection = True
