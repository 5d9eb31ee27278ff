"""GREEN-API / Instance: everything about one instance, reached from the cells of the Fleet dashboard."""

from __future__ import annotations

from exporter.model import DELIVERY, READ

from . import questions as ask
from .board import INSTANCE_UID, Row, board
from .fleet import ANY_IS_BAD
from .look import (
    GREEN,
    GREY,
    ORANGE,
    RED,
    YELLOW,
    Json,
    fixed,
    override,
    state_mappings,
    status_overrides,
    thresholds,
    value_mapping,
)
from .panels import Panel, Query, heatmap, stat, state_timeline, timeseries
from .promql import mirrored, of_all
from .shared import exporter_row, latency_panels
from .tables import SHARE_STEPS

AGE_LOOKS = {
    "under_5m": ("under 5 min", GREEN),
    "5m_1h": ("5 min to 1 h", YELLOW),
    "1h_6h": ("1 to 6 h", ORANGE),
    "over_6h": ("over 6 h", RED),
}


def instance() -> Json:
    rows = [
        Row("$name", _header()),
        Row("Stuck, or only slow?", _queue()),
        Row("Messages", _messages()),
        Row("Latencies", [_delivery_heatmap(), *latency_panels()]),
        Row("Against the others", _against_the_others()),
        Row("Exporter and API", exporter_row(), collapsed=True),
    ]
    return board(INSTANCE_UID, "GREEN-API / Instance", "One GREEN-API instance in full.", rows, one_instance=True)


def _header() -> list[Panel]:
    since = f"{mirrored('instance_state')} == 1"
    arrived = ask.with_statuses(ask.now_share(ask.ARRIVED, ask.EACH))
    return [
        stat(
            "State", "What getStateInstance says of the instance.",
            Query(ask.state_numbers(), instant=True), mappings=state_mappings(), width=4,
        ),
        stat(
            "In this state for",
            "How long the present state has lasted, as far as the last day shows.",
            Query(state_lasts(since), instant=True), unit="s", decimals=0, width=4, background=False,
            steps=thresholds("text"), none="unknown",
        ),
        stat(
            "Id, messenger", "Number of the instance, its messenger, and the API host that is asked.",
            Query(mirrored("instance_info"), "{{id_instance}} · {{messenger}} · {{api_host}}", instant=True),
            text="name", width=8, background=False, steps=thresholds("text"), size=20,
        ),
        stat(
            "Statuses",
            "Whether the instance's setting outgoingWebhook is on. While it is off the journal stops at sent: "
            "nothing below about delivery and reading is true.",
            Query(f"max({mirrored('instance_setting_enabled', setting='outgoingWebhook')})", instant=True),
            mappings=value_mapping({"0": ("OFF", RED), "1": ("on", GREEN)}), width=4,
            none="unknown",
        ),
        stat(
            "Data age", "How old the newest data are.",
            Query(ask.data_age(), instant=True), unit="s", decimals=0, width=4,
            steps=thresholds(GREEN, (300, YELLOW), (900, RED)),
        ),
        state_timeline(
            "State over time", "getStateInstance over time. A gap: unknown.",
            Query(ask.state_numbers(), "state"), state_mappings(), height=4,
        ),
        stat(
            "Sent", "Messages counted in the chosen time.",
            Query(ask.increase(mirrored("outgoing_messages_total"), "$__range"), instant=True), decimals=0,
            unit="locale", background=False, steps=thresholds("blue"),
        ),
        stat(
            "Delivered now", "Of the messages in the last answer, the share that has been delivered (or read).",
            Query(arrived, instant=True), unit="percentunit", decimals=0, background=False,
            steps=thresholds("light-green"), none="statuses off",
        ),
        stat(
            "Read now", "Of the messages in the last answer, the share that has been read.",
            Query(ask.with_statuses(ask.now_share("read", ask.EACH)), instant=True), unit="percentunit", decimals=0,
            background=False, steps=thresholds("dark-green"), none="statuses off",
        ),
        stat(
            "No account",
            "Share of the messages sent through the API, in the chosen time, whose number has no account.",
            Query(ask.no_account("$__range"), instant=True), unit="percentunit", decimals=1, steps=SHARE_STEPS,
            background=False, none="nothing sent",
        ),
        stat(
            "Failed",
            "Share of the messages in the chosen time that reached failed, yellowCard or suspended.",
            Query(ask.reached(ask.BAD, "$__range"), instant=True), unit="percentunit", decimals=1, steps=SHARE_STEPS,
            background=False, none="nothing sent",
        ),
        stat(
            "Query failing", "1 if the last question to the service failed: then what you see is old.",
            Query(f"max(1 - {mirrored('up')})", instant=True), steps=ANY_IS_BAD,
            mappings=value_mapping({"0": ("no", GREEN), "1": ("YES", RED)}),
        ),
    ]  # fmt: skip


def state_lasts(since: str) -> str:
    """Minutes of the last day in which the present state held without a change, in seconds."""
    state = mirrored("instance_state")
    last_other = f"max_over_time((timestamp({state} == 0))[1d:1m])"
    return f"max((time() - {last_other}) and ({since})) or max(({since}) * 86400)"


