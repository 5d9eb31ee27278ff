"""The HTTP surface: one handler per path. Reads requests and writes answers; knows no API and no disk."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from . import pages, probe
from .accept import Format, accepts_gzip, negotiate
from .access import Access, Passwords, guard
from .allocation import fewer_collections
from .compression import gzipped
from .config import Config, masked
from .connections import attended
from .discovery import NotAnAddress, address_of, groups
from .exposition import EOF, Exposition, blocks, own
from .fleet import DEFAULT_TIMEOUT, Fleet
from .instance import Face, Instance
from .reload import Reloaded
from .telemetry import Telemetry
from .timeslice import TimeSlice

log = logging.getLogger(__name__)

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
TIMEOUTS = (1.0, 120.0)
"""Seconds that the header may say; anything else is ignored."""
MOST_SCRAPES, MOST_PROBES = 64, 1024
"""Answers being made at once. A probe costs one instance, and a fleet that is probed may wait for a dead API."""
_HEADERS = {
    "Server": "greenapi-exporter",
    "Cache-Control": "no-store",
    "Content-Security-Policy": pages.CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Surface:
    """The handlers, over the fleet and what writes it down. `crash` is told of a bug, which ends the process.

    `clock` gives Unix seconds, `config` the configuration in force; `reload` loads it again. `external_url` is how
    others reach us, if told; `access` tells who may come in. `close` at the end.
    """

    def __init__(
        self, fleet: Fleet, exposition: Exposition[Face], telemetry: Telemetry, *, clock: Callable[[], float],
        config: Callable[[], Config], reload: Callable[[], Awaitable[Reloaded]], external_url: str | None,
        access: Access, crash: Callable[[BaseException], None],
    ) -> None:  # fmt: skip
        self._fleet = fleet
        self._exposition = exposition
        self._telemetry = telemetry
        self._clock = clock
        self._config = config
        self._reload = reload
        self._external_url = external_url
        self._access = access
        self._passwords = Passwords()
        self._crash = crash
        self._scrapes = Slots(MOST_SCRAPES, "scrapes")
        self._probes = Slots(MOST_PROBES, "probes")
        self._pages = TimeSlice()

    def application(self) -> web.Application:
        app = web.Application(middlewares=[attended, self._catch, guard(self._access, self._passwords)])
        app.on_response_prepare.append(self._dress)
        for path, handler in (
            ("/", self.landing), ("/metrics", self.metrics), ("/metrics/self", self.own_metrics),
            ("/probe", self.probe), ("/sd", self.discovery), ("/config", self.config),
            ("/-/healthy", self.healthy), ("/-/ready", self.ready),
        ):  # fmt: skip
            app.router.add_get(path, handler)
        app.router.add_post("/-/reload", self.reload)
        return app

    def close(self) -> None:
        self._passwords.close()

    # Scrapes

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        began = time.perf_counter()
        with self._scrapes.one():
            with fewer_collections:
                seen = await self._fleet.scrape(_timeout(request))
                form = negotiate(request.headers.get("Accept"))
                pieces = await self._rendered(seen.faces, form)
            self._telemetry.scraped(time.perf_counter() - began)
            pieces.append(own(self._telemetry.registry, openmetrics=form.openmetrics))
            response, pieces = await _packed(request, form, pieces)
            self._fleet.answered(time.perf_counter() - seen.at, alone=False)
            return await _send(request, response, pieces)

    async def probe(self, request: web.Request) -> web.StreamResponse:
        instance = self._target(request)
        with self._probes.one():
            if request.query.get("debug") == "true":
                return _text(await probe.told(self._fleet, instance, _timeout(request), self._config(), self._clock()))
            seen = await self._fleet.scrape(_timeout(request), only=instance)
            if not seen.faces:
                raise _unknown()
            form = negotiate(request.headers.get("Accept"))
            response, pieces = await _packed(request, form, await self._rendered(seen.faces, form))
            self._fleet.answered(time.perf_counter() - seen.at, alone=True)
            return await _send(request, response, pieces)

    async def own_metrics(self, request: web.Request) -> web.StreamResponse:
        form = negotiate(request.headers.get("Accept"))
        pieces = [own(self._telemetry.registry, openmetrics=form.openmetrics)]
        return await _send(request, *await _packed(request, form, pieces))

    # Pages

    async def landing(self, _: web.Request) -> web.StreamResponse:
        page = pages.landing(list(self._fleet), self._clock())
        return web.Response(body=page.encode(errors="replace"), content_type="text/html", charset="utf-8")

    async def discovery(self, request: web.Request) -> web.StreamResponse:
        try:
            address = address_of(self._external_url, request.scheme, request.headers.get(hdrs.HOST, ""))
        except NotAnAddress as problem:
            raise web.HTTPBadRequest(text=f"{problem}\n") from None
        return web.json_response(groups(self._config(), address))

    async def config(self, _: web.Request) -> web.StreamResponse:
        return _text(masked(self._config()))

    async def healthy(self, _: web.Request) -> web.StreamResponse:
        return _text("greenapi-exporter is healthy.\n")

    async def ready(self, _: web.Request) -> web.StreamResponse:
        return _text("greenapi-exporter is ready.\n")

    async def reload(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise web.HTTPForbidden(text="a reload is not taken from another site's page\n")
        reloaded = await self._reload()
        verdict = "the configuration was loaded again\n" if reloaded.ok else "nothing was changed\n"
        return _text("".join(f"{line}\n" for line in reloaded.lines) + verdict, status=200 if reloaded.ok else 400)

    # Beneath

    def _target(self, request: web.Request) -> Instance:
        targets = request.query.getall("target", [])
        if len(targets) != 1 or not targets[0]:
            raise web.HTTPBadRequest(text="name one instance by its id or name: /probe?target=1101000001\n")
        instance = self._fleet.find(targets[0])
        if instance is None:
            raise _unknown()
        return instance

    async def _rendered(self, faces: Sequence[Face], form: Format) -> list[bytes]:
        """Refresh instance by instance and let others run in between; then all is put together in one step."""
        for face in faces:
            await self._pages.turn()
            self._exposition.refresh(face)
        return self._exposition.render(faces, openmetrics=form.openmetrics)

    async def _dress(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(_HEADERS)
        response.headers.update(self._access.current().headers)

    @web.middleware
    async def _catch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception as bug:
            self._crash(bug)
            raise web.HTTPInternalServerError(text="a fault of the exporter; see its log\n") from None


class Slots:
    """Bounds how many of something are being done at once; whoever comes beyond is told to come again."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        if self._taken >= self._most:
            raise web.HTTPServiceUnavailable(
                text=f"{self._most} {self._what} are being answered already; come again\n", headers={"Retry-After": "1"}
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


def _timeout(request: web.Request) -> float:
    """What the scraper says it waits, in seconds; the default when it says nothing or nonsense."""
    try:
        seconds = float(request.headers.get(TIMEOUT_HEADER, ""))
    except ValueError:
        return DEFAULT_TIMEOUT
    return seconds if TIMEOUTS[0] <= seconds <= TIMEOUTS[1] else DEFAULT_TIMEOUT


def _unknown() -> web.HTTPNotFound:
    return web.HTTPNotFound(text="no instance has this id or name; / lists those that there are\n")


def _text(text: str, status: int = 200) -> web.Response:
    return web.Response(body=text.encode(errors="replace"), status=status, content_type="text/plain", charset="utf-8")


async def _packed(
    request: web.Request, form: Format, pieces: list[bytes]
) -> tuple[web.StreamResponse, list[bytes]]:
    """The head of the answer, and its body as it will travel."""
    if form.openmetrics:
        pieces.append(EOF)
    response = web.StreamResponse(headers={"Content-Type": form.content_type, "Vary": "Accept, Accept-Encoding"})
    if accepts_gzip(request.headers.get("Accept-Encoding")):
        pieces = [await asyncio.to_thread(gzipped, blocks(pieces))]
        response.headers["Content-Encoding"] = "gzip"
    response.content_length = sum(map(len, pieces))
    return response, pieces


async def _send(
    request: web.Request, response: web.StreamResponse, pieces: Sequence[bytes]
) -> web.StreamResponse:
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        for block in blocks(pieces):
            await response.write(block)
    await response.write_eof()
    return response
