"""Words that many rows share, written once: a table of numbers and words, of which rows hold the number.

Owns what is committed of such a table and what a transaction adds to it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

W = TypeVar("W", str, bytes)


class Register(Generic[W]):
    """`table` has the columns `id` and `words`. What a transaction adds counts from `keep` on; `drop` takes it back.

    `write` makes of a number and its words what lies in the file, `read` takes it apart.
    """

    def __init__(
        self, connection: sqlite3.Connection, table: str,
        write: Callable[[int, W], W] = lambda _, words: words, read: Callable[[int, W], W] = lambda _, words: words,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._insert = f"INSERT INTO {table} (id, words) VALUES (?, ?)"
        self._write: Callable[[int, W], W] = write
        written = connection.execute(f"SELECT id, words FROM {table}")
        self._kept: dict[W, int] = {read(number, words): number for number, words in written}
        self._new: dict[W, int] = {}

    def __iter__(self) -> Iterator[tuple[int, W]]:
        return ((number, words) for words, number in self._kept.items())

    def number(self, words: W) -> int:
        found = self._kept.get(words) or self._new.get(words)
        if found is None:
            found = max((*self._kept.values(), *self._new.values()), default=0) + 1
            self._connection.execute(self._insert, (found, self._write(found, words)))
            self._new[words] = found
        return found

    def keep(self) -> None:
        self._kept |= self._new
        self._new = {}

    def drop(self) -> None:
        self._new = {}
