"""What the state file costs: commits, a start with many known messages, and the memory of each of them.

`python -m tests.bench.store_bench [--instances 1000] [--messages 100000] [--known 1000000]`
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter import wire
from exporter.instance import InstanceChanges, Saved
from exporter.ledger import Account, Answer
from exporter.model import Journal, Meaning, Row
from exporter.store import SqliteStore
from exporter.store.keys import keyed

NOW = 1_790_000_000
WINDOW = 86_400.0


@dataclass(frozen=True, slots=True)
class BenchRow:
    """A row of a journal."""

    id: str
    timestamp: int
    status: str
    chat: str = "79000000001@c.us"
    message_type: str = "extendedTextMessage"
    by_api: bool = True


class Fleet:
    """So many accounts over one state file, with so many messages each."""

    def __init__(self, path: Path, instances: int, messages: int) -> None:
        self.store = SqliteStore(str(path))
        self._accounts = {
            str(1101000000 + number): Account(self.store.key_of, (), Meaning.SENT) for number in range(instances)
        }
        self._statuses = {id_: ["sent"] * messages for id_ in self._accounts}
        self.ids = list(self._accounts)
        self._now = float(NOW)
        for account in self._accounts.values():
            self._fold(account, [])
        self._turn = 0

    def change(self, share: float) -> None:
        """An answer for every account, in which that share of its messages has become another."""
        self._now += 10
        for id_, account in self._accounts.items():
            statuses = self._statuses[id_]
            for _ in range(max(1, round(len(statuses) * share))):
                place = self._turn % len(statuses)
                statuses[place] = "read" if statuses[place] == "delivered" else "delivered"
                self._turn += 1
            self._fold(account, [BenchRow(str(n), NOW, status) for n, status in enumerate(statuses)])

    def _fold(self, account: Account, rows: Sequence[Row]) -> None:
        account.fold(Answer(Journal(list(rows), {}), self._now - 1, self._now, WINDOW, 10.0))

    def commit(self) -> tuple[int, float]:
        """Messages written, and the seconds that the store took."""
        batch = []
        for id_, account in self._accounts.items():
            changes = account.changes()
            batch.append(InstanceChanges(id_, Saved(changes.scalars, changes.totals), changes))
        began = time.perf_counter()
        self.store.commit(batch)
        return sum(len(changes.account.messages) for changes in batch), time.perf_counter() - began


def measure_commits(directory: Path, instances: int, messages: int) -> list[str]:
    fleet = Fleet(directory / "commits.db", instances, messages // instances)
    fleet.change(0.0)
    written, first = fleet.commit()
    seconds = []
    for _ in range(10):
        fleet.change(0.01)
        changed, took = fleet.commit()
        seconds.append(took)
    size = fleet.store.size()
    fleet.store.close()
    return [
        f"the first commit of {instances} instances with {written} messages: {first:.2f} s",
        f"a commit of {instances} instances, {changed} messages changed: median {statistics.median(seconds):.3f} s, "
        f"longest {max(seconds):.3f} s; the files hold {size / 2**20:.0f} MiB",
    ]


def measure_start(directory: Path, known: int) -> list[str]:
    path = directory / f"{known}.db"
    instances = max(1, known // 10_000)
    fleet = Fleet(path, instances, known // instances)
    fleet.change(0.0)
    fleet.commit()
    fleet.store.close()
    ids = fleet.ids
    del fleet
    began = time.perf_counter()
    store = SqliteStore(str(path))
    opened = time.perf_counter()
    restored = store.load(ids)
    loaded = time.perf_counter()
    number = sum(len(each.messages) for each in restored.values())
    del restored
    tracemalloc.start()
    again = store.load(ids)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(len(each.messages) for each in again.values()) == number
    store.close()
    return [
        f"a start with {number} known messages: {loaded - began:.2f} s, of them {opened - began:.2f} s for opening; "
        f"the file holds {path.stat().st_size / 2**20:.0f} MiB",
        f"memory of these messages without an answer: {held / number:.0f} bytes each, "
        f"{(peak - held) / 2**20:.0f} MiB more while loading",
    ]


def measure_memory(known: int) -> list[str]:
    """What the process grows by with accounts that have just read answers of 10,000 rows each."""
    gc.collect()
    before, accounts = _resident(), []
    for number in range(known // 10_000):
        account = Account(_KEY_OF, (), Meaning.SENT)
        for body in (b"[]", _answer(number, 10_000)):
            account.fold(Answer(wire.journal_after(account.imprint, body), NOW, NOW + 1, WINDOW, 10.0))
            account.committed(account.changes())
        accounts.append(account)
        del body
    gc.collect()
    number = sum(map(len, accounts))
    grown = _resident() - before
    return [f"{number} known messages and the last answers that showed them: {grown / number:.0f} bytes each"]


_KEY_OF = keyed(b"the secret of the benchmark")


def _answer(account: int, rows: int) -> bytes:
    row = (
        b'{"type":"outgoing","idMessage":"3EB0%06X%010X","timestamp":%d,"typeMessage":"textMessage",'
        b'"chatId":"7900%07d@c.us","textMessage":"A text.","statusMessage":"sent","sendByApi":true}'
    )
    return b"[" + b",".join(row % (account, number, NOW, number % 7_000) for number in range(rows)) + b"]"


def _resident() -> int:
    return next(int(line.split()[1]) * 1024 for line in _lines("/proc/self/status") if line.startswith("VmRSS"))


def machine() -> str:
    """Where the figures are from."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{platform.node()}: {os.cpu_count()} x {model or platform.machine()}, {memory:.0f} GiB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}"
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.store_bench", description=__doc__)
    parser.add_argument("--instances", type=int, default=1_000)
    parser.add_argument("--messages", type=int, default=100_000, help="of all instances together")
    parser.add_argument("--known", type=int, default=1_000_000, help="messages to start with")
    options = parser.parse_args(arguments)
    print(machine())
    for line in measure_memory(options.known):  # first, while no freed memory lies about
        print(line, flush=True)
    with tempfile.TemporaryDirectory() as directory:
        for line in measure_commits(Path(directory), options.instances, options.messages):
            print(line, flush=True)
        for known in (options.known // 10, options.known):
            for line in measure_start(Path(directory), known):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
