"""One open state file: what is read from it, and what a commit writes.

Owns the connection, the transaction and what is known to be written. Raises sqlite3.Error, OSError, `Damaged` and
`Newer` as they come: what to make of them is decided in `sqlite`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from operator import is_

from ..instance import InstanceChanges
from . import legacy
from .interface import Restored
from .messages import load_messages, message_rows
from .parts import COUNTS, MOMENT, Heads, counts, moment, restored, told_by
from .register import Register
from .schema import COMMITS, IDENTITY, SECRET, get, inspect, migrate, put
from .seal import Damaged, seal, unseal

BESIDE = ("", "-wal", "-shm", "-journal")
"""What may belong to a state file, as endings of its name; SQLite would take any of them for the next file's own."""

_PATIENCE = 1.0
"""Seconds to wait for another program (a backup, a curious sqlite3) that holds the file locked."""
_PRAGMAS = (
    "auto_vacuum = INCREMENTAL", "journal_mode = WAL", "synchronous = FULL", "journal_size_limit = 4194304",
    "cache_size = -16384", "temp_store = MEMORY", "trusted_schema = OFF", "cell_size_check = ON",
)  # fmt: skip
_MAGIC, _HEADER = b"SQLite format 3\0", 100
"""How every SQLite database begins, and the length of its header. Source: https://www.sqlite.org/fileformat2.html"""
_NUMBERS_IN_USE = """
    WITH RECURSIVE used (number) AS (
        SELECT min(instance) FROM messages
        UNION ALL
        SELECT (SELECT min(instance) FROM messages WHERE instance > number) FROM used WHERE number IS NOT NULL
    )
    SELECT number FROM used WHERE number IS NOT NULL UNION SELECT instance FROM parts
"""
"""Looks at one message of each instance, not at all of them."""
_NOTE = "note"
_SPARE_PAGES, _PAGES_A_TIME = 128, 256
"""So many free pages are left for the next messages; more are given back, a few at each commit."""


