"""Accounts x table of metrics -> the text that Prometheus reads; the bytes are what prometheus_client would write.

Owns the form of a line and the memory of the lines already written; knows neither what the metrics mean nor HTTP.
prometheus_client itself writes the heads of the families and the exporter's own metrics, so that both agree.

How it is fast: the lines of one metric of one instance are one piece of bytes, kept until what they tell changes. A
new piece is a template, which all instances with the same series share, filled with numbers out of a table; the
instance's own two labels replace two marks in it. Plain text and OpenMetrics differ in the heads only and share every
piece.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Generic, Protocol, TypeVar

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from .metric import Buckets, Kind, Metric

EOF = b"# EOF\n"
"""How an OpenMetrics answer ends: once, after its last family. Nothing else in this file writes it."""

_BLOCK = 256 * 1024


class Face(Protocol):
    """What every instance shows of itself: the values of the two labels that all its series have."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


V = TypeVar("V", bound=Face)

_FAMILY_LACKS = {Kind.COUNTER: "_total", Kind.INFO: "_info"}
"""What the samples' name has that their family's name has not."""


class Exposition(Generic[V]):
    """The metrics of `table` over any instances. Keeps the pieces of every instance until `retain` drops it.

    What a `source` gives must not be changed afterwards: while it is the same or equal, its piece is used again.
    """

    def __init__(self, table: Sequence[Metric[V]]) -> None:
        self._writers = tuple((metric.source, _writer(metric)) for metric in table)
        self._heads = {form: tuple(_head(metric, openmetrics=form) for metric in table) for form in (False, True)}
        self._pages: dict[str, _Page] = {}

    def refresh(self, face: V) -> None:
        """Write again what has changed of one instance, so that a later `render` finds it done."""
        page = self._pages.get(face.id)
        if page is None or page.name != face.name:
            page = self._pages[face.id] = _Page(face.id, face.name, len(self._writers))
        sources, pieces = page.sources, page.pieces
        for place, (source, write) in enumerate(self._writers):
            told, before = source(face), sources[place]
            if told is not before:
                if told != before:
                    pieces[place] = b"" if told is None else page.signed(write(told))
                sources[place] = told

    def render(self, faces: Sequence[V], *, openmetrics: bool) -> list[bytes]:
        """All families, each contiguous over all instances, those without a sample too; without the final EOF.

        A list of pieces, not one text: the pieces are the kept ones, so that an answer of 57 MB costs its pointers.
        `blocks` makes them fit for compressing and sending.
        """
        for face in faces:
            self.refresh(face)
        rows = [self._pages[face.id].pieces for face in faces]
        answer: list[bytes] = []
        for place, head in enumerate(self._heads[openmetrics]):
            answer.append(head)
            answer.extend(piece for row in rows if (piece := row[place]))
        return answer

    def retain(self, ids: Collection[str]) -> None:
        """Forget the instances with other ids: they have left the configuration."""
        self._pages = {id_: page for id_, page in self._pages.items() if id_ in ids}

    def __repr__(self) -> str:
        return f"<Exposition of {len(self._writers)} metrics, {len(self._pages)} instances kept>"


def blocks(pieces: Iterable[bytes], size: int = _BLOCK) -> Iterator[bytes]:
    """The same bytes in blocks of `size` or a little more: few calls for a compressor or a socket, little copied."""
    waiting: list[bytes] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(waiting)
            waiting, length = [], 0
    if waiting:
        yield b"".join(waiting)


def own(registry: Collector, *, openmetrics: bool) -> bytes:
    """The families of a prometheus_client registry as it writes them, without `_created` and without the final EOF."""
    return _GENERATORS[openmetrics](_WithoutCreated(registry)).removesuffix(EOF)


_GENERATORS: dict[bool, Callable[[Collector], bytes]] = {False: generate_latest, True: generate_openmetrics}


class _WithoutCreated:
    """A registry's families without the times of creation, which only a process-wide switch would leave out."""

    def __init__(self, registry: Collector) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Family]:
        for family in self._registry.collect():
            bare = Family(family.name, family.documentation, family.type, family.unit)
            bare.samples = [sample for sample in family.samples if sample.name != f"{family.name}_created"]
            yield bare


class _Just:
    """A registry of one family."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def collect(self) -> list[Family]:
        return [self._family]


def _head(metric: Metric[V], *, openmetrics: bool) -> bytes:
    """HELP and TYPE: what prometheus_client writes for the family without samples."""
    name = metric.name.removesuffix(_FAMILY_LACKS.get(metric.kind, ""))
    return own(_Just(Family(name, metric.help, metric.kind)), openmetrics=openmetrics)


_ID, _NAME = b"\xfe", b"\xff"
"""Where an instance's own labels will stand. Neither byte occurs in UTF-8, so no label value can be taken for one."""


