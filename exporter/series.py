"""What a family shows of one instance: a number for each of its label values, in an order of its own.

Which series a family has is the same for most instances and changes seldom, so it is an object of its own, a `Shape`,
that they share: copies cost their numbers only, and what is worked out once for a shape (the text of its lines, its
name in the state file) serves all. Knows no metric and no instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar
from weakref import WeakValueDictionary

Labels = tuple[Any, ...]
"""Label values, in the order of the family's label names."""

N = TypeVar("N")


class Shape:
    """The label values of a family's series, in order. Made by `shape`; of the same labels there is mostly one only."""

    __slots__ = ("__weakref__", "labels", "places")

    def __init__(self, labels: tuple[Labels, ...]) -> None:
        self.labels = labels
        self.places = {values: place for place, values in enumerate(labels)}

    def __repr__(self) -> str:
        return f"<Shape {self.labels}>"


_shapes: WeakValueDictionary[tuple[Labels, ...], Shape] = WeakValueDictionary()


def shape(labels: Iterable[Labels]) -> Shape:
    """The shape of these series; the same object again while anybody uses it."""
    key = tuple(labels)
    found = _shapes.get(key)
    if found is None:
        found = _shapes[key] = Shape(key)
    return found


class Series(Mapping[Labels, N]):
    """Numbers (or other values) by label values; never changed after it was made."""

    __slots__ = ("numbers", "shape")

    def __init__(self, shape: Shape, numbers: tuple[N, ...]) -> None:
        self.shape = shape
        self.numbers = numbers

    @classmethod
    def of(cls, numbers: Mapping[Labels, N]) -> Series[N]:
        return numbers if isinstance(numbers, Series) else cls(shape(numbers), tuple(numbers.values()))

    def __getitem__(self, labels: Labels) -> N:
        return self.numbers[self.shape.places[labels]]

    def __iter__(self) -> Iterator[Labels]:
        return iter(self.shape.labels)

    def __len__(self) -> int:
        return len(self.numbers)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Series) and other.shape is self.shape:
            return self.numbers == other.numbers
        return super().__eq__(other)

    def __repr__(self) -> str:
        return f"Series({dict(self)})"
