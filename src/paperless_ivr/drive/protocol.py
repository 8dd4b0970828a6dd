"""The protocol of a call, as generators: they say what to do, and are sent what came of it.

The loops do what is yielded: speak, ask the record or the service, commit a move. That a write
is on record before it is sent and settled after it stands here once for all of them (R31), and
so does the second try of a read that was not reached.
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
    """Ask the record, or put a write on it. Reply: its answer; None: the write may be sent."""

    request: RecordRequest | Write


@frozen
class Send:
    """Ask the service, within so many seconds. Reply: its answer, or that the caller is gone.

    A write is waited for whether the caller is gone or not.
    """

    request: ServiceRequest
    turn: Turn
    budget: float


@frozen
class Move:
    """A call has moved: commit it. Reply: the session as it is committed.

    Observers see the same. `before` and `event` are None where the call has just begun.
    """

    before: Session | None
    event: Event | None
    after: Session
    outcome: Settlement | None = None
    """Of the write that the event answers."""


Advance = Callable[[Session, Event], Session]
"""The session after an event, not yet committed."""
Budget = Callable[[Request], float]
"""Seconds that a request may take, from now on."""
Task = Generator[OnRecord | Send, Any, tuple[Event, Settlement | None]]


def converse(
    session: Session, advance: Advance, budget: Budget
) -> Generator[Turn | OnRecord | Send | Move, Any, Session]:
    """Runs a call on a held channel from where it is to its end; gives the session as it ended.

    A turn is to be spoken, and waited for where it asks. Reply: what the caller did, or None.
    A move is committed before anything is said of it. Once the caller is gone nothing is spoken.
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
    """The answer to a request, and the outcome to settle where it is a write."""
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
