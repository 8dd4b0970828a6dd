"""Everything that a loop does around a call, except wait: the record, the store, the log.

The loops (`blocking`, `aio`) share it. Whatever fails around the flow is turned into an event
here: no exception ever reaches a telephone (rule 4). What is logged are names: states, events,
rows, classes of errors.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import TypeVar

import structlog
from attrs import define, evolve, field, frozen

from paperless_ivr.backends.port import Backend
from paperless_ivr.drive.conduct import Conduct, Intend, Look, Moved, Save, Settle, conduct
from paperless_ivr.drive.live import Live
from paperless_ivr.drive.suspended import Claim, Suspended, dump
from paperless_ivr.drive.witness import Witness
from paperless_ivr.errors import PolicyProblems
from paperless_ivr.flow.checks import check
from paperless_ivr.flow.events import (
    Event,
    OutcomeUnknown,
    RecordAnswer,
    RecordUnavailable,
    Refused,
    ServiceAnswer,
    Unavailable,
    WishKept,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Edition, Handback
from paperless_ivr.flow.policy import Budgets, Limits
from paperless_ivr.flow.policy_file import digest, problems
from paperless_ivr.flow.requests import (
    CountLastFour,
    KeepWish,
    Read,
    RecordRequest,
    Request,
    Screen,
    ServiceRequest,
)
from paperless_ivr.flow.scene import Scene
from paperless_ivr.flow.script import prompt
from paperless_ivr.flow.turns import Return, Turn
from paperless_ivr.flow.waits import handback
from paperless_ivr.prompts import Catalogue
from paperless_ivr.records.port import LiveCalls, Record

log = structlog.get_logger("paperless_ivr")

Answer = TypeVar("Answer")
Watch = Callable[[Live, Event, Turn], None]
"""Told of every move: the call before, what happened, and the turn that came of it.

