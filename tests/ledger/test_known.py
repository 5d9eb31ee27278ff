"""The columns in which messages are kept behave like a plain dict of messages."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from exporter.ledger.known import Known, Message, pack
from exporter.model import ALL_MESSAGE_TYPES, ALL_STATUSES, ORIGINS

times = st.floats(0, 1e11, allow_nan=False)
flags = st.booleans()
messages = st.builds(
    Message, st.integers(0, 2**63 - 1), st.sampled_from(ALL_STATUSES), st.sampled_from(ALL_STATUSES),
    st.sampled_from(ALL_MESSAGE_TYPES), st.sampled_from(ORIGINS), st.integers(10**9, 10**11),
    st.integers(10**9, 10**11), times, times, flags, flags, flags, flags, flags, flags,
)  # fmt: skip


class Columns(RuleBasedStateMachine):
    """Any sequence of additions, changes and forgetting, beside a dict from slot to message."""

    def __init__(self) -> None:
        super().__init__()
        self.known = Known()
        self.model: dict[int, Message] = {}

    @rule(message=messages)
    def meet(self, message: Message) -> None:
        if message.key not in {known.key for known in self.model.values()}:
            slot = self.known.add(message)
            assert slot not in self.model
            self.model[slot] = replace(message)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), other=messages)
    def change(self, data: st.DataObject, other: Message) -> None:
        slot = data.draw(st.sampled_from(sorted(self.model)))
        known = self.model[slot]
        changed = replace(other, key=known.key, sent=known.sent, born=known.born)
        self.known.put(slot, changed)
        self.model[slot] = replace(changed)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(sorted(self.model)))
        self.known.forget(slot)
        assert not self.known.holds(slot)
        assert self.known.find(self.model.pop(slot).key) is None

    @rule()
    def restore(self) -> None:
        """As a store does at a start: all columns at once."""
        saved = list(self.model.values())
        self.known = Known()
        self.known.extend(
            packed=[pack(m) for m in saved], keys=[m.key for m in saved], sent=[m.sent for m in saved],
            timestamps=[m.timestamp for m in saved], shown_at=[m.shown_at for m in saved], born=[m.born for m in saved],
        )  # fmt: skip
        self.model = dict(enumerate(saved))

    @invariant()
    def holds_the_same(self) -> None:
        assert len(self.known) == len(self.model)
        assert {slot: self.known.get(slot) for slot in self.known.slots()} == self.model
        keys = {message.key: slot for slot, message in self.model.items()}
        assert self.known.index() == keys
        assert {key: self.known.find(key) for key in keys} == keys

    @invariant()
    def finds_the_same(self) -> None:
        assert self.known.present() == {slot for slot, m in self.model.items() if m.present}
        unsettled = {(m.born, slot) for slot, m in self.model.items() if m.counted and not m.settled}
        assert set(self.known.unsettled()) == unsettled
        assert set(self.known.absent()) == {(m.shown_at, slot) for slot, m in self.model.items() if not m.present}


def test_columns_behave_like_a_dict_of_messages() -> None:
    run_state_machine_as_test(Columns, settings=settings(max_examples=60, stateful_step_count=20, deadline=None))


def test_what_is_got_is_a_copy() -> None:
    known = Known()
    slot = known.add(Message(1, "sent", "sent", "textMessage", "api", 10**9, 10**9, 1.0, 1.0))
    known.get(slot).status = "read"
    assert known.get(slot).status == "sent"


def test_an_unknown_key_is_not_found_and_a_free_slot_has_none() -> None:
    known = Known()
    known.forget(known.add(Message(7, "sent", "sent", "textMessage", "api", 10**9, 10**9, 1.0, 1.0)))
    assert known.find(7) is None
    assert list(known.slots()) == []
    assert repr(known) == "<Known 0 messages>"
