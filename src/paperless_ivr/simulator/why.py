"""Explains why a call took its path: the rows that were tried in each state it passed."""

from collections.abc import Iterator

from attrs import frozen

from paperless_ivr.diagrams.reading import sentence as when
from paperless_ivr.drive.protocol import Move
from paperless_ivr.flow import events as e
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.rows import Row, way
from paperless_ivr.flow.states import Kind, Phase, State
from paperless_ivr.simulator.take import Take
from paperless_ivr.simulator.words import answered, title


@frozen
class Passed:
    """A state that a move passed through."""

    state: State
    refused: tuple[Row, ...]
    """The rows for this event whose guards failed, in table order."""
    taken: Row
    untried: int
    """The number of rows for this event below the one taken."""

    def when(self, row: Row) -> str:
        """Describe in words when a row is taken."""
        return when(self.state, row)


def passed(flow: Flow, move: Move) -> Iterator[Passed]:
    """Yield the states that a move passed. The row taken is the first one that matches.

    `move.before` is None if the call has just begun.
    """
    event = type(move.event) if move.event is not None else e.Arrived
    for taken in move.after.turn.took:
        source, target = way(taken)
        state = State[source]
        rows = [row for row in flow.table[state] if event in row.events]
        at = [row.name(state) for row in rows].index(taken)
        yield Passed(state, tuple(rows[:at]), rows[at], len(rows) - at - 1)
        there = state if target == "REPROMPT" else State[target]
        event = e.Arrived if there.kind is Kind.PASS else e.HungUp


def sentence(move: Move, label: str) -> str:
    """Explain in one sentence why the call moved. `label` is the meaning of the pressed key."""
    there = move.after.call.state
    again = move.before is not None and move.before.call.state is there
    leads = "so the question is asked again" if again else f"so the call goes to “{title(there)}”"
    if there.kind is Kind.END:
        leads = f"so the call ends as “{title(there)}”"
    return f"{_cause(move, label)}, {leads}."


def _cause(move: Move, label: str) -> str:
    match move.event:
        case None:
            return "The host handed the call over"
        case e.Digits(keys):
            if "listen_first" in move.after.call.lead:
                return "The caller agreed before hearing everything, which does not count"
            if label:
                return f"The caller pressed {keys.reveal() or '#'}, {label}"
            return "The caller keyed an answer" if len(keys) > 1 else "The caller pressed a key"
        case e.NoInput():
            return "The caller stayed silent"
        case e.HungUp():
            return "The caller hung up"
        case e.TransferEnded(result):
            return f"The transfer ended: {result.value.replace('_', ' ')}"
        case e.RecordUnavailable():
            return "The record is down"
        case e.Unavailable():
            return "The billing service is down"
        case e.OutcomeUnknown():
            return "There was no clear answer"
        case e.Screened() | e.TryReserved() | e.LimitReached() | e.RequestDeferred() as event:
            return f"The record answered “{answered(event)}”"
        case event:
            return f"The billing service answered “{answered(event)}”"


def ways(flow: Flow, state: State) -> Iterator[tuple[str, str]]:
    """Yield the transitions from a state: condition and destination."""
    for row in flow.table.get(state, ()):  # an ending has no rows
        yield when(state, row), title(row.to) if row.to else "the same question"


def passed_by(flow: Flow, take: Take) -> Iterator[State]:
    """Yield the states of a take in the order it passed them; the current one is last."""
    for move in take.moves:
        for one in passed(flow, move):
            yield one.state
        yield move.after.call.state


def standing(phase: Phase, state: State, reached: set[Phase], others: set[Phase]) -> str:
    """Return a chapter's status: current, passed, passed only in another take, or not reached."""
    if phase is state.phase:
        return "current"
    if phase in reached:
        return "passed"
    return "other take" if phase in others else "not reached"
