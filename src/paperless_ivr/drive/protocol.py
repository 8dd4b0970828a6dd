"""The protocol of a call, as generators: they yield what to do, and are sent the result.

The loops do what is yielded: speak, ask the record or the service, commit a move. Two rules are
enforced here once for all loops: a write is on record before it is sent and settled afterward
(R31), and a read that never reached the service is retried once.
"""

from collections.abc import Callable, Generator
from time import monotonic
from typing import Any

from attrs import evolve, frozen

from paperless_ivr.drive.session import Session
from paperless_ivr.flow.events import (
    Event,
    HungUp,
    Unavailable,
)
from paperless_ivr.flow.requests import Read, RecordRequest, Request, ServiceRequest, Write
from paperless_ivr.flow.turns import Gather, Return, Transfer, Turn
from paperless_ivr.records.port import Settlement


@frozen
class OnRecord:
    """Ask the record, or put a write on record. Reply: the answer; None lets the write be sent."""

    request: RecordRequest | Write


@frozen
class Send:
    """Ask the service within a time budget. Reply: its answer, or that the caller is gone.

    Waits for a write even if the caller is gone.
    """

    request: ServiceRequest
    turn: Turn
    budget: float


@frozen
class Move:
    """A call has moved: commit the move. Reply: the session as committed.

    Observers see the same move. `before` and `event` are None if the call has just begun.
    """

    before: Session | None
    event: Event | None
    after: Session
    outcome: Settlement | None = None
    """The outcome of the write that the event answers."""


Advance = Callable[[Session, Event], Session]
"""The session after an event, not yet committed."""
Budget = Callable[[Request], float]
"""Returns how many seconds a request may take, starting now."""
Task = Generator[OnRecord | Send, Any, tuple[Event, Settlement | None]]


def converse(
    session: Session, advance: Advance, budget: Budget
) -> Generator[Turn | OnRecord | Send | Move, Any, Session]:
    """Run a call on a held channel to its end; return the session as it ended.

    For each turn, the loop speaks the prompts, waits if the turn asks something, and replies with
    what the caller did, or None. A move is committed before anything is said about it. Once the
    caller is gone, nothing more is spoken.
    """
    while True:
        turn = session.turn
        did: Event | None = None if session.hung_up else (yield turn)
        outcome = None
        match turn.then:
            case Return():
                return session
            case Gather() | Transfer():
                event = did or HungUp()
            case _ if isinstance(did, HungUp):
                event = did
            case request:
                event, outcome = yield from fulfill(request, turn, budget)
        session = yield Move(session, event, advance(session, event), outcome)


def fulfill(request: Request, turn: Turn, budget: Budget) -> Task:
    """Return the answer to a request and, for a write, the outcome to settle."""
    if isinstance(request, RecordRequest):
        return (yield OnRecord(request)), None
    if isinstance(request, Write):
        forbidden = yield OnRecord(request)
        if forbidden is not None:
            return forbidden, None
    seconds, began = budget(request), monotonic()
    if seconds < 0:
        return Unavailable("no time was left"), None
    answer = yield Send(request, turn, seconds)
    if isinstance(request, Read):
        left = seconds - (monotonic() - began)
        if isinstance(answer, Unavailable) and not answer.busy and left > 0:
            before, answer = answer.answered, (yield Send(request, turn, left))
            if before and isinstance(answer, Unavailable):
                answer = evolve(answer, answered=True)
        return answer, None
    return answer, Settlement(request.key, answer)
