"""Who may start: the bounds and the order of the gate, and the budget of bytes that answers share."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.gate import Place, Ticket, Turn, Turns
from exporter.reading import ReadingBudget


class Guest(Ticket):
    """Tells its hall when it may start."""

    def __init__(self, hall: Hall, *, failing: bool) -> None:
        super().__init__(failing=failing)
        self.hall = hall

    def start(self) -> None:
        self.hall.start(self)


class Hall:
    """`Turns` with everybody who came, in the order of coming, and everybody who started, in the order of starting."""

    def __init__(self, concurrency: int) -> None:
        self.turns = Turns(concurrency)
        self.came: list[Ticket] = []
        self.started: list[Ticket] = []

    def come(self, *, failing: bool = False) -> Ticket:
        ticket = Guest(self, failing=failing)
        self.came.append(ticket)
        self.turns.enter(ticket)
        return ticket

    def start(self, ticket: Ticket) -> None:
        assert not (ticket.failing and self.at(Place.WAITING, failing=False)), "a failing one overtook a healthy one"
        self.started.append(ticket)

    def at(self, place: Place, *, failing: bool | None = None) -> list[Ticket]:
        return [ticket for ticket in self.came if ticket.place is place and failing in (None, ticket.failing)]


def run(scenario: Coroutine[None, None, None]) -> None:
    asyncio.run(scenario, debug=True)


def test_calls_beyond_the_concurrency_start_in_the_order_in_which_they_came() -> None:
    hall = Hall(2)
    first, second, third, fourth = (hall.come() for _ in range(4))
    assert hall.started == [first, second]
    hall.turns.leave(second)
    hall.turns.leave(first)
    assert hall.started == [first, second, third, fourth]


def test_failing_instances_hold_at_most_half_of_the_slots_even_when_the_others_are_free() -> None:
    hall = Hall(5)
    for _ in range(5):
        hall.come(failing=True)
    assert len(hall.at(Place.RUNNING)) == 2


def test_with_a_concurrency_of_one_a_failing_instance_is_still_asked() -> None:
    hall = Hall(1)
    ticket = hall.come(failing=True)
    assert ticket.place is Place.RUNNING


def test_a_healthy_instance_that_comes_later_starts_before_failing_ones_that_wait() -> None:
    hall = Hall(2)
    running = hall.come(), hall.come()
    failing = hall.come(failing=True)
    healthy = hall.come()
    hall.turns.leave(running[0])
    assert (healthy.place, failing.place) == (Place.RUNNING, Place.WAITING)
    hall.turns.leave(running[1])
    assert failing.place is Place.RUNNING


def test_a_call_without_a_first_byte_gives_its_slot_away_and_all_together_stay_below_twice_the_concurrency() -> None:
    hall = Hall(2)
    stuck = [hall.come() for _ in range(4)]
    late = hall.come()
    for ticket in stuck[:2]:
        hall.turns.linger(ticket)
    assert hall.started == stuck
    for ticket in stuck[2:]:
        hall.turns.linger(ticket)
    assert hall.at(Place.WAITING) == [late]
    hall.turns.leave(stuck[3])
    assert hall.started[-1] is late


def test_failing_instances_that_never_answer_leave_room_for_all_healthy_ones() -> None:
    """However many black holes there are and however long they linger, `concurrency` healthy calls run at once."""
    hall = Hall(4)
    for _ in range(50):
        hall.come(failing=True)
    while running := hall.at(Place.RUNNING):
        hall.turns.linger(running[0])
    healthy = [hall.come() for _ in range(4)]
    assert all(ticket.place is Place.RUNNING for ticket in healthy)


def test_a_late_alarm_for_a_call_that_has_left_changes_nothing() -> None:
    hall = Hall(1)
    ticket = hall.come()
    hall.turns.leave(ticket)
    hall.turns.linger(ticket)
    assert hall.turns.in_flight == 0


def test_a_greater_concurrency_starts_those_who_wait_and_a_smaller_one_stops_nobody() -> None:
    hall = Hall(1)
    tickets = [hall.come() for _ in range(4)]
    hall.turns.resize(3)
    assert hall.started == tickets[:3]
    hall.turns.resize(1)
    assert len(hall.at(Place.RUNNING)) == 3
    hall.turns.leave(tickets[0])
    hall.turns.leave(tickets[1])
    assert hall.at(Place.WAITING) == tickets[3:]
    hall.turns.leave(tickets[2])
    assert hall.started == tickets


EVENTS = st.lists(
    st.tuples(st.sampled_from(["healthy", "failing", "linger", "leave", "cancel"]), st.integers(0, 30)), max_size=80
)


LEAVING = {"leave": (Place.RUNNING, Place.LINGERING), "cancel": (Place.WAITING,)}


def pick(tickets: list[Ticket], number: int) -> Ticket | None:
    return tickets[number % len(tickets)] if tickets else None


def do(hall: Hall, event: str, number: int) -> None:
    if event in ("healthy", "failing"):
        hall.come(failing=event == "failing")
    elif event == "linger" and (ticket := pick(hall.at(Place.RUNNING), number)):
        hall.turns.linger(ticket)
    elif event in LEAVING and (ticket := pick([one for place in LEAVING[event] for one in hall.at(place)], number)):
        hall.turns.leave(ticket)


def check_bounds(hall: Hall) -> None:
    n = hall.turns.concurrency
    running, lingering = hall.at(Place.RUNNING), hall.at(Place.LINGERING)
    assert (hall.turns.running, hall.turns.lingering) == (len(running), len(lingering))
    assert hall.turns.waiting == len(hall.at(Place.WAITING))
    assert len(running) <= n
    assert len(running) + len(lingering) <= 2 * n
    assert len(hall.at(Place.RUNNING, failing=True)) <= max(1, n // 2)
    if hall.at(Place.WAITING, failing=False):
        healthy_gone_silent = hall.at(Place.LINGERING, failing=False)
        assert len(running) == n or healthy_gone_silent, "a healthy one waits though there is room"


@settings(deadline=None)
@given(concurrency=st.integers(1, 7), events=EVENTS)
def test_whatever_happens_the_bounds_hold_the_order_is_kept_and_everybody_gets_in(
    concurrency: int, events: list[tuple[str, int]]
) -> None:
    hall = Hall(concurrency)
    cancelled = set()
    for event, number in events:
        waiting = set(hall.at(Place.WAITING))
        do(hall, event, number)
        if event == "cancel":
            cancelled |= waiting - set(hall.at(Place.WAITING)) - set(hall.started)
        check_bounds(hall)
    while inside := hall.at(Place.RUNNING) + hall.at(Place.LINGERING):
        hall.turns.leave(inside[-1])
        check_bounds(hall)
    for failing in (False, True):
        came = [ticket for ticket in hall.came if ticket.failing is failing and ticket not in cancelled]
        assert [ticket for ticket in hall.started if ticket.failing is failing] == came
    assert (hall.turns.in_flight, hall.turns.waiting) == (0, 0)


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 7), min_size=1, max_size=5), events=EVENTS)
def test_changing_the_concurrency_at_any_moment_loses_nobody(sizes: list[int], events: list[tuple[str, int]]) -> None:
    hall = Hall(sizes[0])
    for event, number in events:
        do(hall, event, number)
        hall.turns.resize(pick_size(sizes, number))
    while inside := hall.at(Place.RUNNING) + hall.at(Place.LINGERING):
        hall.turns.leave(inside[0])
    assert (hall.turns.in_flight, hall.turns.waiting) == (0, 0)


def pick_size(sizes: list[int], number: int) -> int:
    return sizes[number % len(sizes)]


@pytest.mark.parametrize("moment", ["in line", "started but not yet awake", "running"])
def test_cancelling_a_call_gives_its_place_back(moment: str) -> None:
    async def scenario() -> None:
        turns = Turns(1)
        inside = asyncio.Event()

        async def call() -> None:
            async with Turn(turns, failing=False):
                inside.set()
                await asyncio.Event().wait()

        if moment == "running":
            task = asyncio.create_task(call())
            await inside.wait()
            task.cancel()
        else:
            async with Turn(turns, failing=False):
                task = asyncio.create_task(call())
                await asyncio.sleep(0)
                assert turns.waiting == 1
                if moment == "in line":
                    task.cancel()
                    await asyncio.wait([task])
            task.cancel()
        await asyncio.wait([task])
        assert (turns.in_flight, turns.waiting) == (0, 0)
        async with asyncio.timeout(5), Turn(turns, failing=True):
            assert turns.in_flight == 1

    run(scenario())


def test_a_reader_waits_when_the_budget_is_spent_and_goes_on_when_another_has_finished() -> None:
    async def scenario() -> None:
        budget = ReadingBudget(100)
        with budget.share() as second:
            with budget.share() as first:
                first.add(80)
                await first.turn()
                second.add(30)
                waiting = asyncio.create_task(second.turn())
                await asyncio.sleep(0)
                assert not waiting.done()
                assert budget.used == 110
            await asyncio.wait_for(waiting, 5)
        assert budget.used == 0

    run(scenario())


def test_the_answer_begun_first_reads_on_beyond_the_budget_so_that_nothing_locks_up() -> None:
    async def scenario() -> None:
        budget = ReadingBudget(100)
        with budget.share() as first, budget.share() as second:
            first.add(60)
            second.add(60)
            waiting = asyncio.create_task(second.turn())
            for _ in range(5):
                first.add(60)
                await asyncio.wait_for(first.turn(), 5)
            assert not waiting.done()
            waiting.cancel()
            await asyncio.wait([waiting])

    run(scenario())


def test_an_answer_that_has_not_begun_is_not_the_first() -> None:
    """A silent server would otherwise hold the exemption while everybody waits for it."""

    async def scenario() -> None:
        budget = ReadingBudget(10)
        with budget.share(), budget.share() as begun:
            begun.add(1000)
            await asyncio.wait_for(begun.turn(), 5)

    run(scenario())


@pytest.mark.parametrize("end", ["finishes", "is cancelled"])
def test_the_next_in_line_becomes_the_first_when_the_first(end: str) -> None:
    async def scenario() -> None:
        budget = ReadingBudget(10)

        async def first() -> None:
            with budget.share() as share:
                share.add(5)
                if end == "is cancelled":
                    await asyncio.Event().wait()

        task = asyncio.create_task(first())
        await asyncio.sleep(0)
        with budget.share() as second:
            second.add(50)
            waiting = asyncio.create_task(second.turn())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            await asyncio.wait_for(waiting, 5)
        assert budget.used == 0

    run(scenario())
