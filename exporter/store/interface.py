"""What the fleet asks of a store: six calls, all of them blocking, all made from one thread at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..instance import InstanceChanges, Saved
from ..ledger import KeyOf, Known


@dataclass(frozen=True, slots=True)
class Restored:
    """One instance as the last commit left it."""

    saved: Saved
    messages: Known


class Store(Protocol):
    """Keeps committed changes. Opening is the constructor's business; it raises `StoreUnusable`."""

    @property
    def key_of(self) -> KeyOf:
        """Turns (chat, id) into the number a message is known by; the same for the life of the state."""
        ...

    def load(self, ids: Iterable[str]) -> dict[str, Restored]:
        """The instances among `ids` that have saved state."""
        ...

    def commit(self, batch: Sequence[InstanceChanges]) -> None:
        """All of the batch or nothing, durable on return. Raises `CommitFailed`, after which it may be called again."""
        ...

    def is_intact(self) -> bool:
        """False when what was committed is gone (its file was removed): the next commit must hold everything."""
        ...

    def size(self) -> int:
        """Bytes on disk."""
        ...

    def close(self) -> None: ...
