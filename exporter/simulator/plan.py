"""What is to happen to a simulated account, as data: messages, habits, phases, interruptions.

Frozen records only; nothing is drawn here. Times are Unix seconds (floats), durations seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from ..model import MESSAGE_TYPES

TYPE_WEIGHTS: Mapping[str, float] = MappingProxyType(
    dict.fromkeys(MESSAGE_TYPES, 0.5)
    | {"extendedTextMessage": 70.0, "textMessage": 5.0, "imageMessage": 12.0, "documentMessage": 5.0}
    | {"videoMessage": 2.0, "audioMessage": 2.0}
)
"""A usual mix in which every documented type occurs (plain text sent by the API is an extendedTextMessage)."""


@dataclass(frozen=True, slots=True)
class Message:
    """One outgoing message and its whole life: `steps` are (status, true time), ascending, the first its acceptance.

    `lag` (0 to 1) is its part of the journal's longest lag. Sizes are in characters; `thumbnail` 0 means none.
    """

    chat: str
    id: str
    steps: tuple[tuple[str, float], ...]
    type: str = "extendedTextMessage"
    by_api: bool = True
    lag: float = 0.0
    text: int = 40
    thumbnail: int = 0

    def __post_init__(self) -> None:
        if not self.steps or any(later < earlier for (_, earlier), (_, later) in pairwise(self.steps)):
            raise ValueError(f"the steps of a message must be at least one, in the order of time: {self.steps}")

    @property
    def created(self) -> float:
        """When the service accepted it."""
        return self.steps[0][1]


@dataclass(frozen=True, slots=True)
class Profile:
    """How an account sends and how its recipients behave. Shares are 0 to 1; durations are medians in seconds."""

    per_hour: float = 60.0
    groups: float = 0.1
    """Share of messages to groups."""
    phone: float = 0.1
    """Share typed on the phone: no queue, not by the API, never without an account."""
    no_account: float = 0.02
    """Share of private API messages to numbers without an account."""
    not_in_group: float = 0.02
    """Share of group messages to groups the account is not a member of."""
    failed: float = 0.005
    never_delivered: float = 0.03
    offline: float = 0.08
    """Share of recipients whose phone is off: delivered after `offline_for` instead of `delivery`."""
    read: float = 0.75
    """Share of the delivered messages that are ever read."""
    evening_readers: float = 0.2
    """Share of the readers who read in the next evening."""
    queue: float = 2.0
    delivery: float = 4.0
    offline_for: float = 5400.0
    reading: float = 360.0
    compress: float = 1.0
    """Divides all waiting, so that a life of hours passes in minutes."""
    types: Mapping[str, float] = field(default_factory=lambda: TYPE_WEIGHTS)
    thumbnails: float = 0.5
    """Share of the media messages that carry a thumbnail (6,000 to 14,000 characters)."""
    contacts: int = 500
    """How many private chats there are, at most 9,000."""


USUAL = Profile()


@dataclass(frozen=True, slots=True)
class Phase:
    """From `start` on the account behaves as `profile`, until the next phase."""

    start: float
    profile: Profile = USUAL


@dataclass(frozen=True, slots=True)
class Episode:
    """An interruption from `start` until before `end`.

    `kind` is an instance state (the state is shown and the queue holds), "stuck" (the queue holds, the state stays),
    or "outage" (the service's HTTP side is down, messages go on).
    """

    kind: str
    start: float
    end: float = math.inf

    def covers(self, now: float) -> bool:
        return self.start <= now < self.end


UNSEEN = frozenset({"stuck", "outage"})
"""Episodes that the instance's state does not show."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will happen to one account: phases ascending by start, episodes in any order."""

    phases: tuple[Phase, ...]
    episodes: tuple[Episode, ...] = ()
    messenger: str = "whatsapp"

    @classmethod
    def steady(cls, start: float, profile: Profile = USUAL, *episodes: Episode) -> Plan:
        return cls((Phase(start, profile),), episodes)
