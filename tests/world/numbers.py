"""An answer of /metrics or /probe as numbers."""

from __future__ import annotations

import re
from functools import cached_property

_SAMPLE = re.compile(r"^(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_OF_THE_MOMENT = (
    "greenapi_query_duration_seconds", "greenapi_last_success_timestamp_seconds",
    "greenapi_outgoing_oldest_pending_timestamp_seconds", "greenapi_clock_offset_seconds",
)  # fmt: skip

Labels = dict[str, str]


class Page:
    """The samples of one answer, and its `text`."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def samples(self) -> list[tuple[str, Labels, float]]:
        return [
            (found["name"], dict(_LABEL.findall(found["labels"] or "")), float(found["value"]))
            for found in _SAMPLE.finditer(self.text)
        ]

    def value(self, name: str, instance: str | None = None, **labels: str) -> float | None:
        """The sum of the samples with these labels; None when there are none."""
        wanted = labels | ({"id_instance": instance} if instance else {})
        values = [value for found, has, value in self.samples if found == name and wanted.items() <= has.items()]
        return sum(values) if values else None

    def outcomes(self, instance: str, method: str = "lastOutgoingMessages") -> dict[str, float]:
        """How an instance's calls ended so far, by outcome; those that never occurred are left out."""
        found = {
            labels["outcome"]: value
            for name, labels, value in self.samples
            if name == "greenapi_api_requests_total"
            and (labels["id_instance"], labels["method"]) == (instance, method)
        }
        return {outcome: value for outcome, value in found.items() if value}

    def of(self, instance: str) -> dict[str, float]:
        """All that an instance shows, but for what each query changes: times and its own count of calls."""
        return {
            f"{name}{sorted(labels.items())}": value
            for name, labels, value in self.samples
            if labels.get("id_instance") == instance
            and name not in (*_OF_THE_MOMENT, "greenapi_api_requests_total")
        }
