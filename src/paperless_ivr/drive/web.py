"""Runs calls on a runtime that sends web requests. Any number of workers can share a store.

Between web requests, a call is kept in the store. If several workers try to advance a call, only
the first one to save the next turn succeeds (compare-and-set). Every answer contains its turn's
token. An answer to an earlier turn changes nothing, and the response is the latest document again
(R09).

Before a request to the service, the caller usually hears "one moment". The request is then carried
out during the runtime's next web request. Another web request that arrives in the meantime waits
for the answer, too. If that takes too long, the caller hears that we are still working on it. While
we handle a web request, a single deadline limits all waiting for the store and the service. If
something fails on our side, the call goes back to the host. This works even without the store,
because the token contains everything that the hand-back needs (R48).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Event

import structlog
from attrs import evolve, field, frozen

from paperless_ivr.drive import reaping
from paperless_ivr.drive.protocol import Move
from paperless_ivr.drive.releases import give_up, handed_back
from paperless_ivr.drive.requests import RequestRunner
from paperless_ivr.drive.runner import Setup, handback_of, named, whose
from paperless_ivr.drive.session import Session, read
from paperless_ivr.drive.tokens import TokenSigner, TurnToken
from paperless_ivr.errors import (
    GatewayProblems,
    RecordBusy,
    Rejected,
    StaleCall,
    StoreError,
    UnknownCall,
)
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import (
    CallerEvent,
    Digits,
    EndedBy,
    HungUp,
    NoInput,
    RecordUnavailable,
    TransferEnded,
    Unavailable,
)
from paperless_ivr.flow.host import Arrival, Handback, Reason, Release
from paperless_ivr.flow.requests import RecordRequest, Request
from paperless_ivr.flow.states import Kind
from paperless_ivr.flow.turns import Gather, Transfer
from paperless_ivr.gateways.port import Answers, Begins, DocumentGateway, Ends, WebRequest
from paperless_ivr.records.deadline import answering_by, left
from paperless_ivr.secret import Secret

log = structlog.get_logger("paperless_ivr")

MARGIN = 5.0
"""How many seconds of the time that the runtime waits are reserved for responding."""
LOOKS = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds between checks for an answer from another worker. The last value repeats."""


@frozen
class Reply:
    """The response to a web request. `handback` is set if the call goes back to the host."""

    status: int
    document: str = field(default="", repr=False)
    handback: Handback | None = None
    outside: bool = False
    """Whether the call was given back outside its flow. If so, no move is committed or observed."""


