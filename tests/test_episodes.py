"""What the log says of failing calls: when they begin, when they become others, when they end; never in between."""

from __future__ import annotations

import pytest

from exporter.episodes import Episodes, Notice, unlisted_word
from exporter.ledger import Unlisted
from exporter.model import Call, Method, Outcome

NOW = 1_790_000_000.0


def told(episodes: Episodes, *outcomes: Outcome, method: Method = Method.MESSAGES) -> list[str]:
    """The notices of calls a minute apart, as "text outcome"."""
    notices = [
        episodes.take(Call("1", method, outcome, NOW + 60 * n, NOW + 60 * n + 1, f"why {outcome}"))
        for n, outcome in enumerate(outcomes)
    ]
    return [f"{notice.text} {notice.fields.get('outcome', '')}".strip() for notice in notices if notice]


def test_success_after_success_is_not_worth_a_line() -> None:
    assert told(Episodes("sales"), Outcome.OK, Outcome.OK) == []


def test_a_dead_api_is_two_lines() -> None:
    outcomes = [Outcome.OK, *[Outcome.NETWORK] * 1000, Outcome.OK, Outcome.OK]
    assert told(Episodes("sales"), *outcomes) == ["calls fail network", "calls succeed again"]


def test_another_kind_of_failure_is_told_once() -> None:
    outcomes = [Outcome.NETWORK, Outcome.TIMEOUT, Outcome.NETWORK, Outcome.TIMEOUT]
    assert told(Episodes("sales"), *outcomes) == ["calls fail network", "calls fail timeout"]


def test_after_an_end_everything_is_told_anew() -> None:
    outcomes = [Outcome.NETWORK, Outcome.OK, Outcome.NETWORK]
    assert told(Episodes("sales"), *outcomes) == ["calls fail network", "calls succeed again", "calls fail network"]


def test_methods_fail_on_their_own() -> None:
    episodes = Episodes("sales")
    assert told(episodes, Outcome.NETWORK) == ["calls fail network"]
    assert told(episodes, Outcome.OK, method=Method.STATE) == []
    assert told(episodes, Outcome.NETWORK, method=Method.STATE) == ["calls fail network"]


def test_the_lines_name_the_instance_the_method_the_reason_and_how_long_it_lasted() -> None:
    episodes = Episodes("sales")
    began = episodes.take(Call("1", Method.STATE, Outcome.TIMEOUT, NOW, NOW + 60, "no answer in 60 s"))
    ended = episodes.take(Call("1", Method.STATE, Outcome.OK, NOW + 89, NOW + 90))
    place: dict[str, object] = {"instance": "sales", "method": "getStateInstance"}
    assert began == Notice("warn", "calls fail", place | {"outcome": "timeout", "reason": "no answer in 60 s"})
    assert ended == Notice("info", "calls succeed again", place | {"failures": 1, "lasted": "90s"})


@pytest.mark.parametrize("word", ["teleported", "some_Word"])
def test_a_plain_unlisted_word_is_told(word: str) -> None:
    assert unlisted_word("sales", Unlisted("typeMessage", word)).fields["word"] == word


@pytest.mark.parametrize(
    "word", ["79001234567", "a b", "x" * 41, "", "привет", "line\n", "a@c.us", "\ud83d", "_", "https://x"]
)
def test_an_unlisted_value_that_might_be_content_is_not_told(word: str) -> None:
    assert unlisted_word("sales", Unlisted("typeMessage", word)).fields["word"] == "(not a plain word)"
