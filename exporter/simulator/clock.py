"""Simulated time. Any function without arguments that returns Unix seconds is a clock; here are two of them."""

from __future__ import annotations

import time


class Clock:
    """Runs from `start` (Unix seconds; default: now) at `speed` simulated seconds a second, and never backwards."""

    def __init__(self, start: float | None = None, speed: float = 1.0) -> None:
        self._start = time.time() if start is None else start
        self._speed = speed
        self._begun = time.monotonic()

    def __call__(self) -> float:
        return self._start + (time.monotonic() - self._begun) * self._speed

    def __repr__(self) -> str:
        return f"<Clock at {self():.3f}, speed {self._speed:g}>"


class ManualClock:
    """Stands still until somebody sets `now` or calls `advance`."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> float:
        self.now += seconds
        return self.now

    def __repr__(self) -> str:
        return f"<ManualClock at {self.now:.3f}>"
