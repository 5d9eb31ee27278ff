"""Bytes of the service -> records. The only file that knows the service's JSON keys.

It must not know HTTP, clocks or metrics, and it keeps nothing: what is not named here is dropped at decoding, message
texts and the secrets of getSettings (webhookUrlToken, proxy login) first of all.

A journal mostly repeats the last one, so its bytes are held against what `imprint` remembers of that one: where all is
the same nothing is decoded, where few elements differ only these are. Else it is read in three steps, each only where
the one before failed:
  1. the whole array into `JournalRow`, by msgspec, typed: nearly every answer;
  2. element by element, so that a row with a wrong type costs only itself;
  3. by the standard library, which takes what msgspec refuses anywhere in a text: a lone surrogate, left over where
     a text was cut inside an emoji. A number of absurd length or a NaN ends there.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal, NoReturn, cast

import msgspec

from . import imprint
from .errors import AnswerUnusable
from .imprint import BYTE_ORDER_MARK
from .model import (
    MESSENGERS,
    REJECTIONS,
    SETTINGS,
    UNKNOWN,
    Imprint,
    InstanceSettings,
    Journal,
    Outcome,
    Repeat,
    Row,
)

OLDEST, NEWEST = 10**9, 10**11
"""Bounds of a believable timestamp in Unix seconds; beyond them it is milliseconds or rubbish."""

Text = Annotated[str, msgspec.Meta(min_length=1)]
Timestamp = Annotated[int, msgspec.Meta(ge=OLDEST, le=NEWEST)]


class JournalRow(msgspec.Struct, frozen=True, gc=False):
    """A usable row; `model.Row` says what the rest of the house sees of it."""

    id: Text = msgspec.field(name="idMessage")
    timestamp: Timestamp
    chat: str = msgspec.field(name="chatId", default="")
    status: str | None = msgspec.field(name="statusMessage", default=None)
    message_type: str | None = msgspec.field(name="typeMessage", default=None)
    by_api: bool | str | int | float | None = msgspec.field(name="sendByApi", default=None)
    direction: Literal["outgoing", ""] = msgspec.field(name="type", default="outgoing")


class _State(msgspec.Struct):
    state: Text = msgspec.field(name="stateInstance")


_rows = msgspec.json.Decoder(list[JournalRow])
_row = msgspec.json.Decoder(JournalRow)
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_state = msgspec.json.Decoder(_State)

_MESSENGER_WORDS = {word: word for word in MESSENGERS} | {"v3": "max"}
"""getSettings' typeInstance -> our label; the service calls MAX `v3`."""

_utf8 = codecs.getincrementaldecoder("utf-8")
_PIECE = 256 * 1024


_MANY = 4
"""Where more than one element in so many has changed, it is cheaper to decode them all."""


def journal(body: bytes) -> Journal:
    """lastOutgoingMessages: an array of rows, newest first. AnswerUnusable: `malformed` or `refused`."""
    return journal_after(None, body).whole()


def journal_after(last: Imprint | None, body: bytes) -> Journal | Repeat:
    """The same, held against the imprint of the answer before, if it has one.

    AnswerUnusable as above; what a `Repeat` decodes afterwards raises nothing.
    """
    change = None if last is None else imprint.change(last, body)
    if change is None:
        return _whole(body, imprint.imprint_of(body))
    seen, changed = change.imprint, _rows_of(change)
    return _whole(body, seen) if changed is None else Repeat(changed, seen, _Whole(body, seen))


def _rows_of(change: imprint.Change) -> dict[int, Row] | None:
    """The rows that are not as they were, by place; None where there are many, or something else than a row."""
    if change.elements is None or len(change.elements) > len(change.imprint.begins) // _MANY:
        return None
    rows: dict[int, Row] = {}
    for place, element in change.elements.items():
        row = _row_of(_decoded(_checked(bytes(element))))
        if isinstance(row, str):
            return None
        rows[place] = row
    return rows


class _Whole:
    """All of an answer, decoded once somebody asks for it."""

    __slots__ = ("_body", "_journal", "_seen")

    def __init__(self, body: bytes, seen: Imprint) -> None:
        self._body = body
        self._seen = seen
        self._journal: Journal | None = None

    def __call__(self) -> Journal:
        if self._journal is None:
            self._journal = _whole(self._body, self._seen)
        return self._journal


def _whole(body: bytes, seen: Imprint | None) -> Journal:
    """Every element decoded."""
    body = _checked(body)
    try:
        return Journal(cast("list[Row]", _rows.decode(body)), {}, imprint=seen)
    except msgspec.ValidationError:
        pass  # some row, or the whole, has another shape
    except (msgspec.DecodeError, RecursionError):
        return _sorted_out(_parsed_array(body), seen)
    try:
        elements = _elements.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return _sorted_out(_parsed_array(body), seen)
    return _sorted_out(map(_decoded, elements), seen)


