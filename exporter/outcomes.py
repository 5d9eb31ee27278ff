"""How the calls of one instance ended, counted: every outcome of every method in use, at 0 from the start."""

from __future__ import annotations

from collections.abc import Iterable

from .model import Call, Method, Outcome
from .series import Series, Shape, shape


class Outcomes:
    """Counts by (method, outcome)."""

    __slots__ = ("_numbers", "_shape")

    def __init__(self) -> None:
        self._shape: Shape = shape(())
        self._numbers: list[int] = []

    def declare(self, methods: Iterable[Method]) -> None:
        """Make every outcome of these methods exist at 0; those that exist keep their numbers."""
        before = self.shown()
        labels = [(method, outcome) for method in methods for outcome in Outcome]
        self._shape = shape(dict.fromkeys([*labels, *before]))
        self._numbers = [before.get(each, 0) for each in self._shape.labels]

    def count(self, call: Call) -> None:
        place = self._shape.places.get((call.method, call.outcome))
        if place is None:  # its method has just left the configuration
            self.declare([call.method])
            place = self._shape.places[call.method, call.outcome]
        self._numbers[place] += 1

    def shown(self) -> Series[int]:
        return Series(self._shape, tuple(self._numbers))
