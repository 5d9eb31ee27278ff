"""What instances that never answer cost the others: 100 of 1,000, first in the configuration, over 200 scrapes.

`python -m tests.bench.isolation_bench [--instances N] [--dead N] [--scrapes N]`. The dead accept connections and say
nothing. Everything else is as configured by default: calls may take 60 s, 100 at once, and scrapers wait 10 s.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import socket
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .scrape_bench import Process, until_ready

PATIENCE = 10.0
ROWS = 20
_SUCCESS = re.compile(rb"^greenapi_last_success_timestamp_seconds\{[^}]*\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scrape:
    """How long one took in seconds, how many instances were asked and answered within it, and the memory after it."""

    seconds: float
    fresh: int
    memory: int


@contextmanager
def silence() -> Iterator[int]:
    """A port on which whoever connects is never told anything."""
    loop = asyncio.new_event_loop()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)

    async def hear_out(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass
        writer.close()

    async def serve() -> None:
        async with await asyncio.start_server(hear_out, sock=listener) as server:
            await server.serve_forever()

    threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True).start()
    yield listener.getsockname()[1]


def write_config(folder: Path, instances: int, dead: int, ports: tuple[int, int]) -> Path:
    """The dead come first."""
    silent, lively = ports
    lines = ["tariff: business", "min_interval: 1ms", "state_interval: 0", "settings_interval: 0"]
    lines += [f"state_file: {folder}/state.db", "instances:"]
    for number in range(instances):
        port = silent if number < dead else lively
        lines.append(f"  - {{id: '{1101000000 + number}', token: bench, api_url: 'http://127.0.0.1:{port}'}}")
    path = folder / "config.yaml"
    path.write_text("\n".join(lines))
    return path


def scrape(url: str, exporter: Process) -> Scrape:
    request = urllib.request.Request(
        f"{url}/metrics", headers={"X-Prometheus-Scrape-Timeout-Seconds": str(PATIENCE), "Accept-Encoding": "identity"}
    )
    started, began = time.time(), time.perf_counter()
    with urllib.request.urlopen(request, timeout=120) as response:
        body = response.read()
    seconds = time.perf_counter() - began
    fresh = sum(float(found) >= started for found in _SUCCESS.findall(body))
    return Scrape(seconds, fresh, int(exporter.ask("report")["VmRSS"]))


def measure(instances: int, dead: int, scrapes: int) -> list[Scrape]:
    with tempfile.TemporaryDirectory() as name, silence() as silent:
        service = Process("service", instances, ROWS)
        lively = int(service.hear())
        service.ask("fill")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        exporter = Process("child", "exporter", write_config(Path(name), instances, dead, (silent, lively)), port)
        try:
            url = f"http://127.0.0.1:{port}"
            until_ready(url)
            return [scrape(url, exporter) for _ in range(scrapes)]
        finally:
            exporter.stop()
            service.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag, default in (("instances", 1000), ("dead", 100), ("scrapes", 200)):
        parser.add_argument(f"--{flag}", type=int, default=default)
    wanted = parser.parse_args()
    done = measure(wanted.instances, wanted.dead, wanted.scrapes)
    alive, later = wanted.instances - wanted.dead, done[1:] or done
    print(f"{wanted.instances} instances; the first {wanted.dead} never answer; scrapers wait {PATIENCE:.0f} s")
    print(f"first scrape: {done[0].seconds:.2f} s, {done[0].fresh} of {alive} fresh")
    print(
        f"{len(later)} later ones: {min(s.seconds for s in later):.2f} to {max(s.seconds for s in later):.2f} s, "
        f"at least {min(s.fresh for s in later)} fresh; {sum(s.seconds >= PATIENCE for s in done)} too late"
    )
    marks = sorted({1, 10, len(done) // 4, len(done) // 2, len(done)} & {*range(1, len(done) + 1)})
    print("memory after scrape " + ", ".join(f"{n}: {done[n - 1].memory / 2**20:.0f} MiB" for n in marks))


if __name__ == "__main__":
    main()
