"""THE TABLES of web configuration keys, as exporter-toolkit has them, and the words that their values may be.

What exporter-toolkit knows and we cannot do stands here too, with the complaint that says so.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping

from ..config.complaints import INVALID, Place, Wrong, nearest
from ..config.readers import Field, Reader, entries, items, scalar
from ..config.tree import Node, Scalar
from ..config.values import file_in, plain_text
from .records import ClientAuth

_LONGEST = 4096

VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1_2,
    "TLS11": ssl.TLSVersion.TLSv1_2,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
"""OpenSSL 3 speaks nothing older than TLS 1.2 at its usual security level, so that is the least there is."""
CLIENT_AUTH = {
    "NoClientCert": ClientAuth.NONE,
    "RequestClientCert": ClientAuth.NONE,
    "VerifyClientCertIfGiven": ClientAuth.IF_GIVEN,
    "RequireAndVerifyClientCert": ClientAuth.REQUIRED,
}
CIPHERS = {
    "TLS_AES_128_GCM_SHA256": None,
    "TLS_AES_256_GCM_SHA384": None,
    "TLS_CHACHA20_POLY1305_SHA256": None,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
}
"""Go's name -> OpenSSL's. None: a suite of TLS 1.3, always on, in Go as well. Source: https://pkg.go.dev/crypto/tls"""
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that exporter-toolkit lets set, and the values that they may have; none listed: any."""
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}

_HASH = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
_MOST_COST = 20
"""2^20 rounds are about a minute; one more doubles that."""


def optional(read: Reader) -> Reader:
    """A reader for which a key without a value, or with an empty one, is as good as none: it gives None."""

    def or_none(node: Node, place: Place) -> object:
        empty = isinstance(node, Scalar) and (node.kind == "nothing" or not node.text.strip())
        return None if empty else read(node, place)

    return or_none


def cannot(sentence: str) -> Reader:
    """A reader of a key that we cannot do; its value is not quoted."""

    def complain(_node: Node, place: Place) -> object:
        place.complain(sentence)
        return INVALID

    return complain


def listed(read: Reader) -> Reader:
    """A reader of a list of such values, as a tuple."""

    def read_all(node: Node, place: Place) -> object:
        values = tuple(read(item, inside) for inside, item in items(node, place))
        return INVALID if INVALID in values else values

    return read_all


def one_of(table: Mapping[str, object]) -> Callable[[str], str]:
    """A parser of one of the words of a table; gives the word."""

    def parse(text: str) -> str:
        if text not in table:
            raise Wrong(nearest(text, table).removeprefix("; ") or f"allowed: {', '.join(table)}")
        return text

    return parse


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise Wrong("true or false is allowed")
    return _TRUTHS[text.lower()]


def _client_auth(text: str) -> str:
    if text in ("RequireAnyClientCert", "RequireClientCert"):
        raise Wrong(
            "a certificate that nobody verifies cannot be asked for here, and would prove nothing; "
            "use RequireAndVerifyClientCert with client_ca_file"
        )
    return one_of(CLIENT_AUTH)(text)


def _not_asked_for(word: str | None) -> str | None:
    if word != "RequestClientCert":
        return None
    return "clients are not asked for a certificate; nobody would be refused for it either way"


def _old(version: str | None) -> str | None:
    return "OpenSSL speaks nothing older than TLS 1.2; that is the least" if version in ("TLS10", "TLS11") else None


def _max_version(text: str) -> str:
    if text in ("TLS10", "TLS11"):
        raise Wrong("OpenSSL speaks nothing older than TLS 1.2, so nobody could connect; allowed: TLS12, TLS13")
    return one_of(VERSIONS)(text)


def _curves(node: Node, place: Place) -> object:
    curves = listed(scalar(one_of(CURVES)))(node, place)
    if isinstance(curves, tuple) and len(curves) > 1:
        place.complain("found several; Python's TLS takes one curve, or its own list: name one or leave the key out")
        return INVALID
    return curves


def _headers(node: Node, place: Place) -> object:
    read = optional(scalar(plain_text(_LONGEST)))
    headers: dict[str, object] = {}
    for name, inside, value in entries(node, place):
        if name not in HEADERS:
            inside.complain(f"this header cannot be set; allowed: {', '.join(HEADERS)}{nearest(name, HEADERS)}")
            continue
        headers[name] = read(value, inside)
        if HEADERS[name] and headers[name] not in (*HEADERS[name], None, INVALID):
            inside.complain(f"allowed: {', '.join(HEADERS[name])}")
    return {name: value for name, value in headers.items() if value is not None}


def _users(node: Node, place: Place) -> object:
    """Name -> hash. Neither is ever quoted: people write passwords where hashes belong."""
    users: dict[bytes, bytes] = {}
    for name, inside, value in entries(node, place):
        match = _HASH.fullmatch(value.text) if isinstance(value, Scalar) else None
        if match is None:
            inside.complain("no bcrypt hash; write one such as `htpasswd -nBC 10 NAME` prints, from its $2y$ on")
        elif int(match[1]) > _MOST_COST:
            inside.complain(f"a bcrypt cost of {match[1]}; up to {_MOST_COST} is allowed, a check would take too long")
        elif ":" in name or not name:
            inside.complain("a user's name is not empty and has no colon; nobody could log in")
        else:
            users[name.encode()] = match[0].encode()
    return users


def tls_fields(directory: str) -> tuple[Field, ...]:
    """The rows of tls_server_config; files are relative to the directory."""
    file = optional(scalar(file_in(directory)))
    inline = "inline certificates and keys are not supported; write it to a file and name that in "
    return (
        Field("cert_file", file),
        Field("key_file", file),
        Field("client_ca_file", file),
        Field("client_auth_type", optional(scalar(_client_auth)), None, _not_asked_for),
        Field("client_allowed_sans", optional(listed(scalar(plain_text(_LONGEST))))),
        Field("min_version", optional(scalar(one_of(VERSIONS))), None, _old),
        Field("max_version", optional(scalar(_max_version))),
        Field("cipher_suites", optional(listed(scalar(one_of(CIPHERS))))),
        Field("prefer_server_cipher_suites", optional(scalar(_truth)), True),
        Field("curve_preferences", optional(_curves)),
        Field("cert", optional(cannot(inline + "cert_file"))),
        Field("key", optional(cannot(inline + "key_file"))),
        Field("client_ca", optional(cannot(inline + "client_ca_file"))),
    )


HTTP_FIELDS = (
    Field("http2", optional(scalar(_truth))),
    Field("headers", optional(_headers)),
)
"""`http2` may be either: HTTP/1.1 is served, which every client of an HTTP/2 server speaks as well."""
USERS_FIELD = Field("basic_auth_users", optional(_users))
RATE_LIMIT_FIELD = Field(
    "rate_limit", optional(cannot("not supported; scrapes are bounded and share their queries without it"))
)
