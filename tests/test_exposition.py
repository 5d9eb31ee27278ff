"""The exposition writes what prometheus_client would write, and writes again only what has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics_exposition
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector

from exporter.exposition import EOF, Exposition, blocks, own
from exporter.metric import Kind, Metric
from exporter.series import Series


@dataclass(frozen=True)
class Latencies:
    """A histogram's numbers as an account keeps them."""

    counts: tuple[int, ...]
    sum: float


@dataclass(frozen=True)
class Face:
    """An instance that shows one metric of each kind; None shows nothing."""

    id: str
    name: str = "sales"
    up: float | None = None
    messages: Mapping[tuple[str, ...], float] | None = None
    latency: Mapping[tuple[str, ...], Latencies] | None = None
    info: Mapping[str, str] | None = None


def alone(told: Mapping[str, str]) -> Series[int]:
    return Series.of({tuple(told.items()): 1})


TABLE: tuple[Metric[Face], ...] = (
    Metric("greenapi_up", Kind.GAUGE, "Whether it is up.", (), lambda face: face.up),
    Metric(
        "greenapi_messages_total", Kind.COUNTER, 'Messages "sent"\nof C:\\all.', ("status", "message_type"),
        lambda face: face.messages, Series.of,
    ),
    Metric(
        "greenapi_latency_seconds", Kind.HISTOGRAM, "From sending to reading.", ("message_type",),
        lambda face: face.latency, Series.of, buckets=(5.0, 0.25e7),
    ),
    Metric(
        "greenapi_instance_info", Kind.INFO, "What it is.", (), lambda face: face.info, alone
    ),
)  # fmt: skip

generate_openmetrics: Callable[[Collector], bytes] = openmetrics_exposition.generate_latest
parse_openmetrics: Callable[[str], Iterable[Family]] = openmetrics_parser.text_string_to_metric_families

BOTH = pytest.mark.parametrize("openmetrics", [False, True], ids=["as plain text", "as OpenMetrics"])


class Reference:
    """The same families made with prometheus_client's own classes, as a custom collector makes them."""

    def __init__(self, faces: Sequence[Face]) -> None:
        self._faces = faces

    def collect(self) -> Iterator[Family]:
        own_labels = ["id_instance", "name"]
        up = GaugeMetricFamily(TABLE[0].name, TABLE[0].help, labels=own_labels)
        messages = CounterMetricFamily(TABLE[1].name, TABLE[1].help, labels=[*own_labels, *TABLE[1].labels])
        latency = HistogramMetricFamily(TABLE[2].name, TABLE[2].help, labels=[*own_labels, *TABLE[2].labels])
        info = InfoMetricFamily("greenapi_instance", TABLE[3].help, labels=own_labels)
        bounds = ("5.0", "2.5e+06", "+Inf")
        for face in self._faces:
            if face.up is not None:
                up.add_metric([face.id, face.name], face.up)
            for labels, number in (face.messages or {}).items():
                messages.add_metric([face.id, face.name, *labels], number)
            for labels, value in (face.latency or {}).items():
                buckets = list(zip(bounds, accumulate(value.counts), strict=True))
                latency.add_metric([face.id, face.name, *labels], buckets, value.sum)
            if face.info is not None:
                info.add_metric([face.id, face.name], dict(face.info))
        yield from (up, messages, latency, info)


def rendered(faces: Sequence[Face], *, openmetrics: bool) -> bytes:
    pieces = Exposition(TABLE).render(faces, openmetrics=openmetrics)
    return b"".join(pieces) + (EOF if openmetrics else b"")


SALES = Face(
    "1101000001", "sales", 1,
    {("sent", "textMessage"): 7, ("read", "textMessage"): 2_500_000},
    {("textMessage",): Latencies((3, 1, 1), 61.5)},
    {"team": "sales", "api_host": "1101.api.green-api.com"},
)  # fmt: skip


PAGE = r"""# HELP greenapi_up Whether it is up.
# TYPE greenapi_up gauge
greenapi_up{id_instance="1101000001",name="sales"} 1.0
greenapi_up{id_instance="1101000002",name="the \"help\" desk"} 0.0
# HELP greenapi_messages_total Messages "sent"\nof C:\\all.
# TYPE greenapi_messages_total counter
greenapi_messages_total{id_instance="1101000001",message_type="textMessage",name="sales",status="sent"} 7.0
greenapi_messages_total{id_instance="1101000001",message_type="textMessage",name="sales",status="read"} 2.5e+06
# HELP greenapi_latency_seconds From sending to reading.
# TYPE greenapi_latency_seconds histogram
greenapi_latency_seconds_bucket{id_instance="1101000001",le="5.0",message_type="textMessage",name="sales"} 3.0
greenapi_latency_seconds_bucket{id_instance="1101000001",le="2.5e+06",message_type="textMessage",name="sales"} 4.0
greenapi_latency_seconds_bucket{id_instance="1101000001",le="+Inf",message_type="textMessage",name="sales"} 5.0
greenapi_latency_seconds_count{id_instance="1101000001",message_type="textMessage",name="sales"} 5.0
greenapi_latency_seconds_sum{id_instance="1101000001",message_type="textMessage",name="sales"} 61.5
# HELP greenapi_instance_info What it is.
# TYPE greenapi_instance_info gauge
greenapi_instance_info{api_host="1101.api.green-api.com",id_instance="1101000001",name="sales",team="sales"} 1.0
"""


