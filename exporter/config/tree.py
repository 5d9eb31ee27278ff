"""YAML text -> a small tree of scalars, lists and mappings that know their lines.

A scalar keeps the text that was written, so that the id 0123 is not an octal number and 11:22 no sexagesimal one;
what YAML would have made of it is only remembered as its `kind`. Bounded: text size, depth, and the number of nodes
with aliases written out, so that no file makes the process loop, recurse or swell. Knows no configuration key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

MAX_TEXT = 4 * 1024 * 1024
MAX_DEPTH = 20
MAX_NODES = 1_000_000

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""YAML's own rule for its text (YAML 1.1, section 5.1)."""
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

_STANDARD = "tag:yaml.org,2002:"
_KINDS = {
    _STANDARD + "str": "text",
    _STANDARD + "int": "a whole number",
    _STANDARD + "float": "a number",
    _STANDARD + "bool": "a yes/no value",
    _STANDARD + "null": "nothing",
    _STANDARD + "timestamp": "a date",
}
_ALLOWED_TAGS = {None, "!", *_KINDS, _STANDARD + "seq", _STANDARD + "map"}

_PLAIN_WORDS = (
    ("'\\t' that cannot start", "a tab stands where YAML wants spaces"),
    ("that cannot start any token", "a value begins with a character that has a meaning in YAML; put it in quotes"),
    ("mapping values are not allowed", "a second 'key:' stands on one line; check the indentation, or quote the value"),
    ("could not find expected ':'", "a key has no ':' after it"),
    ("unknown escape character", "a \\ in double quotes starts an escape that YAML does not have; use single quotes"),
    ("unexpected end of stream", "a quote is opened and never closed"),
    ("expected ',' or", "a list or mapping in brackets is not closed, or a comma is missing"),
    ("expected the node content", "a value is missing, or a bracket is not closed"),
    ("expected <block end>", "the indentation does not fit the lines above"),
    ("tag", "tags (!) are not used here; put a value that begins with ! in quotes"),
    ("directive", "directives (%) are not used here; put a value that begins with % in quotes"),
)
"""A piece of PyYAML's problem text -> what to say. PyYAML's own text is never shown: it can quote the file."""


class Unreadable(Exception):
    """The text is not one YAML document that can be used; `sentence` says why, `line` counts from 1."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value: its text without quotes, and what YAML took it for (`text`, `a whole number`, `nothing`, ...)."""

    line: int | None
    text: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Sequence:
    line: int | None
    items: tuple[Node, ...]
    kind: str = "a list"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Pairs in the order of the file; keys may repeat and need not be scalars."""

    line: int | None
    pairs: tuple[tuple[Node, Node], ...]
    kind: str = "a mapping"


Node = Scalar | Sequence | Mapping


def read(text: str) -> Node:
    """The tree of a text that holds one YAML document; raises Unreadable."""
    if len(text) > MAX_TEXT:
        raise Unreadable(1, f"more than {MAX_TEXT // 1024 // 1024} MiB of text; this is no configuration")
    if forbidden := _FORBIDDEN.search(text):
        line = len(_LINE_END.findall(text, 0, forbidden.start())) + 1
        raise Unreadable(line, f"an unprintable character (U+{ord(forbidden[0]):04X}); YAML allows none")
    loader = yaml.SafeLoader(text)
    try:
        return _document(iter(loader.get_event, None))
    except yaml.MarkedYAMLError as error:
        raise Unreadable(_line_of(error), _in_plain_words(error.problem or "")) from None
    except (yaml.YAMLError, ValueError, OverflowError):
        raise Unreadable(loader.line + 1, "not valid YAML: an escape or a directive has an impossible number") from None


def _line_of(error: yaml.MarkedYAMLError) -> int:
    """Where the mistake is; for what is never closed, where it was opened."""
    never_closed = any(words in (error.problem or "") for words in ("end of stream", "<stream end>"))
    mark = (never_closed and error.context_mark) or error.problem_mark
    return mark.line + 1 if mark else 1


def _in_plain_words(problem: str) -> str:
    said = (sentence for piece, sentence in _PLAIN_WORDS if piece in problem)
    return "not valid YAML: " + next(said, "check the quotes, brackets and indentation here")


def _document(events: Iterator[yaml.Event]) -> Node:
    root: Node | None = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            line = _line(event)
            if root is not None:
                raise Unreadable(line, "a second document begins here (---); a configuration is one document")
            root = _Builder(events).node(next(events), 0)
    if root is None:
        raise Unreadable(1, "the file is empty")
    return root


@dataclass(slots=True)
class _Builder:
    """Builds nodes from events and counts them, each alias as often as what it stands for."""

    events: Iterator[yaml.Event]
    anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)
    count: int = 0

    def node(self, event: yaml.Event, depth: int) -> Node:
        line = _line(event)
        if depth > MAX_DEPTH:
            raise Unreadable(line, f"nested more than {MAX_DEPTH} deep; a configuration needs far less")
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event.anchor or "", line)
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent), event
        before = self.count
        self._add(1, line)
        built = self._built(event, depth, line)
        if event.anchor is not None:
            self.anchors[event.anchor] = (built, self.count - before)
        return built

    def _built(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, depth: int, line: int) -> Node:
        if event.tag not in _ALLOWED_TAGS:
            raise Unreadable(line, _in_plain_words("tag"))
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(line, event.value, _kind(event))
        inner = iter(tuple(self._inner(depth)))
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(line, tuple(inner))
        return Mapping(line, tuple(zip(inner, inner, strict=True)))

    def _inner(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self.events), yaml.CollectionEndEvent):
            yield self.node(event, depth + 1)

    def _aliased(self, anchor: str, line: int) -> Node:
        if anchor not in self.anchors:
            raise Unreadable(line, "an alias (*) names nothing that stands before it; quote a value that begins with *")
        node, size = self.anchors[anchor]
        self._add(size, line)
        return node

    def _add(self, nodes: int, line: int) -> None:
        self.count += nodes
        if self.count > MAX_NODES:
            raise Unreadable(line, f"more than {MAX_NODES} values with aliases written out; this is no configuration")


def _line(event: yaml.Event) -> int:
    assert event.start_mark is not None, "events that were read from a text have marks"
    return event.start_mark.line + 1


def _kind(event: yaml.ScalarEvent) -> str:
    """What YAML takes the scalar for; a word or a quoted text is `text`."""
    tag = event.tag
    if tag is None or tag == "!":
        tag = _implicit(event.value) if event.implicit[0] else _STANDARD + "str"
    return _KINDS.get(tag, "text")


def _implicit(text: str) -> str:
    """YAML's type of a plain scalar: the first that matches, as PyYAML's own resolver chooses."""
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    candidates = resolvers.get(text[:1], []) + resolvers.get(None, [])
    return next((str(tag) for tag, pattern in candidates if pattern.match(text)), _STANDARD + "str")
