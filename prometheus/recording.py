"""Recording rules: shares over several windows, and the volumes that guard them.

Levels are named for the label that remains beside the target's own, `id_instance` (and `name`, which goes with it).
A share is absent, not NaN, while nothing was counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grafana.promql import PER_INSTANCE, TARGET, selector
from grafana.questions import ARRIVED, BAD, OVERDUE

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
        *(_share(no_account(window), "noAccount", window, options, origin="api") for window in NO_ACCOUNT_WINDOWS),
        *(_share(bad(window), BAD, window, options) for window in BAD_WINDOWS),
        *(_settled(what, statuses, options) for what, statuses in SETTLED.items()),
        Recording(UNDELIVERED, _undelivered()),
    ]


def recorded() -> Mapping[str, frozenset[str]]:
    """Every recorded name -> its labels."""
    return {rule.name: LABELS for rule in recordings(DEFAULTS)}


def _volume(window: str, options: Options) -> Recording:
    counted = f"increase({series('outgoing_messages_total')}[{options.span(window)}])"
    return Recording(volume(window), f"sum without (message_type, origin) ({counted})")


def _share(
    name: str, statuses: str | tuple[str, ...], window: str, options: Options, **only: str | tuple[str, ...]
) -> Recording:
    span = options.span(window)
    part = f"rate({series('outgoing_messages_reached_total', status=statuses, **only)}[{span}])"
    whole = f"rate({series('outgoing_messages_total', **only)}[{span}])"
    return Recording(
        name,
        f"sum without (status, message_type, origin) ({part})\n"
        f"/\n(sum without (message_type, origin) ({whole}) > 0)",
    )  # fmt: skip


def _settled(what: str, statuses: tuple[str, ...], options: Options) -> Recording:
    span = options.span("1d")
    part = f"increase({series('outgoing_messages_settled_total', status=statuses)}[{span}])"
    whole = f"increase({series('outgoing_messages_settled_total')}[{span}])"
    return Recording(settled(what), f"sum without (status) ({part})\n/\n(sum without (status) ({whole}) > 0)")


def _undelivered() -> str:
    late = f"sum without (status, age) ({series('outgoing_waiting_messages', status='sent', age=OVERDUE)})"
    return f"{late}\n/\n(sum without (status, message_type) ({series('outgoing_window_messages')}) > 0)"
