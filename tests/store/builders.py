"""Accounts with something to keep, for the stores' tests: rows, answers, and an instance reduced to its account."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exporter.instance import InstanceChanges, Saved
from exporter.ledger import Account, Answer, KeyOf, Message
from exporter.model import Journal, Meaning, Method, Outcome
from exporter.pace import Pause, SavedPace
from exporter.store import Restored, Store
from exporter.store.schema import MIGRATIONS, put

State = tuple[Saved, dict[int, Message]]
"""All that a store must give back of an instance: the messages by their keys."""

NOW = 1_790_000_000.0
WINDOW = 600.0


@dataclass(frozen=True)
class Row:
    """A row of a journal answer."""

    id: str
    status: str
    timestamp: int = int(NOW)
    chat: str = "79000000001@c.us"
    message_type: str = "extendedTextMessage"
    by_api: object = True


@dataclass
class Kept:
    """An instance as far as a store cares: its account, and where to commit it."""

    id: str
    key_of: KeyOf
    restored: Restored | None = None
    account: Account = field(init=False)

    def __post_init__(self) -> None:
        saved = self.restored.saved if self.restored else Saved()
        messages = self.restored.messages if self.restored else None
        self.account = Account(self.key_of, ("textMessage",), Meaning.AUTO, saved.scalars, saved.totals, messages)

    def answer(self, at: float, *rows: Row) -> None:
        """An answer that takes a second and arrives at `at`."""
        self.account.fold(Answer(Journal(list(rows), {}), at - 1, at, WINDOW, 10.0))

    def changes(self, *, everything: bool = False) -> InstanceChanges:
        changes = self.account.changes(everything=everything)
        pause = Pause(Outcome.RATE_LIMITED, NOW, NOW + 2, 1)
        pace = SavedPace({Method.MESSAGES: NOW - 1}, {Method.STATE: pause})
        return InstanceChanges(self.id, Saved(changes.scalars, changes.totals, pace, 3.5, "max"), changes)


def busy(store: Store, id_: str = "1101000001", messages: int = 30) -> Kept:
    """An instance in the middle of its day: messages of every kind of fate, some of them already settled."""
    kept = Kept(id_, store.key_of)
    kept.answer(NOW)
    began = int(NOW)
    for step, statuses in enumerate((("sent", "pending"), ("delivered", "sent", "other word"), ("read", "noAccount"))):
        rows = [
            Row(str(number), statuses[number % len(statuses)], began + number % 7)
            for number in range(messages)
            if number % 5 or step
        ]
        kept.answer(NOW + 60 * step + 10, *rows)
    kept.answer(NOW + WINDOW + 5)
    return kept


def commit(store: Store, *instances: Kept, everything: bool = False) -> None:
    """What `Commits` does, when all goes well."""
    batch = [kept.changes(everything=everything) for kept in instances]
    store.commit(batch)
    for kept, changes in zip(instances, batch, strict=True):
        kept.account.committed(changes.account)


def messages_of(restored: Restored) -> dict[int, Message]:
    return {restored.messages.get(slot).key: restored.messages.get(slot) for slot in restored.messages.slots()}


def state_of(kept: Kept) -> State:
    """All that a store must give back of an instance. Asking for it counts nothing as handed over."""
    everything = kept.changes(everything=True)
    kept.account.not_committed(everything.account)
    return everything.saved, {message.key: message for message in everything.account.messages.values()}


def stored_state(store: Store, id_: str) -> State | None:
    restored = store.load([id_]).get(id_)
    return (restored.saved, messages_of(restored)) if restored else None


def make_newer(path: str) -> None:
    """As a later version would: one more schema, and its name."""
    connection = sqlite3.connect(path, isolation_level=None)
    later = len(MIGRATIONS) + 1
    connection.execute(f"PRAGMA user_version = {later}")
    put(connection, "schema", str(later).encode())
    put(connection, "written_by", b"9.9.9")
    connection.close()


def set_aside(path: str) -> list[Path]:
    return sorted(Path(path).parent.glob("*.damaged-*[0-9Z]"))


def reasons(caplog: pytest.LogCaptureFixture) -> str:
    """Why files were set aside, as the log says."""
    fields = [vars(record).get("fields", {}) for record in caplog.records]
    return " ".join(field["reason"] for field in fields if "set_aside_as" in field)
