"""What can go wrong with a call, each with its name and a sentence: the client's three tables.

A status that is not 200, an exception of the library beneath, and a bug of ours. The sentences are our own: the
service's may quote phone numbers, the library's hold URLs. Does no I/O.
"""

from __future__ import annotations

import errno
import math
import os
import ssl
from email.utils import parsedate_to_datetime
from functools import lru_cache

import aiohttp

from .errors import CallFailed
from .model import Outcome

_REFUSALS: dict[int, tuple[Outcome, str]] = {
    400: (Outcome.BAD_REQUEST, "the service refuses the question; is the instance starting, logged out or expired?"),
    401: (Outcome.UNAUTHORIZED, "the token is not accepted; compare it with apiTokenInstance in the console"),
    403: (Outcome.FORBIDDEN, "not allowed; compare id and api_url with the console, is the account suspended?"),
    404: (Outcome.NOT_FOUND, "there is no such instance at this address; compare id and api_url with the console"),
    429: (Outcome.RATE_LIMITED, "asked too often; one question per second and method, other programs' included"),
    466: (Outcome.QUOTA_EXCEEDED, "the tariff's monthly quota is used up until the 1st; is the tariff named right?"),
    469: (Outcome.HTTP_OTHER, "the service's limit of contact checks is reached"),
    499: (Outcome.HTTP_OTHER, "the service says that we hung up; a longer timeout may help"),
}
"""HTTP status -> what it means. Sources: GREEN-API's pages common-errors, ratelimiter and 466-error-example-body."""


def refusal(status: int, retry_after: str | None, now: float) -> CallFailed:
    """The failure that a status other than 200 is. `now` (Unix seconds) is what a Retry-After date is held against."""
    outcome, sentence = _REFUSALS.get(status) or _refusal_by_class(status)
    return CallFailed(outcome, f"HTTP {status}: {sentence}", retry_after=seconds_to_wait(retry_after, now))


def _refusal_by_class(status: int) -> tuple[Outcome, str]:
    if 500 <= status <= 599:
        return Outcome.SERVER_ERROR, "a fault on the service's side; it is asked again after a pause"
    if 300 <= status <= 399:
        return Outcome.HTTP_OTHER, "a redirect, not followed because it would carry the token away; set api_url to it"
    return Outcome.HTTP_OTHER, "not an answer that this method gives; is api_url right?"


def seconds_to_wait(retry_after: str | None, now: float) -> float | None:
    """A Retry-After in seconds from now, never negative; None when it is missing or says nothing (RFC 9110 10.2.3)."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
        return seconds if math.isfinite(seconds) else None
    date = seconds_of_date(text)
    return None if date is None else max(0.0, date - now)


@lru_cache(maxsize=64)
def seconds_of_date(text: str | None) -> float | None:
    """An HTTP date as Unix seconds; None when it is missing or not a date. Hundreds of answers show the same second."""
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


_CERTIFICATE_FAULTS = {
    9: "is not valid yet; is the clock of this machine right?",
    10: "has expired",
    18: "is signed by itself",
    19: "is signed by an issuer that this machine does not trust",
    20: "is signed by an issuer that this machine does not know",
    21: "cannot be verified; is an intermediate certificate missing?",
    62: "is for another name",
    64: "is for another address",
}
"""OpenSSL's verify codes (X509_V_ERR_*), those that a misconfigured or false host shows."""


class SpokeUnasked(aiohttp.ClientError):
    """On the connection lies something that came before the question, and so is no answer to it."""


class BrokenWhenNew(aiohttp.ClientError):
    """A connection that was made for this question broke before the answer; `error` is how."""

    def __init__(self, error: aiohttp.ClientError) -> None:
        super().__init__()
        self.error = error


def translate(error: Exception, host: str, timeout: float) -> CallFailed:
    """The one place where exceptions of aiohttp and of the system get our names; the first line that fits counts."""
    match error:
        case BrokenWhenNew():
            return translate(error.error, host, timeout)
        case SpokeUnasked():
            return CallFailed(Outcome.NETWORK, f"{host} said something before it was asked")
        case aiohttp.ClientConnectorCertificateError():
            code = getattr(error.certificate_error, "verify_code", None)
            fault = _CERTIFICATE_FAULTS.get(code or 0, f"is not accepted (OpenSSL code {code})")
            return CallFailed(Outcome.TLS, f"the certificate of {host} {fault}")
        case aiohttp.ClientSSLError():
            return CallFailed(Outcome.TLS, f"no TLS connection to {host}; does it speak https on this port?")
        case aiohttp.ClientOSError(__cause__=ssl.SSLError()):
            return CallFailed(Outcome.TLS, f"the TLS connection to {host} broke")
        case aiohttp.ClientConnectorDNSError() | UnicodeError():
            return CallFailed(Outcome.NETWORK, f"the name of {host} cannot be resolved")
        case aiohttp.ClientConnectorError():
            return CallFailed(Outcome.NETWORK, f"no connection to {host}: {_in_words(error.os_error)}")
        case aiohttp.ServerDisconnectedError():
            return CallFailed(Outcome.NETWORK, f"{host} closed the connection before it had answered")
        case aiohttp.ClientPayloadError():
            return CallFailed(Outcome.NETWORK, f"the answer of {host} broke off, or its packing is broken")
        case aiohttp.ClientResponseError():
            return CallFailed(Outcome.NETWORK, f"what {host} answers is not HTTP")
        case aiohttp.ClientOSError():
            return CallFailed(Outcome.NETWORK, f"the connection to {host} broke: {_in_words(error)}")
        case TimeoutError():
            return CallFailed(Outcome.TIMEOUT, f"no whole answer of {host} within {timeout:g} s")
        case _:
            return CallFailed(Outcome.NETWORK, f"the call to {host} failed ({type(error).__name__})")


def _in_words(error: OSError) -> str:
    """The system's words for an error number. The exception's own text is not used: libraries put addresses in it."""
    number = error.errno or 0
    return os.strerror(number).lower() if number in errno.errorcode else type(error).__name__


class Wordless(Exception):
    """Stands for an exception of which only its kind may be shown: its text may quote an answer."""


def wordless(bug: BaseException) -> Wordless:
    """`bug` as a log may show it: the tracebacks of its whole chain, each with the exception's name for a text."""
    shown = Wordless(type(bug).__qualname__).with_traceback(bug.__traceback__)
    link = bug.__cause__ or (None if bug.__suppress_context__ else bug.__context__)
    shown.__cause__ = None if link is None else wordless(link)
    return shown
