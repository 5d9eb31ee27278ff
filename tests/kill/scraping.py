"""Answers read byte by byte from the socket, whole or cut off by a kill, and the watch over what they showed."""

from __future__ import annotations

import re
from asyncio import IncompleteReadError, StreamReader
from collections.abc import Callable, Iterator

from .process import Exporter

KEPT = re.compile(r"greenapi_(outgoing_.*(_total|_bucket|_count|_sum)|unknown_values_total)\{")
"""The series that survive restarts; the others begin anew with each process, or are gauges."""
_REQUEST = b"GET /metrics HTTP/1.0\r\nX-Prometheus-Scrape-Timeout-Seconds: 3\r\n\r\n"


class Watch:
    """Remembers the highest value of every kept series. `saw` raises AssertionError when one is lower, or gone."""

    def __init__(self) -> None:
        self.highest: dict[str, float] = {}
        self.answers = 0
        self.cut_off = 0

    def saw(self, text: str, *, whole: bool) -> None:
        shown = dict(samples(text))
        kept = {series: value for series, value in shown.items() if KEPT.match(series)}
        for series, value in kept.items():
            assert value >= self.highest.get(series, 0.0), f"{series} fell from {self.highest[series]} to {value}"
        if whole:
            assert not (gone := self.highest.keys() - kept.keys()), f"these series are gone: {sorted(gone)[:3]}"
            self.answers += 1
        elif kept:
            self.cut_off += 1
        self.highest |= kept


def samples(text: str) -> Iterator[tuple[str, float]]:
    """The complete lines of an exposition, as series and value."""
    for line in text.split("\n")[:-1]:
        if line and not line.startswith("#"):
            series, _, value = line.rpartition(" ")
            yield series, float(value)


async def scrape(exporter: Exporter, watch: Watch, at_first_byte: Callable[[], None] | None = None) -> str:
    """One answer of /metrics, whole or as much as came. With `at_first_byte`, that is called after one byte."""
    reader, writer = await exporter.connect()
    try:
        writer.write(_REQUEST)
        answer = b""
        if at_first_byte is not None:
            answer = await reader.read(1)
            at_first_byte()
        answer += await _rest(reader)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    whole = length is not None and int(length[1]) == len(body)
    text = body.decode("utf-8", "ignore")
    watch.saw(text, whole=whole)
    return text if whole else ""


async def _rest(reader: StreamReader) -> bytes:
    read = b""
    try:
        while some := await reader.read(1 << 16):
            read += some
    except (ConnectionError, IncompleteReadError):
        pass
    return read
