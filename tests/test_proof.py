"""The proof of the flow, and that it finds what is planted."""

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperless_ivr.drive.live import deliver
from paperless_ivr.flow import waits
from paperless_ivr.flow.events import Digits, Ended, HungUp, OutcomeUnknown
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.rows import HERE, On
from paperless_ivr.flow.scene import Scene
from paperless_ivr.flow.states import State
from paperless_ivr.flow.table import FLOW
from paperless_ivr.keypad import looks_like_card
from paperless_ivr.secret import keys
from paperless_ivr.testing.exploration import alphabet, shape, walk
from paperless_ivr.testing.invariants import INVARIANTS
from paperless_ivr.testing.proof import cases, prove_all, tight
from paperless_ivr.testing.strategies import calls, events
from paperless_ivr.testing.transcripts import of_counterexample, parse

CASES = {case.name: case for case in cases()}
PLAIN = CASES["on file or a person: a language to choose, two on one number"]
OWN_YES = "a yes is its own, in time, and heard out"


def search(invariant, table=FLOW, deliver=deliver):
    """The first counterexample to one invariant, as the transcript that it is written as."""
    flow = Flow(tight(PLAIN), table)
    only = {name: held for name, held in INVARIANTS.items() if name == invariant}
    seen = walk(flow, flow.begin(PLAIN.arrival), PLAIN.world, only, deliver=deliver)
    assert seen.found, "what was planted was not found"
    (bug,) = seen.found
    assert invariant == bug.invariant
    text = of_counterexample(bug, PLAIN)
    assert parse(text).steps
    return bug.problem, text


@pytest.mark.requirement("R09", "R10", "R15", "R17", "R23", "R42")
def test_every_call():
    """All invariants hold for every call of every case, and every row of the table is taken."""
    proof = prove_all(cases())

    assert [(case.name, bug.invariant, bug.problem) for case, bug in proof.found] == []
    assert proof.uncovered == ()


@pytest.mark.requirement("R09", "R42")
def test_a_missing_token_check_is_found():
    """Without the token check, a key that is delivered again answers the next question too."""

    def careless(flow, live, _, event):
        return deliver(flow, live, live.token, event)

    problem, text = search(OWN_YES, deliver=careless)

    assert problem == "an answer to an earlier question gave a consent"
    assert "again" in text


@pytest.mark.requirement("R15", "R42")
def test_a_missing_budget_is_found():
    """An account number that costs no try can be asked for without end."""
    free = tuple(
        evolve(row, keep=lambda c: evolve(c.call, found=()))
        if row.say == "account_not_found" and row.to is State.ACCOUNT_ENTRY
        else row
        for row in FLOW[State.ACCOUNT_LOOKUP]
    )
    problem, _ = search("every call ends", {**FLOW, State.ACCOUNT_LOOKUP: free})

    assert "as it was" in problem


@pytest.mark.requirement("R23", "R42")
def test_an_unknown_outcome_sent_again_is_found():
    """A write whose answer was lost, sent again without a look-up, is found."""
    again = (On(OutcomeUnknown, HERE), *FLOW[State.ENROLLMENT])
    problem, text = search(
        "one key per consent; again only after absent", {**FLOW, State.ENROLLMENT: again}
    )

    assert "sent again without a look-up" in problem
    assert "unknown" in text


@pytest.mark.requirement("R09", "R42")
def test_a_consent_that_keeps_keys_pressed_ahead_is_found(monkeypatch):
    """A confirmation that takes a key pressed before it is found."""
    monkeypatch.setattr(waits, "FLUSHED", waits.FLUSHED - {State.CONFIRMATION})
    problem, text = search(OWN_YES)

    assert problem == "a key pressed before the question gave a consent"
    assert "ahead" in text


def test_what_is_not_planted_is_not_found():
    """The same searches find nothing in the flow that ships."""
    flow = Flow(tight(PLAIN))

    assert walk(flow, flow.begin(PLAIN.arrival), PLAIN.world, INVARIANTS).found == []


FLOWS = st.sampled_from([Flow(tight(case)) for case in cases()])


@pytest.mark.requirement("R42")
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_equal_shapes_go_on_alike(data):
    """Two calls of one shape, told apart by all that a shape leaves out, stay of one shape."""
    flow = data.draw(FLOWS)
    call = data.draw(calls(flow))
    event = data.draw(events())
    twin = evolve(
        call,
        lead=(),
        entry=evolve(call.entry, more_time=not call.entry.more_time),
        results=evolve(call.results, greeted=not call.results.greeted),
    )
    assert shape(call) == shape(twin)

    def after(one):
        try:
            return shape(flow.advance(one, event).call)
        except Exception as error:  # noqa: BLE001 - the same error is alike, too
            return type(error)

    if isinstance(event, Digits) and event.heard is not None:
        event = evolve(event, heard=None)  # counted from what was said on the way
    assert after(call) == after(twin)


CLASSES = {
    "unknown account": st.text("0123456789", min_size=6, max_size=12).filter(
        lambda text: not looks_like_card(text)
    ),
    "too short": st.text("123456789", min_size=1, max_size=3),
    "too long": st.text("123456789", min_size=21, max_size=21),
}


@pytest.mark.requirement("R42")
@settings(max_examples=100, deadline=None)
@given(data=st.data(), kind=st.sampled_from(sorted(CLASSES)))
def test_one_of_each_class_stands_for_all(data, kind):
    """Whatever number of one class is keyed, the call goes the same way."""
    flow = Flow()
    turn = flow.begin(evolve(PLAIN.arrival, language="en-US", ani=None, greeted=True))
    while turn.call.state is not State.ACCOUNT_ENTRY:
        first = alphabet(Scene(turn.call, flow.terms), turn, PLAIN.world)[0]
        assert not isinstance(first, HungUp)
        turn = flow.advance(turn.call, first)
    one, other = (data.draw(CLASSES[kind]) for _ in range(2))

    def way(number):
        taken = flow.advance(turn.call, Digits(keys(number), Ended.END_KEY))
        return taken.took, [prompt.name for prompt in taken.say]

    assert way(one) == way(other)
