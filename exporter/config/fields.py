"""THE TABLES of configuration keys: key, reader, default, caution. A new key is a row here, and a field in `records`.

Keys are spelt as the fields of `records`; `readers` is the engine that goes by these tables.
"""

from __future__ import annotations

from math import ceil

from ..model import Meaning
from .address import api_url, leaves_the_machine_readable
from .complaints import INVALID, Place, Wrong, shown
from .readers import Field, entries, items, scalar
from .records import Tariff
from .tree import Node
from .units import DAY, HOUR, MINUTE
from .values import (
    MAX_LABEL_VALUE,
    MAX_NAME,
    duration_between,
    instance_id,
    label_name,
    message_type,
    plain_text,
    size_between,
    whole_number,
    word_of,
)

TARIFFS_EXPLAINED = (
    "; business: calls are not limited by the month; developer: the free plan with 1,000 journal calls a month, "
    "so an account is asked every 45 minutes at most"
)


def _types(node: Node, place: Place) -> object:
    read = scalar(message_type)
    types: list[object] = []
    for inside, item in items(node, place):
        word = read(item, inside)
        if word is not INVALID and word in types:
            inside.complain(f"{word} stands here twice")
        types.append(word)
    return INVALID if INVALID in types else tuple(types)


def _labels(node: Node, place: Place) -> object:
    read = scalar(plain_text(MAX_LABEL_VALUE, shortest=0))
    labels: list[tuple[str, object]] = []
    for name, inside, value in entries(node, place):
        try:
            labels.append((label_name(name), read(value, inside)))
        except Wrong as wrong:
            inside.complain(f"{shown(name)} is {wrong}")
    return tuple(labels)


def _whole_minutes(text: str) -> float:
    return ceil(duration_between(MINUTE, 90 * DAY)(text) / MINUTE) * MINUTE


def _short_window(seconds: float) -> str | None:
    if seconds >= 10 * MINUTE:
        return None
    return "a window below 10m misses messages: the journal shows them up to 2 minutes late"


def _eager(seconds: float) -> str | None:
    if seconds >= 1:
        return None
    return "the service allows one request per second and instance; below 1s it answers 429 (tests, private gateways)"


def _readable(url: str) -> str | None:
    if not leaves_the_machine_readable(url):
        return None
    return "plain http: the token travels readable to another host; use https"


DEFAULT_MIN_INTERVAL = {Tariff.BUSINESS: 10.0, Tariff.DEVELOPER: 45 * MINUTE}
"""1,000 calls in a month of 31 days are one in 2,678 s; 45 minutes leave some for restarts and other programs.
Source: https://green-api.com/en/docs/about-tariffs/"""

DECLARED_TYPES = (
    "textMessage", "imageMessage", "videoMessage", "documentMessage", "audioMessage", "locationMessage",
    "contactMessage", "extendedTextMessage",
)  # fmt: skip

PER_INSTANCE = (
    Field("tariff", scalar(word_of(Tariff, TARIFFS_EXPLAINED))),
    Field("window", scalar(_whole_minutes), DAY, _short_window),
    Field("min_interval", scalar(duration_between(0.001, 7 * DAY)), None, _eager),
    Field("timeout", scalar(duration_between(0.001, HOUR)), MINUTE),
    Field("timestamp", scalar(word_of(Meaning)), Meaning.AUTO),
)
"""Keys that stand at the top for all instances, or in an instance for itself."""

GLOBAL = (
    Field("concurrency", scalar(whole_number(1, 1000)), 100),
    Field("stale_after", scalar(duration_between(0.001, 31 * DAY)), 5 * MINUTE),
    Field("state_file", scalar(plain_text(4096)), "greenapi-exporter.db"),
    Field("max_body", scalar(size_between(2**10, 4 * 2**30)), 128 * 2**20),
    Field("state_interval", scalar(duration_between(0.001, 31 * DAY, zero="never")), MINUTE),
    Field("settings_interval", scalar(duration_between(0.001, 31 * DAY, zero="never")), HOUR),
    Field("declare_types", _types, DECLARED_TYPES),
)

IDENTITY = (
    Field("id", scalar(instance_id)),
    Field("name", scalar(plain_text(MAX_NAME))),
    Field("api_url", scalar(api_url), "https://api.green-api.com", _readable),
    Field("labels", _labels, ()),
)
"""Keys of an instance alone, the token's excepted (`tokens`)."""
