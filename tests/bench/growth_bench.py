"""How cost and memory grow: with instances, with rows, with scrapes, and with nothing at all to do."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence

from .scrape_bench import Ask, measure, scrape, world

INSTANCES, ROWS = (10, 100, 1000), (100, 1000, 10_000)
SCRAPES, SETTLED = 2000, 100


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """The slope of cost over size where both are logarithms: 1 is linear."""
    xs, ys = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    return statistics.linear_regression(xs, ys).slope


def _cpu(instances: int, rows: int) -> float:
    """CPU seconds of a scrape."""
    figures, _ = measure(instances, rows, 5, Ask.PLAIN)
    return statistics.median(each["cpu"] for each in figures.exporter)


def growth() -> None:
    by_instances = [_cpu(count, 100) for count in INSTANCES]
    by_rows = [_cpu(10, count) for count in ROWS]
    for what, sizes, costs in (("instances", INSTANCES, by_instances), ("rows", ROWS, by_rows)):
        told = ", ".join(f"{size}: {cost * 1e3:.0f} ms" for size, cost in zip(sizes, costs, strict=True))
        print(f"CPU of a scrape by {what}: {told}; exponent {exponent(sizes, costs):.2f}", flush=True)


def many_scrapes() -> None:
    """Does memory grow over 2,000 scrapes of 50 instances? And what does the exporter do when nobody asks?"""
    with world(50, 100) as (service, _, exporter, url):
        scrape(url, Ask.GZIP)
        service.ask("fill")
        early = 0.0
        for number in range(SCRAPES):
            if number % 20 == 0:
                service.ask("advance")
            scrape(url, Ask.GZIP)
            if number == SETTLED:
                early = exporter.ask("report")["VmRSS"]
        late = exporter.ask("report")["VmRSS"]
        print(
            f"memory after {SETTLED} scrapes of 50 instances {early / 1e6:.1f} MB, after {SCRAPES} {late / 1e6:.1f} MB:"
            f" {late / early - 1:+.1%}",
            flush=True,
        )
        time.sleep(5)
        print(f"CPU in 5 idle seconds: {exporter.ask('report')['cpu'] * 1e3:.1f} ms, two reports included", flush=True)


def main() -> None:
    growth()
    many_scrapes()


if __name__ == "__main__":
    main()
