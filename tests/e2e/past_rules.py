"""What the rules would have said in the past: recorded series and alerts, computed from a history, as more history.

Prometheus evaluates rules now, not then. For pictures of an eventful day its recorded series come from promtool, and
ALERTS from range queries, a minute apart, with each alert's `for`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from prometheus.__main__ import HERE
from prometheus.options import seconds

from .servers import Server

RULES = HERE / "rules"
STEP = 60


def record(promtool: str, server: Server, begin: float, end: float, data: Path) -> None:
    """Blocks with the series of the recording rules."""
    command = [promtool, "tsdb", "create-blocks-from", "rules", f"--start={begin:.0f}", f"--end={end:.0f}"]
    command += [f"--url={server.url}", f"--output-dir={data}", "--eval-interval=60s"]
    subprocess.run([*command, str(RULES / "greenapi-recording.yaml")], check=True, capture_output=True, timeout=300)


def alerts(server: Server, begin: float, end: float) -> Iterator[str]:
    """ALERTS and ALERTS_FOR_STATE as lines of OpenMetrics, for a Prometheus that has the recorded series."""
    for group in yaml.safe_load((RULES / "greenapi-alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            answer = server.get("/api/v1/query_range", query=rule["expr"], start=begin, end=end, step=STEP)
            for series in answer["data"]["result"]:
                yield from _lines(rule, series)
    yield "# EOF\n"


def _lines(rule: dict[str, Any], series: dict[str, Any]) -> Iterator[str]:
    labels = series["metric"] | rule["labels"] | {"alertname": rule["alert"]}
    labels.pop("__name__", None)
    text = ",".join(f"{name}={_quoted(value)}" for name, value in labels.items())
    since = last = float("-inf")
    for at, _ in series["values"]:
        if at - last > STEP:
            since = at
        last = at
        state = "firing" if at - since >= seconds(rule.get("for", "0s")) else "pending"
        yield f'ALERTS{{alertstate="{state}",{text}}} 1 {at}\n'
        yield f"ALERTS_FOR_STATE{{{text}}} {since} {at}\n"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") + '"'
