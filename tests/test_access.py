"""Who may come in: web configuration files, TLS with and without client certificates, passwords, changes while running.

Each tests/webconfigs/*.yaml stands beside what it is answered with (.txt): its complaints, or what is in force.
`python -m tests.test_access` writes these texts anew, their diff is read by a person.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.access import Access, Passwords, WebConfig, guard, read
from exporter.access.parsing import parse
from exporter.access.passwords import TooBusy, decoy
from exporter.access.tls import make_context
from exporter.connections import Bounds, Door, attended
from exporter.errors import ConfigInvalid

from .running import exporting, run
from .running import write as write_settings

HERE = Path(__file__).parent
BAD = sorted((HERE / "webconfigs").glob("*.bad.yaml"))
OK = sorted((HERE / "webconfigs").glob("*.ok.yaml"))

PASSWORD = "open sesame"
HASH = "$2y$04$vh9F6dYPS3V1h9b.SlsB5u9OJvXnQmrSosU6Gixkrd.fS.0WhUMfi"
USERS = f"basic_auth_users:\n  alice: {HASH}\n"
TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
LONG_AGO = 1_600_000_000


class Papers:
    """A folder of certificates and keys, and the authority behind them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(str(folder / "ca.crt"))
        self.issue_server()
        other = trustme.CA().issue_cert("localhost").private_key_pem.bytes()
        (folder / "other.key").write_bytes(other)
        key = load_pem_private_key(other, None)
        (folder / "encrypted.key").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a password"))
        )

    def issue_server(self) -> None:
        """A new certificate for the server, and its key."""
        server = self.authority.issue_cert("localhost", "127.0.0.1")
        server.private_key_pem.write_to_path(str(self.folder / "server.key"))
        server.cert_chain_pems[0].write_to_path(str(self.folder / "server.crt"))

    def client(self, name: str | None = None, authority: trustme.CA | None = None) -> ssl.SSLContext:
        """A client that trusts the server, and shows a certificate of this name."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if name is not None:
            (authority or self.authority).issue_cert(name).configure_cert(context)
        return context


@pytest.fixture(scope="module")
def papers() -> Iterator[Papers]:
    with tempfile.TemporaryDirectory() as folder:
        yield Papers(Path(folder))


@pytest.fixture
def own_papers(tmp_path: Path) -> Papers:
    return Papers(tmp_path)


def load(text: str, folder: Path) -> WebConfig:
    return parse(text, source="web.yaml", directory=str(folder), make_context=make_context)


def answer(text: str, folder: Path) -> str:
    """What a web configuration is answered with: its complaints, or what is in force."""
    try:
        config = load(text, folder)
    except ConfigInvalid as invalid:
        return "".join(f"{complaint}\n" for complaint in invalid.complaints)
    context = config.context
    lines = [f"# {warning}" for warning in config.warnings]
    if context is not None:
        clients = f"clients {context.verify_mode.name} {sorted(config.allowed_sans)}"
        lines.append(f"TLS {context.minimum_version.name} to {context.maximum_version.name}, {clients}")
    lines += [f"user {user.decode()}" for user in config.users]
    lines += [f"{name}: {value}" for name, value in config.headers.items()]
    return "".join(f"{line}\n" for line in lines or ["everybody may come in over plain HTTP"])


@pytest.mark.parametrize("path", [*BAD, *OK], ids=lambda path: path.name)
def test_each_file_is_answered_as_written_beside_it(path: Path, papers: Papers) -> None:
    assert answer(path.read_text(), papers.folder) == path.with_suffix(".txt").read_text()


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_every_complaint_has_its_place_and_shows_no_password(path: Path, papers: Papers) -> None:
    for line in answer(path.read_text(), papers.folder).splitlines():
        assert line.startswith("web.yaml:")
        assert "Password" not in line
        assert HASH[-20:] not in line


@given(st.sampled_from([path.read_text() for path in (*OK, *BAD)]), st.data())
@settings(max_examples=500, deadline=None)
def test_a_mutilated_file_is_answered_with_complaints_or_taken_never_with_anything_else(
    text: str, data: st.DataObject
) -> None:
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 20)))
    inserted = data.draw(st.text("{}[]:-#&*!|>'\"% \n\tabc0\x00é", max_size=6))
    assert answer(text[:begin] + inserted + text[end:], Path("/nonexistent"))


# Passwords


@asynccontextmanager
async def passwords() -> AsyncIterator[Passwords]:
    checking = Passwords()
    try:
        yield checking
    finally:
        checking.close()


KNOWN = {b"alice": HASH.encode()}


def test_the_right_password_opens_and_no_other() -> None:
    async def scenario() -> None:
        async with passwords() as checking:
            assert await checking.match(KNOWN, b"alice", PASSWORD.encode())
            assert not await checking.match(KNOWN, b"alice", b"open simsim")
            assert not await checking.match(KNOWN, b"alice", b"")
            assert not await checking.match(KNOWN, b"bob", PASSWORD.encode())
            assert not await checking.match(KNOWN, b"alice", b"nul\0nul")
            assert not await checking.match(KNOWN, b"alice", b"x" * 5000)

    run(scenario())


def test_a_password_that_was_right_is_remembered_and_costs_no_check_any_more() -> None:
    async def scenario() -> None:
        async with passwords() as checking:
            assert await checking.match(KNOWN, b"alice", PASSWORD.encode())
        # Closed: nothing can be checked any more, only be remembered.
        assert await checking.match(KNOWN, b"alice", PASSWORD.encode())
        with pytest.raises(RuntimeError):
            await checking.match(KNOWN, b"alice", b"open simsim")

    run(scenario())


def test_a_remembered_password_ends_with_its_hash() -> None:
    async def scenario() -> None:
        async with passwords() as checking:
            assert await checking.match(KNOWN, b"alice", PASSWORD.encode())
            changed = {b"alice": decoy(KNOWN)}
            assert not await checking.match(changed, b"alice", PASSWORD.encode())

    run(scenario())


def test_an_unknown_user_costs_what_most_known_ones_cost() -> None:
    users = {name: f"$2y${cost}${'.' * 53}".encode() for name, cost in ((b"a", 12), (b"b", 12), (b"c", 10))}
    assert decoy(users).startswith(b"$2b$12$")


def test_a_flood_of_passwords_is_turned_away_beyond_a_bound() -> None:
    async def scenario() -> None:
        async with passwords() as checking:
            attempts = [checking.match(KNOWN, b"alice", b"guess %d" % number) for number in range(100)]
            results = await asyncio.gather(*attempts, return_exceptions=True)
        assert sum(isinstance(result, TooBusy) for result in results) == 36
        assert [result for result in results if not isinstance(result, TooBusy)] == [False] * 64

    run(scenario())


# A server behind it


@asynccontextmanager
async def serving(access: Access) -> AsyncIterator[str]:
    """A server that says `welcome` to whoever comes in; its authority (host and port)."""

    async def welcome(_: web.Request) -> web.Response:
        return web.Response(text="welcome")

    checking = Passwords()
    app = web.Application(middlewares=[attended, guard(access, checking)])
    app.router.add_get("/", welcome)
    runner = web.AppRunner(app)
    await runner.setup()
    assert runner.server is not None
    door = Door(runner.server, access, Bounds())
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    door.open(listener)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        door.close()
        await runner.cleanup()
        checking.close()


def write(folder: Path, text: str, *, at: float = LONG_AGO) -> str:
    """Write web.yaml as a whole and as if it had been written then; its path."""
    path, new = folder / "web.yaml", folder / "web.yaml.new"
    new.write_text(text)
    os.utime(new, (at, at))
    new.replace(path)
    return str(path)


async def status(http: aiohttp.ClientSession, url: str, user: str | None = None, password: str = PASSWORD) -> int:
    headers = {} if user is None else {"Authorization": aiohttp.encode_basic_auth(user, password)}
    async with http.get(url, headers=headers) as response:
        return response.status


def test_a_request_without_the_right_password_gets_401_and_a_challenge(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(Access(write(tmp_path, USERS))) as authority, aiohttp.ClientSession() as http:
            url = f"http://{authority}/"
            async with http.get(url) as response:
                assert response.status == 401
                assert response.headers["WWW-Authenticate"].startswith("Basic ")
            assert await status(http, url, "alice") == 200
            assert await status(http, url, "alice", "wrong") == 401
            assert await status(http, url, "mallory") == 401
            assert await status(http, f"{url}no/such/page") == 401

    run(scenario())


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic YWxpY2U=", "Bearer YWxpY2U6eA==", "", "Basic \u00e9"])
def test_a_malformed_authorization_is_no_authorization(tmp_path: Path, header: str) -> None:
    async def scenario() -> None:
        async with serving(Access(write(tmp_path, USERS))) as authority, aiohttp.ClientSession() as http:
            response = await http.get(f"http://{authority}/", headers={"Authorization": header})
            assert response.status == 401

    run(scenario())


def test_a_user_that_was_removed_is_locked_out_on_an_open_connection_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = write(tmp_path, USERS + f"  bob: {HASH}\n")
        async with serving(Access(path)) as authority, aiohttp.ClientSession() as http:
            assert await status(http, f"http://{authority}/", "bob") == 200
            write(tmp_path, USERS)
            assert await status(http, f"http://{authority}/", "bob") == 401
            assert await status(http, f"http://{authority}/", "alice") == 200

    run(scenario())


def test_tls_is_served_and_a_new_certificate_is_used_without_a_restart(own_papers: Papers) -> None:
    async def scenario() -> None:
        access = Access(write(own_papers.folder, TLS))
        async with serving(access) as authority:
            before = await certificate(authority, own_papers.client())
            own_papers.issue_server()
            for name in ("server.key", "server.crt"):
                os.utime(own_papers.folder / name, (LONG_AGO, LONG_AGO))
            after = await certificate(authority, own_papers.client())
        assert before["serialNumber"] != after["serialNumber"]

    run(scenario())


async def certificate(authority: str, client: ssl.SSLContext) -> dict[str, object]:
    """The certificate that the server shows; the client asks for its page, too."""
    host, _, port = authority.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=client)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).endswith(b"welcome")
    found: dict[str, object] = writer.get_extra_info("peercert")
    writer.close()
    await writer.wait_closed()
    return found


CLIENTS = "  client_ca_file: ca.crt\n  client_auth_type: "
NAMED = f"{CLIENTS}RequireAndVerifyClientCert\n  client_allowed_sans: [a.example.org]\n"


@pytest.mark.parametrize(
    ("settings_", "name", "stranger", "welcome"),
    [
        ("  client_auth_type: NoClientCert\n", None, False, True),
        ("  client_auth_type: RequestClientCert\n", None, False, True),
        (f"{CLIENTS}VerifyClientCertIfGiven\n", None, False, True),
        (f"{CLIENTS}VerifyClientCertIfGiven\n", "prometheus.example.org", False, True),
        (f"{CLIENTS}VerifyClientCertIfGiven\n", "prometheus.example.org", True, False),
        (f"{CLIENTS}RequireAndVerifyClientCert\n", None, False, False),
        (f"{CLIENTS}RequireAndVerifyClientCert\n", "prometheus.example.org", False, True),
        (f"{CLIENTS}RequireAndVerifyClientCert\n", "prometheus.example.org", True, False),
        (NAMED, "a.example.org", False, True),
        (NAMED, "b.example.org", False, False),
    ],
)
def test_client_certificates_decide_who_comes_in(
    papers: Papers, tmp_path: Path, settings_: str, name: str | None, stranger: bool, welcome: bool
) -> None:
    async def scenario() -> None:
        client = papers.client(name, trustme.CA() if stranger else None)
        connector = aiohttp.TCPConnector(ssl=client)
        path = write(papers.folder, TLS + settings_)
        async with serving(Access(path)) as authority, aiohttp.ClientSession(connector=connector) as http:
            try:
                came_in = await status(http, f"https://{authority}/") == 200
            except (aiohttp.ClientError, ConnectionError):
                came_in = False
        assert came_in is welcome

    run(scenario())


def test_a_client_below_the_least_version_is_refused(papers: Papers) -> None:
    async def scenario() -> None:
        client = papers.client()
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        connector = aiohttp.TCPConnector(ssl=client)
        path = write(papers.folder, TLS + "  min_version: TLS13\n")
        async with serving(Access(path)) as authority, aiohttp.ClientSession(connector=connector) as http:
            with pytest.raises(aiohttp.ClientError):
                await status(http, f"https://{authority}/")

    run(scenario())


# Changes while running


def test_a_broken_new_version_leaves_the_old_one_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    access = Access(write(tmp_path, USERS))
    for text in ("basic_auth_users: [", "", "basic_auth_users: {alice: plain}"):
        caplog.clear()
        write(tmp_path, text)
        assert [access.current().users for _ in range(3)] == [{b"alice": HASH.encode()}] * 3
        assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    (tmp_path / "web.yaml").unlink()
    assert access.current().users
    caplog.set_level(logging.INFO)
    write(tmp_path, USERS.replace("alice", "bob"))
    assert list(access.current().users) == [b"bob"]
    assert "read again" in caplog.records[-1].getMessage()


def test_a_file_that_was_written_this_moment_may_be_half_written_and_is_left_alone(tmp_path: Path) -> None:
    now = LONG_AGO + 1000.0
    access = Access(write(tmp_path, USERS), clock=lambda: now)
    write(tmp_path, "http_server_config: {}\n", at=LONG_AGO + 1000)
    assert access.current().users
    now += 1.5
    assert not access.current().users


def test_a_certificate_whose_key_is_still_missing_leaves_the_old_pair(own_papers: Papers) -> None:
    access = Access(write(own_papers.folder, TLS))
    before = access.current().context
    shutil.copy(own_papers.folder / "other.key", own_papers.folder / "server.key")
    os.utime(own_papers.folder / "server.key", (LONG_AGO, LONG_AGO))
    assert access.current().context is before
    own_papers.issue_server()
    for name in ("server.key", "server.crt"):
        os.utime(own_papers.folder / name, (LONG_AGO + 1, LONG_AGO + 1))
    assert access.current().context is not before


def test_the_whole_exporter_stands_behind_the_door_and_the_files_headers_win(own_papers: Papers) -> None:
    async def scenario() -> None:
        folder = own_papers.folder
        web_file = write(folder, f"{TLS}http_server_config: {{headers: {{X-Frame-Options: sameorigin}}}}\n{USERS}")
        config = write_settings(
            folder, {"instances": [{"id": "1101000001", "token": "x", "api_url": "http://127.0.0.1:9"}]}
        )
        http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=own_papers.client()))
        async with exporting(config, f"--web.config.file={web_file}") as (exporter, _), http:
            for path in ("/", "/metrics", "/-/healthy", "/config", "/no/such/page"):
                assert await status(http, exporter.url + path) == 401
            async with http.post(f"{exporter.url}/-/reload") as response:
                assert response.status == 401
            headers = {"Authorization": aiohttp.encode_basic_auth("alice", PASSWORD)}
            async with http.get(exporter.url, headers=headers) as response:
                assert response.status == 200
                assert response.headers["X-Frame-Options"] == "sameorigin"
            async with http.get(f"{exporter.url}/sd", headers=headers) as response:
                assert (await response.json())[0]["labels"]["__scheme__"] == "https"

    run(scenario())


def test_config_check_looks_at_the_web_configuration_and_the_external_url_too(own_papers: Papers) -> None:
    config = write_settings(own_papers.folder, {"instances": [{"id": "1101000001", "token": "x"}]})
    command = [sys.executable, "-m", "exporter", "--config.check", f"--config.file={config}"]

    def check(text: str, url: str) -> tuple[int, str, str]:
        flags = [f"--web.config.file={write(own_papers.folder, text)}", f"--web.external-url={url}"]
        done = subprocess.run([*command, *flags], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    assert check(TLS + USERS, "https://metrics.example.org")[:2] == (0, "ok\n")
    code, _, complaints = check(TLS + "  min_version: TLS14\n", "metrics.example.org")
    assert code == 1
    assert "web.yaml:4: tls_server_config.min_version: found 'TLS14'; " in complaints
    assert "--web.external-url is no address" in complaints
    assert "Traceback" not in complaints


def test_a_file_that_cannot_be_read_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff")
    for name, said in (("nowhere.yaml", "cannot be read"), ("binary.yaml", "UTF-8")):
        with pytest.raises(ConfigInvalid) as caught:
            read(str(tmp_path / name))
        assert said in str(caught.value.complaints[0])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        folder = Papers(Path(scratch)).folder
        for file in (*OK, *BAD):
            file.with_suffix(".txt").write_text(answer(file.read_text(), folder))
