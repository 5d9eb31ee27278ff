"""Text of a web configuration file -> WebConfig, or every complaint with its line. The order of the stages."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from typing import Any

from ..config import tree
from ..config.complaints import Notes, Place
from ..config.readers import Field, Found, read_fields
from ..errors import ConfigInvalid
from ..model import Complaint
from .fields import (
    CIPHERS,
    CLIENT_AUTH,
    CURVES,
    HTTP_FIELDS,
    RATE_LIMIT_FIELD,
    USERS_FIELD,
    VERSIONS,
    optional,
    tls_fields,
)
from .records import ClientAuth, Tls, WebConfig

_ONLY_COMMENTS = re.compile(r"(?:\s*(?:#[^\n]*)?\n)*\s*(?:#[^\n]*)?")


class Unusable(Exception):
    """A file or a setting of TLS that cannot be used: the `key` it stands under, and the sentence."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key
        self.sentence = sentence


MakeContext = Callable[[Tls], ssl.SSLContext]


def parse(text: str, *, source: str, directory: str, make_context: MakeContext) -> WebConfig:
    """The web configuration that the text says; an empty one, as for exporter-toolkit, lets everybody in.

    `source` is the file's name in complaints, `directory` what relative files are taken from. `make_context` reads
    those files; it may raise Unusable. Raises ConfigInvalid with all complaints.
    """
    if _ONLY_COMMENTS.fullmatch(text):
        return WebConfig()
    try:
        root = tree.read(text)
    except tree.Unreadable as unreadable:
        raise ConfigInvalid((Complaint(source, unreadable.line, "", unreadable.sentence),)) from None
    notes = Notes(source, None)
    top = read_fields(root, Place(notes, root.line), _top_fields(directory))
    context, sans = _tls(top.values.get("tls_server_config"), make_context, notes)
    notes.finish()
    http = top.values.get("http_server_config")
    return WebConfig(
        context, sans, top.values.get("basic_auth_users") or {}, (http and http.values.get("headers")) or {},
        notes.warning_sentences(),
    )  # fmt: skip


def _top_fields(directory: str) -> tuple[Field, ...]:
    def section(fields: tuple[Field, ...]) -> Any:
        return optional(lambda node, place: read_fields(node, place, fields))

    return (
        Field("tls_server_config", section(tls_fields(directory))),
        Field("http_server_config", section(HTTP_FIELDS)),
        USERS_FIELD,
        RATE_LIMIT_FIELD,
    )


def _tls(found: Found | None, make_context: MakeContext, notes: Notes) -> tuple[ssl.SSLContext | None, frozenset[str]]:
    """The context and the allowed names; None when there is no TLS. What fits together is made only if all fits."""
    if found is None or not any(found.values.get(key) for key in _SWITCHES):
        return None, frozenset()
    _check(found)
    if notes.complaints:
        return None, frozenset()
    tls = _record(found.values)
    try:
        return make_context(tls), tls.allowed_sans
    except Unusable as unusable:
        found.place_of(unusable.key).complain(unusable.sentence)
        return None, frozenset()


_SWITCHES = ("cert_file", "key_file", "client_ca_file", "client_auth_type")
"""Keys of which one is enough to ask for TLS."""


def _check(found: Found) -> None:
    """What only several keys together can tell."""
    values = found.values
    for key in ("cert_file", "key_file"):
        if key not in found.places or (key in values and values[key] is None):
            found.place_of(key).complain("is missing; TLS needs cert_file and key_file")
    auth = CLIENT_AUTH[values.get("client_auth_type") or "NoClientCert"]
    if values.get("client_ca_file") and values.get("client_auth_type") in (None, "NoClientCert"):
        found.place_of("client_ca_file").complain(
            "without a client_auth_type no certificate is asked for; set it to RequireAndVerifyClientCert"
        )
    if values.get("client_allowed_sans") and auth is not ClientAuth.REQUIRED:
        found.place_of("client_allowed_sans").complain("needs client_auth_type: RequireAndVerifyClientCert")
    if (values.get("min_version"), values.get("max_version")) == ("TLS13", "TLS12"):
        found.place_of("min_version").complain("found TLS13, which is above max_version, TLS12")


def _record(values: dict[str, Any]) -> Tls:
    suites = [CIPHERS[name] for name in values.get("cipher_suites") or ()]
    curves = values.get("curve_preferences")
    return Tls(
        cert_file=values["cert_file"],
        key_file=values["key_file"],
        client_auth=CLIENT_AUTH[values.get("client_auth_type") or "NoClientCert"],
        client_ca_file=values.get("client_ca_file"),
        allowed_sans=frozenset(values.get("client_allowed_sans") or ()),
        min_version=VERSIONS[values.get("min_version") or "TLS12"],
        max_version=VERSIONS[values.get("max_version") or "TLS13"],
        ciphers=tuple(suite for suite in suites if suite),
        prefer_server_ciphers=values.get("prefer_server_cipher_suites") is not False,
        curve=CURVES[curves[0]] if curves else None,
    )
