"""What a valid configuration is, as frozen records. Every number is in seconds or bytes.

Owns the shapes, whose defaults stand in `fields`; knows neither YAML nor files nor the environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..model import Meaning, Secret

MEMORY = ":memory:"
"""The `state_file` that is none: nothing outlives the process."""


class Tariff(StrEnum):
    """What an account may ask: `developer` is the free plan with 1,000 journal calls a month."""

    BUSINESS = "business"
    DEVELOPER = "developer"


@dataclass(frozen=True, slots=True)
class InstanceConfig:
    """One GREEN-API account. `min_interval` is the interval in force, its tariff considered; `window` is whole minutes.

    `token_file` is the resolved path the token was read from, if it came from a file: it is read again after a 401.
    """

    id: str
    name: str
    token: Secret
    token_file: str | None
    api_url: str
    labels: tuple[tuple[str, str], ...]
    tariff: Tariff
    window: float
    min_interval: float
    timeout: float
    timestamp: Meaning


@dataclass(frozen=True, slots=True)
class Config:
    """The effective configuration. `warnings` are sentences to log at start; nothing in them is a secret."""

    instances: tuple[InstanceConfig, ...]
    concurrency: int
    stale_after: float
    state_file: str
    max_body: int
    state_interval: float
    settings_interval: float
    declare_types: tuple[str, ...]
    warnings: tuple[str, ...] = ()
