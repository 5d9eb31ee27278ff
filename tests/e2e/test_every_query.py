"""Every query of both dashboards, asked of a real Prometheus that holds the story, answers with data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exporter.simulator.story import HOUR

from ..dashboards.reading import BOARDS, dashboard, filled, panels
from ..tools import require_tool
from .cast import END, FEW, MIDNIGHT, ODD_NAME, cast
from .history import make_blocks, write_openmetrics
from .servers import Server, prometheus

STEP = 240.0
"""Seconds between scrapes of the test's story: less than it takes Prometheus to forget a sample."""
FIRST, DAY_SPAN = MIDNIGHT - 3 * HOUR, f"{24 * 60}m"
NAMES = {"all instances": None, "one instance": "campaign", "an odd name": ODD_NAME}
NEEDS_RULES = re.compile(r"\bALERTS|increase1h")
"""Queries for alerts: this Prometheus has no rules, the end-to-end story proves them."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    promtool = require_tool("promtool")
    folder: Path = tmp_path_factory.mktemp("story")
    write_openmetrics(folder / "story.om", cast(0.5, FEW), window=6 * HOUR, step=STEP)
    make_blocks(promtool, folder / "story.om", folder / "data")
    with prometheus(folder, "{}", folder / "data") as running:
        yield running


def regex(name: str | None) -> str:
    """The name as Grafana's format `regex` gives it; `.+` for all."""
    return ".+" if name is None else re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", name)


def silent(server: Server, expr: str, *, instant: bool) -> str | None:
    """Why the query shows nothing anywhere in the last day of the story; None if it shows something.

    An instant query is asked for every quarter of an hour: some answer only now and then, such as the pauses.
    """
    step = 900 if instant else STEP
    answer = server.get("/api/v1/query_range", query=expr, start=FIRST, end=END, step=step)
    if answer["status"] != "success":
        return str(answer["error"])
    numbers = [value for series in answer["data"]["result"] for _, value in series["values"] if value != "NaN"]
    return None if numbers else "no data"


@pytest.mark.parametrize("who", NAMES)
@pytest.mark.parametrize("board", BOARDS)
def test_every_query_of_every_panel_shows_data(server: Server, board: str, who: str) -> None:
    values = {"job": ".+", "instance": ".+", "name": regex(NAMES[who])}
    values |= {"__rate_interval": "16m", "__interval": "240s", "__range": DAY_SPAN}
    asked = [
        (f"{panel['title']} {target['refId']}", filled(target["expr"], values), target["instant"])
        for panel in panels(dashboard(board))
        for target in panel["targets"]
        if not NEEDS_RULES.search(target["expr"])
    ]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda query: silent(server, query[1], instant=query[2]), asked)
    empty = {place: f"{why}: {expr}" for (place, expr, _), why in zip(asked, found, strict=True) if why}
    assert empty == {}


@pytest.mark.parametrize("board", BOARDS)
def test_every_variable_offers_choices_and_every_annotation_is_accepted(server: Server, board: str) -> None:
    values = {"job": ".+", "instance": ".+", "name": ".+", "__range": DAY_SPAN}
    for variable in dashboard(board)["templating"]["list"][1:]:
        series, _, label = variable["query"]["query"].removeprefix("label_values(").removesuffix(")").rpartition(", ")
        answer = server.get(f"/api/v1/label/{label}/values", **{"match[]": filled(series, values)})
        assert answer["data"], variable["name"]
    for annotation in dashboard(board)["annotations"]["list"][1:]:
        answer = server.get(
            "/api/v1/query_range", query=filled(annotation["expr"], values), start=FIRST, end=END, step=STEP
        )
        assert answer["status"] == "success"
        assert annotation["name"] == "Firing alerts" or answer["data"]["result"], annotation["name"]
