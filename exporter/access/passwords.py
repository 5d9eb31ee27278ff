"""Passwords against bcrypt hashes: off the event loop, one at a time, and once per password.

A password that was right is remembered as a keyed hash, so that scrapes stay cheap. An unknown user costs what a known
one costs. Knows nothing of HTTP and of files.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from statistics import mode

import bcrypt

_REMEMBERED = 1024
_WAITING = 64
_LONGEST = 72
"""Bytes of a password that bcrypt looks at, and those who wrote the hash as well."""
_USUAL_COST = 10


class TooBusy(Exception):
    """So many passwords are being checked that another one would wait too long."""


class Passwords:
    """`await passwords.match(...)`. Close with `close`."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bcrypt")

    async def match(self, users: Mapping[bytes, bytes], user: bytes, password: bytes) -> bool:
        """Whether it is the password of one of the users (name -> hash). Raises TooBusy."""
        hashed = users.get(user)
        proof = self._proof(user, hashed or b"", password)
        if proof in self._right:
            self._right.move_to_end(proof)
            return True
        right = await self._compare(password[:_LONGEST], hashed or decoy(users)) and hashed is not None
        if right:
            self._right[proof] = None
            if len(self._right) > _REMEMBERED:
                self._right.popitem(last=False)
        return right

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _compare(self, password: bytes, hashed: bytes) -> bool:
        if self._waiting >= _WAITING:
            raise TooBusy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _is_right, password, hashed)
        finally:
            self._waiting -= 1

    def _proof(self, *parts: bytes) -> bytes:
        digest = blake2b(key=self._key, digest_size=32)
        for part in parts:
            digest.update(len(part).to_bytes(8))
            digest.update(part)
        return digest.digest()


def decoy(users: Mapping[bytes, bytes]) -> bytes:
    """A hash that is nobody's and costs as much to compare with as most users' hashes."""
    cost = mode(int(hashed[4:6]) for hashed in users.values()) if users else _USUAL_COST
    return b"$2b$%02d$" % cost + b"." * 53


def _is_right(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password, hashed)
    except ValueError:  # a NUL byte, which no password has
        return False
