"""One value's text -> what it means. Each function raises Wrong with a sentence that says what is allowed.

Knows the rules of each kind of value, not the keys they stand under; quotes nothing of what it was given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from posixpath import join
from typing import TypeVar

from ..model import ANNOTATION_TYPES, MESSAGE_TYPES, Secret
from .complaints import VARIABLE_NAME, Wrong, nearest
from .units import duration, duration_text, size, size_text

Word = TypeVar("Word", bound=StrEnum)

MAX_NAME = 100
MAX_LABEL_VALUE = 200
RESERVED_LABELS = frozenset({"id_instance", "name", "messenger", "api_host", "instance", "job", "le", "quantile"})
"""Label names that the exporter or Prometheus gives a meaning; names that begin with `__` are Prometheus' own, too."""
COUNTED_TYPES = tuple(word for word in MESSAGE_TYPES if word not in ANNOTATION_TYPES)

_ID = re.compile(r"[0-9]{1,20}")
_TOKEN = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,255}")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_WHOLE = re.compile(r"[0-9]{1,15}")


def instance_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise Wrong("an idInstance has 1 to 20 digits; the GREEN-API console shows it")
    return text


def plain_text(longest: int, shortest: int = 1) -> Callable[[str], str]:
    """A parser of printable text of so many characters."""

    def parse(text: str) -> str:
        if not text.isprintable() or not shortest <= len(text) <= longest or text != text.strip():
            span = f"{shortest} to {longest}" if shortest else f"up to {longest}"
            raise Wrong(f"{span} printable characters are allowed, no space at either end")
        return text

    return parse


def word_of(words: type[Word], explained: str = "") -> Callable[[str], Word]:
    """A parser of one word of a closed vocabulary; `explained` is added to the complaint."""
    allowed = [word.value for word in words]

    def parse(text: str) -> Word:
        if text not in allowed:
            raise Wrong(f"allowed: {', '.join(allowed)}{nearest(text, allowed)}{explained}")
        return words(text)

    return parse


def whole_number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise Wrong(f"a whole number from {least} to {most} is allowed")
        return int(text)

    return parse


def duration_between(least: float, most: float, zero: str = "") -> Callable[[str], float]:
    """A parser of durations; `zero` says what 0 means where it is allowed besides the bounds."""

    def parse(text: str) -> float:
        seconds = duration(text)
        if not least <= seconds <= most and not (zero and seconds == 0):
            also = f", or 0 = {zero}" if zero else ""
            raise Wrong(f"{duration_text(least)} to {duration_text(most)} is allowed{also}")
        return seconds

    return parse


def size_between(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        count = size(text)
        if not least <= count <= most:
            raise Wrong(f"{size_text(least)} to {size_text(most)} is allowed")
        return count

    return parse


def file_in(directory: str) -> Callable[[str], str]:
    """A parser of file names, relative ones taken from the directory."""
    named = plain_text(4096)
    return lambda text: join(directory, named(text))


def variable_name(text: str) -> str:
    if not VARIABLE_NAME.fullmatch(text):
        raise Wrong("the name of an environment variable is allowed: letters, digits and underscores, without $")
    return text


def token_from(text: str) -> Secret:
    """The token in a secret file's or variable's content, white space around it dropped; raises Wrong.

    GREEN-API's tokens are letters and digits; the token stands in the URL's path, so nothing else is let in but - _ . ~
    """
    stripped = text.strip()
    if not stripped:
        raise Wrong("the token is empty")
    if not _TOKEN.fullmatch(stripped):
        raise Wrong(
            "the token holds a character that no token has, or is longer than 256; "
            "copy apiTokenInstance from the console, without quotes and without the address around it"
        )
    return Secret(stripped)


def label_name(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise Wrong("not a label name; letters, digits and underscores are allowed, no digit first")
    if text in RESERVED_LABELS or text.startswith("__"):
        reserved = ", ".join(sorted(RESERVED_LABELS))
        raise Wrong(f"a reserved label name; any but {reserved} and those that begin with __ is allowed")
    return text


def message_type(text: str) -> str:
    if text in ANNOTATION_TYPES:
        raise Wrong("rows of this type say something about another message and are not counted; leave it out")
    if text not in COUNTED_TYPES:
        allowed = nearest(text, COUNTED_TYPES) or f"; allowed: {', '.join(COUNTED_TYPES)}"
        raise Wrong(f"not a documented typeMessage{allowed}")
    return text
