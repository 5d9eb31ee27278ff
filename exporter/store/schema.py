"""The tables of a state file, and how a file of an older version becomes one of this version.

The version of the schema is SQLite's `user_version`; `MIGRATIONS` is the whole knowledge of how to get from one to
the next. `meta` is the one table that all versions, older and newer, read alike.
"""

from __future__ import annotations

import sqlite3

from .. import __version__
from .seal import Damaged, seal, unseal

APPLICATION_ID = 0x47415045
"""Marks the file as ours, in SQLite's header ("GAPE")."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
        "CREATE TABLE instances (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE)",
        "CREATE TABLE parts (instance INTEGER, name TEXT, data BLOB, PRIMARY KEY (instance, name)) WITHOUT ROWID",
        "CREATE TABLE kinds (id INTEGER PRIMARY KEY, words TEXT NOT NULL)",
        "CREATE TABLE messages (instance INTEGER, key INTEGER, kind INTEGER, sent INTEGER, timestamp INTEGER, "
        "shown_at REAL, born REAL, checksum INTEGER, PRIMARY KEY (instance, key)) WITHOUT ROWID",
    ),
)
"""The statements that lead from schema n to n + 1, from 0, an empty file, upwards."""


class Newer(Exception):
    """The file has a schema that this version does not know; the text names the version that wrote it."""


def prepare(
    connection: sqlite3.Connection, secret: bytes, migrations: tuple[tuple[str, ...], ...] = MIGRATIONS
) -> bytes:
    """Bring the file to the latest schema; returns the secret of its keys, which is `secret` in a new file.

    Raises `Newer`, `Damaged` (a foreign file is damaged, too), sqlite3.Error.
    """
    connection.execute("BEGIN IMMEDIATE")
    version = _number(connection, "user_version")
    if version == 0 and not _number(connection, "application_id") and not _tables(connection):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    elif _number(connection, "application_id") != APPLICATION_ID:
        raise Damaged("it is not a state file of this exporter")
    else:
        _check(connection, version, len(migrations))
    for statements in migrations[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(migrations)}")
    if version == 0:
        _put(connection, "secret", secret)
    _put(connection, "schema", str(len(migrations)).encode())
    _put(connection, "written_by", __version__.encode())
    connection.execute("COMMIT")
    return _get(connection, "secret")


def _check(connection: sqlite3.Connection, version: int, known: int) -> None:
    if _get(connection, "schema") != str(version).encode():
        raise Damaged("its header does not agree with its content")
    if version > known:
        raise Newer(_get(connection, "written_by").decode("ascii", "replace"))
    for (problem,) in connection.execute("PRAGMA quick_check(1)"):
        if problem != "ok":
            raise Damaged(problem)


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _tables(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])


def _get(connection: sqlite3.Connection, name: str) -> bytes:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return unseal(row and row[0], name)


def _put(connection: sqlite3.Connection, name: str, value: bytes) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, seal(value, name)))
