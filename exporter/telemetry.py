"""The exporter's own metrics: what it does itself, as opposed to what it mirrors of the service.

Owns the long-lived metric objects, in a registry of their own, never the global one. Fed by records and plain numbers
from the composition root; knows no other room. `exposition.own` writes them.
"""

from __future__ import annotations

import platform
from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
)

from . import __version__
from .model import Call, Method

_PREFIX = "greenapi_exporter"

_CALL_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
"""Seconds: from a quick answer of a short journal to the timeouts that people configure."""
_SCRAPE_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 7.5, 9.5, 15.0, 30.0, 60.0, 120.0)
"""Seconds: close together below the 10 s after which Prometheus gives up by default."""
_COMMIT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds: from a page cache to a disk in trouble."""


class Telemetry:
    """One method for each thing that happens, and `watch` for what is looked at when somebody asks."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._scrapes = self._histogram("scrape_duration_seconds", "How long scrapes took to answer.", _SCRAPE_BUCKETS)
        calls = Histogram(
            f"{_PREFIX}_api_request_duration_seconds", "How long calls of the API took, from their turn to their end.",
            ("method",), registry=self.registry, buckets=_CALL_BUCKETS,
        )  # fmt: skip
        self._calls = {method: calls.labels(method.value) for method in Method}  # all at 0 from the start
        self._inflight = self._gauge("inflight_api_requests", "Calls of the API that have begun and not ended.")
        self._messages = self._gauge("known_messages", "Messages that are remembered, over all instances.")
        self._bytes = self._gauge("state_file_bytes", "Size of the state file on disk.")
        self._commits = self._histogram(
            "state_commit_duration_seconds", "How long it took to write a change to the state file.", _COMMIT_BUCKETS
        )
        self._failures = Counter(
            f"{_PREFIX}_state_failures_total", "Writes to the state file that failed; counters stand still meanwhile.",
            registry=self.registry,
        )  # fmt: skip
        self._reloaded = self._gauge(
            "config_last_reload_successful", "Whether the configuration was valid when it was last loaded."
        )
        self._reloaded_at = self._gauge(
            "config_last_reload_success_timestamp_seconds", "When a configuration was last loaded and found valid."
        )
        build = Info(f"{_PREFIX}_build", "The exporter's version and the Python it runs on.", registry=self.registry)
        build.info({"version": __version__, "python": platform.python_version()})
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def watch(
        self,
        *,
        inflight: Callable[[], float],
        known_messages: Callable[[], float],
        state_file_bytes: Callable[[], float],
    ) -> None:
        """Where to look for the numbers that are read at each scrape; each must be quick and must not raise."""
        self._inflight.set_function(inflight)
        self._messages.set_function(known_messages)
        self._bytes.set_function(state_file_bytes)

    def called(self, call: Call) -> None:
        """An API call has ended, however it ended."""
        # Our clock may have been set back meanwhile.
        self._calls[call.method].observe(max(0.0, call.finished - call.started))

    def scraped(self, seconds: float) -> None:
        """A scrape was answered after so long."""
        self._scrapes.observe(seconds)

    def committed(self, seconds: float) -> None:
        """The state file holds another commit, which took so long."""
        self._commits.observe(seconds)

    def commit_failed(self) -> None:
        self._failures.inc()

    def reloaded(self, ok: bool, now: float) -> None:
        """The configuration was loaded, at the start or again, or was refused; `now` in Unix seconds."""
        self._reloaded.set(ok)
        if ok:
            self._reloaded_at.set(now)

    def _gauge(self, name: str, help_: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", help_, registry=self.registry)

    def _histogram(self, name: str, help_: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"{_PREFIX}_{name}", help_, registry=self.registry, buckets=buckets)
