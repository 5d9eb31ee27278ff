"""`--demo`: a simulated GREEN-API in the same process, and the configuration that points at it."""

from __future__ import annotations

import time

from .config import Config, InstanceConfig, Tariff
from .model import Meaning, Secret
from .simulator.server import Simulator
from .simulator.story import LOGGED_OUT, TROUBLE_BEGINS, fleet

_WINDOW, _MIN_INTERVAL, _TIMEOUT = 86_400.0, 2.0, 10.0
_STATE_INTERVAL, _SETTINGS_INTERVAL = 5.0, 60.0

STORY = f"""
greenapi-exporter runs against a simulated GREEN-API: no account, no network, nothing kept.

  open   {{url}}/                 the instances and how they are
  try    curl -s {{url}}/metrics | grep messages_total
         scrape it with Prometheus every 5 seconds, and look again in a minute or two

  healthy     a shop whose messages arrive and are read
  dirty-list  one number in five has no account: watch status="noAccount"
  troubled    gets a yellow card after {TROUBLE_BEGINS:.0f} seconds and is logged out after {LOGGED_OUT:.0f}: watch
              greenapi_instance_state, and the queue in greenapi_outgoing_waiting_messages

Stop with Ctrl-C.
"""


class Demo:
    """`start` gives the configuration; `stop` ends the simulated service."""

    def __init__(self) -> None:
        self._accounts = fleet(time.time())
        self._simulator = Simulator(self._accounts)

    async def start(self) -> Config:
        url = await self._simulator.start("127.0.0.1")
        instances = tuple(
            InstanceConfig(
                account.id, account.name, Secret(account.token), None, url, (("scene", account.name),),
                Tariff.BUSINESS, _WINDOW, _MIN_INTERVAL, _TIMEOUT, Meaning.AUTO,
            )
            for account in self._accounts
        )  # fmt: skip
        return Config(
            instances, concurrency=100, stale_after=300.0, state_file=":memory:", max_body=128 * 2**20,
            state_interval=_STATE_INTERVAL, settings_interval=_SETTINGS_INTERVAL,
            declare_types=("textMessage", "imageMessage", "extendedTextMessage"),
        )  # fmt: skip

    async def stop(self) -> None:
        await self._simulator.stop()
