"""What is remembered of a JSON array's bytes, and what other bytes change in it, mostly without parsing them.

An array that repeats the last one is the same byte for byte but for a few elements, behind which everything may have
moved. So each block of elements, and where one is another each of its elements, is looked for where it stood, moved by
what those before it have grown; where an element is not, the next one that stays is looked for, and only what lies
between is parsed. Knows no key of any element.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import NamedTuple

import msgspec
from xxhash import xxh3_64_intdigest as _digest

from .model import Imprint

_SEED = hash("the digests of this process") & 2**64 - 1
"""Another one in each process, so that nobody can try out beforehand which two messages would be taken for one."""

_BLOCK = 8
"""Elements of which one digest is taken together: nearly all of an array is passed over in blocks."""
_LARGEST = 2**32
"""Bytes of an array whose places fit into an imprint."""
_MOST_OTHERS, _MOST_NEW = 8, 64
"""So many elements in a row may be others, or new before one that stays, ere all are parsed."""

_elements = msgspec.json.Decoder(list[msgspec.Raw])
_JOINT = b"},{"
_joint = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
BYTE_ORDER_MARK, _OBJECT, _COMMA, _WHITE = b"\xef\xbb\xbf", b"{", b",", b" \t\r\n"


def _span(begins: array[int], size: int, place: int, next_place: int) -> tuple[int, int]:
    """Where the bytes of the elements from `place` up to `next_place` begin and end; the first element takes along what
    stands before it, the last one what stands behind."""
    return begins[place] if place else 0, begins[next_place] if next_place < len(begins) else size


class Change(NamedTuple):
    """Another array: its imprint, and those of its elements that are others, by place; None where some came or went."""

    elements: Mapping[int, msgspec.Raw] | None
    imprint: Imprint


def imprint_of(body: bytes) -> Imprint | None:
    """None where it is not an array of objects alone."""
    if len(body) >= _LARGEST or (parsed := _parsed(body, 0, len(body))) is None:
        return None
    return Imprint(_digest(body, _SEED), len(body), parsed.begins, parsed.digests, _blocks(body, parsed.begins))


def change(last: Imprint, body: bytes) -> Change | None:
    """What `body` changes; None where that is much, or where it is no array of objects."""
    whole = _digest(body, _SEED)
    if whole == last.whole:
        return Change({}, last)
    if len(body) >= _LARGEST:
        return None
    count = len(last.begins)
    elements: dict[int, msgspec.Raw] | None = {}
    begins, digests = array("I"), array("Q")
    place = moved = 0
    while place < count:
        other = _first_other(last, body, place, moved)
        begins.extend(map(moved.__add__, last.begins[place:other]) if moved else last.begins[place:other])
        digests += last.digests[place:other]
        if other == count:
            break
        begin = last.begins[other] + moved if other else 0
        place, end = _next_same(last, body, other, begin)
        parsed = _parsed(body, begin, end, open_end=place < count)
        if parsed is None:
            return None
        if len(parsed.elements) != place - other:
            elements = None
        elif elements is not None:
            elements.update(enumerate(parsed.elements, other))
        begins += parsed.begins
        digests += parsed.digests
        moved = end - (last.begins[place] if place < count else last.size)
    if last.size + moved != len(body):
        return None
    if elements is None:
        blocks = _blocks(body, begins)
    else:
        blocks, view = array("Q", last.blocks), memoryview(body)
        for block in {place // _BLOCK for place in elements}:
            blocks[block] = _block(view, begins, block)
    return Change(elements, Imprint(whole, len(body), begins, digests, blocks))


def _blocks(body: bytes, begins: array[int]) -> array[int]:
    view = memoryview(body)
    return array("Q", (_block(view, begins, block) for block in range(-(-len(begins) // _BLOCK))))


def _block(view: memoryview, begins: array[int], block: int) -> int:
    """A block's digest."""
    begin, end = _span(begins, len(view), block * _BLOCK, (block + 1) * _BLOCK)
    return _digest(view[begin:end], _SEED)


def _first_other(last: Imprint, body: bytes, place: int, moved: int) -> int:
    """The first element from `place` on that is not where it was, moved by so much; their number if there is none."""
    begins, size, count, view = last.begins, last.size, len(last.begins), memoryview(body)
    begin = begins[place] + moved if place else 0
    while place < count:
        if place % _BLOCK == 0:
            end = (begins[place + _BLOCK] if place + _BLOCK < count else size) + moved
            if _digest(view[begin:end], _SEED) == last.blocks[place // _BLOCK]:
                place, begin = place + _BLOCK, end
                continue
        end = (begins[place + 1] if place + 1 < count else size) + moved
        if _digest(view[begin:end], _SEED) != last.digests[place]:
            return place
        place, begin = place + 1, end
    return count


def _next_same(last: Imprint, body: bytes, other: int, begin: int) -> tuple[int, int]:
    """Where an element is not: the next one that stays, and where it begins; else the end of all."""
    count = len(last.begins)
    found = body.find(_JOINT, begin) + 2
    if other + 1 < count and found > begin:  # the usual case by itself, for it comes with every status that changes
        was, until = _span(last.begins, last.size, other + 1, other + 2)
        if _digest(body[found : found + until - was], _SEED) == last.digests[other + 1]:
            return other + 1, found
    joints = (joint.end() - 1 for joint in _joint.finditer(body, begin))
    here = (begin,) if other else ()  # where the next one stands if one is gone; the first has the bracket before it
    for tried, found in zip(range(_MOST_NEW + 1), chain(here, joints), strict=False):
        others = max(1, tried) if tried <= _MOST_OTHERS else 0
        for place in range(other, min(other + others, count - 1) + 1):
            was, until = _span(last.begins, last.size, place, place + 1)
            if _digest(body[found : found + until - was], _SEED) == last.digests[place]:
                return place, found
    return count, len(body)


class _Parsed(NamedTuple):
    elements: Sequence[msgspec.Raw]
    begins: array[int]
    digests: array[int]


def _parsed(body: bytes, begin: int, end: int, *, open_end: bool = False) -> _Parsed | None:
    """The objects between two places: all of an array, or a part of one that begins or ends between two elements."""
    if begin == end and open_end:
        return _Parsed((), array("I"), array("Q"))
    text = body[begin:end]
    if open_end:
        text = text.rstrip(_WHITE).removesuffix(_COMMA) + b"]"
    try:
        elements = _elements.decode(b"[" + text if begin else text.removeprefix(BYTE_ORDER_MARK))
    except (msgspec.MsgspecError, RecursionError):
        return None
    if len(elements) == 1 and body[begin] == _OBJECT[0]:  # the usual case by itself
        return _Parsed(elements, array("I", (begin,)), array("Q", (_digest(body[begin:end], _SEED),)))
    begins = _begins(body, begin, elements)
    if begins is None:
        return None
    spans = map(slice, chain((begin,), begins[1:]), chain(begins[1:], (end,)))
    return _Parsed(elements, begins, array("Q", map(_digest, map(body.__getitem__, spans), repeat(_SEED))))


def _begins(body: bytes, at: int, elements: Iterable[msgspec.Raw]) -> array[int] | None:
    """Where they begin in `body`, the first one behind `at`; None if there is none, or one that is no object."""
    begins = array("I")
    for element in elements:
        if memoryview(element)[:1] != _OBJECT:
            return None
        at = body.index(_OBJECT, at)
        begins.append(at)
        at += len(element)
    return begins or None
