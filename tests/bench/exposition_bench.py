"""How fast the exposition writes the real table, against prometheus_client over the same families.

`python -m tests.bench.exposition_bench` prints the samples per second from scratch, the time of an answer in which
nothing changed, those of prometheus_client, and the peak of memory of the kept pieces together with one answer.
"""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, product
from statistics import median

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric as MetricFamily
from prometheus_client.samples import Sample

from exporter import allocation
from exporter.catalog import CATALOG
from exporter.exposition import Exposition, blocks
from exporter.instance import Face
from exporter.ledger import totals
from exporter.ledger.totals import Histogram, Snapshot
from exporter.ledger.window import Window
from exporter.metric import Kind
from exporter.model import API, SETTINGS, STAGES, STATUSES, InstanceSettings, Meaning, Method, Outcome
from exporter.series import Series

INSTANCES, ROUNDS = 1000, 5
TYPES = ("textMessage", "extendedTextMessage", "imageMessage", "videoMessage", "documentMessage", "audioMessage")
NOW = 1_790_000_000.0

luck = random.Random(1)


def _numbers(*vocabularies: Sequence[str], most: int = 6000) -> Series[int]:
    """A number below `most` for each combination of words."""
    return Series.of({labels: luck.randrange(most) for labels in product(*vocabularies)})


def _latencies() -> Series[Histogram]:
    buckets = {type_: tuple(luck.randrange(300) for _ in range(11)) for type_ in TYPES}
    return Series.of({(type_,): Histogram(counts, luck.uniform(0, 1e6)) for type_, counts in buckets.items()})


def _snapshot() -> Snapshot:
    nothing = Series.of({(): 0})
    return {
        totals.MESSAGES: _numbers(TYPES, (API,)),
        totals.REACHED: _numbers(STATUSES, TYPES, (API,), most=20_000),
        totals.SETTLED: _numbers(STATUSES),
        **{stage: _latencies() for stage in STAGES},
        totals.UNCERTAINTY: Series.of({labels: luck.uniform(0, 1e5) for labels in product(STAGES, TYPES)}),
        totals.UNMEASURED: _numbers(STAGES, TYPES),
        totals.CONFLICTS: nothing,
        totals.GAP: nothing,
        totals.UNLISTED: _numbers(("statusMessage", "typeMessage", "stateInstance"), most=2),
    }


def _face(number: int) -> Face:
    info = Series.of({(("messenger", "whatsapp"), ("api_host", "1101.api.green-api.com")): 1})
    window = Window(
        86400.0, 86400.0, False, _numbers(STATUSES, TYPES, most=200), Series.of({("private",): 90, ("group",): 4}),
        Series.of({}), _numbers(("pending", "sent"), ("under_5m", "over_6h"), most=9), int(NOW),
    )  # fmt: skip
    return Face(
        str(1101000000 + number), f"account-{number}", info, True, NOW + luck.random(), luck.random(), 10.0, None, 0.25,
        _numbers(tuple(Method), tuple(Outcome), most=500), "authorized",
        InstanceSettings(dict.fromkeys(SETTINGS, True), "whatsapp"), window, Meaning.SENT, _snapshot(),
    )  # fmt: skip


class Reference:
    """The same families as a custom collector of prometheus_client gives them."""

    def __init__(self, faces: Sequence[Face]) -> None:
        self._faces = faces

    def collect(self) -> Iterator[MetricFamily]:
        for metric in CATALOG:
            family = MetricFamily(metric.name.removesuffix("_total"), metric.help, metric.kind)
            for face in self._faces:
                if (told := metric.source(face)) is None:
                    continue
                for values, value in metric.series(told).items():
                    named = dict(values if metric.kind is Kind.INFO else zip(metric.labels, values, strict=True))
                    labels = {"id_instance": face.id, "name": face.name, **named}
                    if metric.kind is not Kind.HISTOGRAM:
                        family.samples.append(Sample(metric.name, labels, value))
                        continue
                    for bound, count in zip((*metric.buckets, "+Inf"), accumulate(value.counts), strict=True):
                        family.samples.append(Sample(f"{metric.name}_bucket", {**labels, "le": str(bound)}, count))
                    family.samples.append(Sample(f"{metric.name}_count", labels, sum(value.counts)))
                    family.samples.append(Sample(f"{metric.name}_sum", labels, value.sum))
            yield family


def _samples(text: bytes) -> int:
    return sum(not line.startswith(b"#") for line in text.splitlines())


def _seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one run, with the garbage collector as the exporter has it in a scrape."""
    with allocation.fewer_collections:
        started = time.process_time()
        work()
        return time.process_time() - started


def _measure(faces: Sequence[Face], *, openmetrics: bool) -> tuple[float, float]:
    """CPU seconds of an answer from scratch, and of one in which nothing changed."""
    exposition = Exposition(CATALOG)
    first = _seconds(lambda: exposition.render(faces, openmetrics=openmetrics))
    return first, _seconds(lambda: exposition.render(faces, openmetrics=openmetrics))


def main() -> None:
    faces = [_face(number) for number in range(INSTANCES)]
    allocation.settle()  # as the exporter runs; prometheus_client profits alike
    samples = _samples(b"".join(Exposition(CATALOG).render(faces, openmetrics=False)))
    for openmetrics in (False, True):
        scratch, again = zip(*(_measure(faces, openmetrics=openmetrics) for _ in range(ROUNDS)), strict=True)
        print(f"{'OpenMetrics' if openmetrics else 'plain text'}, {samples} samples of {INSTANCES} instances:")
        print(f"  from scratch {samples / median(scratch):,.0f} samples/s ({min(scratch):.3f} to {max(scratch):.3f} s)")
        print(f"  nothing changed {median(again) * 1000:.1f} ms")
    few = Reference(faces[: INSTANCES // 50])
    number = _samples(generate_latest(few))
    theirs = median(_seconds(lambda: generate_latest(few)) for _ in range(ROUNDS))
    print(f"prometheus_client, {number} samples: {number / theirs:,.0f} samples/s")
    tracemalloc.start()
    exposition = Exposition(CATALOG)
    size = sum(map(len, blocks(exposition.render(faces, openmetrics=False))))
    print(
        f"memory: {size / 1e6:.1f} MB of text, peak {tracemalloc.get_traced_memory()[1] / 1e6:.1f} MB while sending it"
    )


if __name__ == "__main__":
    main()
