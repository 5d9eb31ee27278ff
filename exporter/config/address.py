"""The address of the API: what is allowed, and whether tokens travel readable to it.

Quotes nothing of what it was given: an address may hold a password or, pasted whole, a token.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from .complaints import Wrong

_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
_EXAMPLE = "an address such as https://1101.api.green-api.com is allowed"
_MALFORMED = f"the host or the port is missing or malformed; {_EXAMPLE}"


def api_url(text: str) -> str:
    """Scheme, host, port and path prefix (MAX's /v3), without the slash at the end; raises Wrong."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Wrong(_MALFORMED) from None
    if parts.scheme not in ("http", "https"):
        raise Wrong(f"the address begins with neither https:// nor http://; {_EXAMPLE}")
    if "@" in text:
        raise Wrong("a user or a password has no place in the address; the token has its own key")
    if not _is_host(host, bracketed="[" in parts.netloc) or port == 0:
        raise Wrong(_MALFORMED)
    return f"{parts.scheme}://{_authority(host, port)}{_prefix(parts, text)}"


def leaves_the_machine_readable(url: str) -> bool:
    """Whether requests to this address, tokens included, travel in plain text to another host."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "http" or host == "localhost" or host.endswith(".localhost"):
        return False
    address = _ip(host)
    return address is None or not address.is_loopback


def _prefix(parts: SplitResult, text: str) -> str:
    if "?" in text or "#" in text:
        raise Wrong("the address has no part that begins with ? or #")
    path = parts.path.rstrip("/")
    if "waInstance" in path:
        raise Wrong("the address ends before /waInstance; id and token are added by the exporter")
    if not _PATH.fullmatch(path):
        raise Wrong("the path may only have letters, digits and - _ . ~ between slashes, such as /v3")
    return path


def _authority(host: str, port: int | None) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if port is None else f"{bracketed}:{port}"


def _is_host(host: str, *, bracketed: bool) -> bool:
    if bracketed:
        return ":" in host and _ip(host) is not None
    labels = host.removesuffix(".").split(".")
    return len(host) <= 253 and all(label.replace("-", "").replace("_", "").isalnum() for label in labels)


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
