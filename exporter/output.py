"""Standard output: what --once, --config.check and the demo print, and what happens when nobody takes it.

Owns the stream; knows nothing of what is printed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable


class CannotWrite(Exception):
    """Standard output is full, closed or gone; the sentence says which."""


def write(pieces: Iterable[bytes]) -> None:
    """Write all pieces through to standard output. Raises CannotWrite."""
    stream = sys.stdout
    if stream is None:
        raise CannotWrite("standard output is closed, so nothing can be printed")
    try:
        for piece in pieces:
            stream.buffer.write(piece)
        stream.buffer.flush()
    except OSError as error:
        _give_up(stream.fileno())
        reason = error.strerror or type(error).__name__
        raise CannotWrite(f"standard output took only a part of what was to be printed: {reason}") from None


def _give_up(descriptor: int) -> None:
    """Let the rest go nowhere: the interpreter flushes at its end, and would complain once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
