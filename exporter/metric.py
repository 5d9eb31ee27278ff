"""What a metric is, before anybody writes one down: a row of the catalog's table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from .series import Series, shape

V = TypeVar("V")


class Kind(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    INFO = "info"


class Buckets(Protocol):
    """A histogram's value: `counts` per bucket, not cumulated, the last beyond every bound, and the `sum`."""

    @property
    def counts(self) -> tuple[int, ...]: ...
    @property
    def sum(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Metric(Generic[V]):
    """One family of samples over all instances.

    `name` is the sample's own (with `_total`, `_info`; a histogram's without suffix). `labels` come beside id_instance
    and name. `source` gives what the samples of an instance depend on, None for no samples: where it is equal to the
    last time's, so are the samples. `read` turns it into numbers by label values, which are in the order of `labels`;
    those of an info metric are pairs of name and value, as they vary by configuration. Without `read` it is the number
    itself, the only one.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    source: Callable[[V], object]
    read: Callable[[Any], Series[Any]] | None = None
    buckets: tuple[float, ...] = ()

    def series(self, told: Any) -> Series[Any]:
        """What a source told, as numbers by label values."""
        return Series(_ALONE, (told,)) if self.read is None else self.read(told)

    @property
    def family(self) -> str:
        """The name on the HELP and TYPE lines of OpenMetrics: without the suffix of the samples."""
        return self.name.removesuffix(_SUFFIXES.get(self.kind, ""))


_ALONE = shape([()])
_SUFFIXES = {Kind.COUNTER: "_total", Kind.INFO: "_info"}
