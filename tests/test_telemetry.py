"""The exporter's own metrics: every one that was promised, fed by what happens, without fault in promtool's eyes."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable

import pytest
from prometheus_client import REGISTRY, Metric
from prometheus_client.openmetrics import parser

from exporter import __version__
from exporter.exposition import EOF, own
from exporter.model import Call, Method, Outcome
from exporter.telemetry import Telemetry

parse_openmetrics: Callable[[str], Iterable[Metric]] = parser.text_string_to_metric_families


def watched() -> Telemetry:
    telemetry = Telemetry()
    telemetry.watch(inflight=lambda: 3, known_messages=lambda: 1_000_000, state_file_bytes=lambda: 4096)
    return telemetry


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    return telemetry.registry.get_sample_value(f"greenapi_exporter_{name}", labels)


def call(method: Method, seconds: float, outcome: Outcome = Outcome.OK) -> Call:
    return Call("1101000001", method, outcome, started=1000.0, finished=1000.0 + seconds)


TYPES = {
    "greenapi_exporter_build_info": "gauge",
    "greenapi_exporter_scrape_duration_seconds": "histogram",
    "greenapi_exporter_api_request_duration_seconds": "histogram",
    "greenapi_exporter_inflight_api_requests": "gauge",
    "greenapi_exporter_known_messages": "gauge",
    "greenapi_exporter_state_file_bytes": "gauge",
    "greenapi_exporter_state_commit_duration_seconds": "histogram",
    "greenapi_exporter_state_failures_total": "counter",
    "greenapi_exporter_config_last_reload_successful": "gauge",
    "greenapi_exporter_config_last_reload_success_timestamp_seconds": "gauge",
}


def test_the_promised_metrics_are_there_before_anything_happened() -> None:
    """So that a dashboard shows zeros and the first event is an increase."""
    text = own(watched().registry, openmetrics=False).decode()
    types = dict(re.findall(r"^# TYPE (greenapi_\S+) (\S+)$", text, re.MULTILINE))
    assert types == TYPES
    assert all(re.search(rf"^{name}\S* ", text, re.MULTILINE) for name in types)
    assert "_created" not in text


def test_the_process_and_the_interpreter_tell_of_themselves() -> None:
    text = own(Telemetry().registry, openmetrics=False).decode()
    assert "python_info{" in text
    assert "python_gc_collections_total{" in text
    if platform.system() == "Linux":
        assert "process_resident_memory_bytes " in text


def test_two_of_them_do_not_meet_in_the_global_registry() -> None:
    before = list(REGISTRY.collect())
    first, second = Telemetry(), Telemetry()
    first.commit_failed()
    assert value(second, "state_failures_total") == 0
    assert [family.name for family in REGISTRY.collect()] == [family.name for family in before]


def test_build_info_names_the_versions() -> None:
    assert value(Telemetry(), "build_info", version=__version__, python=platform.python_version()) == 1


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.TIMEOUT])
def test_a_call_is_timed_under_its_method_however_it_ended(outcome: Outcome) -> None:
    telemetry = Telemetry()
    telemetry.called(call(Method.STATE, 0.2, outcome))
    name = "api_request_duration_seconds"
    assert value(telemetry, f"{name}_sum", method="getStateInstance") == pytest.approx(0.2)
    assert value(telemetry, f"{name}_bucket", method="getStateInstance", le="0.1") == 0
    assert value(telemetry, f"{name}_bucket", method="getStateInstance", le="0.25") == 1
    assert value(telemetry, f"{name}_count", method="lastOutgoingMessages") == 0


def test_a_clock_set_back_during_a_call_takes_nothing_away() -> None:
    telemetry = Telemetry()
    telemetry.called(call(Method.MESSAGES, -30.0))
    assert value(telemetry, "api_request_duration_seconds_sum", method="lastOutgoingMessages") == 0
    assert value(telemetry, "api_request_duration_seconds_count", method="lastOutgoingMessages") == 1


def test_scrapes_and_commits_are_timed_and_failures_counted() -> None:
    telemetry = Telemetry()
    telemetry.scraped(9.2)
    telemetry.committed(0.004)
    telemetry.commit_failed()
    telemetry.commit_failed()
    assert value(telemetry, "scrape_duration_seconds_bucket", le="7.5") == 0
    assert value(telemetry, "scrape_duration_seconds_bucket", le="9.5") == 1
    assert value(telemetry, "state_commit_duration_seconds_bucket", le="0.005") == 1
    assert value(telemetry, "state_failures_total") == 2


def test_what_is_watched_is_looked_at_when_somebody_asks() -> None:
    known = 5
    telemetry = Telemetry()
    telemetry.watch(inflight=lambda: 1, known_messages=lambda: known, state_file_bytes=lambda: 2)
    assert value(telemetry, "known_messages") == 5
    known = 6
    assert value(telemetry, "known_messages") == 6
    assert value(telemetry, "inflight_api_requests") == 1
    assert value(telemetry, "state_file_bytes") == 2


def test_a_refused_reload_leaves_the_time_of_the_last_good_one() -> None:
    telemetry = Telemetry()
    telemetry.reloaded(True, 1_790_000_000.0)
    assert value(telemetry, "config_last_reload_successful") == 1
    telemetry.reloaded(False, 1_790_000_060.0)
    assert value(telemetry, "config_last_reload_successful") == 0
    assert value(telemetry, "config_last_reload_success_timestamp_seconds") == 1_790_000_000.0


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is not installed")
def test_promtool_has_nothing_to_say() -> None:
    telemetry = watched()
    telemetry.called(call(Method.MESSAGES, 1.0))
    telemetry.reloaded(True, 1_790_000_000.0)
    page = own(telemetry.registry, openmetrics=False)
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_reference_parser_takes_the_openmetrics_form() -> None:
    page = own(watched().registry, openmetrics=True) + EOF
    families = {family.name: family.type for family in parse_openmetrics(page.decode())}
    assert families["greenapi_exporter_build"] == "info"
    assert families["greenapi_exporter_state_failures"] == "counter"
