"""The long form of the kill test: `python -m tests.kill [--kills 300] [--seed TEXT]`."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
import time
from pathlib import Path

from .duel import Duel


def seed() -> str:
    """From the environment, or a new one."""
    return os.environ.get("GREENAPI_KILL_SEED") or secrets.token_hex(4)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", default=seed(), help="the same seed makes the same choices (GREENAPI_KILL_SEED)")
    options = parser.parse_args()
    print(f"{options.kills} kills, seed {options.seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        duel = Duel(Path(directory), options.seed)
        asyncio.run(duel.fight(options.kills, settle=True))
    minutes = (time.monotonic() - began) / 60
    deaths = ", ".join(f"{count} {way}" for way, count in duel.deaths.most_common())
    print(f"Every counter of every instance is true after {minutes:.1f} minutes. Killed: {deaths}.")
    print(f"{duel.watch.answers} answers were read whole, {duel.watch.cut_off} cut off; no counter was ever lower.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
