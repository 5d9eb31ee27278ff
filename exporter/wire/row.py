"""One element of a journal: a row that can be used, or the reason why not."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ..model import REJECTIONS
from .text import Text, parsed

_OLDEST, _NEWEST = 10**9, 10**11
"""Bounds of a believable timestamp in Unix seconds; beyond them it is milliseconds or rubbish."""

_Timestamp = Annotated[int, msgspec.Meta(ge=_OLDEST, le=_NEWEST)]


class JournalRow(msgspec.Struct, frozen=True, gc=False):
    """A usable row; `model.Row` says what the rest of the house sees of it."""

    id: Text = msgspec.field(name="idMessage")
    timestamp: _Timestamp
    chat: str = msgspec.field(name="chatId", default="")
    status: str | None = msgspec.field(name="statusMessage", default=None)
    message_type: str | None = msgspec.field(name="typeMessage", default=None)
    by_api: bool | str | int | float | None = msgspec.field(name="sendByApi", default=None)
    direction: Literal["outgoing", ""] = msgspec.field(name="type", default="outgoing")


_row = msgspec.json.Decoder(JournalRow)
_NOT_AN_OBJECT, _NO_ID, _NO_TIMESTAMP, _NOT_OUTGOING, _BAD_TYPE = REJECTIONS


def read(element: bytes | msgspec.Raw) -> JournalRow | str:
    """A row out of the JSON of one element, or one of REJECTIONS. AnswerUnusable: it is no JSON at all."""
    try:
        return _row.decode(element)
    except (msgspec.MsgspecError, RecursionError):
        return converted(parsed(bytes(element)))


def converted(element: object) -> JournalRow | str:
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
    return value if isinstance(value, int) and _OLDEST <= value <= _NEWEST else None
