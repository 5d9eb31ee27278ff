"""How much of all answers may be in memory at once: one budget in bytes that the answers being read share.

Owns who may go on reading; knows nothing of HTTP. A reader accounts for each piece it has taken and, when the budget
is spent, waits before it takes the next. The answer begun first never waits, so that one always gets on.
"""

from __future__ import annotations

import asyncio
from typing import Self

DEFAULT_BUDGET = 512 * 1024 * 1024


class ReadingBudget:
    """At most about `total` bytes of answers in memory; beyond it lie the pieces in hand and the answer begun first."""

    def __init__(self, total: int = DEFAULT_BUDGET) -> None:
        self.total = total
        self.used = 0
        self._shares: dict[Share, None] = {}  # in the order in which the answers began

    def share(self) -> Share:
        """One answer's part."""
        return Share(self)

    def account(self, share: Share, size: int) -> None:
        """`share` has taken `size` bytes more; its first piece is its place in line."""
        self._shares.setdefault(share)
        share.size += size
        self.used += size

    def may_read(self, share: Share) -> bool:
        """Whether there is budget left, or `share`, which has begun, is the answer begun first."""
        return self.used <= self.total or next(iter(self._shares)) is share

    def release(self, share: Share) -> None:
        """`share` gives everything back; the others have another look."""
        self._shares.pop(share, None)
        self.used -= share.size
        for other in self._shares:
            other.resume()

    def __repr__(self) -> str:
        return f"<ReadingBudget {self.used} of {self.total} bytes, {len(self._shares)} answers>"


class Share:
    """What one answer holds of the budget: `size` bytes. `with` gives them back at the end."""

    __slots__ = ("_budget", "_resumed", "size")

    def __init__(self, budget: ReadingBudget) -> None:
        self.size = 0
        self._budget = budget
        self._resumed: asyncio.Event | None = None  # few ever wait

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._budget.release(self)

    def add(self, size: int) -> None:
        """Account for a piece of `size` bytes that is in memory now."""
        self._budget.account(self, size)

    async def turn(self) -> None:
        """Wait until the next piece may be read."""
        while not self._budget.may_read(self):
            self._resumed = asyncio.Event()
            await self._resumed.wait()

    def resume(self) -> None:
        """Have another look: the budget has changed."""
        if self._resumed is not None:
            self._resumed.set()