What it raises is logged by its class, and does not stop the call.
"""
Note = Save | Look | Intend | Settle | Moved
"""Steps that no caller and no service is waited for in."""

CLAIM_GRACE = 5.0
"""Seconds beyond its budget after which a request that was claimed is taken for lost."""
GRACE = 1.0
"""Seconds beyond its budget after which a back end that does not keep to it is given up."""


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


@frozen
class Setup:
    """Everything that calls of one biller are run with. One serves any number of calls."""

    flow: Flow
    catalogue: Catalogue
    backend: Backend
    record: Record
    calls: LiveCalls
    clock: Callable[[], datetime] = utc_now
    watch: Watch | None = None
    name_handover: Callable[[], str] = lambda: token_hex(4)
    """Names hand-overs: a host may hand one call over several times."""
    edition: Edition = field(init=False, repr=False)
    """The flow, policy and words that a call beginning now is run on."""

    @edition.default
    def _make_edition(self) -> Edition:
        policy = self.flow.terms.policy
        return Edition(self.flow.digest, digest(policy), self.catalogue.digest)

    def __attrs_post_init__(self) -> None:
        """What is wrong with flow or policy is found here, never in a call."""
        check(self.flow.terms, self.flow.table)
        found = problems(self.flow.terms.policy)
        if found:
            raise PolicyProblems("the policy cannot be used", found)

    def budget(self, request: Request) -> float:
        """Seconds that a request may take."""
        if isinstance(request, RecordRequest):
            return self.budgets.record
        return self.budgets.read if isinstance(request, Read) else self.budgets.write

    def received(self, arrival: Arrival) -> Arrival:
        """What the host handed over, with what it is run on and named after."""
        return evolve(arrival, edition=self.edition, handover=self.name_handover())

    @property
    def limits(self) -> Limits:
        """How often a day something may be tried or sent."""
        return self.flow.terms.policy.limits

    @property
    def budgets(self) -> Budgets:
        """How long the caller may be kept waiting."""
        return self.flow.terms.policy.budgets


@define
class Standing:
    """What one call knows of record and store."""

    stored: int | None = None
    """The turn at which the store has the call; None where it has not yet."""
    down: bool = False
    """The record, or the store, did not answer, and nothing was heard since."""


@frozen
class Attendant:
    """Attends to one call: tells the record, the store and the log.

    A record that does not answer costs the caller one wait between two things that are heard:
    until then it is told nothing more (R10). What was agreed is put on record all the same.
    """

    setup: Setup
    arrival: Arrival
    witness: Witness = field()
    standing: Standing = field(init=False, factory=Standing)

    @witness.default
    def _make_witness(self) -> Witness:
        setup = self.setup
        version = setup.flow.terms.policy.about.version
        return Witness(self.arrival, setup.record, setup.catalogue, version, setup.clock)

    @classmethod
    def of(cls, setup: Setup, arrival: Arrival) -> "Attendant":
        """The attendant of a call that arrives now."""
        return cls(setup, setup.received(arrival))

    def begin(self) -> Conduct:
        """The call, ready to be run."""
        flow = self.setup.flow
        turn = flow.begin(self.arrival)
        self.arrived(turn)
        return conduct(flow, Live(turn.call))

    def ended(self, live: Live) -> Handback:
        """The call has ended; what the host gets back."""
        self.standing.down = False
        self._tell("ended call", lambda: self.setup.calls.drop(self.arrival.call_id))
        return self.given_back(live)

    def given_back(self, live: Live) -> Handback:
        """What the host gets back of a call that is at its end."""
        given_back = handback(Scene(live.call, self.setup.flow.terms))
        log.info(
            "call.ended",
            call=self.arrival.call_id,
            disposition=given_back.disposition.value,
            reason=given_back.reason.value,
            turns=live.turn,
        )
        return given_back

    # ── the caller ──

    def arrived(self, turn: Turn) -> None:
        """The host handed the call over, and this is its first turn."""
        self._tell("arrived", lambda: self.witness.arrived(turn))

    def asks(self, turn: Turn) -> None:
        """A turn is about to be spoken."""
        self.witness.asked(turn)
        self._tell("asks", lambda: self.witness.asks(turn))
        self.standing.down = self.standing.down and not turn.say

    def language(self, turn: Turn) -> str:
        """The language that a turn is spoken in."""
        return Scene(turn.call, self.setup.flow.terms).language

    def lost(self, error: BaseException) -> None:
        """The gateway raised: a broken channel is a caller who is gone."""
        log.error("gateway.failed", call=self.arrival.call_id, error=type(error).__name__)

    def reassurance(self, turn: Turn) -> Turn | None:
        """What is said while an answer is waited for; None where the caller is gone."""
        if turn.call.results.hung_up:
            return None
        still = prompt(Scene(turn.call, self.setup.flow.terms), "still_working")
        return evolve(turn, say=(still,))

    # ── the service ──

    def overran(self, request: ServiceRequest) -> ServiceAnswer:
        """The back end does not keep to its budget; what that comes to."""
        log.error("service.overran", call=self.arrival.call_id, operation=type(request).__name__)
        return without_answer(request)

    def answered(
        self, request: ServiceRequest, answer: ServiceAnswer | None, error: BaseException | None
    ) -> ServiceAnswer:
        """The back end answered, or raised."""
        told = without_answer(request) if answer is None else answer
        log.info(
            "service.answered",
            call=self.arrival.call_id,
            operation=type(request).__name__,
            answer=type(told).__name__,
            why=type(error).__name__ if error else _why(told),
        )
        return told

    # ── the record, and the live call ──

    def note(self, step: Note) -> Event | None:
        """Does a step that only the record, the store or the log has to do with."""
        match step:
            case Save(live, before):
                self._save(live, before)
                return None
            case Look(request):
                return self._look(request)
            case Intend(write):
                evidence = self.witness.evidence[write.consent]
                limits = self.setup.limits
                intend = self.setup.record.intend
                return self._record(lambda: intend(write, evidence, limits), again=True)
            case Settle(key, answer):
                self._record(lambda: self.setup.record.settle(key, answer), again=True)
                return None
            case Moved(before, event, turn):
                self._moved(before, event, turn)
                return None

    def _look(self, request: RecordRequest) -> RecordAnswer:
        record = self.setup.record

        def look() -> RecordAnswer:
            match request:
                case Screen():
                    return record.screen(request)
                case CountLastFour():
                    return record.count_last_four(request, self.setup.limits)
                case KeepWish():
                    record.keep(request, self.witness.evidence[request.consent])
                    return WishKept()

        if not isinstance(request, Screen):
            return self._record(look, again=isinstance(request, KeepWish))
        answer = RecordUnavailable() if self.standing.down else self._record(look)
        self.standing.down = isinstance(answer, RecordUnavailable)
        return answer

    def _record(
        self, act: Callable[[], Answer], *, again: bool = False
    ) -> Answer | RecordUnavailable:
        """What the record answers. What has a key is tried again: the same key is the same.

        A transaction may have been done though its answer was lost (R31).
        """
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - what the record cannot do is an event
            log.error("record.failed", call=self.arrival.call_id, error=type(error).__name__)
        return self._record(act) if again else RecordUnavailable()

    def _tell(self, what: str, tell: Callable[[], None]) -> None:
        """Tells the record or the store something; one that cannot note it stops no call."""
        if self.standing.down:
            return
        try:
            tell()
        except Exception as error:  # noqa: BLE001 - the caller is not to hear of it
            self._failed(what, error)
            self.standing.down = True

    def _failed(self, what: str, error: Exception) -> None:
        log.error("note.failed", call=self.arrival.call_id, what=what, error=type(error).__name__)

    def _moved(self, before: Live, event: Event, turn: Turn) -> None:
        log.info(
            "call.moved",
            call=self.arrival.call_id,
            state=before.call.state.name,
            happened=type(event).__name__,
            to=turn.call.state.name,
        )
        if isinstance(turn.then, Return):
            self.standing.down = False  # how a call ended is worth another wait
        self._tell("moved", lambda: self.witness.moved(before, event, turn))
        if self.setup.watch is not None:
            try:
                self.setup.watch(before, event, turn)
            except Exception as error:  # noqa: BLE001 - who looks on does not stop a call
                self._failed("watch", error)

    def _save(self, live: Live, before: Live | None) -> None:
        if before is not None:
            self.witness.hears(before, live.call)
        then = self.setup.flow.turn(live.call).then
        claim = claimed(self.setup, then) if isinstance(then, Request) else None
        at = Suspended(live, self.setup.clock(), dict(self.witness.evidence), claim)
        self._tell("live call", lambda: self._store(at))

    def _store(self, at: Suspended) -> None:
        """Stores the call where it is, over what was stored last."""
        self.setup.calls.save(dump(at), self.standing.stored)
        self.standing.stored = at.live.turn


def claimed(setup: Setup, request: Request, *, again: bool = False) -> Claim:
    """A claim on a request that is about to be carried out."""
    until = setup.clock() + timedelta(seconds=setup.budget(request) + CLAIM_GRACE)
    return Claim(token_hex(8), until, again)


def without_answer(request: ServiceRequest) -> ServiceAnswer:
    """What it comes to that a request got no answer: a read did nothing, a write may have."""
    return Unavailable() if isinstance(request, Read) else OutcomeUnknown()


def _why(answer: ServiceAnswer) -> str | None:
    """What the log says of an answer beside its class."""
    match answer:
        case Unavailable() | OutcomeUnknown():
            return answer.why
        case Refused():
            return f"{answer.reason.value} {answer.code}".rstrip()
        case _:
            return None
