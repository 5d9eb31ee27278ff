"""Accounts x table of metrics -> the text that Prometheus reads; the bytes are what prometheus_client would write.

Owns the order of a page and the memory of the lines already written, which `lines` forms; knows neither what the
metrics mean nor HTTP. prometheus_client itself writes the heads of the families and the exporter's own metrics, so that
both agree.

How it is fast: the lines of one metric of one instance are one piece of bytes, kept until what they tell changes. Plain
text and OpenMetrics differ in the heads only and share every piece.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import accumulate, compress, count
from operator import is_not
from typing import Generic, Protocol, TypeVar

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from .lines import InstanceLabels, writer
from .metric import Metric
from .series import Series

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


class Exposition(Generic[V]):
    """The metrics of `table` over any instances. Keeps the pieces of every instance until `retain` drops it.

    What a `source` gives must not be changed afterwards: while it is the same or equal, its piece is used again.
    """

    def __init__(self, table: Sequence[Metric[V]]) -> None:
        self._sources = [metric.source for metric in table]
        self._writers = [writer(metric) for metric in table]
        self._heads = {form: tuple(_head(metric, openmetrics=form) for metric in table) for form in (False, True)}
        self._pages: dict[str, _Page] = {}

    def refresh(self, face: V) -> _Page:
        """Write again what has changed of one instance, so that a later `render` finds it done."""
        page = self._pages.get(face.id)
        if page is None or page.name != face.name:
            page = self._pages[face.id] = _Page(face.id, face.name, len(self._writers))
        if page.face is face:
            return page
        told, before = [source(face) for source in self._sources], page.told
        for place in compress(count(), map(is_not, told, before)):
            new = told[place]
            # Series that are other objects nearly always differ: comparing them would cost more than it saves.
            if isinstance(new, Series) or new != before[place]:
                page.pieces[place] = b"" if new is None else self._writers[place](new, page.labels)
        page.told, page.face = told, face
        return page

    def render(self, faces: Sequence[V], *, openmetrics: bool) -> list[bytes]:
        """All families, each contiguous over all instances, those without a sample too; without the final EOF.

        A list of pieces, not one text: the pieces are the kept ones, so that an answer of 57 MB costs its pointers.
        `blocks` makes them fit for compressing and sending.
        """
        answer: list[bytes] = []
        rows = [self.refresh(face).pieces for face in faces]
        for head, *column in zip(self._heads[openmetrics], *rows, strict=True):
            answer.append(head)
            answer += filter(None, column)
        return answer

    def retain(self, ids: Collection[str]) -> None:
        """Forget the instances with other ids: they have left the configuration."""
        self._pages = {id_: page for id_, page in self._pages.items() if id_ in ids}

    def __repr__(self) -> str:
        return f"<Exposition of {len(self._writers)} metrics, {len(self._pages)} instances kept>"


def blocks(pieces: Sequence[bytes], size: int = _BLOCK) -> Iterator[bytes]:
    """The same bytes in blocks of `size` or a little more: few calls for a compressor or a socket, little copied."""
    ends = list(accumulate(map(len, pieces)))
    begin = sent = 0
    while begin < len(pieces):
        end = bisect_left(ends, sent + size, begin) + 1
        yield b"".join(pieces[begin:end])
        begin, sent = end, ends[min(end, len(ends)) - 1]


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
    return own(_Just(Family(metric.family, metric.help, metric.kind)), openmetrics=openmetrics)


class _Page:
    """The pieces of one instance, a place for each metric, and what each was made of."""

    __slots__ = ("face", "labels", "name", "pieces", "told")

    def __init__(self, id_: str, name: str, places: int) -> None:
        self.name = name
        self.face: object = None
        self.labels = InstanceLabels.of(id_, name)
        self.told: list[object] = [None] * places
        self.pieces = [b""] * places
