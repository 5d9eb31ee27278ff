"""The committed rules: as written by the program, accepted by promtool, about series that exist, each documented."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from prometheus.__main__ import HERE
from prometheus.alerts import alerts
from prometheus.files import files
from prometheus.options import DEFAULTS, Options

from ..tools import require_tool
from . import checks
from .reading import BOARDS, ROOT, dashboard

RULES = sorted((HERE / "rules").glob("*.yaml"))
CASES = sorted((HERE / "tests").glob("*.yaml"))
ALERTS = [alert for group in alerts(DEFAULTS).values() for alert in group]


def _rules() -> Iterator[dict[str, Any]]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


@pytest.mark.parametrize("name", sorted(files(DEFAULTS)))
def test_committed_rules_are_what_the_program_writes(name: str) -> None:
    """`python -m prometheus` (make dashboards) changes nothing."""
    assert (HERE / "rules" / name).read_text(encoding="utf-8") == files(DEFAULTS)[name]


@pytest.mark.parametrize("rule", list(_rules()), ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_rule_asks_for_what_exists(rule: dict[str, Any]) -> None:
    assert list(checks.promql(rule["expr"])) == []


def test_promtool_finds_nothing_to_say_of_the_rules() -> None:
    _promtool("check", "rules", "--lint=all", "--lint-fatal", *map(str, RULES))


def test_promtool_accepts_the_example_configuration() -> None:
    _promtool("check", "config", str(HERE / "prometheus.yml"))


def test_amtool_accepts_the_example_alertmanager_configuration() -> None:
    _run(require_tool("amtool"), "check-config", str(HERE / "alertmanager.yml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_rules_do_in_promtool_what_their_cases_say(path: Any) -> None:
    _promtool("test", "rules", str(path))


@pytest.mark.parametrize("alert", [alert.name for alert in ALERTS])
def test_every_alert_has_a_case_that_fires_one_that_resolves_and_a_look_alike(alert: str) -> None:
    names = [case["name"] for path in CASES for case in yaml.safe_load(path.read_text())["tests"]]
    for kind in ("fires", "resolves", "stays silent"):
        assert any(re.match(rf"{alert}\b.*\b{kind}\b", name) for name in names), f"no case in which {alert} {kind}"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_tells_people_what_they_need(alert: Any) -> None:
    """A summary without template, a description with one, a runbook section that exists, a dashboard that exists."""
    (rule,) = [rule for rule in _rules() if rule.get("alert") == alert.name]
    notes = rule["annotations"]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert "{{" not in notes["summary"] and "{{" in notes["description"]
    page, _, anchor = notes["runbook_url"].partition("#")
    assert page.endswith("/docs/runbooks.md") and anchor in _headings((ROOT / "docs/runbooks.md").read_text())
    assert any(f"/d/{dashboard(name)['uid']}" in notes["dashboard_url"] for name in BOARDS)


def test_every_section_of_the_runbooks_is_about_an_alert_and_answers_the_four_questions() -> None:
    text = (ROOT / "docs/runbooks.md").read_text()
    sections = dict(re.findall(r"^## (GreenApi\w+)\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    assert sections.keys() == {alert.name for alert in ALERTS}
    for name, section in sections.items():
        for question in ("For your customers", "Look at", "Do", "False alarm"):
            assert f"**{question}**" in section, f"{name} does not say: {question}"


def _headings(markdown: str) -> set[str]:
    """Anchors of a page as code hosts make them."""
    return {re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-") for line in markdown.splitlines()
            if line.startswith("#")}  # fmt: skip


def test_job_thresholds_and_addresses_are_options() -> None:
    text = files(
        Options(job="green", stuck=1234, dashboards_url="https://graphs.test", runbooks_url="https://books.test/r.md")
    )["greenapi-alerts.yaml"]
    for part in ('up{job="green"}', "> 1234", "https://graphs.test/d/", "https://books.test/r.md#"):
        assert part in text
    assert "localhost:3000" not in text


def _promtool(*arguments: str) -> None:
    _run(require_tool("promtool"), *arguments)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
