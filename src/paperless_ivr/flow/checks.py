"""Checks of a flow's table, made before the first call. All problems are reported together.

These checks need no call. They find, for example, states without a block, rows that are never
reached, and answers without a transition. `proof` checks the rest by walking through calls.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from paperless_ivr.errors import FlowProblems
from paperless_ivr.flow import events as e
from paperless_ivr.flow.blocks import Ask, Do, Press
from paperless_ivr.flow.call import Purpose
from paperless_ivr.flow.host import Moment
from paperless_ivr.flow.lines import SHARED, which_bill
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.phrases import conditions
from paperless_ivr.flow.requests import OPERATIONS, EnrollInPaperless, SearchByAccountNumber
from paperless_ivr.flow.rows import Row, Table, nothing
from paperless_ivr.flow.states import Kind, State
from paperless_ivr.flow.table import BLOCKS, FLOW, PROMPTS
from paperless_ivr.flow.view import Terms

CALLER = (e.Digits, e.NoInput, e.HungUp)
TITLE = 32
"""The maximum length of a title, in characters, so that it fits on a card in the pictures."""


def check(terms: Terms, table: Table = FLOW) -> None:
    """Check a table and its terms. Raises `FlowProblems`, which lists every problem."""
    found = [
        *_of_terms(terms),
        *_of_states(table),
        *_of_purposes(),
        *_of_rows(table),
        *_of_ways(table),
    ]
    if found:
        raise FlowProblems("the flow cannot be used", found)


def _of_terms(terms: Terms) -> Iterator[str]:
    needed, instead = SearchByAccountNumber.__name__, EnrollInPaperless.__name__
    moments = set(terms.policy.offer.moments)
    if needed not in terms.operations and instead not in terms.operations:
        yield f"the service has no {needed}, so no account can be looked up"
    elif needed not in terms.operations and moments != {Moment.AFTER_PAYMENT}:
        yield (
            f"the service has no {needed}, so only callers who have just paid can be identified: "
            'set offer.moments = ["after_payment"] in the policy'
        )
    for unknown in sorted(terms.operations - OPERATIONS):
        known = ", ".join(sorted(OPERATIONS))
        yield f"{unknown} is not an operation of the service; the operations are: {known}"


def _of_states(table: Table) -> Iterator[str]:
    """Find states whose block is missing, or has the wrong kind, title, transitions, or keys."""
    for state in State:
        block = BLOCKS.get(state)
        if block is None:
            yield f"{state.name} has no block: write one in its chapter"
            continue
        if block.kind is not state.kind:
            kinds = f"the kind {state.kind.value}, but its block has the kind {block.kind.value}"
            yield f"{state.name} has {kinds}"
        if not 0 < len(block.title) <= TITLE:
            yield f"{state.name} needs a title of at most {TITLE} characters, for the pictures"
        if state.kind is Kind.END:
            if state in table:
                yield f"{state.name} ends the call, so it cannot have transitions: remove them"
        elif not table.get(state):
            yield f"{state.name} has no transitions: add some to its block"
        if isinstance(block, Ask):
            yield from _of_question(state, block)


def _of_purposes() -> Iterator[str]:
    """Find purposes of consent that no question asks for, or that have no words."""
    asked = {block.consent for block in BLOCKS.values() if isinstance(block, Ask)}
    for purpose in Purpose:
        if purpose not in asked:
            yield f"no question asks for {purpose}: set consent={purpose} on one"
        if not purpose.words.strip():
            yield f"{purpose} has no words: add them in flow/call.py"


def _of_question(state: State, ask: Ask) -> Iterator[str]:
    if not ask.keys and not ask.takes_several_keys:
        yield f"{state.name} waits for no keys: add keys=, or by= to say how to gather them"
    if ask.takes_several_keys and ask.examples is None:
        yield f"{state.name} has no examples: add one of each kind of input, for the proof"
    for choice, key in _offered(ask):
        if not any(_takes(way, choice, key) for way in ask.ways):
            yield f"{state.name} has no transition for {choice}: add a Press for it"
    offered = {choice for choice, _ in _offered(ask)}
    for way in ask.ways:
        if isinstance(way, Press) and way.choice not in offered:
            yield f"{state.name} offers no key for {way.choice}: add one to keys=, with words"
    agreed = [way for way in ask.ways if isinstance(way, Press) and way.choice is Choice.YES]
    if ask.flushes and not agreed:
        yield f"{state.name} uses consent or hear but has no yes: add a Press for Choice.YES"
    # The call determines which prompts of a line are played, so only the proof can check that.
    heard = any(line.must_hear or len(line.names) > 1 for line in ask.say if line is not which_bill)
    if ask.flushes and not heard:
        yield f"{state.name} says nothing that must be heard before a yes: use must(...)"
    if not ask.flushes:
        for name in (name for line in ask.say if line.must_hear for name in line.names):
            yield f"{state.name} uses must({name!r}), so it needs consent= or hear=True"
    if ask.consent and any(way.keep is not nothing for way in agreed):
        yield f"{state.name} creates a consent, so its yes cannot have an update of its own"


def _offered(ask: Ask) -> Iterator[tuple[Choice, str]]:
    """Yield the choices that the menu of a question can offer, with their keys."""
    for keys in ask.keys:
        yield from ((choice, means.key) for choice, means in keys.means.items())


def _takes(way: Row | Press, choice: Choice, key: str) -> bool:
    """Whether a transition handles a choice: by name, by key, or by accepting any key."""
    if isinstance(way, Press):
        return way.choice is choice
    about = [condition.phrase.key.split() for condition in conditions(way.when)]
    return e.Digits in way.events and (not about or any(key in each for each in about))


def _of_rows(table: Table) -> Iterator[str]:
    """Find unknown or unused prompts, rows never reached, and events without a transition."""
    said = [(state, row.say) for state, rows in table.items() for row in rows if row.say]
    said += _declared()
    for state, name in said:
        if name not in PROMPTS:
            yield f"{state.name} says {name!r}, which is not a prompt: add it to its chapter"
    used = {name for _, name in said}
    for name in PROMPTS:
        if name not in SHARED and name not in used:
            yield f"no block says {name!r}: say it in its chapter, or remove it from PROMPTS"
    for state, rows in table.items():
        earlier: dict[type[Any], list[frozenset[tuple[str, bool]]]] = {}
        for row in rows:
            needs = frozenset((each.name, each.holds) for each in conditions(row.when))
            if all(any(less <= needs for less in earlier.get(event, ())) for event in row.events):
                yield f"never taken, because an earlier row always is: {row.name(state)}"
            for event in row.events:
                earlier.setdefault(event, []).append(needs)
        for event in _must_answer(state):
            if frozenset() not in earlier.get(event, ()):
                what = f"{state.name} has no unconditional transition for {event.__name__}"
                yield f"{what}: add a row without when="


def _declared() -> Iterator[tuple[State, str]]:
    """Yield each state with each prompt that its block declares in its lines, keys, or help."""
    for state, block in BLOCKS.items():
        for line in block.say:
            yield from ((state, name) for name in line.names)
        for keys in block.keys if isinstance(block, Ask) else ():
            yield from ((state, name) for name in keys.names)
        if block.help is not None:
            yield state, block.help


def _must_answer(state: State) -> tuple[type[Any], ...]:
    if state.kind is Kind.PASS:
        return (e.Arrived,)
    block = BLOCKS.get(state)
    return (*block.answers, e.HungUp) if isinstance(block, Do) else CALLER


def _of_ways(table: Table) -> Iterator[str]:
    """Find states that no call can reach, and states with no path to an ending."""
    ways = {
        state: {row.to for row in rows if row.to is not None and row.to is not state}
        for state, rows in table.items()
    }
    forth = {
        state: {row.to for row in rows if row.to is not None and not _returns(row)}
        for state, rows in table.items()
    }
    back: dict[State, set[State]] = {}
    for source, destinations in ways.items():
        for destination in destinations:
            back.setdefault(destination, set()).add(source)
    reached = _closure({State.GREETING}, forth)
    ending = _closure(set(ENDINGS), back)
    for state in State:
        if state not in reached:
            yield f"no call reaches {state.name}: add a row that leads to it"
        if state not in ending:
            yield f"{state.name} is a trap: no path leads from it to an ending"


def _returns(row: Row) -> bool:
    """Whether a row only leads back to where the call came from."""
    return any(condition.phrase.returns for condition in conditions(row.when))


ENDINGS = tuple(state for state in State if state.kind is Kind.END)


def _closure(start: set[State], ways: Mapping[State, set[State]]) -> set[State]:
    seen: set[State] = set()
    open_states = set(start)
    while open_states:
        state = open_states.pop()
        seen.add(state)
        open_states |= ways.get(state, set()) - seen
    return seen
