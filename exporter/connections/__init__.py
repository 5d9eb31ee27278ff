"""Connections: who is let in, how many at once, and how long anybody may take.

Owns what aiohttp's server leaves open: a bound on connections and on TLS handshakes, a deadline for a request's head
and for taking an answer, certificates that change while we run. Knows no path and no metric. Whoever is cut off here
asked too slowly, or stood idle while others waited for room.

    bounds      how much of everything there may be
    door        accepting, and who has to leave when there is no room
    connection  one connection and its deadlines
"""

from .bounds import Bounds, usual_bounds
from .connection import attended
from .door import BATCH, Door

__all__ = ["BATCH", "Bounds", "Door", "attended", "usual_bounds"]
