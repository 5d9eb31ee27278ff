"""The command: flags, logging, exit codes. Everything else is built in `app`."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

from . import access, discovery, flags, loading, logs
from .app import App
from .config import Config
from .errors import ConfigInvalid, StoreUnusable
from .output import CannotWrite, write
from .redaction import Redactor
from .sockets import CannotListen

log = logging.getLogger(__name__)

TROUBLES = (CannotListen, StoreUnusable, CannotWrite)
"""What the machine may do to us: told in one line, without a traceback."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code: 0 as asked, 1 not possible, 2 a flag that makes no sense."""
    options = flags.parse(sys.argv[1:] if arguments is None else arguments)
    if options.once:
        _let_signals_interrupt()
    try:
        return _command(options)
    except KeyboardInterrupt:
        return 1 if options.once else 0  # half a scrape must not look like a whole one
    except TROUBLES as trouble:
        print(f"greenapi-exporter: {trouble}", file=sys.stderr)
        return 1


def _command(options: flags.Options) -> int:
    """What `main` does, once it is known what is asked. Raises one of TROUBLES, or KeyboardInterrupt."""
    redactor = Redactor()
    logs.configure(options.log_level, options.log_format, redactor)
    config, complaints, warnings = _read(options)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if complaints:
        return 1
    if config is not None:
        redactor.learn(instance.token for instance in config.instances)
    for warning in warnings:
        log.warning("%s", warning)
    if options.config_check:
        write([b"ok\n"])
        return 0
    return _run(options, config, redactor)


def _read(options: flags.Options) -> tuple[Config | None, list[str], list[str]]:
    """The configuration (None for the demo), every complaint about all that was given, and the warnings."""
    config: Config | None = None
    complaints: list[str] = []
    warnings: list[str] = []
    if not options.demo:
        try:
            config, choice = loading.load(options.config_file)
            warnings += [*choice, *config.warnings]
        except ConfigInvalid as invalid:
            complaints += map(str, invalid.complaints)
    if options.web_config_file is not None:
        try:
            warnings += access.read(options.web_config_file).warnings
        except ConfigInvalid as invalid:
            complaints += map(str, invalid.complaints)
    if options.external_url is not None:
        try:
            discovery.parse_external(options.external_url)
        except discovery.NotAnAddress as problem:
            complaints.append(str(problem))
    return config, complaints, warnings


def _run(options: flags.Options, config: Config | None, redactor: Redactor) -> int:
    async def start() -> int:
        app = App(options, redactor)
        if options.once:
            return await app.once(config)
        await app.run(config)
        return 0

    try:
        return asyncio.run(start())
    except TROUBLES:
        raise
    except Exception:
        log.critical("a fault of the exporter ends it; please report this", exc_info=True)
        return 1


def _let_signals_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
