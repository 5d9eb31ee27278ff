"""Reload: everything or nothing is taken over, and nobody who is being served notices."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from exporter.config import Config
from exporter.errors import ConfigInvalid, StoreUnusable
from exporter.loading import load
from exporter.model import Complaint
from exporter.reload import Reloader

from .running import TOKEN, configure, exporting, id_of, row, run, serving, write

SUCCESSFUL = "greenapi_exporter_config_last_reload_successful"
SUCCEEDED_AT = "greenapi_exporter_config_last_reload_success_timestamp_seconds"


def up(number: int) -> str:
    return f'greenapi_up{{id_instance="{id_of(number)}",name="name-{number}"}}'


def counted(number: int) -> str:
    labels = f'id_instance="{id_of(number)}",message_type="textMessage",name="name-{number}",origin="api"'
    return f"greenapi_outgoing_messages_total{{{labels}}}"


def test_added_instances_appear_removed_ones_vanish_and_the_others_keep_their_counts(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving() as service, exporting(configure(tmp_path, service, 1, 2)) as (exporter, _):
            await exporter.get("/metrics")
            service.rows[id_of(1)] = [row("one", time.time())]
            service.rows[id_of(2)] = [row("two", time.time())]
            before = await exporter.samples()
            assert (before[counted(1)], before[counted(2)]) == (1, 1)
            configure(tmp_path, service, 1, 3)
            await exporter.reload()
            after = await exporter.samples()
            assert after[counted(1)] == 1
            assert after[counted(3)] == 0
            assert not any(id_of(2) in name for name in after)

    run(scenario())


def test_an_instance_that_comes_back_goes_on_where_it_was(tmp_path: Path) -> None:
    async def scenario() -> None:
        state = str(tmp_path / "state.db")
        async with serving() as service:
            path = configure(tmp_path, service, 1, 2, state_file=state)
            async with exporting(path) as (exporter, _):
                await exporter.get("/metrics")
                service.rows[id_of(2)] = [row("two", time.time())]
                assert (await exporter.samples())[counted(2)] == 1
                configure(tmp_path, service, 1, state_file=state)
                await exporter.reload()
                configure(tmp_path, service, 1, 2, state_file=state)
                await exporter.reload()
                assert (await exporter.samples())[counted(2)] == 1

    run(scenario())


def test_a_wrong_configuration_changes_nothing_and_tells_every_complaint(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving() as service, exporting(configure(tmp_path, service, 1)) as (exporter, lines):
            loaded = (await exporter.samples())[SUCCEEDED_AT]
            wrong = {"id": id_of(9), "token": "x", "min_interval": "soon"}
            write(tmp_path, {"tarif": "business", "instances": [wrong]})
            told = await exporter.reload(status=400)
            assert "config.yaml:1: tarif: " in told
            assert "instances[0].min_interval: " in told
            await lines.said(told.splitlines()[0])
            await lines.said("the configuration was not loaded again: the one before stays in force")
            samples = await exporter.samples()
            assert (samples[SUCCESSFUL], samples[SUCCEEDED_AT]) == (0, loaded)
            assert up(1) in samples
            configure(tmp_path, service, 1)
            await exporter.reload()
            samples = await exporter.samples()
            assert samples[SUCCESSFUL] == 1
            assert samples[SUCCEEDED_AT] > loaded

    run(scenario())


def test_a_running_scrape_and_its_query_are_not_disturbed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving() as service, exporting(configure(tmp_path, service, 1, 2)) as (exporter, _):
            answer = service.hold(id_of(1))
            scrape = asyncio.create_task(exporter.samples(patience=60))
            await service.until_asked(id_of(1))
            configure(tmp_path, service, 1, 3)
            await exporter.reload()
            assert not scrape.done()
            answer.set()
            samples = await scrape
            assert samples[up(1)] == 1
            assert up(2) not in samples
            assert service.times_asked(id_of(1)) == 1

    run(scenario())


def test_a_call_of_an_instance_that_was_removed_is_given_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving() as service, exporting(configure(tmp_path, service, 1, 2)) as (exporter, _):
            service.hold(id_of(2))
            scrape = asyncio.create_task(exporter.samples(patience=60))
            await service.until_asked(id_of(2))
            configure(tmp_path, service, 1)
            await exporter.reload()
            assert up(2) not in await scrape
            assert (await exporter.samples("/metrics/self"))["greenapi_exporter_inflight_api_requests"] == 0

    run(scenario())


def test_sighup_reloads(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving() as service, exporting(configure(tmp_path, service, 1)) as (exporter, lines):
            configure(tmp_path, service, 2)
            os.kill(os.getpid(), signal.SIGHUP)
            await lines.said("the configuration was loaded again")
            assert up(2) in await exporter.samples()

    run(scenario())


def test_intervals_names_and_labels_take_effect(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving() as service, exporting(configure(tmp_path, service, 1)) as (exporter, _):
            await exporter.get("/metrics")
            instance = {"id": id_of(1), "token": TOKEN, "api_url": service.url, "labels": {"team": "x"}, "name": "new"}
            write(tmp_path, {"min_interval": "7m", "instances": [instance]})
            await exporter.reload()
            asked = service.times_asked(id_of(1))
            page = await exporter.get("/metrics")
            assert f'greenapi_query_interval_seconds{{id_instance="{id_of(1)}",name="new"}} 420.0' in page
            assert 'team="x"' in page
            assert service.times_asked(id_of(1)) == asked

    run(scenario())


def test_another_state_file_waits_for_a_restart_and_the_answer_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving() as service, exporting(configure(tmp_path, service, 1)) as (exporter, _):
            configure(tmp_path, service, 1, 2, state_file=str(tmp_path / "other.db"))
            told = await exporter.reload()
            assert "other.db needs a restart; until then :memory: stays in use" in told
            assert up(2) in await exporter.samples()
            assert "state_file: ':memory:'" in await exporter.get("/config")
            assert not (tmp_path / "other.db").exists()

    run(scenario())


def test_a_broken_web_configuration_is_told_at_a_reload_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        web_file = tmp_path / "web.yaml"
        web_file.write_text("http_server_config: {}\n")
        async with serving() as service:
            path = configure(tmp_path, service, 1)
            async with exporting(path, f"--web.config.file={web_file}") as (exporter, _):
                web_file.write_text("basic_auth_users: {alice: plain}\n")
                assert "web.yaml:1: basic_auth_users.alice: no bcrypt hash" in await exporter.reload(status=400)

    run(scenario())


# Tokens


def token_file(folder: Path, url: str, token: str = TOKEN) -> Path:
    """A configuration whose one token stands in a file of its own."""
    (folder / "token").write_text(token)
    return write(folder, {"instances": [{"id": id_of(1), "name": "name-1", "token_file": "token", "api_url": url}]})


def test_a_rotated_token_works_after_a_401_without_a_reload(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving() as service, exporting(token_file(tmp_path, service.url)) as (exporter, lines):
            assert (await exporter.samples())[up(1)] == 1
            service.tokens[id_of(1)] = "another-token"
            assert (await exporter.samples())[up(1)] == 0
            asked = service.times_asked(id_of(1))
            assert (await exporter.samples())[up(1)] == 0
            assert service.times_asked(id_of(1)) == asked, "paused, and the file holds the same token"
            (tmp_path / "token").write_text("another-token\n")
            assert (await exporter.samples())[up(1)] == 1
            await lines.said("the token file holds another token now")

    run(scenario())


@pytest.mark.parametrize("content", ["", "two\nlines", None])
def test_a_token_file_in_the_middle_of_a_rotation_is_read_again_later(tmp_path: Path, content: str | None) -> None:
    async def scenario() -> None:
        async with serving() as service, exporting(token_file(tmp_path, service.url)) as (exporter, _):
            service.tokens[id_of(1)] = "another-token"
            assert (await exporter.samples())[up(1)] == 0
            (tmp_path / "token").unlink()
            if content is not None:
                (tmp_path / "token").write_text(content)
            assert (await exporter.samples())[up(1)] == 0
            (tmp_path / "token").write_text("another-token")
            assert (await exporter.samples())[up(1)] == 1

    run(scenario())


def test_a_reload_reads_secret_files_again_and_ends_the_pause_for_lack_of_access(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving() as service, exporting(token_file(tmp_path, service.url)) as (exporter, _):
            service.tokens[id_of(1)] = "another-token"
            assert (await exporter.samples())[up(1)] == 0
            service.tokens[id_of(1)] = TOKEN  # the account was mended, the token is the same
            await exporter.reload()
            assert (await exporter.samples())[up(1)] == 1

    run(scenario())


# Who may ask, and in which order


def test_a_reload_is_asked_for_by_post_and_not_by_a_page_of_another_site(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving() as service, exporting(configure(tmp_path, service, 1)) as (exporter, _):
            await exporter.get("/-/reload", status=405)
            for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
                headers = {"Sec-Fetch-Site": site}
                async with exporter.http.post(f"{exporter.url}/-/reload", headers=headers) as response:
                    assert response.status == status

    run(scenario())


class Outcomes:
    """Remembers what reloads told the exporter's own metrics."""

    def __init__(self) -> None:
        self.told: list[bool] = []

    def reloaded(self, ok: bool, now: float) -> None:
        self.told.append(ok)


