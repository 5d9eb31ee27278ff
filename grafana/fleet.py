"""GREEN-API / Fleet: is anything broken now; which instance; how much is sent; how good the lists are; how fast."""

from __future__ import annotations

from . import questions as ask
from .board import FLEET_UID, Row, board, open_instance
from .look import (
    GREEN,
    GREY,
    LOGGED_OUT,
    MARKED,
    ORANGE,
    RED,
    YELLOW,
    YELLOW_TEXT,
    Json,
    fixed,
    override,
    state_mappings,
    status_overrides,
    thresholds,
    value_mapping,
)
from .panels import Panel, Query, bargauge, stat, state_timeline, timeseries
from .promql import mirrored
from .shared import exporter_row, latency_panels
from .tables import firing, worst_first

PENDING_STEPS = thresholds(GREEN, (900, YELLOW), (72000, RED))
ANY_IS_BAD = thresholds(GREEN, (1, RED))
TO_INSTANCE = open_instance("__field.labels.name")


def fleet() -> Json:
    rows = [
        Row("Is anything broken now?", _broken_now()),
        Row("Instances", _instances()),
        Row("Traffic", _traffic()),
        Row("Campaign quality", _quality()),
        Row("How long until customers receive and read", latency_panels()),
        Row("SLO: 99 % of messages do not fail", _objective()),
        Row("Exporter and API", exporter_row(), collapsed=True),
    ]
    about = "All GREEN-API instances: what is broken, how much is sent, how good the lists are, how fast people read."
    return board(FLEET_UID, "GREEN-API / Fleet", about, rows, one_instance=False)


def _broken_now() -> list[Panel]:
    return [
        stat(
            "Cannot send",
            "Instances that are blocked or logged out: banned by the messenger, or their phone session ended.",
            Query(ask.in_state("blocked", *LOGGED_OUT), instant=True), steps=ANY_IS_BAD,
        ),
        stat(
            "Yellow card",
            "Instances with a yellow card, or suspended: the messenger has restricted them for a while; their queue "
            "waits. Stop the campaign.",
            Query(ask.in_state(*MARKED), instant=True), steps=thresholds(GREEN, (1, YELLOW)),
        ),
        stat(
            "Query fails",
            "Instances whose last question to GREEN-API failed: we do not see them now. Messages may well go on.",
            Query(f"sum(1 - {mirrored('up')})", instant=True), steps=ANY_IS_BAD,
        ),
        stat(
            "Alerts",
            "Alerts of this product that fire now; the list is on the right. Needs the alerting rules to be loaded.",
            Query(
                'count(ALERTS{alertname=~"GreenApi.+",alertstate="firing"}) '
                'or max(0 * id_instance:greenapi_outgoing_messages:increase1h{job=~"$job",instance=~"$instance"})',
                instant=True,
            ),
            steps=thresholds(GREEN, (1, ORANGE)), none="rules not loaded",
        ),
        firing(),
        stat(
            "Oldest queued",
            "How long the oldest queued message has waited. Yellow from 15 minutes; red from 20 hours, as the service "
            "drops queued messages at 24 hours.",
            Query(ask.oldest_pending(), instant=True), unit="s", steps=PENDING_STEPS, decimals=0,
            mappings=value_mapping({"0": ("none", GREEN)}),
        ),
        stat(
            "Undelivered",
            "Messages that left over an hour ago and have not arrived: phones that are off, or silent filtering. Some "
            "are normal; compare with what is usual for you.",
            Query(ask.overdue(), instant=True), unit="locale", steps=thresholds("blue"), background=False,
        ),
        stat(
            "Oldest data",
            "Age of the oldest instance's data, in its own query intervals (taken as one minute at least). "
            "Above 3 the numbers below are stale.",
            Query(ask.intervals_behind(), instant=True), unit="suffix:intervals", decimals=1,
            steps=thresholds(GREEN, (3, YELLOW), (10, RED)),
        ),
        stat(
            "Instances",
            "Instances that the exporter is configured to watch, within the choice above.",
            Query(f"count(count by (id_instance) ({mirrored('query_interval_seconds')}))", instant=True),
            steps=thresholds("blue"), background=False,
        ),
    ]  # fmt: skip


def _instances() -> list[Panel]:
    return [
        state_timeline(
            "State of each instance",
            "getStateInstance over time. A gap means that it was not known: the service or the exporter was down.",
            Query(ask.state_numbers(), "{{name}}"), state_mappings(), links=[TO_INSTANCE],
        ),
        worst_first(),
    ]


