"""What is worth a line in the log: a failure when it begins, when it becomes another one, and when it ends.

Pure: finished calls in, notices out. A dead API is two lines, not one per scrape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .ledger import Unlisted
from .model import Call, Method, Outcome

_PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z_]{0,39}")


@dataclass(frozen=True, slots=True)
class Notice:
    """One line for the log. `level` is debug, info, warn or error; `fields` hold no secret and no message content."""

    level: str
    text: str
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class _Episode:
    began: float
    failures: int
    outcomes: set[Outcome]


class Episodes:
    """The failures under way of one instance, by method."""

    __slots__ = ("_open", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._open: dict[Method, _Episode] = {}

    def take(self, call: Call) -> Notice | None:
        """None for a success after a success, and for a failure that its episode has already told of."""
        episode = self._open.get(call.method)
        if call.ok and episode is None:
            return None
        fields: dict[str, object] = {"instance": self.name, "method": call.method.value}
        if call.ok and episode is not None:
            del self._open[call.method]
            lasted = f"{call.finished - episode.began:.0f}s"
            return Notice("info", "calls succeed again", fields | {"failures": episode.failures, "lasted": lasted})
        if episode is None:
            episode = self._open[call.method] = _Episode(call.started, 0, set())
        episode.failures += 1
        if call.outcome in episode.outcomes:
            return None
        episode.outcomes.add(call.outcome)
        return Notice("warn", "calls fail", fields | {"outcome": call.outcome.value, "reason": call.detail})


def unlisted_word(name: str, unlisted: Unlisted) -> Notice:
    """The word itself is told only if it is a plain one: anything else might be content."""
    word = unlisted.word if _PLAIN_WORD.fullmatch(unlisted.word) else "(not a plain word)"
    text = "the service used a word that this version does not know; it is counted as other"
    return Notice("warn", text, {"instance": name, "field": unlisted.field, "word": word})
