"""Decoding: what each body of the service becomes, captured ones first, and what no row can do to the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter import wire
from exporter.errors import AnswerUnusable
from exporter.model import REJECTIONS, InstanceSettings, Journal, Outcome

SAMPLES = Path(__file__).parent / "samples"
AT = 1_790_000_000
GOOD = {"type": "outgoing", "idMessage": "A1", "timestamp": AT, "chatId": "1@c.us", "statusMessage": "sent"}


def read(body: bytes) -> Journal:
    return wire.journal_after(None, body).whole()


def refusal(body: bytes) -> Outcome:
    """The outcome of a journal that cannot be used."""
    with pytest.raises(AnswerUnusable) as caught:
        read(body)
    return caught.value.outcome


def words(journal: Journal) -> list[tuple[str | None, str | None]]:
    return [(row.status, row.message_type) for row in journal.rows]


def beside_a_good_row(element: object) -> dict[str, int]:
    """Why `element` was rejected; the good row next to it must be there whatever `element` is."""
    journal = read(json.dumps([GOOD, element]).encode())
    assert journal.rows[0].id == "A1"
    assert journal.length == 2
    return journal.rejected


ROWS = {
    "whatsapp_docs_2021.json": [("read", "textMessage"), ("read", "imageMessage")],
    "whatsapp_live_shapes_2026_09.json": [("read", "extendedTextMessage"), ("delivered", "imageMessage")],
    "webhook_status_sent_delivered_pair.json": [(None, None), (None, None)],
}
REJECTED = {
    "incoming_journal_shape_2026_09.json": {"not_outgoing": 1},
    "partner_getinstances.json": {"no_id": 1},
    "showmessagesqueue_max.json": {"not_outgoing": 1},
}
UNUSABLE = {
    "error_400_validation.json": Outcome.MALFORMED,
    "error_404_nginx.html": Outcome.MALFORMED,
    "error_466_quota.json": Outcome.MALFORMED,
    "getstateinstance.json": Outcome.MALFORMED,
    "http200_or_401_or_429_empty_body.txt": Outcome.MALFORMED,
    "http200_rejected.json": Outcome.REFUSED,
    "webhook_state_changed.json": Outcome.MALFORMED,
    "webhook_status_noaccount.json": Outcome.MALFORMED,
    "whatsapp_docs_2021_trailing_comma.txt": Outcome.MALFORMED,
}


class TestCapturedAnswers:
    @pytest.mark.parametrize("name", ROWS)
    def test_a_captured_journal_gives_its_rows(self, name: str) -> None:
        journal = read((SAMPLES / name).read_bytes())
        assert words(journal) == ROWS[name]
        assert journal.rejected == {}

    def test_a_captured_group_gives_every_row_as_sent_by_the_api(self) -> None:
        journal = read((SAMPLES / "whatsapp_openintegrations_en_group.json").read_bytes())
        shown = json.loads((SAMPLES / "whatsapp_openintegrations_en_group.json").read_text())
        assert words(journal) == [("sent", row["typeMessage"]) for row in shown]
        assert {row.by_api for row in journal.rows} == {True}
        assert journal.rows[0].message_type == "deletedMessage"

    @pytest.mark.parametrize("name", REJECTED)
    def test_a_list_of_other_things_has_no_rows(self, name: str) -> None:
        journal = read((SAMPLES / name).read_bytes())
        assert (journal.rows, journal.rejected) == ([], REJECTED[name])

    @pytest.mark.parametrize("name", UNUSABLE)
    def test_what_is_no_journal_is_no_answer(self, name: str) -> None:
        assert refusal((SAMPLES / name).read_bytes()) is UNUSABLE[name]

    def test_every_sample_has_its_place_here(self) -> None:
        told = {*ROWS, *REJECTED, *UNUSABLE, "whatsapp_openintegrations_en_group.json"}
        assert told == {path.name for path in SAMPLES.iterdir()}

    def test_the_captured_state(self) -> None:
        assert wire.instance_state((SAMPLES / "getstateinstance.json").read_bytes()) == "authorized"


class TestFields:
    """Each field, and each kind of value that may stand in it."""

    @pytest.mark.parametrize(
        ("element", "reason"),
        [
            (None, "not_an_object"),
            (1, "not_an_object"),
            ("text", "not_an_object"),
            ([GOOD], "not_an_object"),
            ({}, "no_id"),
            ({"type": "outgoing", "typeMessage": ""}, "no_id"),
            (GOOD | {"idMessage": ""}, "no_id"),
            (GOOD | {"idMessage": 0}, "no_id"),
            (GOOD | {"idMessage": None}, "bad_type"),
            (GOOD | {"idMessage": True}, "bad_type"),
            (GOOD | {"idMessage": ["A1"]}, "bad_type"),
            ({"idMessage": "A1"}, "no_timestamp"),
            (GOOD | {"timestamp": ""}, "no_timestamp"),
            (GOOD | {"timestamp": 0}, "no_timestamp"),
            (GOOD | {"timestamp": None}, "bad_type"),
            (GOOD | {"timestamp": False}, "bad_type"),
            (GOOD | {"timestamp": str(AT)}, "bad_type"),
            (GOOD | {"timestamp": AT * 1000}, "bad_type"),
            (GOOD | {"timestamp": AT + 0.5}, "bad_type"),
            (GOOD | {"timestamp": 10**9 - 1}, "bad_type"),
            (GOOD | {"timestamp": 10**11 + 1}, "bad_type"),
            (GOOD | {"timestamp": -AT}, "bad_type"),
            (GOOD | {"chatId": None}, "bad_type"),
            (GOOD | {"chatId": {}}, "bad_type"),
            (GOOD | {"type": "incoming"}, "not_outgoing"),
            (GOOD | {"type": None}, "bad_type"),
            (GOOD | {"type": 1}, "bad_type"),
            (GOOD | {"statusMessage": 1}, "bad_type"),
            (GOOD | {"typeMessage": []}, "bad_type"),
        ],
    )  # fmt: skip
    def test_an_unusable_row_has_its_reason_and_costs_only_itself(self, element: object, reason: str) -> None:
        assert beside_a_good_row(element) == {reason: 1}

    @pytest.mark.parametrize(
        "element",
        [
            {"idMessage": "A1", "timestamp": AT},
            GOOD | {"type": ""},
            GOOD | {"timestamp": float(AT)},
            GOOD | {"timestamp": 10**9},
            GOOD | {"timestamp": 10**11},
            GOOD | {"statusMessage": None, "typeMessage": None},
            GOOD | {"sendByApi": None},
            GOOD | {"sendByApi": "***"},
            GOOD | {"sendByApi": [1, {"a": 2}]},
            GOOD | {"sendByApi": 10**400},
            GOOD | {"unknown": {"deep": [1, None, "x"]}, "isRead": 7, "textMessage": 5},
        ],
    )  # fmt: skip
    def test_a_row_needs_no_more_than_an_id_and_a_timestamp(self, element: object) -> None:
        assert beside_a_good_row(element) == {}

    def test_numbers_are_taken_as_text(self) -> None:
        element = GOOD | {"idMessage": 1765171730433, "chatId": -69500000000002}
        row = read(json.dumps([element]).encode()).rows[0]
        assert (row.id, row.chat) == ("1765171730433", "-69500000000002")

    def test_a_missing_chat_is_the_empty_one(self) -> None:
        assert read(b'[{"idMessage": "A1", "timestamp": 1790000000}]').rows[0].chat == ""

    @pytest.mark.parametrize("said", [True, False])
    def test_only_true_and_false_tell_who_sent(self, said: bool) -> None:
        rows = read(json.dumps([GOOD | {"sendByApi": said}]).encode()).rows
        assert rows[0].by_api is said

    def test_equal_rows_are_equal_and_hash_alike(self) -> None:
        """The ledger finds what an answer changes by the rows' hashes."""
        body = json.dumps([GOOD, GOOD, GOOD | {"statusMessage": "read"}]).encode()
        first, again, changed = read(body).rows
        assert first == again
        assert hash(first) == hash(again) != hash(changed)


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [
            b"", b" \n", b"null", b"{}", b"5", b'"[]"', b"[", b"[{]", b"[{},]", b"[]x", b"[][]", b"<html></html>",
            b"[NaN]", b"\x00", "[]".encode("utf-16"), b'["\xff"]', b"[" * 100_000, b'{"status": true}',
            b'{"status": 0}', b'{"status": null}', b"[" + b'{"a":' * 50_000,
        ],
    )  # fmt: skip
    def test_what_is_not_an_array_of_json_is_malformed(self, body: bytes) -> None:
        assert refusal(body) is Outcome.MALFORMED

    @pytest.mark.parametrize("method", [read, wire.instance_state, wire.instance_settings])
    def test_status_false_is_a_refusal_of_every_method(self, method: object) -> None:
        assert callable(method)
        with pytest.raises(AnswerUnusable) as caught:
            method(b'{"status": false, "reason": "79000000001 is not authorized"}')
        assert caught.value.outcome is Outcome.REFUSED
        assert "7900" not in caught.value.detail

    def test_an_empty_journal_is_an_answer(self) -> None:
        for body in (b"[]", b"\xef\xbb\xbf [ ]\n"):
            journal = read(body)
            assert (journal.rows, journal.rejected) == ([], {})

    @pytest.mark.parametrize("place", ["textMessage", "statusMessage", "idMessage"])
    def test_bytes_that_are_not_utf8_fail_the_query_wherever_they_stand(self, place: str) -> None:
        for wrong in (b"\xff", b"\xd0", b"\xed\xa0\x80"):
            body = json.dumps([GOOD | {place: "@@"}]).encode().replace(b"@@", wrong)
            assert refusal(body) is Outcome.MALFORMED

    def test_a_character_that_lies_across_two_pieces_is_whole(self) -> None:
        text = "ы" * 400_000
        for shift in range(2):
            body = json.dumps([GOOD | {"textMessage": "x" * shift + text}], ensure_ascii=False).encode()
            assert len(read(body).rows) == 1

    def test_text_cut_inside_an_emoji_costs_no_row(self) -> None:
        body = json.dumps([GOOD | {"textMessage": "\ud83d"}, GOOD | {"idMessage": "\ude00"}, GOOD, 5]).encode()
        journal = read(body)
        assert len(journal.rows) == 3
        assert journal.rejected == {"not_an_object": 1}

    def test_an_absurd_number_costs_only_its_row(self) -> None:
        body = b'[{"idMessage": "B", "timestamp": %s}, %s]' % (b"9" * 5000, json.dumps(GOOD).encode())
        journal = read(body)
        assert [row.id for row in journal.rows] == ["A1"]
        assert journal.rejected == {"bad_type": 1}

    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=40))
    def test_any_bytes_give_a_journal_or_a_refusal(self, body: bytes) -> None:
        for whole in (body, b"[" + body + b"]"):
            try:
                read(whole)
            except AnswerUnusable as unusable:
                assert unusable.outcome in (Outcome.MALFORMED, Outcome.REFUSED)

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_whatever_a_row_holds_the_others_stay(self, data: st.DataObject) -> None:
        plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
        value = plain | st.lists(plain, max_size=2)
        keys = st.sampled_from([*GOOD, "sendByApi", "typeMessage", "somethingNew"])
        element = data.draw(st.dictionaries(keys, value, max_size=7) | value)
        body = json.dumps([GOOD, element, GOOD | {"idMessage": "Z9"}], allow_nan=False).encode()
        journal = read(body)
        assert {"A1", "Z9"} <= {row.id for row in journal.rows}
        assert journal.length == 3
        assert journal.rejected.keys() <= set(REJECTIONS)


