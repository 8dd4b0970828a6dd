"""The rows of the table, each of which is one transition from a state."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import Event
from paperless_ivr.flow.phrases import made_of
from paperless_ivr.flow.states import State
from paperless_ivr.flow.view import CallView, Transition

E = TypeVar("E", bound=Event)

REPROMPT = None
"""The target of a row that stays in its state and asks the question again."""


def always(_: CallView) -> bool:
    """Return True. This is the default guard of a row."""
    return True


made_of(always, ())


def nothing(transition: Transition[Any]) -> Call:
    """Return the call unchanged. This is the default update of a row."""
    return transition.call


def _several(events: type[E] | tuple[type[E], ...]) -> tuple[type[E], ...]:
    return events if isinstance(events, tuple) else (events,)


@frozen
class Row:
    """One transition from a state, for any type of event.

    Tables contain rows of this type. If they contained `On[Any]`, a type checker would accept a row
    for silence with a guard for keys.
    """

    events: tuple[type[Any], ...]
    to: State | None
    when: Callable[[Transition[Any]], bool] = field(default=always, kw_only=True)
    keep: Callable[[Transition[Any]], Call] = field(default=nothing, kw_only=True)
    say: str | None = field(default=None, kw_only=True)
    words: str = field(default="", kw_only=True)
    """The row's words in diagrams, if its events and guards do not explain it well enough."""

    def name(self, source: State) -> str:
        """Return the row's unique name, such as `OFFER · Digits · chose no → DECLINED`."""
        events = " or ".join(event.__name__ for event in self.events)
        when = "" if self.when is always else f" · {self.when.__name__}"
        return f"{source.name} · {events}{when} → {self.to.name if self.to else 'REPROMPT'}"


@frozen
class On(Row, Generic[E]):
    """A row that goes to a state on an event if a guard holds.

    It is generic in the event, so that a guard for keys is a type error in a row for silence.
    """

    events: tuple[type[E], ...] = field(converter=_several)
    to: State | None
    when: Callable[[Transition[E]], bool] = field(default=always, kw_only=True)
    keep: Callable[[Transition[E]], Call] = field(default=nothing, kw_only=True)
    say: str | None = field(default=None, kw_only=True)
    words: str = field(default="", kw_only=True)


Table = Mapping[State, Sequence[Row]]
"""All states except endings, each with its transitions in the order in which they are tried."""


def way(name: str) -> tuple[str, str]:
    """Return the source and target states in the name of a row.

    The target is `REPROMPT` if the call stays in its state.
    """
    return name.partition(" · ")[0], name.rpartition(" → ")[2]
