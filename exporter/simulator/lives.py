"""What happens to messages: who gets one, of which type, and when it reaches which status, drawn from a seed.

Pure: the same seed and plan give the same lives, however and whenever they are asked for. Knows nothing of journals,
answers or HTTP. Times are Unix seconds (floats). Hours of the day are UTC.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from random import Random

from .plan import Episode, Message, Phase, Plan, Profile

WITH_THUMBNAIL = frozenset({"imageMessage", "videoMessage", "documentMessage", "stickerMessage", "locationMessage"})
MARKS = frozenset({"yellowCard", "suspended"})
"""Episodes that a message shows as its own status when it should have left the queue."""
EVENING = 18.5
"""The hour at which those who read in the evening begin to."""
CATCHING_UP = 60.0
"""Within so many seconds after an interruption the held messages leave the queue."""

Steps = tuple[tuple[str, float], ...]


def lives(seed: object, plan: Plan) -> Iterator[Message]:
    """Yield the plan's messages without end (unless the last phase sends nothing), ascending by `created`."""
    rng = Random(str(seed))
    holds = sorted((e for e in plan.episodes if e.kind != "outage"), key=lambda episode: episode.start)
    for phase, following in zip_longest(plan.phases, plan.phases[1:]):
        end = following.start if following else math.inf
        drawing = _Drawing(rng, phase.profile, plan.messenger, holds)
        for at in _arrivals(rng, phase, end):
            yield drawing.message(at)


def _arrivals(rng: Random, phase: Phase, end: float) -> Iterator[float]:
    """A Poisson process: it has no memory, so each phase may simply begin afresh."""
    if phase.profile.per_hour <= 0:
        return
    at = phase.start
    while (at := at + rng.expovariate(phase.profile.per_hour / 3600)) < end:
        yield at


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Draws the messages of one phase; `holds` are the episodes that stop the queue, ascending by start."""

    rng: Random
    profile: Profile
    messenger: str
    holds: list[Episode]

    def message(self, at: float) -> Message:
        rng, profile = self.rng, self.profile
        group = rng.random() < profile.groups
        by_api = rng.random() >= profile.phone
        fate = self._fate(group, by_api)
        kind = rng.choices(tuple(profile.types), tuple(profile.types.values()))[0]
        pictured = kind in WITH_THUMBNAIL and rng.random() < profile.thumbnails
        return Message(
            chat=self._chat(group, fate),
            id=self._id(by_api, at),
            steps=self._steps(at, by_api, fate),
            type=kind,
            by_api=by_api,
            lag=rng.random(),
            text=min(4000, int(rng.lognormvariate(math.log(80), 0.9))),
            thumbnail=rng.randrange(6000, 14000) if pictured else 0,
        )

    def _fate(self, group: bool, by_api: bool) -> str:
        """The last status the message would reach if nothing interrupted the account."""
        profile, luck = self.profile, self.rng.random
        if by_api and luck() < (profile.not_in_group if group else profile.no_account):
            return "notInGroup" if group else "noAccount"
        if luck() < profile.failed:
            return "failed"
        if luck() < profile.never_delivered:
            return "sent"
        return "read" if luck() < profile.read else "delivered"

    def _chat(self, group: bool, fate: str) -> str:
        """An invented chat. Numbers without an account are others than those with one, and stay without."""
        bare = self.messenger in ("max", "telegram")
        if group:
            number = f"{'-69' if bare else '120363'}{self.rng.randrange(40):012d}"
        elif fate == "noAccount":
            number = f"79000009{self.rng.randrange(1000):03d}"
        else:
            number = f"7900000{self.rng.randrange(min(self.profile.contacts, 9000)):04d}"
        return number if bare else f"{number}@{'g' if group else 'c'}.us"

    def _id(self, by_api: bool, at: float) -> str:
        """MAX names a message by the millisecond of its queueing; the others by hexadecimal digits."""
        if self.messenger == "max":
            return str(int(at * 1000))
        return f"3EB0{self.rng.getrandbits(72):018X}" if by_api else f"{self.rng.getrandbits(128):032X}"

    def _steps(self, at: float, by_api: bool, fate: str) -> Steps:
        """The whole life of a message accepted at `at`; what is typed on a phone needs no queue."""
        if not by_api:
            return self._after_queue(at, fate)
        waiting, left = self._in_queue(at)
        return waiting if left == math.inf else waiting + self._after_queue(left, fate)

    def _in_queue(self, at: float) -> tuple[Steps, float]:
        """What the message shows while it waits, and when it leaves the queue (infinite: never)."""
        steps = [("pending", at)]
        at += self._wait(self.profile.queue, 0.6)
        for episode in self.holds:
            if episode.covers(at):
                if episode.kind in MARKS and steps[-1][0] == "pending":
                    steps.append((episode.kind, at))
                at = episode.end + self.rng.uniform(0, CATCHING_UP / self.profile.compress)
        return tuple(steps), at

    def _after_queue(self, at: float, fate: str) -> Steps:
        if fate in ("noAccount", "notInGroup"):
            return ((fate, at),)
        sent = ("sent", at)
        if fate == "sent":
            return (sent,)
        if fate == "failed":
            return sent, ("failed", at + self._wait(60.0, 0.5))
        late = self.rng.random() < self.profile.offline
        at += self._wait(self.profile.offline_for if late else self.profile.delivery, 1.0)
        delivered = ("delivered", at)
        return (sent, delivered, ("read", self._reading_time(at))) if fate == "read" else (sent, delivered)

    def _wait(self, median: float, sigma: float) -> float:
        """Human and network waiting is lognormal: mostly near the median, sometimes very long."""
        return self.rng.lognormvariate(math.log(median), sigma) / self.profile.compress

    def _reading_time(self, delivered: float) -> float:
        soon = self._wait(self.profile.reading, 1.5)
        if self.rng.random() >= self.profile.evening_readers:
            return delivered + soon
        until_evening = (EVENING * 3600 - delivered) % 86400
        return delivered + until_evening / self.profile.compress + soon
