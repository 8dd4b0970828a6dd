"""The table itself: what can be forgotten when adding a state, a prompt, or a transition."""

from contextlib import suppress

import pytest
from attrs import define, evolve, fields

from paperless_ivr.errors import FlowProblems
from paperless_ivr.flow import lines
from paperless_ivr.flow.blocks import ONE_KEY, Ask, Do, End, Press
from paperless_ivr.flow.call import Purpose
from paperless_ivr.flow.checks import check
from paperless_ivr.flow.errors import CallFinished, UnexpectedEvent
from paperless_ivr.flow.events import (
    Accepted,
    Digits,
    InvoiceChecked,
    NoInput,
    RequestDeferred,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.flow.facts import agent, all_of, wrong_used_up
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.machine import Mover
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.requests import OPERATIONS
from paperless_ivr.flow.rows import REPROMPT, On
from paperless_ivr.flow.states import ENDS, Kind, State
from paperless_ivr.flow.table import BLOCKS, CHAPTERS, FLOW, PROMPTS
from paperless_ivr.flow.view import Terms, Transition
from paperless_ivr.proof.cases import cases, tight
from paperless_ivr.proof.exploration import walk

pytestmark = pytest.mark.requirement("R40")


def problems(table=FLOW, terms=None):
    """Return what `check` finds."""
    with pytest.raises(FlowProblems) as error:
        check(terms or Terms(), table)
    return error.value.problems


def test_the_table_is_sound():
    """The shipped flow has no problems."""
    check(Terms())


def test_rows_have_names_of_their_own():
    """Every row of a state has a unique name."""
    for state, rows in FLOW.items():
        names = [row.name(state) for row in rows]

        assert len(names) == len(set(names))


def test_every_ending_is_a_disposition():
    """Every end state has the disposition with the same name."""
    assert {end.name for end in ENDS} == {end.disposition.name for end in ENDS}


@pytest.mark.parametrize("state", list(FLOW), ids=lambda state: state.name)
def test_a_block_forgotten(state):
    """A state without a block is named."""
    table = {other: rows for other, rows in FLOW.items() if other is not state}

    assert any(f"{state.name} has no transitions" in problem for problem in problems(table))


@pytest.mark.parametrize("state", list(State), ids=lambda state: state.name)
def test_a_state_without_a_block(state, monkeypatch):
    """A state that is in no chapter is named."""
    monkeypatch.delitem(BLOCKS, state)

    assert f"{state.name} has no block: write one in its chapter" in problems()


def test_a_state_is_in_one_chapter():
    """No two chapters have a block for the same state."""
    assert sorted(state.name for chapter in CHAPTERS for state in chapter.CHAPTER) == sorted(
        state.name for state in State
    )


@pytest.mark.parametrize("state", list(State), ids=lambda state: state.name)
def test_a_state_in_the_chapter_of_its_phase(state):
    """The states of a chapter have one phase, and all states of that phase are in it."""
    (blocks,) = (chapter.CHAPTER for chapter in CHAPTERS if state in chapter.CHAPTER)

    assert {other.phase for other in blocks} == {state.phase}, "give it the phase of its chapter"


def test_a_prompt_is_declared_once():
    """No two chapters declare the same prompt, and none declares a shared one."""
    declared = [*lines.SHARED, *(name for chapter in CHAPTERS for name in chapter.PROMPTS)]

    assert sorted(declared) == sorted(PROMPTS)


def test_a_chapter_declares_what_it_says():
    """Prompts that only one chapter says are declared there; those that several say are shared."""
    for chapter in CHAPTERS:
        others = {name for other in CHAPTERS if other is not chapter for name in said_by(other)}

        assert sorted(set(chapter.PROMPTS) & others) == []


def said_by(chapter):
    """Return the prompts that the blocks of a chapter say: words, keys, help, and along the way."""
    for block in chapter.CHAPTER.values():
        yield from (name for each in declared(block) for name in each.names)
        yield from (row.say for row in block.rows if row.say)


def test_a_block_of_another_kind(monkeypatch):
    """A state whose block is of another kind is named."""
    monkeypatch.setitem(BLOCKS, State.OFFER, BLOCKS[State.DONE])

    assert "OFFER has the kind ask, but its block has the kind pass" in problems()


@pytest.mark.parametrize(
    ("kind", "less"), [(Ask, "say"), (Do, "say"), (End, "say"), (Do, "ask"), (Do, "answers")]
)
def test_words_and_requests_cannot_be_forgotten(kind, less):
    """A block without words, without a request, or without answers cannot be written."""
    block = next(block for block in BLOCKS.values() if isinstance(block, kind))
    given = {each.name: getattr(block, each.name) for each in fields(kind) if each.name != less}

    with pytest.raises(TypeError, match=less):
        kind(**given)


@pytest.mark.parametrize("state", [S for S in State if S.kind is Kind.ASK], ids=lambda s: s.name)
def test_keys_forgotten(state, monkeypatch):
    """A question without a menu or an entry is named."""
    monkeypatch.setitem(BLOCKS, state, evolve(BLOCKS[state], keys=(), by=ONE_KEY))

    assert any(f"{state.name} waits for no keys" in problem for problem in problems())


def test_a_row_that_is_never_taken():
    """A row after one that always holds is named."""
    table = {**FLOW, State.OFFER: (On(Digits, State.DECLINED), *FLOW[State.OFFER])}

    assert any("never taken" in problem for problem in problems(table))


def test_a_row_behind_one_with_the_same_guard():
    """A row whose guard an earlier row has, for the same event, is named."""
    choice = next(row for row in FLOW[State.OFFER] if "chose no" in row.when.__name__)
    table = {**FLOW, State.OFFER: (*FLOW[State.OFFER], evolve(choice, to=State.LEAVING))}

    assert any("never taken" in p and "chose no → LEAVING" in p for p in problems(table))


def test_a_row_behind_one_that_asks_less():
    """A row whose guard holds only if that of an earlier row does, for the same event, is named."""
    choice = next(row for row in FLOW[State.OFFER] if "chose no" in row.when.__name__)
    narrower = evolve(choice, to=State.LEAVING, when=all_of(choice.when, agent))
    table = {**FLOW, State.OFFER: (*FLOW[State.OFFER], narrower)}

    (problem,) = problems(table)
    assert "never taken" in problem
    assert "→ LEAVING" in problem


@pytest.mark.parametrize("title", ["", "A title that is longer than a card"])
def test_a_title_that_does_not_fit(title, monkeypatch):
    """A state without a title, or with one that is too long for a card, is named."""
    monkeypatch.setitem(BLOCKS, State.OFFER, evolve(BLOCKS[State.OFFER], title=title))

    assert problems() == ("OFFER needs a title of at most 32 characters, for the pictures",)


def test_a_consent_that_no_question_asks_for(monkeypatch):
    """A kind of consent is named if its question does not give it."""
    question = next(s for s, b in BLOCKS.items() if getattr(b, "consent", None) is Purpose.TEXT)
    monkeypatch.setitem(BLOCKS, question, evolve(BLOCKS[question], consent=None, hear=True))

    assert problems() == ("no question asks for Purpose.TEXT: set consent=Purpose.TEXT on one",)


def test_a_consent_without_words(monkeypatch):
    """A kind of consent that has no words is named."""
    monkeypatch.setattr(Purpose.TEXT, "words", " ")

    assert problems() == ("Purpose.TEXT has no words: add them in flow/call.py",)


def test_a_row_of_its_own_takes_the_place_of_a_shared_one():
    """A question that handles wrong keys itself has no other row for them."""
    ask = BLOCKS[State.OFFER]
    own = On(Digits, State.DECLINED, when=wrong_used_up)
    rows = evolve(ask, ways=(*ask.ways, own)).rows

    assert [row.to for row in rows if row.when is wrong_used_up] == [State.DECLINED]
    assert len(rows) == len(ask.rows)
    check(Terms(), {**FLOW, State.OFFER: rows})


def test_an_event_without_a_way_out():
    """Silence that leads nowhere is named."""
    rows = tuple(row for row in FLOW[State.ACCOUNT_ENTRY] if NoInput not in row.events)
    found = problems({**FLOW, State.ACCOUNT_ENTRY: rows})

    assert (
        "ACCOUNT_ENTRY has no unconditional transition for NoInput: add a row without when="
        in found
    )


def test_a_trap_and_a_state_nobody_comes_to():
    """A state that only asks again is a trap, and those after it are unreachable."""
    rows = tuple(evolve(row, to=REPROMPT) for row in FLOW[State.AUTOPAY_OFFER])
    found = problems({**FLOW, State.AUTOPAY_OFFER: rows})

    assert "AUTOPAY_OFFER is a trap: no path leads from it to an ending" in found
    assert "no call reaches AUTOPAY: add a row that leads to it" in found


def test_a_question_that_calls_only_come_back_to():
    """A question reached only by callers who come back without an agent is named."""
    rows = tuple(row for row in FLOW[State.AFTERWARDS] if row.to is not State.AUTOPAY_OFFER)

    found = problems({**FLOW, State.AFTERWARDS: rows})

    assert "no call reaches AUTOPAY_OFFER: add a row that leads to it" in found


def test_a_prompt_that_is_none():
    """A row that says an unknown prompt is named."""
    table = {**FLOW, State.OFFER: (*FLOW[State.OFFER], On(Digits, REPROMPT, say="nonsense"))}

    assert any("'nonsense', which is not a prompt" in problem for problem in problems(table))


@pytest.mark.parametrize(
    "state", [state for state in State if state.kind is not Kind.PASS], ids=lambda state: state.name
)
def test_a_line_that_says_what_is_no_prompt(state, monkeypatch):
    """A state whose line names an unregistered prompt is named, before any call."""
    said = (*BLOCKS[state].say, lines.say("nonsense"))
    monkeypatch.setitem(BLOCKS, state, evolve(BLOCKS[state], say=said))

    assert f"{state.name} says 'nonsense', which is not a prompt: add it to its chapter" in (
        problems()
    )


def test_a_prompt_that_nothing_says():
    """A prompt of a chapter that no block and no row says is named."""
    rows = tuple(evolve(row, say=None) for row in FLOW[State.OPT_OUT_KEEPING])
    found = problems({**FLOW, State.OPT_OUT_KEEPING: rows})

    assert "no block says 'paper_kept': say it in its chapter, or remove it from PROMPTS" in found


def declared(block):
    """Return the lines and keys of a block, each with the names of its prompts."""
    return (*block.say, *block.keys) if isinstance(block, Ask) else tuple(block.say)


SAID = {(state, n) for state, block in BLOCKS.items() for x in declared(block) for n in x.names}


@pytest.mark.parametrize(
    ("state", "name"), sorted(SAID, key=lambda pair: (pair[0].name, pair[1])), ids=str
)
def test_a_prompt_forgotten(state, name, monkeypatch):
    """A prompt removed from the registry is reported where it is said."""
    monkeypatch.delitem(PROMPTS, name)

    assert any(f"{state.name} says {name!r}" in problem for problem in problems())


def test_lines_say_what_they_declare(monkeypatch):
    """In every walk, lines and keys of menus say only the prompts that they name."""
    said = []

    def watched(line):
        def tell(view):
            told = tuple(line.tell(view))
            said.extend((line, prompt.name) for prompt in told)
            return told

        return line if line is lines.options else evolve(line, tell=tell)

    def noted(keys):
        def offer(view):
            told = keys.offer(view)
            said.extend((keys, option.prompt) for option in told if option.prompt)
            return told

        return evolve(keys, offer=offer)

    for state, block in BLOCKS.items():
        if block.kind is not Kind.PASS:
            heard = evolve(block, say=tuple(map(watched, block.say)))
            if isinstance(block, Ask):
                heard = evolve(heard, keys=tuple(map(noted, block.keys)))
            monkeypatch.setitem(BLOCKS, state, heard)
    for case in cases():
        if case.name in ("already paperless", "AutoPay, a person", "strict", "text link only"):
            flow = Flow(tight(case))
            walk(flow, flow.begin(case.arrival), case.world, {})

    assert {name for one, name in said if name not in one.names} == set()
    assert len({name for _, name in said}) > 60


def test_a_consent_that_remembers_something_else(monkeypatch):
    """A yes that creates a consent, and also has another update, is named."""
    ask = BLOCKS[State.AUTOPAY_OFFER]
    ways = (Press(Choice.YES, State.AUTOPAY, keep=lambda c: c.call), *ask.ways[1:])
    monkeypatch.setitem(BLOCKS, State.AUTOPAY_OFFER, evolve(ask, ways=ways))

    assert (
        "AUTOPAY_OFFER creates a consent, so its yes cannot have an update of its own" in problems()
    )


def test_a_consent_without_a_yes(monkeypatch):
    """A question that asks for a consent, but has no yes to create it, is named."""
    ask = BLOCKS[State.AUTOPAY_OFFER]
    monkeypatch.setitem(BLOCKS, State.AUTOPAY_OFFER, evolve(ask, ways=ask.ways[1:]))

    assert any(
        "AUTOPAY_OFFER uses consent or hear but has no yes" in problem for problem in problems()
    )


@pytest.mark.requirement("R09")
@pytest.mark.parametrize("kept", [(), (lines.which_bill,)], ids=["plain", "which bill"])
def test_a_consent_to_nothing_that_must_be_heard(monkeypatch, kept):
    """A question of consent with plain words is named, even if it tells bills apart."""
    ask = BLOCKS[State.AUTOPAY_OFFER]
    plain = [
        each
        for line in ask.say
        for each in ([line] if line in kept else map(lines.say, line.names))
    ]
    monkeypatch.setitem(BLOCKS, State.AUTOPAY_OFFER, evolve(ask, say=plain))

    assert "AUTOPAY_OFFER says nothing that must be heard before a yes: use must(...)" in problems()


def test_an_option_without_a_way(monkeypatch):
    """A key that is offered, but that no row is about, is named."""
    ask = BLOCKS[State.AUTOPAY_OFFER]
    monkeypatch.setitem(BLOCKS, State.AUTOPAY_OFFER, evolve(ask, ways=ask.ways[:1]))

    assert "AUTOPAY_OFFER has no transition for Choice.NO: add a Press for it" in problems()


def test_a_way_without_a_key(monkeypatch):
    """A choice that has a transition, but no key, is named."""
    ask = BLOCKS[State.AUTOPAY_OFFER]
    monkeypatch.setitem(BLOCKS, State.AUTOPAY_OFFER, evolve(ask, keys=ask.keys[:1]))

    assert "AUTOPAY_OFFER offers no key for Choice.NO: add one to keys=, with words" in problems()


@pytest.mark.requirement("R09")
def test_what_must_be_heard_in_a_question_that_does_not_wait_for_it(monkeypatch):
    """A question that says what must be heard, but accepts an earlier yes, is named."""
    ask = BLOCKS[State.AUTOPAY_OFFER]
    monkeypatch.setitem(BLOCKS, State.AUTOPAY_OFFER, evolve(ask, consent=None))

    assert (
        "AUTOPAY_OFFER uses must('autopay_offer'), so it needs consent= or hear=True" in problems()
    )


def test_an_entry_without_examples(monkeypatch):
    """An entry that the proof could not walk is named."""
    ask = BLOCKS[State.PHONE_CAPTURE]
    monkeypatch.setitem(BLOCKS, State.PHONE_CAPTURE, evolve(ask, examples=None))

    assert any("PHONE_CAPTURE has no examples" in problem for problem in problems())


def test_operations():
    """A service that cannot look up an account, or has unknown operations, is named."""
    terms = evolve(Terms(), operations=OPERATIONS - {"SearchByAccountNumber"} | {"Sing"})
    found = problems(terms=terms)

    assert any("no SearchByAccountNumber" in problem for problem in found)
    assert any("Sing is not an operation" in problem for problem in found)


def test_one_machine_moves_all_calls():
    """The compiled machine has the table's rows, no model, and no other triggers."""
    machine = Mover(FLOW).machine
    compiled = sum(
        len(ways) for event in machine.events.values() for ways in event.transitions.values()
    )

    assert sum(len(row.events) for rows in FLOW.values() for row in rows) == compiled
    assert machine.models == []
    assert not [name for name in machine.events if name.startswith("to_")]


MISFITS = (
    Accepted(),
    RequestDeferred(),
    InvoiceChecked(True),
    TransferEnded(TransferResult.BUSY),
)


@define
class OneEvent:
    """The model that the machine's own dispatch moves."""

    state: State
    transition: Transition
    row: On | None = None


@pytest.mark.requirement("R42")
def test_each_step_is_the_machines_own(monkeypatch):
    """Along several walks, and for events that do not fit, `transitions` agrees."""
    quick, compared, lost = Mover.move, 0, 0

    def both(mover, transition):
        nonlocal compared, lost
        compared += 1
        way = quick(mover, transition)
        one = OneEvent(transition.call.state, transition)
        trigger = mover.machine.events.get(type(transition.event).__name__)
        known = trigger is not None and one.state.name in trigger.transitions
        assert (known and trigger.trigger(one, one)) is (way is not None)
        if way is None:
            lost += 1
            assert (one.row, one.state) == (None, transition.call.state)
        else:
            row, name = way
            assert one.row is row
            assert one.state is (row.to or transition.call.state)
            assert name == row.name(transition.call.state)
        return way

    monkeypatch.setattr(Mover, "move", both)
    for case in cases():
        if case.name in ("already paperless", "AutoPay, a person", "strict", "text link only"):
            flow = Flow(tight(case))
            seen = walk(flow, flow.begin(case.arrival), case.world, {})
            for turn in seen.reached.values():
                for event in MISFITS:
                    with suppress(UnexpectedEvent, CallFinished):
                        flow.advance(turn.call, event)

    assert compared > 1000
    assert lost > 100


def test_a_change_of_the_table_is_another_release():
    """The digest of a flow identifies its table."""
    table = {**FLOW, State.OFFER: FLOW[State.OFFER][1:]}

    assert Flow().digest == Flow(Terms()).digest
    assert Flow().digest != Flow(Terms(), table).digest
