"""Content negotiation: each client gets the best form that it asked for, and nobody can break it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.accept import Format, accepts_gzip, negotiate

TEXT_0_0_4 = Format("text/plain; version=0.0.4; charset=utf-8", openmetrics=False)
TEXT_1_0_0 = Format("text/plain; version=1.0.0; charset=utf-8", openmetrics=False)
OPENMETRICS = Format("application/openmetrics-text; version=1.0.0; charset=utf-8", openmetrics=True)


def escaped(form: Format, scheme: str) -> Format:
    return Format(f"{form.content_type}; escaping={scheme}", form.openmetrics)


PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_2_5 = "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

CASES = {
    "no header gets plain text": (None, TEXT_0_0_4),
    "an empty header gets plain text": ("", TEXT_0_0_4),
    "curl gets plain text": ("*/*", TEXT_0_0_4),
    "a browser gets plain text": (BROWSER, TEXT_0_0_4),
    "Prometheus 2 gets OpenMetrics": (PROMETHEUS_2, OPENMETRICS),
    "a Prometheus that knows only the draft of OpenMetrics gets plain text": (PROMETHEUS_2_5, TEXT_0_0_4),
    "Prometheus 3 gets OpenMetrics with its escaping": (PROMETHEUS_3, escaped(OPENMETRICS, "allow-utf-8")),
    "protobuf first, then what we have": (f"{PROTOBUF};q=0.7,{PROMETHEUS_3}", escaped(OPENMETRICS, "allow-utf-8")),
    "protobuf alone gets plain text": (PROTOBUF, TEXT_0_0_4),
    "OpenMetrics of any version": ("application/openmetrics-text", OPENMETRICS),
    "plain text of any version is the older one": ("text/plain", TEXT_0_0_4),
    "plain text 1.0.0": ("text/plain;version=1.0.0", TEXT_1_0_0),
    "the higher quality wins, not the first": ("application/openmetrics-text;q=0.3,text/plain;q=0.9", TEXT_0_0_4),
    "of equal qualities the first wins": ("application/openmetrics-text, text/plain", OPENMETRICS),
    "of equal qualities the first wins, the other way round": ("text/plain, application/openmetrics-text", TEXT_0_0_4),
    "a named form goes before a wildcard": ("*/*, application/openmetrics-text", OPENMETRICS),
    "quality 0 is a refusal": ("application/openmetrics-text;q=0, text/plain;version=1.0.0;q=0.1", TEXT_1_0_0),
    "a refused form is not brought in by a wildcard": ("text/plain;q=0, */*;q=0.5", OPENMETRICS),
    "a version is more specific than its type": (
        "text/plain;q=0.9,text/plain;version=0.0.4;q=0.1", TEXT_1_0_0,
    ),
    "all of a type": ("text/*;q=0.5", TEXT_0_0_4),
    "all of the other type": ("application/*;q=0.5, text/*;q=0.4", OPENMETRICS),
    "a version we do not have is not matched": ("application/openmetrics-text;version=2.0.0", TEXT_0_0_4),
    "the next best is": ("application/openmetrics-text;version=2.0.0,text/plain;version=1.0.0;q=0.1", TEXT_1_0_0),
    "a quoted version": ('application/openmetrics-text; version="1.0.0"', OPENMETRICS),
    "any case and any spaces": ("  Application/OpenMetrics-Text ; VERSION = 1.0.0 ; Q = 0.5 ", OPENMETRICS),
    "another charset is not looked at": ("text/plain;version=1.0.0;charset=latin-1", TEXT_1_0_0),
    "plain text 1.0.0 echoes the escaping": (
        "text/plain;version=1.0.0;escaping=underscores", escaped(TEXT_1_0_0, "underscores"),
    ),
    "0.0.4 knows no escaping": ("text/plain;version=0.0.4;escaping=dots", TEXT_0_0_4),
    "an unknown escaping is not echoed": ("application/openmetrics-text;escaping=evil\r\nX: y", OPENMETRICS),
    "a quality that is no number counts as 1": ("application/openmetrics-text;q=high,text/plain;q=0.9", OPENMETRICS),
    "a quality above 1 counts as 1": ("text/plain, application/openmetrics-text;q=7", TEXT_0_0_4),
    "not a number at all counts as 1": ("application/openmetrics-text;q=nan,text/plain;q=0.9", OPENMETRICS),
    "nothing acceptable gets plain text": ("image/png, */*;q=0", TEXT_0_0_4),
    "rubbish gets plain text": (";;;,=,/,*,q=1;;", TEXT_0_0_4),
}  # fmt: skip


@pytest.mark.parametrize(("accept", "form"), CASES.values(), ids=CASES.keys())
def test_the_form_of_an_answer(accept: str | None, form: Format) -> None:
    assert negotiate(accept) == form


@given(st.text(st.sampled_from("aptex/lin*;,=q.01 \"'\\") | st.characters(max_codepoint=255)))
def test_no_header_is_an_error(header: str) -> None:
    """Whatever is sent, an answer is chosen, and nothing of the header but a known scheme is echoed."""
    assert negotiate(header) in (TEXT_0_0_4, TEXT_1_0_0, OPENMETRICS)
    assert accepts_gzip(header) in (True, False)


@pytest.mark.parametrize("filler", ["x" * 5000, "x," * 70], ids=["long", "of many elements"])
def test_only_the_beginning_of_a_huge_header_is_looked_at(filler: str) -> None:
    """So that its length costs nothing: what stands behind is not seen."""
    assert negotiate(f"{filler},application/openmetrics-text") == TEXT_0_0_4
    assert not accepts_gzip(f"{filler},gzip")


def test_an_element_cut_by_the_limit_is_passed_over() -> None:
    """Half an element may say something else than the whole."""
    assert negotiate("x" * 4070 + ",application/openmetrics-text;q=0") == TEXT_0_0_4


GZIP = {
    "no header means no compression": (None, False),
    "an empty header means none": ("", False),
    "gzip": ("gzip", True),
    "gzip among others": ("deflate, gzip;q=0.8, br", True),
    "the old name": ("x-gzip", True),
    "any case": (" GZip ; Q=1.000", True),
    "refused": ("gzip;q=0", False),
    "refused with decimals": ("gzip;q=0.000, *", False),
    "covered by the wildcard": ("br, *;q=0.1", True),
    "the wildcard refused": ("br, *;q=0", False),
    "only others": ("br, zstd, identity", False),
    "no compression liked better": ("identity, gzip;q=0.5", False),
    "gzip liked better": ("identity;q=0.5, gzip", True),
}


@pytest.mark.parametrize(("accept_encoding", "gzip"), GZIP.values(), ids=GZIP.keys())
def test_whether_to_compress(accept_encoding: str | None, gzip: bool) -> None:
    assert accepts_gzip(accept_encoding) is gzip
