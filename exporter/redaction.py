"""The last net under every output: takes secrets and phone numbers out of a text that is about to be shown.

Nothing here makes a careless log line right; the rooms write no secrets in the first place. This net is for what
others write: tracebacks, the libraries' debug lines. Owns what a secret looks like; knows no logging and no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from .model import Secret

MASK = "<redacted>"

_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # The service's URLs end in the token: keep the id and the method, which help, and nothing after them.
    (re.compile(r"(/waInstance[^/\s]{1,40}/\w{1,40}/)[^\s\"'<>]+"), rf"\1{MASK}"),
    # getSettings' own secret, as JSON or as a Python dictionary would print it.
    (re.compile(r"(webhookUrlToken[\"']?\s*[:=]\s*)(\"[^\"]*\"?|'[^']*'?|[^\s,;}]+)"), rf"\1{MASK}"),
    # Chat ids of WhatsApp: a phone number, a group or a "lid", the at sign plain or percent-encoded.
    (re.compile(r"\d[\d-]{0,40}(?:@|%40)(?:c\.us|g\.us|lid|s\.whatsapp\.net)\b"), MASK),
)


class Redactor:
    """Replaces by `<redacted>` every known secret and everything that has the shape of one.

    Secrets are only ever added: a token that a reload has replaced is still not for showing.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._known: tuple[str, ...] = ()
        self.learn(secrets)

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Know these secrets from now on, plain and percent-encoded. An empty one says nothing and is passed over."""
        plain = {secret.reveal() for secret in secrets} - {""}
        forms = {*self._known, *plain, *(quote(text, safe="") for text in plain)}
        # Longest first, so that a secret that contains another one leaves no rest of itself behind.
        self._known = tuple(sorted(forms, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        for form in self._known:
            if form in text:
                text = text.replace(form, MASK)
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._known)} texts>"
