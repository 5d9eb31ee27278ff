"""May this instance be asked at `now`? Intervals, pauses after failures: arithmetic that never sleeps.

The pauses are a table. Knows no network and no clock; times are Unix seconds, ours. A clock that was set back never
blocks: a moment in the future counts as now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .model import Call, Method, Outcome

EARLY = 0.9
"""A scrape this share of the interval after the last counts: equal intervals would else meet every second time."""
LONGEST_RETRY_AFTER = 3600.0


@dataclass(frozen=True, slots=True)
class Rule:
    """How long to leave the service alone after a failure: `first` seconds, doubling up to `most`.

    `whole` pauses the instance, not the method alone. `bounded` may not exceed an interval that is below a second.
    """

    first: float
    most: float
    whole: bool = False
    bounded: bool = False


_RATE = Rule(2.0, 60.0)
_QUOTA = Rule(3600.0, 3600.0)
_ACCESS = Rule(60.0, 600.0, whole=True)
_OTHER = Rule(10.0, 300.0, bounded=True)
_RULES: Mapping[Outcome, Rule] = {
    Outcome.RATE_LIMITED: _RATE,
    Outcome.QUOTA_EXCEEDED: _QUOTA,
    Outcome.UNAUTHORIZED: _ACCESS,
    Outcome.FORBIDDEN: _ACCESS,
    Outcome.NOT_FOUND: _ACCESS,
}


def rule_for(outcome: Outcome) -> Rule:
    """The rule that a failure falls under."""
    return _RULES.get(outcome, _OTHER)


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause in force: after which outcome, since when, until when, and how often in a row it was imposed."""

    outcome: Outcome
    since: float
    until: float
    times: int

    @property
    def rule(self) -> Rule:
        return rule_for(self.outcome)

    def left(self, now: float) -> float:
        """Seconds still to wait at `now`; 0 when over, or when the clock was set back before its begin."""
        return self.until - now if self.since <= now < self.until else 0.0


@dataclass(frozen=True, slots=True)
class SavedPace:
    """What of the pace survives a restart: when each method was last asked, and its pause.

    An instance's own pause does not: who restarts has usually mended the token.
    """

    last_started: Mapping[Method, float] = field(default_factory=dict)
    pauses: Mapping[Method, Pause] = field(default_factory=dict)


class Pace:
    """When the methods of one instance may be called. `intervals`: the methods in use, in seconds.

    `strict` keeps whole intervals, without the small earliness that equal intervals need: a quota counts every call.
    """

    __slots__ = ("_last_started", "_methods", "_strict", "_whole", "intervals")

    def __init__(self, intervals: Mapping[Method, float], *, strict: bool, saved: SavedPace = SavedPace()) -> None:
        self.intervals = dict(intervals)
        self._strict = strict
        self._last_started = dict(saved.last_started)
        self._methods = dict(saved.pauses)
        self._whole: Pause | None = None

    def due(self, method: Method, now: float) -> bool:
        return (
            method in self.intervals
            and not self.is_paused(method, now)
            and not 0 <= now - self._last_started.get(method, -1e12) < self._spacing(method)
        )

    def _spacing(self, method: Method) -> float:
        exact = self._strict and method is Method.MESSAGES
        return self.intervals[method] * (1.0 if exact else EARLY)

    def begin(self, method: Method, now: float) -> None:
        self._last_started[method] = now

    def end(self, call: Call) -> None:
        """Take notice of how a call ended: a success ends pauses, a failure begins or prolongs one.

        The success of a call that was under way when the instance's own pause began says nothing about it: where one
        method is forbidden and another answers, the pause would else end with the scrape that began it.
        """
        if call.outcome is Outcome.OK:
            self._methods.pop(call.method, None)
            if self._whole and not call.started < self._whole.since <= call.finished:
                self._whole = None
            return
        rule = rule_for(call.outcome)
        before = self._whole if rule.whole else self._methods.get(call.method)
        pause = self._pause(call, rule, before)
        if rule.whole:
            self._whole = pause
        else:
            self._methods[call.method] = pause

    def _pause(self, call: Call, rule: Rule, before: Pause | None) -> Pause:
        times = 1
        if before is not None and before.rule is rule:
            same_round = call.started < before.since  # it was under way already when the pause began
            times = before.times if same_round else before.times + 1
        length = min(rule.first * 2.0 ** min(times - 1, 30), rule.most)
        interval = self.intervals.get(call.method, 0.0)
        if rule.bounded and 0 < interval < 1:
            length = min(length, interval)
        if call.retry_after is not None:
            length = max(length, min(call.retry_after, LONGEST_RETRY_AFTER))
        return Pause(call.outcome, call.finished, call.finished + length, times)

    def is_paused(self, method: Method, now: float) -> bool:
        return self.paused_until(method, now) is not None

    def paused_until(self, method: Method, now: float) -> float | None:
        """The end of the pause in force for a method, the instance's own included; None when it may be asked."""
        if not self.has_pauses:
            return None
        ends = [pause.until for pause in (self._whole, self._methods.get(method)) if pause and pause.left(now)]
        return max(ends, default=None)

    @property
    def has_pauses(self) -> bool:
        """Whether there is one at all, over or not."""
        return self._whole is not None or bool(self._methods)

    @property
    def lacks_access(self) -> bool:
        """Whether the last word of the service was that this token or instance has no access."""
        return self._whole is not None

    def access_changed(self) -> None:
        """The token changed, or the configuration was read again: ask at once."""
        self._whole = None

    def reconfigured(self, intervals: Mapping[Method, float], *, strict: bool) -> None:
        self.intervals = dict(intervals)
        self._strict = strict
        self.access_changed()

    def saved(self) -> SavedPace:
        return SavedPace(dict(self._last_started), dict(self._methods))
