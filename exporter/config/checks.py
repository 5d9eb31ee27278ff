"""What only several keys together can tell: required keys, uniqueness, tariff against interval, misplaced tokens.

Sees what was found, complains at its place, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..model import Secret
from .complaints import Place, shown
from .fields import DEFAULT_MIN_INTERVAL, IDENTITY, PER_INSTANCE, TARIFFS_EXPLAINED
from .readers import Found
from .records import Tariff
from .units import MINUTE, duration_text

LAG = 2 * MINUTE
"""How late the journal may show a message. Source: GREEN-API's LastOutgoingMessages page."""
MAX_NAMED = 5
SHORTEST_TOKEN = 16
"""A shorter token is one of a test or a private gateway and may well be part of an honest name."""
_DEFAULTS = {field.key: field.default for field in (*IDENTITY, *PER_INSTANCE)}


@dataclass(frozen=True, slots=True)
class Draft:
    """One instance as found, with its token (and the token's file), over what the top of the file says for all."""

    found: Found
    token: tuple[Secret, str | None] | None
    top: Found

    def value(self, key: str) -> Any:
        """The instance's value, else the one for all instances, else the default."""
        return self.found.values.get(key, self.top.values.get(key, _DEFAULTS.get(key)))

    @property
    def min_interval(self) -> float:
        """The interval in force: one for all instances cannot make a developer account ask more often."""
        own: float | None = self.found.values.get("min_interval")
        tariff = self.value("tariff") or Tariff.BUSINESS
        usual = DEFAULT_MIN_INTERVAL[tariff]
        if own is not None:
            return own
        shared: float = self.top.values.get("min_interval", usual)
        return max(shared, usual) if tariff is Tariff.DEVELOPER else shared


def check(drafts: list[Draft], top: Found) -> None:
    """Complain about everything that is wrong with the instances as a whole."""
    if "instances" not in top.places:
        top.place_of("instances").complain("no instances; at least one with id and token is required")
    _tariffs(drafts, top)
    _unique(drafts, "id")
    _unique(drafts, "name")
    _names_and_ids(drafts)
    for draft in drafts:
        _required(draft)
        _developer(draft)
        _misplaced_token(draft)
    _short_windows(drafts, top)


def _required(draft: Draft) -> None:
    if "id" not in draft.found.places:
        draft.found.place_of("id").complain("is missing; the idInstance from the GREEN-API console is required")


def _tariffs(drafts: list[Draft], top: Found) -> None:
    without = [draft for draft in drafts if "tariff" not in draft.found.places]
    if "tariff" in top.places or (drafts and not without):
        return
    top.place_of("tariff").complain(
        f"is missing{_named(without)}; here for all instances, or in each: business or developer" + TARIFFS_EXPLAINED
    )


def _unique(drafts: list[Draft], key: str) -> None:
    first: dict[str, Place] = {}
    for value, place in _given(drafts, key):
        if value in first:
            place.complain(f"found {shown(value)}, which {first[value].path} is already; each {key} stands once")
        first.setdefault(value, place)


def _names_and_ids(drafts: list[Draft]) -> None:
    """A name that is another instance's id would make `/probe?target=` ambiguous."""
    ids = dict(_given(drafts, "id"))
    for draft in drafts:
        name = draft.found.values.get("name")
        if name in ids and name != draft.found.values.get("id"):
            draft.found.place_of("name").complain(f"found {shown(name)}, which is the id of another instance")


def _given(drafts: list[Draft], key: str) -> Iterator[tuple[str, Place]]:
    return ((d.found.values[key], d.found.place_of(key)) for d in drafts if key in d.found.values)


def _developer(draft: Draft) -> None:
    least = DEFAULT_MIN_INTERVAL[Tariff.DEVELOPER]
    own = draft.found.values.get("min_interval")
    if own is None or own >= least or draft.value("tariff") is not Tariff.DEVELOPER:
        return
    draft.found.place_of("min_interval").complain(
        f"found {duration_text(own)}; a developer account has 1,000 journal calls a month, one in 2,678 s, "
        f"so {duration_text(least)} or more is allowed; leave the key out, or name the tariff business"
    )


def _misplaced_token(draft: Draft) -> None:
    """A token in a name or a label would end up in every metric."""
    if draft.token is None or len(draft.token[0].reveal()) < SHORTEST_TOKEN:
        return
    values = draft.found.values
    texts = [("name", values.get("name")), ("api_url", values.get("api_url"))]
    texts += [("labels", part) for label in values.get("labels", ()) for part in label]
    for key, text in texts:
        if isinstance(text, str) and draft.token[0].reveal() in text:
            draft.found.place_of(key).complain("the token of this instance stands here; it would be shown to everybody")


def _short_windows(drafts: list[Draft], top: Found) -> None:
    """Warn once about instances whose answers cannot overlap: what is sent between them is never seen."""
    short = [d for d in drafts if d.value("window") < d.min_interval + LAG]
    if short:
        place = short[0].found.places.get("window") or top.place_of("window")
        place.warn(
            f"a window of {duration_text(short[0].value('window'))} does not reach back to the query before"
            f" (one in {duration_text(short[0].min_interval)}, and the journal lags 2m), so messages are missed"
            + _named(short)
        )


def _named(drafts: list[Draft]) -> str:
    """The instances meant, the first few of them by path."""
    paths = [draft.found.place.path for draft in drafts[:MAX_NAMED]]
    more = [f"{len(drafts) - MAX_NAMED} more"] if drafts[MAX_NAMED:] else []
    return f" ({', '.join(paths + more)})" if paths else ""
