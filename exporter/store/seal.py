"""Checksums: SQLite notices a torn page, but not a number that another program or a tired disk has changed in it."""

from __future__ import annotations

import zlib

_LENGTH = 4


class Damaged(Exception):
    """What was read is not what was written. The text says where, for the log."""


def seal(payload: bytes, place: str) -> bytes:
    """`payload` behind a checksum of itself and of the place it is kept at."""
    return zlib.crc32(payload, zlib.crc32(place.encode())).to_bytes(_LENGTH, "big") + payload


def unseal(sealed: object, place: str) -> bytes:
    """What was sealed for `place`. Raises `Damaged`."""
    if not isinstance(sealed, bytes) or seal(sealed[_LENGTH:], place) != sealed:
        raise Damaged(f"the checksum of {place} is wrong")
    return sealed[_LENGTH:]
