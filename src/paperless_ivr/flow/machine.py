"""The table as one `transitions` machine: what diagrams are drawn from, and what moves calls.

The only module that knows `transitions`. One machine serves all calls: no call is ever
registered with it, because a bound model costs 7 KiB and a scan of all others, and automatic
`to_enrolled()` triggers would let a call skip consent.
"""

from collections.abc import Mapping
from typing import Any

from attrs import define
from transitions import Machine

from paperless_ivr.flow.rows import On
from paperless_ivr.flow.scene import Crossing
from paperless_ivr.flow.states import State


@define
class _Step:
    """What the machine moves: it lives for one event."""

    state: State
    crossing: Crossing[Any]
    row: On[Any] | None = None


class Mover:
    """Finds the way out that a crossing takes."""

    def __init__(self, table: Mapping[State, tuple[On[Any], ...]]) -> None:
        self.machine = Machine(
            model=None,
            states=State,
            initial=State.GREETING,
            transitions=[
                {
                    "trigger": event.__name__,
                    "source": source,
                    "dest": source if row.to is None else row.to,
                    "conditions": [_holds(row)],
                    "before": [_note(row)],
                }
                for source, rows in table.items()
                for row in rows
                for event in row.events
            ],
            auto_transitions=False,
        )

    def move(self, crossing: Crossing[Any]) -> On[Any] | None:
        """The first row whose guard holds, or None where the table has none."""
        trigger = self.machine.events.get(type(crossing.event).__name__)
        step = _Step(crossing.call.state, crossing)
        if trigger is None or step.state.name not in trigger.transitions:
            return None
        trigger.trigger(step, step)
        return step.row


def _holds(row: On[Any]) -> Any:
    return lambda step: row.when(step.crossing)


def _note(row: On[Any]) -> Any:
    def note(step: _Step) -> None:
        step.row = row

    return note
