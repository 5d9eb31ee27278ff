"""The alerts: what must be true for how long, who is to know, and what they are told.

Severity: `critical` wakes somebody (customers get no messages now, or nobody is watching), `warning` is for the working
day, `info` is for reading. Every alert has a section of the same name in docs/runbooks.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from grafana.board import FLEET_UID, INSTANCE_UID
from grafana.look import LOGGED_OUT, MARKED
from grafana.promql import selector
from grafana.questions import OVERDUE

from .options import Options
from .recording import UNDELIVERED, bad, no_account, series, volume

CRITICAL, WARNING, INFO = "critical", "warning", "info"
PERCENT = "{{ $value | humanizePercentage }}"
AGE = "{{ $value | humanizeDuration }}"
NAME = "{{ $labels.name }}"
EMPTIES_THE_QUEUE = ("sent", "noAccount", "notInGroup", "failed")
PLAIN_FAILURES = (
    "bad_request", "server_error", "http_other", "refused", "malformed", "too_large", "timeout", "network", "tls",
    "internal",
)  # fmt: skip
"""Outcomes that no other alert is about."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule. `patience` is its `for`; `summary` holds no template, `description` tells the values."""

    name: str
    expr: str
    patience: str
    severity: str
    summary: str
    description: str
    board: str = INSTANCE_UID


def alerts(options: Options) -> dict[str, list[Alert]]:
    """Groups of alerts by subject, in the order in which they are asked."""
    return {
        "greenapi-exporter": _exporter(options),
        "greenapi-instances": _instances(),
        "greenapi-lists": _lists(options),
        "greenapi-failures": _failures(options),
        "greenapi-delivery": _delivery(options),
        "greenapi-queue": _queue(options),
        "greenapi-api": _api(options),
    }


def _unless_told(alert: str, window: str, options: Options) -> str:
    """Not while a graver alert of the same instance tells of it, nor afterwards while it still stands in `window`."""
    told = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    return f"unless ignoring (alertname, alertstate, severity) max_over_time({told}[{options.span(window)}])"


def _exporter(options: Options) -> list[Alert]:
    up = f'up{{job="{options.job}"}}'
    interval = f"{options.stale_intervals} * {series('query_interval_seconds')}"
    return [
        Alert(
            "GreenApiExporterDown", f"max without (name) ({up}) == 0", "2m", CRITICAL,
            "Prometheus cannot scrape the exporter",
            "{{ $labels.instance }} of job {{ $labels.job }} has not answered for 2 minutes: nobody watches its "
            "GREEN-API instances.", FLEET_UID,
        ),
        Alert(
            "GreenApiExporterAbsent", f"absent({up})", "5m", CRITICAL,
            "Prometheus has no exporter to scrape",
            "There is no target of job {{ $labels.job }}: nobody watches GREEN-API.", FLEET_UID,
        ),
        Alert(
            "GreenApiQueryFailing", f"{series('up')} == 0", "5m", WARNING,
            "An instance's queries fail",
            f"Every query of {NAME} has failed for 5 minutes; its figures are old. Messages may well be sent.",
        ),
        Alert(
            "GreenApiDataStale",
            f"time() - {series('last_success_timestamp_seconds')} > clamp_min({interval}, {options.stale_at_least})",
            "5m", WARNING, "An instance's figures are stale",
            f"The last successful query of {NAME} was {AGE} ago, more than {options.stale_intervals} of its intervals.",
        ),
        Alert(
            "GreenApiStateNotSaved",
            f"increase({selector('greenapi_exporter_state_failures_total')}[{options.span('10m')}]) > 0", "5m",
            WARNING, "The exporter cannot write its state file",
            "{{ $labels.instance }} failed {{ $value | humanize }} times in 10 minutes to save its state; meanwhile "
            "all its counters stand still.", FLEET_UID,
        ),
        Alert(
            "GreenApiConfigNotLoaded", f"{selector('greenapi_exporter_config_last_reload_successful')} == 0", "5m",
            WARNING, "The exporter's configuration was refused",
            "{{ $labels.instance }} found its new configuration invalid and goes on with the old one.", FLEET_UID,
        ),
    ]  # fmt: skip


