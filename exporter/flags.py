"""The command line: flags in, one record out. Owns names, defaults and help texts; does nothing with them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from . import __version__
from .logs import FORMATS, LEVELS
from .model import DEFAULT_PORT

DEFAULT_CONFIG = "config.yaml"


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; an empty host is every interface, port 0 a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, understood. `config_file` is None when no flag named one."""

    config_file: str | None
    config_check: bool
    listen: tuple[Address, ...]
    web_config_file: str | None
    external_url: str | None
    log_level: str
    log_format: str
    once: bool
    demo: bool


def parse(arguments: Sequence[str]) -> Options:
    """Ends the program for --help, --version and a flag that makes no sense, as argparse does (exit 2)."""
    flags = parser().parse_args(arguments)
    return Options(
        flags.config_file, flags.config_check, tuple(flags.listen or [Address("", DEFAULT_PORT)]),
        flags.web_config_file, flags.external_url, flags.log_level, flags.log_format, flags.once, flags.demo,
    )  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Every flag with its default and help text."""
    made = argparse.ArgumentParser(
        "greenapi-exporter", allow_abbrev=False, formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="A Prometheus exporter for messages sent through GREEN-API.",
    )  # fmt: skip
    add = made.add_argument
    add("--config.file", dest="config_file", metavar="FILE",
        help=f"configuration; {DEFAULT_CONFIG} unless the environment names one instance")
    add("--config.check", dest="config_check", action="store_true",
        help="validate the configuration, print every complaint or ok, and exit; calls nothing")
    add("--web.listen-address", dest="listen", action="append", type=_address, metavar="HOST:PORT",
        help=f"where to listen, may be given several times; :{DEFAULT_PORT} unless given, port 0 picks a free one")
    add("--web.config.file", dest="web_config_file", metavar="FILE",
        help="TLS and basic auth, in the format of Prometheus' exporter-toolkit")
    add("--web.external-url", dest="external_url", metavar="URL",
        help="the address that /sd and the pages name; the request's Host unless given")
    add("--log.level", dest="log_level", choices=LEVELS, default="info", help="least severe messages to log")
    add("--log.format", dest="log_format", choices=FORMATS, default="logfmt", help="form of the log on stderr")
    add("--once", action="store_true", help="scrape once, print the metrics, exit 1 when any instance failed")
    add("--demo", action="store_true", help="run against a simulated GREEN-API; needs no account and no configuration")
    add("--version", action="version", version=f"greenapi-exporter {__version__}")
    return made  # fmt: skip


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no address: HOST:PORT, :PORT or [IPV6]:PORT, such as :9100")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))
