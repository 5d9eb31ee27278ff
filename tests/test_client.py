"""One API call against servers that do everything a network and a service can do."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import ssl
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import trustme
from aioresponses import aioresponses
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.client import Ask, Client, Limits
from exporter.errors import AnswerUnusable
from exporter.failures import seconds_of_date, seconds_to_wait, translate
from exporter.model import Call, Method, Outcome, Secret
from exporter.reading import ReadingBudget, Share
from exporter.redaction import Redactor

from .hostile import Conduct, Visit, answer, hostile, once, saying, then

TOKEN = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
NOW = 1_760_000_000.0
CAP = 1024 * 1024
SMALL = Limits(max_body=CAP)
BRIEFLY = 0.2
LONG = 20.0


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


async def later(seconds: float) -> None:
    """Let so much time pass at once, and whatever is due by then happen."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Loop)
    loop.ahead += seconds
    for _ in range(3):
        await asyncio.sleep(0)


def run(scenario: Coroutine[None, None, None]) -> None:
    """Run with asyncio's debug mode, every callback reported as slow so that whatever it can say is said."""

    async def loud() -> None:
        asyncio.get_running_loop().slow_callback_duration = 0.0
        await scenario

    with asyncio.Runner(debug=True, loop_factory=Loop) as runner:
        runner.run(loud())


