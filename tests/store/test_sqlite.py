"""The state file when all goes well: what it gives back, what lies in it, and how large it becomes."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import msgspec

from exporter.instance import InstanceChanges
from exporter.ledger.totals import BUCKETS, Histogram, Snapshot
from exporter.series import Series
from exporter.store import SqliteStore
from exporter.store.parts import rebucketed
from exporter.store.seal import unseal

from .builders import NOW, WINDOW, Kept, Row, busy, commit, state_of, stored_state

ID = "1101000001"


def test_an_instance_comes_back_as_it_was_committed(path: str) -> None:
    store = SqliteStore(path)
    kept = busy(store)
    commit(store, kept)
    store.close()
    again = SqliteStore(path)
    assert stored_state(again, ID) == state_of(kept)
    assert again.load(["another"]) == {}
    again.close()


def test_what_was_not_committed_does_not_come_back(store: SqliteStore) -> None:
    kept = busy(store)
    commit(store, kept)
    before = state_of(kept)
    kept.answer(NOW + 3000, Row("new", "sent", int(NOW) + 2990))
    assert stored_state(store, ID) == before


def test_keys_stay_the_same_after_a_restart(path: str) -> None:
    store = SqliteStore(path)
    key = store.key_of("chat", "id")
    store.close()
    again = SqliteStore(path)
    assert again.key_of("chat", "id") == key
    again.close()


def test_a_forgotten_message_leaves_the_file(store: SqliteStore) -> None:
    kept = busy(store)
    commit(store, kept)
    kept.answer(NOW + 10 * WINDOW)
    assert len(kept.account) == 0
    commit(store, kept)
    assert stored_state(store, ID) == state_of(kept)
    assert len(store.load([ID])[ID].messages) == 0


def test_a_message_that_is_forgotten_and_met_again_before_the_commit_is_kept(store: SqliteStore) -> None:
    kept = busy(store, messages=1)
    commit(store, kept)
    kept.answer(NOW + 10 * WINDOW)
    kept.answer(NOW + 10 * WINDOW + 10, Row("0", "read", int(NOW + 10 * WINDOW)))
    commit(store, kept)
    assert stored_state(store, ID) == state_of(kept)
    assert len(store.load([ID])[ID].messages) == 1


def test_an_instance_that_was_left_out_for_a_while_goes_on_where_it_was(path: str) -> None:
    store = SqliteStore(path)
    left_out, other = busy(store), busy(store, "other")
    commit(store, left_out, other)
    store.close()
    without = SqliteStore(path)
    other = Kept("other", without.key_of, without.load(["other"])["other"])
    other.answer(NOW + 20 * WINDOW)
    commit(without, other)
    without.close()
    again = SqliteStore(path)
    assert stored_state(again, ID) == state_of(left_out)
    again.close()


def test_a_commit_writes_only_what_changed(store: SqliteStore) -> None:
    many = [busy(store, str(number), messages=200) for number in range(10)]
    commit(store, *many)
    before = store.size()
    commit(store, *many, everything=True)
    everything = store.size() - before
    many[7].answer(NOW + WINDOW + 20, Row("0", "read", int(NOW)))
    before = store.size()
    commit(store, *many)
    assert 0 < store.size() - before < everything / 3


def test_the_files_are_for_their_owner_only(store: SqliteStore, path: str) -> None:
    commit(store, busy(store))
    for name in (path, path + "-wal", path + "-shm", path + ".lock"):
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600, name


def test_a_file_that_others_could_read_is_closed_to_them(path: str) -> None:
    Path(path).touch(0o644)
    SqliteStore(path).close()
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600


def test_no_chat_no_id_and_no_unlisted_word_lies_in_the_files(store: SqliteStore, path: str) -> None:
    kept = Kept(ID, store.key_of)
    kept.answer(NOW)
    kept.answer(NOW + 10, Row("SECRETID", "unlisted-word", int(NOW) + 5, chat="79123456789@c.us"))
    commit(store, kept)
    for name in (path, path + "-wal", path + ".lock"):
        content = Path(name).read_bytes()
        assert not any(text in content for text in (b"SECRETID", b"79123456789", b"unlisted-word")), name


def test_statuses_types_and_origins_lie_in_the_file_as_words(store: SqliteStore, path: str) -> None:
    commit(store, busy(store))
    with sqlite3.connect(path) as reader:
        words = {word for (kind,) in reader.execute("SELECT words FROM kinds") for word in kind.split(" ")}
    reader.close()
    assert {"read", "extendedTextMessage", "api", "counted"} <= words


def test_words_of_another_version_are_read_as_other_and_cost_nothing(store: SqliteStore) -> None:
    kept = busy(store, messages=1)
    account, saved = kept.changes().account, kept.changes().saved
    (message,) = account.messages.values()
    strange = replace(message, status="beamed", shown="beamed", message_type="hologram", origin="satellite")
    scalars = saved.scalars._replace(
        types=("hologram",), statuses=("beamed",), unlisted=(("colour", 1), ("typeMessage", 2))
    )
    holograms = Series.of({("hologram", "satellite"): 5})
    totals: Snapshot = {"messages": holograms, "colours": holograms}
    changes = account._replace(messages={0: strange})
    store.commit([InstanceChanges(ID, saved._replace(scalars=scalars, totals=totals, messenger="pigeon"), changes)])

    found = store.load([ID])[ID]
    message = found.messages.get(next(iter(found.messages.slots())))
    assert (message.status, message.shown, message.message_type) == ("other", "other", "other")
    assert message.origin == "unknown"
    assert message.sent == strange.sent
    assert found.saved.messenger == "unknown"
    assert found.saved.scalars.unlisted == (("typeMessage", 2),)
    went_on = Kept(ID, store.key_of, found)
    went_on.answer(NOW + WINDOW + 30, Row("0", "read", int(NOW)))
    assert went_on.account.shown["messages"]["hologram", "satellite"] == 5
    commit(store, went_on)


def test_latencies_counted_in_other_buckets_go_to_the_next_bucket_of_ours() -> None:
    bounds = (5.0, 20.0, *BUCKETS["delivery"][2:])
    moved = rebucketed("delivery", bounds, (1, 2, 3, 4, *[0] * 6, 5), 100.0)
    assert moved == Histogram((1, 0, 5, 4, *[0] * 6, 5), 100.0)


def test_the_bounds_of_the_buckets_lie_in_the_file(store: SqliteStore, path: str) -> None:
    commit(store, busy(store))
    with sqlite3.connect(path) as reader:
        written = reader.execute("SELECT id, words FROM heads").fetchall()
    reader.close()
    told = [msgspec.msgpack.decode(unseal(words, f"head {number}")) for number, words in written]
    assert {family: tuple(bounds) for family, _, bounds in told if bounds} == BUCKETS


def test_an_instance_that_left_and_comes_back_finds_what_this_very_process_wrote(store: SqliteStore) -> None:
    commit(store, kept := busy(store))
    assert stored_state(store, kept.id) == state_of(kept)


def test_the_file_does_not_grow_while_messages_come_and_go(path: str) -> None:
    store = SqliteStore(path)
    kept = Kept(ID, store.key_of)
    kept.answer(NOW)
    sizes = []
    for day in range(1, 101):
        at = NOW + 3 * day * WINDOW
        kept.answer(at, *(Row(f"{day}/{number}", "sent", int(at) - 1) for number in range(200)))
        commit(store, kept)
        sizes.append(store.size())
    assert max(sizes) < 6_000_000, "a log of four megabytes, and little else"
    store.close()
    assert Path(path).stat().st_size < 200_000


def test_a_file_that_was_large_once_shrinks_again_bit_by_bit(path: str) -> None:
    store = SqliteStore(path)
    kept = Kept(ID, store.key_of)
    kept.answer(NOW)
    kept.answer(NOW + 10, *(Row(str(number), "sent", int(NOW)) for number in range(30_000)))
    commit(store, kept)
    store.close()
    large = Path(path).stat().st_size
    store = SqliteStore(path)
    kept = Kept(ID, store.key_of, store.load([ID])[ID])
    kept.answer(NOW + 10 * WINDOW)
    for _ in range(5):
        commit(store, kept)
    store.close()
    assert Path(path).stat().st_size < large / 2