def instance_state(body: bytes) -> str:
    """getStateInstance: the service's word for the state. AnswerUnusable: `malformed` or `refused`."""
    body = _checked(body)
    try:
        return _state.decode(body).state
    except (msgspec.MsgspecError, RecursionError):
        answer = _parsed(body)
    if isinstance(answer, dict) and isinstance(word := answer.get("stateInstance"), str) and word:
        return word
    raise _unusable(answer, "an object with stateInstance")


def instance_settings(body: bytes) -> InstanceSettings:
    """getSettings: three flags and the product. AnswerUnusable: `malformed` or `refused`.

    A flag is the service's "yes" or "no" (or a JSON boolean); any other value is left out.
    """
    answer = _parsed(_checked(body))
    flags = {"yes": True, "no": False}
    if not isinstance(answer, dict) or not answer.keys() & {*SETTINGS, "typeInstance", "wid"}:
        raise _unusable(answer, "an object with settings")
    enabled = {
        name: value if isinstance(value, bool) else flags[value]
        for name in SETTINGS
        if isinstance(value := answer.get(name), bool) or (isinstance(value, str) and value in flags)
    }
    product = answer.get("typeInstance")
    messenger = _MESSENGER_WORDS.get(product, UNKNOWN) if isinstance(product, str) else UNKNOWN
    return InstanceSettings(enabled, messenger)


def _checked(body: bytes) -> bytes:
    """Without a byte order mark, and UTF-8 throughout: msgspec does not look into the texts it skips.

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


def _decoded(element: bytes | msgspec.Raw) -> JournalRow | object:
    try:
        return _row.decode(element)
    except (msgspec.MsgspecError, RecursionError):
        return _parsed(bytes(element))


def _sorted_out(elements: Iterable[object], seen: Imprint | None) -> Journal:
    rows: list[Row] = []
    rejected: dict[str, int] = {}
    unusable: list[int] = []
    for place, element in enumerate(elements):
        row = _row_of(element)
        if isinstance(row, str):
            rejected[row] = rejected.get(row, 0) + 1
            unusable.append(place)
        else:
            rows.append(row)
    return Journal(rows, rejected, frozenset(unusable), seen)


def _row_of(element: object) -> JournalRow | str:
    return element if isinstance(element, JournalRow) else _converted(element)


_NOT_AN_OBJECT, _NO_ID, _NO_TIMESTAMP, _NOT_OUTGOING, _BAD_TYPE = REJECTIONS


def _converted(element: object) -> JournalRow | str:
    """A row out of loosely typed JSON, or the reason why it cannot be used."""
    if not isinstance(element, dict):
        return _NOT_AN_OBJECT
    id_, chat = _as_text(element.get("idMessage", "")), _as_text(element.get("chatId", ""))
    timestamp = _as_timestamp(element.get("timestamp", 0))
    words = [element.get(key) for key in ("statusMessage", "typeMessage")]
    direction = element.get("type", "")
    if None in (id_, chat, timestamp) or not isinstance(direction, str):
        return _BAD_TYPE
    if not all(word is None or isinstance(word, str) for word in words):
        return _BAD_TYPE
    if direction not in ("outgoing", ""):
        return _NOT_OUTGOING
    if not id_:
        return _NO_ID
    if not timestamp:
        return _NO_TIMESTAMP
    by_api = element.get("sendByApi")
    return JournalRow(
        id=id_, timestamp=timestamp, chat=chat or "", status=words[0], message_type=words[1],
        by_api=by_api if isinstance(by_api, bool) else None,
    )  # fmt: skip


def _as_text(value: object) -> str | None:
    """Text, or a number taken as text; 0 counts as missing. None: another type."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value) if value else ""
    return None


def _as_timestamp(value: object) -> int | None:
    """Whole seconds within the bounds; 0 and "" count as missing. None: another type or a value out of bounds."""
    if value in ("", 0) and not isinstance(value, bool):
        return 0
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and OLDEST <= value <= NEWEST else None


def _parsed_array(body: bytes) -> list[Any]:
    answer = _parsed(body)
    if isinstance(answer, list):
        return answer
    raise _unusable(answer, "an array of rows")


def _parsed(body: bytes) -> object:
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


def _unusable(answer: object, expected: str) -> AnswerUnusable:
    if isinstance(answer, dict) and answer.get("status") is False:
        return AnswerUnusable(Outcome.REFUSED, "the service refused: the instance is starting or not authorized")
    return AnswerUnusable(Outcome.MALFORMED, f"the answer is not {expected}")
