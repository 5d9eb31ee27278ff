"""Recording rules: shares over several windows, and the volumes that guard them.

Levels are named for the label that remains beside the target's own, `id_instance` (and `name`, which goes with it).
A share is absent, not NaN, while nothing was counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grafana.promql import PER_INSTANCE, TARGET, selector
from grafana.questions import ARRIVED, BAD, OUT_OF_QUEUE, OVERDUE

from .options import DEFAULTS, Options

LEVEL = "id_instance"
LABELS = frozenset((*TARGET, *PER_INSTANCE))
NO_ACCOUNT_WINDOWS = ("30m", "1h", "6h", "3d")
BAD_WINDOWS = ("5m", "30m", "1h", "6h", "3d")
VOLUME_WINDOWS = ("30m", "1h", "6h", "3d")


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording rule."""

    name: str
    expr: str


def series(name: str, **labels: str | tuple[str, ...]) -> str:
    """A selector of a mirrored metric over all instances."""
    return selector(f"greenapi_{name}", labels=labels)


def volume(window: str) -> str:
    """Name of the messages counted in `window`."""
    return f"{LEVEL}:greenapi_outgoing_messages:increase{window}"


def no_account(window: str) -> str:
    """Name of the share of the messages sent by API whose number has no account."""
    return f"{LEVEL}:greenapi_outgoing_no_account:ratio_rate{window}"


def bad(window: str) -> str:
    """Name of the share of the messages that reached failed, yellowCard or suspended."""
    return f"{LEVEL}:greenapi_outgoing_bad:ratio_rate{window}"


def settled(what: str) -> str:
    """Name of a final outcome's share among the messages that settled within a day."""
    return f"{LEVEL}:greenapi_outgoing_{what}:settled_ratio1d"


UNDELIVERED = f"{LEVEL}:greenapi_outgoing_undelivered:ratio"
"""Share of the last answer's messages that were sent over an hour ago and are still not delivered."""
SETTLED = {"delivered": ARRIVED, "read": ("read",), "no_account": ("noAccount",)}


def recordings(options: Options) -> list[Recording]:
    return [
        *(_volume(window, options) for window in VOLUME_WINDOWS),
        *(_no_account(window, options) for window in NO_ACCOUNT_WINDOWS),
        *(_bad(window, options) for window in BAD_WINDOWS),
        *(_settled(what, statuses, options) for what, statuses in SETTLED.items()),
        Recording(UNDELIVERED, _undelivered()),
    ]


def recorded() -> Mapping[str, frozenset[str]]:
    """Every recorded name -> its labels."""
    return {rule.name: LABELS for rule in recordings(DEFAULTS)}


def _volume(window: str, options: Options) -> Recording:
    counted = f"increase({series('outgoing_messages_total')}[{options.span(window)}])"
    return Recording(volume(window), f"sum without (message_type, origin) ({counted})")


def _reached(statuses: str | tuple[str, ...], span: str, **only: str) -> str:
    rate = f"rate({series('outgoing_messages_reached_total', status=statuses, **only)}[{span}])"
    return f"sum without (status, message_type, origin) ({rate})"


def _counted(span: str, **only: str) -> str:
    return f"sum without (message_type, origin) (rate({series('outgoing_messages_total', **only)}[{span}]))"


def _no_account(window: str, options: Options) -> Recording:
    """Of the messages counted, or of those that left the queue if these are more (see `grafana.questions`)."""
    span = options.span(window)
    counted, left = _counted(span, origin="api"), _reached(OUT_OF_QUEUE, span, origin="api")
    part = _reached("noAccount", span, origin="api")
    return Recording(no_account(window), f"{part}\n/\n(({counted} >= {left} or {left}) > 0)")


def _bad(window: str, options: Options) -> Recording:
    span = options.span(window)
    return Recording(bad(window), f"{_reached(BAD, span)}\n/\n({_counted(span)} > 0)")


def _settled(what: str, statuses: tuple[str, ...], options: Options) -> Recording:
    span = options.span("1d")
    part = f"increase({series('outgoing_messages_settled_total', status=statuses)}[{span}])"
    whole = f"increase({series('outgoing_messages_settled_total')}[{span}])"
    return Recording(settled(what), f"sum without (status) ({part})\n/\n(sum without (status) ({whole}) > 0)")


def _undelivered() -> str:
    late = f"sum without (status, age) ({series('outgoing_waiting_messages', status='sent', age=OVERDUE)})"
    return f"{late}\n/\n(sum without (status, message_type) ({series('outgoing_window_messages')}) > 0)"