def config(tmp_path: Path) -> Config:
    path = write(tmp_path, {"instances": [{"id": id_of(1), "token": TOKEN}]})
    return load(str(path))[0]


def test_reloads_run_one_after_the_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        running, most = 0, 0
        settings, outcomes = config(tmp_path), Outcomes()

        async def apply(_: Config) -> tuple[str, ...]:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            return ()

        reload = Reloader(lambda: (settings, ()), apply, outcomes, time.time)
        await asyncio.gather(*(reload() for _ in range(5)))
        assert most == 1
        assert outcomes.told == [True] * 5

    run(scenario())


@pytest.mark.parametrize(
    "trouble", [StoreUnusable("the state file is no state file"), ConfigInvalid((Complaint("c.yaml", 1, "", "no"),))]
)
def test_what_cannot_be_taken_over_is_refused_with_its_reason(tmp_path: Path, trouble: Exception) -> None:
    async def scenario() -> None:
        settings, outcomes = config(tmp_path), Outcomes()

        async def apply(_: Config) -> tuple[str, ...]:
            raise trouble

        reloaded = await Reloader(lambda: (settings, ()), apply, outcomes, time.time)()
        assert not reloaded.ok
        assert len(reloaded.lines) == 1
        assert outcomes.told == [False]

    run(scenario())
