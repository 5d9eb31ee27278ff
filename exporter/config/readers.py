"""The engine of all configuration files: nodes of a tree are read by tables of fields, or complained about in place.

Owns how a mapping, a list and a single value are read, and that one mistake hides no other. Knows no key and no file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .complaints import INVALID, Place, Wrong, nearest, shown
from .tree import Mapping, Node, Scalar, Sequence

Reader = Callable[[Node, Place], object]
"""What is meant by a node; INVALID once that was complained about at its place."""


@dataclass(frozen=True, slots=True)
class Field:
    """One key. `caution` gives a warning for an allowed but doubtful value, or None."""

    key: str
    read: Reader
    default: object = None
    caution: Callable[[Any], str | None] = lambda _value: None


@dataclass(slots=True)
class Found:
    """What one mapping gave: valid values by key, and the place of every key that stands there, valid or not."""

    place: Place
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def place_of(self, key: str) -> Place:
        """The place of the key, or where it is missing."""
        return self.places.get(key) or self.place.key(key, self.place.line)


def read_fields(node: Node, place: Place, fields: tuple[Field, ...]) -> Found:
    """Every field of a mapping that can be read; all that is wrong is complained about at its place."""
    found = Found(place)
    known = {row.key: row for row in fields}
    for key, inside, value in entries(node, place):
        if key not in known:
            inside.complain(f"{shown(key)} is not a key here{nearest(key, known) or '; allowed: ' + ', '.join(known)}")
            continue
        found.places[key] = inside
        result = known[key].read(value, inside)
        if result is INVALID:
            continue
        found.values[key] = result
        if caution := known[key].caution(result):
            inside.warn(caution)
    return found


def entries(node: Node, place: Place) -> list[tuple[str, Place, Node]]:
    """The keys of a mapping with their places and values; what is no mapping or no key is complained about."""
    if not isinstance(node, Mapping):
        place.complain(f"found {_found(node)}; a mapping (lines of 'key: value') is allowed")
        return []
    lines: dict[str, int | None] = {}
    result = []
    for key, value in node.pairs:
        inside = place.key(key.text, key.line) if isinstance(key, Scalar) else place
        if not isinstance(key, Scalar):
            inside.complain(f"found {key.kind} as a key; a key is a word")
        elif key.text == "<<":
            inside.complain("merge keys are not used here; what holds for all instances is written once at the top")
        elif key.text in lines:
            inside.complain(f"the key {shown(key.text)} stands here twice, first in line {lines[key.text]}")
        else:
            lines[key.text] = key.line
            result.append((key.text, inside, value))
    return result


def items(node: Node, place: Place) -> list[tuple[Place, Node]]:
    """The items of a list with their places."""
    if not isinstance(node, Sequence):
        place.complain(f"found {_found(node)}; a list is allowed")
        return []
    return [(place.item(index, item.line), item) for index, item in enumerate(node.items)]


def scalar(parse: Callable[[str], object]) -> Reader:
    """A reader of one value, with `${NAME}` replaced and spaces around it dropped."""

    def read(node: Node, place: Place) -> object:
        if not isinstance(node, Scalar) or node.kind == "nothing":
            place.complain(f"found {_found(node)}; one value is allowed")
            return INVALID
        try:
            return parse(place.expand(node.text).strip())
        except Wrong as wrong:
            place.complain(f"found {shown(node.text)}; {wrong}")
            return INVALID

    return read


def _found(node: Node) -> str:
    return f"{node.kind} ({shown(node.text)})" if isinstance(node, Scalar) and node.text else node.kind
