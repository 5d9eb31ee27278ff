"""A watch tells once when a call is overdue, ends it in time, and leaves everybody else's cancellations alone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial

import pytest

from exporter.patience import Patience

LONG = 3600.0


def run(scenario: Coroutine[object, object, None]) -> None:
    """With asyncio's debug mode, and a limit of its own."""
    asyncio.run(asyncio.wait_for(scenario, 30), debug=True)


def never() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


def test_a_call_that_ends_in_time_hears_nothing() -> None:
    async def scenario() -> None:
        told: list[str] = []
        with Patience().watch(LONG, LONG, lambda: told.append("overdue")):
            await asyncio.sleep(0)
        assert told == []

    run(scenario())


def test_a_call_is_told_once_that_it_is_overdue_and_goes_on() -> None:
    async def scenario() -> None:
        told = asyncio.Queue[str]()
        with Patience().watch(0.01, LONG, lambda: told.put_nowait("overdue")):
            assert await told.get() == "overdue"
            await asyncio.sleep(0.03)
        assert told.empty()

    run(scenario())


def test_those_who_came_first_are_told_first_and_those_who_left_are_not_told() -> None:
    async def scenario() -> None:
        patience, told = Patience(), asyncio.Queue[int]()

        async def call(number: int) -> None:
            with patience.watch(0.02, LONG, lambda: told.put_nowait(number)):
                await (asyncio.sleep(0) if number == 2 else never())

        calls = [asyncio.create_task(call(number)) for number in range(1, 5)]
        assert [await told.get() for _ in range(3)] == [1, 3, 4]
        for each in calls:
            each.cancel()
        await asyncio.wait(calls)
        assert "0 calls" in repr(patience)

    run(scenario())


def test_the_line_is_told_again_after_it_was_empty() -> None:
    async def scenario() -> None:
        patience, told = Patience(), asyncio.Queue[int]()
        for number in range(3):
            with patience.watch(0.01, LONG, partial(told.put_nowait, number)):
                assert await told.get() == number

    run(scenario())


@pytest.mark.parametrize("patience", [0.005, LONG], ids=["after it was overdue", "before it was overdue"])
def test_a_call_whose_time_is_over_ends_in_a_timeout(patience: float) -> None:
    async def scenario() -> None:
        with pytest.raises(TimeoutError), Patience().watch(patience, 0.02, lambda: None):
            await never()
        task = asyncio.current_task()
        assert task is not None and not task.cancelling()

    run(scenario())


def test_a_call_in_a_hurry_has_no_more_than_the_seconds_it_is_given() -> None:
    async def scenario() -> None:
        with pytest.raises(TimeoutError), Patience().watch(LONG, LONG, lambda: None) as watch:
            watch.hurry(0.01)
            await never()

    run(scenario())


def test_a_hurry_gives_nobody_more_time() -> None:
    async def scenario() -> None:
        with pytest.raises(TimeoutError), Patience().watch(LONG, 0.02, lambda: None) as watch:
            watch.hurry(LONG)
            await never()

    run(scenario())


@pytest.mark.parametrize("expires", [False, True], ids=["alone", "together with the end of its time"])
def test_who_is_cancelled_by_another_is_cancelled(expires: bool) -> None:
    async def scenario() -> None:
        began = asyncio.Event()

        async def call() -> None:
            with Patience().watch(LONG, LONG, lambda: None) as watch:
                if expires:
                    watch.hurry(0.0)
                began.set()
                await never()

        task = asyncio.create_task(call())
        await began.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    run(scenario())
