"""Rotated tokens: the token files of instances that lack access are read again, so no restart is needed.

Owns when a file is read, and that a disk which hangs holds nobody up; knows neither files nor the service.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from .instance import Instance
from .model import Secret

log = logging.getLogger(__name__)

_PATIENCE = 0.5
"""Seconds that a scrape waits for token files to be read."""


class Renewal:
    """`await renewal(instances)` gives those who lack access the token that their file holds now.

    `read_token` reads a token file; None if it cannot. A file that is still being read is not read once more.
    """

    def __init__(self, read_token: Callable[[str], Awaitable[Secret | None]]) -> None:
        self._read_token = read_token
        self._reading: dict[str, asyncio.Task[None]] = {}

    async def __call__(self, instances: Iterable[Instance]) -> None:
        for instance in instances:
            path = instance.config.token_file
            if instance.lacks_access and path is not None and instance.id not in self._reading:
                self._reading[instance.id] = asyncio.create_task(self._renew(instance, path))
        if self._reading:
            done, _ = await asyncio.wait(self._reading.values(), timeout=_PATIENCE)
            self._reading = {id_: task for id_, task in self._reading.items() if task not in done}
            for task in done:
                task.result()

    async def _renew(self, instance: Instance, path: str) -> None:
        token = await self._read_token(path)
        if token is not None and instance.renew_token(token):
            log.info("the token file holds another token now", extra={"fields": {"instance": instance.config.name}})
