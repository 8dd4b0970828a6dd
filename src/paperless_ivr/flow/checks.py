"""What must be right about a table before the first call: every problem at once.

What is found here needs no call: a state without words, rows that are never reached, an answer
without a way out. What needs calls is proved by walking them (`testing.proof`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from paperless_ivr.errors import FlowProblems
from paperless_ivr.flow import events as e
from paperless_ivr.flow.host import Moment
from paperless_ivr.flow.lines import PROMPTS
from paperless_ivr.flow.menu import MENUS
from paperless_ivr.flow.requests import OPERATIONS, EnrollInPaperless, SearchByAccountNumber
from paperless_ivr.flow.rows import Table, always
from paperless_ivr.flow.scene import Terms
from paperless_ivr.flow.script import HELP, SCRIPT
from paperless_ivr.flow.states import Kind, State
from paperless_ivr.flow.table import FLOW
from paperless_ivr.flow.waits import ENTRIES, REQUESTS

CALLER = (e.Digits, e.NoInput, e.HungUp)
SEARCH = (e.CustomersFound, e.Unavailable, e.OutcomeUnknown, e.Refused, e.HungUp)
WRITE = (e.Accepted, e.Refused, e.Unavailable, e.OutcomeUnknown, e.RecordUnavailable, e.HungUp)
KEEP = (e.WishKept, e.RecordUnavailable, e.HungUp)
RESERVE = (e.TryReserved, e.LimitReached, e.RecordUnavailable, e.HungUp)

ANSWERS: Mapping[State, tuple[type[Any], ...]] = {
    State.SCREENING: (e.Screened, e.RecordUnavailable, e.HungUp),
    State.HANDED_OVER_LIMIT: RESERVE,
    State.ACCOUNT_LIMIT: RESERVE,
    State.LAST_FOUR_LIMIT: RESERVE,
    State.FACT_LIMIT: RESERVE,
    State.ACCOUNT_LOOKUP: SEARCH,
    State.PHONE_LOOKUP: SEARCH,
    State.INVOICE_CHECK: (
        e.InvoiceChecked,
        e.Unavailable,
        e.OutcomeUnknown,
        e.Refused,
        e.HungUp,
    ),
    State.ENROLLMENT_CHECK: SEARCH,
    State.ENROLLMENT: WRITE,
    State.ENROLLMENT_AGAIN: WRITE,
    State.WEB_LINK: WRITE,
    State.AUTOPAY: WRITE,
    State.OPT_OUT: WRITE,
    State.KEEPING: KEEP,
    State.OPT_OUT_KEEPING: KEEP,
    State.TRANSFERRING: (e.TransferEnded, e.HungUp),
}
"""What a *do* state may be answered with: each needs a way out that always holds."""


def check(terms: Terms, table: Table = FLOW) -> None:
    """Raises `FlowProblems`, which name everything that is wrong with a table and its terms."""
    found = [*_of_terms(terms), *_of_states(table), *_of_rows(table), *_of_ways(table)]
    if found:
        raise FlowProblems("the flow cannot be used", found)


def _of_terms(terms: Terms) -> Iterator[str]:
    needed, instead = SearchByAccountNumber.__name__, EnrollInPaperless.__name__
    moments = set(terms.policy.offer.moments)
    if needed not in terms.operations and instead not in terms.operations:
        yield f"the service has no {needed}: no account can be looked up"
    elif needed not in terms.operations and moments != {Moment.AFTER_PAYMENT}:
        yield (
            f"the service has no {needed}, so only callers who have just paid are known: the "
            'policy can only offer at those moments = ["after_payment"]'
        )
    for unknown in sorted(terms.operations - OPERATIONS):
        yield f"{unknown} is none of the service's operations: {', '.join(sorted(OPERATIONS))}"


def _of_states(table: Table) -> Iterator[str]:
    """A state without rows, words, or anything to wait for."""
    for state in State:
        if state.kind is Kind.END:
            if state in table:
                yield f"{state.name} ends the call, so it has no ways out: take its block away"
        elif not table.get(state):
            yield f"{state.name} has no ways out: give it a block in table.FLOW"
        if state.kind is not Kind.PASS and state not in SCRIPT:
            yield f"{state.name} says nothing: give it a line in script.SCRIPT, () for silence"
        if state.kind is Kind.ASK and state not in MENUS and state not in ENTRIES:
            yield f"{state.name} waits for no keys: give it a menu (menu.MENUS) or an entry"
        if state.kind is Kind.DO and state is not State.TRANSFERRING:
            if state not in REQUESTS:
                yield f"{state.name} asks nothing: give it a request in waits.REQUESTS"
            if state not in ANSWERS:
                yield f"{state.name} has no answers: list them in checks.ANSWERS"


def _of_rows(table: Table) -> Iterator[str]:
    """A prompt that is not known, a row that is never reached, an event without a way out."""
    said = [(state, row.say) for state, rows in table.items() for row in rows if row.say]
    told = [(state, n) for state, lines in SCRIPT.items() for line in lines for n in line.names]
    offered = [(state, name) for state, menu in MENUS.items() for name in menu.names]
    for state, name in [*said, *told, *offered, *HELP.items()]:
        if name not in PROMPTS:
            yield f"{state.name} says {name!r}, which is no prompt: add it to lines.PROMPTS"
    for state, rows in table.items():
        settled: set[type[Any]] = set()
        for row in rows:
            if settled.issuperset(row.events):
                yield f"never taken, a row before it always is: {row.name(state)}"
            if row.when is always:
                settled.update(row.events)
        for event in _must_answer(state):
            if event not in settled:
                yield f"{state.name} has no way out for every {event.__name__}: add a plain row"


def _must_answer(state: State) -> tuple[type[Any], ...]:
    if state.kind is Kind.PASS:
        return (e.Arrived,)
    return CALLER if state.kind is Kind.ASK else ANSWERS.get(state, ())


def _of_ways(table: Table) -> Iterator[str]:
    """A state that no call comes to, or that no call leaves for an end."""
    ways = {
        state: {row.to for row in rows if row.to is not None and row.to is not state}
        for state, rows in table.items()
    }
    back: dict[State, set[State]] = {}
    for source, destinations in ways.items():
        for destination in destinations:
            back.setdefault(destination, set()).add(source)
    reached = _closure({State.GREETING}, ways)
    ending = _closure(set(ENDINGS), back)
    for state in State:
        if state not in reached:
            yield f"no call comes to {state.name}: give some row a way to it"
        if state not in ending:
            yield f"{state.name} is a trap: no way leads from it to an end"


ENDINGS = tuple(state for state in State if state.kind is Kind.END)


def _closure(start: set[State], ways: Mapping[State, set[State]]) -> set[State]:
    seen: set[State] = set()
    open_states = set(start)
    while open_states:
        state = open_states.pop()
        seen.add(state)
        open_states |= ways.get(state, set()) - seen
    return seen
