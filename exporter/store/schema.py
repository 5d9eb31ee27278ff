"""The tables of a state file, and how a file of an older version becomes one of this version.

The version of the schema is SQLite's `user_version`; `MIGRATIONS` is the whole knowledge of how to get from one to
the next. `meta` is the one table that all versions, older and newer, read alike.
"""

from __future__ import annotations

import secrets
import sqlite3
from itertools import chain

from .. import __version__
from .seal import Damaged, seal, unseal

IDENTITY, COMMITS, SECRET = "identity", "commits", "secret"
"""Names in `meta`: who this file is, how often it was committed to, and the secret of its keys."""
_SCHEMA, _WRITTEN_BY = "schema", "written_by"

APPLICATION_ID = 0x47415045
"""Marks the file as ours, in SQLite's header ("GAPE")."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
        "CREATE TABLE instances (id TEXT PRIMARY KEY, number BLOB) WITHOUT ROWID",
        "CREATE TABLE parts (instance INTEGER, name TEXT, data BLOB, PRIMARY KEY (instance, name)) WITHOUT ROWID",
        "CREATE TABLE kinds (id INTEGER PRIMARY KEY, words TEXT NOT NULL)",
        "CREATE TABLE messages (instance INTEGER, key INTEGER, kind INTEGER, sent INTEGER, timestamp INTEGER, "
        "shown_at REAL, born REAL, checksum INTEGER, PRIMARY KEY (instance, key)) WITHOUT ROWID",
    ),
    ("CREATE TABLE heads (id INTEGER PRIMARY KEY, words BLOB NOT NULL)",),
)
"""The statements that lead from schema n to n + 1, from 0, an empty file, upwards."""


class Newer(Exception):
    """The file has a schema that this version does not know; the text names the version that wrote it."""


def inspect(connection: sqlite3.Connection, known: int = len(MIGRATIONS)) -> int:
    """The file's schema, 0 for an empty file. Changes nothing in it.

    Raises `Newer`, `Damaged` (as a foreign file is, too), sqlite3.Error.
    """
    version, application = _number(connection, "user_version"), _number(connection, "application_id")
    if not version and not application and not _number(connection, "schema_version"):
        return 0
    if application != APPLICATION_ID:
        raise Damaged("it is not a state file of this exporter")
    if get(connection, _SCHEMA) != str(version).encode():
        raise Damaged("its header does not agree with its content")
    if version > known:
        raise Newer(get(connection, _WRITTEN_BY).decode("ascii", "replace"))
    for (problem,) in connection.execute("PRAGMA integrity_check(1)"):
        if problem != "ok":
            raise Damaged(problem)
    return version


def migrate(
    connection: sqlite3.Connection, version: int, secret: bytes, migrations: tuple[tuple[str, ...], ...] = MIGRATIONS
) -> None:
    """Bring a file of that schema to the latest, all or nothing. An empty file gets `secret`."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in chain.from_iterable(migrations[version:]):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(migrations)}")
    if version == 0:
        put(connection, IDENTITY, secrets.token_bytes(8))
        put(connection, COMMITS, b"0")
        put(connection, SECRET, secret)
    put(connection, _SCHEMA, str(len(migrations)).encode())
    put(connection, _WRITTEN_BY, __version__.encode())
    connection.execute("COMMIT")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def get(connection: sqlite3.Connection, name: str) -> bytes:
    """Raises `Damaged` when it is not there."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return unseal(row and row[0], name)


def put(connection: sqlite3.Connection, name: str, value: bytes) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, seal(value, name)))