def _traffic() -> list[Panel]:
    counted = mirrored("outgoing_messages_total")
    return [
        timeseries(
            "Messages by instance",
            "Messages that each instance began to send, a minute. A step after a gap is what was sent meanwhile.",
            Query(f"60 * sum by (name) (rate({counted}[$__rate_interval]))", "{{name}}"),
            unit="mpm", width=9, stacked=True, links=[TO_INSTANCE],
        ),
        timeseries(
            "Messages by type",
            "The same by type of message. Plain text sent through the API is an extendedTextMessage.",
            Query(f"60 * sum by (message_type) (rate({counted}[$__rate_interval])) > 0", "{{message_type}}"),
            unit="mpm", width=9, stacked=True,
        ),
        bargauge(
            "Outcome now",
            "The messages of the last answers by the status they have now: each message once.",
            Query(f"sort_desc(sum by (status) ({mirrored('outgoing_window_messages')}) > 0)", "{{status}}",
                  instant=True),
            width=6, unit="locale", overrides=status_overrides(),
        ),
    ]


def _quality() -> list[Panel]:
    settled, counted = mirrored("outgoing_messages_settled_total"), mirrored("outgoing_messages_total")
    steps = [("counted", counted), *((s, mirrored("outgoing_messages_reached_total", status=s)) for s in
             ("sent", "delivered", "read"))]  # fmt: skip
    return [
        bargauge(
            "Final outcome",
            "How messages ended, judged when they were a day old (or as old as the window): the same messages above "
            "and below the line, so the bars add up to 100 %. It lags by that day.",
            Query(
                f"sort_desc(sum by (status) (increase({settled}[$__range])) / on () group_left () "
                f"(sum(increase({settled}[$__range])) > 0) > 0)",
                "{{status}}", instant=True,
            ),
            unit="percentunit", overrides=status_overrides(), most=1, decimals=1,
        ),
        bargauge(
            "Funnel",
            "Messages counted in the chosen time, and how many were sent, delivered and read in it. Reading that "
            "happens later, or of earlier messages, falls outside.",
            [Query(ask.increase(series, "$__range"), title, instant=True) for title, series in steps],
            overrides=[*status_overrides(), override("counted", color=fixed(GREY))], unit="locale", decimals=0,
        ),
        timeseries(
            "No account: now and yesterday",
            "Share of the messages sent through the API whose number has no account, over an hour, against the same "
            "hour yesterday. A lower bound: the journal hides some.",
            [
                Query(ask.no_account(ask.OUTCOME_WINDOW, least=ask.LEAST_MESSAGES), "now"),
                Query(ask.no_account(ask.OUTCOME_WINDOW, least=ask.LEAST_MESSAGES, ago="1d"), "yesterday"),
            ],
            unit="percentunit", overrides=[
                override("now", color=fixed(ORANGE)),
                override("yesterday", color=fixed(GREY), custom__lineStyle={"fill": "dash", "dash": [6, 6]}),
            ],
        ),
        timeseries(
            "No account, by instance",
            "The same by instance. The dashed line is the alert's threshold of 10 %. Shown for hours with more than "
            f"{ask.LEAST_MESSAGES} messages.",
            Query(ask.no_account(ask.OUTCOME_WINDOW, "name", ask.LEAST_MESSAGES), "{{name}}"),
            unit="percentunit", width=12, steps=thresholds("transparent", (0.10, ORANGE)), links=[TO_INSTANCE],
        ),
        timeseries(
            "Failed, yellow card and suspended",
            "Share of the messages that reached one of these, over an hour, all instances. A lower bound.",
            [
                Query(ask.reached(statuses, ask.OUTCOME_WINDOW, least=ask.LEAST_MESSAGES), title) for statuses, title in
                ((("failed", "noActiveSession"), "failed"), (MARKED, "yellow card or suspended"))
            ],
            unit="percentunit", width=12,
            overrides=[override("failed", color=fixed(RED)), override("yellow card or suspended", color=fixed(YELLOW))],
        ),
    ]  # fmt: skip


def _objective() -> list[Panel]:
    return [
        stat(
            "Error budget left, 30 days",
            "Of the 1 % of messages that may fail (failed, yellowCard, suspended) in 30 days, how much is left. "
            "Below 0 the objective is missed.",
            Query(f"1 - {ask.burn('30d')}", instant=True), unit="percentunit", width=6, height=7, decimals=0,
            steps=thresholds(RED, (0, ORANGE), (0.25, YELLOW_TEXT), (0.5, GREEN)), background=False,
        ),
        timeseries(
            "Burn rate",
            "How many times faster than allowed messages fail. 1 uses up the budget in 30 days exactly; 14.4 over an "
            "hour uses 2 % of it and wakes somebody.",
            [Query(ask.burn(window), window) for window in ("1h", "6h", "3d")],
            unit="suffix:x", width=18, height=7, steps=thresholds("transparent", (1, YELLOW), (14.4, RED)),
            overrides=[override("1h", color=fixed(RED)), override("6h", color=fixed(ORANGE)),
                       override("3d", color=fixed("blue"))],
        ),
    ]  # fmt: skip


