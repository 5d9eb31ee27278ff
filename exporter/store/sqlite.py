"""The state file: a SQLite database that only one exporter writes, made anew when it is damaged or gone.

Decides what becomes of a file that cannot be used: refused (`StoreUnusable`), set aside, or tried again at the next
commit (`CommitFailed`). What lies in the file is known to `file` and the modules beneath it.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from time import gmtime, strftime

from ..errors import CommitFailed, StoreUnusable
from ..instance import InstanceChanges
from ..ledger import KeyOf
from .file import BESIDE, StateFile
from .interface import Restored
from .keys import keyed
from .lock import Held, Lock
from .reasons import REMEDY, is_damage, reason
from .schema import Newer
from .seal import Damaged

log = logging.getLogger(__name__)

_TROUBLE = (Damaged, sqlite3.Error, OSError, UnicodeDecodeError)
"""What a state file raises; the last when SQLite's own message quotes damaged text, which Python cannot decode."""


class SqliteStore:
    """The store of a real start. One thread at a time. Raises `StoreUnusable` when `path` cannot be used."""

    def __init__(self, path: str) -> None:
        self._path = os.path.realpath(path)
        self._lock = self._take_lock()
        try:
            self._file = self._open(secrets.token_bytes(32))
        except BaseException:
            self._lock.release()
            raise
        self.key_of: KeyOf = keyed(self._file.secret)
        self._gone = ""  # why the next commit needs a new file, if it does
        self._complete = True  # whether the file holds all that was ever committed
        self._in_use = False
        self._loaded: set[str] = set()
        self._missing: set[str] = set()  # loaded from a file that is gone now, and not yet written to this one

    def __repr__(self) -> str:
        return f"<SqliteStore {self._path}>"

    def load(self, ids: Iterable[str]) -> dict[str, Restored]:
        """Raises `StoreUnusable` when the disk cannot be read; a damaged file is set aside, and nothing is found."""
        try:
            self._renew_if_gone()
            found = self._find(ids)
        except _TROUBLE as error:
            raise self._unusable(error) from None
        self._in_use = True
        self._loaded |= found.keys()
        return found

    def _find(self, ids: Iterable[str]) -> dict[str, Restored]:
        try:
            return {id_: restored for id_ in ids if (restored := self._file.load(id_)) is not None}
        except _TROUBLE as error:
            self._gone = _damage(error)
            if not self._gone:
                raise
        self._complete = not self._in_use  # what is running already must be written anew
        self._renew_if_gone()
        return {}

    def commit(self, batch: Sequence[InstanceChanges]) -> None:
        try:
            self._lock.renew()
            self._renew_if_gone()
            written = {changes.id for changes in batch} & self._missing
            self._file.write(batch)
            self._lock.write_note(self._file.note())
        except Held:
            raise CommitFailed(f"another process has taken the state file {self._path} over") from None
        except StoreUnusable as error:
            raise CommitFailed(str(error)) from None
        except _TROUBLE as error:
            if damage := _damage(error):
                self._gone, self._complete = damage, False
            raise CommitFailed(f"state file {self._path}: {damage or self._reason(error)}") from None
        self._in_use = True
        # A reload may have loaded an instance that did not run yet when the file was written anew: of such a one the
        # first commit holds what has changed only, and all must be written once more.
        self._complete = not (self._complete and written)
        self._missing -= written

    def is_intact(self) -> bool:
        if not self._gone and not self._file.is_in_place():
            self._gone, self._complete = "it was removed or replaced while running", False
        return self._complete

    def size(self) -> int:
        return self._file.size()

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._file.close()
        self._lock.release()

    def _take_lock(self) -> Lock:
        if os.path.exists(self._path) and not os.path.isfile(self._path):
            raise StoreUnusable(f"The state file {self._path} is a directory or a device, not a file. {REMEDY}")
        try:
            return Lock(self._path + ".lock")
        except Held:
            raise StoreUnusable(
                f"The state file {self._path} is in use by another exporter. "
                "Stop that one, or give this one a state_file of its own."
            ) from None
        except OSError as error:
            raise self._unusable(error) from None

    def _open(self, secret: bytes) -> StateFile:
        """Open what is at the path; what is damaged or foreign is set aside first."""
        try:
            try:
                return self._open_latest(secret)
            except _TROUBLE as error:
                damage = _damage(error)
                if not damage:
                    raise
                self._set_aside(damage)
                return StateFile(self._path, secret)
        except Newer as newer:
            raise StoreUnusable(
                f"The state file {self._path} was written by a newer version of the exporter ({newer}). "
                "Run that version or a later one, or remove the file to start with a new baseline."
            ) from None
        except _TROUBLE as error:
            raise self._unusable(error) from None

    def _open_latest(self, secret: bytes) -> StateFile:
        file = StateFile(self._path, secret)
        if file.is_behind(self._lock.read_note()):
            file.close()
            raise Damaged("it is older than the last commit: the end of its log is lost, or an old copy was put here")
        return file

    def _renew_if_gone(self) -> None:
        """Make a new file in place of the one that is gone or damaged; the next commit fills it.

        The keys stay what they are: the accounts in memory go by them.
        """
        if not self._gone:
            return
        if os.path.exists(self._path):
            self._set_aside(self._gone)
        # Closed only now, since SQLite would remove the log of whatever lies at the path.
        with suppress(sqlite3.Error):
            self._file.close()
        self._file = self._open(self._file.secret)
        self._gone, self._missing = "", set(self._loaded)

    def _set_aside(self, why: str) -> None:
        aside = f"{self._path}.damaged-{strftime('%Y%m%dT%H%M%SZ', gmtime())}"
        number = 1
        while os.path.exists(name := aside if number == 1 else f"{aside}-{number}"):
            number += 1
        for ending in BESIDE:
            with suppress(FileNotFoundError):
                os.rename(self._path + ending, name + ending)
        log.error(
            "the state file cannot be used and was set aside; what it knew is gone, instances that are not in memory "
            "start with a new baseline",
            extra={"fields": {"state_file": self._path, "set_aside_as": name, "reason": why}},
        )

    def _unusable(self, error: Exception) -> StoreUnusable:
        return StoreUnusable(f"The state file {self._path} cannot be opened: {self._reason(error)}. {REMEDY}")

    def _reason(self, error: Exception) -> str:
        return reason(error, self._path) if isinstance(error, OSError | sqlite3.Error) else str(error)


def _damage(error: Exception) -> str:
    """What is wrong with the file's content; empty when something else is to blame."""
    if isinstance(error, sqlite3.Error):
        return f"its content is damaged ({error})" if is_damage(error) else ""
    return "" if isinstance(error, OSError) else str(error)
