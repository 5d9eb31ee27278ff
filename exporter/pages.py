"""The pages for people: plain HTML, no script. Turns instances into text; asks nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from . import __version__
from .instance import Instance
from .model import Method


def landing(instances: Sequence[Instance]) -> str:
    rows = "".join(
        f"<tr><td>{escape(instance.config.name)}</td><td>{escape(instance.id)}</td><td>{_last(instance)}</td></tr>"
        for instance in instances
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>greenapi-exporter</title>"
        f"<h1>greenapi-exporter {__version__}</h1><p><a href=/metrics>Metrics</a></p>"
        f"<table><tr><th>name<th>id<th>last result</tr>{rows}</table></html>"
    )


def _last(instance: Instance) -> str:
    call = instance.last.get(Method.MESSAGES)
    if call is None:
        return "not asked yet"
    return "ok" if call.ok else f"{escape(call.outcome)}: {escape(call.detail)}"
