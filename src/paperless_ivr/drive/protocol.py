"""The protocol of a call, as generators that yield steps and receive their results.

The drivers carry out these steps: they speak, send requests to the record or the service, and
commit moves. Two rules are enforced here, so that every driver follows them: a write is put on
record before it is sent and settled afterward (R31), and a read without a usable answer is retried
once, unless its time is up or too many requests are running.
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
    """A step that sends a request to the record, or puts a write on record.

    The reply to a request is the record's answer. The reply to a write is None if it can be sent,
    or else the reason not to send it.
    """

    request: RecordRequest | Write


@frozen
class Send:
    """A step that sends a request to the service, and waits for the answer within a time budget.

    The reply is the service's answer. If the caller hangs up during a read, the reply can be HungUp
    instead. During a write, the answer is awaited even if the caller hangs up.
    """

    request: ServiceRequest
    turn: Turn
    budget: float


@frozen
class Move:
    """A step that commits a call's move. The reply is the session to continue with.

    Observers receive the move, too. If the call has just begun, `before` and `event` are None. If
    the call was given back because its release is not running, only `event` is None.
    """

    before: Session | None
    event: Event | None
    after: Session
    outcome: Settlement | None = None
    """The outcome of a write, if the event is the answer to that write."""


Advance = Callable[[Session, Event], Session]
"""A function that returns the session after an event, without committing it."""
Budget = Callable[[Request], float]
"""A function that returns how many seconds a request can take, starting now."""
Task = Generator[OnRecord | Send, Any, tuple[Event, Settlement | None]]


def converse(
    session: Session, advance: Advance, budget: Budget
) -> Generator[Turn | OnRecord | Send | Move, Any, Session]:
    """Run a call on a held channel to its end, and return its last session.

    For each turn, the driver speaks the prompts, performs the gather or transfer if there is one,
    and replies with the caller's event, or None if there was none. Each move is yielded, for the
    driver to commit, before the next turn is spoken. Once the caller is gone, nothing more is
    spoken.
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
    """Return the answer to a request and, for a write that was sent, its settlement."""
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
