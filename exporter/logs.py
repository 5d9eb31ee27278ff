"""How log records leave the process: one line each on stderr, as logfmt or as JSON, every text redacted.

Owns the form of a line and the standard library's logging set-up. A record brings its facts as
`extra={"fields": {"instance": "sales"}}`; its message is a sentence without them. Nothing that a record holds, line
breaks and terminal codes included, can end its line or forge another one.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
FORMATS = ("logfmt", "json")

_OURS = __name__.partition(".")[0]

Redact = Callable[[str], str]
Value = str | int | float | bool | None


def configure(level: str, format_: str, redact: Redact, stream: TextIO | None = None) -> None:
    """Log to `stream` (stderr) from now on, and nowhere else; `level` is one of LEVELS, `format_` one of FORMATS.

    Python's warnings become records too. aiohttp's access log is off: it would name each client at each scrape.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter(format_, redact))
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.getLogger("aiohttp.access").disabled = True
    # When a line cannot be written, logging would print the record itself to stderr, unredacted.
    logging.raiseExceptions = False


class LineFormatter(logging.Formatter):
    """A record as one line without its line end."""

    def __init__(self, format_: str, redact: Redact) -> None:
        super().__init__()
        self._write = {"logfmt": _logfmt, "json": _json}[format_]
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._write({key: self._shown(value) for key, value in self._facts(record).items()})

    def _facts(self, record: logging.LogRecord) -> dict[str, object]:
        """Everything the line will tell, in its order; a field cannot take the place of an earlier one."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts: dict[str, object] = {
            "ts": time.replace("+00:00", "Z"), "level": _level(record.levelno), "msg": _message(record),
        }  # fmt: skip
        if record.name.partition(".")[0] != _OURS:
            facts["logger"] = record.name
        for key, value in getattr(record, "fields", {}).items():
            facts.setdefault(_key(key), value)
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            facts["stack"] = record.stack_info
        return facts

    def _shown(self, value: object) -> Value:
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._redact(str(value))


def _level(number: int) -> str:
    """The nearest of our four words that is not above the record's level."""
    return next((word for word, level in reversed(LEVELS.items()) if number >= level), "debug")


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # arguments that do not fit the text: show both
        return f"{record.msg} {record.args}"


def _key(key: str) -> str:
    return re.sub(r"[^\w.-]", "_", str(key), flags=re.ASCII)


def _json(facts: dict[str, Value]) -> str:
    return _on_one_line(json.dumps(facts, ensure_ascii=False))


def _logfmt(facts: dict[str, Value]) -> str:
    return " ".join(f"{key}={_logfmt_value(value)}" for key, value in facts.items())


def _logfmt_value(value: Value) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if value and value.isprintable() and not re.search(r'[\s="\\]', value):
        return value
    return _on_one_line(json.dumps(value, ensure_ascii=False))


def _on_one_line(text: str) -> str:
    """JSON text whose characters are all printable: line separators, terminal codes and half characters escaped."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)
