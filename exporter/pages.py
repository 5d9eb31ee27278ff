"""The landing page: plain HTML with a little style, no script. Instances in, text out; asks nothing.

Every text is escaped. The links are relative, so that the page works behind a proxy that puts a path before ours.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from urllib.parse import quote

from . import __version__
from .instance import Face, Instance
from .model import Method
from .words import moment, span

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: #666; --good: #1a7f37; --bad: #c62828; --idle: #777 }
@media (prefers-color-scheme: dark) { :root { --quiet: #aaa; --good: #5fd17c; --bad: #ff8a80; --idle: #999 } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.5rem; margin: 0 } small, .quiet { color: var(--quiet); font-size: .875rem; font-weight: normal }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .75rem 0 1.25rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line) }
td:first-child { overflow-wrap: anywhere; min-width: 8rem } td:last-child, [data-label=asked] { white-space: nowrap }
.good::before, .bad::before, .idle::before { content: "\\25CF\\00A0" }
.good::before { color: var(--good) } .bad::before { color: var(--bad) } .idle::before { color: var(--idle) }
form { margin: 1.5rem 0; display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center }
input, button { font: inherit; padding: .25rem .5rem } input[type=text] { flex: 0 1 16rem; min-width: 8rem }
@media (max-width: 40rem) {
  thead { display: none } tr, td { display: block } td { border: 0; padding: 0; overflow-wrap: anywhere }
  tr { border-bottom: 1px solid var(--line); padding: .75rem 0 }
  td[data-label]:not(:empty)::before { content: attr(data-label) ": "; color: var(--quiet); font-size: .875rem }
}
"""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
)
"""Nothing but our own style is let in, so that a text that slipped through unescaped could do nothing."""

_LINKS = (
    ("metrics", "Metrics"),
    ("metrics/self", "The exporter's own metrics"),
    ("sd", "Service discovery"),
    ("config", "Configuration"),
    ("-/healthy", "Health"),
    ("-/ready", "Readiness"),
)
_MOST_SUGGESTED = 500
"""Names that the form offers to choose from."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One instance on the page. `sign`: bad, idle (not asked yet) or good."""

    sign: str
    id: str
    name: str
    state: str
    result: str
    asked: str
    paused: str


def landing(instances: Sequence[Instance], now: float) -> str:
    """The page; those that fail stand first. `now` in Unix seconds."""
    lines = sorted((_line(instance, now) for instance in instances), key=lambda line: _ORDER.index(line.sign))
    return _PAGE.format(
        style=_STYLE, version=escape(__version__), summary=_summary(lines),
        links="".join(f'<a href="{path}">{escape(text)}</a>' for path, text in _LINKS),
        rows="".join(map(_row, lines)),
        names="".join(f'<option value="{escape(line.name)}">' for line in lines[:_MOST_SUGGESTED]),
    )  # fmt: skip


_SIGNS = {"bad": "failing", "idle": "not asked yet", "good": "ok"}
"""Sign -> how the summary says it, in the order of the page."""
_ORDER = tuple(_SIGNS)


def _line(instance: Instance, now: float) -> _Line:
    face, call = instance.face(now), instance.last.get(Method.MESSAGES)
    if call is None:
        sign, result, asked = "idle", "not asked yet", ""
    else:
        rows = "" if face.window is None else f", {sum(face.window.counts.values()):,} rows"
        sign, result = ("good", f"ok{rows}") if call.ok else ("bad", f"{call.outcome}: {call.detail}")
        asked = f"{span(now - call.started)} ago"
    return _Line(sign, face.id, face.name, face.state or "", result, asked, _paused(face))


def _paused(face: Face) -> str:
    """Until when: once if it is the same for every method in use, else by method."""
    ends = {method: moment(until) for (method,), until in (face.pauses or {}).items()}
    if len(set(ends.values())) == 1 and len(ends) == len({method for method, _ in face.requests}):
        return f"until {next(iter(ends.values()))}"
    return ", ".join(f"{method} until {end}" for method, end in ends.items())


def _summary(lines: Sequence[_Line]) -> str:
    counts = Counter(line.sign for line in lines)
    parts = [f"{counts[sign]:,} {word}" for sign, word in _SIGNS.items() if counts[sign]]
    return f"{len(lines):,} instance{'s' if len(lines) != 1 else ''}: {', '.join(parts)}"


def _row(line: _Line) -> str:
    target = f"probe?target={quote(line.id, safe='')}"
    name = escape(line.name) + ("" if line.name == line.id else f' <span class="quiet">{escape(line.id)}</span>')
    cells = (("account", line.state), ("asked", line.asked), ("paused", line.paused))
    return (
        f'<tr><td><strong>{name}</strong></td><td class="{line.sign}">{escape(line.result)}</td>'
        + "".join(f'<td data-label="{label}">{escape(text)}</td>' for label, text in cells)
        + f'<td><a href="{target}">probe</a> <a href="{target}&amp;debug=true">in words</a></td></tr>\n'
    )


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>greenapi-exporter</title>
<style>{style}</style>
</head>
<body>
<h1>greenapi-exporter <small>{version}</small></h1>
<div>{summary}</div>
<nav>{links}</nav>
<table>
<thead><tr><th>Instance</th><th>Last query</th><th>Account</th><th>Asked</th><th>Paused</th><th></th></tr></thead>
<tbody>
{rows}</tbody>
</table>
<form action="probe">
<label for="target">Probe</label>
<input type="text" id="target" name="target" list="names" placeholder="id or name" required>
<datalist id="names">{names}</datalist>
<label><input type="checkbox" name="debug" value="true" checked> in words</label>
<button>Ask</button>
</form>
<div class="quiet">Opening this page asks the service nothing; a scrape or a probe asks what is due.</div>
</body>
</html>
"""
