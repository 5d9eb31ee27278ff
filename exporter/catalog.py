"""THE TABLE of mirrored metrics: every name, type, help text and label, and where its samples are in a `Face`.

A new metric from data already held is a row here and nothing else. The dashboards, the rules, the README's table and
the tests read their names from here. Knows no output format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from .instance import Face
from .ledger import totals
from .metric import Kind, Metric
from .model import DELIVERY, READ, SETTINGS, STATES, Meaning
from .series import Series, shape

LOWER_BOUND = (
    "noAccount and failed are a lower bound: the journal may show such messages as sent, as a row without id, or not "
    "at all."
)
FROZEN = "With the instance's setting outgoingWebhook off every status freezes at sent."
JOURNAL = "From the rows of lastOutgoingMessages."
UPPER_ENDS = (
    "Each observation is the upper end of what is known (the answer that first showed the status); the true mean lies "
    "in [(sum - uncertainty) / count, sum / count]. What the journal itself lags with a status is not in it."
)


def _itself(numbers: Series[float]) -> Series[float]:
    return numbers


_STATES = shape((state,) for state in STATES)


def _number(source: Callable[[Face], float | None]) -> dict[str, Any]:
    """Columns of a metric that is one number per instance."""
    return {"labels": (), "source": source}


def _family(name: str, *labels: str) -> dict[str, Any]:
    """Columns of a metric that is a family of the committed totals."""
    return {"labels": labels, "source": lambda face: face.totals[name], "read": _itself}


def _window(attribute: str, *labels: str) -> dict[str, Any]:
    """Columns of a metric that is a field of the last answer's window: a number, or numbers by label values."""

    told = attrgetter(attribute)
    return {
        "labels": labels,
        "source": lambda face: face.window and told(face.window),
        "read": _itself if labels else None,
    }


def _states(state: str) -> Series[float]:
    return Series(_STATES, tuple(float(word == state) for word in STATES))


def _settings(enabled: Mapping[str, bool]) -> Series[float]:
    return Series.of({(name,): float(enabled[name]) for name in SETTINGS if name in enabled})


def _follows(face: Face) -> float | None:
    return None if face.meaning is Meaning.AUTO else float(face.meaning is Meaning.LAST_ACTION)


