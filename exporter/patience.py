"""How long a call may take: told when it is overdue, ended when its time is over.

Nearly all calls end long before, and a timer for each would cost more than the rest of the waiting; so those that have
the same patience stand in line, in the order in which it runs out, and one timer of the event loop serves the line.
Knows nothing of HTTP, nor what a call is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Patience:
    """`with patience.watch(...) as watch:` around what a task awaits. Made where an event loop runs, and used there."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines: dict[float, _Line] = {}

    def watch(self, patience: float, timeout: float, overdue: Callable[[], None]) -> Watch:
        """`overdue` is called after `patience` seconds, TimeoutError raised in the task after `timeout` seconds."""
        patience = min(patience, timeout)
        line = self._lines.get(patience)
        if line is None:
            line = self._lines[patience] = _Line(patience, self._loop)
        return Watch(line, timeout, overdue)

    def __repr__(self) -> str:
        return f"<Patience with {sum(len(line.waiting) for line in self._lines.values())} calls>"


class Watch:
    """One call's time. As `asyncio.timeout`, it makes a TimeoutError of the cancellation that it caused itself."""

    __slots__ = ("_began", "_cancelling", "_expired", "_line", "_overdue", "_task", "_timeout", "_timer")

    def __init__(self, line: _Line, timeout: float, overdue: Callable[[], None]) -> None:
        self._line = line
        self._timeout = timeout
        self._overdue = overdue
        self._timer: asyncio.TimerHandle | None = None
        self._expired = False

    def __enter__(self) -> Self:
        task = asyncio.current_task(self._line.loop)
        assert task is not None, "only a task can be timed out"
        self._task, self._cancelling = task, task.cancelling()
        self._began = self._line.join(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _traceback: TracebackType | None) -> None:
        self._line.leave(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError

    def hurry(self, seconds: float) -> None:
        """Overdue or not: from now on there are at most `seconds` left."""
        loop = self._line.loop
        self._line.leave(self)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(min(self._began + self._timeout, loop.time() + seconds), self._expire)

    def tell_overdue(self) -> None:
        """Called by the line."""
        self.hurry(self._timeout)
        self._overdue()

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()


class _Line:
    """Those with the same `patience` in seconds, in the order in which it runs out."""

    def __init__(self, patience: float, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: dict[Watch, float] = {}
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None

    def join(self, watch: Watch) -> float:
        """The moment, by the loop's clock."""
        now = self.loop.time()
        self.waiting[watch] = now
        if self._timer is None:
            self._timer = self.loop.call_at(now + self._patience, self._ring)
        return now

    def leave(self, watch: Watch) -> None:
        self.waiting.pop(watch, None)

    def _ring(self) -> None:
        """Tell those whose time has come. Nobody is left: the next one sets the timer."""
        now = self.loop.time()
        overdue = [watch for watch, joined in self.waiting.items() if joined + self._patience <= now]
        for watch in overdue:
            self.leave(watch)
        first = next(iter(self.waiting.values()), None)
        self._timer = None if first is None else self.loop.call_at(first + self._patience, self._ring)
        for watch in overdue:
            watch.tell_overdue()
