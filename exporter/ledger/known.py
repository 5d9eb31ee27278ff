"""The known messages of one instance, kept in columns.

A message costs about 50 bytes here, where an object or a tuple costs 200: a busy fleet knows a million of them.
Owns the storage and its packing; knows nothing of what the fields mean. A `Message` is a copy of one row of the
columns, made for the few messages that an answer changes, and written back with `put`.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from ..model import ALL_MESSAGE_TYPES, ALL_STATUSES, ORIGINS

_STATUS = {word: number for number, word in enumerate(ALL_STATUSES)}
_TYPE = {word: number for number, word in enumerate(ALL_MESSAGE_TYPES)}
_ORIGIN = {word: number for number, word in enumerate(ORIGINS)}

FLAGS = ("counted", "settled", "ahead", "late", "seen_sent", "present", "odd")
_FLAG_SHIFT = 16
"""A packed message: status in bits 0 to 3, shown in 4 to 7, type in 8 to 13, origin in 14 and 15, then the flags."""

Slot = int
_FREE = -1
"""The key of a slot that holds no message; real keys are not negative."""


@dataclass(slots=True)
class Message:
    """What is remembered of one message. Times are Unix seconds of the service's clock.

    `sent` timestamp of its first row; `timestamp` the one shown last with an accepted status; `shown_at` start of the
    request whose answer showed it last; `born` the sending time or the first sight, whichever is earlier.
    `shown` is the status shown last, `status` the furthest accepted. `ahead`: its first timestamp lay in the future.
    `late`: its first row was delivered or read already. `seen_sent`: an answer showed it as sent.
    `present`: the last answer showed it. `odd`: its last row had another status or type than is remembered here.
    """

    key: int
    status: str
    shown: str
    message_type: str
    origin: str
    sent: int
    timestamp: int
    shown_at: float
    born: float
    counted: bool = False
    settled: bool = False
    ahead: bool = False
    late: bool = False
    seen_sent: bool = False
    present: bool = True
    odd: bool = False


class Known:
    """Columns of messages. A slot is a message's place in them; it is reused after `forget`."""

    __slots__ = ("_born", "_free", "_keys", "_packed", "_sent", "_shown_at", "_timestamp")

    def __init__(self) -> None:
        self._keys = array("q")
        self._packed = array("I")
        self._sent = array("q")
        self._timestamp = array("q")
        self._shown_at = array("d")
        self._born = array("d")
        self._free: list[Slot] = []

    def extend(
        self, packed: Iterable[int], keys: Iterable[int], sent: Iterable[int], timestamps: Iterable[int],
        shown_at: Iterable[float], born: Iterable[float],
    ) -> None:  # fmt: skip
        """Take many messages at once, as columns of equal length; `packed` as `pack` makes it."""
        self._keys.extend(keys)
        self._packed.extend(packed)
        self._sent.extend(sent)
        self._timestamp.extend(timestamps)
        self._shown_at.extend(shown_at)
        self._born.extend(born)

    def __len__(self) -> int:
        return len(self._keys) - len(self._free)

    def __repr__(self) -> str:
        return f"<Known {len(self)} messages>"

    def index(self) -> dict[int, Slot]:
        """Key -> slot of every message. Built anew at each call: keeping it would double the memory."""
        index = dict(zip(self._keys, range(len(self._keys)), strict=True))
        index.pop(_FREE, None)
        return index

    def find(self, key: int) -> Slot | None:
        """The slot of one key: cheaper than `index` for a handful of look-ups."""
        try:
            return self._keys.index(key)
        except ValueError:
            return None

    def add(self, message: Message) -> Slot:
        if self._free:
            slot = self._free.pop()
        else:
            slot = len(self._keys)
            for column in (self._keys, self._packed, self._sent, self._timestamp, self._shown_at, self._born):
                column.append(0)
        self._keys[slot] = message.key
        self._sent[slot] = message.sent
        self._born[slot] = message.born
        self.put(slot, message)
        return slot

    def put(self, slot: Slot, message: Message) -> None:
        """Take over all that may change of a message: its key, its sending time and its birth stay."""
        self._packed[slot] = pack(message)
        self._timestamp[slot] = message.timestamp
        self._shown_at[slot] = message.shown_at

    def get(self, slot: Slot) -> Message:
        packed = self._packed[slot]
        return Message(
            self._keys[slot],
            ALL_STATUSES[packed & 15],
            ALL_STATUSES[packed >> 4 & 15],
            ALL_MESSAGE_TYPES[packed >> 8 & 63],
            ORIGINS[packed >> 14 & 3],
            self._sent[slot],
            self._timestamp[slot],
            self._shown_at[slot],
            self._born[slot],
            *_FLAGS_OF[packed >> _FLAG_SHIFT],
        )

    def key(self, slot: Slot) -> int:
        """The key of the message in a slot; no real key where it holds none."""
        return self._keys[slot]

    def holds(self, slot: Slot) -> bool:
        return self._keys[slot] != _FREE

    def forget(self, slot: Slot) -> None:
        self._keys[slot] = _FREE
        self._packed[slot] = 0
        self._free.append(slot)

    def slots(self) -> Iterator[Slot]:
        return (slot for slot, key in enumerate(self._keys) if key != _FREE)

    def present(self) -> set[Slot]:
        """The slots of the messages that the last answer showed."""
        return {slot for slot, packed in enumerate(self._packed) if packed & _PRESENT}

    def unsettled(self) -> Iterable[tuple[float, Slot]]:
        """Birth and slot of every counted message that is not settled."""
        mask, counted = _COUNTED | _SETTLED, _COUNTED  # local names: this loop sees every message
        return (
            (born, slot)
            for slot, (packed, born) in enumerate(zip(self._packed, self._born, strict=True))
            if packed & mask == counted
        )

    def absent(self) -> Iterable[tuple[float, Slot]]:
        """When last shown, and slot, of every message that the last answer did not show."""
        return (
            (shown_at, slot)
            for slot, (packed, shown_at, key) in enumerate(zip(self._packed, self._shown_at, self._keys, strict=True))
            if not packed & _PRESENT and key != _FREE
        )


def pack(message: Message) -> int:
    """A message's words and flags as one number. Good within one version only: it goes by places in vocabularies."""
    return (
        _STATUS[message.status]
        | _STATUS[message.shown] << 4
        | _TYPE[message.message_type] << 8
        | _ORIGIN[message.origin] << 14
        | _FLAGS[flags_of(message)] << _FLAG_SHIFT
    )


flags_of: Callable[[Message], tuple[bool, ...]] = attrgetter(*FLAGS)
_FLAGS_OF = [tuple(bool(bits >> number & 1) for number in range(len(FLAGS))) for bits in range(1 << len(FLAGS))]
_FLAGS = {flags: bits for bits, flags in enumerate(_FLAGS_OF)}
_COUNTED, _SETTLED, _PRESENT = (1 << _FLAG_SHIFT + FLAGS.index(flag) for flag in ("counted", "settled", "present"))
