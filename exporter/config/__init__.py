"""Configuration: a mapping in YAML and the environment -> a frozen Config, or every complaint with line and path.

A pure room: files are read by the caller, who hands in their text and a function that reads secret files.
"""

from __future__ import annotations

from .complaints import Wrong
from .masked import masked
from .parsing import from_environment, names_an_instance, parse
from .records import MEMORY, Config, InstanceConfig, Tariff
from .values import token_from

__all__ = [
    "MEMORY",
    "Config",
    "InstanceConfig",
    "Tariff",
    "Wrong",
    "from_environment",
    "masked",
    "names_an_instance",
    "parse",
    "token_from",
]