class TestState:
    @pytest.mark.parametrize("word", ["authorized", "notAuthorized", "somethingNew", "\ud83d"])
    def test_the_word_is_given_as_the_service_spells_it(self, word: str) -> None:
        assert wire.instance_state(json.dumps({"stateInstance": word, "x": 1}).encode()) == word

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"stateInstance": ""}', b'{"stateInstance": 1}', b"\xff"])
    def test_without_a_word_the_answer_is_malformed(self, body: bytes) -> None:
        with pytest.raises(AnswerUnusable) as caught:
            wire.instance_state(body)
        assert caught.value.outcome is Outcome.MALFORMED


class TestSettings:
    ANSWER: Final[dict[str, object]] = {
        "wid": "79000000000@c.us", "typeInstance": "whatsapp", "webhookUrlToken": "a secret", "outgoingWebhook": "yes",
        "outgoingMessageWebhook": "no", "outgoingAPIMessageWebhook": "yes", "incomingWebhook": "yes",
    }  # fmt: skip

    def decoded(self, **changes: object) -> InstanceSettings:
        return wire.instance_settings(json.dumps(self.ANSWER | changes).encode())

    def test_three_flags_and_the_product_are_kept_and_nothing_else(self) -> None:
        enabled = {"outgoingWebhook": True, "outgoingMessageWebhook": False, "outgoingAPIMessageWebhook": True}
        assert self.decoded() == InstanceSettings(enabled, "whatsapp")
        assert "secret" not in repr(self.decoded())

    @pytest.mark.parametrize(
        ("product", "messenger"),
        [("v3", "max"), ("telegram", "telegram"), ("waba", "waba"), ("new", "unknown"), (None, "unknown")],
    )
    def test_the_product_becomes_a_messenger(self, product: object, messenger: str) -> None:
        assert self.decoded(typeInstance=product).messenger == messenger

    def test_a_flag_is_yes_or_no_or_a_boolean_and_else_absent(self) -> None:
        settings = self.decoded(outgoingWebhook=True, outgoingMessageWebhook="maybe", outgoingAPIMessageWebhook=[])
        assert settings.enabled == {"outgoingWebhook": True}

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'{"other": 1}', b'{"wid": "\xff"}'])
    def test_what_holds_no_setting_is_malformed(self, body: bytes) -> None:
        with pytest.raises(AnswerUnusable) as caught:
            wire.instance_settings(body)
        assert caught.value.outcome is Outcome.MALFORMED
