"""A question put to the simulated service, and the answer it gives: tokens, limits, quota, methods, error bodies.

Pure: time is an argument, nothing is sent. Sources of the answers: the common-errors, rate-limit and quota pages of
the documentation, and captured answers. Knows accounts; knows nothing of sockets or faults.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from ..model import Method
from .account import Account

JSON, TEXT, HTML = "application/json", "text/plain", "text/html"
DEFAULT_MINUTES = 1440
UNKNOWN_METHOD = "unknown"

_PATH = re.compile(r"(?:/v3)?/waInstance(?P<instance>[^/]+)/(?P<method>[^/]+)/(?P<token>[^/]+)/?")
_METHODS: Mapping[str, Method] = MappingProxyType(
    {name: method for method in Method for name in (method.value, method.value[0].upper() + method.value[1:])}
)
"""How a method may be spelt in a path: older documentation begins it with a capital."""
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer of the service."""

    status: int
    body: bytes = b""
    content_type: str = JSON


@dataclass(frozen=True, slots=True)
class Question:
    """A call of the service taken apart; `minutes` is the query's text. Its repr holds no token."""

    instance: str
    method: str
    minutes: str | None
    token: str

    def __repr__(self) -> str:
        return f"<Question {self.method} of {self.instance}>"


NOT_FOUND = Answer(404, b"<html><head><title>404 Not Found</title></head></html>", HTML)
BAD_GATEWAY = Answer(502, b"<html><head><title>502 Bad Gateway</title></head></html>", HTML)
UNAUTHORIZED = Answer(401)
TOO_MANY = Answer(429)
FORBIDDEN = Answer(403, _encode({"message": "The idInstance or the address is wrong"}))
SUSPENDED = Answer(403, _encode({"message": "The account is suspended"}))
REFUSED = Answer(200, _encode({"status": False, "reason": "instance is starting or not authorized"}))
INVALID = Answer(400, _encode({"statusCode": 400, "message": "Validation failed. Details: minutes"}))


def question(verb: str, path: str, minutes: str | None) -> Question | None:
    """Take a request apart; None when the service has nothing under that path and verb."""
    found = _PATH.fullmatch(path)
    if found is None or verb != "GET":
        return None
    return Question(found["instance"], _METHODS.get(found["method"], UNKNOWN_METHOD), minutes, found["token"])


class Service:
    """All accounts of a simulated service. `rate_limit` is in calls a second per instance and method, None for none."""

    def __init__(self, accounts: Iterable[Account] = (), *, rate_limit: float | None = 1.0) -> None:
        self.accounts = {account.id: account for account in accounts}
        self._spacing = 1 / rate_limit if rate_limit else 0.0
        self._accepted: dict[tuple[str, str], float] = {}
        self._used: dict[tuple[str, str], int] = {}

    def __repr__(self) -> str:
        return f"<Service of {len(self.accounts)} accounts>"

    def denied(self, asked: Question | None) -> Answer | None:
        """The answer to someone who asks at the wrong door; None when the door is right."""
        if asked is None:
            return NOT_FOUND
        if not asked.instance.isdecimal():
            return FORBIDDEN
        account = self.accounts.get(asked.instance)
        if account is None:
            return NOT_FOUND
        if account.token != asked.token:
            return UNAUTHORIZED
        return NOT_FOUND if asked.method == UNKNOWN_METHOD else None

    def answer(self, asked: Question, now: float, tick: float) -> Answer:
        """Answer a question that was not denied. `now` is simulated time, `tick` the clock the rate limit goes by."""
        account = self.accounts[asked.instance]
        if account.out_of_order(now):
            return BAD_GATEWAY
        if not self._spaced((asked.instance, asked.method), tick):
            return TOO_MANY
        return _ANSWERS[asked.method](self, account, asked, now)

    def _spaced(self, key: tuple[str, str], tick: float) -> bool:
        last = self._accepted.get(key)
        if last is not None and 0 <= tick - last < self._spacing:
            return False
        self._accepted[key] = tick
        return True

    def _journal(self, account: Account, asked: Question, now: float) -> Answer:
        minutes = asked.minutes or str(DEFAULT_MINUTES)
        if not minutes.isdecimal():
            return INVALID
        if account.quota is not None and not self._within_quota(account, now):
            return Answer(466, _quota_body(account.quota))
        state = account.state(now)
        if state == "starting":
            return REFUSED
        if state == "suspended" and account.messenger == "max":
            return SUSPENDED
        rows = account.journal(now, int(minutes))
        return Answer(200, b"[" + b",".join([row.json for row in rows]) + b"]")

    def _within_quota(self, account: Account, now: float) -> bool:
        """Count the call to its calendar month (UTC); false once the month is used up."""
        month = (account.id, time.strftime("%Y-%m", time.gmtime(now)))
        used = self._used.get(month, 0)
        if used >= (account.quota or 0):
            return False
        self._used[month] = used + 1
        return True

    def _state(self, account: Account, _asked: Question, now: float) -> Answer:
        return Answer(200, _encode({"stateInstance": account.state(now)}))

    def _settings(self, account: Account, _asked: Question, _now: float) -> Answer:
        return Answer(200, _encode(account.settings()))


_ANSWERS: Mapping[str, Callable[[Service, Account, Question, float], Answer]] = MappingProxyType(
    {Method.MESSAGES: Service._journal, Method.STATE: Service._state, Method.SETTINGS: Service._settings}
)


def _quota_body(total: int) -> bytes:
    """Shape of the documentation's 466 example; as there, the free text holds phone numbers (invented ones)."""
    call = {"method": Method.MESSAGES, "used": total, "total": total, "status": "QUOTE_EXCEEDED"}
    people = {"method": "correspondents", "used": 3, "total": 3, "status": "CORRESPONDENTS_QUOTE_EXCEEDED"}
    return _encode(
        {
            "invokeStatus": call | {"description": "The month's calls are used up"},
            "correspondentsStatus": people | {"description": "Only these: 79000000001, 79000000002, 79000000003"},
        }
    )
