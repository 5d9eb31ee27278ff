"""What a valid web configuration is, as frozen records. Knows neither YAML nor files nor sockets."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ClientAuth(StrEnum):
    """What is asked of a client's certificate. The words are those of Go's crypto/tls; two of its five are not here:

    RequestClientCert refuses nobody and so is the same as NONE, and OpenSSL cannot do RequireAnyClientCert.
    """

    NONE = "NoClientCert"
    IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRED = "RequireAndVerifyClientCert"


@dataclass(frozen=True, slots=True)
class Tls:
    """A server's side of TLS. Files are resolved paths, `ciphers` OpenSSL's names for TLS 1.2, no ciphers: the usual.

    Without `client_ca_file` the system's authorities are trusted. `curve` None: the usual curves.
    """

    cert_file: str
    key_file: str
    client_auth: ClientAuth = ClientAuth.NONE
    client_ca_file: str | None = None
    allowed_sans: frozenset[str] = frozenset()
    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    max_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: tuple[str, ...] = ()
    prefer_server_ciphers: bool = True
    curve: str | None = None

    @property
    def files(self) -> dict[str, str]:
        """The files that it is made of, by their key."""
        named = {"cert_file": self.cert_file, "key_file": self.key_file, "client_ca_file": self.client_ca_file}
        return {key: path for key, path in named.items() if path is not None}


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The effective web configuration. `users`: name -> bcrypt hash, none: everybody may come in.

    `context` is None for plain HTTP; a client's certificate must name one of `allowed_sans`, if there are any.
    """

    context: ssl.SSLContext | None = None
    allowed_sans: frozenset[str] = frozenset()
    users: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


OPEN = WebConfig()
"""Plain HTTP for everybody: how it is without a web configuration file."""