class StateFile:
    """Opens the file at `path`, or makes one there; `secret` is for a new file, an old one has its own."""

    def __init__(self, path: str, secret: bytes) -> None:
        self._path = path
        _look_at(path)
        self._connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            version = inspect(self._connection)
            with suppress(PermissionError):  # another user's file that we may write
                os.chmod(path, 0o600)
            for pragma in _PRAGMAS:
                self._connection.execute(f"PRAGMA {pragma}")
            migrate(self._connection, version, secret)
            # Who this file is must not stand in its log alone: were that lost, the file would look new.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.secret = get(self._connection, SECRET)
            self._identity = get(self._connection, IDENTITY)
            self._commits = int(get(self._connection, COMMITS))
            self._kinds: Register[str] = Register(self._connection, "kinds")
            self._heads = Heads(self._connection)
            self._numbers = self._read_numbers()
        except BaseException:
            self._connection.close()
            raise
        self._written: dict[str, tuple[object, ...]] = {}
        self._places = self._find()

    def __repr__(self) -> str:
        return f"<StateFile {self._path}>"

    def is_in_place(self) -> bool:
        """Whether the file, and the log of its last transactions, are still those at the path."""
        return self._find() == self._places

    def note(self) -> bytes:
        """Which file this is, and how often it was committed to."""
        return seal(self._identity + self._commits.to_bytes(8, "big"), _NOTE)

    def is_behind(self, note: bytes) -> bool:
        """Whether `note` was made of this very file, at a later commit."""
        try:
            noted = unseal(note, _NOTE)
        except Damaged:
            return False
        return noted.startswith(self._identity) and noted > unseal(self.note(), _NOTE)

    def size(self) -> int:
        total = 0
        for ending in BESIDE:
            with suppress(OSError):
                total += os.stat(self._path + ending).st_size
        return total

    def close(self) -> None:
        self._connection.close()

    def load(self, id_: str) -> Restored | None:
        number = self._numbers.get(id_)
        if number is None:
            return None
        stored = self._connection.execute("SELECT name, data FROM parts WHERE instance = ?", (number,))
        blobs = {name: unseal(data, f"{id_} {name}") for name, data in stored}
        try:
            todays = MOMENT in blobs or COUNTS in blobs
            saved = restored(blobs[MOMENT], blobs[COUNTS], self._heads) if todays else legacy.restored(blobs)
        except KeyError:
            raise Damaged(f"a part of {id_} is missing") from None
        return Restored(saved, load_messages(self._connection, number, id_, self._kinds))

    def write(self, batch: Sequence[InstanceChanges]) -> None:
        """All of the batch, or nothing."""
        numbers, written = dict(self._numbers), dict(self._written)
        with self._transaction():
            for changes in batch:
                if changes.id not in numbers:
                    numbers[changes.id] = self._add_instance(changes.id, max(numbers.values(), default=0) + 1)
            run = self._connection.executemany
            run("DELETE FROM parts WHERE instance = ?", ((numbers[of.id],) for of in batch if of.id not in written))
            run("INSERT OR REPLACE INTO parts VALUES (?, ?, ?)", self._part_rows(batch, numbers, written))
            run("DELETE FROM messages WHERE instance = ? AND key = ?", _forgotten_rows(batch, numbers))
            run(
                "INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                message_rows(batch, numbers, self._kinds),
            )
            put(self._connection, COMMITS, str(self._commits + 1).encode())
        self._commits += 1
        self._kinds.keep()
        self._heads.keep()
        self._numbers, self._written = numbers, written
        self._shrink()

    def _add_instance(self, id_: str, number: int) -> int:
        self._connection.execute("INSERT INTO instances VALUES (?, ?)", (id_, seal(str(number).encode(), id_)))
        return number

    def _read_numbers(self) -> dict[str, int]:
        """Instance id -> the number that its rows have. Rows of any other number are a sign of damage."""
        stored = self._connection.execute("SELECT id, number FROM instances")
        numbers = {id_: int(unseal(number, id_)) for id_, number in stored}
        used = {number for (number,) in self._connection.execute(_NUMBERS_IN_USE)}
        if not used.issubset(numbers.values()):
            raise Damaged("it holds an instance without a name")
        return numbers

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._connection.in_transaction:  # an earlier end failed, too
            self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._kinds.drop()
            self._heads.drop()
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def _shrink(self) -> None:
        """Give free pages back, a few at a time. The commit is done: when this fails, the next one tries again."""
        with suppress(sqlite3.Error):
            (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            if free > _SPARE_PAGES:
                # As a script, since `execute` takes one step of it, which is one page.
                self._connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_A_TIME})")

    def _part_rows(
        self, batch: Iterable[InstanceChanges], numbers: Mapping[str, int], written: dict[str, tuple[object, ...]]
    ) -> Iterator[tuple[int, str, bytes]]:
        """The parts that are not what was `written`, which is brought up to date."""
        for changes in batch:
            id_, saved, told = changes.id, changes.saved, told_by(changes.saved)
            yield numbers[id_], MOMENT, seal(moment(saved), f"{id_} {MOMENT}")
            if id_ not in written or not all(map(is_, told, written[id_])):
                yield numbers[id_], COUNTS, seal(counts(saved, self._heads), f"{id_} {COUNTS}")
                written[id_] = told

    def _find(self) -> list[tuple[int, int] | None]:
        return [_place(self._path + ending) for ending in BESIDE[:2]]


def _forgotten_rows(batch: Iterable[InstanceChanges], numbers: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    return ((numbers[changes.id], key) for changes in batch for key in changes.account.forgotten)


def _look_at(path: str) -> None:
    """Make the file if there is none. SQLite writes over whatever is shorter than its header, so that is seen to."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        head = os.pread(descriptor, _HEADER, 0)
    finally:
        os.close(descriptor)
    if head and (len(head) < _HEADER or not head.startswith(_MAGIC)):
        raise Damaged("it is not a SQLite database")


def _place(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
