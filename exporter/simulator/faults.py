"""The ways an answer of the simulated service can be made to go wrong, and who is to get which next.

A fault is a record; `Faults` decides which one a call meets; `perform` carries it out on an aiohttp request. Delays
and stalls last in real time, whatever the simulated clock does. Knows nothing of accounts.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from aiohttp import hdrs, web

EVERY = "*"
MEBIBYTE = 1 << 20


class Action(StrEnum):
    """What a fault does."""

    ANSWER = "answer"
    """`status`, `headers` and `body` (or `text`) instead of the true answer."""
    DELAY = "delay"
    """The true answer after `seconds`."""
    STALL = "stall"
    """No byte, until the client leaves or the server stops."""
    STALL_BODY = "stall_body"
    """Headers and half of the body, then as above."""
    TRUNCATE = "truncate"
    """Headers and half of the body, then the connection is closed in good order."""
    MALFORM = "malform"
    """The true answer with a stray comma before its end (as the service did in 2025)."""
    GZIP_BOMB = "gzip_bomb"
    """200 with a gzip body that unpacks to `size` bytes."""
    RESET = "reset"
    """Connection reset before any byte. A plain aiohttp client quietly asks again, which counts as a second call."""
    RESET_BODY = "reset_body"
    """Connection reset after headers and half of the body."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave, for `instance` and `method` (EVERY: all), `times` calls long (None: until cleared).

    Any action waits `seconds` first. In JSON `body` is base64; `text` is there for convenience.
    """

    action: Action
    instance: str = EVERY
    method: str = EVERY
    times: int | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    text: str = ""
    seconds: float = 0.0
    size: int = 1024 * MEBIBYTE

    def meets(self, instance: str, method: str) -> bool:
        return self.instance in (EVERY, instance) and self.method in (EVERY, method)


class Faults:
    """The faults in force, in the order they were added: a call meets the first that is for it and not used up.

    So several faults for the same calls, each with `times`, make a script.
    """

    def __init__(self) -> None:
        self.active: list[Fault] = []

    def __repr__(self) -> str:
        return f"<Faults {[str(fault.action) for fault in self.active]}>"

    def add(self, fault: Fault) -> None:
        self.active.append(fault)

    def clear(self, instance: str | None = None) -> None:
        """Remove all faults, or those set for that instance by name."""
        self.active = [f for f in self.active if instance is not None and f.instance != instance]

    def take(self, instance: str, method: str) -> Fault | None:
        """The fault this call meets, used up by one."""
        for place, fault in enumerate(self.active):
            if fault.meets(instance, method):
                left = None if fault.times is None else fault.times - 1
                self.active[place : place + 1] = [] if left == 0 else [replace(fault, times=left)]
                return fault
        return None


@dataclass(frozen=True, slots=True)
class Spoilt:
    """What a fault is performed on: the request, a way to get the true answer, and the event of the server's end."""

    request: web.Request
    true_answer: Callable[[], web.Response]
    stopping: asyncio.Event

    async def wait(self, seconds: float | None) -> None:
        """Wait in real time, for ever with None; the server's end ends it early."""
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return


async def perform(fault: Fault, spoilt: Spoilt) -> web.StreamResponse:
    """Carry the fault out. What is returned may stand for a connection that is already gone."""
    if fault.seconds:
        await spoilt.wait(fault.seconds)
    return await _ACTIONS[fault.action](fault, spoilt)


async def _answer(fault: Fault, _spoilt: Spoilt) -> web.StreamResponse:
    body = fault.body or fault.text.encode()
    return web.Response(status=fault.status, body=body, headers=fault.headers)


async def _delay(_fault: Fault, spoilt: Spoilt) -> web.StreamResponse:
    return spoilt.true_answer()


async def _stall(_fault: Fault, spoilt: Spoilt) -> web.StreamResponse:
    await spoilt.wait(None)
    return _gone(spoilt)


async def _stall_body(_fault: Fault, spoilt: Spoilt) -> web.StreamResponse:
    answer = await _half(spoilt)
    await spoilt.wait(None)
    _gone(spoilt)
    return answer


async def _truncate(_fault: Fault, spoilt: Spoilt) -> web.StreamResponse:
    answer = await _half(spoilt)
    if spoilt.request.transport is not None:
        spoilt.request.transport.close()
    return answer


async def _malform(_fault: Fault, spoilt: Spoilt) -> web.StreamResponse:
    true = spoilt.true_answer()
    body = _body(true)
    return web.Response(status=true.status, body=body[:-1] + b"," + body[-1:], content_type=true.content_type)


async def _gzip_bomb(fault: Fault, spoilt: Spoilt) -> web.StreamResponse:
    headers = {hdrs.CONTENT_ENCODING: "gzip", hdrs.CONTENT_TYPE: "application/json"}
    answer = web.StreamResponse(headers=headers)
    await answer.prepare(spoilt.request)
    packer = zlib.compressobj(1, wbits=31)
    left = fault.size
    while left > 0 and not spoilt.stopping.is_set():
        await answer.write(packer.compress(b" " * min(left, MEBIBYTE)))
        await asyncio.sleep(0)
        left -= MEBIBYTE
    await answer.write(packer.flush())
    await answer.write_eof()
    return answer


async def _reset(_fault: Fault, spoilt: Spoilt) -> web.StreamResponse:
    return _gone(spoilt)


async def _reset_body(_fault: Fault, spoilt: Spoilt) -> web.StreamResponse:
    answer = await _half(spoilt)
    _gone(spoilt)
    return answer


async def _half(spoilt: Spoilt) -> web.StreamResponse:
    """Send the true answer's headers, its whole length included, and half of its body."""
    true = spoilt.true_answer()
    body = _body(true)
    answer = web.StreamResponse(status=true.status, headers={hdrs.CONTENT_TYPE: true.content_type})
    answer.content_length = max(len(body), 2)
    await answer.prepare(spoilt.request)
    await answer.write(body[: len(body) // 2] or b"[")
    return answer


def _body(response: web.Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b""


def _gone(spoilt: Spoilt) -> web.Response:
    """Reset the connection: with a linger time of zero the kernel sends RST instead of an orderly end."""
    transport = spoilt.request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


_ACTIONS: Mapping[Action, Callable[[Fault, Spoilt], Awaitable[web.StreamResponse]]] = MappingProxyType(
    {
        Action.ANSWER: _answer,
        Action.DELAY: _delay,
        Action.STALL: _stall,
        Action.STALL_BODY: _stall_body,
        Action.TRUNCATE: _truncate,
        Action.MALFORM: _malform,
        Action.GZIP_BOMB: _gzip_bomb,
        Action.RESET: _reset,
        Action.RESET_BODY: _reset_body,
    }
)
