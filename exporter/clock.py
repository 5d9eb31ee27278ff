"""The service's clock as seen from here: how far it is from ours, by the Date of its answers.

Pure arithmetic over finished calls. Offsets are seconds, the service's clock minus ours.
"""

from __future__ import annotations

from .model import Call

ENGAGE, DISENGAGE, FOLLOW = 2.0, 1.0, 1.0
"""Correct beyond 2 s, stop below 1 s, and follow only what moved by more than 1 s: a Date has whole seconds."""

BELIEVABLE = 86_400.0
"""Seconds; beyond a day a Date is wrong rather than a clock, and would tear every time of an account apart."""


class ServiceClock:
    """`offset` is what the last answer told, `correction` what is added to our times: nothing while the clocks agree.

    The first answer is believed. Later ones change the correction only when a second answer agrees: one absurd Date
    must not settle messages or open a gap.
    """

    __slots__ = ("_claimed", "_measured", "correction", "offset")

    def __init__(self, correction: float = 0.0) -> None:
        self.offset: float | None = None
        self.correction = correction
        self._measured = correction != 0.0
        self._claimed: float | None = None

    def observe(self, call: Call) -> None:
        """An answer with a Date header. Its second began half a second before the middle of that second, on average."""
        if call.date is None:
            if call.ok:
                self.offset = None  # what this service does not tell is not shown
            return
        self.offset = call.date + 0.5 - (call.started + call.finished) / 2
        # A slow answer says little: its Date may be from any moment of the call.
        doubt = abs(call.finished - call.started) / 2
        first, self._measured = not self._measured, True
        claimed, self._claimed = self._claimed, None
        if abs(self.offset - self.correction) <= FOLLOW + doubt or abs(self.offset) > BELIEVABLE:
            return
        if abs(self.offset) - doubt <= ENGAGE and not self.correction:
            return
        if first or (claimed is not None and abs(self.offset - claimed) <= FOLLOW + doubt):
            self.correction = self.offset if abs(self.offset) >= DISENGAGE else 0.0
        else:
            self._claimed = self.offset

    def corrected(self, ours: float) -> float:
        return ours + self.correction
