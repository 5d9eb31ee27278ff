"""How long the event loop may be busy with one kind of work before everybody else has a turn.

A hundred answers may arrive at once, or a thousand pages want to be written again: each is quick, all together are not.
"""

from __future__ import annotations

import asyncio


class TimeSlice:
    """`await time_slice.turn()` before each piece of the work: while this round of the loop has given the work its
    `seconds`, the next piece waits for another round.
    """

    def __init__(self, seconds: float = 0.01) -> None:
        self._seconds = seconds
        self._end: float | None = None  # by the loop's clock; None until the first piece of a round

    async def turn(self) -> None:
        loop = asyncio.get_running_loop()
        while self._end is not None:
            if loop.time() < self._end:
                return
            await asyncio.sleep(0)
        self._end = loop.time() + self._seconds
        loop.call_soon(self._renew)

    def _renew(self) -> None:
        self._end = None