@pytest.fixture(autouse=True)
def nothing_tells_the_token(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """After each test of this file: no log line of anybody, at debug, holds the token."""
    caplog.set_level(logging.DEBUG)
    yield
    formatter = logging.Formatter()
    assert TOKEN not in "\n".join(formatter.format(record) for record in caplog.get_records("call"))


def question(api_url: str, *, timeout: float = LONG, **more: Any) -> Ask:
    return Ask("1101000001", api_url, Secret(TOKEN), Method.STATE, timeout, **more)


class Asker:
    """A client with the list of what its observer was told."""

    def __init__(self, client: Client, calls: list[Call]) -> None:
        self.client = client
        self.calls = calls

    async def ask(self, api_url: str, decode: Callable[[bytes], Any] = json.loads, **more: Any) -> tuple[Call, Any]:
        call, value = await self.client.ask(question(api_url, **more), decode)
        assert self.calls[-1] is call
        assert TOKEN not in repr(call)
        return call, value


@asynccontextmanager
async def asking(
    limits: Limits = SMALL, reading: ReadingBudget | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Asker]:
    calls: list[Call] = []
    client = await Client.open(clock=lambda: NOW, observe=calls.append, limits=limits, reading=reading, tls=tls)
    try:
        yield Asker(client, calls)
    finally:
        await client.close()


def ask_once(conduct: Conduct, decode: Callable[[bytes], Any] = json.loads, **more: Any) -> tuple[Call, Any]:
    """What one question to a server of this conduct gives."""
    results = []

    async def scenario() -> None:
        async with hostile(conduct) as server, asking() as asker:
            results.append(await asker.ask(server.url, decode, **more))

    run(scenario())
    return results[0]


# The question and a good answer


def test_the_token_stands_in_the_path_and_nowhere_else() -> None:
    async def scenario() -> None:
        async with hostile(saying(answer())) as server, asking() as asker:
            request = Ask("1101000001", server.url + "/", Secret(TOKEN), Method.MESSAGES, LONG, minutes=1440)
            await asker.client.ask(request, json.loads)
            head = server.visits[0].head.decode()
        assert server.visits[0].target == f"/waInstance1101000001/lastOutgoingMessages/{TOKEN}?minutes=1440"
        assert head.count(TOKEN) == 1
        assert "User-Agent: greenapi-exporter/" in head
        assert "Accept-Encoding: gzip\r\n" in head

    run(scenario())


def test_a_token_with_strange_characters_stays_one_segment_of_the_path() -> None:
    strange = "a/b?c#d%e f\u044f"

    async def scenario() -> None:
        async with hostile(saying(answer())) as server, asking() as asker:
            request = Ask("1101000001", f"{server.url}/v3", Secret(strange), Method.SETTINGS, LONG)
            await asker.client.ask(request, json.loads)
        assert server.visits[0].target == f"/v3/waInstance1101000001/getSettings/{quote(strange, safe='')}"

    run(scenario())


def test_an_answer_is_decoded_and_told_to_the_observer() -> None:
    date = "Thu, 09 Oct 2025 08:53:30 GMT"
    call, value = ask_once(saying(answer(b'{"stateInstance":"authorized"}', Date=date)))
    assert value == {"stateInstance": "authorized"}
    assert call == Call("1101000001", Method.STATE, Outcome.OK, NOW, NOW, status=200, date=NOW + 10, size=30)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_packed_answers_are_unpacked_and_their_unpacked_size_is_told(encoding: str) -> None:
    body = b"[" + b"1," * 50_000 + b"1]"
    packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    call, value = ask_once(saying(answer(packed, Content_Encoding=encoding)))
    assert (call.outcome, call.size, len(value)) == (Outcome.OK, len(body), 50_001)


def test_questions_one_after_the_other_share_a_connection() -> None:
    async def scenario() -> None:
        async with hostile(saying(answer())) as server, asking() as asker:
            for _ in range(5):
                await asker.ask(server.url)
            assert (server.connections, len(server.visits)) == (1, 5)

    run(scenario())


def test_a_short_error_body_leaves_the_connection_usable() -> None:
    async def scenario() -> None:
        async with hostile(saying(answer(b"x" * 10_000, 500))) as server, asking() as asker:
            for _ in range(3):
                await asker.ask(server.url)
            assert server.connections == 1

    run(scenario())


def test_a_connection_that_the_server_has_closed_meanwhile_costs_no_failure() -> None:
    async def scenario() -> None:
        async with hostile(then(saying(answer()), Visit.finish)) as server, asking() as asker:
            for _ in range(3):
                call, _ = await asker.ask(server.url)
                assert call.ok

    run(scenario())


@pytest.mark.parametrize("ending", [Visit.reset, Visit.finish], ids=["reset", "closed"])
def test_a_new_connection_that_breaks_before_the_answer_is_not_asked_again(ending: Callable[[Visit], Any]) -> None:
    """Each question counts against the account's quota."""

    async def scenario() -> None:
        async with hostile(then(saying(), ending)) as server, asking() as asker:
            call, _ = await asker.ask(server.url)
            assert (call.outcome, len(server.visits)) == (Outcome.NETWORK, 1)

    run(scenario())


def test_an_answer_that_nobody_asked_for_is_never_taken_for_an_answer() -> None:
    """Else every later answer on that connection would be counted for the wrong instance."""

    async def scenario() -> None:
        async def one_too_many(visit: Visit) -> None:
            await visit.say(answer(b"[1]"))
            await heard.wait()
            await visit.say(answer(b"[666]"))
            said.set()

        heard, said = asyncio.Event(), asyncio.Event()
        async with hostile(one_too_many) as server, asking() as asker:
            assert (await asker.ask(server.url))[1] == [1]
            heard.set()
            await said.wait()
            server.conduct = saying(answer(b"[2]"))
            await asyncio.sleep(0.05)  # nothing tells that the bytes have come; should they come later, all is well too
            call, value = await asker.ask(server.url)
            told = call.detail.endswith("said something before it was asked")
            assert (call.outcome, told, value) in [(Outcome.NETWORK, True, None), (Outcome.OK, False, [2])]
            assert (await asker.ask(server.url))[1] == [2]

    run(scenario())


def test_cookies_are_neither_kept_nor_sent() -> None:
    async def scenario() -> None:
        async with hostile(saying(answer(Set_Cookie="a=b; Path=/"))) as server, asking() as asker:
            await asker.ask(server.url)
            await asker.ask(server.url)
        assert b"cookie" not in server.visits[1].head.lower()

    run(scenario())


# What the service may answer

STATUSES = {
    204: Outcome.HTTP_OTHER,
    301: Outcome.HTTP_OTHER,
    304: Outcome.HTTP_OTHER,
    400: Outcome.BAD_REQUEST,
    401: Outcome.UNAUTHORIZED,
    403: Outcome.FORBIDDEN,
    404: Outcome.NOT_FOUND,
    418: Outcome.HTTP_OTHER,
    429: Outcome.RATE_LIMITED,
    466: Outcome.QUOTA_EXCEEDED,
    469: Outcome.HTTP_OTHER,
    499: Outcome.HTTP_OTHER,
    500: Outcome.SERVER_ERROR,
    502: Outcome.SERVER_ERROR,
    503: Outcome.SERVER_ERROR,
    504: Outcome.SERVER_ERROR,
    599: Outcome.SERVER_ERROR,
    999: Outcome.HTTP_OTHER,
}


@pytest.mark.parametrize(("status", "outcome"), STATUSES.items())
def test_every_status_has_its_outcome_and_a_sentence_of_our_own(status: int, outcome: Outcome) -> None:
    bodiless = status in (204, 304)
    call, value = ask_once(saying(answer(b"" if bodiless else b'{"message":"79001234567@c.us"}', status)))
    assert (call.outcome, call.status, value) == (outcome, status, None)
    assert call.detail.startswith(f"HTTP {status}: ")
    assert "7900" not in call.detail


@pytest.mark.parametrize("rest", [Visit.hang, Visit.reset, Visit.finish], ids=["stalls", "is reset", "is cut"])
def test_the_status_decides_even_when_the_body_of_the_error(rest: Callable[[Visit], Any]) -> None:
    half = answer(b"half", 401, Content_Length="100")
    begun = time.monotonic()
    call, _ = ask_once(then(saying(half), rest))
    assert call.outcome is Outcome.UNAUTHORIZED
    assert time.monotonic() - begun < LONG / 2


def test_an_endless_error_body_is_not_read() -> None:
    async def endless(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 500 No\r\n\r\n")
        while not visit.over:
            await visit.say(b"x" * 65536)

    call, _ = ask_once(endless)
    assert call.outcome is Outcome.SERVER_ERROR


DATE = "Thu, 09 Oct 2025 08:53:20 GMT"
RETRY_AFTER = {
    "7": 7.0,
    " 0 ": 0.0,
    "Thu, 09 Oct 2025 08:54:20 GMT": 60.0,
    "Thu, 09 Oct 2025 07:00:00 GMT": 0.0,
    "-5": None,
    "soon": None,
    "1.5": None,
    "\u00b2": None,
    "": None,
    "999999999": 999_999_999.0,
    "9" * 400: None,
    "Thu, 99 Oct 99999 08:53:20 GMT": None,
}


@pytest.mark.parametrize(("text", "seconds"), RETRY_AFTER.items())
def test_retry_after_is_read_in_both_its_forms(text: str, seconds: float | None) -> None:
    call, _ = ask_once(saying(answer(b"", 429, Date=DATE, Retry_After=text)))
    assert (call.outcome, call.retry_after) == (Outcome.RATE_LIMITED, seconds)


def test_without_retry_after_nothing_is_asked_of_us() -> None:
    call, _ = ask_once(saying(answer(b"", 429)))
    assert (call.outcome, call.retry_after, call.date) == (Outcome.RATE_LIMITED, None, None)


@settings(deadline=None)
@given(text=st.text())
def test_no_text_in_a_date_or_a_retry_after_is_an_exception(text: str) -> None:
    seconds_of_date(text)
    assert (seconds_to_wait(text, NOW) or 0.0) >= 0.0


def test_a_redirect_is_never_followed() -> None:
    async def scenario() -> None:
        async with hostile(saying(answer())) as elsewhere, asking() as asker:
            for status in (301, 302, 303, 307, 308):
                async with hostile(saying(answer(b"", status, Location=elsewhere.url))) as server:
                    call, _ = await asker.ask(server.url)
                    assert (call.outcome, call.status) == (Outcome.HTTP_OTHER, status)
        assert elsewhere.connections == 0

    run(scenario())


def test_a_body_that_the_decoder_refuses_has_the_decoders_outcome() -> None:
    def refuse(body: bytes) -> None:
        raise AnswerUnusable(Outcome.REFUSED, f"{len(body)} bytes of refusal")

    call, value = ask_once(saying(answer(b'{"status":false}')), refuse)
    assert (call.outcome, call.detail, value) == (Outcome.REFUSED, "16 bytes of refusal", None)


def test_an_empty_body_is_for_the_decoder_to_judge() -> None:
    call, value = ask_once(saying(answer(b"")), bytes)
    assert (call.outcome, value, call.size) == (Outcome.OK, b"", 0)


def test_a_fault_of_the_decoder_is_internal_and_its_traceback_tells_the_place_but_not_the_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def clumsy(body: bytes) -> None:
        try:
            int(body)
        except ValueError as error:
            raise KeyError(body) from error

    call, value = ask_once(saying(answer(b"private words to 79001234567@c.us")), clumsy)
    assert (call.outcome, call.detail, value) == (
        Outcome.INTERNAL, "a fault of the exporter (KeyError); see its log", None,
    )  # fmt: skip
    assert "in clumsy" in caplog.text
    assert "Wordless: ValueError" in caplog.text
    assert "Wordless: KeyError" in caplog.text
    assert "private" not in caplog.text
    assert "7900" not in caplog.text


# What the network may do

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def _endless_headers(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\n")
    while not visit.over:
        await visit.say(b"X-Padding: " + b"x" * 1000 + b"\r\n")


TROUBLES: dict[str, tuple[Conduct, Outcome]] = {
    "says nothing": (Visit.hang, Outcome.TIMEOUT),
    "stalls in the status line": (then(saying(b"HTTP/1."), Visit.hang), Outcome.TIMEOUT),
    "stalls in the headers": (then(saying(b"HTTP/1.1 200 OK\r\nContent-"), Visit.hang), Outcome.TIMEOUT),
    "stalls in the body": (then(saying(answer(b"[", Content_Length="9")), Visit.hang), Outcome.TIMEOUT),
    "stalls in a chunk": (then(saying(CHUNKED + b"5\r\n[1"), Visit.hang), Outcome.TIMEOUT),
    "stalls between chunks": (then(saying(CHUNKED + b"2\r\n[1\r\n"), Visit.hang), Outcome.TIMEOUT),
    "resets before the headers": (then(saying(), Visit.reset), Outcome.NETWORK),
    "resets in the headers": (then(saying(b"HTTP/1.1 200 OK\r\nContent-"), Visit.reset), Outcome.NETWORK),
    "resets in the body": (then(saying(answer(b"[", Content_Length="9")), Visit.reset), Outcome.NETWORK),
    "closes before the headers": (then(saying(), Visit.finish), Outcome.NETWORK),
    "closes in the headers": (then(saying(b"HTTP/1.1 200 OK\r\nContent-"), Visit.finish), Outcome.NETWORK),
    "cuts the body": (then(saying(answer(b"[", Content_Length="9")), Visit.finish), Outcome.NETWORK),
    "cuts the chunks": (then(saying(CHUNKED + b"2\r\n[1\r\n"), Visit.finish), Outcome.NETWORK),
    "sends headers without end": (_endless_headers, Outcome.NETWORK),
    "sends one header without end": (saying(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000), Outcome.NETWORK),
    "does not speak HTTP": (saying(b"220 smtp.example.org ESMTP\r\n"), Outcome.NETWORK),
    "breaks its chunks": (saying(CHUNKED + b"zz\r\n[1\r\n"), Outcome.NETWORK),
    "lies about its packing": (saying(answer(b"[]", Content_Encoding="gzip")), Outcome.NETWORK),
    "packs in a way not asked for": (saying(answer(b"[]", Content_Encoding="br")), Outcome.NETWORK),
    "announces a body over the cap": (saying(answer(b"", Content_Length=str(CAP + 1))), Outcome.TOO_LARGE),
    "sends a body over the cap": (
        then(saying(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (CAP + 1)), Visit.finish), Outcome.TOO_LARGE,
    ),
    "sends a gzip bomb": (
        saying(answer(gzip.compress(b" " * (8 * CAP), 1), Content_Encoding="gzip")), Outcome.TOO_LARGE,
    ),
    "says continue without end": (then(saying(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), Visit.hang), Outcome.TIMEOUT),
    "switches protocols": (saying(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nabc"), Outcome.HTTP_OTHER),
    "speaks HTTP/0.9": (then(saying(b"[1]\r\n"), Visit.finish), Outcome.NETWORK),
    "answers 500": (saying(answer(b"", 500)), Outcome.SERVER_ERROR),
}  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_trouble_has_its_outcome_and_the_next_question_is_answered(trouble: str) -> None:
    """The same client, the same server: a server that..."""
    conduct, outcome = TROUBLES[trouble]
    timeout = BRIEFLY if outcome is Outcome.TIMEOUT else LONG

    async def scenario() -> None:
        async with hostile(saying(answer())) as server, asking() as asker:
            assert (await asker.ask(server.url))[0].ok
            server.conduct = conduct
            call, value = await asker.ask(server.url, timeout=timeout)
            assert (call.outcome, value) == (outcome, None)
            assert call.detail
            server.conduct = saying(answer(b"[1]"))
            call, value = await asker.ask(server.url)
            assert (call.outcome, value) == (Outcome.OK, [1])
            assert asker.client.in_flight == 0
            assert len(asker.calls) == 3

    run(scenario())


@pytest.mark.parametrize("ending", [Visit.reset, Visit.finish], ids=["reset", "closed"])
def test_a_connection_that_is_ended_as_soon_as_it_is_made_is_a_network_failure(ending: Callable[[Visit], Any]) -> None:
    async def scenario() -> None:
        async with hostile(saying(answer())) as server, asking() as asker:
            server.greet = then(saying(), ending)
            call, _ = await asker.ask(server.url)
            assert call.outcome is Outcome.NETWORK
            server.greet = None
            assert (await asker.ask(server.url))[0].ok

    run(scenario())


def test_a_body_of_exactly_the_cap_is_an_answer() -> None:
    call, _ = ask_once(saying(answer(b" " * CAP)), len)
    assert (call.outcome, call.size) == (Outcome.OK, CAP)


@pytest.mark.parametrize("members", [1, 40], ids=["in one member", "in many members"])
def test_a_gzip_bomb_never_unfolds_in_memory(members: int) -> None:
    bomb = gzip.compress(bytes(80 * CAP // members), 1) * members

    async def scenario() -> None:
        async with hostile(saying(answer(bomb, Content_Encoding="gzip"))) as server, asking() as asker:
            with peak_memory() as peak:
                call, _ = await asker.ask(server.url)
            assert call.outcome is Outcome.TOO_LARGE
            assert call.size <= CAP + 64 * 1024
            assert peak.bytes < 3 * CAP

    run(scenario())


@contextmanager
def peak_memory() -> Iterator[SimpleNamespace]:
    peak = SimpleNamespace(bytes=0)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        yield peak
        peak.bytes = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_a_refused_connection_is_a_network_failure_that_names_host_and_reason() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        async def scenario() -> None:
            async with asking() as asker:
                call, _ = await asker.ask(f"http://127.0.0.1:{port}")
                assert call.outcome is Outcome.NETWORK
                assert call.detail == f"no connection to 127.0.0.1:{port}: connection refused"

        run(scenario())


@pytest.mark.parametrize("host", ["nowhere.invalid", f"{'x' * 70}.invalid"], ids=["unknown", "impossible"])
def test_a_name_that_does_not_resolve_is_a_network_failure(host: str) -> None:
    async def scenario() -> None:
        async with asking() as asker:
            call, _ = await asker.ask(f"http://{host}")
            assert (call.outcome, call.detail) == (Outcome.NETWORK, f"the name of {host} cannot be resolved")

    run(scenario())


# TLS


class Certificates:
    """An authority of our own, what a client needs to trust it, and what a server needs to show."""

    def __init__(self) -> None:
        self.authority = trustme.CA()
        self.trusting = ssl.create_default_context()
        self.authority.configure_trust(self.trusting)

    def server(self, name: str, expires: datetime | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(name, not_after=expires).configure_cert(context)
        return context


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates()


def ask_over_tls(server_side: ssl.SSLContext, client_side: ssl.SSLContext | None) -> Call:
    calls: list[Call] = []

    async def scenario() -> None:
        async with hostile(saying(answer()), tls=server_side) as server, asking(tls=client_side) as asker:
            call, _ = await asker.ask(server.url)
            assert (len(server.visits) == 1) is call.ok, "the token goes to a host that has shown who it is, only"
            calls.append(call)

    run(scenario())
    return calls[0]


def test_a_certificate_that_fits_is_trusted(certificates: Certificates) -> None:
    assert ask_over_tls(certificates.server("localhost"), certificates.trusting).ok


def test_a_certificate_for_another_name_is_refused(certificates: Certificates) -> None:
    call = ask_over_tls(certificates.server("elsewhere.example"), certificates.trusting)
    assert (call.outcome, call.detail.endswith("is for another name")) == (Outcome.TLS, True)


def test_an_expired_certificate_is_refused(certificates: Certificates) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    call = ask_over_tls(certificates.server("localhost", yesterday), certificates.trusting)
    assert (call.outcome, call.detail.endswith("has expired")) == (Outcome.TLS, True)


def test_a_certificate_of_an_unknown_issuer_is_refused(certificates: Certificates) -> None:
    call = ask_over_tls(certificates.server("localhost"), None)
    assert call.outcome is Outcome.TLS
    assert "issuer" in call.detail or "cannot be verified" in call.detail


def test_tls_that_breaks_after_its_beginning_is_a_tls_failure() -> None:
    """aiohttp tells it as an error of the system; what TLS said is only its cause."""
    error = aiohttp.ClientOSError(1, "[SSL: WRONG_VERSION_NUMBER]")
    error.__cause__ = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]")
    failure = translate(error, "api.example", LONG)
    assert (failure.outcome, failure.detail) == (Outcome.TLS, "the TLS connection to api.example broke")


def test_https_on_a_port_that_speaks_http_is_a_tls_failure() -> None:
    async def scenario() -> None:
        async with hostile(saying(answer())) as server, asking() as asker:
            server.greet = saying(answer(b"", 400))
            call, _ = await asker.ask(f"https://localhost:{server.port}")
            assert (call.outcome, "does it speak https" in call.detail) == (Outcome.TLS, True)

    run(scenario())


# Turns, budget, time


def test_no_more_than_the_concurrency_is_asked_at_once_and_a_reload_can_change_it() -> None:
    async def scenario() -> None:
        go = asyncio.Event()
        async with hostile(once(go, saying(answer()))) as server, asking(Limits(concurrency=2)) as asker:
            tasks = [asyncio.create_task(asker.ask(server.url)) for _ in range(6)]
            await server.visited(2)
            assert (len(server.visits), asker.client.in_flight) == (2, 2)
            asker.client.limit(Limits(concurrency=3))
            await server.visited(3)
            assert len(server.visits) == 3
            go.set()
            assert all(call.ok for call, _ in await asyncio.gather(*tasks))

    run(scenario())


def test_each_host_has_its_own_slots() -> None:
    async def scenario() -> None:
        limits = Limits(concurrency=1)
        async with hostile(Visit.hang) as silent, hostile(saying(answer())) as lively, asking(limits) as asker:
            stuck = asyncio.create_task(asker.ask(silent.url))
            await silent.visited(1)
            call, _ = await asker.ask(lively.url)
            assert call.ok
            await cancelled(stuck)

    run(scenario())


def test_a_call_that_waits_3_s_for_its_first_byte_gives_its_slot_to_the_next() -> None:
    async def scenario() -> None:
        async with hostile(_silent_for_the_first) as server, asking(Limits(concurrency=1)) as asker:
            stuck = asyncio.create_task(asker.ask(f"{server.url}/silent"))
            await server.visited(1)
            waiting = asyncio.create_task(asker.ask(server.url))
            await later(2.5)
            assert asker.client.in_flight == 1
            await later(0.5)
            call, _ = await waiting
            assert call.ok
            assert not stuck.done()
            await cancelled(stuck)
            assert asker.client.in_flight == 0

    run(scenario())


class ToldBudget(ReadingBudget):
    """Tells when the first piece of an answer has come."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()

    def account(self, share: Share, size: int) -> None:
        super().account(share, size)
        self.begun.set()


def test_a_call_whose_first_byte_has_come_keeps_its_slot_however_long_the_rest_takes() -> None:
    async def scenario() -> None:
        half, budget = saying(answer(b"[", Content_Length="2")), ToldBudget()
        async with hostile(then(half, Visit.hang)) as server, asking(Limits(concurrency=1), budget) as asker:
            tasks = [asyncio.create_task(asker.ask(server.url)) for _ in range(2)]
            await budget.begun.wait()
            await later(5.0)
            assert asker.client.in_flight == 1
            for task in tasks:
                await cancelled(task)

    run(scenario())


async def _silent_for_the_first(visit: Visit) -> None:
    if visit.target.startswith("/silent"):
        await visit.hang()
    await visit.say(answer())


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


def test_a_cancelled_question_is_not_a_call_and_leaves_no_trace() -> None:
    async def scenario() -> None:
        go = asyncio.Event()
        async with hostile(once(go, saying(answer()))) as server, asking(Limits(concurrency=1)) as asker:
            running, waiting = (asyncio.create_task(asker.ask(server.url)) for _ in range(2))
            await server.visited(1)
            await cancelled(waiting)
            await cancelled(running)
            go.set()
            assert (await asker.ask(server.url))[0].ok
            assert (len(asker.calls), asker.client.in_flight) == (1, 0)

    run(scenario())


def test_a_call_is_timed_from_its_turn_at_the_gate_to_its_last_byte() -> None:
    async def scenario() -> None:
        go = asyncio.Event()
        ticks = iter(range(100))
        calls: list[Call] = []
        client = await Client.open(clock=lambda: float(next(ticks)), observe=calls.append, limits=Limits(concurrency=1))
        async with hostile(once(go, saying(answer()))) as server:
            tasks = [asyncio.create_task(client.ask(question(server.url), bytes)) for _ in range(2)]
            await server.visited(1)
            go.set()
            await asyncio.gather(*tasks)
            await client.close()
        assert [(call.started, call.finished) for call in calls] == [(0, 1), (2, 3)]

    run(scenario())


def test_answers_beyond_the_reading_budget_wait_while_the_first_one_goes_on() -> None:
    """Of ten large answers at once there lie in memory: the budget, one answer, and a piece of each other one."""
    large, budget = 1_000_000, ReadingBudget(100_000)

    async def scenario() -> None:
        async with hostile(saying(answer(b" " * large))) as server, asking(reading=budget) as asker:
            together = (asker.ask(server.url, lambda _body: budget.used) for _ in range(10))
            in_memory = [used for _, used in await asyncio.gather(*together)]
        assert len(in_memory) == 10
        assert large <= max(in_memory) <= budget.total + large + 10 * 64 * 1024
        assert budget.used == 0

    run(scenario())


def test_an_answer_that_has_arrived_whole_is_not_held_up_when_another_one_holds_the_budget() -> None:
    async def scenario() -> None:
        budget = ReadingBudget(100)
        async with hostile(saying(answer(b"[1]"))) as server, asking(reading=budget) as asker:
            with budget.share() as stalled:
                stalled.add(1000)
                assert (await asker.ask(server.url))[1] == [1]

    run(scenario())


def test_the_budget_is_held_until_the_answer_is_decoded() -> None:
    async def scenario() -> None:
        budget = ReadingBudget()
        async with hostile(saying(answer(b"[1]"))) as server, asking(reading=budget) as asker:
            _, used = await asker.ask(server.url, lambda body: budget.used)
            assert (used, budget.used) == (3, 0)

    run(scenario())


def test_the_timeout_is_the_time_of_the_whole_call() -> None:
    """A server that drips a byte at a time is never silent, and is cut off all the same."""

    async def drip(visit: Visit) -> None:
        await visit.say(CHUNKED)
        while not visit.over:
            await visit.say(b"1\r\n \r\n")
            await asyncio.sleep(0.01)

    begun = time.monotonic()
    call, _ = ask_once(drip, timeout=BRIEFLY)
    assert (call.outcome, call.detail.endswith("within 0.2 s")) == (Outcome.TIMEOUT, True)
    assert time.monotonic() - begun < 10


def test_a_call_that_outlasts_the_patience_is_cut_off_at_its_timeout_whether_or_not_it_has_begun_to_answer() -> None:
    async def scenario() -> None:
        half, budget = saying(answer(b"[", Content_Length="2")), ToldBudget()
        servers = hostile(Visit.hang), hostile(then(half, Visit.hang))
        async with servers[0] as silent, servers[1] as stalled, asking(reading=budget) as asker:
            tasks = [asyncio.create_task(asker.ask(server.url)) for server in (silent, stalled)]
            await silent.visited(1)
            await budget.begun.wait()
            await later(LONG / 2)
            assert not any(task.done() for task in tasks)
            await later(LONG / 2)
            assert [call.outcome for call, _ in await asyncio.gather(*tasks)] == [Outcome.TIMEOUT] * 2

    run(scenario())


# What a real server can hardly bring about


class Unsent(aiohttp.ClientResponse):
    """A response for aioresponses, which does not know the stream writer that aiohttp 3.14 expects."""

    def __init__(self, *args: Any, **more: Any) -> None:
        more["stream_writer"] = SimpleNamespace(output_size=0)
        super().__init__(*args, **more)


def ask_the_library(**behaviour: Any) -> tuple[Call, Any]:
    results = []

    async def scenario() -> None:
        url = f"http://api.example/waInstance1101000001/getStateInstance/{TOKEN}"
        async with asking() as asker:
            with aioresponses() as library:
                library.get(url, response_class=Unsent, **behaviour)
                results.append(await asker.ask("http://api.example"))

    run(scenario())
    return results[0]


def test_an_exception_of_the_library_that_has_no_line_of_its_own_is_a_network_failure() -> None:
    call, _ = ask_the_library(exception=aiohttp.ClientError(f"http://api.example/{TOKEN}"))
    assert (call.outcome, call.detail) == (Outcome.NETWORK, "the call to api.example failed (ClientError)")


def test_a_fault_inside_the_library_is_internal_and_tells_no_url(caplog: pytest.LogCaptureFixture) -> None:
    call, _ = ask_the_library(exception=RuntimeError(f"http://api.example/{TOKEN}"))
    assert call.outcome is Outcome.INTERNAL
    assert "Wordless: RuntimeError" in caplog.text


def test_a_status_of_one_million_is_no_answer() -> None:
    call, _ = ask_the_library(status=1_000_000)
    assert call.outcome is Outcome.HTTP_OTHER


def test_what_the_client_is_made_of_tells_its_state_and_no_secret() -> None:
    async def scenario() -> None:
        async with hostile(Visit.hang) as server, asking() as asker:
            stuck = asyncio.create_task(asker.ask(server.url))
            await server.visited(1)
            assert repr(asker.client) == "<Client 1 calls in flight to 1 hosts>"
            assert TOKEN not in repr(question(server.url))
            await cancelled(stuck)

    run(scenario())


# The net under every output


@pytest.mark.parametrize(
    ("text", "shown"),
    {
        f"no route to {TOKEN}!": "no route to <redacted>!",
        "a%2Fb": "<redacted>",
        "sesame sesame-open": "<redacted> <redacted>",
        "GET https://api.example/waInstance1101000001/getSettings/abc?minutes=5 HTTP/1.1": (
            "GET https://api.example/waInstance1101000001/getSettings/<redacted> HTTP/1.1"
        ),
        "to 79001234567@c.us, 79001234567-1600000000@g.us, 123@lid and 7900%40c.us": (
            "to <redacted>, <redacted>, <redacted> and <redacted>"
        ),
        '{"webhookUrlToken": "Bearer abc", "a": 1}': '{"webhookUrlToken": <redacted>, "a": 1}',
        "{'webhookUrlToken': 'Bearer abc'}": "{'webhookUrlToken': <redacted>}",
        "instance 1101000001 is fine": "instance 1101000001 is fine",
    }.items(),
)
def test_the_redactor_masks_secrets_and_leaves_the_rest(text: str, shown: str) -> None:
    redact = Redactor([Secret(TOKEN), Secret(""), Secret("sesame")])
    redact.learn([Secret("a/b"), Secret("sesame-open")])
    assert redact(text) == shown
    assert TOKEN not in repr(redact)


@settings(deadline=None)
@given(before=st.text(), after=st.text(), token=st.text("0123456789abcdef", min_size=8))
def test_no_known_token_survives_the_redactor(before: str, after: str, token: str) -> None:
    assert token not in Redactor([Secret(token)])(before + token + after)