def _instances() -> list[Alert]:
    def state(*words: str) -> str:
        return f"max without (state) ({series('instance_state', state=words)}) == 1"

    off = f"{series('instance_setting_enabled', setting='outgoingWebhook')} == 0"
    return [
        Alert(
            "GreenApiInstanceBlocked", state("blocked"), "1m", CRITICAL, "An instance is blocked by the messenger",
            f"{NAME} is blocked: it cannot send, and its queue is lost after 24 hours.",
        ),
        Alert(
            "GreenApiInstanceLoggedOut", state(*LOGGED_OUT), "3m", CRITICAL, "An instance is logged out",
            f"{NAME} is not authorized: nothing is sent until somebody links the phone again.",
        ),
        Alert(
            "GreenApiInstanceYellowCard", state(*MARKED), "2m", WARNING, "An instance has a yellow card",
            f"The messenger has restricted {NAME} for suspicious sending: its queue waits, and a ban may follow.",
        ),
        Alert(
            "GreenApiInstanceNotReady", state("starting", "sleepMode"), "15m", WARNING,
            "An instance does not get ready",
            f"{NAME} has been starting or asleep for 15 minutes.",
        ),
        Alert(
            "GreenApiStatusesDisabled", off, "15m", INFO, "An instance's statuses are switched off",
            f"The setting outgoingWebhook of {NAME} is off: its delivery and read figures are blind.",
        ),
    ]  # fmt: skip


def _lists(options: Options) -> list[Alert]:
    now, day, least = no_account("1h"), options.span("1d"), options.least_messages
    return [
        Alert(
            "GreenApiNoAccountHigh",
            f"{no_account('30m')} > {options.no_account_high}\nand {volume('30m')} >= {least}", "5m", WARNING,
            "Many numbers have no account",
            f"Of the messages that {NAME} sent through the API in 30 minutes, {PERCENT} went to numbers without an "
            "account: the list is bad, and a ban is near.",
        ),
        Alert(
            "GreenApiNoAccountJump",
            f"{now} > {options.no_account_jump:g} * ({now} offset {day})\n"
            f"and {now} > {options.no_account_worth_a_jump}\n"
            f"and {now} * {volume('1h')} >= {options.no_account_least}\n"
            f"and {volume('1h')} >= {least}\nand {volume('1h')} offset {day} >= {least}\n"
            f"{_unless_told('GreenApiNoAccountHigh', '1h', options)}", "10m", WARNING,
            "Many more numbers without an account than yesterday",
            f"{PERCENT} of the numbers that {NAME} wrote to in an hour have no account, more than "
            f"{options.no_account_jump:g} times the share of yesterday's same hour.",
        ),
    ]  # fmt: skip


def _failures(options: Options) -> list[Alert]:
    budget = 1 - options.objective

    def burns(times: float, long: str, short: str, least: int) -> str:
        limit = f"{times * budget:g}"
        return f"{bad(long)} > {limit}\nand {bad(short)} > {limit}\nand {volume(long)} >= {least}"

    told = f"{PERCENT} of the messages of {NAME} failed or met a yellow card in"
    least = options.least_messages
    return [
        Alert(
            "GreenApiSendFailuresFastBurn", burns(14.4, "1h", "5m", least), "2m", CRITICAL,
            "Messages fail at a rate that uses up the month's budget in two days", f"{told} the last hour.",
        ),
        Alert(
            "GreenApiSendFailuresBurn", burns(6, "6h", "30m", 2 * least), "15m", WARNING,
            "Messages fail at a rate that uses up the month's budget in five days", f"{told} the last 6 hours.",
        ),
        Alert(
            "GreenApiSendFailuresSlowBurn", burns(1, "3d", "6h", 5 * least), "1h", INFO,
            "Messages fail a little more often than the objective allows", f"{told} the last 3 days.",
        ),
    ]  # fmt: skip