def test_a_page_looks_like_this() -> None:
    """One of each kind in plain text: labels in alphabetical order, `le` and numbers as Go writes floats."""
    support = Face("1101000002", 'the "help" desk', 0)
    assert rendered([SALES, support], openmetrics=False).decode() == PAGE


def test_openmetrics_names_counters_and_infos_by_their_family() -> None:
    """TYPE says `counter` and `info` of names without `_total` and `_info`; the end is told once."""
    lines = rendered([SALES], openmetrics=True).decode().splitlines()
    assert "# TYPE greenapi_messages counter" in lines
    assert "# TYPE greenapi_instance info" in lines
    assert lines.index("# EOF") == len(lines) - 1


awkward = st.text(st.sampled_from('ab%s\\"\n{},= é\u2028😀\x00')) | st.text()
numbers = st.integers(0, 20_000) | st.floats(0, allow_nan=False).map(lambda number: number + 0.0)
labels_two = st.tuples(awkward, awkward)
latencies = st.builds(Latencies, st.tuples(*[st.integers(0, 9999)] * 3), st.floats(0, 1e9).map(abs))
label_names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda word: word not in ("id_instance", "name") and not word.startswith("__")
)
faces = st.lists(
    st.builds(
        Face, awkward, awkward, st.none() | st.floats(allow_nan=False).map(lambda number: number + 0.0),
        st.none() | st.dictionaries(labels_two, numbers, max_size=4),
        st.none() | st.dictionaries(st.tuples(awkward), latencies, max_size=3),
        st.none() | st.dictionaries(label_names, awkward, max_size=3),
    ),
    max_size=4, unique_by=lambda face: face.id,
)  # fmt: skip


@given(faces)
def test_every_byte_is_what_prometheus_client_would_write(faces: list[Face]) -> None:
    """Whatever the labels and numbers are; also when the pieces come out of the memory of another answer."""
    reference = Reference(faces)
    exposition = Exposition(TABLE)
    for _ in range(2):
        assert b"".join(exposition.render(faces, openmetrics=False)) == generate_latest(reference)
        assert b"".join(exposition.render(faces, openmetrics=True)) + EOF == generate_openmetrics(reference)


def families(parsed: Iterable[Family]) -> dict[str, tuple[str, list[tuple[str, dict[str, str], float]]]]:
    """Family -> type and samples, in the order of the page."""
    return {
        family.name: (family.type, [(sample.name, sample.labels, sample.value) for sample in family.samples])
        for family in parsed
    }


readable = st.text(st.sampled_from('ab%s\\"\n{},= é😀'))
readable_faces = st.lists(
    st.builds(
        Face, readable, readable, st.none() | st.floats(allow_nan=False),
        st.dictionaries(st.tuples(readable, readable), numbers, max_size=4),
        st.dictionaries(st.tuples(readable), latencies, max_size=3),
        st.dictionaries(label_names, readable, max_size=3),
    ),
    max_size=4, unique_by=lambda face: face.id,
)  # fmt: skip


@given(readable_faces)
def test_the_parsers_read_back_the_families_that_were_meant(faces: list[Face]) -> None:
    """Types, label values and numbers survive both formats."""
    meant = families(Reference(faces).collect())
    assert families(parse_openmetrics(rendered(faces, openmetrics=True).decode())) == meant
    plain = families(parse_text(rendered(faces, openmetrics=False).decode()))
    as_gauge = meant.pop("greenapi_instance")
    assert plain.pop("greenapi_instance_info") == ("gauge", as_gauge[1])
    assert plain == meant


def test_half_a_character_becomes_a_question_mark() -> None:
    """A lone surrogate (an undecodable environment variable) cannot be sent, and must not stop the answer."""
    assert b'name="caf?"' in rendered([Face("1", "caf\udce9", 1)], openmetrics=False)