CATALOG: tuple[Metric[Face], ...] = (
    Metric(
        "greenapi_up", Kind.GAUGE,
        "1 if the last finished lastOutgoingMessages query of the instance succeeded, 0 if it failed.",
        **_number(lambda face: face.up),
    ),
    Metric(
        "greenapi_last_success_timestamp_seconds", Kind.GAUGE,
        "When the last successful query finished, by the exporter's clock.",
        **_number(lambda face: face.last_success),
    ),
    Metric(
        "greenapi_query_duration_seconds", Kind.GAUGE, "How long the last finished query took.",
        **_number(lambda face: face.duration),
    ),
    Metric(
        "greenapi_query_interval_seconds", Kind.GAUGE,
        "The query interval in force: data younger than this is paced, not stale.",
        **_number(lambda face: face.interval),
    ),
    Metric(
        "greenapi_paused_until_timestamp_seconds", Kind.GAUGE,
        "End of a pause after failed calls, by method; absent when not paused.", ("method",),
        lambda face: face.pauses, _itself,
    ),
    Metric(
        "greenapi_clock_offset_seconds", Kind.GAUGE,
        "The service's clock minus the exporter's, from the Date header of the last answer (whole seconds).",
        **_number(lambda face: face.clock_offset),
    ),
    Metric(
        "greenapi_api_requests_total", Kind.COUNTER, "Calls to the service by method and how they ended.",
        ("method", "outcome"), lambda face: face.requests, _itself,
    ),
    Metric(
        "greenapi_instance_info", Kind.INFO,
        "The instance's messenger (typeInstance of getSettings), API host and configured labels.",
        ("messenger", "api_host"), lambda face: face.info, _itself,
    ),
    Metric(
        "greenapi_instance_state", Kind.GAUGE,
        "getStateInstance as a state set: exactly one state is 1. The service may notice a lost login late.",
        ("state",), lambda face: face.state, _states,
    ),
    Metric(
        "greenapi_instance_setting_enabled", Kind.GAUGE,
        "getSettings: 1 if the setting is on. With outgoingWebhook off the journal knows no delivery and no reading.",
        ("setting",), lambda face: face.settings and face.settings.enabled, _settings,
    ),
    Metric(
        "greenapi_outgoing_window_seconds", Kind.GAUGE, "The span of the journal that each query asks for.",
        **_window("asked"),
    ),
    Metric(
        "greenapi_outgoing_window_covered_seconds", Kind.GAUGE,
        "The span that the last answer really covers: less than asked for when the service's row limit cut it.",
        **_window("covered"),
    ),
    Metric(
        "greenapi_outgoing_window_messages", Kind.GAUGE,
        f"Rows of the last answer by present status and type, repeats included. {JOURNAL} {LOWER_BOUND} {FROZEN}",
        **_window("counts", "status", "message_type"),
    ),
    Metric(
        "greenapi_outgoing_window_chats", Kind.GAUGE, f"Distinct chats of the last answer. {JOURNAL}",
        **_window("chats", "chat_type"),
    ),
    Metric(
        "greenapi_outgoing_window_truncated", Kind.GAUGE, "1 if the last answer hit the service's row limit.",
        **_window("truncated"),
    ),
    Metric(
        "greenapi_outgoing_window_rejected_rows", Kind.GAUGE,
        "Rows of the last answer that could not be used, by reason. A number without an account may be such a row.",
        **_window("rejected", "reason"),
    ),
    Metric(
        "greenapi_outgoing_waiting_messages", Kind.GAUGE,
        f"Messages of the last answer still pending or sent, by age at the answer. {JOURNAL} {FROZEN}",
        **_window("waiting", "status", "age"),
    ),
    Metric(
        "greenapi_outgoing_oldest_pending_timestamp_seconds", Kind.GAUGE,
        "Sending time of the oldest message still pending; absent if none is. The service drops them after 24 hours.",
        **_window("oldest_pending"),
    ),
    Metric(
        "greenapi_outgoing_messages_total", Kind.COUNTER,
        f"Messages counted, each once, since the exporter's first answer. {JOURNAL}",
        **_family(totals.MESSAGES, "message_type", "origin"),
    ),
    Metric(
        "greenapi_outgoing_messages_reached_total", Kind.COUNTER,
        "Counted messages that have reached the status; read implies delivered, delivered implies sent, so do not sum "
        f"over statuses. {JOURNAL} {LOWER_BOUND} {FROZEN}",
        **_family(totals.REACHED, "status", "message_type", "origin"),
    ),
    Metric(
        "greenapi_outgoing_messages_settled_total", Kind.COUNTER,
        "Each counted message exactly once, by its status at the age of min(window, 24 h); unknown if no answer showed "
        f"it near that age. {JOURNAL} {LOWER_BOUND} {FROZEN}",
        **_family(totals.SETTLED, "status"),
    ),
    Metric(
        "greenapi_outgoing_delivery_latency_seconds", Kind.HISTOGRAM,
        f"From sending to delivered. {UPPER_ENDS} {JOURNAL}",
        **_family(DELIVERY, "message_type"), buckets=totals.BUCKETS[DELIVERY],
    ),
    Metric(
        "greenapi_outgoing_read_latency_seconds", Kind.HISTOGRAM,
        f"From sending to read. {UPPER_ENDS} {JOURNAL}",
        **_family(READ, "message_type"), buckets=totals.BUCKETS[READ],
    ),
    Metric(
        "greenapi_outgoing_latency_uncertainty_seconds_total", Kind.COUNTER,
        "Sum over the observed latencies of upper end minus lower end: divided by their count, the mean error.",
        **_family(totals.UNCERTAINTY, "stage", "message_type"),
    ),
    Metric(
        "greenapi_outgoing_latency_unmeasured_total", Kind.COUNTER,
        "Counted messages that reached the stage but whose latency cannot be told (after an outage, or when the "
        "sending time is not known).",
        **_family(totals.UNMEASURED, "stage", "message_type"),
    ),
    Metric(
        "greenapi_outgoing_timestamp_follows_status", Kind.GAUGE,
        "1 if the journal's timestamps are taken as the last action, 0 as the sending time; absent while undecided.",
        **_number(_follows),
    ),
    Metric(
        "greenapi_outgoing_status_conflicts_total", Kind.COUNTER,
        f"Status changes that were ignored because they run backwards. {JOURNAL}", **_family(totals.CONFLICTS),
    ),
    Metric(
        "greenapi_outgoing_coverage_gap_seconds_total", Kind.COUNTER,
        "Journal time that no answer covered (a long downtime, a truncated answer): messages may be uncounted.",
        **_family(totals.GAP),
    ),
    Metric(
        "greenapi_unknown_values_total", Kind.COUNTER,
        "Distinct values of the service that this version does not list, by field; they are counted as other.",
        **_family(totals.UNLISTED, "field"),
    ),
)  # fmt: skip
