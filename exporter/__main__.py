"""Where the process begins: signals first, then the command, whose imports take half a second."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is its own."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))  # nothing has begun, so nothing has to be put in order
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the configuration is not read yet
    from .command import main as command

    return command(arguments)


if __name__ == "__main__":
    sys.exit(main())
