"""The HTTP surface: one handler per path of contract 4. Reads requests and writes answers; knows no API and no disk."""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, Sequence

from aiohttp import web

from . import pages
from .accept import Format, accepts_gzip, negotiate
from .exposition import EOF, Exposition, blocks, own
from .fleet import DEFAULT_TIMEOUT, Fleet
from .instance import Face
from .telemetry import Telemetry

log = logging.getLogger(__name__)

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
TIMEOUTS = (1.0, 120.0)
"""Seconds that the header may say; anything else is ignored."""
_GZIP_LEVEL = 1
"""On an exposition level 1 takes a third of the time of level 6 and its answer is a quarter larger."""
_SLICE = 0.01
"""Seconds of rendering between two turns of the event loop."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Surface:
    """The handlers, over the fleet and what writes it down. `crash` is told of a bug, which ends the process."""

    def __init__(
        self, fleet: Fleet, exposition: Exposition[Face], telemetry: Telemetry, crash: Callable[[BaseException], None]
    ) -> None:
        self._fleet = fleet
        self._exposition = exposition
        self._telemetry = telemetry
        self._crash = crash

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._catch])
        app.router.add_get("/", self.landing)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/-/healthy", self.healthy)
        app.router.add_get("/-/ready", self.ready)
        return app

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        began = time.perf_counter()
        seen = await self._fleet.scrape(_timeout(request))
        form = negotiate(request.headers.get("Accept"))
        pieces = await self._rendered(seen.faces, form)
        self._telemetry.scraped(time.perf_counter() - began)
        pieces.append(own(self._telemetry.registry, openmetrics=form.openmetrics))
        response = await _send(request, form, pieces)
        self._fleet.answered(time.perf_counter() - seen.at, alone=False)
        return response

    async def landing(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text=pages.landing(list(self._fleet)), content_type="text/html")

    async def healthy(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text="greenapi-exporter is healthy.\n")

    async def ready(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text="greenapi-exporter is ready.\n")

    async def _rendered(self, faces: Sequence[Face], form: Format) -> list[bytes]:
        """Refresh instance by instance and let others run in between; then all is put together in one step."""
        begun = time.perf_counter()
        for face in faces:
            self._exposition.refresh(face)
            if time.perf_counter() - begun > _SLICE:
                await asyncio.sleep(0)
                begun = time.perf_counter()
        return self._exposition.render(faces, openmetrics=form.openmetrics)

    @web.middleware
    async def _catch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception as bug:
            self._crash(bug)
            raise web.HTTPInternalServerError(text="a fault of the exporter; see its log\n") from None


def _timeout(request: web.Request) -> float:
    """What the scraper says it waits, in seconds; the default when it says nothing or nonsense."""
    try:
        seconds = float(request.headers.get(TIMEOUT_HEADER, ""))
    except ValueError:
        return DEFAULT_TIMEOUT
    return seconds if TIMEOUTS[0] <= seconds <= TIMEOUTS[1] else DEFAULT_TIMEOUT


async def _send(request: web.Request, form: Format, pieces: list[bytes]) -> web.StreamResponse:
    if form.openmetrics:
        pieces.append(EOF)
    response = web.StreamResponse(headers={"Content-Type": form.content_type, "Vary": "Accept, Accept-Encoding"})
    if accepts_gzip(request.headers.get("Accept-Encoding")):
        pieces = [await asyncio.to_thread(_compressed, pieces)]
        response.headers["Content-Encoding"] = "gzip"
    response.content_length = sum(map(len, pieces))
    await response.prepare(request)
    for block in blocks(pieces):
        await response.write(block)
    await response.write_eof()
    return response


def _compressed(pieces: Iterable[bytes]) -> bytes:
    gzip = zlib.compressobj(_GZIP_LEVEL, wbits=31)
    return b"".join([*(gzip.compress(block) for block in blocks(pieces)), gzip.flush()])
