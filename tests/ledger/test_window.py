"""The gauges of the last answer: counted anew or followed from the answer before, they are the same."""

from __future__ import annotations

import pytest

from exporter.ledger import Account, Answer
from exporter.ledger.window import Window, chat_type
from exporter.model import Journal, Meaning
from exporter.store.keys import keyed
from tests.ledger.oracle import Row

NOW = 1_790_000_000
CROWD = [Row(f"C{n}", "1@c.us", NOW - n, "read") for n in range(40)]
"""So many rows that stand still that the few that move are followed one by one."""


def windows(*answers: list[Row]) -> list[Window]:
    """Of answers a minute apart, the crowd in each."""
    account = Account(keyed(b"the key of these tests"), ["textMessage"], Meaning.SENT)
    seen = []
    for number, rows in enumerate(answers):
        account.fold(Answer(Journal([*rows, *CROWD], {}), NOW + 60 * number, NOW + 60 * number, 86_400.0, 60.0))
        assert account.window is not None
        seen.append(account.window)
    return seen


def row(name: str, sent: int, status: str, message_type: str = "textMessage") -> Row:
    return Row(name, "1@c.us", NOW + sent, status, message_type)


WAYS = {
    "the oldest of those pending is sent": [
        [row("A", -7200, "pending"), row("B", -3000, "pending"), row("C", -10, "pending")],
        [row("A", -7200, "sent"), row("B", -3000, "pending"), row("C", -10, "pending")],
        [row("A", -7200, "sent"), row("B", -3000, "pending"), row("C", -10, "noAccount")],
    ],
    "a message runs backwards and then on": [
        [row("A", -50, "delivered")], [row("A", -50, "sent")], [row("A", -50, "read")], [row("A", -50, "pending")],
    ],
    "a message becomes one of another type": [
        [row("A", -50, "sent")], [row("A", -50, "sent", "imageMessage")], [row("A", -50, "read", "imageMessage")],
    ],
    "a status appears that was never met": [[row("A", -50, "sent")], [row("A", -50, "suspended")]],
    "a timestamp moves while the message waits": [
        [row("A", -7200, "sent"), row("B", -90, "sent")], [row("A", -7200, "sent"), row("B", -30, "sent")],
        [row("A", -7200, "delivered"), row("B", -30, "sent")],
    ],
    "a message stands twice": [
        [row("A", -50, "sent"), row("A", -50, "pending")], [row("A", -50, "read"), row("A", -50, "pending")],
    ],
    "nothing changes but the age": [[row("A", -290, "sent")], [row("A", -290, "sent")]],
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_shows_the_same_whatever_came_before(way: str) -> None:
    """A day of other answers makes no difference, but for the statuses and types that have been met."""
    answers = WAYS[way]
    for number, followed in enumerate(windows(*answers)):
        account = Account(keyed(b"the key of these tests"), ["textMessage"], Meaning.SENT)
        at = NOW + 60 * number
        account.fold(Answer(Journal([*answers[number], *CROWD], {}), at, at, 86_400.0, 60.0))
        alone = account.window
        assert alone is not None
        assert {k: n for k, n in followed.counts.items() if n} == {k: n for k, n in alone.counts.items() if n}
        assert (followed.waiting, followed.oldest_pending) == (alone.waiting, alone.oldest_pending)
        assert (followed.chats, followed.covered) == (alone.chats, alone.covered)


def test_a_window_does_not_change_after_it_was_shown() -> None:
    first, _ = windows([row("A", -50, "sent")], [row("A", -50, "read")])
    assert first.counts["sent", "textMessage"] == 1
    assert first.waiting["sent", "under_5m"] == 1


def test_every_type_that_was_met_keeps_all_eight_statuses() -> None:
    _, last = windows([row("A", -50, "suspended", "imageMessage")], [])
    shown = {(status, kind) for status, kind in last.counts if kind == "imageMessage"}
    assert len(shown) == 9
    assert all(last.counts[pair] == 0 for pair in shown)


@pytest.mark.parametrize(
    ("chat", "kind"),
    [
        ("79001234567@c.us", "private"), ("12345@lid", "private"), ("10000001", "private"),
        ("120363000000000001@g.us", "group"), ("-69500000000002", "group"), ("", "other"), ("-", "other"),
        ("status@broadcast", "other"), ("120363@newsletter", "other"),
    ],
)  # fmt: skip
def test_the_kind_of_a_chat_is_told_by_its_id(chat: str, kind: str) -> None:
    assert chat_type(chat) == kind
