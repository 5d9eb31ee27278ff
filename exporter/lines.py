"""One metric of one instance -> its lines in the text formats, as prometheus_client would write them.

Owns the form of a line: escapes, numbers, the order of labels and buckets. All instances with the same series share a
template, filled with numbers out of a table; an instance's own two labels replace two marks in it. Knows neither which
metrics there are nor how a page is put together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Any, NamedTuple, TypeVar

from prometheus_client.utils import floatToGoString

from .metric import Buckets, Kind, Metric
from .series import Shape

V = TypeVar("V")

_ID_MARK, _NAME_MARK = b"\xfe", b"\xff"
"""Where an instance's own labels will stand. Neither byte occurs in UTF-8, so no label value can be taken for one."""

_MOST_TEMPLATES = 512
"""So many sets of series are kept for a metric."""


class InstanceLabels(NamedTuple):
    """The values of the two labels that all series of an instance have, escaped."""

    id: bytes
    name: bytes

    @classmethod
    def of(cls, id_: str, name: str) -> InstanceLabels:
        return cls(_escaped(id_), _escaped(name))


def writer(metric: Metric[V]) -> Callable[[Any, InstanceLabels], bytes]:
    """What a source told of an instance, and its own labels -> its lines."""
    read = metric.read
    if read is None:
        line = _line(metric.name, {}).replace(_ID_MARK, b"%b").replace(_NAME_MARK, b"%b")
        return lambda told, own: line % (*own, _text_of(told))  # id_instance stands before name, as in the alphabet
    templates, is_histogram = _Templates(metric), metric.kind is Kind.HISTOGRAM

    def write(told: Any, own: InstanceLabels) -> bytes:
        series = read(told)
        numbers = _flat(series.numbers) if is_histogram else series.numbers
        lines = templates[series.shape] % tuple(map(_text_of, numbers))
        return lines.replace(_ID_MARK, own.id).replace(_NAME_MARK, own.name)

    return write


class _Templates(dict[Shape, bytes]):
    """Which series a metric has -> its lines with `%b` for each number. Instances share them.

    What an instance has changes seldom, but over a long life it does: so only so many are kept.
    """

    def __init__(self, metric: Metric[Any]) -> None:
        super().__init__()
        self._metric = metric

    def __missing__(self, shape: Shape) -> bytes:
        if len(self) >= _MOST_TEMPLATES:
            self.clear()
        text = self[shape] = b"".join(map(self._lines, shape.labels))
        return text

    def _lines(self, values: tuple[Any, ...]) -> bytes:
        metric = self._metric
        if metric.kind is Kind.INFO:  # its labels are the configuration's and bring their names
            return _line(metric.name, dict(values))
        labels = dict(zip(metric.labels, values, strict=True))
        if metric.kind is Kind.HISTOGRAM:
            return _histogram_lines(metric.name, labels, metric.buckets)
        return _line(metric.name, labels)


def _flat(histograms: Iterable[Buckets]) -> list[float]:
    """The numbers of histograms in the order of their lines."""
    flat: list[float] = []
    for histogram in histograms:
        flat += accumulate(histogram.counts)
        flat += flat[-1], histogram.sum
    return flat


def _histogram_lines(name: str, labels: Mapping[str, str], buckets: tuple[float, ...]) -> bytes:
    bounds = (_go_string(bound) for bound in (*buckets, float("inf")))
    lines = [_line(f"{name}_bucket", {**labels, "le": bound}) for bound in bounds]
    return b"".join([*lines, _line(f"{name}_count", labels), _line(f"{name}_sum", labels)])


def _line(name: str, labels: Mapping[str, str]) -> bytes:
    """A line with `%b` in place of its number."""
    return _start(name, labels).replace(b"%", b"%%") + b"%b"


def _start(name: str, labels: Mapping[str, str]) -> bytes:
    """A line up to its number, labels in alphabetical order."""
    values = {label: _escaped(value) for label, value in labels.items()} | {"id_instance": _ID_MARK, "name": _NAME_MARK}
    pairs = b",".join(b'%b="%b"' % (label.encode(), value) for label, value in sorted(values.items()))
    return b"%b{%b} " % (name.encode(), pairs)


def _escaped(value: str) -> bytes:
    """A label value as it stands between its quotes; half a character (a lone surrogate) becomes a question mark."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"").encode(errors="replace")


class _Numbers(dict[float, bytes]):
    """Number -> the end of a line. Whole numbers up to the service's row limit, nearly all there are, stand ready.

    A -0.0 is written as 0.0.
    """

    def __missing__(self, number: float) -> bytes:
        if 0 < number < 1e6:  # where Go and Python agree
            return b"%a\n" % float(number)
        return f"{_go_string(number)}\n".encode()


_go_string: Callable[[float], str] = floatToGoString
_text_of = _Numbers({number: b"%d.0\n" % number for number in range(10_001)}).__getitem__
