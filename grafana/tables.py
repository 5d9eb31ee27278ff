"""The two tables of the Fleet dashboard: what is firing, and the instances, worst first."""

from __future__ import annotations

from string import ascii_uppercase

from exporter.model import READ

from . import questions as ask
from .board import open_instance
from .look import GREEN, ORANGE, RED, YELLOW_TEXT, Json, override, state_mappings, thresholds, value_mapping
from .panels import Panel, Query, table
from .promql import mirrored

SHARE_STEPS = thresholds(GREEN, (0.05, YELLOW_TEXT), (0.10, ORANGE), (0.25, RED))


def firing() -> Panel:
    """Placed beside two lines of tiles, hence their height."""
    lasting = (
        'time() - ALERTS_FOR_STATE{alertname=~"GreenApi.+"} '
        'and ignoring (alertstate) ALERTS{alertname=~"GreenApi.+",alertstate="firing"}'
    )
    labelled = f'label_replace({lasting}, "alert", "$1", "alertname", "GreenApi(.+)")'
    for place, severity in enumerate(("critical", "warning", "info")):
        labelled = f'label_replace({labelled}, "order", "{place}", "severity", "{severity}")'
    severities = {"critical": ("page", RED), "warning": ("ticket", ORANGE), "info": ("info", "blue")}
    return table(
        "What is firing",
        "Alerts that fire now, the gravest first: a page wakes somebody, a ticket is for the working day. "
        "docs/runbooks.md says what each means and what to do.",
        Query(labelled, instant=True, form="table"),
        [
            {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "order", "desc": False}]}},
            {"id": "filterFieldsByName", "options": {"include": {"names": ["severity", "alert", "name", "Value"]}}},
            {"id": "organize", "options": {
                "indexByName": {"severity": 0, "alert": 1, "name": 2, "Value": 3},
                "renameByName": {"severity": "As", "alert": "Alert", "name": "Instance", "Value": "For"},
            }},
        ],
        overrides=[
            override("As", mappings=value_mapping(severities), custom__width=60,
                     custom__cellOptions={"type": "color-text"}),
            override("For", unit="s", decimals=0, custom__width=75),
            override("Alert", unit="string"),
            override("Instance", unit="string", links=[open_instance("__value.text")]),
        ],
        width=8, height=8,
    )  # fmt: skip


def worst_first() -> Panel:
    columns = {
        "State": ask.state_numbers(),
        "Sent": ask.increase(mirrored("outgoing_messages_total"), "$__range", ask.EACH),
        "Delivered": ask.with_statuses(ask.now_share(ask.ARRIVED, ask.EACH)),
        "Read": ask.with_statuses(ask.now_share("read", ask.EACH)),
        "noAccount": ask.no_account("$__range", ask.EACH),
        "Failed": ask.reached(ask.BAD, "$__range", ask.EACH),
        "In queue": ask.oldest_pending(ask.EACH),
        "Read after": ask.quantile(0.5, READ, "$__range", ask.EACH, least=1),
        "429": ask.rate_limited("$__range", ask.EACH),
        "Data age": ask.data_age(ask.EACH),
    }
    values = {f"Value #{letter}": title for letter, title in zip(ascii_uppercase, columns, strict=False)}
    titles = {"name": "Instance", "id_instance": "Id"} | values
    worst = f"Value #{ascii_uppercase[len(columns)]}"
    coloured = {"type": "color-background", "mode": "basic"}
    text = {"type": "color-text"}
    return table(
        "Instances, worst first",
        "Over the chosen time, except Delivered and Read: these are present shares of the messages that the last "
        "answer shows, and empty where the instance's statuses are switched off. Failed includes yellow cards; In "
        "queue is the oldest message that waits; Read after is the median; 429 is the share of calls refused as too "
        "frequent. Click a name for its own page.",
        [Query(expr, instant=True, form="table") for expr in (*columns.values(), ask.badness())],
        [
            {"id": "merge", "options": {}},
            {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": worst, "desc": True}]}},
            {"id": "organize", "options": {
                "excludeByName": {"Time": True, worst: True},
                "indexByName": {name: place for place, name in enumerate(titles)},
                "renameByName": titles,
            }},
        ],
        overrides=[
            override("Instance", unit="string", links=[open_instance("__value.text")], custom__minWidth=150),
            override("Id", unit="string", custom__width=105),
            override("State", mappings=state_mappings(), custom__cellOptions=coloured, custom__width=115),
            override("Sent", unit="locale", decimals=0, custom__width=75),
            override("Delivered", unit="percentunit", decimals=0, custom__width=85),
            override("Read", unit="percentunit", decimals=0, custom__width=65),
            _share_column("noAccount", SHARE_STEPS, 95),
            _share_column("Failed", SHARE_STEPS, 75),
            override("In queue", unit="s", decimals=0, custom__cellOptions=text,
                     thresholds=thresholds(GREEN, (900, YELLOW_TEXT), (72000, RED)),
                     mappings=value_mapping({"0": ("none", GREEN)}), custom__width=90),
            override("Read after", unit="s", decimals=0, custom__width=95),
            _share_column("429", thresholds(GREEN, (0.05, YELLOW_TEXT)), 70),
            override("Data age", unit="s", decimals=0, custom__width=85),
        ],
        height=8, none="–",
    )  # fmt: skip


def _share_column(title: str, steps: Json, width: int) -> Json:
    return override(title, unit="percentunit", decimals=1, thresholds=steps, custom__cellOptions={"type": "color-text"},
                    custom__width=width)  # fmt: skip
