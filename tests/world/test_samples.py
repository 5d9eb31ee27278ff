"""Each captured answer, served over HTTP as the service would, gives its rows by status and type, or its outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exporter.model import Method

from ..hostile import answer, saying
from .hostility import SAMPLES
from .inside import config, exporting, id_of, instance, run
from .numbers import Page
from .service import serving

Rows = dict[tuple[str, str], int]
REJECTED = "greenapi_outgoing_window_rejected_rows"


@dataclass(frozen=True, slots=True)
class Given:
    """What an answer must give: its outcome, and as a journal the rows by (status, type) and the rejected by reason."""

    outcome: str = "ok"
    rows: Rows = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    status: int = 200
    method: Method = Method.MESSAGES


MALFORMED = Given("malformed")
A_GROUP = {
    **dict.fromkeys(("extendedTextMessage", "contactMessage", "locationMessage", "pollMessage", "imageMessage"), 2),
    **dict.fromkeys(("deletedMessage", "videoMessage", "quotedMessage"), 1),
}
"""With outgoingWebhook off: nothing ever got beyond sent."""
CASES: tuple[tuple[str, Given], ...] = (
    ("whatsapp_docs_2021.json", Given(rows={("read", "textMessage"): 1, ("read", "imageMessage"): 1})),
    ("whatsapp_docs_2021_trailing_comma.txt", MALFORMED),
    (
        "whatsapp_live_shapes_2026_09.json",
        Given(rows={("read", "extendedTextMessage"): 1, ("delivered", "imageMessage"): 1}),
    ),
    (
        "whatsapp_openintegrations_en_group.json",
        Given(rows={("sent", message_type): number for message_type, number in A_GROUP.items()}),
    ),
    ("incoming_journal_shape_2026_09.json", Given(rejected={"not_outgoing": 1})),
    ("partner_getinstances.json", Given(rejected={"no_id": 1})),
    ("showmessagesqueue_max.json", Given(rejected={"not_outgoing": 1})),
    ("webhook_status_sent_delivered_pair.json", Given(rows={("none", "none"): 2})),
    ("webhook_status_noaccount.json", MALFORMED),
    ("webhook_state_changed.json", MALFORMED),
    ("webhook_state_changed.json", Given(method=Method.STATE)),
    ("getstateinstance.json", Given(method=Method.STATE)),
    ("getstateinstance.json", MALFORMED),
    ("http200_rejected.json", Given("refused")),
    ("http200_rejected.json", Given("refused", method=Method.STATE)),
    ("http200_rejected.json", Given("refused", method=Method.SETTINGS)),
    ("http200_or_401_or_429_empty_body.txt", MALFORMED),
    ("http200_or_401_or_429_empty_body.txt", Given("unauthorized", status=401)),
    ("http200_or_401_or_429_empty_body.txt", Given("rate_limited", status=429)),
    ("error_400_validation.json", Given("bad_request", status=400)),
    ("error_404_nginx.html", Given("not_found", status=404)),
    ("error_466_quota.json", Given("quota_exceeded", status=466)),
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """One scrape of as many instances as there are cases."""
    pages = []

    async def scenario() -> None:
        async with serving() as (service, _):
            for number, (name, given) in enumerate(CASES):
                body = (SAMPLES / name).read_bytes()
                service.misbehave(id_of(number), saying(answer(body, given.status)), given.method)
            file = config(
                tmp_path_factory.mktemp("samples"), *(instance(number, service.url) for number, _ in enumerate(CASES)),
                state_interval=60, settings_interval=3600,
            )  # fmt: skip
            async with exporting(file) as exporter:
                pages.append(await exporter.scrape())

    run(scenario())
    return pages[0]


@pytest.mark.parametrize(
    ("number", "given"),
    [(number, given) for number, (_, given) in enumerate(CASES)],
    ids=[f"{name} as {given.method} with {given.status}" for name, given in CASES],
)
def test_a_captured_answer_gives_what_is_in_it(number: int, given: Given, page: Page) -> None:
    id_ = id_of(number)
    if given.status not in (401, 404):  # those pause the whole instance, whatever else was under way
        others = {method: page.outcomes(id_, method) for method in Method if method is not given.method}
        assert others == {method: {"ok": 1} for method in others}
    assert page.outcomes(id_, given.method) == {given.outcome: 1}
    if given.method is Method.MESSAGES:
        assert _rows(page, id_) == given.rows
        assert _rejected(page, id_) == given.rejected


def test_no_capture_is_left_out() -> None:
    assert {path.name for path in Path(SAMPLES).iterdir()} == {name for name, _ in CASES}


def _rows(page: Page, id_: str) -> Rows:
    return {
        (labels["status"], labels["message_type"]): int(value)
        for name, labels, value in page.samples
        if name == "greenapi_outgoing_window_messages" and labels["id_instance"] == id_ and value
    }


def _rejected(page: Page, id_: str) -> dict[str, int]:
    return {
        labels["reason"]: int(value)
        for name, labels, value in page.samples
        if name == REJECTED and labels["id_instance"] == id_ and value
    }
