"""Scenario folders: what the service said, second by second, and what the exporter shows in the end.

A folder's name is the sentence it shows to be true. In it lie

    0060s-lastOutgoingMessages.json         a body that the method answered to a call begun 60 seconds after `EPOCH`
    0120s-lastOutgoingMessages-timeout.txt  a call that failed, with its outcome; the text is for the reader
    0180s-restart.txt                       the process ends and starts again from what was committed
    0180s-commits-fail.txt, 0240s-commits-succeed.txt
    0300s-look.txt                          time passes until then
    scenario.yaml                           what is not as usual, see `Scene`; may be absent
    expected.prom                           what is shown after the last of them; `python -m tests.golden` writes it

Everything goes the way of a real answer (wire, instance, catalog, exposition), but for the network and the clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from exporter.catalog import CATALOG
from exporter.config import Config, InstanceConfig, Tariff
from exporter.errors import AnswerUnusable
from exporter.exposition import Exposition
from exporter.fleet import QUESTIONS
from exporter.instance import Instance, InstanceChanges, Saved
from exporter.ledger import Known, Message
from exporter.model import Call, Meaning, Method, Outcome, Secret
from exporter.store.keys import keyed

ROOT = Path(__file__).parent / "scenarios"
EPOCH = 1_790_000_000.0
ID = "1101000001"

_EVENT = re.compile(r"(?P<second>\d{4,})s-(?P<what>[A-Za-z]+)(?:-(?P<how>[a-z_]+))?\.(?:json|txt)")
_ZERO = re.compile(r"\{(?!id_instance=\"[0-9]+\",name=\"[^\"]*\"\}).*\} 0\.0$")
"""A line at 0 with labels of its own: series that exist but tell nothing."""


@dataclass(frozen=True)
class Scene:
    """`took` is how long a call lasts, `clock_ahead` how far the service's clock is ahead of ours; all in seconds.

    `date`: whether answers have a Date header. `complete`: expected.prom has HELP, TYPE and series at 0 too.
    """

    window: float = 3600.0
    min_interval: float = 60.0
    timestamp: str = "sent"
    stale_after: float = 300.0
    took: float = 1.0
    clock_ahead: float = 0.0
    date: bool = False
    complete: bool = False
    declare_types: tuple[str, ...] = ("textMessage",)

    def config(self) -> Config:
        instance = InstanceConfig(
            ID, "sales", Secret("a-token"), None, "https://1101.api.green-api.com", (("team", "blue"),),
            Tariff.BUSINESS, self.window, self.min_interval, 60.0, Meaning(self.timestamp),
        )  # fmt: skip
        return Config((instance,), 100, self.stale_after, ":memory:", 2**27, 60.0, 3600.0, tuple(self.declare_types))


@dataclass
class Disk:
    """What a store would hold."""

    saved: Saved = field(default_factory=Saved)
    messages: dict[int, Message] = field(default_factory=dict)
    works: bool = True

    def commit(self, instance: Instance) -> None:
        changes: InstanceChanges = instance.changes()
        if not self.works:
            instance.account.not_committed(changes.account)
            return
        for key in changes.account.forgotten:
            self.messages.pop(key, None)
        self.messages |= {message.key: message for message in changes.account.messages.values()}
        self.saved = changes.saved
        instance.account.committed(changes.account)

    def known(self) -> Known:
        known = Known()
        for message in self.messages.values():
            known.add(message)
        return known


class Scenario:
    """One folder, played on a clock that jumps from event to event."""

    def __init__(self, folder: Path) -> None:
        described = folder / "scenario.yaml"
        self.scene = Scene(**(yaml.safe_load(described.read_text()) if described.exists() else {}))
        self.files = sorted(path for path in folder.iterdir() if path.name[0].isdigit())
        self.disk = Disk()
        self.now = EPOCH
        self._start()

    def _start(self) -> None:
        config = self.scene.config()
        self.instance = Instance(
            config.instances[0], config, keyed(b"the scenarios' key"), self.disk.saved, self.disk.known()
        )

    def play(self) -> str:
        for file in self.files:
            event = _EVENT.fullmatch(file.name)
            assert event is not None, f"{file} has no name as tests/scenario.py says"
            self.now = EPOCH + int(event["second"])
            self._happen(event["what"], event["how"], file.read_bytes())
            self.disk.commit(self.instance)
        return self._exposition()

    def _happen(self, what: str, how: str | None, body: bytes) -> None:
        if what == "restart":
            self._start()
        elif what == "commits":
            self.disk.works = how == "succeed"
        elif what != "look":
            self._call(Method(what), Outcome(how or "ok"), body)

    def _call(self, method: Method, outcome: Outcome, body: bytes) -> None:
        started, self.now = self.now, self.now + self.scene.took
        date = float(int(self.now + self.scene.clock_ahead)) if self.scene.date else None
        self.instance.begin(method, started)
        call = Call(ID, method, outcome, started, self.now, date=date)
        if call.ok:
            question = QUESTIONS[method]
            try:
                question.take(self.instance, call, question.decoder(self.instance)(body))
            except AnswerUnusable as unusable:
                call = Call(ID, method, unusable.outcome, started, self.now, date=date)
        self.instance.ended(call)

    def _exposition(self) -> str:
        text = b"".join(Exposition(CATALOG).render([self.instance.face(self.now)], openmetrics=False)).decode()
        if self.scene.complete:
            return text
        return "".join(
            f"{line}\n" for line in text.splitlines() if not line.startswith("#") and not _ZERO.search(line)
        )


def folders() -> list[Path]:
    return sorted(path for path in ROOT.iterdir() if path.is_dir())
