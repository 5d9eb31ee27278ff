"""Messages as rows of the state file: numbers in columns, and the words of a message as one entry of a table of kinds.

Messages of one kind (same statuses, type, origin and flags) share its words, so a row is small and yet holds nothing
that depends on the version that wrote it. Every row carries a checksum over all of this and its instance.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import compress
from struct import Struct
from struct import error as StructError

from ..instance import InstanceChanges
from ..ledger import Known, Message
from ..ledger.known import FLAGS, flags_of, pack
from ..model import ALL_MESSAGE_TYPES, ALL_STATUSES, ORIGINS, OTHER, UNKNOWN
from .register import Register
from .seal import Damaged

Row = tuple[int, int, int, int, int, float, float, int]
"""A row of the table `messages`."""

_AT_ONCE = 10_000
_checked = Struct("<qqqdd").pack


@lru_cache(maxsize=4096)
def _words(status: str, shown: str, message_type: str, origin: str, flags: tuple[bool, ...]) -> str:
    """A kind as the file names it: status, status shown last, type, origin, and the flags that are set."""
    return " ".join([status, shown, message_type, origin, *compress(FLAGS, flags)])


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


def message_rows(batch: Iterable[InstanceChanges], numbers: Mapping[str, int], kinds: Register[str]) -> Iterator[Row]:
    """What to put into the table; `numbers` are those of the instances."""
    for changes in batch:
        instance = numbers[changes.id]
        for message in changes.account.messages.values():
            words = _words(message.status, message.shown, message.message_type, message.origin, flags_of(message))
            columns = message.key, message.sent, message.timestamp, message.shown_at, message.born
            checksum = zlib.crc32(_checked(*columns), _seed(changes.id, words))
            yield instance, message.key, kinds.number(words), *columns[1:], checksum


def load_messages(connection: sqlite3.Connection, instance: int, id_: str, kinds: Register[str]) -> Known:
    """All messages of an instance. Raises `Damaged`."""
    known = Known()
    cursor = connection.execute(
        "SELECT kind, checksum, key, sent, timestamp, shown_at, born FROM messages WHERE instance = ?", (instance,)
    )
    try:
        packed = {number: _packed(words) for number, words in kinds}
        seeds = {number: _seed(id_, words) for number, words in kinds}
        while some := cursor.fetchmany(_AT_ONCE):
            of_kind, checksums, *columns = zip(*some, strict=True)
            if checksums != tuple(map(zlib.crc32, map(_checked, *columns), map(seeds.__getitem__, of_kind))):
                raise Damaged("the checksum of a message is wrong")
            known.extend(map(packed.__getitem__, of_kind), *columns)
    except (StructError, KeyError, TypeError, ValueError):
        raise Damaged("a message cannot be read") from None
    return known


def _seed(id_: str, words: str) -> int:
    return zlib.crc32(f"{id_} {words}".encode())
