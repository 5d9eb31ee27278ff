"""`/probe?debug=true`: one probe told in words. What was asked, what came back, how each number came about.

Shows what the metrics show and nothing else: no token, no chat, no message. Asks through the fleet, like any scrape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from . import __version__
from .catalog import CATALOG
from .config import Config
from .fleet import Fleet
from .instance import Face, Instance
from .metric import Kind, Metric
from .model import Call, Meaning, Method
from .words import moment, span

_ORIGINS = (
    ("greenapi_outgoing_window_", f"the last good {Method.MESSAGES} answer"),
    ("greenapi_outgoing_waiting_", f"the last good {Method.MESSAGES} answer"),
    ("greenapi_outgoing_oldest_", f"the last good {Method.MESSAGES} answer"),
    ("greenapi_outgoing_timestamp_", "the answers so far, or the configuration"),
    ("greenapi_outgoing_", "all answers since the first one, as last committed to the state file"),
    ("greenapi_unknown_", "all answers since the first one, as last committed to the state file"),
    ("greenapi_instance_state", f"the last good {Method.STATE} answer"),
    ("greenapi_instance_setting", f"the last good {Method.SETTINGS} answer"),
    ("greenapi_instance_info", f"the configuration, and {Method.SETTINGS}"),
    ("greenapi_", "the exporter's own calls"),
)
"""Where the numbers of a metric come from; the first beginning of its name that fits counts."""

_MEANINGS = {
    Meaning.AUTO: "undecided so far",
    Meaning.SENT: "when the message was sent",
    Meaning.LAST_ACTION: "the last action on the message",
}


async def told(fleet: Fleet, instance: Instance, patience: float, config: Config, now: float) -> str:
    """Probe the instance as a scraper that waits `patience` seconds would, and tell of it. `now` in Unix seconds."""
    last, before = dict(instance.last), instance.face(now)
    seen = await fleet.scrape(patience, only=instance)
    if not seen.faces:
        return "the instance was removed from the configuration meanwhile\n"
    face = seen.faces[0]
    asked = {method: _asking(fleet, instance, method, last, face, now) for method in _in_use(face)}
    lines = [
        f"greenapi-exporter {__version__}: a probe of {face.name} (id {face.id}) at {moment(now)}",
        *("", "ASKED", ""),
        *(line for method, outcome in asked.items() for line in _question(instance, method, config, outcome)),
        *("", "CAME BACK", ""),
        *_came_back(instance, face),
        *("", "THE NUMBERS (in brackets: the change since this probe began)", ""),
        *(line for metric in CATALOG for line in _numbers(metric, before, face)),
    ]
    return "\n".join(lines) + "\n"


def _in_use(face: Face) -> list[Method]:
    called = {method for method, _ in face.requests}
    return [method for method in Method if method in called]


def _question(instance: Instance, method: Method, config: Config, outcome: str) -> Iterator[str]:
    minutes = f"?minutes={instance.minutes}" if method is Method.MESSAGES else ""
    intervals = {
        Method.MESSAGES: instance.config.min_interval,
        Method.STATE: config.state_interval,
        Method.SETTINGS: config.settings_interval,
    }
    yield f"  {method}: at most once in {span(intervals[method])}"
    yield f"    GET {instance.config.api_url}/waInstance{instance.id}/{method}/<token>{minutes}"
    yield f"    {outcome}"


def _asking(
    fleet: Fleet, instance: Instance, method: Method, before: Mapping[Method, Call], face: Face, now: float
) -> str:
    """Whether this probe asked, and what it can say about the last answer."""
    call = instance.last.get(method)
    until = None if face.pauses is None else face.pauses.get((method.value,))
    if fleet.is_asking(instance, method):
        return "asked, no answer yet; it serves the next scrape"
    if call is not None and call is not before.get(method):
        return f"asked by this probe: {_answer(call)}"
    if until is not None:
        return f"not asked, paused until {moment(until)}{_last(call, now)}"
    return f"not asked, not due yet{_last(call, now)}"


def _last(call: Call | None, now: float) -> str:
    return "" if call is None else f"; the last answer, {span(now - call.started)} ago: {_answer(call)}"


def _answer(call: Call) -> str:
    status = "" if call.status is None else f"HTTP {call.status}, "
    detail = f" ({call.detail})" if call.detail else ""
    return f"{call.outcome}{detail}; {status}{call.size:,} bytes in {call.finished - call.started:.3f} s"


def _came_back(instance: Instance, face: Face) -> Iterator[str]:
    window = face.window
    if window is None:
        yield "  journal: no answer yet, or none for so long that its numbers are not shown any more"
    else:
        rejected = ", ".join(f"{reason} {number}" for (reason,), number in window.rejected.items() if number)
        cut = "; the service's row limit cut it" if window.truncated else ""
        yield f"  journal: {sum(window.counts.values()):,} usable rows; not usable: {rejected or 'none'}"
        yield f"  span: {span(window.asked)} asked for, {span(window.covered)} covered{cut}"
    yield f"  known messages: {len(instance.account):,}"
    yield f"  timestamps mean: {_MEANINGS[face.meaning]}"
    if face.clock_offset is not None:
        used = f"corrected by {instance.clock.correction:+.1f} s" if instance.clock.correction else "not corrected"
        yield f"  the service's clock minus ours: {face.clock_offset:+.1f} s; our times are {used}"


def _numbers(metric: Metric[Face], before: Face, after: Face) -> Iterator[str]:
    told = metric.source(after)
    if told is None:
        return
    samples, earlier = _flat(metric, told), _flat(metric, metric.source(before))
    shown = {labels: value for labels, value in samples.items() if value or earlier.get(labels) != value}
    yield f"  {metric.name}"
    yield f"    from {next(origin for start, origin in _ORIGINS if metric.name.startswith(start))}"
    yield f"    {metric.help}"
    for labels, value in shown.items():
        change = value - earlier.get(labels, 0.0)
        bracket = f" ({change:+,.10g})" if change and metric.kind in (Kind.COUNTER, Kind.HISTOGRAM) else ""
        yield f"      {labels + ' ' if labels else ''}{value:,.10g}{bracket}"
    if zeros := len(samples) - len(shown):
        yield f"      {zeros} {'series' if shown else 'series, all'} at 0"
    yield ""


def _flat(metric: Metric[Face], told: object) -> dict[str, float]:
    """Label text -> number; a histogram is its count and its sum."""
    flat: dict[str, float] = {}
    for labels, value in metric.series(told).items() if told is not None else ():
        pairs = labels if metric.kind is Kind.INFO else zip(metric.labels, labels, strict=True)
        text = " ".join(f"{name}={label}" for name, label in pairs)
        if metric.kind is Kind.HISTOGRAM:
            flat |= {f"{text} count".lstrip(): sum(value.counts), f"{text} sum of seconds".lstrip(): value.sum}
        else:
            flat[text] = float(value)
    return flat
