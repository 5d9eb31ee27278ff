"""Everything about the rules that somebody may want otherwise: addresses, the job's name, thresholds, patience."""

from __future__ import annotations

import re
from dataclasses import dataclass

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Options:
    """`scale` multiplies all `for` times and ranges: below 1 for rehearsals on a story that is played fast."""

    job: str = "greenapi"
    dashboards_url: str = "http://localhost:3000"
    runbooks_url: str = "https://example.com/greenapi-exporter/docs/runbooks.md"
    scale: float = 1.0

    stale_intervals: int = 3
    """Data older than so many query intervals are stale..."""
    stale_at_least: int = 300
    """...but not before so many seconds."""
    no_account_high: float = 0.10
    no_account_jump: float = 3.0
    """Times the share of the same hour yesterday."""
    no_account_worth_a_jump: float = 0.03
    """A smaller share is no reason to alert, however small it was yesterday."""
    no_account_least: int = 10
    """Fewer numbers without an account in an hour may be chance."""
    objective: float = 0.99
    """Share of the messages that should not end as failed, yellowCard or suspended."""
    delivery_slow: int = 300
    """Seconds within which half of the messages should be delivered."""
    undelivered_share: float = 0.15
    undelivered_times_usual: float = 2.0
    stuck: int = 900
    """Seconds that the oldest pending message may wait."""
    near_expiry: int = 72_000
    """Seconds after which it is in danger: the service drops queued messages at 24 hours."""
    stalled_messages: int = 5
    rate_limited: float = 0.05
    api_errors: float = 0.20
    gap: int = 60
    """Seconds of uncovered journal time in an hour."""
    least_messages: int = 20
    """Shares of fewer messages are noise."""

    def span(self, duration: str) -> str:
        """A duration such as 30m, scaled, as Prometheus writes it."""
        return duration if self.scale == 1 else f"{max(1, round(seconds(duration) * self.scale * 1000))}ms"


def seconds(duration: str) -> float:
    """A duration of one unit, such as 30m, in seconds."""
    found = re.fullmatch(r"(\d+)(ms|[smhd])", duration)
    if found is None:
        raise ValueError(f"{duration!r} is not a duration such as 30m")
    return int(found[1]) * _UNITS[found[2]]


DEFAULTS = Options()
