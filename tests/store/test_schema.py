"""Files of older versions become files of this one, whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exporter.store import SqliteStore
from exporter.store.schema import MIGRATIONS, Newer, inspect, migrate
from exporter.store.seal import Damaged

from .builders import Kept, busy, commit, state_of, stored_state

LATER = (*MIGRATIONS, ("ALTER TABLE kinds ADD COLUMN colour TEXT", "CREATE TABLE later (x)"))
"""As if a later version had one step more."""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A file of this version, with something in it."""
    store = SqliteStore(str(tmp_path / "state.db"))
    commit(store, busy(store))
    store.close()
    opened = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    yield opened
    opened.close()


def _kinds(connection: sqlite3.Connection) -> list[tuple[str]]:
    return connection.execute("SELECT words FROM kinds ORDER BY id").fetchall()


def test_an_old_file_is_brought_to_the_latest_schema_with_all_it_holds(connection: sqlite3.Connection) -> None:
    before = _kinds(connection)
    assert inspect(connection, len(LATER)) == len(MIGRATIONS)
    migrate(connection, len(MIGRATIONS), b"another secret", LATER)
    assert inspect(connection, len(LATER)) == len(LATER)
    assert _kinds(connection) == before
    assert connection.execute("SELECT count(*) FROM later").fetchone() == (0,)


def test_a_migration_that_fails_leaves_the_old_file(connection: sqlite3.Connection) -> None:
    wrong = (*MIGRATIONS, ("CREATE TABLE later (x)", "ALTER TABLE nothing ADD COLUMN x"))
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, len(MIGRATIONS), b"", wrong)
    connection.execute("ROLLBACK")
    assert inspect(connection) == len(MIGRATIONS)
    assert not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'later'").fetchall()


def test_a_file_that_was_migrated_is_newer_to_the_version_before(connection: sqlite3.Connection) -> None:
    migrate(connection, len(MIGRATIONS), b"", LATER)
    with pytest.raises(Newer):
        inspect(connection)


def test_an_empty_file_is_of_no_schema(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "empty.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")  # as a kill in the first moments of a new file leaves it
    assert inspect(connection) == 0
    connection.close()


def test_a_header_that_names_another_schema_than_the_content_is_damage(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA user_version = 7")
    with pytest.raises(Damaged):
        inspect(connection)


def test_a_file_of_schema_1_goes_on_where_it_was_and_is_written_as_today(tmp_path: Path) -> None:
    """`schema-1.sql` holds what version 0.1.0 wrote of these very accounts."""
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript((Path(__file__).parent / "schema-1.sql").read_text())
    store = SqliteStore(str(path))
    accounts = [busy(store, "1101000001", 12), busy(store, "1101000002", 3)]
    expected = {kept.id: state_of(kept) for kept in accounts}
    assert {id_: stored_state(store, id_) for id_ in expected} == expected
    commit(store, Kept(accounts[0].id, store.key_of, store.load([accounts[0].id])[accounts[0].id]))
    store.close()

    again = SqliteStore(str(path))
    assert {id_: stored_state(again, id_) for id_ in expected} == expected
    again.close()
    with closing(sqlite3.connect(path)) as new:
        names = set(new.execute("SELECT instance, name FROM parts WHERE instance = 1"))
    assert names == {(1, "moment"), (1, "counts")}
