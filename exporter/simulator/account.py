"""One simulated instance at any moment: its journal as the service would show it, and the truth behind it.

Pure: the clock is an argument, and what is shown at a moment does not depend on when or how often it was asked.
Knows the service's rules for a journal (lag, order, row limit, meaning of timestamp) and nothing of HTTP.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

from ..model import Meaning
from . import bodies
from .lives import lives
from .plan import UNSEEN, Episode, Message, Plan

ROW_LIMITS = {"max": 5_000}
"""Rows of one answer by messenger; all others have `ROW_LIMIT`. Source: the products' journal pages."""
ROW_LIMIT = 10_000
TYPE_INSTANCE = {"max": "v3"}
"""The service's word for a messenger where it is not our own."""

_timestamp = attrgetter("timestamp")
_created = attrgetter("message.created")


@dataclass(frozen=True, slots=True)
class Rules:
    """How this account's journal behaves. Times in seconds.

    `max_lag`: longest time until a new message appears. `status_lag`: longest time until a status change appears.
    `meaning`: what a row's timestamp is, acceptance (SENT) or the present status' time (LAST_ACTION).
    `restamp_on_sending`: with SENT, the timestamp moves from acceptance to true sending when the row leaves pending.
    `row_limit`: rows of one answer, None for the messenger's own.
    """

    meaning: Meaning = Meaning.SENT
    max_lag: float = 120.0
    status_lag: float = 0.0
    restamp_on_sending: bool = False
    row_limit: int | None = None


