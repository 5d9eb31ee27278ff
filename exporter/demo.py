"""`--demo`: a simulated GREEN-API in the same process, and the configuration that points at it."""

from __future__ import annotations

import asyncio
import time

from .config import MEMORY, Config, InstanceConfig, Tariff
from .fleet import Fleet
from .model import Meaning, Secret
from .simulator import story
from .simulator.server import Simulator

_SCRAPE_INTERVAL = 5.0

STORY = f"""
greenapi-exporter runs against a simulated GREEN-API: no account, no network, nothing kept.

  open   {{url}}/                 the instances and how they are
  try    curl -s {{url}}/metrics | grep messages_reached_total | grep -v ' 0.0'
         curl -s {{url}}/metrics | grep read_latency_seconds_count     after a minute or two
  point  Prometheus at it; until then the demo scrapes itself every {_SCRAPE_INTERVAL:.0f} seconds

  healthy     a shop whose messages arrive and are read
  dirty-list  one number in five has no account: watch status="noAccount"
  troubled    gets a yellow card after {story.TROUBLE_BEGINS:.0f} seconds and is logged out after
              {story.LOGGED_OUT:.0f}: watch greenapi_instance_state, and greenapi_outgoing_waiting_messages

Stop with Ctrl-C.
"""


class Demo:
    """`start` gives the configuration; `stop` ends the simulated service."""

    def __init__(self) -> None:
        self._accounts = story.fleet(time.time())
        self._simulator = Simulator(self._accounts)
        self._scraping: asyncio.Task[None] | None = None

    async def start(self) -> Config:
        url = await self._simulator.start("127.0.0.1")
        instances = tuple(
            InstanceConfig(
                id=account.id,
                name=account.name,
                token=Secret(account.token),
                token_file=None,
                api_url=url,
                labels=(("scene", account.name),),
                tariff=Tariff.BUSINESS,
                window=24 * 3600.0,
                min_interval=2.0,
                timeout=10.0,
                timestamp=Meaning.AUTO,
            )
            for account in self._accounts
        )
        return Config(
            instances=instances,
            concurrency=100,
            stale_after=300.0,
            state_file=MEMORY,
            max_body=128 * 2**20,
            state_interval=5.0,
            settings_interval=60.0,
            declare_types=("textMessage", "imageMessage", "extendedTextMessage"),
        )

    def keep_scraping(self, fleet: Fleet) -> None:
        """Stand in for Prometheus, so that the numbers fill without one. Ends with `stop`."""
        self._scraping = asyncio.create_task(self._scrape(fleet))

    async def stop(self) -> None:
        if self._scraping is not None:
            self._scraping.cancel()
            await asyncio.wait([self._scraping])
        await self._simulator.stop()

    async def _scrape(self, fleet: Fleet) -> None:
        while True:
            await fleet.scrape(_SCRAPE_INTERVAL)
            await asyncio.sleep(_SCRAPE_INTERVAL)
