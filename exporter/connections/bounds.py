"""What one client may take, and how many clients there may be: numbers, and the limit that the system sets them."""

from __future__ import annotations

import resource
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one client may take, in seconds and bytes, and how many of them there may be.

    `head` lasts from the connection, or from a request's first byte, to the end of its headers; `stall` is how long
    a client may take nothing of what waits for it; `answer` a whole request: the longest scrape, and a minute.
    `idle` is a little longer than Prometheus keeps a connection, so that it is Prometheus who closes it.
    """

    connections: int = 4096
    head_bytes: int = 64 * 1024
    handshake: float = 10.0
    head: float = 10.0
    stall: float = 20.0
    answer: float = 180.0
    idle: float = 310.0


def usual_bounds() -> Bounds:
    """As many connections as half of the open files we may have, after raising that limit as far as it goes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = Bounds().connections
    return Bounds(connections=most if hard == resource.RLIM_INFINITY else min(most, hard // 2))
