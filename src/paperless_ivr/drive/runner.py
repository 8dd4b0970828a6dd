"""Shared services for running a call: the record, the store, the log, and the evidence.

Failures of the service, the record, a gateway, or an observer become events or log lines here, so
that no exception cuts a call short. Only if a web request cannot commit a move does an exception
give the call back to the host (`drive.web`). Log lines contain call IDs, names, and codes, but no
personal data.
"""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from secrets import token_hex
from typing import TypeVar

import structlog
from attrs import define, evolve, field, frozen

from paperless_ivr.backends.port import Backend, without_answer
from paperless_ivr.clock import utc_now
from paperless_ivr.drive.protocol import Move, Send
from paperless_ivr.drive.recorder import ActivityRecorder
from paperless_ivr.drive.session import Claim, Session
from paperless_ivr.errors import PolicyProblems, RecordBusy, RecordDown, StaleCall
from paperless_ivr.flow.checks import check
from paperless_ivr.flow.events import (
    CustomersFound,
    EndedBy,
    Event,
    HungUp,
    OutcomeUnknown,
    RecordAnswer,
    RecordUnavailable,
    Refused,
    RequestDeferred,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Handback, Reason, Release
from paperless_ivr.flow.live import Live, deliver
from paperless_ivr.flow.policy import Budgets, Limits
from paperless_ivr.flow.policy_file import digest, problems
from paperless_ivr.flow.requests import (
    DeferRequest,
    Read,
    RecordRequest,
    Request,
    ReserveTry,
    Screen,
    ServiceRequest,
    Write,
    ahead,
)
from paperless_ivr.flow.turns import Return, Turn
from paperless_ivr.flow.view import CallView
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.deadline import answering_by
from paperless_ivr.records.port import (
    Intent,
    Reservation,
    SessionStore,
    SessionUpdate,
    Tried,
)

log = structlog.get_logger("paperless_ivr")

T = TypeVar("T")

Observer = Callable[[Move], None]
"""A function that receives every move of every call, for metrics, transcripts, or host code.

`move.before` is None when the call has just begun. When `move.after.over` is true, the call has
ended, and `move.after.turn.then` contains the hand-back. If an observer raises an error, the
error's class is logged, and the call continues.
"""

Finish = Callable[[Session], Session]
"""A function that adds a runtime's data, such as a document, to a session before it is stored."""

AT_ONCE = 256
"""The limit on concurrent requests to the service. Each takes a thread of about 50 KiB."""
CLAIM_GRACE = 5.0
"""A request's worker is presumed dead this many seconds after the request's budget ends."""
GRACE = 1.0
"""On a held channel, we stop waiting for the back end this many seconds after a request's budget
ends. For a search before the offer, we stop when the budget ends."""


@frozen
class Setup:
    """Everything needed to run one biller's calls. One instance serves any number of calls."""

    flow: Flow
    catalog: Catalog
    backend: Backend
    store: SessionStore
    clock: Callable[[], datetime] = utc_now
    observers: tuple[Observer, ...] = ()
    at_once: int = AT_ONCE
    """The limit on concurrent requests to the service. Further requests wait."""
    name_handover: Callable[[], str] = lambda: token_hex(4)
    """Creates a name for each hand-over, since a host can hand over a call several times."""
    release: Release = field(init=False, repr=False)
    """The flow, policy, and words that new calls run under."""

    @release.default
    def _make_release(self) -> Release:
        policy = self.flow.terms.policy
        return Release(self.flow.digest, digest(policy), self.catalog.digest)

    def __attrs_post_init__(self) -> None:
        """Report problems with the flow and the policy now, not during a call."""
        check(self.flow.terms, self.flow.table)
        found = problems(self.flow.terms.policy)
        if found:
            raise PolicyProblems("the policy cannot be used", found)

    def budget(self, request: Request, waited: float = 0.0) -> float:
        """Return how many seconds a request can take after `waited` seconds of silence."""
        if isinstance(request, RecordRequest):
            return self.budgets.record
        if ahead(request):
            return self.budgets.before_offer - waited
        return self.budgets.read if isinstance(request, Read) else self.budgets.write

    @property
    def limits(self) -> Limits:
        """The limits on tries and texts."""
        return self.flow.terms.policy.limits

    @property
    def budgets(self) -> Budgets:
        """The limits on how long a caller waits."""
        return self.flow.terms.policy.budgets


@frozen
class CallRunner:
    """Advances the calls of one setup. Each move is committed, and then logged and observed."""

    setup: Setup
    _recorder: ActivityRecorder = field(init=False, repr=False)

    @_recorder.default
    def _make_recorder(self) -> ActivityRecorder:
        return ActivityRecorder(self.setup.flow, self.setup.catalog)

    # ── moves ──

    def arrived(self, arrival: Arrival) -> Move:
        """Return the first move of a call that was just handed over, without committing it."""
        setup = self.setup
        handover = arrival.handover or setup.name_handover()
        serial = setup.name_handover() if arrival.handover else ""
        now = setup.clock()
        named = evolve(
            arrival,
            edition=setup.release,
            handover=handover,
            serial=serial,
            today=arrival.today or now.astimezone(UTC).date(),
        )
        return Move(None, None, Session(setup.flow.begin(named), now))

    def advance(self, session: Session, event: Event) -> Session:
        """Return the session after an event, without committing it.

        The session includes a claim on the turn's request to the service, if there is one.
        """
        live = Live(session.turn, session.number)
        after = deliver(self.setup.flow, live, live.token, event)
        turn = after.turn
        now = self.setup.clock()
        going_on = isinstance(event, HungUp) and turn.then == session.turn.then
        return Session(
            turn=turn,
            asked_at=now,
            number=after.number,
            evidence=self._recorder.evidence(session, turn.call, now),
            claim=session.claim if going_on else self.claim(turn),
            stored_number=session.stored_number,
            store_down=session.store_down,
        )

    def claim(self, turn: Turn, *, again: bool = False) -> Claim | None:
        """Return a claim on a turn's request, or None if the turn has no request to the service."""
        if not isinstance(turn.then, ServiceRequest):
            return None
        seconds = self.setup.budget(turn.then) + CLAIM_GRACE
        return Claim(token_hex(8), self.setup.clock() + timedelta(seconds=seconds), again)

    def commit(self, move: Move, finish: Finish) -> Session:
        """Commit a move, and return the session as stored.

        If a move leads to a `ReserveTry` without any prompts, the state in between is not stored.
        Instead, one transaction reserves the try and commits the move that follows. Raises
        `errors.StaleCall` if another worker advanced the call first, or a different
        `errors.StoreError` if the store failed.
        """
        return self._shown(self._stored(move, finish))

    def commit_or_go_on(self, move: Move) -> Session:
        """Commit a move on a held channel, where a call continues even if the store fails.

        After a failure, the store is skipped until the caller has heard something, so that the
        caller waits for it only once between two prompts (R10). However, we always try to store the
        end of a call and the outcome of a write.
        """
        after = move.after
        down = move.event if isinstance(move.event, RecordUnavailable) else None
        if down is None and move.before is not None:
            down = _skipped(move.before)
        if not after.over and move.outcome is None:
            return self._shown((_unstored(move, down),) if down else self._stored_or_not(move))
        with answering_by(math.inf):
            return self._shown(self._stored_or_not(move))

    def _stored_or_not(self, move: Move) -> Sequence[Move]:
        """Try to commit a move. Return the moves, whether or not they were stored."""
        try:
            try:
                return self._stored(move, _as_it_is, held=True)
            except StaleCall as stale:  # another worker presumed this call's worker dead
                self._failed("store.failed", move.after, stale)
                return self._stored(move, _as_it_is, held=True, lost=True)
        except Exception as error:  # noqa: BLE001 - the caller does not hear about it
            self._failed("store.failed", move.after, error)
            return (_unstored(move, _unavailable(error)),)

    def _stored(
        self, move: Move, finish: Finish, *, held: bool = False, lost: bool = False
    ) -> Sequence[Move]:
        """Commit a move, and return it.

        If it leads to a `ReserveTry` without any prompts, commit and return the next move, too.

        On a `held` channel, a call is removed from the store when it ends. If the call was `lost`
        to another worker, only its activities and outcome are saved. In that case, a consent that
        is about to be carried out is put on record only together with its request. Otherwise, if
        this worker crashed in between, no other worker could carry out the request (R31).
        """

        def update(*moves: Move) -> SessionUpdate:
            after = moves[-1].after
            stored, forget = after.stored_number, after.over and (held or after.hung_up)
            lines = [line for one in moves for line in self._recorder.activities(one)]
            if lost and isinstance(after.turn.then, Write | DeferRequest):
                lines = [evolve(line, evidence=None) for line in lines]
            return SessionUpdate(
                call=None if lost or (forget and stored is None) else after.saved(),
                if_turn=stored,
                forget=forget and stored is not None,
                outcome=move.outcome,
                activities=tuple(lines),
            )

        def stored(last: Move) -> Move:
            number = None if lost else last.after.number
            return evolve(last, after=evolve(last.after, stored_number=number, store_down=None))

        there, request = move.after, move.after.turn.then
        if not isinstance(request, ReserveTry) or there.turn.say:
            move = evolve(move, after=finish(there))
            self.store(update(move))
            return (stored(move),)

        @cache
        def followed(answer: Tried) -> Move:
            return Move(there, answer, finish(self.advance(there, answer)))

        answer = self._recognized(
            partial(
                self.setup.store.commit_try,
                Reservation(request, self.setup.limits),
                lambda answer: update(move, followed(answer)),
            )
        )
        return move, stored(followed(answer))

    def _shown(self, moves: Sequence[Move]) -> Session:
        """Show moves to every observer and return the session after them."""
        for move in moves:
            self.observe(move)
        return moves[-1].after

    def observe(self, move: Move) -> None:
        """Log a move and show it to every observer."""
        for observer in (log_move, *self.setup.observers):
            try:
                observer(move)
            except Exception as error:  # noqa: BLE001 - an observer must not stop a call
                self._failed("observer.failed", move.after, error)

    # ── the record and the store ──

    def on_record(self, request: RecordRequest | Write, session: Session) -> Event | None:
        """Return the record's answer. For a write, return None or the reason not to send it."""
        try:
            if isinstance(request, Write):
                return self.intend(request, session)
            down = _skipped(session)
            if down is not None and isinstance(request, Screen | ReserveTry):
                return down
            return self.twice(lambda: self._asked(request, session))
        except Exception as error:  # noqa: BLE001 - a failure of the record becomes an event
            return self.record_failed(request, session, error)

    def record_failed(
        self, request: RecordRequest | Write, session: Session, error: Exception
    ) -> Event:
        """Log that the record failed to answer or save something, and return the event.

        If a write or a deferred request may have been saved, its outcome is unknown, because the
        relay will carry it out if it was saved.
        """
        self._failed("record.failed", session, error)
        in_doubt = isinstance(error, RecordDown) and error.in_doubt
        if in_doubt and isinstance(request, Write | DeferRequest):
            return OutcomeUnknown("it may be on record")
        return _unavailable(error)

    def _asked(self, request: RecordRequest, session: Session) -> RecordAnswer:
        record = self.setup.store.record
        match request:
            case Screen():
                return record.screen(request)
            case ReserveTry():
                return record.reserve(request, self.setup.limits)
            case DeferRequest():
                record.keep(request, session.evidence[request.consent])
                return RequestDeferred()

    def intend(
        self, write: Write, session: Session, claimed: SessionUpdate | None = None
    ) -> Refused | None:
        """Put a write on record and, in the same transaction, the claim on it if there is one."""
        intent = Intent(write, session.evidence[write.consent], self.setup.limits)
        return self.store(evolve(claimed or SessionUpdate(), intent=intent))

    def store(self, update: SessionUpdate) -> Refused | None:
        """Commit an update. The store recognizes a retry after a lost answer."""
        return self._recognized(partial(self.setup.store.commit, update))

    def _recognized(self, commit: Callable[..., T]) -> T:
        """Call `commit`, with `again=True` on a retry, since the first try may have succeeded."""
        tries = iter((False, True))
        return self.twice(lambda: commit(again=next(tries)))

    def twice(self, act: Callable[[], T]) -> T:
        """Return the store's answer. Retry once if the store failed within its budget.

        A retry is safe even if the first transaction was committed and only its answer was lost
        (R31), because the store recognizes a repeated key or turn. If the retry fails, too, its
        error is `in_doubt` if either of the two errors was.
        """
        began = time.monotonic()
        try:
            return act()
        except RecordDown as down:
            if time.monotonic() - began >= self.setup.budgets.record:
                raise
            in_doubt = down.in_doubt
        try:
            return act()
        except RecordDown as down:
            down.in_doubt |= in_doubt
            raise

    def _failed(self, event: str, session: Session, error: Exception) -> None:
        log.error(event, **whose(session.call.host), **named(error))

    # ── words ──

    def language(self, turn: Turn) -> str:
        """Return the language in which a turn is spoken."""
        return CallView(turn.call, self.setup.flow.terms).language

    def reassurance(self, turn: Turn) -> Turn | None:
        """Return a turn to speak while waiting for an answer, or None if the caller is gone."""
        if turn.call.results.hung_up:
            return None
        return evolve(turn, say=(self.setup.flow.prompt(turn.call, "still_working"),))

    # ── the service ──

    def ask(self, step: Send) -> ServiceAnswer:
        """Return the service's answer. An error in the back end counts as no answer."""
        try:
            answer = self.setup.backend.answer(step.request, step.budget)
            why = _why(answer)
        except Exception as error:  # noqa: BLE001 - see the docstring
            answer, why = without_answer(step.request), type(error).__name__
        return self._answered(step, answer, why)

    def busy(self, step: Send) -> ServiceAnswer:
        """Return the answer to a request that was not sent because all threads were busy (R50)."""
        return self._answered(step, Unavailable("too many requests at once", busy=True), "busy")

    def overran(self, step: Send) -> ServiceAnswer:
        """Return the answer to a request for which the back end exceeded its budget."""
        return self._answered(step, without_answer(step.request), "overran its budget")

    def _answered(self, step: Send, answer: ServiceAnswer, why: str | None) -> ServiceAnswer:
        log.info(
            "service.answered",
            **whose(step.turn.call.host),
            operation=type(step.request).__name__,
            answer=type(answer).__name__,
            why=why,
        )
        return answer

    def gateway_failed(self, turn: Turn, error: Exception) -> HungUp:
        """Log a gateway's error, and return how it ends the call.

        An OSError means that the channel broke, so the caller is gone. After any other error, the
        call goes back to the host as failed.
        """
        log.error("gateway.failed", **whose(turn.call.host), error=type(error).__name__)
        return HungUp(EndedBy.CALLER if isinstance(error, OSError) else EndedBy.ERROR)

    def broken_off(self, host: Arrival, error: Exception) -> Handback:
        """Log an internal error, and return the hand-back of a call that cannot continue."""
        log.error("call.broken_off", **whose(host), **named(error))
        return Handback.unfinished(host, Reason.CALL_LOST)


@define
class Silence:
    """A timer that measures how long a caller on a held channel has heard nothing."""

    seconds: float
    """How long the silence may last."""
    _began: float = field(init=False, factory=time.monotonic)

    def begins(self) -> None:
        """Restart the clock, because the caller hears something or has just done something."""
        self._began = time.monotonic()

    @property
    def so_far(self) -> float:
        """How many seconds the silence has lasted."""
        return time.monotonic() - self._began

    def goes_on_or_begins(self, performed: Turn) -> None:
        """Restart the clock after a turn, unless it has no prompts and only makes a request."""
        if performed.say or not isinstance(performed.then, Request):
            self.begins()

    @property
    def ends(self) -> float:
        """When the caller should hear something new."""
        return self._began + self.seconds

    def kept(self, act: Callable[..., T], *about: object) -> T:
        """Call `act`, whose transactions wait for their turns only until this silence ends."""
        with answering_by(self.ends):
            return act(*about)


@define
class Asking:
    """A request to the service in a thread pool, and how long to wait for the answer."""

    runner: CallRunner
    step: Send
    pool: Executor
    silence: Silence
    _began: float = field(init=False, factory=time.monotonic)
    _started: float | None = field(init=False, default=None)
    answering: Future[ServiceAnswer] = field(init=False)

    @answering.default
    def _submit(self) -> Future[ServiceAnswer]:
        return self.pool.submit(self._ask)

    def _ask(self) -> ServiceAnswer:
        self._started = time.monotonic()
        return self.runner.ask(self.step)

    @property
    def heeding(self) -> bool:
        """Whether a hang-up ends the wait. It never ends a write, and it is delivered only once."""
        return isinstance(self.step.request, Read) and not self.step.turn.call.results.hung_up

    @property
    def wait(self) -> float:
        """How many seconds the driver should wait for the answer before it calls `waited`."""
        return max(min(self._deadline, self.silence.ends) - time.monotonic(), 0.0)

    @property
    def _deadline(self) -> float:
        """The time at which to stop waiting.

        The budget limits the wait for a thread, and starts over when a thread takes the request.
        It does not start over for a search before the offer, because the caller hears nothing
        during that time.
        """
        if self._started is None or ahead(self.step.request):
            return self._began + self.step.budget
        return self._started + self.step.budget + GRACE

    def waited(self) -> ServiceAnswer | Turn | None:
        """If no answer came, return an outcome or a reassuring turn, or None to wait longer."""
        now, deadline = time.monotonic(), self._deadline
        if now < deadline:
            if now < self.silence.ends:
                return None  # meanwhile, a thread took the request, which restarted the budget
            self.silence.begins()
            return self.runner.reassurance(self.step.turn)
        if self.answering.cancel():
            return self.runner.busy(self.step)
        if deadline == self._deadline:
            return self.runner.overran(self.step)
        return None  # a thread took the request at the last moment


def _as_it_is(session: Session) -> Session:
    """Return a held channel's session unchanged, since it has no document."""
    return session


def _unstored(move: Move, down: RecordUnavailable) -> Move:
    """Return a move whose session contains the reason why it was not stored."""
    return evolve(move, after=evolve(move.after, store_down=down))


def _skipped(session: Session) -> RecordUnavailable | None:
    """Return the last failure of the store, if the caller has heard nothing since then."""
    return None if session.turn.say else session.store_down


def _unavailable(error: Exception) -> RecordUnavailable:
    """Return the event for an error of the record or the store."""
    return RecordUnavailable(busy=isinstance(error, RecordBusy))


def handback_of(session: Session) -> Handback:
    """Return the hand-back of a call that has ended."""
    assert isinstance(session.turn.then, Return)
    return session.turn.then.handback


def whose(host: Arrival) -> dict[str, str]:
    """Return the fields that identify a call in a log line."""
    return {"call": host.call_id, "handover": host.handover, "biller": host.biller}


def named(error: BaseException) -> dict[str, str]:
    """Return the log fields for an error: its class and, if the record is down, the cause."""
    said = {"error": type(error).__name__}
    cause = error.cause if isinstance(error, RecordDown) else ""
    return said | {"why": cause} if cause else said


def log_move(move: Move) -> None:
    """Log a move, except a call's first, and the result of a call that has ended."""
    after = move.after
    if move.before is not None:
        log.info(
            "call.moved",
            **whose(after.call.host),
            state=move.before.call.state.name,
            happened=type(move.event).__name__,
            to=after.call.state.name,
        )
    if after.over:
        back = handback_of(after)
        log.info(
            "call.ended",
            **whose(after.call.host),
            disposition=back.disposition.value,
            reason=back.reason.value,
            turns=after.number,
        )


def _why(answer: ServiceAnswer) -> str | None:
    """Return the details of an answer that are logged in addition to its class."""
    match answer:
        case Unavailable() | OutcomeUnknown():
            return answer.why
        case Refused():
            return f"{answer.reason.value} {answer.code}".rstrip()
        case CustomersFound(unread=unread) if unread:
            return f"fields that cannot be read: {', '.join(unread)}"
        case _:
            return None
