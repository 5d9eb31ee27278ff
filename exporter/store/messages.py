"""Messages as rows of the state file: numbers in columns, and the words of a message as one entry of a table of kinds.

Messages of one kind (same statuses, type, origin and flags) share its words, so a row is small and yet holds nothing
that depends on the version that wrote it. Every row carries a checksum over all of this and its instance.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from struct import Struct
from struct import error as StructError

from ..ledger import Known, Message
from ..ledger.known import FLAGS, pack
from ..model import ALL_MESSAGE_TYPES, ALL_STATUSES, ORIGINS, OTHER, UNKNOWN
from .seal import Damaged

Row = tuple[int, int, int, int, int, float, float, int]
"""A row of the table `messages`."""

_AT_ONCE = 10_000
_checked = Struct("<qqqdd").pack


def words_of(message: Message) -> str:
    """A kind as the file names it: status, status shown last, type, origin, and the flags that are set."""
    flags = [flag for flag in FLAGS if getattr(message, flag)]
    return " ".join([message.status, message.shown, message.message_type, message.origin, *flags])


def _packed(words: str) -> int:
    """A kind as `Known` packs it; words that this version does not know become `other`, flags are left out."""
    status, shown, message_type, origin, *flags = words.split(" ")
    message = Message(
        0,
        status if status in ALL_STATUSES else OTHER,
        shown if shown in ALL_STATUSES else OTHER,
        message_type if message_type in ALL_MESSAGE_TYPES else OTHER,
        origin if origin in ORIGINS else UNKNOWN,
        0, 0, 0.0, 0.0,
        **{flag: flag in flags for flag in FLAGS},
    )  # fmt: skip
    return pack(message)


class Kinds:
    """The table of kinds, as far as it is committed, and what a transaction adds to it until `keep`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._kept: dict[str, int] = dict(connection.execute("SELECT words, id FROM kinds"))
        self._new: dict[str, int] = {}

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return ((number, words) for words, number in self._kept.items())

    def number(self, words: str) -> int:
        found = self._kept.get(words) or self._new.get(words)
        if found is None:
            inserted = self._connection.execute("INSERT INTO kinds (words) VALUES (?)", (words,)).lastrowid
            found = self._new[words] = inserted or 0
        return found

    def keep(self) -> None:
        self._kept |= self._new
        self._new = {}

    def drop(self) -> None:
        self._new = {}


def rows(instance: int, id_: str, messages: Iterable[Message], kinds: Kinds) -> Iterator[Row]:
    """What to put into the table for the messages of the instance with that number and id."""
    for message in messages:
        words = words_of(message)
        numbers = message.key, message.sent, message.timestamp, message.shown_at, message.born
        check = zlib.crc32(_checked(*numbers), _seed(id_, words))
        yield instance, message.key, kinds.number(words), *numbers[1:], check


def load_messages(connection: sqlite3.Connection, instance: int, id_: str, kinds: Kinds) -> Known:
    """All messages of an instance. Raises `Damaged`."""
    known = Known()
    cursor = connection.execute(
        "SELECT kind, checksum, key, sent, timestamp, shown_at, born FROM messages WHERE instance = ?", (instance,)
    )
    try:
        packed = {number: _packed(words) for number, words in kinds}
        seeds = {number: _seed(id_, words) for number, words in kinds}
        while some := cursor.fetchmany(_AT_ONCE):
            if any(zlib.crc32(_checked(*numbers), seeds[kind]) != checksum for kind, checksum, *numbers in some):
                raise Damaged("the checksum of a message is wrong")
            kinds_, _, *columns = zip(*some, strict=True)
            known.extend(map(packed.__getitem__, kinds_), *columns)
    except (StructError, KeyError, TypeError, ValueError):
        raise Damaged("a message cannot be read") from None
    return known


def _seed(id_: str, words: str) -> int:
    return zlib.crc32(f"{id_} {words}".encode())