USUAL_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened to one message up to some moment; `appears` is when the journal begins to show it."""

    chat: str
    id: str
    type: str
    by_api: bool
    created: float
    appears: float
    steps: dict[str, float]
    """Status -> true time, in the order of time."""


class Row:
    """A message as the journal shows it from `since` until before `until`; its JSON is written once, when asked for."""

    __slots__ = ("_json", "message", "since", "status", "timestamp", "until")

    def __init__(self, message: Message, status: str, timestamp: int, since: float, until: float) -> None:
        self.message = message
        self.status = status
        self.timestamp = timestamp
        self.since = since
        self.until = until
        self._json = b""

    @property
    def json(self) -> bytes:
        self._json = self._json or bodies.row(self.message, self.status, self.timestamp)
        return self._json

    def __repr__(self) -> str:
        return f"<Row {self.message.type} {self.status} at {self.timestamp}>"


class _Entry:
    """A message with the row it showed last, which is kept until the message shows another."""

    __slots__ = ("message", "row")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.row: Row | None = None


class Account:
    """A simulated instance: id, token, settings, and messages from a plan, from `add`, or both.

    `flags` are getSettings' yes/no settings; with outgoingWebhook off every row stays at sent, with
    outgoingMessageWebhook off messages typed on the phone are missing. `quota` is the number of journal calls allowed
    in a calendar month (None: no limit).
    """

    def __init__(
        self,
        id: str,
        token: str,
        plan: Plan | None = None,
        *,
        seed: object = 1,
        rules: Rules = USUAL_RULES,
        flags: Mapping[str, bool] | None = None,
        quota: int | None = None,
        name: str = "",
    ) -> None:
        self.id = id
        self.token = token
        self.name = name or id
        self.quota = quota
        self.flags = {"outgoingWebhook": True, "outgoingMessageWebhook": True, "outgoingAPIMessageWebhook": True}
        self.flags |= flags or {}
        self.messenger = plan.messenger if plan else "whatsapp"
        self.row_limit = rules.row_limit or ROW_LIMITS.get(self.messenger, ROW_LIMIT)
        self._rules = rules
        self._episodes = list(plan.episodes) if plan else []
        self._coming: Iterator[Message] = lives(f"{seed}/{id}", plan) if plan else iter(())
        self._next = next(self._coming, None)
        self._entries: list[_Entry] = []

    def __repr__(self) -> str:
        return f"<Account {self.id} {self.name!r}, {len(self._entries)} messages so far>"

    def add(self, *messages: Message) -> None:
        """Put scripted messages into the account. Their steps may lie in the future."""
        for message in messages:
            insort(self._entries, _Entry(message), key=_created)

    def interrupt(self, episode: Episode) -> None:
        """Show an episode's state (or outage) from now on; messages already drawn do not change their lives."""
        self._episodes.append(episode)

    def state(self, now: float) -> str:
        """The word of getStateInstance: that of the latest episode under way, else authorized."""
        shown = [e for e in self._episodes if e.covers(now) and e.kind not in UNSEEN]
        return max(shown, key=lambda episode: episode.start).kind if shown else "authorized"

    def out_of_order(self, now: float) -> bool:
        """Whether the service's HTTP side is down for this account."""
        return any(e.kind == "outage" and e.covers(now) for e in self._episodes)

    def settings(self) -> dict[str, object]:
        """A getSettings answer. The invented secrets in it are there to be dropped by whoever reads it."""
        flags = {name: "yes" if on else "no" for name, on in self.flags.items()}
        return {
            "wid": "79000000000@c.us",
            "typeInstance": TYPE_INSTANCE.get(self.messenger, self.messenger),
            "delaySendMessagesMilliseconds": 1000,
            "webhookUrl": "https://hooks.example.com/simulated",
            "webhookUrlToken": "simulated-webhook-secret",
            "proxyInstance": "simulated-proxy-login:simulated-proxy-password@proxy.example.com:3128",
            "incomingWebhook": "no",
            "stateWebhook": "no",
            "keepOnlineStatus": "no",
        } | flags

    def journal(self, now: float, minutes: int = 1440) -> list[Row]:
        """A lastOutgoingMessages answer at `now`: rows newest first, none older than `minutes`, at most the limit."""
        self._draw(now)
        oldest = now - minutes * 60
        shown = (self._shown(entry, now) for entry in self._candidates(oldest))
        rows = [row for row in shown if row is not None and row.timestamp >= oldest]
        rows.sort(key=_timestamp, reverse=True)
        return rows[: self.row_limit]

    def truth(self, now: float) -> list[Truth]:
        """Every message accepted up to `now`, with the true time of each status it has reached by then."""
        self._draw(now)
        return [self._told(entry.message, now) for entry in self._entries if entry.message.created <= now]

    def _draw(self, now: float) -> None:
        while self._next is not None and self._next.created <= now:
            self.add(self._next)
            self._next = next(self._coming, None)

    def _candidates(self, oldest: float) -> Iterable[_Entry]:
        """With an unmoving timestamp, what was accepted before the window cannot be in it."""
        if self._rules.meaning is Meaning.LAST_ACTION or self._rules.restamp_on_sending:
            return self._entries
        return self._entries[bisect_left(self._entries, oldest, key=_created) :]

    def _shown(self, entry: _Entry, now: float) -> Row | None:
        row = entry.row
        if row is None or not row.since <= now < row.until:
            row = entry.row = self._show(entry.message, now)
        return row

    def _show(self, message: Message, now: float) -> Row | None:
        """The row of a message whose last shown one no longer holds, or None while the journal does not have it."""
        if not message.by_api and not self.flags["outgoingMessageWebhook"]:
            return None
        since, until, last = self._appears(message), math.inf, -1
        if now < since:
            return None
        lag = self._rules.status_lag * message.lag
        for number, (status, at) in enumerate(message.steps):
            if status in ("delivered", "read") and not self.flags["outgoingWebhook"]:
                break
            if number and at + lag > now:
                until = at + lag
                break
            since, last = max(since, at + lag if number else at), number
        return Row(message, message.steps[last][0], self._stamp(message, last), since, until)

    def _stamp(self, message: Message, last: int) -> int:
        if self._rules.meaning is Meaning.LAST_ACTION:
            return int(message.steps[last][1])
        if self._rules.restamp_on_sending:
            return int(next((at for status, at in message.steps[: last + 1] if status == "sent"), message.created))
        return int(message.created)

    def _appears(self, message: Message) -> float:
        return message.created + self._rules.max_lag * message.lag

    def _told(self, message: Message, now: float) -> Truth:
        steps = {status: at for status, at in message.steps if at <= now}
        appears = self._appears(message)
        return Truth(message.chat, message.id, message.type, message.by_api, message.created, appears, steps)
