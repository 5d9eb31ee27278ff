"""The lock that keeps a second exporter off a state file: `<state file>.lock`, held with flock for the process' life.

A file of its own, not SQLite's exclusive mode: it is taken before the state file is looked at (so that nobody sets
aside a file that is in use), and a backup may read the state meanwhile. The kernel lets go of it however we end, and
the file stays, since removing it would let two processes each lock another one. It knows nothing of what it guards.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress


class Held(Exception):
    """Another process has the lock."""


class Lock:
    """Held from the constructor until `release`. Raises `Held`, and OSError when the lock file cannot be made."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = _locked(path)

    def renew(self) -> None:
        """Take the lock again if its file was removed or replaced meanwhile. Raises as the constructor does."""
        with suppress(FileNotFoundError):
            if os.path.samestat(os.stat(self._path), os.fstat(self._descriptor)):
                return
        renewed = _locked(self._path)
        os.close(self._descriptor)
        self._descriptor = renewed

    def release(self) -> None:
        os.close(self._descriptor)


def _locked(path: str) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Held from None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
