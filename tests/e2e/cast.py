"""Who plays in the two days that the pictures and the query tests show, and what befalls them.

The second day is the simulator's scripted one; here are the instances around it, a day before it, refusals by the
service, and the exporter's own outage. Only data; hours are those of the second day, UTC.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from exporter.model import Meaning
from exporter.simulator.account import Account, Rules
from exporter.simulator.plan import Episode, Phase, Plan, Profile
from exporter.simulator.story import DAY, HOUR, day

MIDNIGHT = 1_767_744_000.0
"""Wednesday 7 January 2026, 00:00 UTC: the second day begins."""
BEGIN, END = MIDNIGHT - DAY, MIDNIGHT + 20.5 * HOUR
OUTAGE = (18.0, 18.4)
"""The exporter itself is away."""
ODD_NAME = r'''O'Neil "VIP" \d+ (a|b).*$ {50%} [x]^?'''
"""A name with everything that a query, a regular expression or a URL could trip over."""

_TYPES = {"extendedTextMessage": 75, "imageMessage": 15, "documentMessage": 10}
_NIGHT = Profile(per_hour=3)
_SHOP = Profile(per_hour=90, no_account=0.01, never_delivered=0.01, thumbnails=0)
_SUPPORT = Profile(per_hour=140, phone=0.5, groups=0.2, no_account=0.005, reading=90, evening_readers=0.02)
_REMINDERS = Profile(per_hour=260, groups=0, phone=0, no_account=0.03, evening_readers=0.35)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Every `every`-th call of an instance is answered with `status`, from and until in hours."""

    name: str
    begins: float
    ends: float
    status: int
    every: int

    def covers(self, name: str, hour: float) -> bool:
        return name == self.name and self.begins <= hour < self.ends


REFUSALS = (
    Refusals("support", 13.0, 14.5, 429, 4),
    Refusals("support", 9.0, 9.4, 500, 2),
    Refusals("reminders", 16.2, 16.4, 504, 1),
    Refusals("no statuses", 15.1, 15.3, 504, 1),
    Refusals(ODD_NAME, 8.1, 8.7, 502, 1),
)


FEW = ("campaign", ODD_NAME)
"""Enough of the cast for every panel to show something."""


def cast(volume: float = 1.0, names: Collection[str] = ()) -> list[Account]:
    """The instances, or those named; `volume` multiplies what they send."""
    ban = Episode("blocked", _hour(19.6))
    restart = Episode("starting", _hour(12.0), _hour(12.1))
    plans = {
        "campaign": Plan((*_phases(_SHOP, days=1), *day(MIDNIGHT).phases), day(MIDNIGHT).episodes),
        "support": Plan(_phases(_SUPPORT), (restart,)),
        "reminders": Plan(_phases(_REMINDERS), messenger="max"),
        ODD_NAME: Plan(_phases(replace(_SHOP, no_account=0.03)), (ban,)),
        "no statuses": Plan(_phases(replace(_SHOP, per_hour=40))),
    }
    return [
        Account(
            str(1101000001 + number), f"simulated-token-{number}", _louder(plan, volume), seed="story", name=name,
            rules=Rules(Meaning.SENT, max_lag=20.0), flags={"outgoingWebhook": name != "no statuses"},
        )
        for number, (name, plan) in enumerate(plans.items())
        if name in names or not names
    ]  # fmt: skip


def _hour(hour: float) -> float:
    return MIDNIGHT + hour * HOUR


def _phases(profile: Profile, days: int = 2) -> tuple[Phase, ...]:
    """Quiet nights, and days in which the account behaves as `profile`; from some hours before the story on."""
    hours = ((0, _NIGHT), (7, profile), (12, replace(profile, per_hour=profile.per_hour * 0.7)), (14, profile),
             (21, _NIGHT))  # fmt: skip
    return tuple(
        Phase(_hour(24 * (number - 1) + hour), behaviour) for number in range(days) for hour, behaviour in hours
    )


def _louder(plan: Plan, volume: float) -> Plan:
    """The plan with more messages (or fewer), of three types and without pictures: series and bytes cost time."""

    def louder(profile: Profile) -> Profile:
        return replace(profile, per_hour=profile.per_hour * volume, thumbnails=0.0, types=_TYPES)

    return replace(plan, phases=tuple(Phase(phase.start, louder(phase.profile)) for phase in plan.phases))
