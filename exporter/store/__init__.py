"""Where accounts survive restarts. `interface` is what the fleet asks of any store; one file per kind of store."""

from .interface import Restored, Store
from .memory import MemoryStore
from .sqlite import SqliteStore

__all__ = ["MemoryStore", "Restored", "SqliteStore", "Store"]
