"""The README says what is true: its metrics table is the catalog, its commands and files exist.

`python -m tests.test_readme` writes the table anew.
"""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.metrics_core import Metric as Family

from exporter import flags
from exporter.catalog import CATALOG
from exporter.telemetry import Telemetry

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- metrics: written by `make golden` from the catalog -->", "<!-- end of metrics -->"
COMMON = "`id_instance`, `name`"


def table() -> str:
    """The mirrored metrics from the catalog, then the exporter's own from its registry."""
    lines = ["| metric | type | labels besides `id_instance`, `name` | meaning |", "|---|---|---|---|"]
    for metric in CATALOG:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        if metric.name == "greenapi_instance_info":
            labels += ", the configured labels"
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |")
    lines += ["", "The exporter's own:", "", "| metric | type | labels | meaning |", "|---|---|---|---|"]
    for family in sorted(_own(), key=lambda family: family.name):
        name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
        labels = ", ".join(f"`{label}`" for label in _labels(family))
        lines.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |")
    lines.append("| `process_*`, `python_*` | | | of prometheus_client |")
    return "\n".join(lines)


def _own() -> list[Family]:
    return [family for family in Telemetry().registry.collect() if family.name.startswith("greenapi_")]


def _labels(family: Family) -> list[str]:
    met = {label for sample in family.samples for label in sample.labels}
    return sorted(met - {"le"})


def written(text: str) -> str:
    """The README with its table written anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def test_the_metrics_table_is_the_catalog() -> None:
    """`make golden` writes it; a metric that changes shows in the README's diff."""
    text = README.read_text("utf-8")
    assert text == written(text)


def test_every_file_that_the_readme_links_to_exists() -> None:
    text = README.read_text("utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_make_target_that_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = set(re.findall(r"\bmake ([a-z][\w-]*)", README.read_text("utf-8")))
    assert {"run", "test"} <= named
    assert named <= targets


def test_the_flags_of_the_readme_exist() -> None:
    known = set(re.findall(r"--[a-z][\w.-]*", flags.parser().format_help()))
    named = set(re.findall(r"`(--[a-z][\w.-]*)", README.read_text("utf-8")))
    assert named <= known


if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), "utf-8")
