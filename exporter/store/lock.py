"""The lock that keeps a second exporter off a state file: `<state file>.lock`, held with flock for the process' life.

A file of its own, not SQLite's exclusive mode: it is taken before the state file is looked at (so that nobody sets
aside a file that is in use), and a backup may read the state meanwhile. The kernel lets go of it however we end, and
the file stays, since removing it would let two processes each lock another one.

It also holds a note of the last commit. SQLite quietly goes back to an earlier commit when its log is damaged, and
somebody may put an old copy back: a state file that is behind the note would count again what was shown already.
What the note says is not known here.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress

_LONGEST = 4096


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

    def read_note(self) -> bytes:
        return os.pread(self._descriptor, _LONGEST, 0)

    def write_note(self, note: bytes) -> None:
        """Not synced: the note may fall behind the state, but never be ahead of it. All notes have one length."""
        with suppress(OSError):
            os.pwrite(self._descriptor, note, 0)

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
