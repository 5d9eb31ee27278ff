"""Orders to a benchmark's process: one word a line on standard input, until it says or becomes the end."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator

_END = "quit"


async def orders() -> AsyncIterator[str]:
    """Each word as it comes; standard input is read by a thread, so that the loop runs on."""
    loop = asyncio.get_running_loop()
    words: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(words.put_nowait, line.strip())
        loop.call_soon_threadsafe(words.put_nowait, _END)

    threading.Thread(target=read, daemon=True).start()
    while (word := await words.get()) != _END:
        yield word