@frozen
class WebDriver:
    """Answers one runtime's web requests for one biller's calls.

    Workers that share a store must use the same keys (`TokenSigner`). New calls begin on `setup`.
    If a call began on another release, it continues with the `former` driver for that release. If
    there is none, the call goes back to the host (`drive.releases`). The `former` drivers must use
    the same keys and store. Raises GatewayProblems if the runtime waits no longer than `MARGIN`,
    because then there would be no time to answer.
    """

    setup: Setup
    gateway: DocumentGateway = field()
    keys: Secret | Sequence[Secret] = field(repr=False)
    former: "tuple[WebDriver, ...]" = ()
    draining: Event = field(factory=Event, repr=False)
    """Set when the server is about to stop. New calls then go back to the host immediately."""
    closing: Event = field(factory=Event, repr=False)
    """Set when the server stops. Live calls then go back to the host at their next answer."""
    _signer: TokenSigner = field(init=False, repr=False)
    _requests: RequestRunner = field(init=False, repr=False)
    _pool: ThreadPoolExecutor = field(init=False, repr=False)

    @gateway.validator
    def _patient_enough(self, _: object, gateway: DocumentGateway) -> None:
        if not gateway.patience > MARGIN:
            problem = (
                f"patience: the runtime waits {gateway.patience:g} seconds for a document; it must "
                f"wait more than {MARGIN:g}, because that much time is reserved for responding"
            )
            raise GatewayProblems("this gateway cannot answer in time", [problem])

    @_signer.default
    def _make_signer(self) -> TokenSigner:
        return TokenSigner(self.keys)

    @_requests.default
    def _make_requests(self) -> RequestRunner:
        return RequestRunner(self.setup, self.gateway, self._signer)

    @_pool.default
    def _make_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.setup.at_once, thread_name_prefix="request")

    def answer(self, request: WebRequest) -> Reply:
        """Return the response to a web request. Never raises. Failed calls go back to the host."""
        try:
            visit = self.gateway.read(request)
            match visit:
                case Begins(arrival):
                    return self._begin(arrival)
                case Answers():
                    return self._answered(visit)
                case Ends():
                    self.hang_up(visit.call_id, by=visit.by)
            return Reply(204)
        except Rejected as rejected:
            log.warning("request.rejected", status=rejected.status, why=rejected.why)
            return Reply(rejected.status)
        except Exception as error:  # noqa: BLE001 - there is no call to give back
            log.error("request.failed", **named(error))
            return Reply(503)

    def hang_up(self, call_id: str, *, by: EndedBy = EndedBy.CALLER) -> None:
        """Handle a hang-up in any state. What the caller agreed to is carried out or deferred."""
        reaping.hang_up(self._releases, call_id, by)

    def reap(self, abandoned: timedelta = reaping.ABANDONED) -> int:
        """End abandoned calls (`reaping.reap`)."""
        return reaping.reap(self._releases, abandoned)

    def any_live(self) -> bool:
        """Whether the store contains an unfinished call on one of these releases."""
        return reaping.any_live(self._releases)

    def give_back(self) -> None:
        """Give live calls back to the host, each at its next answer."""
        for driver in (self, *self.former):
            driver.closing.set()

    def close(self) -> None:
        """Wait until the requests in progress are done."""
        for driver in (self, *self.former):
            driver._pool.shutdown()
            driver._requests.close()

    @property
    def _releases(self) -> tuple[RequestRunner, ...]:
        return tuple(driver._requests for driver in (self, *self.former))

    def _owner(self, release: Release) -> "WebDriver | None":
        """Return the driver for a release, or None if no driver here runs it."""
        having = (one for one in (self, *self.former) if one.setup.release == release)
        return next(having, None)

    # ── web requests ──

    def _begin(self, arrival: Arrival) -> Reply:
        """Handle a hand-over. Repeating the same hand-over does not start another call."""
        begun = self._requests.runner.arrived(arrival)
        host = begun.after.call.host
        return self._or_given_back(lambda: self._begun(begun, arrival), host, paid=host.paid)

    def _begun(self, begun: Move, arrival: Arrival) -> Reply:
        try:
            if self.draining.is_set():
                return self._begun_while_draining(begun, arrival)
            return self._go_on(self._requests.commit(begun))
        except StaleCall:
            pass
        try:
            return self._begun_again(begun, arrival)
        except StaleCall:  # the same hand-over arrived twice at the same time
            return self._begun_again(begun, arrival)

    def _begun_while_draining(self, begun: Move, arrival: Arrival) -> Reply:
        """Continue a call that is already in the store, but give a new call back to the host."""
        with suppress(UnknownCall):
            return self._begun_again(begun, arrival)
        host = begun.after.call.host
        back = evolve(Handback.unfinished(host, Reason.SERVER_STOPPED), paid=host.paid)
        return self._given_back(handed_back(Call(host), back, self.setup.clock()))

    def _begun_again(self, begun: Move, arrival: Arrival) -> Reply:
        """Handle a hand-over of a call that is already in the store."""
        requests = self._requests
        stored = requests.load(arrival.call_id)
        saved = read(stored)
        driver = self._owner(saved.call.host.edition)
        if driver is not None:
            there = driver._requests.session(stored, saved)
            if _handed_over(there) == _handed_over(begun.after):
                return driver._reply(there)
            if there.over:
                after = evolve(begun.after, number=there.number + 1, stored_number=there.number)
                return self._go_on(requests.commit(evolve(begun, after=after)))
        self.hang_up(arrival.call_id, by=EndedBy.HOST)  # the host has taken the call back
        return self._go_on(requests.commit(begun))

    def _answered(self, visit: Answers) -> Reply:
        """Handle a visit that reports what the caller did, or that asks for a request's result."""
        token = self._signer.read(visit.token)
        if token is None or token.call_id != visit.call_id:
            raise Rejected(403, "the token belongs to another call")
        if isinstance(visit.event, HungUp):
            self.hang_up(visit.call_id, by=visit.event.by)
            return Reply(204)
        host = token.arrival(self.setup.flow.terms.policy.biller.id)
        return self._or_given_back(lambda: self._placed(visit, token), host, paid=token.paid)

    def _placed(self, visit: Answers, token: TurnToken) -> Reply:
        """Handle an answer with the driver for the call's release, or give back the call."""
        stored = self._requests.load(visit.call_id)
        saved = read(stored)
        driver = self._owner(saved.call.host.edition)
        if driver is not None:
            return driver._taken_up(visit, token, driver._requests.session(stored, saved))
        late = (token.handover, token.number) != (saved.call.host.handover, stored.turn)
        if late or saved.call.state.kind is Kind.END:
            return Reply(200, stored.document)
        try:
            return self._reply(give_up(self._requests.runner, stored, saved, self._written))
        except StaleCall:  # the same answer arrived twice at the same time
            return Reply(200, self._requests.load(visit.call_id).document)

    def _taken_up(self, visit: Answers, token: TurnToken, session: Session) -> Reply:
        """Handle a visit to a call on this release."""
        then = session.turn.then
        late = (token.handover, token.number) != (session.call.host.handover, session.number)
        if late or session.over:
            return self._reply(session)
        if isinstance(then, Request):
            if visit.event is not None:
                raise Rejected(400, "the caller was not asked anything")
            claimed = self._requests.is_claimed(session)
            return self._look_for(session) if claimed else self._carried(session)
        assert isinstance(then, Gather | Transfer)
        event: CallerEvent = HungUp(EndedBy.SERVER)
        if not self.closing.is_set():
            event = _asked_for(then, visit.event, token)
        try:
            return self._go_on(self._requests.move(session, event))
        except StaleCall:  # the same answer arrived twice at the same time
            return self._last(visit.call_id)

    # ── continuing a call ──

    def _go_on(self, session: Session) -> Reply:
        """Return the reply after a move. A request without prompts is carried out first."""
        if isinstance(session.turn.then, Request) and not session.turn.say:
            return self._carried(session, claimed=session.claim is not None)
        return self._reply(session)

    def _carried(self, session: Session, *, claimed: bool = False) -> Reply:
        """Carry out a request. Return the next document, or one that reassures the caller."""
        waited = self._patience - left()
        pending = self._pool.submit(self._requests.carry, session, claimed=claimed, waited=waited)
        try:
            return self._reply(pending.result(self._wait))
        except StaleCall:  # another worker is carrying out the request
            return self._last(session.call_id)
        except TimeoutError:
            if not pending.cancel():
                pending.add_done_callback(partial(_noted, whose(session.call.host)))
                return self._still_working(session)
        log.error("request.crowded_out", **whose(session.call.host))
        record = isinstance(session.turn.then, RecordRequest)
        kind = RecordUnavailable if record else Unavailable
        try:
            return self._go_on(self._requests.move(session, kind(busy=True)))
        except StaleCall:  # another worker has carried out the request or moved the call
            return self._last(session.call_id)

    def _look_for(self, session: Session) -> Reply:
        """Wait for an answer that another worker will deliver."""
        looks = iter(LOOKS)
        while pause := min(self._wait, next(looks, LOOKS[-1])):
            time.sleep(pause)
            with suppress(RecordBusy):
                stored = self._requests.load(session.call_id)
                if stored.turn != session.number:
                    return self._reply(self._requests.session(stored))
        return self._still_working(session)

    # ── documents ──

    @property
    def _wait(self) -> float:
        """Seconds until the caller should hear that we are still working on it."""
        return left()

    @property
    def _patience(self) -> float:
        """The maximum time that a caller waits for a document, in seconds."""
        reassure = self.setup.budgets.reassure
        return max(min(reassure, self.gateway.patience - MARGIN), 0.0)

    def _last(self, call_id: str) -> Reply:
        """Return the latest document again."""
        return self._reply(self._requests.session(self._requests.load(call_id)))

    def _still_working(self, session: Session) -> Reply:
        """Return a reassuring document, or the next document if the request is already done."""
        with suppress(RecordBusy):
            session = self._requests.session(self._requests.load(session.call_id))
        if isinstance(session.turn.then, Request):
            still = self._requests.runner.reassurance(session.turn)
            if still is not None:
                return Reply(200, self._requests.write(session, still))
        return self._reply(session)

    def _reply(self, session: Session) -> Reply:
        return Reply(200, session.document, handback_of(session) if session.over else None)

    # ── calls that cannot continue ──

    def _or_given_back(self, act: Callable[[], Reply], host: Arrival, *, paid: bool) -> Reply:
        """Return the reply or, if something fails, give the call back as it was handed over."""
        try:
            with answering_by(time.monotonic() + self._patience):
                return act()
        except Rejected:
            raise
        except Exception as error:  # noqa: BLE001 - the caller continues with the host
            log.error("call.broken_off", **whose(host), **named(error))
            reason = _reason(error)
        back = evolve(Handback.unfinished(host, reason), paid=paid)
        return self._given_back(handed_back(Call(host), back, self.setup.clock()))

    def _given_back(self, session: Session) -> Reply:
        """Give the call back without prompts, so that the payment is not delayed (R10)."""
        return Reply(200, self._written(session), handback_of(session), outside=True)

    def _written(self, session: Session) -> str:
        return self._requests.write(session, session.turn)


def _handed_over(session: Session) -> Arrival:
    """Return what the host handed over, without the values that we added."""
    return evolve(session.call.host, edition=Release(), handover="", serial="", today=None)


def _reason(error: Exception) -> Reason:
    """Return the reason for giving back a call that could not continue."""
    match error:
        case RecordBusy():
            return Reason.BUSY
        case StoreError() if not isinstance(error, UnknownCall | StaleCall):
            return Reason.RECORD_DOWN
        case _:
            return Reason.CALL_LOST


def _noted(call: Mapping[str, str], carried: "Future[Session]") -> None:
    """Log the failure of a request that outlived its web request."""
    error = carried.exception()
    if error is not None and not isinstance(error, StaleCall):
        log.error("request.failed", **call, **named(error))


def _asked_for(then: Gather | Transfer, event: CallerEvent | None, token: TurnToken) -> CallerEvent:
    """Return what the caller did. Raises Rejected if that does not answer the question."""
    if isinstance(then, Gather) and isinstance(event, Digits):
        return evolve(event, interrupted=token.interrupted)
    fits = NoInput if isinstance(then, Gather) else TransferEnded
    if isinstance(event, fits):
        return event
    raise Rejected(400, "this does not answer what was asked")
