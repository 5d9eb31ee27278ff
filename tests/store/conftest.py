"""A state file of its own for each test, and a store that has it open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.store import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "state.db")


@pytest.fixture
def store(path: str) -> Iterator[SqliteStore]:
    made = SqliteStore(path)
    yield made
    made.close()
