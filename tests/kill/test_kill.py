"""The short form of the kill test."""

from __future__ import annotations

import asyncio
from pathlib import Path

from .__main__ import seed
from .duel import Duel


def test_after_every_kill_the_numbers_are_true_and_none_was_ever_lower(tmp_path: Path) -> None:
    duel = Duel(tmp_path, seed())
    print(f"GREENAPI_KILL_SEED={duel.seed}")
    asyncio.run(duel.fight(12))
    assert sum(duel.deaths.values()) == 12
