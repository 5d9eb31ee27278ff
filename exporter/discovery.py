"""`/sd`: the fleet as Prometheus' HTTP service discovery wants it, one group per instance.

Owns the labels and where our own address comes from. Text and records in, plain data out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from .config import Config

PROBE_PATH = "/probe"
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PREFIX = re.compile(r"[A-Za-z0-9/._~-]*")


class NotAnAddress(Exception):
    """What should say where we are does not; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Address:
    """How others reach us: scheme, host with port, and the path before ours (empty, or with a slash at its start)."""

    scheme: str
    authority: str
    prefix: str = ""


def address_of(external_url: str | None, scheme: str, host: str) -> Address:
    """The address that --web.external-url tells, else the one that the request came to. Raises NotAnAddress."""
    if external_url is not None:
        return parse_external(external_url)
    if not _AUTHORITY.fullmatch(host):
        raise NotAnAddress("the Host header names no host; set --web.external-url")
    return Address(scheme, host)


def parse_external(url: str) -> Address:
    """--web.external-url: an address such as https://metrics.example.org/greenapi. Raises NotAnAddress."""
    try:
        parts = urlsplit(url)
        prefix = parts.path.rstrip("/")
    except ValueError:
        parts, prefix = urlsplit(""), ""
    good = parts.scheme in ("http", "https") and _AUTHORITY.fullmatch(parts.netloc) and _PREFIX.fullmatch(prefix)
    if not good or parts.query or parts.fragment:
        raise NotAnAddress("--web.external-url is no address such as https://metrics.example.org or http://host:10048")
    return Address(parts.scheme, parts.netloc, prefix)


def groups(config: Config, address: Address) -> list[dict[str, object]]:
    """Prometheus' target groups. Scrape them with `honor_labels: true`, for `name` is a label of the metrics, too."""
    common = {"__metrics_path__": address.prefix + PROBE_PATH}
    if address.scheme == "https":
        common["__scheme__"] = "https"
    return [
        {
            "targets": [address.authority],
            "labels": common
            | {"__param_target": instance.id, "name": instance.name, "__meta_greenapi_id_instance": instance.id}
            | {f"__meta_greenapi_label_{name}": value for name, value in instance.labels},
        }
        for instance in config.instances
    ]
