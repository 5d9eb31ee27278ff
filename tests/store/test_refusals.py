"""The state file at the start: what cannot be used is refused with a sentence, or set aside with a line in the log."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.errors import StoreUnusable
from exporter.store import SqliteStore

from .builders import busy, commit, make_newer, reasons, set_aside, state_of, stored_state

ID = "1101000001"
ROOT = Path(__file__).parents[2]

REFUSED = {
    "a directory": ("", "is a directory or a device, not a file"),
    "a directory that is missing": ("missing/state.db", "missing is not a directory, or does not exist"),
    "a file where a directory should be": ("file/state.db", "file is not a directory, or does not exist"),
    "a device": ("/dev/null", "is a directory or a device, not a file"),
    "a place where nobody may create anything": ("/proc/state.db", "cannot be opened"),
    "a name that is too long": ("n" * 300, "cannot be opened: File name too long"),
}


@pytest.mark.parametrize(("name", "complaint"), REFUSED.values(), ids=REFUSED)
def test_a_path_that_cannot_be_used_is_refused_with_a_remedy(tmp_path: Path, name: str, complaint: str) -> None:
    (tmp_path / "file").touch()
    path = os.path.join(tmp_path, name)
    with pytest.raises(StoreUnusable) as refused:
        SqliteStore(path)
    assert os.path.realpath(path) in str(refused.value)
    assert complaint in str(refused.value)
    assert "Let state_file be a file in a directory that this user may write" in str(refused.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_second_store_on_the_same_file_is_refused(store: SqliteStore, path: str, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(path)
    for name in (path, str(tmp_path / "link.db")):
        with pytest.raises(StoreUnusable, match="in use by another exporter"):
            SqliteStore(name)


HOLDER = """
import sys, time
from exporter.store import SqliteStore
store = SqliteStore(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


def test_another_process_keeps_us_off_until_it_is_killed(path: str) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, cwd=ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreUnusable, match="in use by another exporter"):
            SqliteStore(path)
        holder.send_signal(signal.SIGKILL)
    SqliteStore(path).close()


def test_a_file_of_a_newer_version_is_refused_and_left_alone(path: str) -> None:
    store = SqliteStore(path)
    commit(store, busy(store))
    store.close()
    make_newer(path)
    before = Path(path).read_bytes()
    with pytest.raises(StoreUnusable, match=r"newer version of the exporter \(9\.9\.9\)\. Run that version"):
        SqliteStore(path)
    assert Path(path).read_bytes() == before
    assert not set_aside(path)


FOREIGN = {
    "a text": lambda path: path.write_text("state of something else\n" * 1000),
    "a database of another program": lambda path: _database(path, 0x1234),
    "a database that says nothing about itself": lambda path: _database(path, 0),
    "a short text": lambda path: path.write_text("x"),
}


def _database(path: Path, application: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {application}")
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_set_aside_untouched(
    path: str, make: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(make)
    make(Path(path))
    before = Path(path).read_bytes()
    store = SqliteStore(path)
    commit(store, busy(store))
    store.close()
    (aside,) = set_aside(path)
    assert aside.read_bytes() == before
    assert "was set aside" in caplog.text
    assert reasons(caplog)


def test_an_empty_file_is_taken_as_it_is(path: str, caplog: pytest.LogCaptureFixture) -> None:
    Path(path).touch()
    store = SqliteStore(path)
    commit(store, busy(store))
    store.close()
    assert not set_aside(path)
    assert not caplog.text


def test_a_log_without_its_file_is_not_taken_for_state(path: str) -> None:
    store = SqliteStore(path)
    kept = busy(store)
    commit(store, kept)
    log = Path(path + "-wal").read_bytes()
    store.close()
    Path(path).unlink()
    Path(path + "-wal").write_bytes(log)
    again = SqliteStore(path)
    assert again.load([ID]) == {}
    again.close()


def test_an_older_copy_that_is_put_back_is_set_aside(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """It would count once more what was counted since."""
    store = SqliteStore(path)
    kept = busy(store)
    commit(store, kept)
    store.close()
    shutil.copy(path, path + ".backup")
    store = SqliteStore(path)
    commit(store, kept, everything=True)
    store.close()
    shutil.copy(path + ".backup", path)
    store = SqliteStore(path)
    assert store.load([ID]) == {}
    store.close()
    assert len(set_aside(path)) == 1
    assert "older than the last commit" in reasons(caplog)


def test_a_copy_at_another_place_is_taken_as_it_is(path: str, tmp_path: Path) -> None:
    store = SqliteStore(path)
    kept = busy(store)
    commit(store, kept)
    reader = sqlite3.connect(path)
    reader.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
    reader.close()
    store.close()
    copy = SqliteStore(str(tmp_path / "backup.db"))
    assert stored_state(copy, ID) == state_of(kept)
    copy.close()


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        ("DELETE FROM parts WHERE name = 'moment'", "missing"),
        ("DELETE FROM parts WHERE name = 'counts'", "missing"),
        ("DELETE FROM heads", "missing"),
        ("UPDATE heads SET id = CASE id WHEN 1 THEN 99 WHEN 2 THEN 1 ELSE id END", "checksum"),
    ],
    ids=["a moment", "counts", "the heads", "the order of the heads"],
)
def test_a_file_that_lost_something_of_an_instance_is_set_aside(
    path: str, loss: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(path)
    commit(store, busy(store))
    store.close()
    connection = sqlite3.connect(path)
    connection.execute(loss)
    connection.commit()
    connection.close()

    again = SqliteStore(path)
    assert again.load([ID]) == {}
    assert reason in reasons(caplog)
    again.close()
