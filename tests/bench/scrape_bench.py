"""What a scrape costs, as a ratio to the floor measured in the same run; see `--help`."""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Process:
    """A child that is told what to do line by line."""

    def __init__(self, module: str, *arguments: object) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def say(self, word: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(word + "\n")
        self._child.stdin.flush()

    def hear(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline().strip()

    def ask(self, word: str) -> Any:
        self.say(word)
        line = self.hear()
        return json.loads(line) if line.startswith("{") else line

    def stop(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait(30)


@dataclass
class Figures:
    """What was measured in each round, floor beside exporter."""

    floor: list[dict[str, float]] = field(default_factory=list)
    exporter: list[dict[str, float]] = field(default_factory=list)

    def add(self, floor: dict[str, float], exporter: dict[str, float]) -> None:
        self.floor.append(floor)
        self.exporter.append(exporter)

    def ratio(self, name: str) -> tuple[float, float, float]:
        """Median, least and most of the rounds' own ratios."""
        ratios = [ours[name] / theirs[name] for theirs, ours in zip(self.floor, self.exporter, strict=True)]
        return statistics.median(ratios), min(ratios), max(ratios)

    def told(self, title: str, name: str, unit: str, scale: float = 1.0, digits: int = 3) -> str:
        """One measure in a phrase: its ratio with the spread, and the medians of both sides in `unit`s."""
        ours, theirs = (statistics.median(each[name] for each in side) / scale for side in (self.exporter, self.floor))
        median, least, most = self.ratio(name)
        spread = f"{least:.2f} to {most:.2f}; " if len(self.floor) > 1 else ""
        return f"{title} {median:.2f} x floor ({spread}{ours:.{digits}f} against {theirs:.{digits}f} {unit})"


@contextmanager
def world(
    instances: int, rows: int, *, settled: bool = False
) -> Iterator[tuple[Process, Process, Process, str]]:
    """The service, the floor and the exporter, each its own process, and the address of /metrics.

    The floor runs as Python starts it, or `settled`: with the exporter's own settings of the collector and of malloc.
    """
    service = Process("service", instances, rows)
    port = int(service.hear())
    floor = Process("child", "floor", port, instances, "settled" if settled else "plain")
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        own_port = probe.getsockname()[1]
        probe.close()
        exporter = Process("child", "exporter", _config(Path(folder), port, instances), own_port)
        url = f"http://127.0.0.1:{own_port}"
        try:
            until_ready(url)
            yield service, floor, exporter, f"{url}/metrics"
        finally:
            for process in (exporter, floor, service):
                process.stop()


def _config(folder: Path, port: int, instances: int) -> Path:
    lines = [
        "tariff: business", "min_interval: 1ms", "state_interval: 0", "settings_interval: 0",
        f"state_file: {folder}/state.db", "instances:",
    ]  # fmt: skip
    for number in range(instances):
        lines.append(f"  - {{id: '{1101000000 + number}', token: bench, api_url: 'http://127.0.0.1:{port}'}}")
    path = folder / "config.yaml"
    path.write_text("\n".join(lines))
    return path


def until_ready(url: str) -> None:
    """Wait for an exporter that was just started."""
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(f"{url}/-/ready", timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Ask(StrEnum):
    """What a scrape asks for: text, gzip, or the answer's head alone, which costs all but the sending of the text."""

    HEAD = "head alone"
    PLAIN = "plain text"
    GZIP = "gzip"


def scrape(url: str, ask: Ask) -> dict[str, float]:
    request = urllib.request.Request(url, headers={"X-Prometheus-Scrape-Timeout-Seconds": "100"})
    request.method = "HEAD" if ask is Ask.HEAD else "GET"
    if ask is Ask.GZIP:
        request.add_header("Accept-Encoding", "gzip")
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=120) as response:
        size = 0
        while piece := response.read(1 << 20):
            size += len(piece)
    return {"wall": time.perf_counter() - began, "bytes": size}


def measure(
    instances: int, rows: int, rounds: int, ask: Ask, *, settled: bool = False
) -> tuple[Figures, Figures]:
    """Interleaved rounds of floor and exporter; and, as one round, the first in which all rows are new."""
    with world(instances, rows, settled=settled) as (service, floor, exporter, url):
        scrape(url, ask)  # the baseline: nothing was sent yet
        floor.ask("round")

        def one_round() -> tuple[dict[str, float], dict[str, float]]:
            floor.ask("report")
            theirs = floor.ask("round")
            theirs |= floor.ask("report")
            exporter.ask("report")
            ours = scrape(url, ask)
            return theirs, ours | exporter.ask("report")

        service.ask("fill")
        cold, figures = Figures(), Figures()
        cold.add(*one_round())
        for _ in range(rounds):
            service.ask("advance")
            figures.add(*one_round())
        return figures, cold


def show(title: str, figures: Figures, cold: Figures) -> None:
    size = statistics.median(each["bytes"] for each in figures.exporter)
    print(f"{title} (an answer of {size / 1e6:.2f} MB)")
    for indent, of in (("  ", figures), ("  all rows new: ", cold)):
        measures = (
            of.told("CPU", "cpu", "s"), of.told("wall", "wall", "s"),
            of.told("longest block", "longest_block", "ms", 1e-3, 1), of.told("peak memory", "VmHWM", "MB", 1e6, 0),
        )  # fmt: skip
        print(indent + ", ".join(measures), flush=True)


WORKLOADS = ((1, 100), (100, 100), (1000, 100), (10, 10_000))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", help="one work load, as INSTANCESxROWS")
    parser.add_argument("--settled", action="store_true", help="give the floor the exporter's memory settings, too")
    flags = parser.parse_args(arguments)
    for instances, rows in WORKLOADS:
        if flags.only in (None, f"{instances}x{rows}"):
            for ask in Ask:
                title = f"{instances} instances x {rows} rows, {ask}"
                show(title, *measure(instances, rows, flags.rounds, ask, settled=flags.settled))


if __name__ == "__main__":
    main()
