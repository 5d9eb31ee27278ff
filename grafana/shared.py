"""Panels that both dashboards have: latencies, and the exporter with its calls of the API."""

from __future__ import annotations

from exporter.model import DELIVERY, READ

from . import questions as ask
from .look import GREEN, ORANGE, RED, YELLOW, Json, fixed, override, thresholds, value_mapping
from .panels import Panel, Query, heatmap, stat, table, timeseries
from .promql import mirrored, own

SMOOTH = "30m"
"""Quantiles of the last half hour: of a few minutes they would jump with every message."""
QUANTILE_COLOURS = {"half": "green", "9 of 10": "yellow", "99 of 100": "red"}
OUTCOME_COLOURS = {
    "ok": "green", "rate_limited": "yellow", "quota_exceeded": "dark-orange", "timeout": "purple", "network": "red",
    "server_error": "dark-red", "refused": "blue", "unauthorized": "orange", "forbidden": "dark-yellow",
    "malformed": "dark-purple",
}  # fmt: skip


def latency_panels() -> list[Panel]:
    """From sending to delivered and read: where the messages are, how long most take, and how sure that is."""
    return [
        heatmap(
            "From sending to reading",
            "Each column is a moment, each line a span: the stronger its colour, the more messages were read after so "
            "long. Latencies are upper ends: the answer that first showed the status.",
            Query(
                f"sum by (le) (increase({mirrored('outgoing_read_latency_seconds_bucket')}[$__rate_interval]))",
                "{{le}}", form="heatmap",
            ),
        ),
        timeseries(
            "Read in time",
            "Share of all messages counted in the last day that were read within 5 minutes, an hour, a day of "
            "sending. Unread ones count below the line.",
            [Query(ask.within(seconds, "1d"), title) for seconds, title in
             ((300, "5 minutes"), (3600, "1 hour"), (86400, "1 day"))],
            unit="percentunit", width=12, height=9, overrides=[
                override("5 minutes", color=fixed("light-green")), override("1 hour", color=fixed("green")),
                override("1 day", color=fixed("dark-green")),
            ],
        ),
        _quantiles("Delivered after", DELIVERY, "the phones that are off make the slow end", (0.5, 0.9, 0.99)),
        _quantiles("Read after", READ, "only of messages that were read", (0.5, 0.9)),
        timeseries(
            "How unsure the latencies are",
            "Mean distance between the latest and the earliest moment at which the status can have changed. It "
            "follows from how often the service is asked.",
            [Query(ask.latency_error(stage, ask.OUTCOME_WINDOW), title) for stage, title in
             ((DELIVERY, "delivery"), (READ, "reading"))],
            unit="s", overrides=[override("delivery", color=fixed("light-green")),
                                 override("reading", color=fixed("dark-green"))],
        ),
    ]  # fmt: skip


def _quantiles(title: str, stage: str, remark: str, quantiles: tuple[float, ...]) -> Panel:
    names = dict(zip((0.5, 0.9, 0.99), QUANTILE_COLOURS, strict=True))
    return timeseries(
        title,
        f"Half of the messages (and 9 of 10, and 99 of 100) took at most so many minutes, over half an hour: {remark}. "
        f"Shown from {ask.LEAST_LATENCIES} messages on; the scale is logarithmic.",
        [Query(f"({ask.quantile(q, stage, SMOOTH)}) / 60", names[q]) for q in quantiles],
        unit="suffix:min", least=None, logarithmic=True,
        overrides=[override(name, color=fixed(colour)) for name, colour in QUANTILE_COLOURS.items()],
    )  # fmt: skip


def exporter_row() -> list[Panel]:
    """Whether what watches is well itself."""
    return [*_calls(), *_journal(), *_process()]


def _calls() -> list[Panel]:
    calls = mirrored("api_requests_total")
    refusals = (("rate_limited", "429 too often"), ("quota_exceeded", "466 quota used up"))
    return [
        timeseries(
            "Calls by outcome",
            "Calls of the GREEN-API service and how they ended, a minute. Anything but ok deserves a look.",
            Query(f"60 * sum by (outcome) (rate({calls}[$__rate_interval])) > 0", "{{outcome}}"),
            unit="cpm", stacked=True,
            overrides=[override(word, color=fixed(colour)) for word, colour in OUTCOME_COLOURS.items()],
        ),
        timeseries(
            "Refused: too often, or over the quota",
            "Calls a minute answered with 429 (more than one a second, perhaps by your own program) or 466 (the "
            "month's calls of the tariff are used up).",
            [Query(f"60 * sum(rate({mirrored('api_requests_total', outcome=outcome)}[$__rate_interval]))", title)
             for outcome, title in refusals],
            unit="cpm", overrides=[
                override("429 too often", color=fixed(YELLOW)),
                override("466 quota used up", color=fixed("dark-orange")),
            ],
        ),
        timeseries(
            "Call duration",
            "How long calls of the service took: 9 of 10 at most so long, by method.",
            Query(
                "histogram_quantile(0.9, sum by (method, le) "
                f"(rate({own('greenapi_exporter_api_request_duration_seconds_bucket')}[$__rate_interval])))",
                "{{method}}",
            ),
            unit="s",
        ),
        timeseries(
            "Scrapes and commits",
            "How long the exporter took to answer Prometheus, and to write its state file: 9 of 10 at most so long.",
            [
                Query(f"histogram_quantile(0.9, sum by (le) (rate({own(name)}[$__rate_interval])))", title)
                for name, title in (
                    ("greenapi_exporter_scrape_duration_seconds_bucket", "scrape"),
                    ("greenapi_exporter_state_commit_duration_seconds_bucket", "commit"),
                )
            ],
            unit="s",
        ),
    ]  # fmt: skip


