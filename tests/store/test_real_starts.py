"""The command on state files in every condition: it runs and says what it did, or ends with one sentence."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exporter.simulator.account import Account, Rules
from exporter.simulator.plan import Message
from exporter.simulator.server import Simulator
from exporter.store import SqliteStore
from tests.kill.process import ROOT, Exporter, free_port
from tests.kill.scraping import Watch, scrape

from .builders import busy, commit, make_newer
from .test_damage import Damage, cut_the_end_off, flip_a_bit, scribble

ID = "1101000001"
CONFIG = """
tariff: business
state_file: {state}
min_interval: 1ms
state_interval: 0
settings_interval: 0
instances:
  - id: "1101000001"
    token: a-token
    api_url: {url}
"""
NOBODY = "http://127.0.0.1:1"
"""No service is needed for a commit: that an instance was asked is kept, too."""


def _configure(directory: Path, url: str = NOBODY, state: Path | None = None) -> None:
    (directory / "config.yaml").write_text(CONFIG.format(url=url, state=state or directory / "state.db"))


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Exporter]:
    """Ends in order, unless the test failed."""
    exporter = Exporter(directory, free_port())
    await exporter.start()
    try:
        yield exporter
        assert await exporter.stop() == 0
    finally:
        exporter.kill()
        await exporter.dead()


def refused(directory: Path) -> str:
    """The one sentence of a command that does not start; before it there are only warnings."""
    command = [sys.executable, "-m", "exporter", f"--config.file={directory}/config.yaml"]
    ended = subprocess.run(
        [*command, "--web.listen-address=127.0.0.1:0"], capture_output=True, text=True, cwd=ROOT, timeout=30
    )
    assert ended.returncode == 1
    *warnings, sentence = ended.stderr.splitlines()
    assert all(" level=warn " in line for line in warnings), ended.stderr
    return sentence


def counters(exposition: str) -> list[str]:
    return [line for line in exposition.splitlines() if re.match(r"greenapi_outgoing_\w+_total", line)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A state file with something in it."""
    store = SqliteStore(str(tmp_path / "state.db"))
    commit(store, busy(store))
    store.close()
    _configure(tmp_path)
    return tmp_path / "state.db"


@pytest.mark.parametrize(
    ("damage", "times"), [(flip_a_bit, 40), (scribble, 40), (cut_the_end_off, 1)],
    ids=["bits flipped", "bytes scribbled", "the end cut off"],
)  # fmt: skip
def test_a_damaged_file_is_set_aside_and_the_exporter_runs(path: Path, damage: Damage, times: int) -> None:
    content, rng = bytearray(path.read_bytes()), random.Random(3)
    for _ in range(times):  # a few small ones would mostly hit bytes that nobody uses
        damage(rng, content)
    path.write_bytes(content)

    async def start() -> None:
        async with running(path.parent) as exporter:
            assert counters(await scrape(exporter, Watch()))

    asyncio.run(start())
    log = (path.parent / "exporter.log").read_text()
    assert "the state file cannot be used and was set aside" in log
    assert "Traceback" not in log
    assert len(list(path.parent.glob("*.damaged-*Z"))) == 1


def test_a_file_that_is_removed_while_running_is_back_after_the_next_scrape(path: Path) -> None:
    async def remove() -> None:
        watch = Watch()
        async with running(path.parent) as exporter:
            before = counters(await scrape(exporter, watch))
            for file in path.parent.glob("state.db*"):
                file.unlink()
            assert counters(await scrape(exporter, watch)) == before
        async with running(path.parent) as exporter:
            assert counters(await scrape(exporter, watch)) == before

    asyncio.run(remove())
    assert "written anew from memory" in (path.parent / "exporter.log").read_text()


def test_a_full_disk_holds_the_counters_while_the_gauges_go_on_and_nothing_is_lost(tmp_path: Path) -> None:
    async def fill() -> None:
        account = Account(ID, "a-token", rules=Rules(max_lag=0.0))
        async with Simulator([account], rate_clock=None) as url:
            _configure(tmp_path, url)
            async with running(tmp_path) as exporter:
                await scrape(exporter, watch := Watch())
                exporter.fill_the_disk()
                account.add(*(Message(f"{number}@c.us", "id", (("sent", time.time()),)) for number in range(5)))
                full = await scrape(exporter, watch)
                assert _sum(full, "greenapi_outgoing_messages_total") == 0
                assert _sum(full, "greenapi_outgoing_window_messages") == 5
                assert _sum(full, "greenapi_up") == 1
                assert _sum(full, "greenapi_exporter_state_failures_total") >= 1
                await scrape(exporter, watch)
                exporter.free_the_disk()
                assert _sum(await scrape(exporter, watch), "greenapi_outgoing_messages_total") == 5
            async with running(tmp_path) as exporter:
                assert _sum(await scrape(exporter, watch), "greenapi_outgoing_messages_total") == 5

    asyncio.run(fill())
    log = (tmp_path / "exporter.log").read_text()
    assert log.count("the state file cannot be written; counters stay at the last commit") == 1
    assert log.count("commits succeed again") == 1
    assert "Traceback" not in log


def _sum(exposition: str, name: str) -> float:
    lines = [line for line in exposition.splitlines() if re.match(name + r"[{ ]", line)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_a_second_exporter_is_refused_while_the_first_runs(path: Path) -> None:
    async def both() -> None:
        async with running(path.parent) as exporter:
            await scrape(exporter, Watch())
            said = await asyncio.to_thread(refused, path.parent)
            assert "is in use by another exporter. Stop that one" in said

    asyncio.run(both())


def test_a_file_of_a_newer_version_is_refused_with_one_sentence(path: Path) -> None:
    make_newer(str(path))
    said = refused(path.parent)
    assert said.startswith("greenapi-exporter: The state file ")
    assert "written by a newer version of the exporter (9.9.9)" in said


def test_a_missing_directory_is_refused_with_one_sentence(tmp_path: Path) -> None:
    _configure(tmp_path, state=tmp_path / "missing" / "state.db")
    said = refused(tmp_path)
    assert f"{tmp_path}/missing is not a directory, or does not exist" in said
