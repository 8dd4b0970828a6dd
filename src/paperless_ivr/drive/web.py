"""Runs calls on a runtime that asks by web request; any number of workers may share a store.

Between two requests a call is in the store, and only a worker that saves it first at the next
turn moves it (compare-and-set). Every answer carries the token of the turn it is an answer to: to
an earlier turn the last document is given again, and nothing changes (R09).

"One moment" is heard before a request is carried out, on the next visit. Who comes while it is
being carried out waits, then hears that it goes on. What a request waits for, a turn at the store
or an answer, has one deadline. Where something of ours fails, the call goes
back to the host with all that it handed over: the token says it, with no store at all (R48).
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
"""Seconds that are left of the runtime's patience when the caller hears that we still work."""
LOOKS = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds between two looks for an answer another worker will deliver; the last one repeats."""


@frozen
class Reply:
    """What a web request gets. `handback` is set where the call is given back to the host."""

    status: int
    document: str = field(default="", repr=False)
    handback: Handback | None = None
    outside: bool = False
    """The call was given back outside of its flow: no move was committed, no observer saw it."""


@frozen
class WebDriver:
    """Answers the web requests of one runtime for calls of one biller.

    Workers that share a store have the same keys (`TokenSigner`). New calls begin on `setup`;
    calls that began on another release finish on it where it is among `former`, which share
    keys and store. Else they go back to the host (`releases`). GatewayProblems where the runtime
    waits no longer than `MARGIN`: it would never hear what came of a request.
    """

    setup: Setup
    gateway: DocumentGateway = field()
    keys: Secret | Sequence[Secret] = field(repr=False)
    former: "tuple[WebDriver, ...]" = ()
    draining: Event = field(factory=Event, repr=False)
    """Set when the server is about to stop: new calls go back to the host at once."""
    closing: Event = field(factory=Event, repr=False)
    """Set when it stops: live calls go back at their next answer."""
    _signer: TokenSigner = field(init=False, repr=False)
    _requests: RequestRunner = field(init=False, repr=False)
    _pool: ThreadPoolExecutor = field(init=False, repr=False)

    @gateway.validator
    def _patient_enough(self, _: object, gateway: DocumentGateway) -> None:
        if not gateway.patience > MARGIN:
            problem = (
                f"patience: its runtime waits {gateway.patience:g} seconds for a document, and "
                f"{MARGIN:g} are kept for writing it; more than {MARGIN:g} are needed"
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
        """What a web request gets. Never raises: what cannot go on goes back to the host."""
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
        """A call is over, at whatever moment. What was agreed is carried out all the same."""
        reaping.hang_up(self._releases, call_id, by)

    def reap(self, abandoned: timedelta = reaping.ABANDONED) -> int:
        """Ends calls that were left behind, as `reaping.reap`."""
        return reaping.reap(self._releases, abandoned)

    def any_live(self) -> bool:
        """Whether a call of these releases, in the store, has not ended."""
        return reaping.any_live(self._releases)

    def give_back(self) -> None:
        """Gives live calls back to the host, each when it comes with its next answer."""
        for driver in (self, *self.former):
            driver.closing.set()

    def close(self) -> None:
        """Waits until the requests that are being carried out are done."""
        for driver in (self, *self.former):
            driver._pool.shutdown()
            driver._requests.close()

    @property
    def _releases(self) -> tuple[RequestRunner, ...]:
        return tuple(driver._requests for driver in (self, *self.former))

    def _owner(self, release: Release) -> "WebDriver | None":
        """Who runs calls of a release; None where no driver here does."""
        having = (one for one in (self, *self.former) if one.setup.edition == release)
        return next(having, None)

    # ── what comes ──

    def _begin(self, arrival: Arrival) -> Reply:
        """A call is handed over. The same hand-over again is no other one."""
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
        except StaleCall:  # the same hand-over came twice at once
            return self._begun_again(begun, arrival)

    def _begun_while_draining(self, begun: Move, arrival: Arrival) -> Reply:
        """A call that the store has goes on; a new one goes back."""
        with suppress(UnknownCall):
            return self._begun_again(begun, arrival)
        host = begun.after.call.host
        back = evolve(Handback.unfinished(host, Reason.SERVER_STOPPED), paid=host.paid)
        return self._given_back(handed_back(Call(host), back, self.setup.clock()))

    def _begun_again(self, begun: Move, arrival: Arrival) -> Reply:
        """A hand-over of a call that the store has already."""
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
        self.hang_up(arrival.call_id, by=EndedBy.HOST)  # the host has taken it back
        return self._go_on(requests.commit(begun))

    def _answered(self, visit: Answers) -> Reply:
        """The runtime comes back with what the caller did, or for what was being waited for."""
        token = self._signer.read(visit.token)
        if token is None or token.call_id != visit.call_id:
            raise Rejected(403, "the token belongs to another call")
        if isinstance(visit.event, HungUp):
            self.hang_up(visit.call_id, by=visit.event.by)
            return Reply(204)
        host = token.arrival(self.setup.flow.terms.policy.biller.id)
        return self._or_given_back(lambda: self._placed(visit, token), host, paid=token.paid)

    def _placed(self, visit: Answers, token: TurnToken) -> Reply:
        """The answer at the call that it is of: its release runs it, or it goes back."""
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
        except StaleCall:  # the same answer came twice at once
            return Reply(200, self._requests.load(visit.call_id).document)

    def _taken_up(self, visit: Answers, token: TurnToken, session: Session) -> Reply:
        """The runtime comes back to a call of this release."""
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
        except StaleCall:  # the same answer came twice at once
            return self._last(visit.call_id)

    # ── how a call goes on ──

    def _go_on(self, session: Session) -> Reply:
        """The document of a call that has just moved; a request without words comes first."""
        if isinstance(session.turn.then, Request) and not session.turn.say:
            return self._carried(session, claimed=session.claim is not None)
        return self._reply(session)

    def _carried(self, session: Session, *, claimed: bool = False) -> Reply:
        """Carries out a request, and gives the document that comes of it, or one meanwhile."""
        pending = self._pool.submit(self._requests.carry, session, claimed=claimed)
        try:
            return self._reply(pending.result(self._wait))
        except StaleCall:  # another worker does it
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
        except StaleCall:  # another worker has carried it out, or crowded it out
            return self._last(session.call_id)

    def _look_for(self, session: Session) -> Reply:
        """Waits for an answer another worker will deliver."""
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
        """Seconds that are left until the caller hears that we still work."""
        return left()

    @property
    def _patience(self) -> float:
        """Seconds that the caller waits for a document at most."""
        reassure = self.setup.budgets.reassure
        return max(min(reassure, self.gateway.patience - MARGIN), 0.0)

    def _last(self, call_id: str) -> Reply:
        """The last document again."""
        return self._reply(self._requests.session(self._requests.load(call_id)))

    def _still_working(self, session: Session) -> Reply:
        """Who has waited for a request hears so, unless it is seen at once that it is done."""
        with suppress(RecordBusy):
            session = self._requests.session(self._requests.load(session.call_id))
        if isinstance(session.turn.then, Request):
            still = self._requests.runner.reassurance(session.turn)
            if still is not None:
                return Reply(200, self._requests.write(session, still))
        return self._reply(session)

    def _reply(self, session: Session) -> Reply:
        return Reply(200, session.document, handback_of(session) if session.over else None)

    # ── what cannot go on ──

    def _or_given_back(self, act: Callable[[], Reply], host: Arrival, *, paid: bool) -> Reply:
        """The reply; where it cannot be had, the call goes back with what was handed over."""
        try:
            with answering_by(time.monotonic() + self._patience):
                return act()
        except Rejected:
            raise
        except Exception as error:  # noqa: BLE001 - the caller goes on with the host
            log.error("call.broken_off", **whose(host), **named(error))
            reason = _reason(error)
        back = evolve(Handback.unfinished(host, reason), paid=paid)
        return self._given_back(handed_back(Call(host), back, self.setup.clock()))

    def _given_back(self, session: Session) -> Reply:
        """Without a word the call goes back to the host: its payment is not held up (R10)."""
        return Reply(200, self._written(session), handback_of(session), outside=True)

    def _written(self, session: Session) -> str:
        return self._requests.write(session, session.turn)


def _handed_over(session: Session) -> Arrival:
    """What the host handed over, without what was named here."""
    return evolve(session.call.host, edition=Release(), handover="", serial="", today=None)


def _reason(error: Exception) -> Reason:
    """Why a call goes back that broke off."""
    match error:
        case RecordBusy():
            return Reason.BUSY
        case StoreError() if not isinstance(error, UnknownCall | StaleCall):
            return Reason.RECORD_DOWN
        case _:
            return Reason.CALL_LOST


def _noted(call: Mapping[str, str], carried: "Future[Session]") -> None:
    """Logs why a request failed that no visit waits for any more."""
    error = carried.exception()
    if error is not None and not isinstance(error, StaleCall):
        log.error("request.failed", **call, **named(error))


def _asked_for(then: Gather | Transfer, event: CallerEvent | None, token: TurnToken) -> CallerEvent:
    """What the caller did, where it is an answer to what was asked."""
    if isinstance(then, Gather) and isinstance(event, Digits):
        return evolve(event, interrupted=token.heard)
    fits = NoInput if isinstance(then, Gather) else TransferEnded
    if isinstance(event, fits):
        return event
    raise Rejected(400, "this does not answer what was asked")
