"""One instance at run time: its account, its pace, its clock, and the last word of each of its methods.

Takes finished calls and decoded answers in, gives a `Face` out: the frozen picture that the catalog reads. Decides what
is due and what is stale; does no I/O, and every time is an argument (Unix seconds, ours).
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from .clock import ServiceClock
from .config import Config, InstanceConfig, Tariff
from .episodes import Episodes, Notice, unlisted_word
from .ledger import Account, Answer, Changes, KeyOf, Known, Scalars, Snapshot, Window
from .model import (
    OTHER,
    STATES,
    UNKNOWN,
    Call,
    InstanceSettings,
    Journal,
    Meaning,
    Method,
    Outcome,
    Repeat,
    Secret,
)
from .outcomes import Outcomes
from .pace import Pace, SavedPace
from .series import Series

STALE_INTERVALS = 3
"""Mirrored gauges outlive a failure by at least so many intervals of their method."""


class Saved(NamedTuple):
    """All of an instance that survives a restart, but for its messages."""

    scalars: Scalars = Scalars()
    totals: Snapshot | None = None
    pace: SavedPace = SavedPace()
    correction: float = 0.0
    messenger: str = UNKNOWN


class InstanceChanges(NamedTuple):
    """What a commit must write for one instance: `account` as the ledger says, `saved` replaces what was there."""

    id: str
    saved: Saved
    account: Changes


class Face(NamedTuple):
    """What may be shown of one instance at a moment. None: absent. `totals` are committed, all else is the latest."""

    id: str
    name: str
    info: Series[int]
    up: bool | None
    last_success: float | None
    duration: float | None
    interval: float
    pauses: Series[float] | None
    clock_offset: float | None
    requests: Series[int]
    state: str | None
    settings: InstanceSettings | None
    window: Window | None
    meaning: Meaning
    totals: Snapshot


class Instance:
    """`due` says what to ask, `begin` and the `took_...` methods what came of it, `face` what may be shown."""

    __slots__ = (
        "_clock_heard", "_episodes", "_failing_since", "_info", "_label_names", "_last_success", "_pace", "_requests",
        "_settings", "_stale_after", "_state", "account", "clock", "config", "dirty", "id", "last", "messenger",
        "token",
    )  # fmt: skip

    def __init__(
        self, instance: InstanceConfig, config: Config, key_of: KeyOf,
        saved: Saved = Saved(), messages: Known | None = None,
    ) -> None:  # fmt: skip
        self.account = Account(key_of, config.declare_types, instance.timestamp, saved.scalars, saved.totals, messages)
        self.clock = ServiceClock(saved.correction)
        self.last: dict[Method, Call] = {}
        self.messenger = saved.messenger
        self.dirty = False
        self._pace = Pace({}, strict=False, saved=saved.pace)
        self._failing_since: dict[Method, float] = {}
        self._last_success: float | None = None
        self._state: str | None = None
        self._settings: InstanceSettings | None = None
        self._requests = Outcomes()
        self._episodes = Episodes(instance.name)
        self._clock_heard: tuple[Method, float] | None = None
        self.configure(instance, config)

    def __repr__(self) -> str:
        return f"<Instance {self.config.name}>"

    def configure(self, instance: InstanceConfig, config: Config) -> None:
        """Take a configuration over, at the start and at a reload; what was counted and known stays."""
        self.config = instance
        self.id = instance.id
        self.token = instance.token
        self._stale_after = config.stale_after
        self._label_names = tuple(sorted({label for other in config.instances for label, _ in other.labels}))
        intervals = {
            Method.MESSAGES: instance.min_interval,
            Method.STATE: config.state_interval,
            Method.SETTINGS: config.settings_interval,
        }
        in_use = {method: interval for method, interval in intervals.items() if interval > 0}
        self._pace.reconfigured(in_use, strict=self.paced)
        self.account.reconfigure(config.declare_types, instance.timestamp)
        self._episodes.name = instance.name
        self._requests.declare(in_use)
        self._label_info()
        self.dirty = True  # series declared just now are shown with the next commit

    @property
    def paced(self) -> bool:
        """Whether every single journal call counts against a quota."""
        return self.config.tariff is Tariff.DEVELOPER

    @property
    def minutes(self) -> int:
        """The span asked for, in whole minutes."""
        return ceil(self.config.window / 60)

    # Asking

    def due(self, now: float) -> list[Method]:
        return [method for method in self._pace.intervals if self._pace.due(method, now)]

    def begin(self, method: Method, now: float) -> None:
        self._pace.begin(method, now)
        self.dirty = True

    def is_failing(self, method: Method) -> bool:
        """Whether its last call, or the last one for the journal, failed."""
        return method in self._failing_since or Method.MESSAGES in self._failing_since

    def timed_out(self, method: Method) -> bool:
        """Whether its last call, or the last one for the journal, did: a scrape of many had better not wait for it."""
        return self.is_failing(method) and any(
            (last := self.last.get(asked)) is not None and last.outcome is Outcome.TIMEOUT
            for asked in (method, Method.MESSAGES)
        )

    @property
    def lacks_access(self) -> bool:
        return self._pace.lacks_access

    def renew_token(self, token: Secret) -> bool:
        """Take a token that was read again; True if it is another one, which ends the pause for lack of access."""
        if token == self.token:
            return False
        self.token = token
        self._pace.access_changed()
        return True

    # Answers

    def took_journal(self, call: Call, journal: Journal | Repeat) -> list[Notice]:
        """Fold a good lastOutgoingMessages answer in. The call itself is reported with `ended`."""
        self._tell_the_clock(call)
        answer = Answer(
            journal, self.clock.corrected(call.started), self.clock.corrected(call.finished),
            self.minutes * 60.0, self.config.min_interval, self.messenger,
        )  # fmt: skip
        return [unlisted_word(self.config.name, word) for word in self.account.fold(answer)]

    def took_state(self, word: str) -> list[Notice]:
        known = word in STATES and word != OTHER
        self._state = word if known else OTHER
        unlisted = None if known else self.account.meet_word("stateInstance", word)
        return [unlisted_word(self.config.name, unlisted)] if unlisted else []

    def took_settings(self, settings: InstanceSettings) -> list[Notice]:
        self._settings = settings
        if settings.messenger != self.messenger:
            self.messenger = settings.messenger
            self._label_info()
        return []

    def ended(self, call: Call, asked_with: Secret | None = None) -> Notice | None:
        """Take notice of how a call ended; every call, good or bad, exactly once.

        `asked_with` is the token of the call: what an old one was told says nothing about the one that replaced it.
        """
        self.dirty = True
        self._pace.begin(call.method, call.started)  # it may have waited for its turn since `begin`
        self._tell_the_clock(call)
        if not call.ok:
            self._failing_since.setdefault(call.method, call.finished)
        else:
            self._failing_since.pop(call.method, None)
            if call.method is Method.MESSAGES:
                self._last_success = call.finished
        self.last[call.method] = call
        self._requests.count(call)
        self._pace.end(call)
        if asked_with is not None and asked_with is not self.token and asked_with != self.token:
            self._pace.access_changed()
        return self._episodes.take(call)

    def _tell_the_clock(self, call: Call) -> None:
        """Once of each call: the clock believes what a second one agrees with, and none must agree with itself."""
        if self._clock_heard != (heard := (call.method, call.started)):
            self._clock_heard = heard
            self.clock.observe(call)

    # Showing and saving

    def face(self, now: float) -> Face:
        last = self.last.get(Method.MESSAGES)
        return Face(
            id=self.id,
            name=self.config.name,
            info=self._info,
            up=None if last is None else last.ok,
            last_success=self._last_success,
            duration=None if last is None else last.finished - last.started,
            interval=self.config.min_interval,
            pauses=self._pauses(now),
            clock_offset=self.clock.offset,
            requests=self._requests.shown(),
            state=self._state if self._fresh(Method.STATE, now) else None,
            settings=self._settings if self._fresh(Method.SETTINGS, now) else None,
            window=self.account.window if self._fresh(Method.MESSAGES, now) else None,
            meaning=self.account.meaning,
            totals=self.account.shown,
        )

    def changes(self, *, everything: bool = False) -> InstanceChanges:
        """What was not committed yet (or all there is); it counts as handed over until `account.not_committed`."""
        account = self.account.changes(everything=everything)
        saved = Saved(account.scalars, account.totals, self._pace.saved(), self.clock.correction, self.messenger)
        self.dirty = False
        return InstanceChanges(self.id, saved, account)

    def _fresh(self, method: Method, now: float) -> bool:
        """Whether the method's last good answer may still be shown."""
        interval = self._pace.intervals.get(method)
        if interval is None:  # not asked any more
            return False
        since = self._failing_since.get(method)
        return since is None or now - since <= max(self._stale_after, STALE_INTERVALS * interval)

    def _pauses(self, now: float) -> Series[float] | None:
        if not self._pace.has_pauses:
            return None
        ends = ((method, self._pace.paused_until(method, now)) for method in self._pace.intervals)
        return Series.of({(method.value,): end for method, end in ends if end is not None}) or None

    def _label_info(self) -> None:
        host = self.config.api_url.split("://", 1)[-1].split("/", 1)[0]
        labels = dict.fromkeys(self._label_names, "") | dict(self.config.labels)
        self._info = Series.of({tuple(({"messenger": self.messenger, "api_host": host} | labels).items()): 1})
