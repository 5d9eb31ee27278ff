"""The web configuration in force: read at the start, and again when one of its files has changed.

Owns the watching. A version that is broken, or that may be half written, leaves the one before in force.
"""

from __future__ import annotations

import logging
import os
import ssl
import time
from collections.abc import Callable

from ..errors import ConfigInvalid
from ..model import Complaint
from .parsing import parse
from .records import OPEN, Tls, WebConfig
from .tls import make_context

log = logging.getLogger(__name__)

_SETTLING = 1.0
"""Seconds that a file must have been left alone: one that was just written may lack its second half, the users."""

Trace = tuple[int, int, int] | None
"""By what a file is known to be the same: time of change in ns, size, inode; None while there is none."""


def read(path: str) -> WebConfig:
    """The web configuration of a file; raises ConfigInvalid with every complaint."""
    return _read(path, lambda _path: None)


class Access:
    """`access.current()` is asked at each connection and each request. Raises ConfigInvalid when it is made."""

    def __init__(self, path: str | None, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._traces: dict[str, Trace] = {}
        self._config = OPEN if path is None else self._load(path)

    def current(self) -> WebConfig:
        """The web configuration in force now. Costs a few calls of stat unless something has changed."""
        if self._path is not None and self._changed():
            self._renew(self._path)
        return self._config

    def _changed(self) -> bool:
        now = {path: _trace(path) for path in self._traces}
        if now == self._traces:
            return False
        written = max((trace[0] / 1e9 for trace in now.values() if trace), default=0.0)
        return not 0 <= self._clock() - written < _SETTLING

    def _renew(self, path: str) -> None:
        try:
            self._config = self._load(path, may_be_empty=False)
        except ConfigInvalid as invalid:
            for complaint in invalid.complaints:
                log.error("%s", complaint)
            log.error("the web configuration was not read again: the one before stays in force")
        else:
            for warning in self._config.warnings:
                log.warning("%s", warning)
            log.info("the web configuration was read again")

    def _load(self, path: str, *, may_be_empty: bool = True) -> WebConfig:
        """Read, and remember by their traces, taken before, all the files that were looked at."""
        self._traces = {}

        def look_at(file: str) -> None:
            self._traces[file] = _trace(file)

        return _read(path, look_at, may_be_empty=may_be_empty)


def _read(path: str, look_at: Callable[[str], None], *, may_be_empty: bool = True) -> WebConfig:
    look_at(path)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError:
        raise _unreadable(path, "is not UTF-8 text") from None
    if not text.strip() and not may_be_empty:
        raise _unreadable(path, "is empty now; to let everybody in without a password, restart with it")

    def context(tls: Tls) -> ssl.SSLContext:
        for file in tls.files.values():
            look_at(file)
        return make_context(tls)

    return parse(text, source=path, directory=os.path.dirname(path), make_context=context)


def _unreadable(path: str, sentence: str) -> ConfigInvalid:
    return ConfigInvalid((Complaint(path, None, "", sentence),))


def _trace(path: str) -> Trace:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
