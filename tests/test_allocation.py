"""When the garbage collector looks for reference cycles: seldom in a scrape, whose objects die at its end."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from exporter.allocation import FewerCollections, settle


@pytest.fixture(autouse=True)
def _the_collector_as_it_was() -> Iterator[None]:
    usual = gc.get_threshold()
    yield
    gc.set_threshold(*usual)


def test_during_such_work_the_collector_waits_longer_and_afterwards_it_is_as_it_was() -> None:
    gc.set_threshold(700, 11, 12)
    with FewerCollections():
        assert gc.get_threshold() == (50_000, 11, 12)
    assert gc.get_threshold() == (700, 11, 12)


def test_of_several_that_overlap_the_last_one_to_end_brings_the_collector_back() -> None:
    gc.set_threshold(700, 11, 12)
    fewer = FewerCollections()
    with fewer:
        with fewer:
            pass
        assert gc.get_threshold()[0] == 50_000
        with pytest.raises(KeyError), fewer:
            raise KeyError
    assert gc.get_threshold()[0] == 700


def test_a_collector_that_waits_even_longer_is_left_alone() -> None:
    gc.set_threshold(1_000_000, 11, 12)
    with FewerCollections():
        assert gc.get_threshold()[0] == 1_000_000


def test_settling_leaves_the_rhythm_of_the_collector_alone() -> None:
    gc.set_threshold(700, 11, 12)
    settle()
    gc.unfreeze()
    assert gc.get_threshold() == (700, 11, 12)
