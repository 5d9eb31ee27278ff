"""Where the configuration comes from: files and the environment are read here, and understood in `config`."""

from __future__ import annotations

import os
from pathlib import Path

from .config import Config, Wrong, from_environment, names_an_instance, parse, token_from
from .errors import ConfigInvalid
from .flags import DEFAULT_CONFIG
from .model import Complaint, Secret

_NOTHING_TO_READ = (
    "there is no configuration: copy config.yaml.example to config.yaml and name your instances there, or set "
    "GREENAPI_ID_INSTANCE, GREENAPI_API_TOKEN and GREENAPI_TARIFF, or try --demo, which needs nothing"
)


def load(config_file: str | None) -> tuple[Config, tuple[str, ...]]:
    """The configuration that the flag (None: not given) and the environment name, and warnings about their choice.

    Raises ConfigInvalid with every complaint.
    """
    named = names_an_instance(os.environ)
    path = Path(config_file or DEFAULT_CONFIG)
    if config_file is None and not path.exists():
        if named:
            return from_environment(os.environ, read_secret), ()
        raise ConfigInvalid((Complaint(str(path), None, "", _NOTHING_TO_READ),))
    warning = f"{path} is used; GREENAPI_ID_INSTANCE and its fellows in the environment are ignored"
    return _read(path), (warning,) if named else ()


def _read(path: Path) -> Config:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        reason = f"cannot be read: {error.strerror or type(error).__name__}"
        raise ConfigInvalid((Complaint(str(path), None, "", reason),)) from None
    except UnicodeDecodeError:
        raise ConfigInvalid((Complaint(str(path), None, "", "is not UTF-8 text"),)) from None
    return parse(
        text, source=str(path), directory=str(path.parent), environ=os.environ, read_secret=read_secret
    )


def read_secret(path: str) -> str:
    """The text of a secret file. Raises OSError or UnicodeDecodeError."""
    return Path(path).read_text("utf-8")


def read_token(path: str) -> Secret | None:
    """The token in a file, None while there is none to be had: a rotation may be half done."""
    try:
        return token_from(read_secret(path))
    except (OSError, UnicodeDecodeError, Wrong):
        return None
