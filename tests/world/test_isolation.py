"""Instances that never answer, first in the configuration: the others are there from the first scrape on, in time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ..hostile import HostileServer, Visit
from .inside import Exporter, Loop, config, exporting, id_of, instance, run
from .numbers import Page
from .service import serving

INSTANCES, DEAD = 60, 6
CONCURRENCY = DEAD
"""The dead can take every slot at first."""
ALIVE = INSTANCES - DEAD
PATIENCE = 10.0


def test_sixty_instances_of_which_six_never_answer(tmp_path: Path) -> None:
    """The loop's clock is put forward over the 3 s until the dead lose their slots, and over the scraper's patience."""

    async def scenario() -> None:
        async with serving() as (service, server):
            for number in range(DEAD):
                service.misbehave(id_of(number), Visit.hang)
            file = config(
                tmp_path, *(instance(number, service.url) for number in range(INSTANCES)), concurrency=CONCURRENCY
            )
            async with exporting(file) as exporter:
                page = await _while_the_dead_hold_out(server, exporter, 1)
                assert _fresh(page) == {1.0: ALIVE}
                exporter.clock.now += 10
                page = await _while_the_dead_hold_out(server, exporter, 2)  # their first calls still run
                assert _fresh(page) == {2.0: ALIVE}
                await _let_the_dead_time_out(exporter)
                for number in range(3, 8):
                    exporter.clock.now += 400
                    page = await exporter.scrape(PATIENCE)  # nobody waits for those who timed out last time
                    assert _fresh(page) == {float(number): ALIVE}
                    assert page.value("greenapi_up") == ALIVE
                    await _let_the_dead_time_out(exporter)

    run(scenario(), debug=False)


async def _while_the_dead_hold_out(server: HostileServer, exporter: Exporter, times: int) -> Page:
    """A scrape during which all that is alive gets its turn, and which ends when its scraper's patience does."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    scrape = asyncio.create_task(exporter.scrape(PATIENCE))
    if times == 1:
        await exporter.in_flight(CONCURRENCY)
        assert len(server.visits) <= DEAD
        _put_forward(3.1)
    await server.visited(DEAD + times * ALIVE)
    await exporter.in_flight(DEAD)
    assert not scrape.done()
    _put_forward(began + PATIENCE - 0.5 - loop.time())
    return await scrape


async def _let_the_dead_time_out(exporter: Exporter) -> None:
    """Those who failed last time hold half of the slots at most, so that some wait for others."""
    while await exporter.calls_in_flight():
        _put_forward(21)


def _put_forward(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Loop)
    loop.ahead += seconds


def _fresh(page: Page) -> dict[float, int]:
    """How many instances have been answered so many times."""
    counts: dict[float, int] = {}
    for number in range(INSTANCES):
        times = page.outcomes(id_of(number)).get("ok", 0.0)
        if times:
            counts[times] = counts.get(times, 0) + 1
    return counts
