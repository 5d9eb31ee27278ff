"""A real Prometheus and a real Alertmanager for a test: free ports on loopback, gone afterwards."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ..tools import require_tool

PATIENCE = 60.0
"""Seconds until something that must happen has failed to happen."""
_PAUSE = 0.05

T = TypeVar("T")


def eventually(look: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """Look again and again until there is something; fails with `what` when patience ends."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(_PAUSE)
    raise AssertionError(f"not within {patience:.0f} s: {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A running program with an HTTP API."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.url, self.process, self._log = url, process, log

    def get(self, path: str, **parameters: object) -> Any:
        """The JSON answer of a GET; HTTP errors are answers, too (Prometheus explains bad queries in their body)."""
        query = urllib.parse.urlencode({key: str(value) for key, value in parameters.items()})
        try:
            with urllib.request.urlopen(f"{self.url}{path}?{query}", timeout=PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return json.load(error)

    def ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"ended by itself:\n{self._log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=PATIENCE) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def running(command: Sequence[str], folder: Path, name: str, port: int = 0) -> Iterator[Server]:
    """Start a program that takes `--web.listen-address`, wait until it is ready, and end it afterwards."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=output, stderr=output, cwd=folder
        )
        server = Server(f"http://127.0.0.1:{port}", process, log)
        try:
            eventually(server.ready, f"{name} is ready")
            yield server
        finally:
            process.kill()
            process.wait()


@contextmanager
def prometheus(folder: Path, config: str, data: Path) -> Iterator[Server]:
    """A Prometheus with this configuration over the blocks in `data`, which it keeps however old they are."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "prometheus.yml"
    file.write_text(config)
    command = [require_tool("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={data}"]
    with running([*command, "--storage.tsdb.retention.time=100y", "--log.level=warn"], folder, "prometheus") as server:
        yield server


@contextmanager
def alertmanager(folder: Path, config: str) -> Iterator[Server]:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "alertmanager.yml"
    file.write_text(config)
    command = [require_tool("prometheus-alertmanager"), f"--config.file={file}", f"--storage.path={folder / 'data'}"]
    with running([*command, "--cluster.listen-address=", "--log.level=warn"], folder, "alertmanager") as server:
        yield server
