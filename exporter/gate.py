"""Who may start a call on one API host: how many calls run at once, and in which order the others follow.

Owns the bounds and the order. `Turns` decides and never waits; a `Turn` lets a task wait for its decision.
Knows nothing of HTTP and has no clock: that a call has waited too long for its first byte is told by the caller.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import OrderedDict
from enum import Enum, auto
from typing import Self


class Place(Enum):
    """Where a ticket is."""

    OUTSIDE = auto()
    WAITING = auto()
    RUNNING = auto()
    """Holds one of the `concurrency` slots."""
    LINGERING = auto()
    """Runs on without a slot, because it has waited too long for its first byte."""


class Ticket(ABC):
    """One call on its way through the gate; `failing` is whether its instance's last call failed."""

    __slots__ = ("failing", "place")

    def __init__(self, *, failing: bool) -> None:
        self.failing = failing
        self.place = Place.OUTSIDE

    @abstractmethod
    def start(self) -> None:
        """Called once, when it has got its slot."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'failing' if self.failing else 'healthy'} {self.place.name.lower()}>"


class Turns:
    """The decisions, as a state machine: each event changes the state whole and starts whoever may start now.

    Bounds, with n = `concurrency`: at most n tickets hold a slot, at most half of them failing (but one always may),
    and at most 2n run at all. Failing and lingering tickets together begin only while fewer than n of them run, which
    keeps the other n for the healthy. A failing ticket begins only when no healthy one waits. First come, first
    served within a class.
    """

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self.running = 0
        self.lingering = 0
        self._failing_running = 0
        self._healthy: OrderedDict[Ticket, None] = OrderedDict()
        self._failing: OrderedDict[Ticket, None] = OrderedDict()

    @property
    def waiting(self) -> int:
        return len(self._healthy) + len(self._failing)

    @property
    def in_flight(self) -> int:
        return self.running + self.lingering

    def enter(self, ticket: Ticket) -> None:
        """Start at once if there is room: whoever still waits could not use it. Else stand in line."""
        if self._has_room() and (not ticket.failing or self._has_room_for_failing()):
            self._start(ticket)
        else:
            ticket.place = Place.WAITING
            self._line(ticket)[ticket] = None

    def linger(self, ticket: Ticket) -> None:
        """The first byte is overdue: counts as failed here and gives its slot away. Means nothing once it has left."""
        if ticket.place is Place.RUNNING:
            self._give_up_slot(ticket)
            ticket.place = Place.LINGERING
            self.lingering += 1
            self._advance()

    def leave(self, ticket: Ticket) -> None:
        """Done, failed or cancelled, in whatever place it was."""
        if ticket.place is Place.WAITING:
            del self._line(ticket)[ticket]
        elif ticket.place is Place.RUNNING:
            self._give_up_slot(ticket)
        elif ticket.place is Place.LINGERING:
            self.lingering -= 1
        ticket.place = Place.OUTSIDE
        self._advance()

    def resize(self, concurrency: int) -> None:
        """Another bound from now on; calls that run beyond a smaller one are left to finish."""
        self.concurrency = concurrency
        self._advance()

    def _line(self, ticket: Ticket) -> OrderedDict[Ticket, None]:
        return self._failing if ticket.failing else self._healthy

    def _give_up_slot(self, ticket: Ticket) -> None:
        self.running -= 1
        self._failing_running -= ticket.failing

    def _start(self, ticket: Ticket) -> None:
        self.running += 1
        self._failing_running += ticket.failing
        ticket.place = Place.RUNNING
        ticket.start()

    def _advance(self) -> None:
        """Start who may start now."""
        while (line := self._healthy or self._failing) and self._has_room():
            if line is self._failing and not self._has_room_for_failing():
                return
            ticket, _ = line.popitem(last=False)
            self._start(ticket)

    def _has_room(self) -> bool:
        return self.running < self.concurrency and self.in_flight < 2 * self.concurrency

    def _has_room_for_failing(self) -> bool:
        half = max(1, self.concurrency // 2)
        return self._failing_running < half and self._failing_running + self.lingering < self.concurrency

    def __repr__(self) -> str:
        return (
            f"<Turns {self.running} of {self.concurrency} running, {self.lingering} lingering, "
            f"{len(self._healthy)} healthy and {len(self._failing)} failing waiting>"
        )


class Turn(Ticket):
    """A ticket that a task holds: `async with Turn(turns, failing=...)` waits for its start, and leaves at the end.

    Cancelling the task gives the place back, wherever it was: in line, started but not yet awake, running.
    """

    __slots__ = ("_started", "_turns")

    def __init__(self, turns: Turns, *, failing: bool) -> None:
        super().__init__(failing=failing)
        self._turns = turns
        self._started: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        self._turns.enter(self)
        if self.place is Place.WAITING:
            self._started = asyncio.get_running_loop().create_future()
            try:
                await self._started
            except BaseException:
                self._turns.leave(self)
                raise
        return self

    async def __aexit__(self, *_failure: object) -> None:
        self._turns.leave(self)

    def start(self) -> None:
        if self._started is not None and not self._started.done():
            self._started.set_result(None)

    def linger(self) -> None:
        """The first byte is overdue."""
        self._turns.linger(self)
