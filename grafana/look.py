"""How statuses, states and severities look and read, the same on every panel.

Colours are Grafana's names, which follow the theme, or hexadecimal where Grafana has no name (grey).
"""

from __future__ import annotations

from collections.abc import Mapping

from exporter.model import ALL_STATUSES, STATES, UNSETTLED

Json = dict[str, object]

GREY = "#8c9099"
GREEN, YELLOW, ORANGE, RED = "green", "yellow", "orange", "red"
YELLOW_TEXT = "semi-dark-yellow"
"""Letters in plain yellow cannot be read on white; letters on the darker one cannot be read either."""

STATUS_COLOURS: Mapping[str, str] = {
    "pending": GREY,
    "sent": "blue",
    "delivered": "light-green",
    "read": "dark-green",
    "noAccount": "orange",
    "notInGroup": "purple",
    "failed": "red",
    "yellowCard": "yellow",
    "suspended": "dark-yellow",
    "noActiveSession": "dark-red",
    "none": "#c0c4cc",
    "other": "#b0a090",
    UNSETTLED: "#5a5e66",
}

STATE_LOOKS: Mapping[str, tuple[str, str]] = {
    "authorized": ("working", "green"),
    "notAuthorized": ("logged out", "dark-orange"),
    "blocked": ("blocked", "red"),
    "sleepMode": ("asleep", "light-blue"),
    "starting": ("starting", "blue"),
    "yellowCard": ("yellow card", "yellow"),
    "suspended": ("suspended", "dark-yellow"),
    "pendingCode": ("needs a code", "orange"),
    "pendingPassword": ("needs password", "light-orange"),
    "other": ("unknown", GREY),
}
"""The service's state -> what people read, and its colour."""

LOGGED_OUT = ("notAuthorized", "pendingCode", "pendingPassword")
MARKED = ("yellowCard", "suspended")
NOT_READY = ("starting", "sleepMode", "other")

if {*STATUS_COLOURS} != {*ALL_STATUSES, UNSETTLED} or {*STATE_LOOKS} != {*STATES}:
    raise ValueError("every status and every state must have its look, and no other")


def state_number(state: str) -> int:
    """A state as a number, for panels that draw numbers only."""
    return STATES.index(state)


def state_mappings() -> list[Json]:
    """The way back: number -> word and colour."""
    options = {
        str(state_number(state)): {"text": text, "color": colour, "index": state_number(state)}
        for state, (text, colour) in STATE_LOOKS.items()
    }
    return [{"type": "value", "options": options}]


def value_mapping(words: Mapping[str, tuple[str, str]]) -> list[Json]:
    """Value -> (text, colour) as Grafana's value mappings."""
    options = {
        value: {"text": text, "color": colour, "index": place}
        for place, (value, (text, colour)) in enumerate(words.items())
    }
    return [{"type": "value", "options": options}]


def thresholds(base: str, *steps: tuple[float, str]) -> Json:
    """`base` colour, and from each value on another one."""
    all_steps: list[Json] = [{"color": base, "value": None}]
    return {"mode": "absolute", "steps": all_steps + [{"color": colour, "value": value} for value, colour in steps]}


def override(name: str, **properties: object) -> Json:
    """Options of the field with that name. `__` in a property's name stands for a dot."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


def fixed(colour: str) -> Json:
    return {"mode": "fixed", "fixedColor": colour}


def status_overrides() -> list[Json]:
    """Series that are named after a status have its colour."""
    return [override(status, color=fixed(colour)) for status, colour in STATUS_COLOURS.items()]
