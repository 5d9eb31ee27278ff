"""The order of statuses, every pair of them, and what reaching one implies."""

from __future__ import annotations

import pytest

from exporter.ledger.order import FURTHEST_FIRST, may_become, reached, status_label, type_label
from exporter.model import ALL_STATUSES

LADDER = ["none", "other", "pending", "yellowCard", "suspended", "sent", "delivered", "read"]
FINAL = ["noAccount", "notInGroup", "failed", "noActiveSession"]


def test_the_ladder_and_the_ends_are_all_the_statuses() -> None:
    assert {*LADDER, *FINAL} == {*ALL_STATUSES} == FURTHEST_FIRST.keys()


@pytest.mark.parametrize("shown", ALL_STATUSES)
@pytest.mark.parametrize("status", ALL_STATUSES)
def test_a_message_goes_forward_only_and_never_leaves_an_end(status: str, shown: str) -> None:
    if status in FINAL:
        expected = False
    elif shown in FINAL:
        expected = status not in ("delivered", "read")
    else:
        expected = LADDER.index(shown) > LADDER.index(status)
    assert may_become(status, shown) is expected


@pytest.mark.parametrize(
    ("status", "shown", "new"),
    [
        (None, "read", ["sent", "delivered", "read"]), (None, "pending", ["pending"]), (None, "failed", ["failed"]),
        ("pending", "delivered", ["sent", "delivered"]), ("sent", "read", ["delivered", "read"]),
        ("delivered", "read", ["read"]), ("sent", "failed", ["failed"]), ("yellowCard", "sent", ["sent"]),
    ],
)  # fmt: skip
def test_read_implies_delivered_and_delivered_implies_sent(status: str | None, shown: str, new: list[str]) -> None:
    assert list(reached(status, shown)) == new


def test_of_several_rows_the_furthest_speaks() -> None:
    ranked = sorted(ALL_STATUSES, key=FURTHEST_FIRST.__getitem__)
    assert ranked[:2] == ["read", "delivered"]
    assert set(ranked[2:6]) == {*FINAL}
    assert ranked[6:] == ["sent", "suspended", "yellowCard", "pending", "other", "none"]


def test_words_become_labels() -> None:
    assert [status_label(word) for word in (None, "", "fail", "sent", "Sent", "none", "other")] == [
        "none", "none", "failed", "sent", "other", "other", "other",
    ]  # fmt: skip
    assert [type_label(word) for word in (None, "", "textMessage", "none", "new")] == [
        "none", "none", "textMessage", "other", "other",
    ]  # fmt: skip
