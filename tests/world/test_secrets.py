"""No output anywhere holds a token, a phone number, a chat id or a word of a message, whatever goes wrong."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
import trustme

from exporter.client import Ask, Client
from exporter.model import Call, Method, Outcome, Secret
from exporter.redaction import Redactor

from ..hostile import answer, hostile, saying
from .hostility import FAILURES, MAX_BODY, ODDITIES
from .inside import NOW, TIMEOUT_HEADER, Listener, config, id_of, instance, listening, run
from .numbers import Page
from .outside import Process, started
from .secrets import PRIVATE, TOKEN, WEBHOOK_TOKEN, forms, leaks
from .service import Service, row, serving

PATHS = ("/", "/metrics/self", "/sd", "/config", "/-/healthy", "/-/ready", "/nowhere", "/probe")
TEXT_PLAIN, OPENMETRICS = "text/plain;version=1.0.0", "application/openmetrics-text;version=1.0.0"


@pytest.mark.parametrize("what", PRIVATE)
def test_the_search_finds_what_is_planted(what: str) -> None:
    """In every form, amid other bytes, whatever the case; else all that follows would prove nothing."""
    for form, data in forms(PRIVATE[what]):
        for planted in (data, data.upper() if form != "in base64" else data):
            found = leaks({"the log": b"\x00before" + planted + b"after"})
            assert f"the log holds {what}, {form}" in found
    for before in ("", "u:", "us:", "use:"):
        encoded = base64.b64encode(f"{before}{PRIVATE[what]}:x".encode())
        assert leaks({"a header": b"Basic " + encoded}), before


def test_the_search_finds_nothing_in_what_is_harmless() -> None:
    assert leaks({"the log": b"ts=2026-01-01 level=info msg=listening address=127.0.0.1:10048"}) == []


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that came out of an exporter to which everything happened: by name, and how the calls ended."""

    outputs: dict[str, bytes]
    page: Page


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """Of a process at --log.level=debug that suffers all failures at once, is mended, and starts on a damaged file."""
    folder = tmp_path_factory.mktemp("evidence")
    found: list[Evidence] = []

    async def scenario() -> None:
        outputs: dict[str, bytes] = {}
        server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("localhost").configure_cert(server_side)
        async with serving() as (service, _), hostile(Service().conduct, server_side) as unknown:
            elsewhere = [unknown.url, "http://127.0.0.1:9", "https://api.green-api.invalid"]
            urls = [service.url] * (1 + len(FAILURES) + len(ODDITIES)) + elsewhere
            silent = {number for number, f in enumerate(FAILURES, 1) if f.outcome is Outcome.TIMEOUT}
            file = config(
                folder, *(instance(n, url, timeout=1 if n in silent else 30) for n, url in enumerate(urls)),
                min_interval=0.1, state_interval=0.1, settings_interval=0.1, max_body=MAX_BODY,
                concurrency=1000,
            )  # fmt: skip
            async with started(file, "--log.level=debug") as process, aiohttp.ClientSession() as http:
                page = await _suffer(service, process, http, len(urls), outputs)
                outputs |= _files(folder, "while it runs")
            outputs |= _files(folder, "afterwards") | _streams(process, "first")
            os.truncate(folder / "state.db", (folder / "state.db").stat().st_size - 4096)
            async with started(file, "--log.level=debug", "--log.format=json") as process:
                pass
            outputs |= _files(folder, "after a damage") | _streams(process, "second")
        found.append(Evidence(outputs, page))

    run(scenario(), debug=False)
    return found[0]


