"""An exporter in the test's own process, on real sockets, before a small GREEN-API that does as it is told.

Owns how the two are started and asked. For tests of what an operator sees; nothing here checks anything.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from exporter import loading
from exporter.app import App
from exporter.flags import parse
from exporter.redaction import Redactor

TOKEN = "a-token-that-nobody-may-see"
CHAT = "79990001122@c.us"
TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"


def run(scenario: Coroutine[None, None, None]) -> None:
    asyncio.run(scenario, debug=True)


def id_of(number: int) -> str:
    return str(1101000000 + number)


def row(id_: str, timestamp: float, status: str = "sent") -> dict[str, object]:
    return {
        "type": "outgoing", "idMessage": id_, "timestamp": int(timestamp), "typeMessage": "textMessage",
        "chatId": CHAT, "textMessage": "what nobody may see", "statusMessage": status, "sendByApi": True,
    }  # fmt: skip


class Service:
    """`rows`: the journals by instance; `tokens`: the token of an instance where it is not TOKEN; `asked`: every call.

    An instance in `held` is answered when its event is set. `arrived` tells of each call.
    """

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, object]]] = {}
        self.tokens: dict[str, str] = {}
        self.held: dict[str, asyncio.Event] = {}
        self.asked: list[tuple[str, str]] = []
        self.url = ""
        self._arrived = asyncio.Condition()

    def hold(self, instance: str) -> asyncio.Event:
        return self.held.setdefault(instance, asyncio.Event())

    def times_asked(self, instance: str, method: str = "lastOutgoingMessages") -> int:
        return self.asked.count((instance, method))

    async def until_asked(self, instance: str, times: int = 1) -> None:
        async with self._arrived:
            await self._arrived.wait_for(lambda: self.times_asked(instance) >= times)

    async def answer(self, request: web.Request) -> web.Response:
        instance, method = request.match_info["instance"], request.match_info["method"]
        async with self._arrived:
            self.asked.append((instance, method))
            self._arrived.notify_all()
        if instance in self.held:
            await self.held[instance].wait()
        if request.match_info["token"] != self.tokens.get(instance, TOKEN):
            return web.Response(status=401)
        bodies: dict[str, object] = {
            "lastOutgoingMessages": self.rows.get(instance, []),
            "getStateInstance": {"stateInstance": "authorized"},
            "getSettings": {"typeInstance": "whatsapp", "outgoingWebhook": "yes"},
        }
        return web.json_response(bodies[method])


@asynccontextmanager
async def serving() -> AsyncIterator[Service]:
    service = Service()
    app = web.Application()
    app.router.add_get("/waInstance{instance}/{method}/{token}", service.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield service
    finally:
        await runner.cleanup()


def configure(folder: Path, service: Service, *numbers: int, **more: object) -> Path:
    """Write a configuration (JSON is YAML) of the instances with these numbers; its path."""
    instances = [
        {"id": id_of(number), "token": TOKEN, "name": f"name-{number}", "api_url": service.url} for number in numbers
    ]
    return write(folder, {"instances": instances, **more})


def write(folder: Path, settings: dict[str, object]) -> Path:
    usual = {
        "tariff": "business", "min_interval": "1ms", "state_interval": 0, "settings_interval": 0,
        "state_file": ":memory:", "declare_types": ["textMessage"],
    }  # fmt: skip
    path = folder / "config.yaml"
    path.write_text(json.dumps(usual | settings))
    return path


class Exporter:
    """A running exporter and somebody who asks it; the server's part of every answer is at hand as aiohttp gives it."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.http = http

    async def get(
        self, path: str, status: int = 200, patience: float | None = None, headers: dict[str, str] | None = None
    ) -> str:
        """The text of an answer, which must have this status; `patience` is what a scraper says it waits."""
        fields = dict(headers or {})
        if patience is not None:
            fields[TIMEOUT_HEADER] = str(patience)
        async with self.http.get(self.url + path, headers=fields) as response:
            text = await response.text()
            assert response.status == status, text
            return text

    async def samples(self, path: str = "/metrics", patience: float | None = None) -> dict[str, float]:
        """Every sample of a scrape: name and labels as written -> number."""
        lines = (await self.get(path, patience=patience)).splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    async def reload(self, status: int = 200) -> str:
        async with self.http.post(f"{self.url}/-/reload") as response:
            text = await response.text()
            assert response.status == status, text
            return text


class Lines(logging.Handler):
    """Hears the exporter's log. `said` waits for a message."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.records: list[logging.LogRecord] = []
        self._heard = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self._heard.set()

    async def said(self, message: str) -> logging.LogRecord:
        """The next record with this message; those before it are forgotten."""
        while True:
            while self.records:
                record = self.records.pop(0)
                if record.getMessage() == message:
                    return record
            self._heard.clear()
            await self._heard.wait()


@asynccontextmanager
async def exporting(config_file: Path, *flags: str) -> AsyncIterator[tuple[Exporter, Lines]]:
    """Run an exporter of this configuration, from its loading to its orderly end."""
    lines, logger = Lines(), logging.getLogger("exporter")
    level = logger.level
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    options = parse([f"--config.file={config_file}", "--web.listen-address=127.0.0.1:0", *flags])
    config, _ = loading.load(options.config_file)
    running = asyncio.create_task(App(options, Redactor()).run(config))
    listening = asyncio.create_task(lines.said("listening"))
    try:
        await asyncio.wait({running, listening}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        fields = listening.result().__dict__["fields"]
        async with aiohttp.ClientSession() as http:
            yield Exporter(f"{fields['scheme']}://{fields['address']}", http), lines
    finally:
        logger.removeHandler(lines)
        logger.setLevel(level)
        listening.cancel()
        running.cancel()
        await asyncio.wait({running})
