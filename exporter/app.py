"""The composition root: builds everything, introduces the rooms to one another, and stops them in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import time

from aiohttp import web

from . import __version__
from .catalog import CATALOG
from .client import Client, Limits
from .commits import Commits
from .config import Config
from .demo import STORY, Demo
from .exposition import Exposition, blocks, own
from .flags import Address, Options
from .fleet import Fleet
from .instance import Face
from .loading import read_token
from .redaction import Redactor
from .sockets import bound_to, listen
from .store import MemoryStore, Store
from .telemetry import Telemetry
from .web import Surface

log = logging.getLogger(__name__)

MEMORY = ":memory:"
_ONCE_SLACK = 5.0
_CLOSING = 5.0
"""Seconds that answers under way get when the process is asked to stop."""


class App:
    """One running exporter. `run` ends when it was told to stop; it raises what a bug raised."""

    def __init__(self, options: Options, redactor: Redactor) -> None:
        self._options = options
        self._redactor = redactor
        self._telemetry = Telemetry()
        self._exposition: Exposition[Face] = Exposition(CATALOG)
        self._stop = asyncio.Event()
        self._bug: BaseException | None = None
        self._demo = Demo() if options.demo else None

    async def run(self, config: Config | None) -> None:
        """Serve until SIGTERM or SIGINT. `config` is None for the demo. Raises CannotListen and StoreUnusable."""
        listeners = [listen(address) for address in self._options.listen]
        config = await self._demo.start() if self._demo else config
        assert config is not None
        await self._build(config, MemoryStore() if self._demo else _store(config.state_file))
        try:
            await self._serve(listeners)
        finally:
            await self._close()
        if self._bug is not None:
            raise self._bug

    async def once(self, config: Config | None) -> int:
        """One scrape to stdout, every call waited for; the exit code."""
        config = await self._demo.start() if self._demo else config
        assert config is not None
        await self._build(config, MemoryStore())
        try:
            seen = await self._fleet.scrape(_ONCE_SLACK + max(instance.timeout for instance in config.instances))
            pieces = self._exposition.render(seen.faces, openmetrics=False)
            for block in blocks([*pieces, own(self._telemetry.registry, openmetrics=False)]):
                sys.stdout.buffer.write(block)
            sys.stdout.flush()
        finally:
            await self._close()
        if self._bug is not None:
            raise self._bug
        return 0 if all(face.up for face in seen.faces) else 1

    async def _build(self, config: Config, store: Store) -> None:
        self._store = store
        self._client = await Client.open(clock=time.time, observe=self._telemetry.called, limits=_limits(config))
        self._fleet = Fleet(
            self._client, lambda instances: Commits(store, instances, self._telemetry),
            clock=time.time, read_token=read_token, crash=self._crash,
        )  # fmt: skip
        self._telemetry.watch(
            inflight=lambda: self._client.in_flight,
            known_messages=lambda: self._fleet.known_messages,
            state_file_bytes=lambda: self._fleet.state_file_bytes,
        )
        await self._configure(config)

    async def _configure(self, config: Config) -> None:
        self._redactor.learn(instance.token for instance in config.instances)
        self._client.limit(_limits(config))
        await self._fleet.configure(config, self._store.load)
        self._exposition.retain([instance.id for instance in self._fleet])
        self._telemetry.reloaded(True, time.time())
        self.config = config

    async def _serve(self, listeners: list[socket.socket]) -> None:
        surface = Surface(self._fleet, self._exposition, self._telemetry, self._crash)
        runner = web.AppRunner(surface.application(), access_log=None, shutdown_timeout=_CLOSING)
        await runner.setup()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        try:
            for listener in listeners:
                await web.SockSite(runner, listener).start()
            self._announce([bound_to(*pair) for pair in zip(listeners, self._options.listen, strict=True)])
            await self._stop.wait()
            log.info("stopping")
        finally:
            await runner.cleanup()

    async def _close(self) -> None:
        await self._fleet.close()
        await self._client.close()
        if self._demo:
            await self._demo.stop()

    def _announce(self, bound: list[Address]) -> None:
        fields = {"version": __version__, "address": ", ".join(map(str, bound)), "instances": len(self._fleet)}
        log.info("listening", extra={"fields": fields})
        if self._demo:
            host = bound[0].host if bound[0].host not in ("", "0.0.0.0", "::") else "localhost"
            print(STORY.format(url=f"http://{Address(host, bound[0].port)}"), flush=True)

    def _crash(self, bug: BaseException) -> None:
        """A bug of ours: stop in order, then end with its traceback."""
        self._bug = self._bug or bug
        self._stop.set()


def _limits(config: Config) -> Limits:
    return Limits(concurrency=config.concurrency, max_body=config.max_body)


def _store(path: str) -> Store:
    return MemoryStore()
