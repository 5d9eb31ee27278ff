"""Stories to play: the demo's three instances, and one scripted day of an account.

Only data: plans for `lives`, and the accounts made of them. All names, numbers and tokens are invented.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .account import Account, Rules
from .plan import Episode, Phase, Plan, Profile

HOUR, DAY = 3600.0, 86400.0

_SHOP_TYPES = {
    "extendedTextMessage": 70, "imageMessage": 12, "documentMessage": 8, "textMessage": 6, "audioMessage": 3,
    "deletedMessage": 1,
}  # fmt: skip
SHOP = Profile(
    per_hour=40, queue=1.5, delivery=5, offline=0.05, offline_for=45, reading=25, evening_readers=0, thumbnails=0.2,
    types=_SHOP_TYPES,
)  # fmt: skip
"""A small shop whose customers react within a minute, so that a demo need not wait for the evening."""
BUSY = replace(SHOP, per_hour=1200)
DIRTY = replace(SHOP, per_hour=1200, no_account=0.22, groups=0.02, phone=0.02, read=0.5)
FRAIL = replace(SHOP, per_hour=900, phone=0, no_account=0.08, never_delivered=0.1)

TROUBLE_BEGINS, LOGGED_OUT = 75.0, 150.0
"""Seconds after the demo's start at which the troubled instance gets its yellow card, and is logged out."""

DEMO_RULES = Rules(max_lag=3.0)


def fleet(start: float, seed: object = 1) -> list[Account]:
    """The demo's accounts at `start`: a day of quiet history behind each, its story ahead.

    `healthy` sends steadily; `dirty-list` writes to numbers of which one in five has no account; `troubled` falls
    into yellowCard after a minute, is logged out after another, and its queue fills.
    """
    quiet = Phase(start - DAY, SHOP)
    trouble = (
        Episode("yellowCard", start + TROUBLE_BEGINS, start + LOGGED_OUT),
        Episode("notAuthorized", start + LOGGED_OUT),
    )
    plans = {
        "healthy": Plan((quiet, Phase(start - 120, BUSY))),
        "dirty-list": Plan((quiet, Phase(start - 120, DIRTY))),
        "troubled": Plan((quiet, Phase(start - 120, FRAIL)), trouble),
    }
    return [account(number, plan, seed, name, DEMO_RULES) for number, (name, plan) in enumerate(plans.items(), 1)]


def steady_fleet(
    count: int, start: float, profile: Profile, seed: object = 1, rules: Rules = DEMO_RULES
) -> list[Account]:
    """`count` accounts that all behave as `profile`, with a day of history, for benchmarks."""
    plan = Plan.steady(start - DAY, profile)
    return [account(number, plan, seed, f"simulated-{number}", rules) for number in range(1, count + 1)]


def account(number: int, plan: Plan, seed: object, name: str, rules: Rules) -> Account:
    """The account with that number: its id and token follow from it."""
    return Account(str(1101000000 + number), f"simulated-token-{number}", plan, seed=seed, name=name, rules=rules)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the scripted day, from and until in hours, with what interrupts the account meanwhile, if anything."""

    title: str
    begins: float
    ends: float
    profile: Profile
    kind: str = ""


_NIGHT = Profile(per_hour=4)
_USUAL = Profile(per_hour=80)
_CAMPAIGN = Profile(per_hour=900, no_account=0.25, groups=0, phone=0, read=0.4)

DAY_CHAPTERS = (
    Chapter("quiet night", 0, 7, _NIGHT),
    Chapter("normal morning", 7, 10, _USUAL),
    Chapter("campaign with a dirty list", 10, 11.5, _CAMPAIGN),
    Chapter("yellow card", 11.5, 12.5, _CAMPAIGN, "yellowCard"),
    Chapter("logged out", 12.5, 13.25, _USUAL, "notAuthorized"),
    Chapter("normal afternoon", 13.25, 15, _USUAL),
    Chapter("stuck queue", 15, 16, _USUAL, "stuck"),
    Chapter("recovered", 16, 17, _USUAL),
    Chapter("service outage", 17, 17.5, _USUAL, "outage"),
    Chapter("evening", 17.5, 22, _USUAL),
    Chapter("quiet night again", 22, 24, _NIGHT),
)


def day(midnight: float) -> Plan:
    """The scripted day as a plan that begins at `midnight` (Unix seconds, UTC) and stays quiet afterwards."""
    phases = tuple(Phase(midnight + chapter.begins * HOUR, chapter.profile) for chapter in DAY_CHAPTERS)
    episodes = tuple(
        Episode(chapter.kind, midnight + chapter.begins * HOUR, midnight + chapter.ends * HOUR)
        for chapter in DAY_CHAPTERS
        if chapter.kind
    )
    return Plan(phases, episodes)
