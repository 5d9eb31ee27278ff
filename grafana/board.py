"""Rows of panels -> a whole dashboard: places and ids, variables, links between dashboards, annotations.

The two forms: the provisioned one, in which the variable `datasource` picks the data source, and the one for import by
hand, in which Grafana asks for it (`__inputs`; file provisioning would leave such a placeholder standing).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exporter.model import STATES

from .look import Json
from .panels import DATASOURCE, Panel
from .promql import mirrored, own, selector

FLEET_UID, INSTANCE_UID = "greenapi-fleet", "greenapi-instance"
TAG = "greenapi"
COLUMNS = 24
EVERY_INSTANCE = "greenapi_query_interval_seconds"
"""The metric that each instance has from the start, so that its labels are the choices of the variables."""


@dataclass(frozen=True, slots=True)
class Row:
    """A titled group of panels, which flow from left to right. Collapsed ones ask nothing until they are opened."""

    title: str
    panels: Sequence[Panel]
    collapsed: bool = False


def board(uid: str, title: str, description: str, rows: Sequence[Row], *, one_instance: bool) -> Json:
    """The provisioned dashboard. `one_instance`: it is about a single instance, else about any number."""
    return {
        "id": None,
        "uid": uid,
        "title": title,
        "description": description,
        "tags": [TAG],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "weekStart": "",
        "timezone": "browser",
        "time": {"from": "now-24h", "to": "now"},
        "timepicker": {},
        "refresh": "1m",
        "links": [_links()],
        "annotations": {"list": _annotations()},
        "templating": {"list": _variables(one_instance=one_instance)},
        "panels": list(_placed(rows)),
    }


def for_import(dashboard: Json) -> Json:
    """The same for import by hand: Grafana asks for the data source, and remembers it as the variable's choice."""
    name = "DS_PROMETHEUS"
    asked: Json = {
        "name": name, "label": "Prometheus", "description": "The Prometheus that scrapes greenapi-exporter",
        "type": "datasource", "pluginId": "prometheus", "pluginName": "Prometheus",
    }  # fmt: skip
    chosen: Json = {"current": {"selected": True, "text": "Prometheus", "value": f"${{{name}}}"}}
    first, *others = _variables(one_instance=dashboard["uid"] == INSTANCE_UID)
    requires: list[Json] = [
        {"type": "grafana", "id": "grafana", "name": "Grafana", "version": "10.0.0"},
        {"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
    ]
    templating: Json = {"list": [first | chosen, *others]}
    return {"__inputs": [asked], "__requires": requires} | dashboard | {"templating": templating}


def open_instance(name: str) -> Json:
    """A data link to the Instance dashboard; `name` is the Grafana variable that holds the instance's name."""
    kept = "${datasource:queryparam}&${job:queryparam}&${instance:queryparam}"
    return {
        "title": f"Open ${{{name}}}",
        "url": f"/d/{INSTANCE_UID}?{kept}&var-name=${{{name}:percentencode}}&${{__url_time_range}}",
        "targetBlank": False,
    }


def _placed(rows: Sequence[Row]) -> Iterable[Json]:
    """All panels with ids and places; those of a collapsed row inside of it."""
    y, number = 0, 0
    for row in rows:
        number += 1
        head: Json = {"id": number, "type": "row", "title": row.title, "collapsed": row.collapsed, "panels": []}
        head["gridPos"] = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        y += 1
        inside: list[Json] = []
        x = height = 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            number += 1
            place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
            inside.append({"id": number, **panel.body, "gridPos": place})
            x, height = x + panel.width, max(height, panel.height)
        y += height
        yield head | {"panels": inside if row.collapsed else []}
        if not row.collapsed:
            yield from inside


def _links() -> Json:
    return {
        "title": "GREEN-API dashboards", "type": "dashboards", "tags": [TAG], "asDropdown": False, "icon": "dashboard",
        "includeVars": True, "keepTime": True, "targetBlank": False, "tooltip": "", "url": "",
    }  # fmt: skip


def _variables(*, one_instance: bool) -> list[Json]:
    several: Json = {"multi": True, "includeAll": True, "allValue": ".+"}
    several |= {"current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    one: Json = {"multi": False, "includeAll": False, "current": {}}
    datasource: Json = {
        "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {},
        "hide": 0, "includeAll": False, "multi": False, "options": [], "refresh": 1, "regex": "",
    }  # fmt: skip
    return [
        datasource,
        _choice("job", "Job", EVERY_INSTANCE, several),
        _choice("instance", "Instance", selector(EVERY_INSTANCE, {"job": "~$job"}), several),
        _choice(
            "name", "Name", selector(EVERY_INSTANCE, {"job": "~$job", "instance": "~$instance"}),
            one if one_instance else several,
        ),
    ]  # fmt: skip


def _choice(name: str, label: str, series: str, kind: Json) -> Json:
    query = f"label_values({series}, {name})"
    return {
        "name": name, "label": label, "type": "query", "datasource": DATASOURCE, "definition": query,
        "query": {"query": query, "refId": f"{name}-values"}, "refresh": 2, "sort": 1, "hide": 0, "options": [],
        "regex": "", "skipUrlSync": False,
    } | kind  # fmt: skip


def _annotations() -> list[Json]:
    bad = mirrored("instance_state", state=tuple(state for state in STATES if state != "authorized"))
    builtin: Json = {
        "builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": True, "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts", "type": "dashboard",
    }  # fmt: skip
    return [
        builtin,
        _annotation("Firing alerts", 'ALERTS{alertname=~"GreenApi.+",alertstate="firing"}', "red",
                    "{{alertname}}", "{{name}}", on=False),
        _annotation("State changes to bad", f"({bad} == 1) unless ({bad} offset 2m == 1)", "orange",
                    "{{name}}: {{state}}", "The instance's state became {{state}}."),
        _annotation("Exporter restarts", f"time() - {own('process_start_time_seconds')} < 120", "blue",
                    "exporter restarted", "{{instance}}", on=False),
    ]  # fmt: skip


def _annotation(name: str, expr: str, colour: str, title: str, text: str, *, on: bool = True) -> Json:
    return {
        "name": name, "datasource": DATASOURCE, "enable": on, "hide": False, "iconColor": colour, "expr": expr,
        "step": "60s", "titleFormat": title, "textFormat": text, "tagKeys": "severity", "useValueForTime": False,
    }  # fmt: skip
