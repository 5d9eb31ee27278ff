"""The committed dashboards: as written by the program, well-formed, and about series that exist."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from grafana.__main__ import HERE, files
from grafana.board import FLEET_UID, INSTANCE_UID
from grafana.promql import exported, selector
from prometheus.options import DEFAULTS
from prometheus.recording import recordings

from . import checks
from .reading import BOARDS, ROOT, dashboard, expressions, filled, named

ON_NO_BOARD = {
    "up": "Prometheus' own, used by the alerts",
    "greenapi_query_duration_seconds": "the histogram of calls says more",
    "greenapi_exporter_config_last_reload_success_timestamp_seconds": "whether it succeeded is shown",
    "greenapi_exporter_inflight_api_requests": "for debugging",
    "process_": "client_python's; memory and start are shown",
    "python_": "client_python's",
}
"""Exported series that no panel and no rule asks for, and why. A name that ends in _ stands for all that begin so."""


@pytest.mark.parametrize("name", sorted(files()))
def test_committed_json_is_what_the_program_writes(name: str) -> None:
    """`python -m grafana` (make dashboards) changes nothing."""
    assert (HERE / name).read_text(encoding="utf-8") == files()[name], "run `make dashboards` and commit the result"


@pytest.mark.parametrize("name", BOARDS)
def test_the_conventions_of_good_dashboards_hold(name: str) -> None:
    board = dashboard(name)
    assert [*checks.structure(board), *checks.links(board, {FLEET_UID, INSTANCE_UID})] == []


@pytest.mark.parametrize("name", BOARDS)
def test_every_query_asks_for_what_exists(name: str) -> None:
    assert list(checks.queries(dashboard(name))) == []


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("form", ["dashboards", "import"])
def test_grafanas_own_model_knows_every_key(name: str, form: str) -> None:
    """Read and written again by Grafana's SDK, no key is lost: a misspelt one would be."""
    board = dashboard(name, form)
    lost = set(_paths(board)) - set(_paths(_through_the_sdk(board)))
    assert sorted(path for path in lost if not path.startswith(("/__inputs", "/__requires"))) == []


def _through_the_sdk(board: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it would rather see Grafana 13's second schema
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
        from grafana_foundation_sdk.models.dashboard import Dashboard
    return json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(board)))


def _paths(value: Any, path: str = "") -> Iterator[str]:
    """Paths of all keys whose value says something."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if inner not in (None, "", [], {}):
                yield f"{path}/{key}"
                yield from _paths(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, path)


def test_every_exported_metric_is_shown_or_watched() -> None:
    """Each is on a dashboard, in a rule, or in the short list of those that need not be."""
    exprs = [filled(expr, {}) for name in BOARDS for _, expr in expressions(dashboard(name))]
    exprs += [rule.expr for rule in recordings(DEFAULTS)] + _alert_exprs()
    used = {s.name or "" for expr in exprs for s in named(expr.replace("${", "").replace("$", "")).selectors}
    families = {_family(name) for name in used}
    missing = {_family(name) for name in exported()} - families
    excused = {name for name in missing if any(name == o or (o[-1] == "_" and name.startswith(o)) for o in ON_NO_BOARD)}
    assert sorted(missing - excused) == []


def _family(name: str) -> str:
    for suffix in ("_bucket", "_count", "_sum"):
        if name.removesuffix(suffix) + "_bucket" in exported():
            return name.removesuffix(suffix)
    return name


def _alert_exprs() -> list[str]:
    loaded = yaml.safe_load((ROOT / "prometheus/rules/greenapi-alerts.yaml").read_text())
    return [rule["expr"] for group in loaded["groups"] for rule in group["rules"]]


def test_provisioned_files_hold_no_placeholder_of_an_import() -> None:
    """File provisioning would leave `${DS_...}` standing; the import form asks for it once."""
    for name in BOARDS:
        assert "__inputs" not in dashboard(name) and "${DS_" not in json.dumps(dashboard(name))
        imported = dashboard(name, "import")
        assert [asked["name"] for asked in imported["__inputs"]] == ["DS_PROMETHEUS"]
        assert imported["templating"]["list"][0]["current"]["value"] == "${DS_PROMETHEUS}"


def test_provisioned_data_source_knows_the_scrape_interval() -> None:
    """Else `$__rate_interval` is too short, and short ranges are empty."""
    path = ROOT / "grafana/provisioning/datasources/prometheus.yaml"
    (source,) = yaml.safe_load(path.read_text())["datasources"]
    scrape = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text())["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scrape == "60s"


@pytest.mark.parametrize(
    ("name", "labels", "complaint"),
    [
        ("greenapi_down", {}, "no metric greenapi_down"),
        ("greenapi_up", {"status": "read"}, "no label status"),
        ("greenapi_instance_state", {"state": "happy"}, "no state .'happy'"),
    ],
)
def test_a_word_that_does_not_exist_is_refused_while_writing(
    name: str, labels: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        selector(name, labels=labels)
