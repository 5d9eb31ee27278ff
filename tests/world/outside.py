"""The exporter as a process of its own, as its users run it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_ADDRESS = re.compile(rb'\blistening\b.*\baddress[":= ]+([0-9.]+:[0-9]+)')


class Process:
    """A running exporter. `stdout` and `stderr` are what it has written so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.stdout, self.stderr = b"", b""
        self.address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._process = process
        self._reading = [asyncio.create_task(self._read_stdout()), asyncio.create_task(self._read_stderr())]

    @property
    def url(self) -> str:
        return f"http://{self.address.result()}"

    @property
    def memory(self) -> int:
        """Bytes of memory that the process occupies."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024

    async def _read_stdout(self) -> None:
        assert self._process.stdout is not None
        while piece := await self._process.stdout.read(65536):
            self.stdout += piece

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.stderr += line
            if (found := _ADDRESS.search(line)) and not self.address.done():
                self.address.set_result(found[1].decode())
        if not self.address.done():
            self.address.set_exception(AssertionError(f"it ended before it listened: {self.stderr.decode()}"))

    async def stop(self) -> int:
        """End it as a service manager would; its exit code."""
        if self._process.returncode is None:
            self._process.terminate()
        async with asyncio.timeout(30):
            await asyncio.gather(*self._reading)
            return await self._process.wait()


@asynccontextmanager
async def started(config_file: Path, *flags: str) -> AsyncIterator[Process]:
    """An exporter that listens, in asyncio's debug mode; stopped at the end."""
    process = Process(
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "exporter", f"--config.file={config_file}",
            "--web.listen-address=127.0.0.1:0", *flags,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=2**24,
            env=os.environ | {"PYTHONASYNCIODEBUG": "1"},
        )
    )  # fmt: skip
    try:
        await process.address
        yield process
    finally:
        await process.stop()
