"""One API call: the only file that talks to the service, and the only one that holds a token in a URL.

Owns the call itself (one session, the byte cap, the timeout, the turn at the gate) and the names of everything that
can go wrong with it. Each call ends as one `Call` record; what the network does is never an exception. Knows no JSON:
whoever asks brings the decoder. Nothing that leaves this file holds the token, a URL or a word of an answer.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self, TypeVar
from urllib.parse import quote

import aiohttp
from yarl import URL

from .errors import AnswerUnusable, CallFailed
from .failures import refusal, seconds_of_date, translate, wordless
from .gate import Turn, Turns
from .model import Call, Method, Outcome, Secret
from .patience import Patience
from .reading import ReadingBudget, Share
from .session import PIECE, open_session
from .timeslice import TimeSlice

log = logging.getLogger(__name__)

T = TypeVar("T")

_ERROR_BODY, _ERROR_BODY_SECONDS = 64 * 1024, 0.5
"""How much of an error's body is read, only so that its connection can be used again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the calls: `concurrency` per API host, `max_body` in unpacked bytes, patience in seconds."""

    concurrency: int = 100
    max_body: int = 128 * 1024 * 1024
    first_byte_patience: float = 3.0


class Ask(NamedTuple):
    """One question to the service. `timeout` in seconds bounds the whole call, connecting and the body included.

    `minutes` is the span of lastOutgoingMessages; `failing` tells that the instance's last call failed.
    """

    instance: str
    api_url: str
    token: Secret
    method: Method
    timeout: float
    minutes: int | None = None
    failing: bool = False


