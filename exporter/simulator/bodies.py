"""One journal row as the service writes it: which keys a message of each type carries, with contents of real size.

Sources: the journal pages of the documentation and captured answers of 2025 and 2026. All content is invented.
Knows nothing of time: status and timestamp are given.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import msgspec

from .plan import Message

TEXT = "Invented text of a simulated message: your order is on its way 📦, заказ уже в пути. "
"""Every text is cut from repetitions of this sentence, so that a test can look for it where it must not be."""
_TEXTS = TEXT * 50
_THUMBNAILS = base64.b64encode(b"".join(sha256(bytes([n])).digest() for n in range(256)) * 2).decode()
_UNTOUCHED = {"deletedMessageId": "", "editedMessageId": "", "isEdited": False, "isDeleted": False}
_UNFORWARDED = {"forwardingScore": 0, "isForwarded": False}

_encode = msgspec.json.Encoder().encode
Content = dict[str, Any]


def row(message: Message, status: str, timestamp: int) -> bytes:
    """The JSON object of the journal for `message` while it shows `status`."""
    content = _CONTENT.get(message.type, _nothing)(message)
    own = {} if message.type == "deletedMessage" else _UNTOUCHED
    head = {"type": "outgoing", "idMessage": message.id, "timestamp": timestamp, "typeMessage": message.type}
    tail = {"statusMessage": status, "sendByApi": message.by_api}
    return _encode(head | {"chatId": message.chat} | content | tail | own)


def _nothing(_message: Message) -> Content:
    return {}


def _text(message: Message) -> Content:
    return {"textMessage": _TEXTS[: message.text]}


def _extended(message: Message) -> Content:
    text = _TEXTS[: message.text]
    details = {"text": text, "description": "", "title": "", "previewType": "None", "jpegThumbnail": ""}
    return {"textMessage": text, "extendedTextMessage": details | _UNFORWARDED}


def _media(mime: str, ending: str) -> Callable[[Message], Content]:
    def content(message: Message) -> Content:
        return {
            "downloadUrl": f"https://files.example.com/{message.id}.{ending}",
            "caption": _TEXTS[: message.text // 2],
            "fileName": f"file.{ending}",
            "jpegThumbnail": _THUMBNAILS[: message.thumbnail],
            "mimeType": mime,
            "isAnimated": False,
            "videoNote": False,
        } | _UNFORWARDED

    return content


def _location(message: Message) -> Content:
    place = {"nameLocation": "Somewhere", "address": "", "jpegThumbnail": _THUMBNAILS[: message.thumbnail]}
    return {"location": place | {"latitude": 0.0, "longitude": 0.0} | _UNFORWARDED}


def _contact(_message: Message) -> Content:
    return {"contact": {"displayName": "Nobody", "vcard": "BEGIN:VCARD\nFN:Nobody\nEND:VCARD"} | _UNFORWARDED}


def _contacts(message: Message) -> Content:
    return {"contacts": [_contact(message)["contact"]] * 2}


def _poll(_message: Message) -> Content:
    options = [{"optionName": "yes"}, {"optionName": "no"}]
    return {"pollMessageData": {"name": "Invented question?", "options": options, "multipleAnswers": False}}


def _quoted(message: Message) -> Content:
    quote = {"stanzaId": _other_id(message), "participant": message.chat}
    words = {"text": _TEXTS[: message.text]}
    return {"extendedTextMessage": words | quote, "quotedMessage": quote | {"typeMessage": "", "type": ""}}


def _reaction(message: Message) -> Content:
    return {"extendedTextMessage": {"text": "👍"}, "quotedMessage": {"stanzaId": _other_id(message)}}


def _deleted(message: Message) -> Content:
    return {"deletedMessageData": {"stanzaId": _other_id(message)}}


def _edited(message: Message) -> Content:
    return {"editedMessageData": {"stanzaId": _other_id(message), "textMessage": _TEXTS[: message.text]}}


def _buttons(key: str) -> Callable[[Message], Content]:
    def content(message: Message) -> Content:
        return {key: {"contentText": _TEXTS[: message.text], "footer": "", "buttons": []}}

    return content


def _other_id(message: Message) -> str:
    """The invented id of the message that this one speaks of."""
    return f"3EB0{sha256(message.id.encode()).hexdigest()[:18].upper()}"


_CONTENT: Mapping[str, Callable[[Message], Content]] = MappingProxyType(
    {
        "textMessage": _text,
        "extendedTextMessage": _extended,
        "imageMessage": _media("image/jpeg", "jpg"),
        "videoMessage": _media("video/mp4", "mp4"),
        "documentMessage": _media("application/pdf", "pdf"),
        "audioMessage": _media("audio/ogg", "ogg"),
        "stickerMessage": _media("image/webp", "webp"),
        "locationMessage": _location,
        "contactMessage": _contact,
        "contactsArrayMessage": _contacts,
        "pollMessage": _poll,
        "quotedMessage": _quoted,
        "reactionMessage": _reaction,
        "deletedMessage": _deleted,
        "editedMessage": _edited,
        "templateMessage": _buttons("templateMessage"),
        "interactiveButtons": _buttons("interactiveButtons"),
    }
)
"""What each type carries beside the common keys; a type that is not here carries nothing more."""
