"""The HTTP server in front of the simulated service, with its log of calls and its control endpoints.

    GET    /simulator/truth?instance=ID     {"now", "state", "messages": [...]}: every message with its true times
    GET    /simulator/calls                 what was asked, without tokens
    GET    /simulator/faults                the faults in force
    POST   /simulator/faults                add one: {"action": "answer", "instance": "...", "status": 500, ...}
    DELETE /simulator/faults[?instance=ID]  remove all, or those of one instance
    POST   /simulator/messages?instance=ID  add one: {"chat", "id", "steps": [["sent", 1790000000.0], ...], ...}

Owns sockets and headers. What the service answers is decided in `service`, how it misbehaves in `faults`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import formatdate
from typing import TypeVar

import msgspec
from aiohttp import hdrs, web

from .account import Account
from .faults import Fault, Faults, Spoilt, perform
from .plan import Message
from .service import Answer, Question, Service, question

REMEMBERED_CALLS = 100_000
Kind = TypeVar("Kind")


@dataclass(slots=True)
class Asked:
    """One call as the service saw it: when (simulated time), and the status it sent (None: none yet, or never)."""

    at: float
    instance: str
    method: str
    minutes: str | None
    status: int | None = None


class Simulator:
    """A running simulated GREEN-API.

    `clock` gives the simulated Unix time. `rate_clock` is what the limit of one call a second goes by (real time by
    default; None switches the limit off). `date_offset` is added to the clock in the Date header (None: no header).
    """

    def __init__(
        self,
        accounts: Iterable[Account] = (),
        *,
        clock: Callable[[], float] = time.time,
        rate_clock: Callable[[], float] | None = time.monotonic,
        date_offset: float | None = 0.0,
    ) -> None:
        self.clock = clock
        self.date_offset = date_offset
        self.faults = Faults()
        self.calls: deque[Asked] = deque(maxlen=REMEMBERED_CALLS)
        self._service = Service(accounts, rate_limit=1.0 if rate_clock else None)
        self._rate_clock = rate_clock or time.monotonic
        self._arrival = asyncio.Condition()
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None

    def __repr__(self) -> str:
        return f"<Simulator of {len(self.accounts)} accounts, {len(self.calls)} calls>"

    @property
    def accounts(self) -> dict[str, Account]:
        """The accounts by id. One that is put in is served from then on."""
        return self._service.accounts

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, and return the base URL. Raises OSError when the address cannot be had."""
        app = web.Application()
        app.on_response_prepare.append(self._set_date)
        app.add_routes(
            [
                web.get("/simulator/truth", self._tell_truth),
                web.get("/simulator/calls", self._list_calls),
                web.get("/simulator/faults", self._list_faults),
                web.post("/simulator/faults", self._add_fault),
                web.delete("/simulator/faults", self._clear_faults),
                web.post("/simulator/messages", self._add_message),
                web.route("*", "/{path:.*}", self._serve),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        bound = self._runner.addresses[0]
        return f"http://{host}:{bound[1]}"

    async def stop(self) -> None:
        """Let go of whoever is being stalled, and close."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> str:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def asked(self, instance: str | None = None, method: str | None = None) -> list[Asked]:
        """The calls so far, answered or not, of one instance and method if named."""
        return [c for c in self.calls if instance in (None, c.instance) and method in (None, c.method)]

    async def until_asked(self, count: int, instance: str | None = None, method: str | None = None) -> None:
        """Wait until at least so many such calls have arrived since the start."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.asked(instance, method)) >= count)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        parts = question(request.method, request.path, request.query.get("minutes"))
        denied = self._service.denied(parts)
        if parts is None:
            return _response(denied or Answer(404))
        call = Asked(self.clock(), parts.instance, parts.method, parts.minutes)
        async with self._arrival:
            self.calls.append(call)
            self._arrival.notify_all()
        if denied is not None:
            response: web.StreamResponse = _response(denied)
        else:
            response = await self._answer(request, parts)
        transport = request.transport
        if response.prepared or (transport is not None and not transport.is_closing()):
            call.status = response.status
        return response

    async def _answer(self, request: web.Request, parts: Question) -> web.StreamResponse:
        def true_answer() -> web.Response:
            return _response(self._service.answer(parts, self.clock(), self._rate_clock()))

        fault = self.faults.take(parts.instance, parts.method)
        if fault is None:
            return true_answer()
        return await perform(fault, Spoilt(request, true_answer, self._stopping))

    async def _set_date(self, _request: web.Request, response: web.StreamResponse) -> None:
        if self.date_offset is None:
            response.headers.popall(hdrs.DATE, None)
        else:
            response.headers[hdrs.DATE] = formatdate(self.clock() + self.date_offset, usegmt=True)

    def _account(self, request: web.Request) -> Account:
        account = self.accounts.get(request.query.get("instance", ""))
        if account is None:
            raise web.HTTPNotFound(text=f"?instance= must be one of {sorted(self.accounts)}\n")
        return account

    async def _tell_truth(self, request: web.Request) -> web.Response:
        account, now = self._account(request), self.clock()
        return _json({"now": now, "state": account.state(now), "messages": account.truth(now)})

    async def _list_calls(self, _request: web.Request) -> web.Response:
        return _json(list(self.calls))

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return _json(self.faults.active)

    async def _add_fault(self, request: web.Request) -> web.Response:
        self.faults.add(_decoded(await request.read(), Fault))
        return _json(self.faults.active)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self.faults.clear(request.query.get("instance"))
        return _json(self.faults.active)

    async def _add_message(self, request: web.Request) -> web.Response:
        self._account(request).add(_decoded(await request.read(), Message))
        return _json({})


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, content_type=answer.content_type)


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _decoded(body: bytes, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as wrong:
        raise web.HTTPBadRequest(text=f"{wrong}\n") from None
    except msgspec.DecodeError:
        raise web.HTTPBadRequest(text="The body must be a JSON object.\n") from None