def _delivery(options: Options) -> list[Alert]:
    blind = f"unless ignoring (setting) {series('instance_setting_enabled', setting='outgoingWebhook')} == 0"
    half_hour = options.span("30m")
    buckets = f"increase({series('outgoing_delivery_latency_seconds_bucket')}[{half_hour}])"
    measured = f"increase({series('outgoing_delivery_latency_seconds_count')}[{half_hour}])"
    late = f"sum without (status, age) ({series('outgoing_waiting_messages', status='sent', age=OVERDUE)})"
    usual = f"avg_over_time({UNDELIVERED}[{options.span('1d')}] offset {options.span('6h')})"
    return [
        Alert(
            "GreenApiDeliverySlow",
            f"histogram_quantile(0.5, sum without (message_type) ({buckets}))\n"
            f"  > clamp_min(2 * {series('query_interval_seconds')}, {options.delivery_slow})\n"
            f"and sum without (message_type) ({measured}) >= {options.least_messages}\n{blind}", "10m", WARNING,
            "Messages reach the phones slowly",
            f"Half of the messages of {NAME} took longer than {AGE} to be delivered in the last 30 minutes.",
        ),
        Alert(
            "GreenApiSilentNonDelivery",
            f"{UNDELIVERED} > {options.undelivered_share}\n"
            f"and {UNDELIVERED} > {options.undelivered_times_usual:g} * {usual}\n"
            f"and {late} >= {options.least_messages}\n{blind}", "30m", WARNING,
            "Messages are sent and do not arrive",
            f"{PERCENT} of the messages of {NAME} were sent over an hour ago and have not arrived, more than "
            f"{options.undelivered_times_usual:g} times as many as usual: perhaps the messenger filters silently.",
        ),
    ]  # fmt: skip


def _queue(options: Options) -> list[Alert]:
    age = (
        f"{series('last_success_timestamp_seconds')} - "
        f"{series('outgoing_oldest_pending_timestamp_seconds')}"
    )  # fmt: skip
    leaving = f"increase({series('outgoing_messages_reached_total', status=EMPTIES_THE_QUEUE)}[{options.span('15m')}])"
    return [
        Alert(
            "GreenApiMessagesStuck", f"{age} > {options.stuck}", "2m", WARNING, "Messages wait in the queue",
            f"The oldest queued message of {NAME} has waited for {AGE}.",
        ),
        Alert(
            "GreenApiMessagesNearExpiry", f"{age} > {options.near_expiry}", "1m", CRITICAL,
            "Queued messages will soon be dropped",
            f"The oldest queued message of {NAME} has waited for {AGE}; the service drops it at 24 hours.",
        ),
        Alert(
            "GreenApiSendingStalled",
            f"sum without (status, age) ({series('outgoing_waiting_messages', status='pending')}) "
            f">= {options.stalled_messages}\n"
            f"and sum without (status, message_type, origin) ({leaving}) == 0\n"
            f"and {series('up')} == 1\n"
            f"and {series('query_interval_seconds')} <= 300", "10m", CRITICAL, "Nothing leaves the queue",
            f"{{{{ $value }}}} messages of {NAME} wait, and none has left the queue for 15 minutes.",
        ),
    ]  # fmt: skip


def _api(options: Options) -> list[Alert]:
    calls = f"sum without (method, outcome) (increase({series('api_requests_total')}[{options.span('30m')}]))"

    def ended(outcomes: str | tuple[str, ...], window: str) -> str:
        failed = series("api_requests_total", outcome=outcomes)
        return f"sum without (method, outcome) (increase({failed}[{options.span(window)}]))"

    limited, failed = ended("rate_limited", "30m"), ended(PLAIN_FAILURES, "30m")
    gap = series("outgoing_coverage_gap_seconds_total")
    return [
        Alert(
            "GreenApiRateLimited", f"{limited} / ({calls} > 0) > {options.rate_limited}\nand {limited} >= 3", "5m",
            WARNING, "The service refuses calls as too frequent",
            f"{PERCENT} of the calls for {NAME} in 30 minutes were answered with 429: something else asks the same "
            "instance, too.",
        ),
        Alert(
            "GreenApiQuotaExceeded", f"{ended('quota_exceeded', '2h')} > 0", "0m", WARNING,
            "The month's calls are used up",
            f"The service answered {NAME} with 466: the tariff's monthly quota is used up, and figures stand still.",
        ),
        Alert(
            "GreenApiApiErrors",
            f"{failed} / ({calls} > 0) > {options.api_errors}\nand {failed} >= 3\n"
            f"{_unless_told('GreenApiQueryFailing', '30m', options)}", "10m", WARNING,
            "Many calls of the service fail",
            f"{PERCENT} of the calls for {NAME} failed in 30 minutes.",
        ),
        Alert(
            "GreenApiCoverageGap", f"increase({gap}[{options.span('1h')}]) > {options.gap}", "0m", INFO,
            "Messages may be uncounted",
            f"{AGE} of the journal of {NAME} were covered by no answer: messages of that time may be uncounted.",
        ),
    ]  # fmt: skip
