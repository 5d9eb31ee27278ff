"""Durations and sizes as people write them: `1h30m`, `500ms`, `64MiB`. Reading and writing, nothing else."""

from __future__ import annotations

import re

from .complaints import Wrong

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

_NUMBER = r"([0-9]{1,12}(?:\.[0-9]{1,9})?)"
_UNITS = (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", 1.0), ("ms", 0.001))
_DURATION = re.compile("".join(f"(?:{_NUMBER}{unit}(?![a-z]))?" for unit, _ in _UNITS))
_PLAIN = re.compile(_NUMBER)
_SIZES = {"": 1, "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE = re.compile(_NUMBER + r" ?([A-Za-z]*)")


def duration(text: str) -> float:
    """Seconds; raises Wrong."""
    if plain := _PLAIN.fullmatch(text):
        return float(plain[1])
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise Wrong("a duration is written like 90s, 5m, 24h, 1h30m, 7d or 500ms, or as a number of seconds")
    return sum(float(number) * seconds for number, (_, seconds) in zip(match.groups("0"), _UNITS, strict=True))


def duration_text(seconds: float) -> str:
    """The duration in the largest units that write it exactly; `0` for nothing."""
    milliseconds = round(seconds * 1000)
    if abs(milliseconds - seconds * 1000) > 1e-6:
        return f"{seconds:.9f}".rstrip("0")
    if milliseconds > DAY * 1000 and milliseconds % (DAY * 1000) == 0:
        return f"{seconds / DAY:.0f}d"
    written = ""
    for unit, length in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, length)
        written += f"{count}{unit}" if count else ""
    return written or "0"


def size(text: str) -> int:
    """Bytes; raises Wrong."""
    match = _SIZE.fullmatch(text)
    if match is None or match[2] not in _SIZES:
        raise Wrong("a size is written like 64MiB, 10MB or 1GiB, or as a number of bytes")
    return int(float(match[1]) * _SIZES[match[2]])


def size_text(count: int) -> str:
    """The size in the largest binary unit that writes it exactly."""
    for unit in ("GiB", "MiB", "KiB"):
        if count and count % _SIZES[unit] == 0:
            return f"{count // _SIZES[unit]}{unit}"
    return str(count)
