"""`python -m exporter.simulator`: a simulated GREEN-API on its own, with the configuration that points at it."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Sequence

from ..model import Meaning
from .account import Account, Rules
from .clock import Clock
from .plan import Profile
from .server import Simulator
from .story import fleet, steady_fleet


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 0, or 1 when the address cannot be listened on."""
    options = _parser().parse_args(arguments)
    return asyncio.run(_run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m exporter.simulator", description=__doc__)
    add = parser.add_argument
    add("--listen", default="127.0.0.1:8080", metavar="HOST:PORT", type=_address, help="port 0 picks a free one")
    add("--story", action="store_true", help="the three instances of the demo instead of alike ones")
    add("--instances", type=int, default=3, help="how many alike instances (default: 3)")
    add("--per-hour", type=float, default=60.0, help="messages an hour of each of them (default: 60)")
    add("--thumbnails", type=float, default=0.5, help="share of media messages with a thumbnail (default: 0.5)")
    add("--compress", type=float, default=1.0, help="divide delivery and reading times by this (default: 1)")
    add("--timestamp", choices=("sent", "last_action"), default="sent", help="what a row's timestamp means")
    add("--max-lag", type=float, default=120.0, help="seconds until a new message appears at latest (default: 120)")
    add("--quota", type=int, help="journal calls allowed in a month (default: no limit)")
    add("--no-rate-limit", action="store_true", help="allow more than one call a second per instance and method")
    add("--seed", default="1", help="the same seed gives the same lives (default: 1)")
    add("--speed", type=float, default=1.0, help="simulated seconds a second (default: 1)")
    return parser


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8080")
    return host or "127.0.0.1", int(port)


async def _run(options: argparse.Namespace) -> int:
    clock = Clock(speed=options.speed)
    accounts = _accounts(options, clock())
    simulator = Simulator(accounts, clock=clock, rate_clock=None if options.no_rate_limit else time.monotonic)
    host, port = options.listen
    try:
        url = await simulator.start(host, port)
    except OSError as error:
        print(f"cannot listen on {host}:{port}: {error.strerror}. Choose another with --listen.", file=sys.stderr)
        return 1
    print(_snippet(accounts, url), flush=True)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await simulator.stop()
    return 0


def _accounts(options: argparse.Namespace, now: float) -> list[Account]:
    if options.story:
        accounts = fleet(now, options.seed)
    else:
        profile = Profile(per_hour=options.per_hour, thumbnails=options.thumbnails, compress=options.compress)
        rules = Rules(meaning=Meaning(options.timestamp), max_lag=options.max_lag)
        accounts = steady_fleet(options.instances, now, profile, options.seed, rules)
    for account in accounts:
        account.quota = options.quota
    return accounts


def _snippet(accounts: Sequence[Account], url: str) -> str:
    """A configuration of the exporter for these accounts."""
    lines = ["# A simulated GREEN-API is listening. Save this as config.yaml for the exporter.", "tariff: business"]
    lines.append("instances:")
    for account in accounts:
        lines += [
            f'  - id: "{account.id}"',
            f"    name: {account.name}",
            f"    token: {account.token}",
            f"    api_url: {url}",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
