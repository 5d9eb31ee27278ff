"""How a mistake is told: collecting complaints, quoting what was found, naming the nearest allowed word.

Owns the rule that no complaint or warning shows a secret: what might be one is described, not quoted.
Knows neither YAML nor any key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from ..errors import ConfigInvalid
from ..model import Complaint

MAX_QUOTED = 80
_LIKE_A_SECRET = re.compile(r"[A-Za-z0-9]{24}|://.*(?:[@?]|waInstance[^/]*/.)")
"""GREEN-API's tokens are 50 letters and digits, an address may have a password, and one that goes on behind the id ends
in a token of any length: such a text is not shown, whatever key it stands under."""
_VARIABLE = re.compile(r"\$\$|\$\{([^}]*)(\}?)")
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Wrong(Exception):
    """A value that is not allowed; the sentence says what is."""


class _Invalid:
    """What a reader gives for a value it has complained about."""

    def __repr__(self) -> str:
        return "INVALID"


INVALID = _Invalid()


@dataclass(slots=True)
class Notes:
    """All that is said about one configuration, and the environment that its values may name.

    `environ` is None where `$` has no meaning; `translate` may word what is said in other terms.
    """

    source: str
    environ: Mapping[str, str] | None
    translate: Callable[[Complaint], Complaint] = lambda complaint: complaint
    complaints: list[Complaint] = field(default_factory=list)
    warnings: list[Complaint] = field(default_factory=list)

    def finish(self) -> None:
        """Raise ConfigInvalid with every complaint, in the order of the file, if there is any."""
        if self.complaints:
            raise ConfigInvalid(tuple(sorted(self.complaints, key=_line)))

    def warning_sentences(self) -> tuple[str, ...]:
        return tuple(str(warning) for warning in sorted(self.warnings, key=_line))


def _line(complaint: Complaint) -> int:
    return complaint.line or 0


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the configuration: something can be said about it, and it has places inside."""

    notes: Notes
    line: int | None
    path: str = ""

    def complain(self, text: str) -> None:
        self.notes.complaints.append(self._said(text))

    def warn(self, text: str) -> None:
        self.notes.warnings.append(self._said(text))

    def _said(self, text: str) -> Complaint:
        return self.notes.translate(Complaint(self.notes.source, self.line, self.path, text))

    def key(self, key: str, line: int | None) -> Place:
        """The place of a key inside; a key that might be a secret or is no word is left out of the path."""
        if not is_quotable(key):
            return replace(self, line=line)
        return replace(self, line=line, path=f"{self.path}.{key}" if self.path else key)

    def item(self, index: int, line: int | None) -> Place:
        return replace(self, line=line, path=f"{self.path}[{index}]")

    def expand(self, text: str) -> str:
        """The text with `${NAME}` replaced from the environment and `$$` by `$`; raises Wrong."""
        environ = self.notes.environ
        return text if environ is None else _VARIABLE.sub(_from(environ), text)


def _from(environ: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, closed = match[1], match[2]
        if not closed or not VARIABLE_NAME.fullmatch(name):
            raise Wrong("a variable is written ${NAME} with letters, digits and underscores; a plain $ is written $$")
        if name not in environ:
            raise Wrong(f"the environment variable {shown(name)} is not set; set it, or write $$ for a plain $")
        return environ[name]

    return value


def is_quotable(text: str) -> bool:
    return len(text) <= MAX_QUOTED and text.isprintable() and not _LIKE_A_SECRET.search(text)


def shown(text: str) -> str:
    """The text in quotes, or its length when it is long, unprintable or might be a secret."""
    return f"'{text}'" if is_quotable(text) else f"a text of {len(text)} characters"


def nearest(word: str, allowed: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the allowed word most like this one, or nothing."""
    folded = {candidate.lower(): candidate for candidate in allowed}
    matches = get_close_matches(word.lower()[:MAX_QUOTED], folded, n=1)
    return f"; did you mean '{folded[matches[0]]}'?" if matches else ""
