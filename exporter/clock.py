"""The service's clock as seen from here: how far it is from ours, by the Date of its answers.

Pure arithmetic over finished calls. Offsets are seconds, the service's clock minus ours.
"""

from __future__ import annotations

from .model import Call

ENGAGE, DISENGAGE, FOLLOW = 2.0, 1.0, 1.0
"""Correct beyond 2 s, stop below 1 s, and follow only what moved by more than 1 s: a Date has whole seconds."""


class ServiceClock:
    """`offset` is what was measured last, `correction` what is added to our times: nothing while the clocks agree."""

    __slots__ = ("correction", "offset")

    def __init__(self, correction: float = 0.0) -> None:
        self.offset: float | None = None
        self.correction = correction

    def observe(self, call: Call) -> None:
        """An answer with a Date header. Its second began half a second before the middle of that second, on average."""
        if call.date is None:
            return
        self.offset = call.date + 0.5 - (call.started + call.finished) / 2
        # A slow answer says little: its Date may be from any moment of the call.
        doubt = abs(call.finished - call.started) / 2
        if abs(self.offset - self.correction) <= FOLLOW + doubt:
            return
        if abs(self.offset) - doubt > ENGAGE or self.correction:
            self.correction = self.offset if abs(self.offset) >= DISENGAGE else 0.0

    def corrected(self, ours: float) -> float:
        return ours + self.correction
