"""A call in progress and the answers that are delivered to it: pure, and walked by the proof."""

from attrs import frozen

from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import Event
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.turns import Turn


@frozen
class Token:
    """Names the turn that an answer is an answer to."""

    call_id: str
    turn: int


@frozen
class Live:
    """A call at its turn, which is numbered here: in `Call` a number would make paths differ."""

    turn: Turn
    number: int = 1

    @property
    def call(self) -> Call:
        """The call itself."""
        return self.turn.call

    @property
    def token(self) -> Token:
        """The token of the present turn."""
        return Token(self.call.host.call_id, self.number)


def deliver(flow: Flow, live: Live, token: Token, event: Event) -> Live:
    """The call after an answer.

    An answer to another turn, or to another call, changes nothing. A key that is delivered twice
    at one question must never answer the next one (R09).
    """
    if token != live.token:
        return live
    return Live(flow.advance(live.call, event), live.number + 1)
