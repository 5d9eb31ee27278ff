"""A store that keeps nothing beyond the process: for `:memory:`, `--once` and `--demo`."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

from ..instance import InstanceChanges
from ..ledger import KeyOf
from .interface import Restored
from .keys import keyed


class MemoryStore:
    """The accounts themselves are the state; a commit succeeds by doing nothing."""

    def __init__(self) -> None:
        self.key_of: KeyOf = keyed(secrets.token_bytes(16))

    def load(self, ids: Iterable[str]) -> dict[str, Restored]:
        return {}

    def commit(self, batch: Sequence[InstanceChanges]) -> None:
        pass

    def is_intact(self) -> bool:
        return True

    def size(self) -> int:
        return 0

    def close(self) -> None:
        pass
