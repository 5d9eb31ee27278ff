"""The questions that both dashboards ask, as PromQL: which form answers which is the contract's last section.

`by` are the labels that the answer keeps; `of` makes the selectors: `mirrored` for the chosen instances.
"""

from __future__ import annotations

from collections.abc import Callable

from exporter.model import STATES

from .look import state_number
from .promql import mirrored

EACH = "id_instance, name"
OUT_OF_QUEUE = ("sent", "noAccount", "notInGroup")
"""What a message becomes that leaves the queue."""
BAD = ("failed", "yellowCard", "suspended")
OVERDUE = ("1h_6h", "over_6h")
ARRIVED = ("delivered", "read")
"""Present statuses of a message that has been delivered."""
OUTCOME_WINDOW = "1h"
"""Shares of what was counted are taken over so long: in shorter spans statuses and messages do not meet."""
LEAST_MESSAGES = 20
"""A share of fewer messages says little."""
LEAST_LATENCIES = 8
OBJECTIVE = 0.99
"""Share of the messages that should not end as failed, yellowCard or suspended."""

Selectors = Callable[..., str]


def grouped(what: str, by: str, how: str = "sum") -> str:
    return f"{how} by ({by}) ({what})" if by else f"{how}({what})"


def increase(series: str, window: str, by: str = "", ago: str = "") -> str:
    """How much `series` grew in `window`, which ended `ago`."""
    return grouped(f"increase({series}[{window}]{ago and f' offset {ago}'})", by)


def share(part: str, whole: str, window: str, by: str = "", least: int = 0) -> str:
    """Increase of `part` over increase of `whole`; nothing where `whole` is not above `least`."""
    return f"{increase(part, window, by)} / ({increase(whole, window, by)} > {least})"


def no_account(window: str, by: str = "", least: int = 0, ago: str = "", of: Selectors = mirrored) -> str:
    """Share of the messages sent by API whose number has no account.

    Of the messages counted in `window`, or of those that left the queue if these are more: when a jam dissolves, what
    was counted long ago turns out to have no account, and the share would exceed 100 %.
    """
    part = of("outgoing_messages_reached_total", status="noAccount", origin="api")
    counted = increase(of("outgoing_messages_total", origin="api"), window, by, ago)
    left = increase(of("outgoing_messages_reached_total", status=OUT_OF_QUEUE, origin="api"), window, by, ago)
    return f"{increase(part, window, by, ago)} / (({counted} >= {left} or {left}) > {least})"


def reached(
    statuses: str | tuple[str, ...], window: str, by: str = "", least: int = 0, of: Selectors = mirrored
) -> str:
    """Share of the counted messages that reached one of the exclusive `statuses`."""
    part = of("outgoing_messages_reached_total", status=statuses)
    return share(part, of("outgoing_messages_total"), window, by, least)


def now_share(statuses: str | tuple[str, ...], by: str = "", of: Selectors = mirrored) -> str:
    """Share of the last answer's messages whose present status is one of `statuses`; nothing while statuses are off."""
    part = grouped(of("outgoing_window_messages", status=statuses), by)
    whole = grouped(of("outgoing_window_messages"), by)
    return f"{part} / ({whole} > 0)"


def with_statuses(expr: str, of: Selectors = mirrored) -> str:
    """`expr` (by EACH) without the instances whose statuses are off: they would show 0 % delivered."""
    return f"({expr}) unless on ({EACH}) {of('instance_setting_enabled', setting='outgoingWebhook')} == 0"


def quantile(
    q: float, stage: str, window: str, by: str = "", least: int = LEAST_LATENCIES, of: Selectors = mirrored
) -> str:
    """A quantile of a latency in seconds; nothing where fewer than `least` were observed, for these tell chance."""
    labels = f"{by}, le" if by else "le"
    histogram = f"outgoing_{stage}_latency_seconds"
    enough = f"{increase(of(f'{histogram}_count'), window, by)} >= {least}"
    return f"histogram_quantile({q}, {increase(of(f'{histogram}_bucket'), window, labels)}) and {enough}"


