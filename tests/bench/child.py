"""A process under measurement: the exporter itself, or the floor (the same GETs and the same decoding, nothing else).

Both run on an event loop whose selector notes how long the loop was away from it. Commands come on standard input, one
a line, each answered with one line of JSON: `round` (floor only) asks every instance once; `report` gives CPU seconds
since the last report, the longest time between two selects, and the peak and present memory in bytes.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from exporter import allocation, loading
from exporter.app import App
from exporter.flags import parse
from exporter.redaction import Redactor
from exporter.wire import JournalRow

from .orders import orders

_AT_ONCE = 100


class WatchfulSelector(selectors.DefaultSelector):
    """Notes the longest time the loop spent away from select: its longest block."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0.0
        self._left = time.perf_counter()

    def select(self, timeout: float | None = None) -> Any:
        self.longest = max(self.longest, time.perf_counter() - self._left)
        ready = super().select(timeout)
        self._left = time.perf_counter()
        return ready


class Meter:
    def __init__(self, selector: WatchfulSelector) -> None:
        self._selector = selector
        self._cpu = 0.0

    async def report(self) -> dict[str, float]:
        cpu, self._cpu = time.process_time() - self._cpu, time.process_time()
        longest, self._selector.longest = self._selector.longest, 0.0
        return {"cpu": cpu, "longest_block": longest, **_memory()}


def _memory() -> dict[str, int]:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(status[name].split()[0]) * 1024 for name in ("VmHWM", "VmRSS")}


class Floor:
    """What cannot be avoided: one session, at most 100 GETs at once, each body decoded into the fields that matter."""

    def __init__(self, port: int, instances: int, around: AbstractContextManager[None]) -> None:
        self._around = around
        self._urls = [
            f"http://127.0.0.1:{port}/waInstance{1101000000 + number}/lastOutgoingMessages/token?minutes=1440"
            for number in range(instances)
        ]
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
        )
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._decode = msgspec.json.Decoder(list[JournalRow]).decode

    async def round(self) -> dict[str, float]:
        began = time.perf_counter()
        with self._around:
            rows = sum(await asyncio.gather(*map(self._ask, self._urls)))
        return {"wall": time.perf_counter() - began, "rows": rows}

    async def _ask(self, url: str) -> int:
        async with self._turn, self._session.get(url) as response:
            return len(self._decode(await response.read()))


async def _obey(answers: dict[str, Callable[[], Awaitable[dict[str, float]]]]) -> None:
    async for order in orders():
        print(json.dumps(await answers[order]()), flush=True)


async def _floor(meter: Meter, port: str, instances: str, settled: str) -> None:
    around: AbstractContextManager[None] = nullcontext()
    if settled == "settled":
        allocation.settle()
        around = allocation.fewer_collections
    floor = Floor(int(port), int(instances), around)
    await _obey({"report": meter.report, "round": floor.round})


async def _exporter(meter: Meter, config_file: str, port: str) -> None:
    options = parse([f"--config.file={config_file}", f"--web.listen-address=127.0.0.1:{port}"])
    config, _ = loading.load(config_file)
    running = asyncio.create_task(App(options, Redactor()).run(config))
    await asyncio.wait({running, asyncio.create_task(_obey({"report": meter.report}))}, return_when="FIRST_COMPLETED")


def main(kind: str, *arguments: str) -> None:
    selector = WatchfulSelector()
    work: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {"floor": _floor, "exporter": _exporter}
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(work[kind](Meter(selector), *arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
