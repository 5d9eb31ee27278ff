"""A scripted story, played before real servers, notifies somebody of exactly what it should, in order."""

from __future__ import annotations

import time
from pathlib import Path

from .stage import NAMES, Stage

CALM, BANNED, DIRTY, STUCK = NAMES
GOOD = ("pending", "sent", "delivered", "read")
LONG_AGO = 1200.0
"""Seconds: longer than a message may wait in the queue."""

EXPECTED = [
    ("firing", "GreenApiInstanceBlocked", BANNED),
    ("firing", "GreenApiNoAccountHigh", DIRTY),
    ("firing", "GreenApiMessagesStuck", STUCK),
    ("firing", "GreenApiSendingStalled", STUCK),
    ("firing", "GreenApiQueryFailing", ""),
    ("firing", "GreenApiExporterDown", ""),
]
MUTED = ("GreenApiMessagesStuck", BANNED)
"""Fires, but a blocked instance sends nothing anyway: nobody is told."""


def test_the_story_raises_exactly_the_expected_alerts_in_order(tmp_path: Path) -> None:
    """A ban with a queue behind it, a dirty list, a stuck queue, an outage of the service, the exporter's own end."""
    with Stage(tmp_path).is_set() as stage:
        with stage.exporter():
            play_by_day(stage)
        stage.fires("GreenApiExporterDown")
        with stage.exporter():
            stage.resolves("GreenApiExporterDown")
            stage.is_quiet()
        assert told(stage) == EXPECTED
        everyone = {("GreenApiQueryFailing", name) for name in NAMES}
        others = {(alert, name) for _, alert, name in EXPECTED if alert != "GreenApiQueryFailing"}
        assert stage.ever_fired() == others | everyone | {MUTED}
        for notes in stage.notes.values():
            assert notes.keys() == {"summary", "description", "runbook_url", "dashboard_url"}
            assert not any(word in text for text in notes.values() for word in ("{{", "<no value>", "error"))


def play_by_day(stage: Stage) -> None:
    stage.sends(CALM, 100, GOOD)
    stage.begins()

    stage.is_in_state(BANNED, "blocked")
    stage.fires("GreenApiInstanceBlocked", BANNED)
    wait_in_queue(stage, BANNED, 1)
    stage.is_muted(*MUTED)
    stage.begins_anew(BANNED, "blocked")
    stage.is_quiet("GreenApiMessagesStuck")
    stage.is_in_state(BANNED, "authorized")

    stage.sends(DIRTY, 20, ("pending", "noAccount"), 1.5)
    stage.sends(DIRTY, 20, GOOD, 2.5)
    stage.fires("GreenApiNoAccountHigh", DIRTY)
    stage.begins_anew(DIRTY)

    wait_in_queue(stage, STUCK, 6)
    stage.fires("GreenApiMessagesStuck", STUCK)
    stage.fires("GreenApiSendingStalled", STUCK)
    stage.begins_anew(STUCK)
    stage.is_quiet()

    service_mends = stage.service_breaks()
    for name in NAMES:
        stage.fires("GreenApiQueryFailing", name)
    service_mends()
    stage.is_quiet()


def wait_in_queue(stage: Stage, name: str, messages: int) -> None:
    """Put messages into the queue that have been there for long."""
    for number in range(messages):
        stage.message(name, time.time() - LONG_AGO - number, ("pending",))


def told(stage: Stage) -> list[tuple[str, str, str]]:
    """The notifications of something new; the four instances of one outage as one."""
    firing = [("firing", alert, "" if alert == "GreenApiQueryFailing" else name) for word, alert, name in stage.notified
              if word == "firing"]  # fmt: skip
    return list(dict.fromkeys(firing))
