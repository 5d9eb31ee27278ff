"""What must hold of a dashboard, as functions that give complaints: tests want none, mutation tests want some."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from grafana.promql import VOCABULARY, exported
from prometheus.recording import recorded

from .reading import BUILTIN, expressions, filled, named, panels, used_variables

UNITS = {
    "short", "percentunit", "s", "mpm", "cpm", "string", "bytes", "locale", "m", "suffix:intervals", "suffix:x",
    "suffix:min",
}  # fmt: skip
RULES_OWN = {"ALERTS": {"alertname", "alertstate", "severity", "name"}, "ALERTS_FOR_STATE": {"alertname"}}
"""Series that Prometheus makes of alerting rules."""
MADE_LABELS = {"part", "alert", "order"}
"""Labels that queries make up by label_replace."""


def structure(board: Mapping[str, Any]) -> Iterator[str]:
    """Ids, places, variables, links, titles, units: the conventions, and the rules of grafana/dashboard-linter."""
    yield from _head(board)
    yield from _variables(board)
    yield from _places(board)
    for panel in panels(board):
        yield from (f"{panel['title']}: {complaint}" for complaint in _panel(panel))


def queries(board: Mapping[str, Any]) -> Iterator[str]:
    """Every query is PromQL over metrics, labels and label values that exist, asked the way the linter wants."""
    values = dict.fromkeys(("job", "instance", "name"), ".+")
    for place, expr in expressions(board):
        try:
            yield from (f"{place}: {complaint}" for complaint in promql(filled(expr, values)))
        except ValueError as wrong:
            yield f"{place}: not PromQL: {wrong}"
            continue
        yield from (f"{place}: {complaint}" for complaint in _matchers(expr))


def promql(expr: str) -> Iterator[str]:
    """Complaints about one expression without variables; raises ValueError if it is not PromQL."""
    found = named(expr)
    known_labels = set(MADE_LABELS)
    for selector in found.selectors:
        labels = _labels_of(selector.name or "")
        if labels is None:
            yield f"there is no metric {selector.name}"
            continue
        known_labels |= labels
        yield from _values(selector, labels)
    for label in found.grouped_by - known_labels:
        yield f"there is no label {label} to group by"
    for name in found.bare:
        if name.endswith(("_total", "_bucket", "_count", "_sum")):
            yield f"{name} is a counter and needs a rate or an increase"


def _labels_of(name: str) -> frozenset[str] | set[str] | None:
    return exported().get(name) or RULES_OWN.get(name) or recorded().get(name)


def _values(selector: Any, labels: frozenset[str] | set[str]) -> Iterator[str]:
    for matcher in selector.matchers.matchers:
        if matcher.name not in labels:
            yield f"{selector.name} has no label {matcher.name}"
        vocabulary = VOCABULARY.get(matcher.name)
        if vocabulary and matcher.value != ".+":
            strange = set(matcher.value.split("|")) - vocabulary
            yield from (f"{selector.name} never has {matcher.name}={value}" for value in sorted(strange))


def _matchers(expr: str) -> Iterator[str]:
    """`rate` only over `$__rate_interval`; every exported series chosen by job and instance."""
    if re.search(r"\b(?:rate|irate)\([^()]*\[(?!\$__rate_interval\])", expr):
        yield "rate over another range than $__rate_interval"
    for name, matchers in re.findall(r"(?<![\w:])(greenapi_\w+|process_\w+)(\{[^}]*(?:\}[^}`]*`[^}]*)*\})?", expr):
        if not all(f'{label}=~"${label}"' in matchers for label in ("job", "instance")):
            yield f"{name} is not chosen by job and instance"


def _head(board: Mapping[str, Any]) -> Iterator[str]:
    wanted = {
        "id": None, "uid": f"greenapi-{board['title'].split('/ ')[1].lower()}", "schemaVersion": 39,
        "editable": False, "graphTooltip": 1, "refresh": "1m", "timezone": "browser", "tags": ["greenapi"],
        "time": {"from": "now-24h", "to": "now"},
    }  # fmt: skip
    yield from (f"{key} is {board.get(key)!r}" for key, value in wanted.items() if board.get(key) != value)
    for link in board["links"]:
        if link["type"] != "dashboards" or link["tags"] != board["tags"] or not link["keepTime"]:
            yield "the dashboards are not linked by their tag"


def _variables(board: Mapping[str, Any]) -> Iterator[str]:
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    text = repr([board["panels"], board["annotations"], board["templating"]])
    used = {name for name in used_variables(text) if not name.startswith("__")}
    yield from (f"${name} is not defined" for name in sorted(used - variables.keys()))
    yield from (f"${name} is not used" for name in sorted(variables.keys() - used))
    for name in ("job", "instance"):
        variable = variables.get(name, {})
        if (variable.get("multi"), variable.get("allValue"), variable.get("refresh")) != (True, ".+", 2):
            yield f"${name} must allow several and all"
    if variables.get("datasource", {}).get("query") != "prometheus":
        yield "$datasource must choose a Prometheus"


def _places(board: Mapping[str, Any]) -> Iterator[str]:
    everything = [*board["panels"], *(inner for row in board["panels"] for inner in row.get("panels", []))]
    twice = [number for number, times in Counter(panel["id"] for panel in everything).items() if times > 1]
    yield from (f"two panels have the id {number}" for number in twice)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        place = panel["gridPos"]
        if place["x"] < 0 or place["x"] + place["w"] > 24:
            yield f"{panel['title']} is wider than the page"
        rows, columns = range(place["y"], place["y"] + place["h"]), range(place["x"], place["x"] + place["w"])
        cells = {(x, y) for y in rows for x in columns}
        if cells & taken:
            yield f"{panel['title']} lies over another panel"
        taken |= cells


def _panel(panel: Mapping[str, Any]) -> Iterator[str]:
    if len(panel["description"]) < 20:
        yield "has no description that helps"
    if not panel["targets"]:
        yield "asks nothing"
    if panel["fieldConfig"]["defaults"].get("unit") not in UNITS:
        yield "has no unit, or an unknown one"
    for thing in (panel, *panel["targets"]):
        if thing["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
            yield "uses another data source than $datasource"
    if panel["type"] != "row" and panel["interval"] != "1m":
        yield "has no least interval"
    for label in re.findall(r"\{\{(\w+)\}\}", " ".join(target["legendFormat"] for target in panel["targets"])):
        if not any(label in _all_labels(target["expr"]) for target in panel["targets"]):
            yield f"its legend names the label {label}, which no query has"


def _all_labels(expr: str) -> set[str]:
    values = dict.fromkeys(("job", "instance", "name"), ".+")
    try:
        found = named(filled(expr, values))
    except ValueError:  # `queries` complains about that
        return set()
    return found.grouped_by | {label for s in found.selectors for label in _labels_of(s.name or "") or ()}


def links(board: Mapping[str, Any], uids: set[str]) -> Iterator[str]:
    """Every data link leads to a dashboard that exists, with variables that it has."""
    for url in re.findall(r"'url': '(/[^']+)'", repr(board["panels"])):
        target = re.match(r"/d/([\w-]+)\?", url)
        if not target or target[1] not in uids:
            yield f"{url} leads nowhere"
        for name in used_variables(url):
            known = {variable["name"] for variable in board["templating"]["list"]}
            if not name.startswith("__") and name not in known | BUILTIN.keys():
                yield f"{url} uses ${name}, which does not exist"
