"""Words that many rows share, written once: a table of numbers and words, of which rows hold the number.

Owns what is committed of such a table and what a transaction adds to it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Generic, TypeVar

W = TypeVar("W", str, bytes)


class Register(Generic[W]):
    """`table` has the columns `id` and `words`. What a transaction adds counts from `keep` on; `drop` takes it back."""

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._connection = connection
        self._insert = f"INSERT INTO {table} (words) VALUES (?)"
        self._kept: dict[W, int] = dict(connection.execute(f"SELECT words, id FROM {table}"))
        self._new: dict[W, int] = {}

    def __iter__(self) -> Iterator[tuple[int, W]]:
        return ((number, words) for words, number in self._kept.items())

    def number(self, words: W) -> int:
        found = self._kept.get(words) or self._new.get(words)
        if found is None:
            found = self._new[words] = self._connection.execute(self._insert, (words,)).lastrowid or 0
        return found

    def keep(self) -> None:
        self._kept |= self._new
        self._new = {}

    def drop(self) -> None:
        self._new = {}
