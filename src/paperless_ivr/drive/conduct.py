"""How a call is run, as one pure generator: it says what to do, and is told what came of it.

The loops do what it yields. The protocol of a write stands here once for all of them: on record
first, then sent, then settled (R31).
"""

from collections.abc import Generator

from attrs import frozen

from paperless_ivr.drive.live import Live, deliver
from paperless_ivr.flow.events import (
    Event,
    HungUp,
    OutcomeUnknown,
    RecordUnavailable,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.requests import (
    RecordRequest,
    Request,
    ServiceRequest,
    Write,
)
from paperless_ivr.flow.turns import Gather, Return, Transfer, Turn


@frozen
class Save:
    """Store the live call; `before` is where it was, None at its beginning. No reply."""

    live: Live
    before: Live | None = None


@frozen
class Perform:
    """Speak the turn, and wait where it asks. Reply: what the caller did, or None."""

    turn: Turn


@frozen
class Look:
    """Ask the record. Reply: its answer."""

    request: RecordRequest


@frozen
class Intend:
    """Put a write on record. Reply: None, or why it must not be sent."""

    write: Write


@frozen
class Send:
    """Ask the service. Reply: its answer."""

    request: ServiceRequest
    turn: Turn


@frozen
class Settle:
    """Put the outcome of a write on record. No reply."""

    key: str
    answer: ServiceAnswer


@frozen
class Moved:
    """The call has moved: for logs, transcripts and the activity record. No reply."""

    before: Live
    event: Event
    turn: Turn


Task = Look | Intend | Send | Settle
"""What the answer to a request takes."""
Step = Save | Perform | Task | Moved
Conduct = Generator[Step, Event | None, Live]


def conduct(flow: Flow, live: Live) -> Conduct:
    """Runs a call from where it is to its end; gives the call as it ended.

    A move is stored before it is told of: what is on record can be taken up again (R31).
    """
    turn = flow.turn(live.call)
    yield Save(live)
    while True:
        event = yield from _event(turn)
        if event is None:
            return live
        before = live
        live, turn = deliver(flow, live, live.token, event)
        yield Save(live, before)
        yield Moved(before, event, turn)


def _event(turn: Turn) -> Generator[Step, Event | None, Event | None]:
    """What happens next; None at the end. Once the caller is gone nothing is spoken."""
    gone = turn.call.results.hung_up
    did = None if gone else (yield Perform(turn))
    match turn.then:
        case Return():
            return None
        case Gather() | Transfer():
            return did or HungUp()
        case request:
            return did if isinstance(did, HungUp) else (yield from fulfil(request, turn))


def fulfil(request: Request, turn: Turn) -> Generator[Task, Event | None, Event]:
    """The answer to a request. A write is on record before it is sent, and settled after it."""
    if isinstance(request, RecordRequest):
        return (yield Look(request)) or RecordUnavailable()
    if not isinstance(request, Write):
        return (yield Send(request, turn)) or Unavailable()
    forbidden = yield Intend(request)
    if forbidden is not None:
        return forbidden
    answer = yield Send(request, turn)
    outcome = answer if isinstance(answer, ServiceAnswer) else OutcomeUnknown()
    yield Settle(request.key, outcome)
    return outcome
