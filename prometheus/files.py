"""Rules -> the YAML that Prometheus reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from grafana.board import INSTANCE_UID

from .alerts import Alert, alerts
from .options import Options
from .recording import recordings

HEAD = "# Written by `python -m prometheus`; change prometheus/*.py or its options, not this file.\n"


def files(options: Options) -> Mapping[str, str]:
    """Name of the file -> its text."""
    return {
        "greenapi-recording.yaml": HEAD + _dumped([_recording_group(options)]),
        "greenapi-alerts.yaml": HEAD + _dumped(_alert_groups(options)),
    }


def _recording_group(options: Options) -> dict[str, Any]:
    rules = [{"record": rule.name, "expr": rule.expr} for rule in recordings(options)]
    return {"name": "greenapi-recording", "rules": rules}


def _alert_groups(options: Options) -> list[dict[str, Any]]:
    return [
        {"name": group, "rules": [_alert(alert, options) for alert in listed]}
        for group, listed in alerts(options).items()
    ]


def _alert(alert: Alert, options: Options) -> dict[str, Any]:
    patience = {} if alert.patience == "0m" else {"for": options.span(alert.patience)}
    return {"alert": alert.name, "expr": alert.expr} | patience | {
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{options.runbooks_url}#{alert.name.lower()}",
            "dashboard_url": _dashboard(alert.board, options),
        },
    }  # fmt: skip


def _dashboard(uid: str, options: Options) -> str:
    chosen = "?var-name={{ $labels.name | urlquery }}" if uid == INSTANCE_UID else ""
    return f"{options.dashboards_url}/d/{uid}{chosen}"


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as such."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _dumped(groups: list[dict[str, Any]]) -> str:
    return yaml.dump({"groups": groups}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
