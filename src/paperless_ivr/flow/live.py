"""A call in progress, and the pure function that delivers answers to it."""

from attrs import frozen

from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import Event
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.turns import Turn


@frozen
class Token:
    """The identifier of the turn that an answer belongs to."""

    call_id: str
    turn: int


@frozen
class Live:
    """A call at a numbered turn. The number is not in `Call`, so it does not affect equality."""

    turn: Turn
    number: int = 1

    @property
    def call(self) -> Call:
        """The call."""
        return self.turn.call

    @property
    def token(self) -> Token:
        """The token of the current turn."""
        return Token(self.call.host.call_id, self.number)


def deliver(flow: Flow, live: Live, token: Token, event: Event) -> Live:
    """Return the call after an answer.

    An answer to another turn, or to another call, changes nothing. This prevents a key that is
    delivered twice at one question from also answering the next question (R09).
    """
    if token != live.token:
        return live
    return Live(flow.advance(live.call, event), live.number + 1)
