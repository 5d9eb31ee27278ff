"""What all answers have in common: UTF-8, JSON of any shape, and what is said of one that cannot be used.

Knows one key, the `status` of a refusal. Raises AnswerUnusable.
"""

from __future__ import annotations

import codecs
import json
from typing import Annotated, NoReturn

import msgspec

from ..errors import AnswerUnusable
from ..imprint import BYTE_ORDER_MARK
from ..model import Outcome

Text = Annotated[str, msgspec.Meta(min_length=1)]

_utf8 = codecs.getincrementaldecoder("utf-8")
_PIECE = 256 * 1024


def as_utf8(body: bytes) -> bytes:
    """Without a byte order mark, and UTF-8 throughout (or `malformed`): msgspec does not look into the texts it skips.

    Read piece by piece, so that a large answer is not held twice.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    if body.isascii():
        return body
    decoder = _utf8()
    try:
        for begin in range(0, len(body), _PIECE):
            decoder.decode(body[begin : begin + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise AnswerUnusable(Outcome.MALFORMED, "the answer is not UTF-8") from None
    return body


def parsed(body: bytes) -> object:
    """By the standard library: slower, and more lenient in the texts, than msgspec. `malformed` where it is no JSON."""
    try:
        return json.loads(body.decode(), parse_constant=_no_constant, parse_int=_bounded_int)
    except (ValueError, RecursionError):
        reason = "the answer is empty" if not body.strip() else "the answer is not JSON"
        raise AnswerUnusable(Outcome.MALFORMED, reason) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _bounded_int(digits: str) -> int | float:
    """Integers as long as a line cost quadratic time and mean nothing; as a float they end as infinity."""
    return int(digits) if len(digits) <= 30 else float(digits)


def unusable(answer: object, expected: str) -> AnswerUnusable:
    """What to raise for JSON of another shape. The service says {"status": false} where it refuses."""
    if isinstance(answer, dict) and answer.get("status") is False:
        return AnswerUnusable(Outcome.REFUSED, "the service refused: the instance is starting or not authorized")
    return AnswerUnusable(Outcome.MALFORMED, f"the answer is not {expected}")
