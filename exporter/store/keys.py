"""The keyed hash under which a message is known: neither its chat nor its id can be read from it."""

from __future__ import annotations

import hashlib

from ..ledger import KeyOf

_BITS = 63
"""So that a key is a non-negative SQLite integer; of a million messages two meet once in 18 million times."""


def keyed(secret: bytes) -> KeyOf:
    """A key function; equal for equal `secret` (16 to 64 bytes). BLAKE2b with a key is a keyed hash by design."""
    fresh = hashlib.blake2b(key=secret, digest_size=8)

    def key_of(chat: str, id_: str) -> int:
        digest = fresh.copy()
        # A lone surrogate is not UTF-8, but two equal texts are still equal bytes this way.
        digest.update(f"{len(chat)}:{chat}{id_}".encode("utf-8", "surrogatepass"))
        return int.from_bytes(digest.digest(), "big") >> 64 - _BITS

    return key_of