def _journal() -> list[Panel]:
    return [
        timeseries(
            "Gaps in what was seen",
            "Seconds of the journal that no answer covered: messages sent then may be uncounted. After a long "
            "outage, or when the row limit cuts answers.",
            Query(f"sum by (name) (increase({mirrored('outgoing_coverage_gap_seconds_total')}[$__rate_interval]))",
                  "{{name}}"),
            unit="s", bars=True,
        ),
        timeseries(
            "Part of the window that answers cover",
            "Below 100 % the service's row limit cut the answer: choose a shorter window or interval.",
            Query(f"min by (name) ({mirrored('outgoing_window_covered_seconds')} / "
                  f"{mirrored('outgoing_window_seconds')})", "{{name}}"),
            unit="percentunit", most=1,
        ),
        timeseries(
            "Oddities",
            "Rows that could not be used, words that this version does not know, statuses that ran backwards, "
            "latencies that could not be told.",
            [
                Query(f"sum({mirrored('outgoing_window_rejected_rows')})", "unusable rows"),
                *(Query(ask.increase(mirrored(name), ask.OUTCOME_WINDOW), f"{title} in 1 h") for name, title in (
                    ("unknown_values_total", "unknown words"),
                    ("outgoing_status_conflicts_total", "backwards"),
                    ("outgoing_latency_unmeasured_total", "unmeasured"),
                )),
            ],
            unit="short",
        ),
        table(
            "Settings, pauses and clocks",
            "Settings of each instance that decide what can be seen: with statuses off, delivery and reading are "
            "blind; with phone off, messages typed there are not seen. Pauses "
            "after failures, and how far the service's clock is from ours.",
            [
                Query(f"max by ({ask.EACH}) ({expr})", instant=True, form="table") for expr in (
                    mirrored("instance_setting_enabled", setting="outgoingWebhook"),
                    mirrored("instance_setting_enabled", setting="outgoingMessageWebhook"),
                    mirrored("query_interval_seconds"),
                    mirrored("outgoing_window_truncated"),
                    f"{mirrored('paused_until_timestamp_seconds')} - time() > 0",
                    mirrored("clock_offset_seconds"),
                    mirrored("outgoing_timestamp_follows_status"),
                )
            ],
            _settings_columns(), overrides=_settings_overrides(), width=16, none="–",
        ),
    ]  # fmt: skip


_SETTINGS_COLUMNS = {
    "name": "Instance", "Value #A": "Statuses", "Value #B": "Phone", "Value #C": "Interval",
    "Value #D": "Rows cut", "Value #E": "Pause left", "Value #F": "Clock off by", "Value #G": "Timestamp",
}  # fmt: skip


def _settings_columns() -> list[Json]:
    return [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {
            "excludeByName": {"Time": True, "id_instance": True},
            "indexByName": {name: place for place, name in enumerate(_SETTINGS_COLUMNS)},
            "renameByName": _SETTINGS_COLUMNS,
        }},
    ]  # fmt: skip


def _settings_overrides() -> list[Json]:
    off_is_bad = value_mapping({"0": ("off", RED), "1": ("on", GREEN)})
    off_is_doubtful = value_mapping({"0": ("off", ORANGE), "1": ("on", GREEN)})
    return [
        override("Instance", unit="string", custom__minWidth=100),
        _narrow("Statuses", mappings=off_is_bad),
        _narrow("Phone", mappings=off_is_doubtful),
        _narrow("Interval", unit="s", thresholds=thresholds("text")),
        _narrow("Rows cut", mappings=value_mapping({"0": ("no", GREEN), "1": ("yes", RED)})),
        _narrow("Pause left", unit="s", decimals=0, thresholds=thresholds(ORANGE)),
        _narrow("Clock off by", unit="s", decimals=1, thresholds=thresholds("text")),
        _narrow("Timestamp", mappings=value_mapping({"0": ("sending", "text"), "1": ("last action", "text")})),
    ]


def _narrow(title: str, **properties: object) -> Json:
    return override(title, custom__width=92, custom__cellOptions={"type": "color-text"}, **properties)


def _process() -> list[Panel]:
    version = (
        f"time() - max by (instance, version) ({own('process_start_time_seconds')} "
        f"* on (job, instance) group_left (version) {own('greenapi_exporter_build_info')})"
    )
    reloaded = value_mapping({"0": ("refused", RED), "1": ("valid", GREEN)})
    return [
        stat(
            "Version", "Version of the exporter, and how long ago it was started.",
            Query(version, "{{version}}", instant=True), unit="s", decimals=0, width=4, height=8, background=False,
            steps=thresholds("text"), text="value_and_name",
        ),
        stat(
            "Configuration", "Whether the configuration was valid when it was last loaded.",
            Query(f"min({own('greenapi_exporter_config_last_reload_successful')})", instant=True), width=4,
            height=8, mappings=reloaded,
        ),
        timeseries(
            "Memory and state file", "Memory of the exporter's process, and size of its state file.",
            [
                Query(f"sum by (instance) ({own('process_resident_memory_bytes')})", "memory"),
                Query(f"sum by (instance) ({own('greenapi_exporter_state_file_bytes')})", "state file"),
            ],
            unit="bytes", width=6,
        ),
        timeseries(
            "Known messages", "Messages that the exporter remembers, so that it counts each only once.",
            Query(f"sum by (instance) ({own('greenapi_exporter_known_messages')})", "{{instance}}"),
            unit="short", width=5,
        ),
        timeseries(
            "Failures to save",
            "Writes of the state file that failed. While they do, counters stand still.",
            Query(f"sum(increase({own('greenapi_exporter_state_failures_total')}[$__rate_interval]))", "failures"),
            unit="short", width=5, bars=True, overrides=[override("failures", color=fixed(RED))],
        ),
    ]  # fmt: skip
