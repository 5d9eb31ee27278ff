"""What the end-to-end story is played on: a simulated service and somebody who is notified, in a thread of their own,
before a real exporter process, a real Prometheus and a real Alertmanager.

The clock is the real one. What would take hours is short because the rules are written with all their times scaled
down (`SCALE`); messages that have waited for long simply carry old times.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from exporter.simulator.account import Account, Rules
from exporter.simulator.faults import Action, Fault
from exporter.simulator.plan import Episode, Message
from exporter.simulator.server import Simulator
from prometheus.__main__ import HERE
from prometheus.files import files
from prometheus.options import Options

from .servers import Server, alertmanager, eventually, free_port, prometheus, running

SCALE = 1 / 200
"""30 minutes of the rules are 9 seconds here."""
NAMES = ("calm", "banned", "dirty list", 'stuck "queue" \\ (a|b)')
_numbers = count(1)


class Stage:
    """`notified`: (firing or resolved, alert, instance's name), in the order in which they came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notified: list[tuple[str, str, str]] = []
        self.notes: dict[str, dict[str, str]] = {}
        self.accounts = {name: _account(name) for name in NAMES}
        self.simulator = Simulator(self.accounts.values(), rate_clock=None)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.port = free_port()
        self.prometheus: Server
        self.alertmanager: Server

    # What happens on stage

    def sends(self, name: str, seconds: float, statuses: tuple[str, ...], per_second: float = 4.0) -> None:
        """The account sends from now on, for so long; each message goes through the statuses, a tenth second apart."""
        begin = time.time()
        for number in range(int(seconds * per_second)):
            self.message(name, begin + number / per_second, statuses)

    def message(self, name: str, at: float, statuses: tuple[str, ...]) -> None:
        steps = tuple((status, at + 0.1 * place) for place, status in enumerate(statuses))
        number = next(_numbers)
        message = Message(f"7900000{number % 9000:04d}@c.us", f"3EB0{number:018X}", steps)
        self._do(lambda: self.accounts[name].add(message))

    def is_in_state(self, name: str, state: str) -> None:
        """From now on the account shows this state."""
        self._do(lambda: self.accounts[name].interrupt(Episode(state, time.time())))

    def begins_anew(self, name: str, state: str = "authorized") -> None:
        """The account's messages are gone, those in the queue, too."""
        account = self.accounts[name] = _account(name)
        account.interrupt(Episode(state, time.time()))
        self._do(lambda: self.simulator.accounts.update({account.id: account}))

    def service_breaks(self) -> Callable[[], None]:
        self._do(lambda: self.simulator.faults.add(Fault(Action.ANSWER, status=502)))
        return lambda: self._do(self.simulator.faults.clear)

    # What is seen

    def begins(self) -> None:
        """Wait until all is well; what was before does not count. (Prometheus knows its targets after 5 s only.)"""
        eventually(lambda: self.ask(f"count(greenapi_up == 1) == {len(NAMES)}"), "all instances are seen")
        self.is_quiet()
        self._began = time.time()
        self.notified.clear()

    def fires(self, alert: str, name: str = "") -> None:
        """Wait until somebody has been notified."""
        eventually(lambda: ("firing", alert, name) in self.notified, f"{alert} of {name or 'the exporter'} is notified")

    def resolves(self, alert: str, name: str = "") -> None:
        eventually(lambda: ("resolved", alert, name) in self.notified, f"{alert} of {name or 'the exporter'} resolves")

    def is_muted(self, alert: str, name: str) -> None:
        """Wait until the alert fires in Prometheus and Alertmanager keeps it to itself."""

        def suppressed() -> bool:
            listed = self.alertmanager.get("/api/v2/alerts", inhibited="true")
            found = [a for a in listed if (a["labels"]["alertname"], a["labels"].get("name")) == (alert, name)]
            return any(a["status"]["state"] == "suppressed" for a in found)

        eventually(suppressed, f"{alert} of {name} is muted")

    def is_quiet(self, alert: str = "GreenApi.+") -> None:
        """Wait until nothing, or no alert of that name, fires."""
        quiet = f'absent(ALERTS{{alertname=~"{alert}",alertstate="firing"}})'
        eventually(lambda: self.ask(quiet), f"{alert} does not fire")

    def ask(self, query: str) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = self.prometheus.get("/api/v1/query", query=query)["data"]["result"]
        return result

    def ever_fired(self) -> set[tuple[str, str]]:
        """Every (alert, instance's name) that fired at any time since the beginning, notified or not."""
        story = f"{int(1000 * (time.time() - self._began))}ms"
        found = self.ask(f'count by (alertname, name) (count_over_time(ALERTS{{alertstate="firing"}}[{story}]))')
        return {(series["metric"]["alertname"], series["metric"].get("name", "")) for series in found}

    # What it stands on

    @contextmanager
    def is_set(self) -> Iterator[Stage]:
        """Everything but the exporter runs, until the end of the block."""
        self._thread.start()
        try:
            self._service = self._wait(self.simulator.start())
            self._hook = self._wait(self._listen())
            with alertmanager(self.folder / "alertmanager", self._alertmanager_config()) as self.alertmanager:
                config = self._prometheus_config()
                with prometheus(self.folder / "prometheus", config, self.folder / "data") as self.prometheus:
                    yield self
        finally:
            self._wait(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    @contextmanager
    def exporter(self) -> Iterator[None]:
        """The exporter runs, with the state it left behind, until the end of the block."""
        instances = [
            {"id": account.id, "name": name, "token": account.token, "api_url": self._service}
            for name, account in self.accounts.items()
        ]
        settings = {
            "tariff": "business", "min_interval": "250ms", "state_interval": "250ms", "settings_interval": "2s",
            "state_file": "state.db", "declare_types": ["extendedTextMessage"], "instances": instances,
        }  # fmt: skip
        file = self.folder / "exporter.yaml"
        file.write_text(json.dumps(settings))
        command = [sys.executable, "-m", "exporter", f"--config.file={file}", "--log.level=warn"]
        with running(command, self.folder / "exporter", "exporter", self.port):
            yield

    def _prometheus_config(self) -> str:
        rules = self.folder / "rules"
        rules.mkdir()
        for name, text in files(Options(scale=SCALE)).items():
            (rules / name).write_text(text)
        return json.dumps({
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "250ms"},
            "rule_files": [f"{rules}/*.yaml"],
            "alerting": {"alertmanagers": [_targets(self.alertmanager.url.removeprefix("http://"))]},
            "scrape_configs": [{"job_name": "greenapi", **_targets(f"127.0.0.1:{self.port}")}],
        })  # fmt: skip

    def _alertmanager_config(self) -> str:
        """The example's, with our receiver and without its patience."""
        config = yaml.safe_load((HERE / "alertmanager.yml").read_text())
        config["route"] |= {"group_wait": "10ms", "group_interval": "200ms"}
        for receiver in config["receivers"]:
            receiver["webhook_configs"] = [{"url": self._hook}]
        return json.dumps(config)

    async def _listen(self) -> str:
        app = web.Application()
        app.router.add_post("/", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def _take(self, request: web.Request) -> web.Response:
        for alert in (await request.json())["alerts"]:
            word = (alert["status"], alert["labels"]["alertname"], alert["labels"].get("name", ""))
            self.notes[word[1]] = alert["annotations"]
            if word not in self.notified:
                self.notified.append(word)
        return web.Response()

    async def _close(self) -> None:
        await self.simulator.stop()
        if hasattr(self, "_runner"):
            await self._runner.cleanup()

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def _do(self, change: Callable[[], None]) -> None:
        """Change something in the simulator's own thread."""
        done: Future[None] = Future()

        def carry_out() -> None:
            change()
            done.set_result(None)

        self._loop.call_soon_threadsafe(carry_out)
        done.result(30)


def _account(name: str) -> Account:
    place = NAMES.index(name)
    return Account(str(1101000001 + place), f"simulated-token-{place}", name=name, rules=Rules(max_lag=0.0))


def _targets(address: str) -> dict[str, list[dict[str, list[str]]]]:
    return {"static_configs": [{"targets": [address]}]}
