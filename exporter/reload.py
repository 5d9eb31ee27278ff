"""Reload: the configuration is read again and taken over whole, or not at all.

Owns the order (one reload after the other) and how the outcome is told: logged, exported, returned. Knows neither
where a configuration comes from nor what takes it over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from .config import Config
from .errors import ConfigInvalid, StoreUnusable

log = logging.getLogger(__name__)

Load = Callable[[], tuple[Config, tuple[str, ...]]]
"""Reads everything there is to read, blocking: the configuration and warnings about it. Raises ConfigInvalid."""
Apply = Callable[[Config], Awaitable[tuple[str, ...]]]
"""Takes a configuration over, whole; gives warnings. What it raises must have left the old one in force."""


class Observer(Protocol):
    """Told of every reload, for the exporter's own metrics; `now` in Unix seconds."""

    def reloaded(self, ok: bool, now: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Reloaded:
    """How a reload ended. `lines` are every complaint when it was refused, else the warnings; none holds a secret."""

    ok: bool
    lines: tuple[str, ...]


class Reloader:
    """`await reloader()` reloads. Whoever comes while one runs gets a reload of its own afterwards."""

    def __init__(self, load: Load, apply: Apply, observer: Observer, clock: Callable[[], float]) -> None:
        self._load = load
        self._apply = apply
        self._observer = observer
        self._clock = clock
        self._turn = asyncio.Lock()

    async def __call__(self) -> Reloaded:
        async with self._turn:
            try:
                config, warnings = await asyncio.to_thread(self._load)
                warnings = (*warnings, *config.warnings, *await self._apply(config))
            except ConfigInvalid as invalid:
                return self._ended(Reloaded(False, tuple(map(str, invalid.complaints))))
            except StoreUnusable as unusable:
                return self._ended(Reloaded(False, (str(unusable),)))
            return self._ended(Reloaded(True, warnings))

    def _ended(self, reloaded: Reloaded) -> Reloaded:
        self._observer.reloaded(reloaded.ok, self._clock())
        _log(logging.WARNING if reloaded.ok else logging.ERROR, reloaded.lines)
        if reloaded.ok:
            log.info("the configuration was loaded again")
        else:
            log.error("the configuration was not loaded again: the one before stays in force")
        return reloaded


def _log(level: int, lines: Iterable[str]) -> None:
    for line in lines:
        log.log(level, "%s", line)
