"""Dashboards and queries taken apart for the checks: panels, variables filled in, what a PromQL expression names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import promql_parser as promql

ROOT = Path(__file__).parents[2]
BOARDS = ("fleet", "instance")
BUILTIN = {"__rate_interval": "4m", "__interval": "1m", "__range": "24h"}

VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([\w.]+)(?::(\w+))?\})")


def dashboard(name: str, form: str = "dashboards") -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "grafana" / form / f"{name}.json").read_text())
    return loaded


def panels(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All panels that show something, those of collapsed rows included; rows themselves are left out."""
    found: list[dict[str, Any]] = []
    for panel in board["panels"]:
        found += panel["panels"] if panel["type"] == "row" else [panel]
    return found


def expressions(board: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where a query is (panel and letter, annotation), and its text."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for annotation in board["annotations"]["list"]:
        if "expr" in annotation:
            yield f"annotation {annotation['name']}", annotation["expr"]


def used_variables(text: str) -> set[str]:
    """Names of the variables in a text; `__` ones are Grafana's own."""
    return {(match[1] or match[2]).split(".")[0] for match in VARIABLE.finditer(text)}


def filled(expr: str, values: Mapping[str, str]) -> str:
    """The query with its variables filled in as Grafana does; an unknown variable stays, and breaks the query."""

    def value(match: re.Match[str]) -> str:
        return ({**BUILTIN, **values}).get(match[1] or match[2], match[0])

    return VARIABLE.sub(value, expr)


@dataclass
class Named:
    """What one expression names: its selectors, the labels it groups or joins by."""

    selectors: list[promql.VectorSelector] = field(default_factory=list)
    grouped_by: set[str] = field(default_factory=set)
    bare: list[str] = field(default_factory=list)
    """Metrics whose samples are used as they are."""


def named(expr: str) -> Named:
    """Take a PromQL expression apart. Raises ValueError when it is none."""
    found = Named()
    path: list[promql.Expr] = []

    def enter(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            found.selectors.append(node)
            if not isinstance(path[-1] if path else None, promql.MatrixSelector):
                found.bare.append(node.name or "")
        elif isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            found.grouped_by |= set(node.modifier.labels)
        elif isinstance(node, promql.BinaryExpr) and node.modifier is not None:
            matching = node.modifier.matching
            found.grouped_by |= {*(matching.labels if matching else ()), *(node.modifier.group_labels or ())}
        path.append(node)

    def leave(_: promql.Expr) -> None:
        path.pop()

    promql.walk(promql.parse(expr), enter, leave)
    return found
