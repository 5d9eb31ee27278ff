"""How far a message has come, as tables: the order of its statuses, and what reaching one implies.

Owns nothing but the order; knows no rows and no time.
"""

from __future__ import annotations

from functools import cache

from ..model import ALL_MESSAGE_TYPES, ALL_STATUSES, DELIVERY, NONE, OTHER, READ, STATUS_WORDS

LADDER = (NONE, OTHER, "pending", "yellowCard", "suspended", "sent", "delivered", "read")
"""Statuses that a message climbs; it may skip steps and never goes back."""
FINAL = frozenset({"noAccount", "notInGroup", "failed", "noActiveSession"})
"""Ends that are reached from anything before delivered, and never left."""

_RANK = {status: rank for rank, status in enumerate(LADDER)}
DELIVERED = _RANK["delivered"]

_ON_THE_WAY = ("sent", "delivered", "read")
"""Each implies the ones before it, even when no answer showed them."""

_STAGE = {"delivered": DELIVERY, "read": READ}


def status_label(word: str | None) -> str:
    """The service's status word -> our label: listed, `none` when empty or missing, `other` when unlisted."""
    return STATUS_WORDS.get(word, OTHER) if word else NONE


def type_label(word: str | None) -> str:
    """The service's type word -> our label, as for statuses."""
    return (word if word in _TYPES else OTHER) if word else NONE


_TYPES = frozenset(ALL_MESSAGE_TYPES) - {NONE, OTHER}


@cache
def may_become(status: str, shown: str) -> bool:
    """Whether a message in `status` can be in `shown` next; staying where it is counts as no."""
    if status in FINAL:
        return False
    if shown in FINAL:
        return _RANK[status] < DELIVERED
    return _RANK[shown] > _RANK[status]


def at_least_delivered(status: str) -> bool:
    return status in _STAGE


@cache
def reached(status: str | None, shown: str) -> tuple[str, ...]:
    """The statuses that a message newly reaches when it goes from `status` (None: first seen) to `shown`."""
    if shown not in _ON_THE_WAY:
        return (shown,)
    begin = _ON_THE_WAY.index(status) + 1 if status in _ON_THE_WAY else 0
    return _ON_THE_WAY[begin : _ON_THE_WAY.index(shown) + 1]


@cache
def stages(newly_reached: tuple[str, ...]) -> tuple[str, ...]:
    """The latency stages among newly reached statuses, delivery first."""
    return tuple(_STAGE[status] for status in newly_reached if status in _STAGE)


FURTHEST_FIRST = {
    status: place
    for place, status in enumerate(
        ("read", "delivered", *(s for s in ALL_STATUSES if s in FINAL), *reversed(LADDER[:-2])),
    )
}
"""Which of several rows of one message in one answer speaks for it: the lowest number."""
