"""How the process gets and gives back memory: settings of Python's garbage collector and of the C library.

Both defaults suit programs that grow slowly. A scrape of a thousand instances takes and frees a hundred megabytes in
half a second, above accounts that live for ever; so by default a third of its time went into looking through these
accounts and into fetching the same pages from the system again and again.
"""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import suppress

_SCRAPE_OBJECTS = 50_000
"""During a scrape, which holds some thirty objects for each instance, the garbage collector looks at new ones once so
many more live. Outside, Python's default is right: with more, the reference cycles that closed connections leave would
stay longer, and show in the memory of the process."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""mallopt's names of its parameters. Source: malloc.h of glibc."""
_KEPT = 16 * 2**20
"""Free bytes at the end of the heap that are kept for the next answer, and not given back."""
_APART = 2**20
"""A piece of so many bytes is fetched from the system by itself, and given back as soon as it is free."""
_OTHERS_SETTINGS = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"}
"""Whoever sets one of these knows better."""


def settle() -> None:
    """Once all that lives for ever has been made."""
    gc.collect()
    gc.freeze()  # no collection walks through it any more
    _keep_pages()


class FewerCollections:
    """`with` around work that makes many objects and drops them at its end.

    By default the garbage collector would walk through them again and again, and find nothing.
    """

    def __init__(self) -> None:
        self._inside = 0
        self._usual: tuple[int, int, int] = (0, 0, 0)

    def __enter__(self) -> None:
        if not self._inside:
            self._usual = gc.get_threshold()
            gc.set_threshold(max(_SCRAPE_OBJECTS, self._usual[0]), *self._usual[1:])
        self._inside += 1

    def __exit__(self, *_failure: object) -> None:
        self._inside -= 1
        if not self._inside:
            gc.set_threshold(*self._usual)


fewer_collections = FewerCollections()
"""The one of this process, as its garbage collector is."""


def _keep_pages() -> None:
    """glibc gives the end of the heap back when it is larger than twice the largest piece that was freed, which is the
    buffer that an answer is received into: each answer then costs a page fault for every 4 KiB.
    """
    if _OTHERS_SETTINGS & os.environ.keys():
        return
    with suppress(OSError, AttributeError):  # another C library: it has its own ways
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_MMAP_THRESHOLD, _APART)
