"""Which form of the answer a client asked for. Owns the reading of Accept and Accept-Encoding; text in, choice out.

RFC 9110, 12.5: each form that can be made has the quality of the most specific range that covers it, and the highest
quality wins. Nothing a client sends is an error: what cannot be read is passed over, and who asks for nothing that
can be made gets the plain text, as from Go's promhttp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LONGEST, _MOST = 4096, 64
"""Characters and elements of a header that are looked at; Prometheus sends some 300 and 5."""


@dataclass(frozen=True, slots=True)
class Format:
    """The chosen form: the exact Content-Type to answer with, and whether the body is OpenMetrics."""

    content_type: str
    openmetrics: bool


@dataclass(frozen=True, slots=True)
class _Offer:
    """A form that can be made."""

    media: str
    version: str

    def format(self, escaping: str = "") -> Format:
        content_type = f"{self.media}; version={self.version}; charset=utf-8"
        if escaping in _ESCAPINGS and self.version == "1.0.0":
            content_type += f"; escaping={escaping}"
        return Format(content_type, self.media == _OPENMETRICS)


_TEXT, _OPENMETRICS = "text/plain", "application/openmetrics-text"
_OFFERS = (_Offer(_TEXT, "0.0.4"), _Offer(_TEXT, "1.0.0"), _Offer(_OPENMETRICS, "1.0.0"))
"""The first one is for whoever does not care. OpenMetrics 0.0.1 is a draft and not among them: whoever asks for it,
Prometheus of all versions does, also names a form that is."""
_ESCAPINGS = frozenset({"allow-utf-8", "underscores", "dots", "values"})
"""Ways to write names beyond letters, digits and underscores. We have none, so each one asked for is kept to."""


@dataclass(frozen=True, slots=True)
class _Element:
    """One element of a header; `place` counts from 0."""

    word: str
    parameters: dict[str, str]
    quality: float
    place: int

    @property
    def exactness(self) -> int:
        """How specific a media range is: any, any of a type, a media type, one version of it."""
        if self.word.endswith("/*"):
            return int(self.word != "*/*")
        return 3 if "version" in self.parameters else 2

    def covers(self, offer: _Offer) -> bool:
        kind = offer.media.partition("/")[0]
        return self.word in (offer.media, f"{kind}/*", "*/*") and self.parameters.get("version") in (
            None, "", offer.version,
        )  # fmt: skip


def negotiate(accept: str | None) -> Format:
    """The form to answer with; `accept` is the header, several of them joined by commas, or None.

    Of forms with the same quality one that is named goes before one that a wildcard covers, then the one named first.
    """
    elements = list(_elements(accept or ""))
    choices: list[tuple[_Offer, _Element]] = []
    for offer in _OFFERS:
        covering = [element for element in elements if element.covers(offer)]
        if covering:
            choices.append((offer, max(covering, key=lambda element: (element.exactness, element.quality))))
    acceptable = [choice for choice in choices if choice[1].quality > 0]
    if not acceptable:
        return _OFFERS[0].format()
    offer, element = max(acceptable, key=_rank)
    return offer.format(element.parameters.get("escaping", ""))


def _rank(choice: tuple[_Offer, _Element]) -> tuple[float, bool, int]:
    _, element = choice
    return element.quality, element.exactness > 1, -element.place


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether to compress: gzip is named, or covered by `*`, and not liked less than no compression at all."""
    qualities = {element.word: element.quality for element in _elements(accept_encoding or "")}
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


def _elements(header: str) -> Iterator[_Element]:
    parts = header[:_LONGEST].split(",")
    if len(header) > _LONGEST:
        parts.pop()  # cut in the middle
    for place, part in enumerate(parts[:_MOST]):
        word, *rest = part.split(";")
        parameters: dict[str, str] = {}
        for parameter in rest:
            key, _, value = parameter.partition("=")
            parameters[key.strip().lower()] = value.strip().strip('"')
        yield _Element(word.strip().lower(), parameters, _quality(parameters.get("q", "1")), place)


_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")


def _quality(text: str) -> float:
    """0 to 1; a quality that is no number counts as 1, as it does for Go's servers."""
    return min(1.0, float(text)) if _NUMBER.fullmatch(text) else 1.0
