"""The end against the truth: every counter of every instance, and what must hold between them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.model import ANNOTATION_TYPES, MESSAGE_TYPES
from exporter.simulator.account import Truth

from .scraping import samples

_LABEL = re.compile(r'(\w+)="([^"]*)"')
STAGES = {"delivery": ("delivered", "read"), "read": ("read",)}
"""Stage -> the steps that tell that a message reached it."""
TOLERANCE = 1.0
"""Seconds of a message's true latency that whole-second timestamps may hide."""


class Shown:
    """One instance's series: `shown(name, label=value, ...)` is the sum of those with these labels."""

    def __init__(self, text: str, instance: str) -> None:
        self._series: list[tuple[str, dict[str, str], float]] = []
        for series, value in samples(text):
            name, _, labels = series.partition("{")
            found = dict(_LABEL.findall(labels))
            if found.get("id_instance") == instance:
                self._series.append((name.removeprefix("greenapi_outgoing_"), found, value))

    def __call__(self, name: str, **labels: str) -> float:
        return sum(
            value for own, found, value in self._series if own == name and labels.items() <= found.items()
        )  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What the truth says of one message, in the words of the metrics."""

    message_type: str
    origin: str
    last: str
    steps: Mapping[str, float]
    born: float

    @classmethod
    def of(cls, truth: Truth) -> Told:
        return cls(
            truth.type if truth.type in MESSAGE_TYPES else "other", "api" if truth.by_api else "phone",
            list(truth.steps)[-1], truth.steps, truth.created,
        )  # fmt: skip

    def reached(self) -> list[str]:
        """Every status it is certain to be counted under: being pending may have been missed."""
        way = ("sent", "delivered", "read")
        return list(way[: way.index(self.last) + 1]) if self.last in way else [self.last]

    def latency(self, stage: str) -> tuple[float, float] | None:
        """From its sending, or from its acceptance if that is what a timestamp tells, until the stage."""
        at = next((self.steps[step] for step in STAGES[stage] if step in self.steps), None)
        return None if at is None else (at - self.steps["sent"], at - self.born)


def judge(text: str, instance: str, truths: Iterable[Truth], *, window: float, answered: float) -> None:
    """Raise AssertionError if the exposition of an instance is not true. `answered`: when it was asked last."""
    told = [Told.of(truth) for truth in truths if truth.type not in ANNOTATION_TYPES]
    shown = Shown(text, instance)
    _judge_counts(shown, told)
    _judge_settled(shown, told, window, answered)
    for message_type in {message.message_type for message in told}:
        _judge_latencies(shown, [message for message in told if message.message_type == message_type])
    assert shown("status_conflicts_total") == 0
    if window > 120:
        assert shown("coverage_gap_seconds_total") == 0
    unlisted = any(message.message_type == "other" for message in told)
    assert shown("greenapi_unknown_values_total", field="typeMessage") == unlisted


def _judge_counts(shown: Shown, told: list[Told]) -> None:
    kinds = Counter((message.message_type, message.origin) for message in told)
    assert shown("messages_total") == len(told)
    reached = Counter(
        (message.message_type, message.origin, status) for message in told for status in message.reached()
    )  # fmt: skip
    for (message_type, origin), count in kinds.items():
        labels = {"message_type": message_type, "origin": origin}
        assert shown("messages_total", **labels) == count, labels
        for status in ("sent", "delivered", "read", "noAccount", "failed", "notInGroup", "yellowCard"):
            found = shown("messages_reached_total", status=status, **labels)
            assert found == reached[message_type, origin, status], (labels, status, found)
        pending = shown("messages_reached_total", status="pending", **labels)
        assert reached[message_type, origin, "pending"] <= pending <= count


def _judge_settled(shown: Shown, told: list[Told], window: float, answered: float) -> None:
    """Within the seconds around a message's birthday either is right."""
    for status in ("pending", "sent", "delivered", "read", "noAccount", "failed"):
        ages = [answered - message.born for message in told if message.last == status]
        settled = shown("messages_settled_total", status=status)
        assert sum(age > window + 3 for age in ages) <= settled <= sum(age > window - 3 for age in ages), status
    assert shown("messages_settled_total", status="unknown") == 0


def _judge_latencies(shown: Shown, told: list[Told]) -> None:
    message_type = told[0].message_type
    for stage in STAGES:
        latencies = [found for message in told if (found := message.latency(stage)) is not None]
        count = shown(f"{stage}_latency_seconds_count", message_type=message_type)
        unmeasured = shown("latency_unmeasured_total", stage=stage, message_type=message_type)
        assert count + unmeasured == len(latencies)
        assert shown(f"{stage}_latency_seconds_bucket", message_type=message_type, le="+Inf") == count
        # Which of them were not measured is not told, so the bounds are those of the shortest and of the longest.
        measured = int(count)
        least = sum(sorted(shortest for shortest, _ in latencies)[:measured])
        most = sum(sorted((longest for _, longest in latencies), reverse=True)[:measured])
        high = shown(f"{stage}_latency_seconds_sum", message_type=message_type)
        low = high - shown("latency_uncertainty_seconds_total", stage=stage, message_type=message_type)
        assert least <= high + TOLERANCE * measured, (message_type, stage, least, high)
        assert low - TOLERANCE * measured <= most, (message_type, stage, low, most)
