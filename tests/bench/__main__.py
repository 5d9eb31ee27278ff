"""`make bench`: every benchmark, one after the other, with the machine they ran on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from . import exposition_bench, growth_bench, isolation_bench, scrape_bench, store_bench


def machine() -> str:
    """The processor, its cores and the Python."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def main() -> None:
    print(machine(), flush=True)
    for title, bench in (
        ("a scrape beside its floor", lambda: scrape_bench.main([])),
        ("growth", growth_bench.main),
        ("exposition", exposition_bench.main),
        ("state file", store_bench.main),
        ("isolation", isolation_bench.main),
    ):
        print(f"\n== {title}", flush=True)
        bench()


if __name__ == "__main__":
    main()
