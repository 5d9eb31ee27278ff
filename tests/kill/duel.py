"""One run: messages live, the service has its moods, the exporter dies and starts, and the numbers must be true."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from exporter.model import Meaning
from exporter.simulator.account import Account, Rules
from exporter.simulator.faults import Action, Fault
from exporter.simulator.server import Simulator

from .lives import messages
from .process import Exporter, free_port
from .scraping import Watch, samples, scrape
from .verdict import judge

LONGEST_LIFE = 5.0
"""Seconds within which every message has reached its last status, and the journal shows it."""
SETTLING_SLACK = 5.0
AHEAD = 2.0
"""Seconds for which messages are written at the begin of each round; the next one catches up."""


@dataclass(frozen=True)
class Cast:
    """An instance of the play. `age`: how old its messages are when the journal begins to show them."""

    id: str
    rules: Rules
    timestamp: str
    window: float
    age: float = 0.0


LAG = 1.0
CAST = (
    Cast("1101000001", Rules(max_lag=LAG), "sent", 180.0),
    Cast("1101000002", Rules(max_lag=LAG), "auto", 180.0),
    Cast("1101000003", Rules(Meaning.LAST_ACTION, max_lag=LAG), "auto", 180.0),
    Cast("1101000004", Rules(max_lag=LAG), "sent", 60.0, age=35.0),
)
"""The last one settles and forgets within a short run."""

MOODS = (
    Fault(Action.ANSWER, status=429, times=1),
    Fault(Action.ANSWER, status=500, times=2),
    Fault(Action.STALL, times=1),
    Fault(Action.DELAY, times=1, seconds=0.4),
    Fault(Action.TRUNCATE, times=1),
    Fault(Action.RESET, times=1),
    Fault(Action.MALFORM, times=1),
)


@dataclass
class Duel:
    """`await Duel(directory, seed).fight(kills)` raises AssertionError when a number is not true."""

    directory: Path
    seed: str
    watch: Watch = field(default_factory=Watch)
    deaths: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.accounts = {cast.id: Account(cast.id, f"token-{cast.id}", rules=cast.rules) for cast in CAST}
        self.simulator = Simulator(self.accounts.values(), rate_clock=None)
        self.exporter = Exporter(self.directory, free_port(), dies_at_a_limit=True)
        self.written = 0.0

    async def fight(self, kills: int, *, settle: bool = False) -> None:
        """`settle`: wait at the end until every message is old enough to be settled."""
        async with self.simulator as url:
            (self.directory / "config.yaml").write_text(_config(self.directory, url))
            try:
                await self._begin()
                for _ in range(kills):
                    await self._round()
                await self._end(settle)
            finally:
                self.exporter.kill()
                await self.exporter.dead()

    async def _begin(self) -> None:
        """Every instance has its baseline before the first message is sent."""
        await self.exporter.start()
        successes = 0.0
        async with asyncio.timeout(60):
            while successes < len(CAST):
                await asyncio.sleep(0.1)
                text = await self._scrape()
                successes = sum(value for series, value in samples(text) if series.startswith("greenapi_up{"))
        self.written = time.time()

    async def _round(self) -> None:
        """A life of the exporter, from where it is to the next start."""
        self._write_on()
        for _ in range(self.rng.randrange(3)):
            self.simulator.faults.add(self.rng.choice(MOODS))
        way = self.rng.choices(list(_WAYS), [weight for weight, _ in _WAYS.values()])[0]
        self.deaths[await _WAYS[way][1](self) or way] += 1
        await self.exporter.dead()
        self.simulator.faults.clear()
        await self.exporter.start()

    def _write_on(self) -> None:
        until = time.time() + AHEAD
        for cast in CAST:
            self.accounts[cast.id].add(*messages(self.rng, self.written, until, cast.age))
        self.written = until

    async def _scrape(self) -> str:
        text = await scrape(self.exporter, self.watch)
        assert text, "a living exporter did not answer in full"
        return text

    async def _die_young(self) -> str | None:
        """During the start: while the state is loaded, or before."""
        await asyncio.sleep(self.rng.uniform(0.0, 1.0))
        self.exporter.kill()
        return None

    async def _die_at_any_time(self) -> str | None:
        await self._scrapes(self.rng.randrange(2))
        asyncio.get_running_loop().call_later(self.rng.uniform(0.0, 1.0), self.exporter.kill)
        await self._scrape_to_the_end()
        return None

    async def _die_at_the_first_byte(self) -> str | None:
        await self._scrapes(self.rng.randrange(3))
        await scrape(self.exporter, self.watch, self.exporter.kill)
        return None

    async def _die_within_a_commit(self) -> str | None:
        """In the midst of what is written, most of the time; it must be forgotten."""
        await self._scrapes(self.rng.randrange(1, 3))
        self.exporter.kill_within_a_write(self.rng.randrange(60_000))
        await self._scrape_to_the_end()
        return None

    async def _die_after_a_write(self) -> str | None:
        """Before it is synced, or before anybody was told; it may be remembered."""
        await self._scrapes(self.rng.randrange(1, 3))
        killing = asyncio.create_task(self.exporter.kill_after_a_write(3.0, self.rng.choice((0.0, 0.001))))
        await self._scrape_to_the_end()
        return None if await killing else "without a write"

    async def _scrape_to_the_end(self) -> None:
        try:
            while True:
                await scrape(self.exporter, self.watch)
                await asyncio.sleep(self.rng.uniform(0.05, 0.2))
        except ConnectionError:
            return

    async def _scrapes(self, count: int) -> None:
        for _ in range(count):
            await self._scrape()
            await asyncio.sleep(self.rng.uniform(0.1, 0.3))

    async def _end(self, settle: bool) -> None:
        """Let all lives end, stop the exporter in order, start it once more, and judge what it shows then."""
        wait = max(cast.window for cast in CAST) + SETTLING_SLACK if settle else LONGEST_LIFE
        while time.time() < self.written + wait:
            await self._scrape()
            await asyncio.sleep(0.5)
        assert await self.exporter.stop() == 0
        await self.exporter.start()
        answered = time.time()
        text = await self._scrape()
        for cast in CAST:
            truths = self.accounts[cast.id].truth(time.time())
            assert len(truths) > 10
            judge(text, cast.id, truths, window=cast.window, answered=answered)
        log = self.exporter.log.read_text()
        assert "Traceback" not in log
        assert "set aside" not in log


_WAYS = {
    "young": (15, Duel._die_young),
    "at any time": (30, Duel._die_at_any_time),
    "at the first byte": (25, Duel._die_at_the_first_byte),
    "within a commit": (20, Duel._die_within_a_commit),
    "after a write": (10, Duel._die_after_a_write),
}
"""How the exporter is killed, and how often in a hundred times."""


def _config(directory: Path, url: str) -> str:
    lines = ["tariff: business", "min_interval: 200ms", "timeout: 1s", "state_interval: 1s"]
    lines += [f"state_file: {directory / 'state.db'}", "instances:"]
    for cast in CAST:
        lines += [
            f'  - id: "{cast.id}"',
            f"    token: token-{cast.id}",
            f"    api_url: {url}",
            f"    timestamp: {cast.timestamp}",
            f"    window: {cast.window}",
        ]
    return "\n".join(lines)
