"""Work in slices: what is too much for one round of the event loop is done in several, and others run in between."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from exporter.timeslice import TimeSlice


async def done_in_each_round(seconds: float, pieces: int) -> list[int]:
    """How many pieces of work each round of the loop did, all of them wanted at once."""
    time_slice, rounds = TimeSlice(seconds), [0]

    async def piece() -> None:
        await time_slice.turn()
        rounds[-1] += 1

    tasks = [asyncio.create_task(piece()) for _ in range(pieces)]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        rounds.append(0)
    return [done for done in rounds if done]


@pytest.mark.parametrize(("seconds", "rounds"), [(inf, [5]), (0.0, [1, 1, 1, 1, 1])], ids=["enough time", "none"])
def test_a_round_does_what_its_time_allows_and_at_least_one_piece(seconds: float, rounds: list[int]) -> None:
    assert asyncio.run(done_in_each_round(seconds, 5)) == rounds


def test_who_is_cancelled_while_waiting_hinders_nobody() -> None:
    async def scenario() -> None:
        time_slice = TimeSlice(0.0)
        await time_slice.turn()
        waiting = asyncio.create_task(time_slice.turn())
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        await time_slice.turn()

    asyncio.run(scenario())
