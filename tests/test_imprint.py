"""What an array changes in the last one is found without parsing all of it, and is never anything but the truth."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.imprint import Change, change, imprint_of
from exporter.model import Imprint

WORDS = ["", "sent", "delivered", "}, {", "},{", '"}]', "\\", "чат", "[{", "x" * 300]
TEXTS = st.sampled_from(WORDS) | st.text(max_size=9)
VALUES = TEXTS | st.integers(0, 99) | st.lists(st.fixed_dictionaries({"option": TEXTS}), max_size=3)
ELEMENTS = st.dictionaries(st.sampled_from(["id", "status", "text", "poll"]), VALUES, max_size=4)
ROWS = st.sampled_from([{"id": str(number % 3), "status": WORDS[number]} for number in range(6)])
ARRAYS = st.lists(ELEMENTS, max_size=12) | st.lists(ROWS, min_size=17, max_size=30)
"""Within a block or two, and over some more."""
FORMS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n ", ":")])


def written(elements: list[Any], separators: tuple[str, str] = (",", ":"), *, ascii_only: bool = False) -> bytes:
    return json.dumps(elements, separators=separators, ensure_ascii=ascii_only).encode(errors="replace")


def loads(body: bytes) -> Any:
    """As lenient as what only skips a text: control characters may stand in it."""
    return json.loads(body.removeprefix(b"\xef\xbb\xbf"), strict=False)


def seen(elements: list[Any]) -> Imprint:
    imprint = imprint_of(written(elements))
    assert imprint is not None
    return imprint


def rows(*statuses: str) -> list[dict[str, object]]:
    return [{"id": str(number), "status": status} for number, status in enumerate(statuses)]


def told(found: Change | None) -> dict[int, Any]:
    """The elements that changed, decoded."""
    assert found is not None and found.elements is not None
    return {place: loads(bytes(element)) for place, element in found.elements.items()}


def held_against_the_truth(before: bytes, after: bytes, *, of_one_form: bool = False) -> None:
    """Whatever is said of `after` is so; and what is remembered of it will do for the next one.

    Where both are written in one form it is what would be remembered had it been parsed.
    """
    last = imprint_of(before)
    found = last and change(last, after)
    if not found:
        return
    old, new = loads(before), loads(after)
    if found.elements is not None:
        assert len(new) == len(old)
        assert _amended(old, told(found)) == new
    assert len(found.imprint.begins) == len(found.imprint.digests) == len(new)
    assert change(found.imprint, after) == Change({}, found.imprint)
    if (parsed := imprint_of(after)) is not None:
        assert (found.imprint.whole, found.imprint.begins) == (parsed.whole, parsed.begins)
        assert found.imprint == parsed or not of_one_form
    again = change(found.imprint, before)
    if again is not None and again.elements is not None:
        assert _amended(new, told(again)) == old


def _amended(elements: list[Any], changed: dict[int, Any]) -> list[Any]:
    return [changed.get(place, element) for place, element in enumerate(elements)]


@given(ARRAYS, ARRAYS, FORMS, FORMS)
def test_of_any_two_arrays_only_the_truth_is_said(
    before: list[Any], after: list[Any], form: tuple[str, str], other: tuple[str, str]
) -> None:
    held_against_the_truth(written(before, form), written(after, other))


@given(ARRAYS, st.data())
def test_of_an_array_in_which_some_elements_became_others_only_the_truth_is_said(
    before: list[Any], data: st.DataObject
) -> None:
    after = list(before)
    for _ in range(data.draw(st.integers(1, 4))):
        edit, place = data.draw(st.sampled_from(["other", "insert", "remove", "swap"])), data.draw(st.integers(0, 30))
        match edit:
            case "other" if place < len(after):
                after[place] = data.draw(ELEMENTS)
            case "insert":
                after.insert(place, data.draw(ELEMENTS))
            case "remove" if place < len(after):
                del after[place]
            case "swap" if place + 1 < len(after):
                after[place : place + 2] = after[place + 1], after[place]
    held_against_the_truth(written(before), written(after), of_one_form=True)


@given(ARRAYS, st.binary(max_size=6), st.integers(0, 600), st.integers(0, 6))
@example([{"id": "1"}, {"id": "2"}], b"]", 11, 0)
@example([{}], b"", 0, 4)
@example([{"id": "1"}, {"id": "1"}, {}], b"", 0, 1)
def test_of_bytes_that_are_no_array_any_more_nothing_is_said(
    before: list[Any], scribble: bytes, at: int, over: int
) -> None:
    body = written(before)
    after = body[: at % (len(body) + 1)] + scribble + body[at % (len(body) + 1) + over :]
    try:
        after.decode()
    except UnicodeDecodeError:
        return  # whoever decodes an element looks at that
    held_against_the_truth(body, after)


def test_the_same_bytes_change_nothing() -> None:
    last = seen(rows("sent", "read"))
    assert change(last, written(rows("sent", "read"))) == Change({}, last)


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        (["sent"] * 5, ["sent", "delivered", "sent", "sent", "sent"], {1}),
        (["sent"] * 5, ["read", "sent", "sent", "sent", "delivered"], {0, 4}),
        (["sent"] * 9, ["sent", *["delivered"] * 7, "sent"], set(range(1, 8))),
        (["sent"], ["read"], {0}),
    ],
    ids=["one in the middle", "the first and the last", "seven in a row", "the only one"],
)
def test_elements_that_became_others_are_found_where_they_stand(
    before: list[str], after: list[str], places: set[int]
) -> None:
    found = told(change(seen(rows(*before)), written(rows(*after))))
    assert found == {place: rows(*after)[place] for place in places}


@pytest.mark.parametrize("change_at", ["the begin", "the end", "both ends", "the middle"])
def test_an_array_in_which_elements_came_or_went_is_remembered_as_if_it_had_been_parsed(change_at: str) -> None:
    before = rows(*["sent"] * 30)
    after = [{"id": "new"}, {"id": "newer"}, *before] if change_at in ("the begin", "both ends") else list(before)
    if change_at == "the middle":
        del after[10]
    elif change_at != "the begin":
        del after[-3:]
    body = written(after)
    found = change(seen(before), body)
    assert found == Change(None, found.imprint if found else seen(after))
    assert found.imprint == imprint_of(body)


def test_an_array_with_anything_but_objects_is_not_remembered() -> None:
    others: list[Any] = [None, 1, "text", [1], [{}]]
    assert not any(imprint_of(written([{"id": "1"}, other])) for other in others)
    assert imprint_of(b"{}") is None
    assert imprint_of(b"[]") is None
    assert imprint_of(b"[{}") is None


def test_a_byte_order_mark_and_white_space_are_part_of_what_is_compared() -> None:
    body = b'\xef\xbb\xbf [ {"id": "1"} , {"id": "2"} ]\n'
    last = imprint_of(body)
    assert last is not None
    assert told(change(last, body.replace(b"2", b"3"))) == {1: {"id": "3"}}
    assert told(change(last, body[3:])) == {0: {"id": "1"}}
