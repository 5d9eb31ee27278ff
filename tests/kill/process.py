"""The exporter as a process that can be killed at chosen and at unlucky moments."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

_START = """
import runpy, signal
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
runpy.run_module("exporter", run_name="__main__", alter_sys=True)
"""
"""`python -m exporter`, but a file that grows beyond its limit kills at once, which Python prevents by itself."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Exporter:
    """Started as often as one likes, always on the same port and the same state file. `log` collects its stderr."""

    def __init__(self, directory: Path, port: int, *, dies_at_a_limit: bool = False) -> None:
        self.port = port
        self._program = ("-c", _START) if dies_at_a_limit else ("-m", "exporter")
        self.log = directory / "exporter.log"
        self.wal = directory / "state.db-wal"
        self._config = directory / "config.yaml"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self._program, f"--config.file={self._config}",
                f"--web.listen-address=127.0.0.1:{self.port}", cwd=ROOT, stderr=log,
            )  # fmt: skip

    @property
    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection as soon as there is somebody to connect to. Raises ConnectionError when the process is gone."""
        while self._running.returncode is None:
            try:
                return await asyncio.open_connection("127.0.0.1", self.port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
        raise ConnectionError(f"the exporter has ended: {self._running.returncode}")

    def kill(self) -> None:
        """Kill -9, unless it is dead already."""
        if self._running.returncode is None:
            self._running.send_signal(signal.SIGKILL)

    async def dead(self) -> int:
        return await self._running.wait()

    async def stop(self) -> int:
        """Ask it to stop in order; the exit code."""
        self._running.terminate()
        return await self.dead()

    def fill_the_disk(self, room: int = 0) -> None:
        """Let no file of it grow beyond `room` bytes after the present end of SQLite's log."""
        self._limit(resource.RLIMIT_FSIZE, _touched(self.wal)[0] + room)

    def free_the_disk(self) -> None:
        self._limit(resource.RLIMIT_FSIZE, None)

    def kill_within_a_write(self, room: int) -> None:
        """The kernel is to kill it at the write that needs more than `room` bytes; needs `dies_at_a_limit`."""
        self._limit(resource.RLIMIT_CORE, 0)
        self.fill_the_disk(room)

    def _limit(self, what: int, bytes_: int | None) -> None:
        """None: the most that is allowed."""
        _, most = resource.prlimit(self._running.pid, what)
        resource.prlimit(self._running.pid, what, (most if bytes_ is None else bytes_, most))

    async def kill_after_a_write(self, patience: float, delay: float) -> bool:
        """Kill it `delay` seconds after it wrote to the log; False if it did not within `patience`."""
        return await asyncio.to_thread(self._strike, patience, delay)

    def _strike(self, patience: float, delay: float) -> bool:
        before, end = _touched(self.wal), time.monotonic() + patience
        while (now := _touched(self.wal)) == before and time.monotonic() < end:
            pass
        time.sleep(delay)
        os.kill(self._running.pid, signal.SIGKILL)
        return now != before


def _touched(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns
