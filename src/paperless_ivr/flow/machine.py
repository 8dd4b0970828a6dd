"""The table compiled into one `transitions` machine, and the `Mover` that takes its transitions.

Only this module uses `transitions`. One machine serves all calls. No call is ever added to it as a
model: a model takes 7 KiB, and adding one requires a scan of all the others. Automatic triggers
such as `to_ENROLLED()` are turned off, because they would allow a call to skip consent.

The machine's own dispatch calls dozens of functions per event, so `Mover` reads the machine's
transitions once, in order, and uses them directly. Tests compare each step with that dispatch.
"""

from typing import Any, Protocol

from attrs import frozen
from transitions import Machine

from paperless_ivr.flow.rows import Row, Table
from paperless_ivr.flow.states import State
from paperless_ivr.flow.view import Transition


class Step(Protocol):
    """One event of one call, in the form that the machine's own dispatch expects."""

    state: State
    transition: Transition[Any]
    row: Row | None


@frozen
class _Holds:
    """The condition of a transition: the row's guard."""

    row: Row

    def __call__(self, step: Step) -> bool:
        return self.row.when(step.transition)


@frozen
class _Takes:
    """The action of a transition, which notes that the row was taken."""

    row: Row

    def __call__(self, step: Step) -> None:
        step.row = self.row


Way = tuple[Row, str]
"""A row with its name."""


class Mover:
    """The rows of a table, indexed by event and state, to find the row to take."""

    def __init__(self, table: Table) -> None:
        self.machine = Machine(
            model=None,
            states=State,
            initial=State.GREETING,
            transitions=[
                {
                    "trigger": event.__name__,
                    "source": source,
                    "dest": source if row.to is None else row.to,
                    "conditions": [_Holds(row)],
                    "before": [_Takes(row)],
                }
                for source, rows in table.items()
                for row in rows
                for event in row.events
            ],
            auto_transitions=False,
        )
        self._ways: dict[str, dict[State, tuple[Way, ...]]] = {
            name: {
                State[source]: tuple(
                    (take.row, take.row.name(State[source]))
                    for transition in transitions
                    for take in transition.before
                    if isinstance(take, _Takes)
                )
                for source, transitions in event.transitions.items()
            }
            for name, event in self.machine.events.items()
        }

    def move(self, transition: Transition[Any]) -> Way | None:
        """Return the first row with a guard that holds, or None if there is no such row."""
        ways = self._ways.get(type(transition.event).__name__, {})
        for way in ways.get(transition.call.state, ()):
            if way[0].when(transition):
                return way
        return None
