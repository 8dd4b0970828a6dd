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
    """A call and the number of its turn. The number is not in `Call`: every path would differ."""

    call: Call
    turn: int = 1

    @property
    def token(self) -> Token:
        """The token of the present turn."""
        return Token(self.call.host.call_id, self.turn)


def deliver(flow: Flow, live: Live, token: Token, event: Event) -> tuple[Live, Turn]:
    """The call after an answer, and its turn.

    An answer to another turn, or to another call, changes nothing: the present turn is given
    again. A key that is delivered twice at one question must never answer the next one (R09).
    """
    if token != live.token:
        return live, flow.turn(live.call)
    turn = flow.advance(live.call, event)
    return Live(turn.call, live.turn + 1), turn
