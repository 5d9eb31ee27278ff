"""Rules of counting that need large answers, many steps, or a look at what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.ledger import Account, Answer
from exporter.ledger.vocabulary import MOST_UNLISTED
from exporter.ledger.window import is_truncated
from exporter.model import STATUSES, Journal, Meaning
from exporter.store.keys import keyed
from tests.ledger.oracle import Row

NOW = 1_790_000_000
WINDOW, INTERVAL = 600.0, 60.0


def fresh(meaning: Meaning = Meaning.SENT) -> Account:
    return Account(keyed(b"the key of these tests"), ["textMessage"], meaning)


def fold(
    account: Account, at: float, *rows: Row, messenger: str = "whatsapp", asked: float = WINDOW, took: float = 0.0,
    rejected: int = 0,
) -> None:  # fmt: skip
    """An answer whose request began at `at` seconds after NOW."""
    journal = Journal(list(rows), {"no_id": rejected} if rejected else {})
    account.fold(Answer(journal, NOW + at, NOW + at + took, asked, INTERVAL, messenger))


def totals(account: Account) -> Mapping[str, Any]:
    return account.changes().totals


def learnt(account: Account) -> str:
    return account.meaning.value


def queue(count: int, newest: int, seconds: int) -> list[Row]:
    """`count` messages, newest first, evenly over `seconds` up to NOW + `newest`."""
    return [Row(f"M{n}", "1@c.us", NOW + newest - n * seconds // count) for n in range(count)]


@pytest.mark.parametrize(
    ("messenger", "rows", "truncated"),
    [
        ("whatsapp", 5_000, False), ("whatsapp", 9_999, False), ("whatsapp", 10_000, True), ("telegram", 5_000, False),
        ("waba", 10_000, True), ("max", 4_999, False), ("max", 5_000, True), ("max", 5_001, True),
        ("unknown", 4_999, False), ("unknown", 5_000, True), ("unknown", 5_001, False), ("unknown", 10_000, True),
        ("unknown", 12_000, True),
    ],
)  # fmt: skip
def test_each_messenger_has_its_row_limit(messenger: str, rows: int, truncated: bool) -> None:
    assert is_truncated(rows, messenger) is truncated


def test_what_was_handed_over_to_a_commit_stays_as_it_was_when_another_answer_comes_meanwhile() -> None:
    account = fresh()
    fold(account, 0)
    account.changes()
    handed = account.changes()
    fold(account, 60, Row("M1", "1@c.us", NOW + 30))
    assert not handed.messages
    assert len(account.changes().messages) == 1


def test_rows_that_cannot_be_used_count_towards_the_row_limit() -> None:
    account = fresh()
    fold(account, 0, *queue(4_999, -1, 100), messenger="max", rejected=1)
    assert account.window is not None
    assert account.window.truncated
    assert account.window.covered == pytest.approx(101, abs=1)


def test_an_answer_at_the_limit_without_a_usable_row_is_truncated_all_the_same() -> None:
    account = fresh()
    fold(account, 0, messenger="max", rejected=5_000)
    assert account.window is not None
    assert account.window.truncated
    assert account.window.covered == WINDOW


def test_a_truncated_answer_leaves_a_gap_back_to_the_last_success() -> None:
    """It covers the 100 seconds before 399; the last success covers up to two minutes before 0."""
    account = fresh()
    fold(account, 0, messenger="max")
    fold(account, 400, *queue(5_000, 399, 100), messenger="max")
    oldest = 399 - 4_999 * 100 // 5_000
    assert totals(account)["gap"][()] == oldest - (0 - 120)


def test_a_truncated_answer_that_reaches_back_far_enough_leaves_no_gap() -> None:
    account = fresh()
    fold(account, 0, messenger="max")
    fold(account, 60, *queue(5_000, 59, 200), messenger="max")
    assert totals(account)["gap"][()] == 0


def test_answers_that_follow_one_another_closely_leave_no_gap() -> None:
    account = fresh()
    for at in (0, 300, 720, 1200):
        fold(account, at)
    assert totals(account)["gap"][()] == 0


def test_at_most_a_thousand_unlisted_words_are_remembered_and_counted_per_field() -> None:
    account = fresh()
    told = 0
    for part in range(3):
        rows = [Row(f"{part}/{n}", "c", NOW, f"word{part * 600 + n}", None) for n in range(600)]
        told += len(account.fold(Answer(Journal(list(rows), {}), NOW, NOW, WINDOW, INTERVAL)))
    assert told == totals(account)["unlisted"]["statusMessage",] == MOST_UNLISTED
    assert {labels[0] for labels in totals(account)["reached"]} == {*STATUSES, "other"}


@pytest.mark.parametrize("field", ["statusMessage", "typeMessage"])
def test_one_unlisted_word_instead_of_another_is_met_also_where_nothing_else_changes(field: str) -> None:
    account, crowd = fresh(), queue(20, -1, 100)
    for at, word in ((0, "new"), (60, "newer")):
        words = (word, "textMessage") if field == "statusMessage" else ("sent", word)
        fold(account, at, Row("A", "c", NOW, *words), *crowd)
    assert totals(account)["unlisted"][field,] == 2


def test_the_majority_of_the_last_hundred_steps_decides_what_timestamps_mean() -> None:
    account = fresh(Meaning.AUTO)

    def step(number: int, *, moves: bool) -> None:
        at = 120 * number
        name = f"M{number}"
        fold(account, at, Row(name, "c", NOW + at - 5, "sent"))
        fold(account, at + 60, Row(name, "c", NOW + at + (30 if moves else -5), "delivered"))

    step(0, moves=True)
    assert learnt(account) == "last_action"
    step(1, moves=False)
    assert learnt(account) == "last_action", "a tie decides nothing"
    step(2, moves=False)
    assert learnt(account) == "sent"
    for number in range(3, 103):
        step(number, moves=True)
    assert learnt(account) == "last_action"
    assert account.changes().scalars.votes == "1" * 100


def test_a_configured_meaning_outranks_the_learnt_one_which_is_kept() -> None:
    account = fresh(Meaning.AUTO)
    fold(account, 0, Row("A", "c", NOW - 5, "sent"))
    fold(account, 60, Row("A", "c", NOW - 5, "delivered"))
    account.reconfigure(["textMessage"], Meaning.LAST_ACTION)
    assert learnt(account) == "last_action"
    account.reconfigure(["textMessage"], Meaning.AUTO)
    assert learnt(account) == "sent"


def test_an_unmoved_timestamp_says_nothing_before_a_second_has_passed() -> None:
    """The event may have happened within the second of the sending: the timestamp could not have moved."""
    account = fresh(Meaning.AUTO)
    fold(account, 0.5, Row("A", "c", NOW, "sent"))
    fold(account, 60, Row("A", "c", NOW, "delivered"))
    assert learnt(account) == "auto"


def test_a_message_not_shown_as_sent_before_is_no_evidence() -> None:
    account = fresh(Meaning.AUTO)
    fold(account, 0, Row("A", "c", NOW - 5, "pending"), Row("B", "c", NOW - 5, "delivered"))
    fold(account, 60, Row("A", "c", NOW + 30, "delivered"), Row("B", "c", NOW + 30, "read"))
    assert learnt(account) == "auto"


def test_a_message_lives_as_long_as_answers_show_it_and_two_windows_more() -> None:
    account = fresh()
    fold(account, 0)
    fold(account, 60, Row("A", "c", NOW + 30))
    for at in (120, 60 + 1199):
        fold(account, at)
        assert len(account) == 1
    fold(account, 60 + 1200 + 60)
    assert len(account) == 0


def test_a_million_seconds_of_traffic_are_remembered_for_two_windows_only() -> None:
    account = fresh()
    for minute in range(600):
        at = 60 * minute
        fold(account, at, *(Row(f"{n}", "c", NOW + 60 * n) for n in range(max(0, minute - 10), minute)))
    assert len(account) <= 10 + 2 * 10 + 2
    assert totals(account)["messages"]["textMessage", "api"] == 599


def test_a_larger_window_shows_old_rows_that_are_not_counted() -> None:
    account = fresh()
    fold(account, 0, Row("A", "c", NOW - 5))
    account.reconfigure(["textMessage"], Meaning.SENT)
    fold(account, 60, Row("A", "c", NOW - 5), *queue(50, -600, 6000), asked=86_400.0)
    assert totals(account)["messages"]["textMessage", "api"] == 0
    assert len(account) == 51


def test_a_message_settles_at_24_hours_where_the_window_is_longer() -> None:
    account = fresh()
    day = 86_400
    fold(account, 0, asked=3.0 * day)
    fold(account, 60, Row("A", "c", NOW + 30), asked=3.0 * day)
    fold(account, day + 29, Row("A", "c", NOW + 30), asked=3.0 * day)
    assert sum(totals(account)["settled"].values()) == 0
    fold(account, day + 30, Row("A", "c", NOW + 30), asked=3.0 * day)
    assert totals(account)["settled"]["sent",] == 1


def test_a_message_known_by_nothing_but_a_hash() -> None:
    account = fresh()
    fold(account, 0, Row("SECRET-ID", "79001234567@c.us", NOW, "surpriseword"))
    kept = repr(account.changes(everything=True))
    assert not any(word in kept for word in ("SECRET", "79001234567", "c.us", "surprise"))
