"""What surrounds a call on any runtime: the record, the store, the log, the evidence.

Whatever fails around the flow becomes an event here: no exception ever reaches a telephone
(rule 4). What is logged are names: states, events, rows, classes of errors.
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
from paperless_ivr.flow.host import Arrival, Handback, Release
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
"""Sees every move of every call once it is committed: metrics, transcripts, the host's own code.

Where `move.before` is None the call has just begun; where `move.after.over` it has ended, with
the hand-back in `move.after.turn.then`. What it raises is logged by its class, and stops no call.
"""

Finish = Callable[[Session], Session]
"""Adds what a runtime needs to a session that is about to be stored, as its document."""

AT_ONCE = 256
"""Requests to the service at the same time. Each is a thread that waits: some 50 KiB of memory."""
CLAIM_GRACE = 5.0
"""Seconds beyond its budget after which the worker that claimed a request is presumed lost."""
GRACE = 1.0
"""Seconds beyond its budget after which a back end that does not keep to it is given up."""


@frozen
class Setup:
    """Everything that calls of one biller are run with. One serves any number of calls."""

    flow: Flow
    catalog: Catalog
    backend: Backend
    store: SessionStore
    clock: Callable[[], datetime] = utc_now
    observers: tuple[Observer, ...] = ()
    at_once: int = AT_ONCE
    """Requests to the service at the same time; above the calls at the same time nobody waits."""
    name_handover: Callable[[], str] = lambda: token_hex(4)
    """Names hand-overs: a host may hand one call over several times, or two by one name."""
    release: Release = field(init=False, repr=False)
    """The flow, policy and words that a call beginning now is run on."""

    @release.default
    def _make_release(self) -> Release:
        policy = self.flow.terms.policy
        return Release(self.flow.digest, digest(policy), self.catalog.digest)

    def __attrs_post_init__(self) -> None:
        """What is wrong with flow or policy is found here, never in a call."""
        check(self.flow.terms, self.flow.table)
        found = problems(self.flow.terms.policy)
        if found:
            raise PolicyProblems("the policy cannot be used", found)

    def budget(self, request: Request, waited: float = 0.0) -> float:
        """Seconds that a request may take where the caller has heard nothing for so many."""
        if isinstance(request, RecordRequest):
            return self.budgets.record
        if ahead(request):
            return self.budgets.before_offer - waited
        return self.budgets.read if isinstance(request, Read) else self.budgets.write

    @property
    def limits(self) -> Limits:
        """How often something may be tried or sent."""
        return self.flow.terms.policy.limits

    @property
    def budgets(self) -> Budgets:
        """How long the caller may be kept waiting."""
        return self.flow.terms.policy.budgets


@frozen
class CallRunner:
    """Moves calls of one setup: each move is committed, then logged and observed."""

    setup: Setup
    _recorder: ActivityRecorder = field(init=False, repr=False)

    @_recorder.default
    def _make_recorder(self) -> ActivityRecorder:
        return ActivityRecorder(self.setup.flow, self.setup.catalog)

    # ── moves ──

    def arrived(self, arrival: Arrival) -> Move:
        """The first move of a call that the host hands over now, not yet committed."""
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
        """The session after an event, not yet committed. Its request, if any, is claimed."""
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
        """A claim on the request of a turn; None where it asks the service nothing."""
        if not isinstance(turn.then, ServiceRequest):
            return None
        seconds = self.setup.budget(turn.then) + CLAIM_GRACE
        return Claim(token_hex(8), self.setup.clock() + timedelta(seconds=seconds), again)

    def commit(self, move: Move, finish: Finish) -> Session:
        """Commits a move; gives the session as it is stored then.

        A try that a move leads to without a word is no place to rest: what follows its answer is
        committed with it. Raises `errors.StaleCall` where somebody else moved the call first,
        and other `errors.StoreError` where the store failed twice.
        """
        return self._shown(self._stored(move, finish))

    def commit_or_go_on(self, move: Move) -> Session:
        """Commits a move of a call on a held channel, which goes on without a store.

        After a failure the store is skipped until something was heard, so that the caller waits
        for it once between two prompts (R10). How a call ended, and the outcome of a write, are
        worth another wait.
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
        """The moves after an attempt to commit."""
        try:
            try:
                return self._stored(move, _as_it_is, held=True)
            except StaleCall as stale:  # another worker took the call for lost
                self._failed("store.failed", move.after, stale)
                return self._stored(move, _as_it_is, held=True, lost=True)
        except Exception as error:  # noqa: BLE001 - the caller does not hear of it
            self._failed("store.failed", move.after, error)
            return (_unstored(move, _unavailable(error)),)

    def _stored(
        self, move: Move, finish: Finish, *, held: bool = False, lost: bool = False
    ) -> Sequence[Move]:
        """The moves that were committed: this one, and what follows a try that it leads to.

        On a `held` channel every call that has ended is forgotten. Of one that is `lost` to
        another worker only what belongs on record is kept.
        """

        def update(*moves: Move) -> SessionUpdate:
            after = moves[-1].after
            stored, forget = after.stored_number, after.over and (held or after.hung_up)
            return SessionUpdate(
                call=None if lost or (forget and stored is None) else after.saved(),
                if_turn=stored,
                forget=forget and stored is not None,
                outcome=move.outcome,
                activities=tuple(line for one in moves for line in self._recorder.activities(one)),
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
        """The session after moves that every observer is shown."""
        for move in moves:
            self.observe(move)
        return moves[-1].after

    def observe(self, move: Move) -> None:
        """Logs a move, and shows it to every observer."""
        for observer in (log_move, *self.setup.observers):
            try:
                observer(move)
            except Exception as error:  # noqa: BLE001 - an observer does not stop a call
                self._failed("observer.failed", move.after, error)

    # ── the record and the store ──

    def on_record(self, request: RecordRequest | Write, session: Session) -> Event | None:
        """The record's answer; about a write, why it must not be sent, or None."""
        try:
            if isinstance(request, Write):
                return self.intend(request, session)
            down = _skipped(session)
            if down is not None and isinstance(request, Screen | ReserveTry):
                return down
            return self.twice(lambda: self._asked(request, session))
        except Exception as error:  # noqa: BLE001 - what the record cannot do is an event
            return self.record_failed(session, error)

    def record_failed(self, session: Session, error: Exception) -> RecordUnavailable:
        """Logs that the record did not answer, or could not keep something; what that comes to."""
        self._failed("record.failed", session, error)
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
        """Puts a write on record, together with the claim on it where one is given."""
        intent = Intent(write, session.evidence[write.consent], self.setup.limits)
        return self.store(evolve(claimed or SessionUpdate(), intent=intent))

    def store(self, update: SessionUpdate) -> Refused | None:
        """Commits an update; it is recognized where its first answer was lost."""
        return self._recognized(partial(self.setup.store.commit, update))

    def _recognized(self, commit: Callable[..., T]) -> T:
        """What a commit answers; the second time it is asked as one that may have been done."""
        tries = iter((False, True))
        return self.twice(lambda: commit(again=next(tries)))

    def twice(self, act: Callable[[], T]) -> T:
        """What the store answers; it is asked once more where it failed within its budget.

        A transaction may have been done though its answer was lost (R31); what has a key or a
        turn is recognized the second time.
        """
        began = time.monotonic()
        try:
            return act()
        except RecordDown:
            if time.monotonic() - began >= self.setup.budgets.record:
                raise
        return act()

    def _failed(self, event: str, session: Session, error: Exception) -> None:
        log.error(event, **whose(session.call.host), **named(error))

    # ── what is said ──

    def language(self, turn: Turn) -> str:
        """The language that a turn is spoken in."""
        return CallView(turn.call, self.setup.flow.terms).language

    def reassurance(self, turn: Turn) -> Turn | None:
        """What is said while an answer is waited for; None where the caller is gone."""
        if turn.call.results.hung_up:
            return None
        return evolve(turn, say=(self.setup.flow.prompt(turn.call, "still_working"),))

    # ── the service ──

    def ask(self, step: Send) -> ServiceAnswer:
        """The service's answer. A back end that raises has not answered."""
        try:
            answer = self.setup.backend.answer(step.request, step.budget)
            why = _why(answer)
        except Exception as error:  # noqa: BLE001 - see above
            answer, why = without_answer(step.request), type(error).__name__
        return self._answered(step, answer, why)

    def busy(self, step: Send) -> ServiceAnswer:
        """The answer of a request that was never sent: all threads were taken (R50)."""
        return self._answered(step, Unavailable("too many requests at once", busy=True), "busy")

    def overran(self, step: Send) -> ServiceAnswer:
        """The answer of a back end that does not keep to its budget."""
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

    def gateway_failed(self, turn: Turn, error: BaseException) -> None:
        """The gateway raised: a broken channel is a caller who is gone."""
        log.error("gateway.failed", **whose(turn.call.host), error=type(error).__name__)


@define
class Silence:
    """How long a caller on a held channel has heard nothing: all that is done meanwhile."""

    seconds: float
    """How long it may be."""
    _began: float = field(init=False, factory=time.monotonic)

    def begins(self) -> None:
        """The caller hears something, or has just done something."""
        self._began = time.monotonic()

    @property
    def so_far(self) -> float:
        """Seconds in which the caller has heard nothing."""
        return time.monotonic() - self._began

    def goes_on_or_begins(self, performed: Turn) -> None:
        """A turn was performed: it begins anew unless nothing was said and nothing asked."""
        if performed.say or not isinstance(performed.then, Request):
            self.begins()

    @property
    def ends(self) -> float:
        """When the caller has waited long enough to hear something new."""
        return self._began + self.seconds

    def kept(self, act: Callable[..., T], *about: object) -> T:
        """What comes of asking the store, which waits for its turn no longer."""
        with answering_by(self.ends):
            return act(*about)


@define
class Asking:
    """A request to the service, asked in a thread of a pool, and how long it is waited for."""

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
    def wait(self) -> float:
        """Seconds after which something has to be done where no answer has come."""
        return max(min(self._deadline, self.silence.ends) - time.monotonic(), 0.0)

    @property
    def _deadline(self) -> float:
        """The budget counts from when a thread took the request, and also waits for one."""
        if self._started is None:
            return self._began + self.step.budget
        return self._started + self.step.budget + (0 if ahead(self.step.request) else GRACE)

    def waited(self) -> ServiceAnswer | Turn | None:
        """What comes of waiting in vain: an answer, or a turn that reassures the caller."""
        now, deadline = time.monotonic(), self._deadline
        if now < deadline:
            if now < self.silence.ends:
                return None  # a thread has taken it since: its time begins there
            self.silence.begins()
            return self.runner.reassurance(self.step.turn)
        if self.answering.cancel():
            return self.runner.busy(self.step)
        if deadline == self._deadline:
            return self.runner.overran(self.step)
        return None  # a thread took it at the last moment


def _as_it_is(session: Session) -> Session:
    """The session of a held channel: there is no document."""
    return session


def _unstored(move: Move, down: RecordUnavailable) -> Move:
    """A move that the store does not have."""
    return evolve(move, after=evolve(move.after, store_down=down))


def _skipped(session: Session) -> RecordUnavailable | None:
    """What a store that failed comes to, while the caller has heard nothing since."""
    return None if session.turn.say else session.store_down


def _unavailable(error: Exception) -> RecordUnavailable:
    """What an error of the record, or of the store, comes to."""
    return RecordUnavailable(busy=isinstance(error, RecordBusy))


def handback_of(session: Session) -> Handback:
    """What the host gets back of a call that has ended."""
    assert isinstance(session.turn.then, Return)
    return session.turn.then.handback


def whose(host: Arrival) -> dict[str, str]:
    """Which call a line of the log is about."""
    return {"call": host.call_id, "handover": host.handover, "biller": host.biller}


def named(error: BaseException) -> dict[str, str]:
    """What the log says of an error: its class, and of a record that is down the cause."""
    said = {"error": type(error).__name__}
    cause = error.cause if isinstance(error, RecordDown) else ""
    return said | {"why": cause} if cause else said


def log_move(move: Move) -> None:
    """Logs a move, and the end of a call."""
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
    """What the log says of an answer, apart from its class."""
    match answer:
        case Unavailable() | OutcomeUnknown():
            return answer.why
        case Refused():
            return f"{answer.reason.value} {answer.code}".rstrip()
        case CustomersFound(unread=unread) if unread:
            return f"fields that cannot be read: {', '.join(unread)}"
        case _:
            return None
