"""Tls -> ssl.SSLContext: the files are read, and what OpenSSL makes of them is said in plain words."""

from __future__ import annotations

import ssl

from .parsing import Unusable
from .records import ClientAuth, Tls

_VERIFY = {
    ClientAuth.NONE: ssl.CERT_NONE,
    ClientAuth.IF_GIVEN: ssl.CERT_OPTIONAL,
    ClientAuth.REQUIRED: ssl.CERT_REQUIRED,
}


def make_context(tls: Tls) -> ssl.SSLContext:
    """A context for new connections; raises Unusable. Serves HTTP/1.1 alone."""
    _look_into(tls)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = tls.min_version, tls.max_version
    context.set_alpn_protocols(["http/1.1"])
    _load_certificate(context, tls)
    _load_authorities(context, tls)
    _choose_algorithms(context, tls)
    return context


def _look_into(tls: Tls) -> None:
    """OpenSSL does not say which file it could not read."""
    for key, path in tls.files.items():
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise Unusable(key, f"the file cannot be read: {error.strerror or type(error).__name__}") from None


def _load_certificate(context: ssl.SSLContext, tls: Tls) -> None:
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_password)
    except ssl.SSLError as error:
        if "KEY_VALUES_MISMATCH" in str(error):
            raise Unusable("key_file", "the key is not that of the certificate in cert_file") from None
        raise Unusable("cert_file", "no certificate with its key in PEM form is in cert_file and key_file") from None
    except _Encrypted:
        raise Unusable("key_file", "the key is encrypted; nobody is there to type its password") from None


class _Encrypted(Exception):
    """OpenSSL asks for the password of a key."""


def _no_password() -> str:
    raise _Encrypted


def _load_authorities(context: ssl.SSLContext, tls: Tls) -> None:
    context.verify_mode = _VERIFY[tls.client_auth]
    if tls.client_auth is ClientAuth.NONE:
        return
    if tls.client_ca_file is None:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        return
    try:
        context.load_verify_locations(tls.client_ca_file)
    except ssl.SSLError:
        raise Unusable("client_ca_file", "no certificate in PEM form is in this file") from None


def _choose_algorithms(context: ssl.SSLContext, tls: Tls) -> None:
    if tls.ciphers:
        try:
            context.set_ciphers(":".join(tls.ciphers))
        except ssl.SSLError:
            raise Unusable("cipher_suites", "this machine's OpenSSL allows none of these") from None
    if tls.prefer_server_ciphers:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.curve is not None:
        context.set_ecdh_curve(tls.curve)


def names_in(certificate: object) -> frozenset[str]:
    """The subject alternative names of a verified certificate, as `getpeercert` gives it: DNS, IP, e-mail, URI."""
    names = certificate.get("subjectAltName", ()) if isinstance(certificate, dict) else ()
    return frozenset(str(name) for _, name in names)
