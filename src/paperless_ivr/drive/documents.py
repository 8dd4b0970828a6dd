"""Runs calls on a runtime that asks by web request; any number of workers may share a store.

Between two requests a call is in the store, and only a worker that saves it first at the next
turn moves it (compare-and-set). Every answer carries the token of the turn it is an answer to: to
an earlier turn the last document is given again, and nothing changes (R09).

"One moment" is heard before a request is carried out, on the next visit (`carrying`). Who comes
while it is being carried out waits, then hears that it goes on.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import structlog
from attrs import evolve, field, frozen

from paperless_ivr.drive.attendant import Setup
from paperless_ivr.drive.carrying import Carrier
from paperless_ivr.drive.editions import given_up
from paperless_ivr.drive.shelf import Shelf
from paperless_ivr.drive.suspended import Suspended
from paperless_ivr.drive.tickets import Ticket, Tickets
from paperless_ivr.errors import Rejected, StaleCall, UnknownCall
from paperless_ivr.flow.events import (
    CallerEvent,
    Digits,
    HungUp,
    NoInput,
    RecordUnavailable,
    TransferEnded,
    Unavailable,
)
from paperless_ivr.flow.host import Arrival, Disposition, Edition, Handback, Reason
from paperless_ivr.flow.requests import RecordRequest, Request
from paperless_ivr.flow.scene import Scene
from paperless_ivr.flow.script import prompt
from paperless_ivr.flow.states import Kind
from paperless_ivr.flow.turns import Gather, Return, Transfer, Turn
from paperless_ivr.gateways.port import Answers, Begins, DocumentGateway, Ends, WebRequest
from paperless_ivr.secret import Secret

log = structlog.get_logger("paperless_ivr")

MARGIN = 5.0
"""Seconds that are left of the runtime's patience when it is told that we still work."""
LOOKS = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds between two looks for an answer that another worker is to bring; the last one stays."""
ENDED_FOR = timedelta(minutes=2)
"""So long the last document of a call that has ended is given again."""
LOST = Handback(Disposition.INCOMPLETE, Reason.RECORD_DOWN)
"""Of a call that the store cannot give, or that breaks."""
TALK = timedelta(hours=4)
"""A talk with a person may take so long; nothing is heard of the call meanwhile."""


@frozen
class Reply:
    """What a web request gets. `handback` is set where the call is given back to the host."""

    status: int
    document: str = field(default="", repr=False)
    handback: Handback | None = None


@frozen
class Documents:
    """Answers the web requests of one runtime for calls of one biller.

    Workers that share a store have the same key. `at_once` bounds the requests that are carried
    out at the same time; `began` and `ended` are told of every call. New calls begin on `setup`;
    calls that began on another edition finish on it where it is among `former`, which share key
    and store. Else they go back to the host (`editions`).
    """

    setup: Setup
    gateway: DocumentGateway
    key: Secret = field(repr=False)
    at_once: int = 32
    began: Callable[[Arrival], None] | None = None
    ended: Callable[[Handback], None] | None = None
    former: "tuple[Documents, ...]" = ()
    _tickets: Tickets = field(init=False, repr=False)
    _shelf: Shelf = field(init=False, repr=False)
    _carrier: Carrier = field(init=False, repr=False)
    _pool: ThreadPoolExecutor = field(init=False, repr=False)

    @_tickets.default
    def _make_tickets(self) -> Tickets:
        return Tickets(self.key)

    @_shelf.default
    def _make_shelf(self) -> Shelf:
        return Shelf(self.setup, self.gateway, self._tickets, self.began, self.ended)

    @_carrier.default
    def _make_carrier(self) -> Carrier:
        return Carrier(self._shelf)

    @_pool.default
    def _make_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.at_once, thread_name_prefix="request")

    def answer(self, request: WebRequest) -> Reply:
        """What a web request gets. Never raises: what cannot go on goes back to the host."""
        call_id: str | None = None
        try:
            visit = self.gateway.read(request)
            match visit:
                case Begins(arrival):
                    call_id = arrival.call_id
                    return self._begin(arrival)
                case Answers():
                    call_id = visit.call_id
                    return self._answered(visit)
                case Ends():
                    self.hang_up(visit.call_id, by_host=visit.by_host)
            return Reply(204)
        except Rejected as rejected:
            log.warning("request.rejected", status=rejected.status, why=rejected.why)
            return Reply(rejected.status)
        except Exception as error:  # noqa: BLE001 - the caller goes on with the host
            log.error("call.broken_off", call=call_id, error=type(error).__name__)
            return Reply(503) if call_id is None else self._broken_off(call_id)

    def hang_up(self, call_id: str, *, by_host: bool = False) -> None:
        """A call is over, at whatever moment. What was agreed is carried out all the same."""
        with suppress(UnknownCall):
            at = self._shelf.load(call_id)
            owner = self._owner(at)
            if owner is None:
                self._give_up(at)
            else:
                owner._end(call_id, by_host=by_host)

    def tidy(self, abandoned: timedelta = timedelta(minutes=10)) -> int:
        """Ends calls that were not heard of for so long, and forgets those that have ended.

        Says how many were ended. To be done every minute or so, by any worker. A call that
        cannot be ended, as one that another version of the library saved, stays for who can.
        """
        ended = 0
        for call_id in self.setup.calls.idle(self.setup.clock() - min(ENDED_FOR, abandoned)):
            try:
                at = self._shelf.load(call_id)
                ended += (self._owner(at) or self)._tidied(at, abandoned)
            except UnknownCall:
                pass
            except Exception as error:  # noqa: BLE001 - one call must not stop the others
                log.error("call.not_tidied", call=call_id, error=type(error).__name__)
        return ended

    def close(self) -> None:
        """Waits until the requests that are being carried out are done."""
        for documents in (self, *self.former):
            documents._pool.shutdown()

    # ── editions ──

    def _owner(self, at: Suspended) -> "Documents | None":
        """Who runs a call: who has the edition that it began on; None where nobody has."""
        edition = at.live.call.host.edition
        having = (one for one in (self, *self.former) if one.setup.edition == edition)
        return next(having, None)

    # ── what comes ──

    def _begin(self, arrival: Arrival) -> Reply:
        """A call is handed over. The same hand-over again is no other one."""
        try:
            return self._go_on(self._shelf.begin(arrival, None))
        except StaleCall:
            pass
        there = self._shelf.load(arrival.call_id)
        owner = self._owner(there)
        if owner is not None:
            if evolve(there.live.call.host, edition=Edition(), handover="") == arrival:
                return owner._reply(there)
            if isinstance(owner._shelf.turn(there).then, Return):
                return self._go_on(self._shelf.begin(arrival, there.live.turn))
        self.hang_up(arrival.call_id, by_host=True)  # the host has taken it away
        return self._go_on(self._shelf.begin(arrival, None))

    def _answered(self, visit: Answers) -> Reply:
        """The runtime comes back with what the caller did, or for what was being waited for."""
        ticket = self._tickets.read(visit.token)
        if ticket is None or ticket.call_id != visit.call_id:
            raise Rejected(403, "the token is none of this call")
        if isinstance(visit.event, HungUp):
            self.hang_up(visit.call_id, by_host=visit.event.by_host)
            return Reply(204)
        at = self._shelf.load(visit.call_id)
        owner = self._owner(at)
        if owner is not None:
            return owner._taken_up(visit, ticket, at)
        if at.live.call.state.kind is Kind.END:
            return Reply(200, at.document)
        return self._broken_off(visit.call_id, self._given_up(at))

    def _taken_up(self, visit: Answers, ticket: Ticket, at: Suspended) -> Reply:
        """The runtime comes back to a call of this edition."""
        then = self._shelf.turn(at).then
        late = (ticket.handover, ticket.turn) != (at.live.call.host.handover, at.live.turn)
        if late or isinstance(then, Return):
            return self._reply(at)
        if isinstance(then, Request):
            if visit.event is not None:
                raise Rejected(400, "nothing was asked of the caller")
            return self._look_for(at) if self._carrier.is_carried(at) else self._carried(at)
        try:
            return self._go_on(self._shelf.move(at, _asked_for(then, visit.event, ticket)))
        except StaleCall:  # the same answer came twice at once
            return self._last(visit.call_id)

    def _end(self, call_id: str, *, by_host: bool = False) -> None:
        """Ends a call of this edition."""
        at = self._gone(call_id, by_host=by_host)
        if isinstance(self._shelf.turn(at).then, Return):
            self.setup.calls.drop(call_id)
        elif not self._carrier.is_carried(at):
            self._carried(at)

    def _gone(self, call_id: str, *, by_host: bool) -> Suspended:
        """The call after it was hung up; as it is where it has ended or was hung up before."""
        while True:
            at = self._shelf.load(call_id)
            over = isinstance(self._shelf.turn(at).then, Return)
            if over or at.live.call.results.hung_up:
                return at
            with suppress(StaleCall):
                return self._shelf.move(at, HungUp(by_host))

    def _tidied(self, at: Suspended, abandoned: timedelta) -> bool:
        """Ends a call that was left behind (True), or forgets one that has ended."""
        call_id, age = at.live.call.host.call_id, self.setup.clock() - at.asked
        if at.live.call.host.edition != self.setup.edition:
            over = at.live.call.state.kind is Kind.END
            if over or age > abandoned:
                self._give_up(at)
            return not over and age > abandoned
        then = self._shelf.turn(at).then
        patience = TALK + abandoned if isinstance(then, Transfer) else abandoned
        if isinstance(then, Return):
            if age > ENDED_FOR:
                self.setup.calls.drop(call_id)
        elif at.live.call.results.hung_up or age > patience:
            self._end(call_id)
            return True
        return False

    def _give_up(self, at: Suspended) -> None:
        """Lets go of a call whose edition nobody has."""
        if at.live.call.state.kind is Kind.END:
            self.setup.calls.drop(at.live.call.host.call_id)
        else:
            self._given_up(at)

    def _given_up(self, at: Suspended) -> Handback:
        handback = given_up(self.setup, at)
        if self.ended is not None:
            self.ended(handback)
        return handback

    # ── how a call goes on ──

    def _go_on(self, at: Suspended) -> Reply:
        """The document of a call; a request that has no words is carried out first."""
        turn = self._shelf.turn(at)
        if isinstance(turn.then, Request) and not turn.say:
            return self._carried(at)
        return self._reply(at)

    def _carried(self, at: Suspended) -> Reply:
        """Carries out a request, and gives the document that comes of it, or one meanwhile."""
        call_id = at.live.call.host.call_id
        pending = self._pool.submit(self._carrier.carry, at)
        try:
            return self._reply(pending.result(self._wait))
        except StaleCall:  # another worker does it
            return self._last(call_id)
        except TimeoutError:
            if at.live.call.results.hung_up or not pending.cancel():
                pending.add_done_callback(_noted)
                return self._last(call_id, waited=True)
        log.error("request.crowded_out", call=call_id)
        record = isinstance(self._shelf.turn(at).then, RecordRequest)
        lost = RecordUnavailable() if record else Unavailable("crowded out")
        try:
            return self._go_on(self._shelf.move(at, lost))
        except StaleCall:  # another worker has carried it out, or crowded it out
            return self._last(call_id)

    def _look_for(self, at: Suspended) -> Reply:
        """Waits for an answer that another worker is to bring."""
        call_id, waited, looks = at.live.call.host.call_id, 0.0, iter(LOOKS)
        while waited < self._wait and at.live.turn == self._shelf.load(call_id).live.turn:
            pause = next(looks, LOOKS[-1])
            time.sleep(pause)
            waited += pause
        return self._last(call_id, waited=True)

    # ── documents ──

    @property
    def _wait(self) -> float:
        """Seconds after which the caller is to hear that we still work."""
        reassure = self.setup.budgets.reassure
        return max(min(reassure, self.gateway.patience - MARGIN), 0.0)

    def _last(self, call_id: str, *, waited: bool = False) -> Reply:
        """The last document again; who has waited for it hears so."""
        at = self._shelf.load(call_id)
        turn = self._shelf.turn(at)
        if waited and isinstance(turn.then, Request) and not turn.call.results.hung_up:
            still = prompt(Scene(turn.call, self.setup.flow.terms), "still_working")
            return Reply(200, self._shelf.written(at, evolve(turn, say=(still,))))
        return self._reply(at)

    def _reply(self, at: Suspended) -> Reply:
        then = self._shelf.turn(at).then
        return Reply(200, at.document, then.handback if isinstance(then, Return) else None)

    def _broken_off(self, call_id: str, handback: Handback = LOST) -> Reply:
        """Without a word the call goes back to the host: its payment is not held up (R10)."""
        biller = self.setup.flow.terms.policy.biller.id
        call = self.setup.flow.begin(Arrival(call_id, biller)).call
        turn = Turn(call, (), Return(handback))
        language = Scene(call, self.setup.flow.terms).language
        return Reply(200, self.gateway.write(turn, lambda _: "", language), handback)


def _noted(carried: "Future[Suspended]") -> None:
    """Logs why a request could not be carried out for which nobody waits any more."""
    error = carried.exception()
    if error is not None and not isinstance(error, StaleCall):
        log.error("request.failed", error=type(error).__name__)


def _asked_for(then: Gather | Transfer, event: CallerEvent | None, ticket: Ticket) -> CallerEvent:
    """What the caller did, where it is an answer to what was asked."""
    if isinstance(then, Gather) and isinstance(event, Digits):
        return evolve(event, heard=ticket.heard)
    fits = NoInput if isinstance(then, Gather) else TransferEnded
    if isinstance(event, fits):
        return event
    raise Rejected(400, "it is no answer to what was asked")
