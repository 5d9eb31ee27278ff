"""The checks themselves: one word changed in a copy of a dashboard or a rule must be noticed."""

from __future__ import annotations

import json

import pytest
import yaml

from grafana.board import FLEET_UID, INSTANCE_UID

from . import checks
from .reading import BOARDS, ROOT, dashboard

CHANGES = {
    "a metric is renamed": ("greenapi_outgoing_messages_reached_total", "greenapi_messages_reached_total"),
    "a histogram is renamed": ("read_latency_seconds_bucket", "reading_latency_seconds_bucket"),
    "a label is renamed": ("message_type", "type"),
    "a label to join by is renamed": ("on (id_instance, name)", "on (instance_id, name)"),
    "a status is misspelt": ('status=\\"noAccount\\"', 'status=\\"no_account\\"'),
    "one status of several is misspelt": ("delivered|read", "delivered|seen"),
    "a state is misspelt": ("notAuthorized", "unauthorized"),
    "a setting is misspelt": ("outgoingWebhook", "outgoingWebHook"),
    "an outcome is misspelt": ("rate_limited", "ratelimited"),
    "a bucket's bound is written as a whole number": ('le=\\"3600.0\\"', 'le=\\"3600\\"'),
    "a variable is renamed where it is used": ("${name:regex}", "${names:regex}"),
    "a variable is renamed where it is defined": ('"name": "instance"', '"name": "target"'),
    "the matcher of a variable is lost": ('instance=~\\"$instance\\",', ""),
    "a rate has a range of its own": ("[$__rate_interval]", "[5m]"),
    "a counter is shown as it is": ("increase(greenapi_unknown_values_total", "abs(greenapi_unknown_values_total"),
    "a bracket is lost": ("[$__range]))", "[$__range])"),
    "a unit is lost": ('"unit": "percentunit"', '"unit": ""'),
    "a data source is named": ('"uid": "${datasource}"', '"uid": "prometheus"'),
    "a description is lost": ('"description": "Messages', '"description": "", "was": "Messages'),
    "the other dashboard moves": (f"/d/{INSTANCE_UID}?", "/d/greenapi-one?"),
    "a panel moves over another": ('"x": 12', '"x": 11'),
    "people may edit what is provisioned": ('"editable": false', '"editable": true'),
}
"""What happens -> a text of the JSON file, and what it becomes."""


def _complaints(text: str) -> list[str]:
    board = json.loads(text)
    return [*checks.structure(board), *checks.queries(board), *checks.links(board, {FLEET_UID, INSTANCE_UID})]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_a_dashboard_is_noticed(change: str) -> None:
    old, new = CHANGES[change]
    texts = [json.dumps(dashboard(name), indent=2, ensure_ascii=False) for name in BOARDS]
    changed = [text.replace(old, new) for text in texts if old in text]
    assert changed, "the change changes nothing: mend this test"
    assert all(_complaints(text) for text in changed)


WORDS_OF_RULES = ["greenapi_up", "_reached_total", "noAccount", "notAuthorized", "message_type", "over_6h"]


@pytest.mark.parametrize("old", WORDS_OF_RULES)
def test_a_change_of_a_rule_is_noticed(old: str) -> None:
    texts = [path.read_text() for path in (ROOT / "prometheus/rules").glob("*.yaml")]
    changed = [text.replace(old, f"{old}x") for text in texts if old in text]
    assert changed, "the change changes nothing: mend this test"
    for text in changed:
        rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
        assert any(complaint for rule in rules for complaint in checks.promql(rule["expr"]))
