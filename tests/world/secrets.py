"""What no output of the exporter may ever hold, and the search for it in every form in which it could get out.

All of it is invented. Whoever plays the service puts these texts wherever the real one puts theirs, and elsewhere.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from urllib.parse import quote

TOKEN = "t0ken~of-the.invented_instance-31415926535897932384626433832795"
PHONE, CHAT, GROUP = "79005550123", "79005550124@c.us", "120363400000055501@g.us"
TEXT = "Your order 4711 waits at the counter, заказ 4711 ждёт вас"
WEBHOOK_TOKEN, PROXY_LOGIN, PROXY_PASSWORD = "webhook-Bearer-2718281828", "proxy-login-1414", "proxy-password-1732"

PRIVATE: Mapping[str, str] = {
    "the token": TOKEN,
    "a phone number": PHONE,
    "a chat id": CHAT,
    "the phone number in a chat id": CHAT.partition("@")[0],
    "a group's id": GROUP,
    "a message's text": TEXT,
    "a part of a message's text": "order 4711",
    "another part of a message's text": "заказ 4711",
    "webhookUrlToken": WEBHOOK_TOKEN,
    "the proxy's login": PROXY_LOGIN,
    "the proxy's password": PROXY_PASSWORD,
}


def forms(text: str) -> Iterator[tuple[str, bytes]]:
    """`text` as bytes in every form in which it might leave: name of the form, bytes to look for."""
    plain = text.encode()
    yield "plain", plain
    yield "percent-encoded", quote(text, safe="").encode()
    yield "percent-encoded throughout", "".join(f"%{byte:02X}" for byte in plain).encode()
    yield "escaped", text.encode("unicode_escape")
    yield "in UTF-16", text.encode("utf-16-le")
    yield "in hexadecimal", plain.hex().encode()
    for shift in range(3):  # base64 of a longer text shows ours in one of three ways
        encoded = base64.b64encode(b"\0" * shift + plain)
        yield "in base64", encoded[-(-shift * 8 // 6) : len(encoded) - 4]


def leaks(outputs: Mapping[str, bytes]) -> list[str]:
    """A sentence for each private text that stands in one of the `outputs`, whatever its form."""
    wanted = [(what, form, data.lower()) for what, text in PRIVATE.items() for form, data in forms(text)]
    found = []
    for name, output in outputs.items():
        lowered = output.lower()
        found += [f"{name} holds {what}, {form}" for what, form, data in wanted if data in lowered]
    return found
