"""PromQL selectors that cannot name what does not exist: metric, labels and label values are looked up.

Owns what is known of the exported series, from the catalog and the exporter's own registry, for the dashboards, the
rules and their tests. A wrong word is a `ValueError` while the JSON is being written, not an empty panel.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from exporter.catalog import CATALOG
from exporter.ledger.totals import BUCKETS
from exporter.ledger.vocabulary import FIELDS
from exporter.ledger.window import AGES, CHAT_TYPES
from exporter.metric import Kind
from exporter.model import (
    ALL_MESSAGE_TYPES,
    ALL_STATUSES,
    DELIVERY,
    MESSENGERS,
    ORIGINS,
    READ,
    REJECTIONS,
    SETTINGS,
    STAGES,
    STATES,
    UNSETTLED,
    Method,
    Outcome,
)
from exporter.telemetry import Telemetry

PREFIX = "greenapi_"
PER_INSTANCE = ("id_instance", "name")
TARGET = ("job", "instance")
HISTOGRAM_SUFFIXES = ("_bucket", "_count", "_sum")

VOCABULARY: Mapping[str, frozenset[str]] = {
    "status": frozenset((*ALL_STATUSES, UNSETTLED)),
    "state": frozenset(STATES),
    "setting": frozenset(SETTINGS),
    "message_type": frozenset(ALL_MESSAGE_TYPES),
    "origin": frozenset(ORIGINS),
    "method": frozenset(Method),
    "outcome": frozenset(Outcome),
    "stage": frozenset(STAGES),
    "age": frozenset(AGES),
    "chat_type": frozenset(CHAT_TYPES),
    "reason": frozenset(REJECTIONS),
    "field": frozenset(FIELDS),
    "messenger": frozenset(MESSENGERS),
    "le": frozenset({*map(str, (*BUCKETS[DELIVERY], *BUCKETS[READ])), "+Inf"}),
}
"""The values of each label whose values are known beforehand."""


@cache
def exported() -> Mapping[str, frozenset[str]]:
    """Every sample name of the exporter -> its labels, those that Prometheus adds included."""
    names: dict[str, frozenset[str]] = {"up": frozenset((*TARGET, "name"))}
    for metric in CATALOG:
        labels = frozenset((*TARGET, *PER_INSTANCE, *metric.labels))
        if metric.kind is Kind.HISTOGRAM:
            names |= {metric.name + suffix: labels for suffix in HISTOGRAM_SUFFIXES}
            names[f"{metric.name}_bucket"] |= {"le"}
        else:
            names[metric.name] = labels
    for family in Telemetry().registry.collect():
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                names[sample.name] = names.get(sample.name, frozenset(TARGET)) | frozenset(sample.labels)
    return names


CHOSEN = {"job": "~$job", "instance": "~$instance"}
"""Matchers by the variables of the dashboards."""


def mirrored(name: str, **labels: str | tuple[str, ...]) -> str:
    """A selector of a mirrored metric for the chosen instances; several values of a label are alternatives."""
    return selector(PREFIX + name, {**CHOSEN, "name": "~${name:regex}"}, labels)


def of_all(name: str, **labels: str | tuple[str, ...]) -> str:
    """A selector of a mirrored metric for all instances, whichever is chosen."""
    return selector(PREFIX + name, CHOSEN, labels)


def own(name: str, **labels: str | tuple[str, ...]) -> str:
    """A selector of one of the exporter's own metrics (whole name: some are client_python's)."""
    return selector(name, CHOSEN, labels)


def selector(
    name: str, fixed: Mapping[str, str] | None = None, labels: Mapping[str, str | tuple[str, ...]] | None = None
) -> str:
    """`name{...}`. Values of `fixed` may begin with `~` for a regular expression, and are not looked up."""
    known = exported().get(name)
    if known is None:
        raise ValueError(f"the exporter has no metric {name}")
    matchers = [_matcher(label, value) for label, value in (fixed or {}).items()]
    for label, value in (labels or {}).items():
        values = (value,) if isinstance(value, str) else value
        if label not in known:
            raise ValueError(f"{name} has no label {label}, but {sorted(known)}")
        if strange := [word for word in values if word not in VOCABULARY.get(label, values)]:
            raise ValueError(f"{name} has no {label} {strange}")
        matchers.append(_matcher(label, values[0] if len(values) == 1 else "~" + "|".join(values)))
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def _matcher(label: str, value: str) -> str:
    """Names of instances may hold quotes, backslashes and more: between backquotes only a backquote is special."""
    quote = "`" if "${" in value else '"'
    return f"{label}=~{quote}{value[1:]}{quote}" if value.startswith("~") else f'{label}="{value}"'
