"""The effective configuration as YAML for people to read: every key with the value in force, every secret masked.

It loads again once each mask is replaced by a token; so it is also a way to see what a default is.
"""

from __future__ import annotations

from typing import Any

import yaml

from .records import Config, InstanceConfig
from .units import duration_text, size_text

MASK = "<secret>"


def masked(config: Config) -> str:
    """YAML text. A token that came from a file is shown as that file's path, any other as the mask."""
    document = {
        "concurrency": config.concurrency,
        "stale_after": duration_text(config.stale_after),
        "state_file": _literal(config.state_file),
        "max_body": size_text(config.max_body),
        "state_interval": duration_text(config.state_interval),
        "settings_interval": duration_text(config.settings_interval),
        "declare_types": list(config.declare_types),
        "instances": [_instance(instance) for instance in config.instances],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)


def _instance(instance: InstanceConfig) -> dict[str, Any]:
    token = ("token", MASK) if instance.token_file is None else ("token_file", _literal(instance.token_file))
    return {
        "id": instance.id,
        "name": _literal(instance.name),
        token[0]: token[1],
        "api_url": instance.api_url,
        "labels": {name: _literal(value) for name, value in instance.labels},
        "tariff": instance.tariff.value,
        "window": duration_text(instance.window),
        "min_interval": duration_text(instance.min_interval),
        "timeout": duration_text(instance.timeout),
        "timestamp": instance.timestamp.value,
    }


def _literal(text: str) -> str:
    return text.replace("$", "$$")