def within(bucket: float, window: str, by: str = "") -> str:
    """Share of the counted messages that were read within `bucket` seconds; the unread count below the line too."""
    part = mirrored("outgoing_read_latency_seconds_bucket", le=str(float(bucket)))
    return share(part, mirrored("outgoing_messages_total"), window, by)


def latency_error(stage: str, window: str) -> str:
    """Mean uncertainty of one latency, in seconds."""
    part = mirrored("outgoing_latency_uncertainty_seconds_total", stage=stage)
    return share(part, mirrored(f"outgoing_{stage}_latency_seconds_count"), window)


def state_numbers(by: str = EACH) -> str:
    """The present state of each instance as a number, for panels that draw numbers only."""
    each = (f"{mirrored('instance_state', state=state)} * {state_number(state)}" for state in STATES)
    return grouped(" or ".join(each), by)


def in_state(*states: str, by: str = "") -> str:
    """How many instances are in one of the states; nothing, not 0, when no state is known."""
    return grouped(mirrored("instance_state", state=states), by)


def overdue(by: str = "") -> str:
    """Messages sent over an hour ago that have not been delivered; not of instances whose statuses are off."""
    late = grouped(mirrored("outgoing_waiting_messages", status="sent", age=OVERDUE), EACH)
    return grouped(with_statuses(late), by)


def oldest_pending(by: str = "") -> str:
    """Age of the oldest message in the queue; 0 only where an answer shows an empty queue."""
    age = grouped(f"time() - {mirrored('outgoing_oldest_pending_timestamp_seconds')}", by, "max")
    return f"{age} or {grouped('0 * ' + mirrored('outgoing_waiting_messages', status='pending'), by, 'max')}"


_AGE = f"clamp_min(time() - {mirrored('last_success_timestamp_seconds')}, 0)"
"""A query ends a little after the time that Prometheus gives to its scrape, hence never below 0."""


def data_age(by: str = "") -> str:
    """Seconds since the last successful query."""
    return grouped(_AGE, by, "max")


def intervals_behind(by: str = "") -> str:
    """Age of the data in intervals in force, taken as a minute at least: more often hardly anybody scrapes."""
    return grouped(f"{_AGE} / clamp_min({mirrored('query_interval_seconds')}, 60)", by, "max")


def rate_limited(window: str, by: str = "") -> str:
    """Share of the calls that the service refused as too frequent."""
    return share(mirrored("api_requests_total", outcome="rate_limited"), mirrored("api_requests_total"), window, by)


def burn(window: str, by: str = "") -> str:
    """How many times faster than allowed the error budget is used; 1 uses it up exactly."""
    return f"({reached(BAD, window, by)}) / {1 - OBJECTIVE:g}"


def badness() -> str:
    """A number to sort instances by, worst first: what stops all sending weighs most."""
    weights = {"blocked": 90, "notAuthorized": 80, "pendingCode": 80, "pendingPassword": 80, "suspended": 60}
    weights |= {"yellowCard": 60, "starting": 30, "sleepMode": 30, "other": 30}
    terms = [f"{mirrored('instance_state', state=state)} * {weight}" for state, weight in weights.items()]
    terms.append(_term("failing", f"50 * (1 - {mirrored('up')})"))
    stuck = f"time() - {mirrored('outgoing_oldest_pending_timestamp_seconds')}"
    terms.append(_term("stuck", f"clamp_max(({stuck}) / 60, 40)"))
    terms.append(_term("dirty", f"clamp_max(100 * ({no_account('$__range', EACH)}), 25)"))
    return grouped(" or ".join(terms), EACH)


def _term(part: str, expr: str) -> str:
    """`expr` as a summand of its own: a label keeps it apart from the others until they are added up."""
    return f'label_replace({expr}, "part", "{part}", "", "")'
