"""The requests of calls between two documents: claimed, carried out, and taken over.

A request is claimed before it is carried out, which is a turn of its own. A claim
that is lost with its worker is taken over: what may have been sent is not sent again, but known
as `OutcomeUnknown` (R31).
"""

import structlog
from attrs import evolve, frozen

from paperless_ivr.drive.attendant import Attendant, claimed
from paperless_ivr.drive.conduct import Intend, Send, Task, fulfil
from paperless_ivr.drive.live import Live
from paperless_ivr.drive.shelf import Shelf
from paperless_ivr.drive.suspended import Suspended
from paperless_ivr.errors import StaleCall
from paperless_ivr.flow.events import Event, OutcomeUnknown, ServiceAnswer, Unavailable
from paperless_ivr.flow.requests import Read, Request, ServiceRequest, Write
from paperless_ivr.flow.turns import Turn

log = structlog.get_logger("paperless_ivr")


@frozen
class Carrier:
    """Carries out the requests of calls. Any number of workers may try; one does it."""

    shelf: Shelf

    def is_carried(self, at: Suspended) -> bool:
        """Somebody has claimed the request, and is not given up yet."""
        return at.claim is not None and self.shelf.setup.clock() < at.claim.until

    def carry(self, at: Suspended) -> Suspended:
        """Carries out requests until there is something to say or to wait for."""
        while True:
            turn = self.shelf.turn(at)
            if not isinstance(turn.then, Request):
                return at
            at = self._claimed(at, turn.then)
            at = self._moved_for(at, self._fulfilled(at, turn.then, turn))
            if self.shelf.turn(at).say:
                return at

    def _claimed(self, at: Suspended, request: Request) -> Suspended:
        """The call with the request claimed for this worker."""
        claim = claimed(self.shelf.setup, request, again=at.claim is not None)
        live = Live(at.live.call, at.live.turn + 1)
        return self.shelf.save(evolve(at, live=live, claim=claim), at.live.turn)

    def _fulfilled(self, at: Suspended, request: Request, turn: Turn) -> Event:
        """The answer to a request."""
        if isinstance(request, Read) and at.claim is not None and at.claim.again:
            return Unavailable("taken over")
        attendant, steps = self.shelf.attendant(at), fulfil(request, turn)
        reply: Event | None = None
        while True:
            try:
                task = steps.send(reply)
            except StopIteration as done:
                answer: Event = done.value
                return answer
            reply = self._forbidden(at, task) or self._done(attendant, task)

    def _done(self, attendant: Attendant, task: Task) -> Event | None:
        if isinstance(task, Send):
            return self._sent(attendant, task.request)
        return attendant.note(task)

    def _sent(self, attendant: Attendant, request: ServiceRequest) -> ServiceAnswer:
        """Asks the service; a read that was not reached is tried once more in its budget."""
        budget = self.shelf.setup.budget(request)
        began = self.shelf.setup.clock()
        answer = self._asked(attendant, request, budget)
        left = budget - (self.shelf.setup.clock() - began).total_seconds()
        if isinstance(request, Read) and isinstance(answer, Unavailable) and left > 0:
            return self._asked(attendant, request, left)
        return answer

    def _asked(self, attendant: Attendant, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """One answer. Who waits for it is a visitor, whose patience is minded elsewhere."""
        try:
            return attendant.answered(
                request, self.shelf.setup.backend.answer(request, budget), None
            )
        except Exception as error:  # noqa: BLE001 - a back end that raises has not answered
            return attendant.answered(request, None, error)

    def _forbidden(self, at: Suspended, task: Task) -> Event | None:
        """Why a write must not be sent now: it may have been, or is another worker's by now."""
        match task:
            case Intend(write) if at.claim is not None and at.claim.again:
                return self._lost(write)
            case Send(request, _) if isinstance(request, Write) and not self.is_carried(at):
                return Unavailable("too late")
            case _:
                return None

    def _lost(self, write: Write) -> OutcomeUnknown | None:
        """None where a write that was taken over was never on record, and so was never sent."""
        try:
            self.shelf.setup.record.settle(write.key, OutcomeUnknown("taken over"))
        except LookupError:
            return None
        except Exception as error:  # noqa: BLE001 - what cannot be known may have been sent
            log.error("record.failed", error=type(error).__name__)
        return OutcomeUnknown("taken over")

    def _moved_for(self, at: Suspended, event: Event) -> Suspended:
        """The call after an answer, also where it was hung up while we waited for it."""
        while True:
            try:
                return self.shelf.move(at, event)
            except StaleCall:
                now = self.shelf.load(at.live.call.host.call_id)
                if at.claim is None or now.claim is None or now.claim.by != at.claim.by:
                    raise
                at = now