class _Page:
    """The pieces of one instance, a place for each metric, and what each was made of."""

    __slots__ = ("_id", "_name", "name", "pieces", "sources")

    def __init__(self, id_: str, name: str, places: int) -> None:
        self.name = name
        self._id, self._name = _escaped(id_), _escaped(name)
        self.sources: list[object] = [None] * places
        self.pieces = [b""] * places

    def signed(self, piece: bytes) -> bytes:
        return piece.replace(_ID, self._id).replace(_NAME, self._name)


class _Numbers(dict[float, bytes]):
    """Number -> the end of a line. Whole numbers up to the service's row limit, nearly all there are, stand ready.

    A -0.0 is written as 0.0.
    """

    def __missing__(self, number: float) -> bytes:
        if 0 < number < 1e6:  # where Go and Python agree
            return b"%a\n" % float(number)
        return f"{_go_string(number)}\n".encode()


_go_string: Callable[[float], str] = floatToGoString
_numbers = _Numbers({number: b"%d.0\n" % number for number in range(10_001)})

_Read = Callable[[Any], Iterable[tuple[Any, Any]]]
"""What comes of `Metric.read`; the kind of the metric decides which label values and which value."""


class _Templates(dict[tuple[tuple[str, ...], ...], bytes]):
    """Label values of all series of a metric -> its lines with `%b` for each number. Instances share them.

    Which series an instance has changes seldom, but over a long life it does: so only so many are kept.
    """

    def __init__(self, labels: tuple[str, ...], line: Callable[[Mapping[str, str]], bytes]) -> None:
        super().__init__()
        self._labels, self._line = labels, line

    def __missing__(self, series: tuple[tuple[str, ...], ...]) -> bytes:
        if len(self) >= _MOST_TEMPLATES:
            self.clear()
        lines = (self._line(dict(zip(self._labels, values, strict=True))) for values in series)
        text = self[series] = b"".join(lines)
        return text


_MOST_TEMPLATES = 512


def _writer(metric: Metric[V]) -> Callable[[Any], bytes]:
    """What a source told -> its lines, the instance's labels still marks."""
    name, numbers = metric.name, _numbers.__getitem__
    read: _Read = metric.read
    if metric.kind is Kind.INFO:  # its labels are the configuration's and bring their names
        return lambda told: b"".join([_start(name, labels) + numbers(number) for labels, number in read(told)])
    if metric.kind is Kind.HISTOGRAM:
        templates = _Templates(metric.labels, lambda labels: _histogram_lines(name, labels, metric.buckets))
        flat: Callable[[Any], tuple[float, ...]] = _flat
    else:
        templates = _Templates(metric.labels, lambda labels: _line(name, labels))
        flat = tuple

    def write(told: Any) -> bytes:
        pairs = tuple(read(told))
        if not pairs:
            return b""
        series, values = zip(*pairs, strict=True)
        return templates[series] % tuple(map(numbers, flat(values)))

    return write


def _flat(histograms: Iterable[Buckets]) -> tuple[float, ...]:
    """The numbers of histograms in the order of their lines."""
    flat: list[float] = []
    for histogram in histograms:
        cumulated = tuple(accumulate(histogram.counts))
        flat += (*cumulated, cumulated[-1], histogram.sum)
    return tuple(flat)


def _histogram_lines(name: str, labels: Mapping[str, str], buckets: tuple[float, ...]) -> bytes:
    bounds = (_go_string(bound) for bound in (*buckets, float("inf")))
    lines = [_line(f"{name}_bucket", {**labels, "le": bound}) for bound in bounds]
    return b"".join([*lines, _line(f"{name}_count", labels), _line(f"{name}_sum", labels)])


def _line(name: str, labels: Mapping[str, str]) -> bytes:
    """A line with `%b` in place of its number."""
    return _start(name, labels).replace(b"%", b"%%") + b"%b"


def _start(name: str, labels: Mapping[str, str]) -> bytes:
    """A line up to its number, labels in alphabetical order."""
    values = {label: _escaped(value) for label, value in labels.items()} | {"id_instance": _ID, "name": _NAME}
    pairs = b",".join(b'%b="%b"' % (label.encode(), value) for label, value in sorted(values.items()))
    return b"%b{%b} " % (name.encode(), pairs)


def _escaped(value: str) -> bytes:
    """A label value as it stands between its quotes; half a character (a lone surrogate) becomes a question mark."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"").encode(errors="replace")
