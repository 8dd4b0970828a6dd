"""A row of the table: one way out of a state."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import Event
from paperless_ivr.flow.scene import Crossing
from paperless_ivr.flow.states import State

E = TypeVar("E", bound=Event)

HERE = None
"""The state itself: the question is asked again."""


def always(_: Crossing[Any]) -> bool:
    """No condition."""
    return True


def nothing(crossing: Crossing[Any]) -> Call:
    """Nothing is remembered."""
    return crossing.call


def _several(events: type[E] | tuple[type[E], ...]) -> tuple[type[E], ...]:
    return events if isinstance(events, tuple) else (events,)


@frozen
class On(Generic[E]):
    """On an event, to a state, when a guard holds.

    Generic in the event, so that a guard about keys on a row about silence is a type error.
    """

    events: tuple[type[E], ...] = field(converter=_several)
    to: State | None
    when: Callable[[Crossing[E]], bool] = field(default=always, kw_only=True)
    keep: Callable[[Crossing[E]], Call] = field(default=nothing, kw_only=True)
    say: str | None = field(default=None, kw_only=True)

    def name(self, source: State) -> str:
        """The row in words, unique in its state: `OFFER · Digits · chose no → DECLINED`."""
        events = " or ".join(event.__name__ for event in self.events)
        when = "" if self.when is always else f" · {self.when.__name__}"
        return f"{source.name} · {events}{when} → {self.to.name if self.to else 'HERE'}"


def way(name: str) -> tuple[str, str]:
    """From which state to which a row in words leads; to `HERE` where it stays."""
    return name.partition(" · ")[0], name.rpartition(" → ")[2]
