"""An answer that is read as what it changes in the last one comes to the same as the same answer read whole."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import wire
from exporter.ledger import Account, Answer, Message
from exporter.model import Journal, Meaning, Repeat
from exporter.store.keys import keyed

KEY_OF = keyed(b"the secret of the tests")
NOW, WINDOW = 1_790_000_000, 600.0

STATUSES = st.sampled_from(["pending", "sent", "delivered", "read", "noAccount", "beamed", "teleported", ""])
TYPES = st.sampled_from(["textMessage", "imageMessage", "reactionMessage", "hologram", "tesseract"])
IDS = st.integers(0, 9)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    row: dict[str, Any] = {
        "idMessage": str(draw(IDS)), "chatId": draw(st.sampled_from(["1@c.us", "2@g.us"])),
        "timestamp": NOW + draw(st.integers(-700, 30)), "statusMessage": draw(STATUSES), "typeMessage": draw(TYPES),
        "textMessage": draw(st.sampled_from(["", "},{", "чат", "\ud83d"])), "sendByApi": draw(st.booleans()),
    }  # fmt: skip
    match draw(st.integers(0, 12)):
        case 0:
            del row["idMessage"]
        case 1:
            row["timestamp"] = "soon"
        case 2:
            row["downloadUrl"] = draw(st.text(max_size=5))
    return row


@st.composite
def journals(draw: st.DrawFn) -> list[bytes]:
    """Some answers, each made of the one before."""
    answer, answers = draw(st.lists(rows(), min_size=1, max_size=12)), []
    for _ in range(draw(st.integers(2, 6))):
        answers.append(json.dumps(answer, separators=(",", ":")).encode())
        answer = [dict(row) for row in answer]
        for _ in range(draw(st.integers(0, 3))):
            place = draw(st.integers(0, len(answer)))
            match draw(st.sampled_from(["status", "status", "status", "row", "come", "go"])):
                case "status" if place < len(answer):
                    answer[place]["statusMessage"] = draw(STATUSES)
                case "row" if place < len(answer):
                    answer[place] = draw(rows())
                case "come":
                    answer.insert(place, draw(rows()))
                case "go" if place < len(answer):
                    del answer[place]
    return answers


def fold(account: Account, journal: Journal | Repeat, at: float) -> list[Any]:
    return account.fold(Answer(journal, at - 1, at, WINDOW, 10.0))


def state(account: Account) -> tuple[Any, ...]:
    changes = account.changes(everything=True)
    return changes.scalars, changes.totals, _comparable(changes.messages.values()), account.window


def _comparable(messages: Collection[Message]) -> list[Message]:
    """When a message was shown last is written at other moments; while it stays in the answers it means nothing."""
    for message in messages:
        message.shown_at = 0.0 if message.present else message.shown_at
    return sorted(messages, key=lambda message: message.key)


@given(journals(), st.sampled_from(list(Meaning)))
def test_every_answer_comes_to_the_same(answers: list[bytes], meaning: Meaning) -> None:
    quick, whole = (Account(KEY_OF, ("textMessage",), meaning) for _ in range(2))
    for number, body in enumerate(answers):
        at = NOW + 40.0 * number
        read = wire.journal_after(None, body).whole()
        met = fold(quick, wire.journal_after(quick.imprint, body), at)
        assert met == fold(whole, Journal(read.rows, read.rejected), at)
        assert state(quick) == state(whole)


def test_a_status_that_changed_is_read_without_decoding_the_rest() -> None:
    """And so is an answer in which nothing changed: `whole` is never asked for."""
    first = [{"idMessage": str(number), "timestamp": NOW, "statusMessage": "sent"} for number in range(20)]
    account = Account(KEY_OF, (), Meaning.SENT)
    fold(account, wire.journal_after(account.imprint, json.dumps(first).encode()), NOW)
    for number in (3, 3, 7):
        first[number]["statusMessage"] = "delivered"
        repeat = wire.journal_after(account.imprint, json.dumps(first).encode())
        assert isinstance(repeat, Repeat)
        fold(account, repeat._replace(whole=_never), NOW + 60)
    assert account.window is not None
    assert account.window.counts["delivered", "none"] == 2


@pytest.mark.parametrize("field", ["statusMessage", "typeMessage"])
def test_an_unlisted_word_that_becomes_another_is_met(field: str) -> None:
    row = {"idMessage": "1", "timestamp": NOW, "statusMessage": "sent", "typeMessage": "textMessage"}
    account = Account(KEY_OF, (), Meaning.SENT)
    for number, word in enumerate(("beamed", "beamed", "teleported")):
        rows = [row | {field: word}, *(row | {"idMessage": f"other {other}"} for other in range(9))]
        met = fold(account, wire.journal_after(account.imprint, json.dumps(rows).encode()), NOW + number)
        assert [unlisted.word for unlisted in met] == ([word] if number != 1 else [])


def _never() -> Journal:
    raise AssertionError("all of it was asked for")
