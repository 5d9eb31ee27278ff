"""getStateInstance and getSettings: the answers about an instance itself."""

from __future__ import annotations

import msgspec

from ..model import MESSENGERS, SETTINGS, UNKNOWN, InstanceSettings
from .text import Text, as_utf8, parsed, unusable


class _State(msgspec.Struct):
    state: Text = msgspec.field(name="stateInstance")


_state = msgspec.json.Decoder(_State)

_MESSENGER_WORDS = {word: word for word in MESSENGERS} | {"v3": "max"}
"""getSettings' typeInstance -> our label; the service calls MAX `v3`."""


def instance_state(body: bytes) -> str:
    """getStateInstance: the service's word for the state. AnswerUnusable: `malformed` or `refused`."""
    body = as_utf8(body)
    try:
        return _state.decode(body).state
    except (msgspec.MsgspecError, RecursionError):
        answer = parsed(body)
    if isinstance(answer, dict) and isinstance(word := answer.get("stateInstance"), str) and word:
        return word
    raise unusable(answer, "an object with stateInstance")


def instance_settings(body: bytes) -> InstanceSettings:
    """getSettings: three flags and the product. AnswerUnusable: `malformed` or `refused`.

    A flag is the service's "yes" or "no" (or a JSON boolean); any other value is left out.
    """
    answer = parsed(as_utf8(body))
    flags = {"yes": True, "no": False}
    if not isinstance(answer, dict) or not answer.keys() & {*SETTINGS, "typeInstance", "wid"}:
        raise unusable(answer, "an object with settings")
    enabled = {
        name: value if isinstance(value, bool) else flags[value]
        for name in SETTINGS
        if isinstance(value := answer.get(name), bool) or (isinstance(value, str) and value in flags)
    }
    product = answer.get("typeInstance")
    messenger = _MESSENGER_WORDS.get(product, UNKNOWN) if isinstance(product, str) else UNKNOWN
    return InstanceSettings(enabled, messenger)
