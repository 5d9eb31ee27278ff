"""When Python's collector looks for circles: not in the middle of a scrape, whose objects nearly all die at its end."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from exporter.allocation import Bulk


@pytest.fixture(autouse=True)
def _the_collector_as_it_was() -> Iterator[None]:
    usual = gc.get_threshold()
    yield
    gc.set_threshold(*usual)


def test_during_work_in_bulk_the_collector_waits_longer_and_afterwards_it_is_as_it_was() -> None:
    gc.set_threshold(700, 11, 12)
    with Bulk():
        assert gc.get_threshold() == (50_000, 11, 12)
    assert gc.get_threshold() == (700, 11, 12)


def test_of_several_that_overlap_the_last_one_to_end_brings_the_collector_back() -> None:
    gc.set_threshold(700, 11, 12)
    bulk = Bulk()
    with bulk:
        with bulk:
            pass
        assert gc.get_threshold()[0] == 50_000
        with pytest.raises(ZeroDivisionError), bulk:
            1 / 0  # noqa: B018
    assert gc.get_threshold()[0] == 700


def test_a_collector_that_waits_even_longer_is_left_alone() -> None:
    gc.set_threshold(1_000_000, 11, 12)
    with Bulk():
        assert gc.get_threshold()[0] == 1_000_000
