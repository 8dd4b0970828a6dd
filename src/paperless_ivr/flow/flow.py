"""The pure function that advances a call."""

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any

from attrs import evolve, field, frozen

from paperless_ivr.flow.blocks import Ask
from paperless_ivr.flow.call import GREETING, Call, Choosing, Entry, Tries
from paperless_ivr.flow.errors import CallFinished, UnexpectedEvent
from paperless_ivr.flow.events import Arrived, CustomersFound, Digits, Event, HungUp
from paperless_ivr.flow.examples import Known
from paperless_ivr.flow.host import Arrival, Intent
from paperless_ivr.flow.known import known_arrival, known_customers
from paperless_ivr.flow.lines import prompt
from paperless_ivr.flow.machine import Mover
from paperless_ivr.flow.options import Option
from paperless_ivr.flow.rows import Row, Table
from paperless_ivr.flow.states import Kind, Phase, State
from paperless_ivr.flow.table import BLOCKS, FLOW
from paperless_ivr.flow.turns import Prompt, Turn
from paperless_ivr.flow.view import CallView, Terms, Transition

STEPS_AT_MOST = 20
"""The maximum number of states entered for one event. The longest path is far shorter."""


@frozen
class Flow:
    """A table of transitions with its terms. `begin` a call, then `advance` it with each event.

    A flow is pure: it uses no clock, log, socket, thread, or random number. The same call and event
    always give the same turn, even after a restart.
    """

    terms: Terms = Terms()
    table: Table = field(default=FLOW, repr=False)
    _mover: Mover = field(init=False, repr=False, eq=False)

    @_mover.default
    def _make_mover(self) -> Mover:
        return _shipped() if self.table is FLOW else Mover(self.table)

    @property
    def digest(self) -> str:
        """The digest of this table for a `Release`.

        It changes if the name of any row changes (`Row.name`), but not if only a row's update or
        prompt does.
        """
        rows = "\n".join(row.name(state) for state, rows in self.table.items() for row in rows)
        return hashlib.sha256(rows.encode()).hexdigest()[:12]

    def begin(self, arrival: Arrival) -> Turn:
        """Return the first turn of a call that the host hands over."""
        offered = self.terms.policy.languages.offered
        language = arrival.language if arrival.language in offered else None
        if language is None and len(offered) == 1:
            language = offered[0]
        wished = Choosing(back_to_paper=arrival.intent is Intent.BACK_TO_PAPER)
        call = Call(
            known_arrival(arrival, self.terms.policy),
            language=language,
            choosing=wished,
        )
        return self._run(call, Arrived(), ())

    def advance(self, call: Call, event: Event) -> Turn:
        """Return the turn after an event.

        Raises `UnexpectedEvent` if the event is not possible in the call's state, and
        `CallFinished` if the call has ended. A hang-up after the end changes nothing.
        """
        if call.state.kind is Kind.END:
            if isinstance(event, HungUp):
                return self.turn(call)
            raise CallFinished(call, event)
        if isinstance(event, CustomersFound):
            event = known_customers(event)
        heard = call if isinstance(event, HungUp) else _greeted(call)
        heard = evolve(heard, lead=()) if call.lead else heard
        return self._run(heard, _placed(event, len(call.lead)), ())

    def turn(self, call: Call, took: tuple[str, ...] = ()) -> Turn:
        """Return the turn that a call is at, which depends only on the call."""
        view, block = CallView(call, self.terms), BLOCKS[call.state]
        return Turn(call, self._words(view), block.then(view), took)

    def resumed(self, call: Call) -> Turn:
        """Return the turn that resumes a stored call. It repeats the wait but plays no prompts."""
        return Turn(call, (), BLOCKS[call.state].then(CallView(call, self.terms)))

    def prompt(self, call: Call, name: str) -> Prompt:
        """Return a prompt with its gaps filled from a call."""
        return prompt(CallView(call, self.terms), name)

    def menu(self, call: Call) -> tuple[Option, ...]:
        """Return the menu options at this point in a call, if there are any."""
        return BLOCKS[call.state].menu(CallView(call, self.terms))

    def takes_several_keys(self, state: State) -> bool:
        """Whether a state asks for a number or a spelling instead of a single key."""
        return BLOCKS[state].takes_several_keys

    def examples(self, call: Call, known: Known) -> Iterator[Digits]:
        """Return examples of each kind of input at an entry, using the known customers."""
        block = BLOCKS[call.state]
        assert isinstance(block, Ask)
        assert block.examples is not None
        return block.examples(CallView(call, self.terms), known)

    def _words(self, view: CallView) -> tuple[Prompt, ...]:
        """Return the prompts to play now: those in `lead`, followed by those of the state."""
        call = view.call
        if call.results.hung_up:
            return ()
        return (*(prompt(view, name) for name in call.lead), *BLOCKS[call.state].words(view))

    def _run(self, call: Call, event: Event, took: tuple[str, ...]) -> Turn:
        """Take a row, then continue through any states that wait for nothing."""
        for _ in range(STEPS_AT_MOST):
            transition = Transition(call, self.terms, event, BLOCKS[call.state])
            way = self._mover.move(transition)
            if way is None:
                raise UnexpectedEvent(call, event)
            row, name = way
            took = (*took, name)
            call = _moved(call, row, transition)
            if call.state.kind is Kind.PASS:
                event = Arrived()
            elif call.state.kind is Kind.ASK and call.results.hung_up:
                event = HungUp()
            else:
                return self.turn(call, took)
        raise UnexpectedEvent(call, event)


@cache
def _shipped() -> Mover:
    """Return the mover for the shipped table. The flows of all billers share it."""
    return Mover(FLOW)


def _greeted(call: Call) -> Call:
    """Return the call after its prompts were played, noting a greeting if there was one."""
    if GREETING not in call.lead:
        return call
    return evolve(call, results=evolve(call.results, greeted=True))


def _placed(event: Event, lead: int) -> Event:
    """Return the event with `interrupted` counted from the first of the state's own prompts.

    The prompts in the call's `lead` are played before these. A key pressed during one of them
    counts as pressed during the first of the state's own prompts.
    """
    if isinstance(event, Digits) and event.interrupted is not None:
        return evolve(event, interrupted=max(event.interrupted - lead, 0))
    return event


def _moved(call: Call, row: Row, transition: Transition[Any]) -> Call:
    """Return the call after taking a row, with its update, prompt, and new state applied."""
    after = row.keep(transition)
    lead = after.lead if row.say is None else (*after.lead, row.say)
    if row.to is None or row.to is call.state:
        return after if row.say is None else evolve(after, lead=lead)
    entry = after.entry if _keeps_entry(call.state, row.to) else Entry()
    if entry.so_far is not None:
        entry = evolve(entry, so_far=None)
    return evolve(after, lead=lead, state=row.to, tries=Tries(), entry=entry)


def _keeps_entry(source: State, to: State) -> bool:
    """Whether to keep the input so far: within a phase, during a transfer, and at the end."""
    return to.phase in (source.phase, Phase.AGENT, Phase.END) or source.phase is Phase.AGENT
