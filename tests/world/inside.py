"""The exporter inside the test's own process: the composition root itself, real sockets, a clock that is set by hand.

Everything is asked over HTTP. `run` is how a test of this folder runs its scenario.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp

from exporter import loading
from exporter.app import App
from exporter.flags import parse
from exporter.logs import LineFormatter
from exporter.redaction import Redactor

from .numbers import Page
from .secrets import TOKEN

NOW = 1_790_000_000.0
TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward: timeouts come at once."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


def run(scenario: Coroutine[None, None, None], *, debug: bool = True) -> None:
    with asyncio.Runner(debug=debug, loop_factory=Loop) as runner:
        runner.run(scenario)


class HandClock:
    """Unix seconds that stand still until they are put forward."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Listener(logging.Handler):
    """Keeps the log lines as the exporter would write them, and the address that the `running` one says it has."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(LineFormatter("logfmt", redactor))
        self.lines: list[str] = []
        self.address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.running: asyncio.Task[None] | None = None

    def ended(self, running: asyncio.Task[None]) -> None:
        """The exporter has ended; if it never listened, whoever waits for its address is told why."""
        if not self.address.done():
            self.address.set_exception(running.exception() or AssertionError("it ended before it listened"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
        if record.getMessage() == "listening" and asyncio.current_task() is self.running:
            self.address.set_result(record.__dict__["fields"]["address"])


class Exporter:
    """A running exporter and somebody who asks it. `log` are its log lines so far."""

    def __init__(self, url: str, http: aiohttp.ClientSession, clock: HandClock, listener: Listener) -> None:
        self.url = url
        self.http = http
        self.clock = clock
        self.log = listener.lines

    async def get(self, path: str, **headers: str) -> str:
        """The text of an answer. A header's name is written with `_` for `-`."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.get(self.url + path, headers=fields) as response:
            return await response.text()

    async def scrape(self, patience: float = 10, path: str = "/metrics") -> Page:
        """One scrape by somebody who waits `patience` seconds, and not a moment longer."""
        async with asyncio.timeout(patience):
            return Page(await self.get(path, **{TIMEOUT_HEADER: str(patience)}))

    async def reload(self) -> tuple[int, str]:
        async with self.http.post(f"{self.url}/-/reload") as response:
            return response.status, await response.text()

    async def calls_in_flight(self) -> int:
        """How many calls of the API are under way."""
        page = Page(await self.get("/metrics/self"))
        return int(page.value("greenapi_exporter_inflight_api_requests") or 0)

    async def in_flight(self, count: int) -> None:
        """Wait until so many calls of the API are under way."""
        async with asyncio.timeout(30):
            while await self.calls_in_flight() != count:
                pass


def instance(number: int, url: str, **more: object) -> dict[str, object]:
    return {"id": id_of(number), "token": TOKEN, "name": f"name-{number}", "api_url": url, **more}


def id_of(number: int) -> str:
    return str(1101000000 + number)


def config(folder: Path, *instances: dict[str, object], **more: object) -> Path:
    """Write a configuration file (JSON is YAML) into `folder`; its path."""
    usual = {
        "tariff": "business", "timeout": 20, "state_interval": 0, "settings_interval": 0,
        "state_file": str(folder / "state.db"), "declare_types": ["textMessage"],
    }  # fmt: skip
    path = folder / "config.yaml"
    path.write_text(json.dumps({**usual, **more, "instances": instances}))
    return path


@asynccontextmanager
async def exporting(config_file: Path, tls: ssl.SSLContext | None = None) -> AsyncIterator[Exporter]:
    """Run an exporter of this configuration; `tls` is whom it trusts."""
    redactor, clock = Redactor(), HandClock()
    listener = Listener(redactor)
    options = parse([f"--config.file={config_file}", "--web.listen-address=127.0.0.1:0"])
    settings, _ = loading.load(str(config_file))
    with listening(listener):
        running = listener.running = asyncio.create_task(App(options, redactor, clock=clock, tls=tls).run(settings))
        try:
            running.add_done_callback(listener.ended)
            async with aiohttp.ClientSession() as http:
                yield Exporter(f"http://{await listener.address}", http, clock, listener)
        finally:
            running.cancel()
            await asyncio.wait({running})


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """While it lasts, the exporter's log goes to `listener` too, from the level debug on."""
    logger = logging.getLogger("exporter")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(listener)
    try:
        yield
    finally:
        logger.removeHandler(listener)
        logger.setLevel(level)
