"""The table of metrics against what users were promised, and what Prometheus expects of names and help texts."""

from __future__ import annotations

import re

import pytest

from exporter.catalog import CATALOG
from exporter.instance import Face
from exporter.ledger.totals import BUCKETS
from exporter.metric import Kind, Metric
from tests.scenario import Scenario, folders

PROMISED = """
greenapi_up gauge
greenapi_last_success_timestamp_seconds gauge
greenapi_query_duration_seconds gauge
greenapi_query_interval_seconds gauge
greenapi_paused_until_timestamp_seconds gauge method
greenapi_clock_offset_seconds gauge
greenapi_api_requests_total counter method outcome
greenapi_instance_info info messenger api_host
greenapi_instance_state gauge state
greenapi_instance_setting_enabled gauge setting
greenapi_outgoing_window_seconds gauge
greenapi_outgoing_window_covered_seconds gauge
greenapi_outgoing_window_messages gauge status message_type
greenapi_outgoing_window_chats gauge chat_type
greenapi_outgoing_window_truncated gauge
greenapi_outgoing_window_rejected_rows gauge reason
greenapi_outgoing_waiting_messages gauge status age
greenapi_outgoing_oldest_pending_timestamp_seconds gauge
greenapi_outgoing_messages_total counter message_type origin
greenapi_outgoing_messages_reached_total counter status message_type origin
greenapi_outgoing_messages_settled_total counter status
greenapi_outgoing_delivery_latency_seconds histogram message_type
greenapi_outgoing_read_latency_seconds histogram message_type
greenapi_outgoing_latency_uncertainty_seconds_total counter stage message_type
greenapi_outgoing_latency_unmeasured_total counter stage message_type
greenapi_outgoing_timestamp_follows_status gauge
greenapi_outgoing_status_conflicts_total counter
greenapi_outgoing_coverage_gap_seconds_total counter
greenapi_unknown_values_total counter field
"""
"""Name, type and labels as users were promised them: a change here is a breaking change."""

every_metric = pytest.mark.parametrize("metric", CATALOG, ids=lambda metric: metric.name)


def faces() -> list[Face]:
    """What every scenario ends in."""
    shown = []
    for folder in folders():
        scenario = Scenario(folder)
        scenario.play()
        shown.append(scenario.instance.face(scenario.now))
    return shown


FACES = faces()


def test_the_table_is_what_users_were_promised() -> None:
    lines = [" ".join((metric.name, metric.kind.value, *metric.labels)) for metric in CATALOG]
    assert lines == PROMISED.split("\n")[1:-1]


@every_metric
def test_names_follow_the_customs_of_prometheus(metric: Metric[Face]) -> None:
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.name.endswith("_info") == (metric.kind is Kind.INFO)
    assert re.fullmatch(r"[a-z_]+", metric.name)
    assert not {"instance", "job", "type", "id_instance", "name", "le"} & {*metric.labels}


@every_metric
def test_every_help_is_whole_sentences_in_one_line(metric: Metric[Face]) -> None:
    assert metric.help.endswith(".")
    assert "\n" not in metric.help
    assert len(metric.help) > 20


def test_help_tells_the_caveats() -> None:
    helps = {metric.name: metric.help for metric in CATALOG}
    for name in ("window_messages", "messages_reached_total", "messages_settled_total"):
        assert "lower bound" in helps[f"greenapi_outgoing_{name}"]
        assert "outgoingWebhook off" in helps[f"greenapi_outgoing_{name}"]
    for stage in ("delivery", "read"):
        assert "upper end" in helps[f"greenapi_outgoing_{stage}_latency_seconds"]
        assert "lags" in helps[f"greenapi_outgoing_{stage}_latency_seconds"]


def test_histograms_have_the_promised_bounds() -> None:
    found = {metric.name: metric.buckets for metric in CATALOG if metric.kind is Kind.HISTOGRAM}
    assert found == {
        "greenapi_outgoing_delivery_latency_seconds": (5, 15, 30, 60, 120, 300, 900, 3600, 21600, 86400),
        "greenapi_outgoing_read_latency_seconds": (15, 60, 300, 600, 1800, 3600, 10800, 21600, 43200, 86400),
    }
    assert set(found.values()) == set(BUCKETS.values())


@every_metric
def test_samples_have_the_labels_and_no_two_are_the_same_series(metric: Metric[Face]) -> None:
    for face in FACES:
        told = metric.source(face)
        if told is None:
            continue
        series = list(metric.series(told))
        if metric.kind is Kind.INFO:
            assert all(set(metric.labels) <= set(dict(labels)) for labels in series)
        else:
            assert len(set(map(tuple, series))) == len(series)
            assert all(len(labels) == len(metric.labels) for labels in series)


def test_every_metric_is_shown_in_some_scenario() -> None:
    shown = {
        metric.name for metric in CATALOG for face in FACES
        if (told := metric.source(face)) is not None and list(metric.series(told))
    }  # fmt: skip
    assert shown == {metric.name for metric in CATALOG}


@pytest.mark.parametrize("name", ["greenapi_instance_state", "greenapi_outgoing_waiting_messages"])
def test_a_state_set_and_the_ages_are_whole_whenever_they_are_shown(name: str) -> None:
    metric = next(metric for metric in CATALOG if metric.name == name)
    for face in FACES:
        if (told := metric.source(face)) is not None:
            numbers = metric.series(told).numbers
            assert len(numbers) == (10 if name.endswith("state") else 8)
            assert sum(numbers) == 1 or not name.endswith("state")
