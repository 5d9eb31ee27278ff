"""One function for each kind of panel: what it shows goes in, Grafana's classic panel JSON comes out.

Knows options of Grafana and no metric. Ids and places are given later, by `board`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase

from .look import Json, fixed, thresholds

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
INTERVAL = "1m"
"""The scrape interval that the panels reckon with: `$__rate_interval` is four times as long."""

PLAIN = thresholds("green")


@dataclass(frozen=True, slots=True)
class Query:
    """One query. `instant`: its value at the end of the range, once. `form`: time_series, table or heatmap."""

    expr: str
    legend: str = ""
    instant: bool = False
    form: str = "time_series"


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of `width` (of 24) and `height` (30 px each), with everything but its place and id."""

    width: int
    height: int
    body: Json = field(repr=False)


def stat(
    title: str, description: str, query: Query | Sequence[Query], *, unit: str = "short", steps: Json = PLAIN,
    width: int = 4, height: int = 4, decimals: int | None = None, none: str = "no data", mappings: Sequence[Json] = (),
    background: bool = True, text: str = "auto", overrides: Sequence[Json] = (), size: int | None = None,
) -> Panel:  # fmt: skip
    """One big number (or word). `none` is what stands there without data; never a reassuring 0."""
    defaults: Json = {"unit": unit, "thresholds": steps, "noValue": none, "mappings": list(mappings)}
    defaults |= {"color": {"mode": "thresholds"}} | ({} if decimals is None else {"decimals": decimals})
    options: Json = {
        "colorMode": "background" if background else "value",
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": text,
        "wideLayout": True,
    }
    options |= {} if size is None else {"text": {"valueSize": size}}
    return _panel("stat", title, description, query, (width, height), defaults, options, overrides)


def timeseries(
    title: str, description: str, query: Query | Sequence[Query], *, unit: str, width: int = 8, height: int = 8,
    overrides: Sequence[Json] = (), stacked: bool = False, bars: bool = False, least: float | None = 0,
    most: float | None = None, decimals: int | None = None, steps: Json | None = None,
    links: Sequence[Json] = (), logarithmic: bool = False,
) -> Panel:  # fmt: skip
    """Lines (or bars) over time; areas without an edge when stacked, or an empty top one would outline the rest.

    `steps`: thresholds that are drawn as dashed lines; `least`: where the axis begins.
    """
    custom: Json = {
        "drawStyle": "bars" if bars else "line",
        "lineWidth": 0 if bars or stacked else 2,
        "fillOpacity": 80 if bars else 60 if stacked else 0 if logarithmic else 6,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if steps else "off"},
        "scaleDistribution": {"type": "log", "log": 10} if logarithmic else {"type": "linear"},
    }
    defaults: Json = {"unit": unit, "custom": custom, "color": {"mode": "palette-classic"}, "links": list(links)}
    defaults |= {} if steps is None else {"thresholds": steps}
    numbers = {"min": least, "max": most, "decimals": decimals}
    defaults |= {name: number for name, number in numbers.items() if number is not None}
    legend: Json = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}
    options: Json = {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    return _panel("timeseries", title, description, query, (width, height), defaults, options, overrides)


def bargauge(
    title: str, description: str, query: Query | Sequence[Query], *, unit: str = "short", width: int = 8,
    height: int = 8, overrides: Sequence[Json] = (), most: float | None = None, decimals: int | None = None,
) -> Panel:  # fmt: skip
    """Horizontal bars, one for each series, by its value at the end of the range."""
    defaults: Json = {"unit": unit, "min": 0, "color": fixed("blue"), "thresholds": PLAIN}
    defaults |= {} if most is None else {"max": most}
    defaults |= {} if decimals is None else {"decimals": decimals}
    options: Json = {
        "displayMode": "basic",
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": True,
        "valueMode": "text",
        "namePlacement": "left",
        "minVizHeight": 16,
        "maxVizHeight": 48,
        "sizing": "auto",
        "text": {"titleSize": 12, "valueSize": 16},
    }
    return _panel("bargauge", title, description, query, (width, height), defaults, options, overrides)


def heatmap(title: str, description: str, query: Query, *, width: int = 12, height: int = 9) -> Panel:
    """A histogram's buckets over time: the brighter, the more observations."""
    options: Json = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Blues", "exponent": 0.5, "steps": 64, "reverse": False},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "yHistogram": False},
        "yAxis": {"unit": "s", "axisPlacement": "left", "reverse": False},
    }
    panel = _panel("heatmap", title, description, query, (width, height), {"unit": "short"}, options, ())
    return Panel(width, height, panel.body | {"maxDataPoints": 90})


def state_timeline(
    title: str, description: str, query: Query, mappings: Sequence[Json], *, width: int = 24, height: int = 7,
    links: Sequence[Json] = (),
) -> Panel:  # fmt: skip
    """A coloured band over time for each series."""
    defaults: Json = {
        "unit": "short",
        "mappings": list(mappings),
        "color": {"mode": "thresholds"},
        "thresholds": thresholds("#8c9099"),
        "custom": {"fillOpacity": 85, "lineWidth": 0, "spanNulls": False},
        "links": list(links),
    }
    options: Json = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.85,
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return _panel("state-timeline", title, description, query, (width, height), defaults, options, ())


def table(
    title: str, description: str, query: Query | Sequence[Query], transformations: Sequence[Json], *,
    overrides: Sequence[Json] = (), width: int = 24, height: int = 8, none: str = "",
) -> Panel:  # fmt: skip
    """Rows and columns; `none` is what an empty cell says."""
    defaults: Json = {"unit": "short", "custom": {"align": "auto", "cellOptions": {"type": "auto"}}, "noValue": none}
    defaults |= {"thresholds": PLAIN, "color": {"mode": "thresholds"}}
    options: Json = {"showHeader": True, "cellHeight": "sm", "sortBy": [], "footer": {"show": False}}
    panel = _panel("table", title, description, query, (width, height), defaults, options, overrides)
    return Panel(width, height, panel.body | {"transformations": list(transformations)})


def _panel(
    kind: str, title: str, description: str, queries: Query | Sequence[Query], size: tuple[int, int], defaults: Json,
    options: Json, overrides: Sequence[Json],
) -> Panel:  # fmt: skip
    listed = [queries] if isinstance(queries, Query) else list(queries)
    body: Json = {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "interval": INTERVAL,
        "targets": [_target(query, letter) for query, letter in zip(listed, ascii_uppercase, strict=False)],
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
    }
    return Panel(*size, body)


def _target(query: Query, letter: str) -> Json:
    return {
        "refId": letter,
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "format": query.form,
        "instant": query.instant,
        "range": not query.instant,
    }
