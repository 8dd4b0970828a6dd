"""Any event may come during any call. The flow returns a turn or a named error, nothing else."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from paperless_ivr.flow.call import Call, Purpose
from paperless_ivr.flow.errors import CallFinished, FlowError, UnexpectedEvent
from paperless_ivr.flow.events import Event, HungUp, NoInput
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Disposition
from paperless_ivr.flow.policy import Address, AutoPay, Policy, Strategy
from paperless_ivr.flow.requests import OPERATIONS
from paperless_ivr.flow.saving import dump, load
from paperless_ivr.flow.states import Kind
from paperless_ivr.flow.turns import Gather, Return, Transfer, Turn
from paperless_ivr.flow.view import Terms
from paperless_ivr.testing.strategies import (
    CALLERS,
    Caller,
    Step,
    answers,
    anybody,
    calls,
    cooperative,
    curious,
    digits_events,
    done_by,
    events,
    flows,
    walks,
)
from tests.counts import heavy

pytestmark = pytest.mark.requirement("R42")

DEFAULT = Flow()
BY_KEYPAD = Flow(Terms(Policy(address=Address((Strategy.KEYPAD,)), autopay=AutoPay(offer=True))))
BY_LINK = Flow(Terms(Policy(address=Address((Strategy.TEXT_LINK,), email_required=False))))
KEPT = Flow(Terms(operations=OPERATIONS - {"EnrollInPaperless", "StoreCustomerPreference"}))
FLOWS = st.sampled_from((DEFAULT, BY_KEYPAD, BY_LINK, KEPT)) | flows()


def outcome(flow: Flow, call: Call, event: Event) -> Turn | FlowError:
    """Return the turn or the error. No other error is allowed."""
    try:
        return flow.advance(call, event)
    except FlowError as error:
        return error


def fits(flow: Flow, call: Call, event: Event) -> bool:
    """Return whether the table has a row for such an event in this state."""
    return any(isinstance(event, row.events) for row in flow.table.get(call.state, ()))


def shown(call: Call) -> Iterator[str]:
    """Return everything in a call that could be seen to change."""
    yield dump(call).decode()
    yield str(hash(call))


@pytest.mark.prove
@settings(deadline=None, max_examples=heavy(15, 100))
@given(st.data())
def test_turn_or_named_fault(data: st.DataObject) -> None:
    """An event at any turn of a call gives a turn exactly if the table has a row for it."""
    flow = data.draw(FLOWS)
    event = data.draw(events())
    for step in data.draw(walks(flow)):
        call = step.turn.call
        before = list(shown(call))

        after = outcome(flow, call, event)

        assert list(shown(call)) == before
        if call.state.kind is Kind.END:
            assert type(after) is (Turn if isinstance(event, HungUp) else CallFinished)
        else:
            assert type(after) is (Turn if fits(flow, call, event) else UnexpectedEvent)


@pytest.mark.prove
@settings(deadline=None, max_examples=heavy(15, 100))
@given(st.data())
def test_caller_may_do_anything(data: st.DataObject) -> None:
    """While keys are awaited, any keys, silence, or a hang-up give a turn, again and again."""
    flow = data.draw(FLOWS)
    turn = Turn(call := data.draw(calls(flow)), (), flow.turn(call).then)
    for _ in range(12):
        if not isinstance(turn.then, Gather):
            break
        turn = flow.advance(turn.call, data.draw(digits_events() | st.just(NoInput())))
        assert isinstance(flow.advance(turn.call, HungUp()), Turn)


@pytest.mark.prove
@settings(deadline=None, max_examples=heavy(15, 100))
@given(st.data())
def test_turn_is_told_from_the_call(data: st.DataObject) -> None:
    """What is said and awaited depends only on the call, at every turn of a walk."""
    flow = data.draw(FLOWS)
    for step in data.draw(walks(flow)):
        again = flow.turn(step.turn.call)

        assert (step.turn.say, step.turn.then) == (again.say, again.then)
        assert again.took == ()


@pytest.mark.prove
@settings(deadline=None, max_examples=heavy(15, 100))
@given(st.data())
def test_same_again_after_a_restart(data: st.DataObject) -> None:
    """The same call and event give the same turn, even in a new flow, for a saved call."""
    flow = data.draw(FLOWS)
    restarted = Flow(flow.terms)
    steps = data.draw(walks(flow))
    for before, after in pairwise(steps):
        assert after.event is not None
        assert flow.advance(before.turn.call, after.event) == after.turn
        assert restarted.advance(load(dump(before.turn.call)), after.event) == after.turn


@pytest.mark.prove
@settings(deadline=None, max_examples=heavy(15, 100))
@given(st.data())
def test_after_the_end(data: st.DataObject) -> None:
    """After the end, only a hang-up is allowed, and it changes nothing."""
    flow = data.draw(FLOWS)
    last = data.draw(walks(flow, callers=(curious, cooperative)))[-1].turn
    if not isinstance(last.then, Return):
        return

    assert flow.advance(last.call, HungUp()) == evolve(last, took=())
    with pytest.raises(CallFinished):
        flow.advance(last.call, NoInput())


@pytest.mark.prove
@settings(deadline=None, max_examples=heavy(15, 100))
@given(st.data())
def test_hang_up_ends_a_call(data: st.DataObject) -> None:
    """A hang-up at any turn ends the call, or first finishes the write in progress."""
    flow = data.draw(FLOWS)
    call = data.draw(calls(flow))
    for _ in range(12):
        turn = flow.advance(call, HungUp())
        if isinstance(turn.then, Return):
            return
        assert not isinstance(turn.then, Gather | Transfer)
        assert turn.say == ()
        call = flow.advance(turn.call, data.draw(answers(turn.then, call.found))).call
    pytest.fail("the call goes on without its caller")


@pytest.mark.parametrize("caller", [*CALLERS, anybody], ids=lambda caller: caller.__name__)
def test_every_call_ends(caller: Caller) -> None:
    """However a caller behaves, and whatever the back ends answer, the call ends."""

    @settings(deadline=None, max_examples=25)
    @given(st.data())
    def ends(data: st.DataObject) -> None:
        steps = data.draw(walks(data.draw(FLOWS), callers=(caller,), most=400))

        assert isinstance(steps[-1].turn.then, Return)

    ends()


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_cooperation_comes_to_something(data: st.DataObject) -> None:
    """If the back ends do their part, whatever a caller agreed to about a bill is done."""
    flow = data.draw(st.sampled_from((DEFAULT, BY_KEYPAD, BY_LINK, KEPT)))
    last = data.draw(walks(flow, callers=(cooperative,), worlds=(done_by,), most=200))[-1].turn
    assert isinstance(last.then, Return)

    agreed = {consent.purpose for consent in last.call.consents}
    about_bills = bool(agreed & {Purpose.ENROLL, Purpose.BACK_TO_PAPER})
    assert about_bills == bool(last.then.handback.outcomes)


@pytest.mark.prove
@pytest.mark.parametrize(
    ("flow", "ending"),
    [
        (DEFAULT, Disposition.ENROLLED),
        (BY_KEYPAD, Disposition.ENROLLED),
        (BY_LINK, Disposition.ENROLLED),
        (KEPT, Disposition.LINK_SENT),
    ],
)
def test_cooperation_enrolls(flow: Flow, ending: Disposition) -> None:
    """Cooperative callers enroll, however the address is found and the request is made."""
    seen = set()

    @settings(deadline=None, max_examples=heavy(50, 200), derandomize=True)
    @given(walks(flow, callers=(cooperative,), worlds=(done_by,), most=200))
    def enroll(steps: tuple[Step, ...]) -> None:
        then = steps[-1].turn.then
        assert isinstance(then, Return)
        seen.add(then.handback.disposition)

    enroll()

    assert ending in seen