@dataclass(slots=True)
class _Answer:
    """What has become known of an answer so far."""

    status: int | None = None
    date: float | None = None
    retry_after: str | None = None
    size: int = 0

    def begin(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.date = seconds_of_date(response.headers.get("Date"))
        if response.status != 200:
            self.retry_after = response.headers.get("Retry-After")


class Client:
    """Asks the service. One session for all instances, one gate per API host, one reading budget.

    `clock` gives Unix seconds. `observe` is handed every finished call. `session` is one of `open_session`, which
    `Client.open` calls. Close with `close`.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        clock: Callable[[], float],
        observe: Callable[[Call], None],
        limits: Limits = Limits(),
        reading: ReadingBudget | None = None,
    ) -> None:
        self._session = session
        self._clock = clock
        self._observe = observe
        self._limits = limits
        self._reading = reading or ReadingBudget()
        self._patience = Patience()
        self._answers = TimeSlice()
        self._gates: dict[URL, Turns] = {}
        self._gate_of: dict[str, Turns] = {}

    @classmethod
    async def open(
        cls,
        *,
        clock: Callable[[], float],
        observe: Callable[[Call], None],
        limits: Limits = Limits(),
        reading: ReadingBudget | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Self:
        """A client with a session of its own. `tls` replaces the system's idea of whom to trust."""
        return cls(open_session(tls), clock=clock, observe=observe, limits=limits, reading=reading)

    async def close(self) -> None:
        await self._session.close()

    def limit(self, limits: Limits) -> None:
        """Other limits from now on (a reload); an answer that is being read keeps its cap."""
        self._limits = limits
        for gate in self._gates.values():
            gate.resize(limits.concurrency)

    @property
    def in_flight(self) -> int:
        """Calls that have begun and not ended."""
        return sum(gate.in_flight for gate in self._gates.values())

    async def ask(self, request: Ask, decode: Callable[[bytes], T]) -> tuple[Call, T | None]:
        """One call, from its turn at the gate to the decoded answer; the value is None unless the outcome is ok.

        `decode` is given the whole body of a 200 answer and may raise `AnswerUnusable`. Raises nothing for what the
        network or the service does; a bug met on the way becomes the outcome `internal` and is logged.
        """
        gate = self._gate(request.api_url)
        async with Turn(gate, failing=request.failing) as turn:
            with self._reading.share() as share:
                call, value = await self._perform(request, decode, turn.linger, share)
        self._observe(call)
        return call, value

    async def _perform(
        self, request: Ask, decode: Callable[[bytes], T], linger: Callable[[], None], share: Share
    ) -> tuple[Call, T | None]:
        started, arrived = self._clock(), None
        answer, value = _Answer(), None
        outcome, detail, retry_after = Outcome.OK, "", None
        try:
            body = await self._fetch(request, answer, linger, share)
            arrived = self._clock()
            await self._answers.turn()
            value = decode(body)
        except CallFailed as failure:
            outcome, detail, retry_after = failure.outcome, failure.detail, failure.retry_after
        except AnswerUnusable as failure:
            outcome, detail = failure.outcome, failure.detail
        except Exception as bug:
            outcome, detail = Outcome.INTERNAL, f"a fault of the exporter ({type(bug).__name__}); see its log"
            words = "%s of instance %s ended in a fault of the exporter; please report it"
            log.error(words, request.method, request.instance, exc_info=wordless(bug))
        finished = self._clock() if arrived is None else arrived
        call = Call(
            request.instance, request.method, outcome, started, finished, detail,
            answer.status, retry_after, answer.date, answer.size,
        )  # fmt: skip
        return call, value

    async def _fetch(self, request: Ask, answer: _Answer, linger: Callable[[], None], share: Share) -> bytes:
        """The unpacked body of a 200 answer; everything else is a `CallFailed`."""

        def overdue() -> None:
            if answer.status is None:
                linger()

        url = _url(request.api_url, request.instance, request.method, request.token, request.minutes)
        try:
            with self._patience.watch(self._limits.first_byte_patience, request.timeout, overdue) as watch:
                async with self._session.get(url, allow_redirects=False) as response:
                    answer.begin(response)
                    if response.status == 200:
                        return await self._read(response, answer, share)
                    watch.hurry(_ERROR_BODY_SECONDS)
                    await _drain(response)
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            if answer.status in (None, 200):
                raise translate(error, _host(request), request.timeout) from None
            # The status has decided already; that its body broke off changes nothing.
        assert answer.status is not None
        raise refusal(answer.status, answer.retry_after, answer.date or self._clock())

    async def _read(self, response: aiohttp.ClientResponse, answer: _Answer, share: Share) -> bytes:
        """The body, in pieces of at most `PIECE`; what is buffered when its end has come is taken in one."""
        cap = self._limits.max_body
        if (response.content_length or 0) > cap:
            raise _too_large(cap)
        pieces, content = [], response.content
        while piece := content.read_nowait() if content.is_eof() else await content.read(PIECE):
            answer.size += len(piece)
            if answer.size > cap:
                raise _too_large(cap)
            pieces.append(piece)
            share.add(len(piece))
            if not content.is_eof():
                await share.turn()
        return b"".join(pieces)

    def _gate(self, api_url: str) -> Turns:
        if (gate := self._gate_of.get(api_url)) is None:
            origin = URL(api_url).origin()
            gate = self._gate_of[api_url] = self._gates.setdefault(origin, Turns(self._limits.concurrency))
        return gate

    def __repr__(self) -> str:
        return f"<Client {self.in_flight} calls in flight to {len(self._gates)} hosts>"


@lru_cache(maxsize=8192)
def _url(api_url: str, instance: str, method: Method, token: Secret, minutes: int | None) -> URL:
    """`{apiUrl}/waInstance{idInstance}/{method}/{token}`, every part encoded so that it stays the part it is.

    Remembered, for the same questions are asked again and again, and taking URLs apart costs more than sending them.
    """
    base = str(URL(api_url)).rstrip("/")
    query = "" if minutes is None else f"?minutes={minutes}"
    path = f"waInstance{quote(instance, safe='')}/{method}/{quote(token.reveal(), safe='')}"
    return URL(f"{base}/{path}{query}", encoded=True)


def _host(request: Ask) -> str:
    """The API host as a sentence names it; its port only where it is not the scheme's own."""
    return URL(request.api_url).host_port_subcomponent or "the API host"


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read a short body to its end; a connection whose body is not at its end is closed, not kept."""
    left = _ERROR_BODY
    while left > 0 and (piece := await response.content.read(left)):
        left -= len(piece)


def _too_large(cap: int) -> CallFailed:
    return CallFailed(Outcome.TOO_LARGE, f"the answer is larger than max_body ({cap} bytes); narrow the window")
