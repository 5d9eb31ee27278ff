"""The composition root: builds everything, introduces the rooms to one another, and stops them in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import replace

from aiohttp import web

from . import __version__, allocation
from .access import Access
from .access import read as read_access
from .catalog import CATALOG
from .client import Client, Limits
from .commits import Commits
from .config import MEMORY, Config
from .connections import Door, usual_bounds
from .demo import STORY, Demo
from .exposition import Exposition, blocks, own
from .flags import Address, Options
from .fleet import Fleet
from .instance import Face
from .loading import load, read_token
from .model import Secret
from .output import write
from .redaction import Redactor
from .reload import Reloader
from .sockets import bound_to, listen
from .store import MemoryStore, SqliteStore, Store
from .telemetry import Telemetry
from .web import Surface

log = logging.getLogger(__name__)

_ONCE_SLACK = 5.0
"""Seconds that --once waits beyond the longest timeout of a call."""
_CLOSING = 3.0
"""Seconds that answers under way get when the process is asked to stop."""


class App:
    """One running exporter. `run` ends when it was told to stop; it raises what a bug raised.

    `clock` gives Unix seconds; `tls` replaces the system's idea of whom to trust. Raises ConfigInvalid.
    """

    def __init__(
        self, options: Options, redactor: Redactor, *,
        clock: Callable[[], float] = time.time, tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._options = options
        self._redactor = redactor
        self._clock = clock
        self._tls = tls
        self._telemetry = Telemetry()
        self._exposition: Exposition[Face] = Exposition(CATALOG)
        self._access = Access(options.web_config_file)
        self._stop = asyncio.Event()
        self._hangup = asyncio.Event()
        self._bug: BaseException | None = None
        self._demo = Demo() if options.demo else None

    async def run(self, config: Config | None) -> None:
        """Serve until SIGTERM or SIGINT. `config` is None for the demo.

        Raises CannotListen, StoreUnusable and CannotWrite.
        """
        self._listen_to_signals()
        listeners = [listen(address) for address in self._options.listen]
        config = await self._first(config)
        await self._build(config, _store(config.state_file))
        try:
            await self._serve(listeners)
        finally:
            await self._close()
        if self._bug is not None:
            raise self._bug

    async def once(self, config: Config | None) -> int:
        """One scrape to stdout, every call waited for; the exit code. Raises CannotWrite."""
        config = await self._first(config)
        await self._build(config, MemoryStore())
        try:
            seen = await self._fleet.scrape(_ONCE_SLACK + max(instance.timeout for instance in config.instances))
            pieces = self._exposition.render(seen.faces, openmetrics=False)
            write(blocks([*pieces, own(self._telemetry.registry, openmetrics=False)]))
        finally:
            await self._close()
        if self._bug is not None:
            raise self._bug
        return 0 if all(face.up for face in seen.faces) else 1

    async def _first(self, config: Config | None) -> Config:
        """The configuration to start with: the one given, or the demo's own."""
        if self._demo:
            return await self._demo.start()
        assert config is not None, "only the demo needs none"
        return config

    async def _build(self, config: Config, store: Store) -> None:
        self._store = store
        self._client = await Client.open(
            clock=self._clock, observe=self._telemetry.called, limits=_limits(config), tls=self._tls
        )
        self._fleet = Fleet(
            self._client, lambda instances: Commits(store, instances, self._telemetry),
            clock=self._clock, read_token=self._read_token, crash=self._crash,
        )  # fmt: skip
        self._telemetry.watch(
            inflight=lambda: self._client.in_flight,
            known_messages=lambda: self._fleet.known_messages,
            state_file_bytes=lambda: self._fleet.state_file_bytes,
        )
        await self._configure(config)
        allocation.settle()
        self._telemetry.reloaded(True, self._clock())

    async def _configure(self, config: Config) -> None:
        self._redactor.learn(instance.token for instance in config.instances)
        await self._fleet.configure(config, self._store.load)
        self._client.limit(_limits(config))
        self._exposition.retain([instance.id for instance in self._fleet])
        self.config = config

    async def _reconfigure(self, config: Config) -> tuple[str, ...]:
        """A reload's configuration; the warnings. The state file stays the one that was opened at the start."""
        state_file = self.config.state_file
        await self._configure(replace(config, state_file=state_file))
        if config.state_file == state_file:
            return ()
        return (f"state_file: {config.state_file} needs a restart; until then {state_file} stays in use",)

    async def _read_token(self, path: str) -> Secret | None:
        token = await asyncio.to_thread(read_token, path)
        self._redactor.learn([token] if token else [])
        return token

    async def _serve(self, listeners: list[socket.socket]) -> None:
        reload = Reloader(self._load, self._reconfigure, self._telemetry, self._clock)
        surface = Surface(
            self._fleet, self._exposition, self._telemetry, clock=self._clock, config=lambda: self.config,
            reload=reload, external_url=self._options.external_url, access=self._access, crash=self._crash,
        )  # fmt: skip
        runner = web.AppRunner(surface.application(), shutdown_timeout=_CLOSING)
        await runner.setup()
        assert runner.server is not None
        door = Door(runner.server, self._access, usual_bounds())
        hangups = asyncio.create_task(self._reload_at_hangups(reload))
        try:
            for listener in listeners:
                door.open(listener)
            self._announce([bound_to(*pair) for pair in zip(listeners, self._options.listen, strict=True)])
            if self._demo:
                self._demo.keep_scraping(self._fleet)
            await self._stop.wait()
            log.info("stopping")
        finally:
            hangups.cancel()
            door.close()
            await runner.cleanup()
            surface.close()

    async def _reload_at_hangups(self, reload: Reloader) -> None:
        try:
            while await self._hangup.wait():
                self._hangup.clear()  # signals that arrive from now on are another reload
                await reload()
        except Exception as bug:
            self._crash(bug)

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number, event in (
            (signal.SIGTERM, self._stop), (signal.SIGINT, self._stop), (signal.SIGHUP, self._hangup),
        ):  # fmt: skip
            loop.add_signal_handler(number, event.set)

    def _load(self) -> tuple[Config, tuple[str, ...]]:
        """The configuration as it is now, read again; the demo's never changes."""
        if self._options.web_config_file is not None:
            read_access(self._options.web_config_file)  # taken over by itself; here it may only complain
        return (self.config, ()) if self._demo else load(self._options.config_file)

    async def _close(self) -> None:
        if self._demo:
            await self._demo.stop()
        await self._fleet.close()
        await self._client.close()

    def _announce(self, bound: list[Address]) -> None:
        scheme = "http" if self._access.current().context is None else "https"
        fields = {
            "version": __version__, "address": ", ".join(map(str, bound)), "scheme": scheme,
            "instances": len(self._fleet),
        }  # fmt: skip
        log.info("listening", extra={"fields": fields})
        if self._demo:
            host = bound[0].host if bound[0].host not in ("", "0.0.0.0", "::") else "localhost"
            write([STORY.format(url=f"{scheme}://{Address(host, bound[0].port)}").encode(), b"\n"])

    def _crash(self, bug: BaseException) -> None:
        """A bug of ours: stop in order, then end with its traceback."""
        self._bug = self._bug or bug
        self._stop.set()


def _limits(config: Config) -> Limits:
    return Limits(concurrency=config.concurrency, max_body=config.max_body)


def _store(path: str) -> Store:
    return MemoryStore() if path == MEMORY else SqliteStore(path)
