"""What went wrong with a file, in words for people: one table for the system's errors and SQLite's."""

from __future__ import annotations

import errno
import os
import sqlite3

_SYSTEM = {
    errno.EACCES: "this user may not read and write it",
    errno.EPERM: "this user may not read and write it",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than this process may write",
    errno.ENOENT: "it cannot be created there",
}
_ELSEWHERE = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk is full or failing",
    sqlite3.SQLITE_BUSY: "another program holds the file locked",
    sqlite3.SQLITE_LOCKED: "another program holds the file locked",
    sqlite3.SQLITE_READONLY: "the file or its directory has become read-only",
    sqlite3.SQLITE_CANTOPEN: "the file or its directory cannot be opened",
    sqlite3.SQLITE_PERM: "this user may not read and write it",
    sqlite3.SQLITE_NOMEM: "there is not enough memory",
    sqlite3.SQLITE_PROTOCOL: "the file system does not lock as it should",
    sqlite3.SQLITE_NOLFS: "the file system does not take a file as large",
    sqlite3.SQLITE_INTERRUPT: "it was interrupted",
}
"""SQLite's primary codes for troubles that are not the file's own. Source: https://www.sqlite.org/rescode.html"""


REMEDY = 'Let state_file be a file in a directory that this user may write, or ":memory:" to keep nothing.'


def reason(error: OSError | sqlite3.Error, path: str) -> str:
    """Why the file at `path` cannot be used, as the second half of a sentence; what is plainly wrong comes first."""
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        return f"{directory} is not a directory, or does not exist"
    if isinstance(error, OSError):
        return _SYSTEM.get(error.errno or 0, error.strerror or "the system refuses it")
    words = _ELSEWHERE.get(_code(error) & 0xFF, "SQLite refuses it")
    return f"{words} ({getattr(error, 'sqlite_errorname', error)})"


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file's content is to blame: so it is if the file may be written but calls itself read-only."""
    return _code(error) & 0xFF not in _ELSEWHERE or _code(error) == sqlite3.SQLITE_READONLY


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT))
