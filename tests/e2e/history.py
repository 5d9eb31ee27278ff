"""The story as history: the exporter's own expositions, minute by minute, for `promtool tsdb create-blocks-from`.

The real rooms do the work (instance, wire, ledger, exposition, telemetry), on a clock that is set by hand, against the
simulator's pure service. What is not the exporter's is played here: the network between them, and what Prometheus adds
(the labels job and instance, the series `up`, the time of a sample).

`python -m tests.e2e.history FOLDER` writes the two days of `cast` as the data folder of a Prometheus.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from random import Random

from exporter.catalog import CATALOG
from exporter.config import Config, InstanceConfig, Tariff
from exporter.errors import AnswerUnusable
from exporter.exposition import Exposition, own
from exporter.failures import refusal
from exporter.fleet import QUESTIONS
from exporter.instance import Face, Instance
from exporter.model import Call, Meaning, Method, Outcome, Secret
from exporter.simulator.account import Account
from exporter.simulator.service import Answer, Question, Service
from exporter.simulator.story import HOUR
from exporter.store import MemoryStore
from exporter.telemetry import Telemetry

from . import past_rules
from .cast import BEGIN, END, MIDNIGHT, OUTAGE, REFUSALS, cast
from .servers import prometheus

JOB, TARGET = "greenapi", "exporter:10048"
_TARGET_LABELS = f'job="{JOB}",instance="{TARGET}"'.encode()
_TYPES = ("extendedTextMessage", "imageMessage", "documentMessage")


class Player:
    """One exporter that watches `accounts` through the two days."""

    def __init__(self, accounts: list[Account], window: float) -> None:
        self._service = Service(accounts, rate_limit=None)
        self._random = Random("network")
        self._calls = 0
        configs = tuple(_config_of(account, window) for account in accounts)
        config = Config(
            configs, concurrency=100, stale_after=300.0, state_file=":memory:", max_body=2**27, state_interval=60.0,
            settings_interval=3600.0, declare_types=_TYPES,
        )  # fmt: skip
        store = MemoryStore()
        self._instances = [Instance(instance, config, store.key_of) for instance in configs]
        self._exposition: Exposition[Face] = Exposition(CATALOG)
        self._start(BEGIN)

    def _start(self, now: float) -> None:
        """The process starts: its own numbers begin anew."""
        self._started = now
        self._telemetry = Telemetry()
        self._telemetry.reloaded(True, now)
        self._telemetry.watch(
            inflight=lambda: 0,
            known_messages=lambda: sum(len(instance.account) for instance in self._instances),
            state_file_bytes=lambda: 65536 + 90 * sum(len(instance.account) for instance in self._instances),
        )

    def play(self, step: float) -> Iterator[bytes]:
        """The samples of each scrape, every `step` seconds, with labels and times as Prometheus would store them."""
        away = False
        now = BEGIN
        while now <= END:
            hour = (now - MIDNIGHT) / HOUR
            if OUTAGE[0] <= hour < OUTAGE[1]:
                away = True
                yield _up(0, now)
            else:
                if away:
                    away = False
                    self._start(now)
                yield _up(1, now)
                yield from (_stored(piece, now) for piece in self._scrape(now))
            now += step

    def _scrape(self, now: float) -> Iterable[bytes]:
        longest = 0.0
        for instance in self._instances:
            for method in instance.due(now):
                call = self._ask(instance, method, now)
                instance.ended(call)
                self._telemetry.called(call)
                longest = max(longest, call.finished - now)
            changes = instance.changes()
            instance.account.committed(changes.account)
        self._telemetry.committed(self._random.lognormvariate(-5.5, 0.5))
        self._telemetry.scraped(longest + 0.01)
        at = now + longest
        pieces = self._exposition.render([instance.face(at) for instance in self._instances], openmetrics=True)
        mine = own(self._telemetry.registry, openmetrics=True)
        return [*pieces, re.sub(rb"(?m)^(process_start_time_seconds) .*", rb"\1 %.1f" % self._started, mine)]

    def _ask(self, instance: Instance, method: Method, now: float) -> Call:
        """What `Fleet._visit` and the client do with the network, without a network."""
        instance.begin(method, now)
        minutes = str(instance.minutes) if method is Method.MESSAGES else None
        asked = Question(instance.id, method.value, minutes, instance.token.reveal())
        answer = self._refused(instance, now) or self._service.answer(asked, now, now)
        took = self._random.lognormvariate(-1.2, 0.4) + len(answer.body) / 2e7
        call = Call(instance.id, method, Outcome.OK, now, now + took, status=answer.status, date=float(int(now)))
        if answer.status != 200:
            return _with(call, refusal(answer.status, None, now).outcome)
        question = QUESTIONS[method]
        try:
            question.take(instance, call, question.decoder(instance)(answer.body))
        except AnswerUnusable as unusable:
            return _with(call, unusable.outcome)
        return call

    def _refused(self, instance: Instance, now: float) -> Answer | None:
        self._calls += 1
        hour = (now - MIDNIGHT) / HOUR
        for refusals in REFUSALS:
            if refusals.covers(instance.config.name, hour) and self._calls % refusals.every == 0:
                return Answer(refusals.status)
        return None


def _with(call: Call, outcome: Outcome) -> Call:
    return Call(call.instance, call.method, outcome, call.started, call.finished, status=call.status, date=call.date)


def _config_of(account: Account, window: float) -> InstanceConfig:
    return InstanceConfig(
        account.id, account.name, Secret(account.token), None, "https://1101.api.green-api.com",
        (("team", "sales"),), Tariff.BUSINESS, window, 60.0, 60.0, Meaning.AUTO,
    )  # fmt: skip


@lru_cache(maxsize=8192)
def _labelled(piece: bytes) -> bytes:
    """Samples only, with the target's labels. A piece is the same bytes for as long as nothing changes."""
    samples = re.sub(rb"(?m)^#.*\n", b"", piece)
    return re.sub(rb"(?m)^(\w+)(?:\{|(?= ))", _with_labels, samples)


def _with_labels(match: re.Match[bytes]) -> bytes:
    more = match[0].endswith(b"{")
    return match[1] + b"{" + _TARGET_LABELS + (b"," if more else b"}")


def _stored(piece: bytes, now: float) -> bytes:
    return _labelled(piece).replace(b"\n", b" %d\n" % now)


def _up(value: int, now: float) -> bytes:
    return b"up{%b} %d %d\n" % (_TARGET_LABELS, value, now)


def write_openmetrics(path: Path, accounts: list[Account], *, window: float = 24 * HOUR, step: float = 60.0) -> None:
    """The whole story in one file. `window` and `step`, the scrape interval, in seconds."""
    with path.open("wb") as file:
        file.writelines(Player(accounts, window).play(step))
        file.write(b"# EOF\n")


def make_blocks(promtool: str, openmetrics: Path, data: Path) -> None:
    """Turn the file into blocks of the TSDB in `data`; long ones, or promtool would read the file once per 2 hours."""
    options = ("--quiet", "--max-block-duration=96h")
    command = [promtool, "tsdb", "create-blocks-from", *options, "openmetrics", str(openmetrics), str(data)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    data, story, alerts = folder / "data", folder / "story.om", folder / "alerts.om"
    write_openmetrics(story, cast())
    make_blocks("promtool", story, data)
    with prometheus(folder, "{}", data) as server:
        past_rules.record("promtool", server, BEGIN, END, data)
    with prometheus(folder, "{}", data) as server, alerts.open("w") as file:
        file.writelines(past_rules.alerts(server, BEGIN, END))
    make_blocks("promtool", alerts, data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