async def _suffer(
    service: Service, process: Process, http: aiohttp.ClientSession, count: int, outputs: dict[str, bytes]
) -> Page:
    """Everything that can be asked, before, while and after everything happens; what came of it all."""

    async def ask(when: str, path: str, accept: str = "*/*") -> str:
        headers = {TIMEOUT_HEADER: "5", "Accept": accept}
        async with http.get(process.url + path, headers=headers) as response:
            body = await response.read()
            outputs[f"{path} as {accept} {when}"] = str(response.raw_headers).encode() + body
            return body.decode()

    for number in range(count):
        service.send(id_of(number), row(f"old-{number}", NOW - 60))
    await ask("before", "/metrics")
    for number, conduct in enumerate([f.conduct for f in FAILURES] + [saying(answer(o.body)) for o in ODDITIES], 1):
        for method in Method:
            service.misbehave(id_of(number), conduct, method)
    await ask("when all goes wrong", "/metrics", TEXT_PLAIN)
    async with http.post(f"{process.url}/-/reload") as response:  # ends the pauses for lack of access
        outputs["a reload"] = await response.read()
    await asyncio.gather(*(ask("when all goes wrong", f"/probe?target={id_of(n)}&debug=true") for n in range(count)))
    for path in PATHS:
        await ask("when all goes wrong", path)
    page = Page(await ask("when all goes wrong", "/metrics", OPENMETRICS))
    service.behave()
    await ask("when all is well again", "/metrics")
    return page


def _files(folder: Path, when: str) -> dict[str, bytes]:
    """Every file that the exporter has written there."""
    return {f"{path.name} {when}": path.read_bytes() for path in folder.iterdir() if path.name != "config.yaml"}


def _streams(process: Process, which: str) -> dict[str, bytes]:
    return {f"stdout of the {which} process": process.stdout, f"stderr of the {which} process": process.stderr}


def test_everything_happened(evidence: Evidence) -> None:
    """At debug each failure has the same outcome; state file and set-aside file are among what is searched."""
    for number, failure in enumerate(FAILURES, 1):
        assert {*evidence.page.outcomes(id_of(number))} | {"ok"} == {"ok", failure.outcome}, failure.sentence
    for name in ("state.db-wal while it runs", "state.db afterwards"):
        assert evidence.outputs[name]
    assert any("damaged" in name and output for name, output in evidence.outputs.items())
    assert b"level=debug" in evidence.outputs["stderr of the first process"]


def test_no_output_holds_anything_private(evidence: Evidence) -> None:
    assert leaks(evidence.outputs) == []


def test_nothing_that_the_network_does_ends_in_a_traceback(evidence: Evidence) -> None:
    """But for what asyncio tells of itself at debug."""
    said = b"\n".join(output for name, output in evidence.outputs.items() if name.startswith("std"))
    told = [line for line in said.splitlines() if b"Traceback" in line]
    assert [line for line in told if b"level=debug" not in line and b'"level": "debug"' not in line] == []


def test_a_fault_of_the_exporter_is_a_traceback_without_secrets() -> None:
    """Exceptions of a decoder may quote the answer, those of a library the address: the log shows where, not what."""
    listeners: list[Listener] = []
    calls: list[Call] = []

    def decode(body: bytes) -> object:
        try:
            raise KeyError(body.decode(), quote(TOKEN, safe=""))
        except KeyError as first:
            raise ValueError(f"{body!r} {TOKEN} {WEBHOOK_TOKEN}") from first

    async def scenario() -> None:
        listener = Listener(Redactor([Secret(TOKEN)]))
        listeners.append(listener)
        body = json.dumps([*PRIVATE.values()], ensure_ascii=False).encode()
        with listening(listener):
            async with hostile(saying(answer(body))) as server:
                client = await Client.open(clock=lambda: NOW, observe=calls.append)
                await client.ask(Ask(id_of(1), server.url, Secret(TOKEN), Method.MESSAGES, 20.0), decode)
                await client.close()

    run(scenario())
    said = "\n".join(listeners[0].lines)
    assert [call.outcome for call in calls] == [Outcome.INTERNAL]
    assert "Traceback" in said
    assert "in decode" in said
    assert leaks({"the log": said.encode(), "the record": repr(calls).encode()}) == []
