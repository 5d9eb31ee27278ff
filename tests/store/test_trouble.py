"""The state file when people, other programs or the disk interfere: refused with a sentence, or tried again."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.errors import CommitFailed, StoreUnusable
from exporter.store import SqliteStore

from .builders import NOW, WINDOW, Row, busy, commit, state_of, stored_state

ID = "1101000001"
ROOT = Path(__file__).parents[2]


def set_aside(path: str) -> list[Path]:
    return sorted(Path(path).parent.glob("*.damaged-*[0-9Z]"))


def reasons(caplog: pytest.LogCaptureFixture) -> str:
    """Why files were set aside, as the log says."""
    fields = [vars(record).get("fields", {}) for record in caplog.records]
    return " ".join(field["reason"] for field in fields if "set_aside_as" in field)


# At the start


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


def make_newer(path: str) -> None:
    """As a later version would: one more schema, and its name."""
    from exporter.store.schema import MIGRATIONS, put

    connection = sqlite3.connect(path, isolation_level=None)
    later = len(MIGRATIONS) + 1
    connection.execute(f"PRAGMA user_version = {later}")
    put(connection, "schema", str(later).encode())
    put(connection, "written_by", b"9.9.9")
    connection.close()


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


# While running


def test_a_file_that_is_removed_is_noticed_and_written_anew_from_memory(path: str) -> None:
    store = SqliteStore(path)
    kept = busy(store)
    commit(store, kept)
    key = store.key_of("chat", "id")
    for ending in ("", "-wal", "-shm", ".lock"):
        os.unlink(path + ending)
    assert not store.is_intact()
    commit(store, kept, everything=True)
    assert store.is_intact()
    store.close()
    again = SqliteStore(path)
    assert stored_state(again, ID) == state_of(kept)
    assert again.key_of("chat", "id") == key
    again.close()


def test_a_log_that_is_removed_is_noticed_as_well(path: str) -> None:
    store = SqliteStore(path)
    kept = busy(store)
    commit(store, kept)
    os.unlink(path + "-wal")
    assert not store.is_intact()
    commit(store, kept, everything=True)
    store.close()
    again = SqliteStore(path)
    assert stored_state(again, ID) == state_of(kept)
    again.close()


def test_a_file_that_is_replaced_is_set_aside(path: str, store: SqliteStore, tmp_path: Path) -> None:
    kept = busy(store)
    commit(store, kept)
    (tmp_path / "other").write_text("something else")
    os.replace(tmp_path / "other", path)
    assert not store.is_intact()
    commit(store, kept, everything=True)
    assert store.is_intact()
    (aside,) = set_aside(path)
    assert aside.read_text() == "something else"
    assert stored_state(store, ID) == state_of(kept)


def test_a_directory_that_is_removed_fails_commits_until_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "state" / "state.db"
    path.parent.mkdir()
    store = SqliteStore(str(path))
    kept = busy(store)
    commit(store, kept)
    shutil.rmtree(path.parent)
    for _ in range(3):
        assert not store.is_intact()
        with pytest.raises(CommitFailed, match="is not a directory, or does not exist"):
            store.commit([kept.changes(everything=True)])
    with pytest.raises(StoreUnusable):
        store.load([ID])
    path.parent.mkdir()
    assert not store.is_intact()
    commit(store, kept, everything=True)
    assert store.is_intact()
    assert stored_state(store, ID) == state_of(kept)
    store.close()


def test_another_exporter_that_took_the_file_over_meanwhile_keeps_it(path: str, store: SqliteStore) -> None:
    kept = busy(store)
    commit(store, kept)
    for ending in ("", "-wal", "-shm", ".lock"):
        os.unlink(path + ending)
    other = SqliteStore(path)
    assert not store.is_intact()
    with pytest.raises(CommitFailed, match="another process has taken"):
        store.commit([kept.changes(everything=True)])
    other.close()
    commit(store, kept, everything=True)


def test_a_file_that_is_damaged_while_running_is_set_aside_and_written_anew(path: str) -> None:
    store = SqliteStore(path)
    kept = busy(store, messages=3000)
    commit(store, kept)
    store.close()
    store = SqliteStore(path)
    _ruin_all_but_the_first_page(path)
    with pytest.raises(CommitFailed, match="damaged"):
        store.commit([kept.changes(everything=True)])
    assert not store.is_intact()
    commit(store, kept, everything=True)
    assert store.is_intact()
    assert stored_state(store, ID) == state_of(kept)
    assert len(set_aside(path)) == 1
    store.close()


def _ruin_all_but_the_first_page(path: str) -> None:
    intruder = sqlite3.connect(path)
    intruder.execute("PRAGMA user_version = 1")  # makes the store read again what it has in its cache
    intruder.close()
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (os.path.getsize(path) - 4096))


def test_an_instance_that_cannot_be_loaded_at_a_reload_costs_the_running_ones_nothing(path: str) -> None:
    store = SqliteStore(path)
    running, left_out = busy(store), busy(store, "other")
    commit(store, running, left_out)
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE messages SET sent = sent + 1 WHERE instance = (SELECT max(instance) FROM messages)")
    connection.commit()
    connection.close()
    store = SqliteStore(path)
    assert ID in store.load([ID])
    assert store.load(["other"]) == {}
    assert not store.is_intact()
    commit(store, running, everything=True)
    assert store.is_intact()
    assert stored_state(store, ID) == state_of(running)
    store.close()


def test_a_program_that_locks_the_file_fails_a_commit_and_nothing_is_lost(path: str, store: SqliteStore) -> None:
    kept = busy(store)
    commit(store, kept)
    kept.answer(NOW + WINDOW + 20, Row("0", "read", int(NOW)), Row("new", "sent", int(NOW + WINDOW + 15)))
    intruder = sqlite3.connect(path, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    changes = kept.changes()
    with pytest.raises(CommitFailed, match="another program holds the file locked"):
        store.commit([changes])
    kept.account.not_committed(changes.account)
    assert store.is_intact()
    intruder.execute("ROLLBACK")
    intruder.close()
    commit(store, kept)
    assert stored_state(store, ID) == state_of(kept)


def test_a_reader_does_not_hinder_commits(path: str, store: SqliteStore) -> None:
    commit(store, busy(store))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM messages").fetchone()
    commit(store, busy(store, "other"))
    reader.execute("COMMIT")
    reader.close()


# A full disk, played by a limit on the size of files, in a process of its own


def _with_a_full_disk(call: str, directory: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.store.full_disk", call, directory],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


def test_a_full_disk_fails_commits_whole_and_the_next_that_succeeds_carries_all(tmp_path: Path) -> None:
    _with_a_full_disk("fails_and_recovers", tmp_path)


def test_a_disk_that_is_full_at_the_start_is_said_so_and_nothing_is_set_aside(tmp_path: Path) -> None:
    _with_a_full_disk("refuses_to_start", tmp_path)