@BOTH
def test_no_instances_give_the_heads_alone(openmetrics: bool) -> None:
    """As a custom collector does that yields families without samples."""
    generate = generate_openmetrics if openmetrics else generate_latest
    assert rendered([], openmetrics=openmetrics) == generate(Reference([]))


class Counted:
    """A table of one metric that counts how often its lines are written."""

    def __init__(self) -> None:
        self.reads = 0
        self.exposition = Exposition([replace(TABLE[1], read=self._read)])

    def _read(self, told: Mapping[Any, Any]) -> Series[Any]:
        self.reads += 1
        return Series.of(told)

    def page(self, *faces: Face) -> str:
        return b"".join(self.exposition.render(faces, openmetrics=False)).decode()


def test_what_did_not_change_is_not_written_again() -> None:
    """Neither for the same object nor for an equal one, nor for the other format."""
    counted = Counted()
    first = counted.page(SALES)
    assert counted.page(SALES) == first
    assert counted.page(replace(SALES, messages=dict(SALES.messages or {}))) == first
    counted.exposition.render([SALES], openmetrics=True)
    assert counted.reads == 1


def test_what_changed_is_written_again() -> None:
    counted = Counted()
    counted.page(SALES)
    assert counted.page(replace(SALES, messages={("sent", "textMessage"): 8})).endswith('status="sent"} 8.0\n')


def test_what_is_absent_leaves_the_page_and_returns() -> None:
    counted = Counted()
    first = counted.page(SALES)
    assert "sales" not in counted.page(replace(SALES, messages=None))
    assert counted.page(SALES) == first


def test_a_renamed_instance_is_written_anew() -> None:
    counted = Counted()
    first = counted.page(SALES)
    assert counted.page(replace(SALES, name="shop")) == first.replace('"sales"', '"shop"')


def test_an_instance_left_out_of_one_answer_keeps_its_lines() -> None:
    """As with /probe, which shows one instance of many."""
    counted = Counted()
    support = replace(SALES, id="1101000002")
    both = counted.page(SALES, support)
    assert "1101000002" not in counted.page(SALES)
    assert counted.page(SALES, support) == both
    assert counted.reads == 2


def test_instances_that_are_not_retained_are_forgotten() -> None:
    counted = Counted()
    support = replace(SALES, id="1101000002")
    counted.page(SALES, support)
    counted.exposition.retain({"1101000001"})
    assert repr(counted.exposition) == "<Exposition of 1 metrics, 1 instances kept>"
    counted.page(SALES, support)
    assert counted.reads == 3


def test_a_refreshed_instance_has_nothing_left_to_write_at_the_answer() -> None:
    counted = Counted()
    counted.exposition.refresh(SALES)
    assert counted.reads == 1
    assert counted.page(SALES).count("sales") == 2
    assert counted.reads == 1


def test_a_failed_reader_is_asked_again() -> None:
    """An exception is not remembered as the lines of what could not be read."""
    exposition = Exposition(TABLE)
    with pytest.raises(ValueError, match="zip"):
        exposition.refresh(Face("1", messages={("too few",): 1}))
    with pytest.raises(ValueError, match="zip"):
        exposition.refresh(Face("1", messages={("too few",): 1}))


@given(st.lists(st.binary(max_size=20)), st.integers(1, 50))
def test_blocks_are_the_same_bytes_in_fewer_parts(pieces: list[bytes], size: int) -> None:
    parts = list(blocks(pieces, size))
    assert b"".join(parts) == b"".join(pieces)
    assert all(len(part) >= size for part in parts[:-1])
    assert len(parts) <= len(pieces)


@BOTH
def test_own_metrics_come_without_times_of_creation_and_without_an_end(openmetrics: bool) -> None:
    """prometheus_client would add a `_created` series for each counter and histogram, and OpenMetrics' EOF."""
    registry = CollectorRegistry()
    Counter("failures", "Failures.", registry=registry).inc()
    Histogram("duration_seconds", "Duration.", registry=registry, buckets=[1]).observe(0.5)
    Gauge("file_created", "A gauge of that name stays.", registry=registry).set(3)
    text = own(registry, openmetrics=openmetrics).decode()
    total = "" if openmetrics else "_total"
    assert text.splitlines() == [
        f"# HELP failures{total} Failures.", f"# TYPE failures{total} counter", "failures_total 1.0",
        "# HELP duration_seconds Duration.", "# TYPE duration_seconds histogram",
        'duration_seconds_bucket{le="1.0"} 1.0', 'duration_seconds_bucket{le="+Inf"} 1.0',
        "duration_seconds_count 1.0", "duration_seconds_sum 0.5",
        "# HELP file_created A gauge of that name stays.", "# TYPE file_created gauge", "file_created 3.0",
    ]  # fmt: skip