def _queue() -> list[Panel]:
    left = mirrored("outgoing_messages_reached_total", status=("sent", "noAccount", "notInGroup", "failed"))
    return [
        timeseries(
            "Oldest pending message",
            "How long the oldest queued message has waited. It grows by a minute a minute while nothing leaves.",
            Query(f"({ask.oldest_pending()}) / 60", "oldest"), unit="m", width=8,
            steps=thresholds("transparent", (15, YELLOW), (1200, RED)),
            overrides=[override("oldest", color=fixed(GREY))],
        ),
        timeseries(
            "Arriving and leaving",
            "Messages that entered the queue and messages that left it, a minute. Arriving without leaving: stuck. "
            "Both, with a growing queue: only slow.",
            [
                Query(f"60 * sum(rate({mirrored('outgoing_messages_total')}[$__rate_interval]))", "counted"),
                Query(f"60 * sum(rate({left}[$__rate_interval]))", "left the queue"),
            ],
            unit="mpm", width=8, overrides=[override("counted", color=fixed(GREY)),
                                            override("left the queue", color=fixed("blue"))],
        ),
        timeseries(
            "Queue by age", "Messages that wait in the queue, by how long they have waited.",
            by_age("pending"), unit="short", width=8, stacked=True, overrides=_ages(),
        ),
    ]  # fmt: skip


def _ages() -> list[Json]:
    return [override(title, color=fixed(colour)) for title, colour in AGE_LOOKS.values()]


def by_age(status: str) -> list[Query]:
    """One query for each age, the freshest first."""
    return [
        Query(f"sum({mirrored('outgoing_waiting_messages', status=status, age=age)})", title)
        for age, (title, _) in AGE_LOOKS.items()
    ]


def _messages() -> list[Panel]:
    return [
        timeseries(
            "Present statuses",
            "The messages of each answer by the status they had then; each message once, so the areas may be added.",
            by_status("sum({})", "outgoing_window_messages"), unit="short", width=12, stacked=True,
            overrides=status_overrides(),
        ),
        timeseries(
            "New statuses a minute",
            "Messages that reached each status, a minute. One message reaches several, so do not add them.",
            by_status("60 * sum(rate({}[$__rate_interval]))", "outgoing_messages_reached_total"), unit="mpm",
            width=12, overrides=status_overrides(),
        ),
        timeseries(
            "By type", "Messages counted, a minute, by type.",
            Query("60 * sum by (message_type) "
                  f"(rate({mirrored('outgoing_messages_total')}[$__rate_interval])) > 0", "{{message_type}}"),
            unit="mpm", stacked=True,
        ),
        timeseries(
            "Sent and not delivered, by age",
            "Messages that left and have not arrived, by how long ago that was.",
            by_age("sent"), unit="short", stacked=True, overrides=_ages(),
        ),
        timeseries(
            "Chats", "Different chats among the messages of each answer.",
            Query(f"sum by (chat_type) ({mirrored('outgoing_window_chats')})", "{{chat_type}}"), unit="short",
        ),
    ]  # fmt: skip


def by_status(question: str, name: str) -> list[Query]:
    """One query for each status that all accounts show, so that they stand in the order of a message's life."""
    life = ("read", "delivered", "sent", "pending", "noAccount", "notInGroup", "failed", "yellowCard")
    return [Query(question.format(mirrored(name, status=status)), status) for status in life]


def _delivery_heatmap() -> Panel:
    series = mirrored("outgoing_delivery_latency_seconds_bucket")
    return heatmap(
        "From sending to delivery",
        "Each column is a moment, each line a span: the stronger its colour, the more messages were "
        "delivered after so long.",
        Query(f"sum by (le) (increase({series}[$__rate_interval]))", "{{le}}", form="heatmap"), width=24, height=8,
    )  # fmt: skip


def _against_the_others() -> list[Panel]:
    window, least = ask.OUTCOME_WINDOW, ask.LEAST_MESSAGES
    return [
        _pair("No account", "Share of numbers without an account, over an hour", "percentunit", ORANGE,
              ask.no_account(window, least=least), ask.no_account(window, ask.EACH, least, of=of_all)),
        _pair("Delivered now", "Share of the last answer's messages that have arrived", "percentunit", "light-green",
              ask.now_share(ask.ARRIVED), ask.with_statuses(ask.now_share(ask.ARRIVED, ask.EACH, of_all), of_all)),
        _pair("Read now", "Share of the last answer's messages that have been read", "percentunit", "dark-green",
              ask.now_share("read"), ask.with_statuses(ask.now_share("read", ask.EACH, of_all), of_all)),
        _pair("Failed, yellow card, suspended", "Share of bad ends, over an hour", "percentunit", RED,
              ask.reached(ask.BAD, window, least=least), ask.reached(ask.BAD, window, ask.EACH, least, of_all)),
        _pair("Median delivery", "Half of the messages are delivered so fast, over an hour", "m", "light-green",
              minutes(ask.quantile(0.5, DELIVERY, window)),
              minutes(ask.quantile(0.5, DELIVERY, window, ask.EACH, of=of_all))),
        _pair("Median reading", "Half of the read messages are read so fast, over an hour", "m", "dark-green",
              minutes(ask.quantile(0.5, READ, window)),
              minutes(ask.quantile(0.5, READ, window, ask.EACH, of=of_all))),
    ]  # fmt: skip


def minutes(expr: str) -> str:
    """Seconds in minutes: an axis of seconds has its marks at 16.7 min."""
    return f"({expr}) / 60"


def _pair(title: str, what: str, unit: str, colour: str, mine: str, others: str) -> Panel:
    return timeseries(
        title, f"{what}, beside the median over all instances (dashed).",
        [Query(mine, "this instance"), Query(f"quantile(0.5, {others})", "median of all")], unit=unit,
        overrides=[
            override("this instance", color=fixed(colour)),
            override("median of all", color=fixed(GREY), custom__lineStyle={"fill": "dash", "dash": [6, 6]}),
        ],
    )  # fmt: skip
