"""Whatever the service or the network does to one instance: it has its name, costs nobody else, and ends by itself."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from exporter.model import Method, Outcome

from ..hostile import HostileServer, Visit, answer, hostile, saying
from .hostility import ASKED, FAILURES, MAX_BODY, ODDITIES, Failure, Oddity
from .inside import NOW, Exporter, Loop, config, exporting, id_of, instance, run
from .numbers import Page
from .service import Service, row, serving

FIRST, HURT, LAST = id_of(1), id_of(2), id_of(3)
SENT, WINDOW = "greenapi_outgoing_messages_total", "greenapi_outgoing_window_messages"
LONG = 25.0
"""Seconds, beyond the timeout of a call."""
CHANGED_BY_A_FAILURE = ("greenapi_up", "greenapi_paused_until_timestamp_seconds")

failures = pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.sentence)


@dataclass(frozen=True, slots=True)
class World:
    """A service and an exporter of three instances, of which the middle one gets hurt."""

    service: Service
    exporter: Exporter

    def later(self, seconds: float) -> None:
        self.exporter.clock.now += seconds

    async def scrape_through(self, outcome: Outcome) -> Page:
        """A scrape that runs into this outcome; nobody waits in earnest for a timeout."""
        if outcome is not Outcome.TIMEOUT:
            return await self.exporter.scrape()
        scrape = asyncio.create_task(self.exporter.scrape(100))
        await self.exporter.in_flight(1)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        loop.ahead += LONG
        await scrape
        await self.exporter.in_flight(0)
        return await self.exporter.scrape()

    async def settled_scrape(self) -> Page:
        """What there is to see once every call has ended: a scrape does not wait for who timed out last time."""
        await self.exporter.scrape()
        await self.exporter.in_flight(0)
        return await self.exporter.scrape()


@asynccontextmanager
async def world(
    folder: Path, hurt_url: str = "", tls: ssl.SSLContext | None = None, **more: object
) -> AsyncIterator[World]:
    """The hurt instance may live at an address of its own."""
    async with serving() as (service, _):
        urls = (service.url, hurt_url or service.url, service.url)
        instances = [instance(number, url) for number, url in enumerate(urls, 1)]
        for id_ in (FIRST, HURT, LAST):
            service.send(id_, row(f"old-{id_}", NOW - 600, "read"))
        file = config(folder, *instances, **{"max_body": MAX_BODY, "min_interval": 1, **more})
        async with exporting(file, tls) as exporter:
            yield World(service, exporter)


@failures
def test_a_failure(failure: Failure, tmp_path: Path) -> None:
    """It has its outcome, the neighbours do not notice, the instance is left alone for a while, and nothing is lost."""

    async def scenario() -> None:
        async with world(tmp_path) as here:
            service, exporter = here.service, here.exporter
            before = await exporter.scrape()
            assert [before.value("greenapi_up", id_) for id_ in (FIRST, HURT, LAST)] == [1, 1, 1]

            here.later(ASKED - NOW)
            for id_ in (FIRST, LAST):
                service.send(id_, row("new", exporter.clock.now - 5))
            service.misbehave(HURT, failure.conduct)
            page = await here.scrape_through(failure.outcome)
            assert page.outcomes(HURT) == {"ok": 1, failure.outcome: 1}
            assert page.value("greenapi_up", HURT) == 0
            assert _unchanged(page, HURT) == _unchanged(before, HURT)
            for id_ in (FIRST, LAST):
                assert page.outcomes(id_) == {"ok": 2}
                assert [page.value(name, id_) for name in ("greenapi_up", SENT, WINDOW)] == [1, 1, 2]

            asked = service.times_asked(HURT)
            here.later(failure.pause - 0.5)
            await exporter.scrape()
            assert service.times_asked(HURT) == asked
            service.behave()
            service.send(HURT, row("new", exporter.clock.now - 5))
            here.later(1)
            page = await here.settled_scrape()
            assert page.outcomes(HURT) == {"ok": 2, failure.outcome: 1}
            assert [page.value(name, HURT) for name in ("greenapi_up", SENT, WINDOW)] == [1, 1, 2]

    run(scenario())


def _unchanged(page: Page, instance: str) -> dict[str, float]:
    return {key: value for key, value in page.of(instance).items() if not key.startswith(CHANGED_BY_A_FAILURE)}


@pytest.fixture(scope="module")
def a_scrape_of_oddities(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """One scrape of as many instances as there are oddities."""
    pages = []

    async def scenario() -> None:
        async with serving() as (service, _):
            for number, oddity in enumerate(ODDITIES):
                service.misbehave(id_of(number), saying(answer(oddity.body)))
            instances = [instance(number, service.url) for number, _ in enumerate(ODDITIES)]
            async with exporting(config(tmp_path_factory.mktemp("oddities"), *instances)) as exporter:
                pages.append(await exporter.scrape())

    run(scenario())
    return pages[0]


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.sentence)
def test_an_answer_is_taken_in_although_it_holds(oddity: Oddity, a_scrape_of_oddities: Page) -> None:
    """What is unusable costs nothing but itself."""
    page, id_ = a_scrape_of_oddities, id_of(ODDITIES.index(oddity))
    rejected = {
        labels["reason"]: value
        for name, labels, value in page.samples
        if name == "greenapi_outgoing_window_rejected_rows" and labels["id_instance"] == id_ and value
    }
    assert page.outcomes(id_) == {"ok": 1}
    assert (page.value(WINDOW, id_) or 0) == oddity.usable
    assert rejected == ({oddity.rejected: 1} if oddity.rejected else {})


ANSWERS_OF_OTHER_METHODS = [failure for failure in FAILURES if failure.outcome in (Outcome.MALFORMED, Outcome.REFUSED)]


@pytest.mark.parametrize("method", [Method.STATE, Method.SETTINGS])
def test_a_method_that_fails_costs_the_journal_nothing(method: Method, tmp_path: Path) -> None:
    """Whatever the method answers: its own gauges stay for a while, and messages go on being counted."""

    async def scenario() -> None:
        async with world(tmp_path, state_interval=1, settings_interval=1) as here:
            await here.exporter.scrape()
            ended: dict[str, int] = {"ok": 1}
            for number, failure in enumerate(ANSWERS_OF_OTHER_METHODS, 1):
                if failure.sentence == "200 with an object":  # which is what these methods give
                    continue
                here.service.misbehave(HURT, failure.conduct, method)
                here.service.send(HURT, row(f"new-{number}", here.exporter.clock.now))
                here.later(301)
                page = await here.exporter.scrape()
                ended[failure.outcome] = ended.get(failure.outcome, 0) + 1
                assert page.outcomes(HURT, method) == ended
                assert page.value("greenapi_up", HURT) == 1
                assert page.value(SENT, HURT) == sum(ended.values()) - 1

    run(scenario())


# What the network does before there is a question


@dataclass(frozen=True, slots=True)
class Address:
    """Where the hurt instance lives, who trusts whom, and what puts it right."""

    url: str
    mend: Callable[[], Awaitable[object]]
    tls: ssl.SSLContext | None = None


Trouble = Callable[[], AsyncIterator[Address]]


async def _refused() -> AsyncIterator[Address]:
    with _bound() as taken:
        server = HostileServer(Service().conduct, "http")
        yield Address(_url(taken), lambda: asyncio.start_server(server.serve, sock=taken))
        await server.stop()


async def _black_hole() -> AsyncIterator[Address]:
    """A listener whose queue is full: the kernel drops whatever knocks."""
    with _bound() as hole:
        hole.listen(0)
        knocking = [socket.socket() for _ in range(3)]
        for one in knocking:
            one.setblocking(False)
            one.connect_ex(hole.getsockname())
        server = HostileServer(Service().conduct, "http")
        yield Address(_url(hole), lambda: asyncio.start_server(server.serve, sock=hole))
        await server.stop()
        for one in knocking:
            one.close()


async def _speaks_first() -> AsyncIterator[Address]:
    async with serving(closing=True) as (_, server):
        server.greet = saying(b"220 mail.example.com ESMTP\r\n")
        yield Address(server.url, _no_greeting(server))


async def _resets_at_once() -> AsyncIterator[Address]:
    async def reset(visit: Visit) -> None:
        visit.reset()

    async with serving(closing=True) as (_, server):
        server.greet = reset
        yield Address(server.url, _no_greeting(server))


def _no_greeting(server: HostileServer) -> Callable[[], Awaitable[None]]:
    async def mend() -> None:
        server.greet = None

    return mend


def _certified(bad: Callable[[trustme.CA], trustme.LeafCert]) -> Trouble:
    """A server whose certificate is bad until it is mended."""

    async def trouble() -> AsyncIterator[Address]:
        issuer = trustme.CA()
        server_side, client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        issuer.configure_trust(client_side)
        bad(issuer).configure_cert(server_side)

        async def mend() -> None:
            issuer.issue_cert("localhost").configure_cert(server_side)

        async with hostile(Service(closing=True).conduct, server_side) as server:
            yield Address(server.url, mend, client_side)

    return trouble


async def _no_tls() -> AsyncIterator[Address]:
    """https to a port that speaks http; mended by whoever writes the right address into the configuration."""
    async with serving(closing=True) as (_, server):
        server.greet = saying(answer(b"", 400))
        yield Address(server.url.replace("http:", "https:"), _nothing)


async def _no_name() -> AsyncIterator[Address]:
    yield Address("https://api.green-api.invalid", _nothing)


async def _nothing() -> None:
    pass


def _bound() -> socket.socket:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


def _url(bound: socket.socket) -> str:
    return f"http://127.0.0.1:{bound.getsockname()[1]}"


YESTERDAY = datetime.now(UTC) - timedelta(days=1)
TROUBLES: dict[str, tuple[Trouble, Outcome]] = {
    "nobody listens": (_refused, Outcome.NETWORK),
    "a black hole": (_black_hole, Outcome.TIMEOUT),
    "a server that speaks first": (_speaks_first, Outcome.NETWORK),
    "a reset of every connection": (_resets_at_once, Outcome.NETWORK),
    "a certificate for another name": (_certified(lambda ca: ca.issue_cert("other.example.com")), Outcome.TLS),
    "a certificate that expired": (
        _certified(lambda ca: ca.issue_cert("localhost", not_before=YESTERDAY - timedelta(1), not_after=YESTERDAY)),
        Outcome.TLS,
    ),
    "a certificate of nobody we know": (_certified(lambda _: trustme.CA().issue_cert("localhost")), Outcome.TLS),
    "https where http is spoken": (_no_tls, Outcome.TLS),
    "a name that nobody has": (_no_name, Outcome.NETWORK),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_from_the_first_scrape_on(trouble: str, tmp_path: Path) -> None:
    """The exporter starts, the neighbours are there at once, and when the trouble is over it is over."""
    begin, outcome = TROUBLES[trouble]

    async def scenario() -> None:
        async with asynccontextmanager(begin)() as address, world(tmp_path, address.url, address.tls) as here:
            page = await here.scrape_through(outcome)
            assert page.outcomes(HURT) == {outcome: 1}
            assert [page.value("greenapi_up", id_) for id_ in (FIRST, HURT, LAST)] == [1, 0, 1]
            assert page.value(WINDOW, HURT) is None
            here.later(20)
            await address.mend()
            if address.mend is _nothing:
                await _give_another_address(here, tmp_path)
            page = await here.settled_scrape()
            assert page.outcomes(HURT) == {outcome: 1, "ok": 1}
            assert [page.value("greenapi_up", id_) for id_ in (FIRST, HURT, LAST)] == [1, 1, 1]

    run(scenario())


async def _give_another_address(here: World, folder: Path) -> None:
    file = folder / "config.yaml"
    told = json.loads(file.read_text())
    told["instances"][1]["api_url"] = here.service.url
    file.write_text(json.dumps(told))
    assert (await here.exporter.reload())[0] == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed_with_the_token(status: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving() as (_, elsewhere), world(tmp_path) as here:

            async def redirect(visit: Visit) -> None:
                await visit.say(answer(b"", status, Location=elsewhere.url + visit.target))

            here.service.misbehave(HURT, redirect)
            page = await here.exporter.scrape()
            assert page.outcomes(HURT) == {"http_other": 1}
            assert (elsewhere.connections, elsewhere.visits) == (0, [])

    run(scenario())


def test_a_token_that_is_not_accepted_any_more_is_read_again_from_its_file(tmp_path: Path) -> None:
    """401 pauses the whole instance for a minute; a rotated token ends that at the next scrape, without a restart."""

    async def scenario() -> None:
        async with serving() as (service, server):
            token_file = tmp_path / "token"
            token_file.write_text("the-old-token-0123456789")
            told = instance(1, service.url) | {"token_file": "token"}
            del told["token"]

            async def only_the_new(visit: Visit) -> None:
                await visit.say(answer() if visit.target.split("?")[0].endswith("new") else answer(b"", 401))

            service.misbehave(FIRST, only_the_new)
            async with exporting(config(tmp_path, told, min_interval=1)) as exporter:
                assert (await exporter.scrape()).outcomes(FIRST) == {"unauthorized": 1}
                exporter.clock.now += 5
                assert (await exporter.scrape()).outcomes(FIRST) == {"unauthorized": 1}
                token_file.write_text("the-token-that-is-new\n")
                page = await exporter.scrape()
                assert page.outcomes(FIRST) == {"unauthorized": 1, "ok": 1}
                assert len(server.visits) == 2

    run(scenario())
