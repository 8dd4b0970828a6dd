"""Runs calls on a runtime that holds the channel, in the thread that called.

Whatever fails around the flow is turned into an event here: no exception ever reaches a
telephone (rule 4). What is logged are names: states, events, rows, classes of errors.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

import structlog
from attrs import evolve, field, frozen

from paperless_ivr.backends.port import Backend
from paperless_ivr.drive.conduct import (
    Intend,
    Look,
    Moved,
    Perform,
    Save,
    Send,
    Settle,
    Step,
    conduct,
)
from paperless_ivr.drive.live import Live
from paperless_ivr.drive.witness import Witness
from paperless_ivr.errors import PolicyProblems
from paperless_ivr.flow.checks import check
from paperless_ivr.flow.events import (
    Event,
    HungUp,
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
from paperless_ivr.flow.policy_file import digest, problems
from paperless_ivr.flow.requests import (
    CountLastFour,
    KeepWish,
    Read,
    RecordRequest,
    Screen,
    ServiceRequest,
)
from paperless_ivr.flow.saving import dump
from paperless_ivr.flow.scene import Scene
from paperless_ivr.flow.script import prompt
from paperless_ivr.flow.turns import Turn
from paperless_ivr.flow.waits import handback
from paperless_ivr.gateways.port import SessionGateway
from paperless_ivr.prompts import Catalogue
from paperless_ivr.records.port import LiveCalls, Record, SavedCall

log = structlog.get_logger("paperless_ivr")

Answer = TypeVar("Answer")
Watch = Callable[[Live, Event, Turn], None]
"""Told of every move: the call before, what happened, and the turn that came of it."""

GRACE = 1.0
"""Seconds beyond its budget after which a back end that does not keep to it is given up."""


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


@frozen
class Driver:
    """Everything that calls of one biller are run with. One serves any number of calls."""

    flow: Flow
    catalogue: Catalogue
    backend: Backend
    record: Record
    calls: LiveCalls
    clock: Callable[[], datetime] = utc_now
    watch: Watch | None = None
    _pool: ThreadPoolExecutor = field(
        init=False, repr=False, factory=lambda: ThreadPoolExecutor(thread_name_prefix="service")
    )

    def __attrs_post_init__(self) -> None:
        """What is wrong with flow or policy is found here, never in a call."""
        check(self.flow.terms, self.flow.table)
        found = problems(self.flow.terms.policy)
        if found:
            raise PolicyProblems("the policy cannot be used", found)

    @property
    def edition(self) -> Edition:
        """The flow, policy and words that a call beginning now is run on."""
        policy = self.flow.terms.policy
        return Edition(self.flow.digest, digest(policy), self.catalogue.digest)

    def converse(self, gateway: SessionGateway, arrival: Arrival) -> Handback:
        """Takes a call from its arrival to its end; gives what the host gets back."""
        arrival = evolve(arrival, edition=self.edition)
        return _Conversation(self, gateway, arrival).hold()


@frozen
class _Conversation:
    """One call being run."""

    driver: Driver
    gateway: SessionGateway
    arrival: Arrival
    witness: Witness = field(init=False)

    @witness.default
    def _make_witness(self) -> Witness:
        driver = self.driver
        version = driver.flow.terms.policy.about.version
        return Witness(self.arrival, driver.record, driver.catalogue, version, driver.clock)

    def hold(self) -> Handback:
        flow = self.driver.flow
        live = Live(flow.begin(self.arrival).call)
        self._tell("arrived", self.witness.arrived)
        steps = conduct(flow, live)
        reply: Event | None = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as done:
                ended: Live = done.value
                break
            reply = self._do(step)
        self._forget()
        given_back = handback(Scene(ended.call, flow.terms))
        log.info(
            "call.ended",
            call=self.arrival.call_id,
            disposition=given_back.disposition.value,
            reason=given_back.reason.value,
            turns=ended.turn,
        )
        return given_back

    def _do(self, step: Step) -> Event | None:
        """Does one step of the call; whatever fails is an answer."""
        match step:
            case Save(live):
                self._save(live)
                return None
            case Perform(turn):
                return self._perform(turn)
            case Look(request):
                return self._look(request)
            case Intend(write):
                evidence = self.witness.evidence[write.consent]
                limits = self.driver.flow.terms.policy.limits
                return self._record(lambda: self.driver.record.intend(write, evidence, limits))
            case Send(request, turn):
                return self._send(request, turn)
            case Settle(key, answer):
                self._record(lambda: self.driver.record.settle(key, answer))
                return None
            case Moved(before, event, turn):
                self._moved(before, event, turn)
                return None

    # ── the caller ──

    def _perform(self, turn: Turn) -> Event | None:
        self._tell("asks", lambda: self.witness.asks(turn))
        try:
            return self.gateway.perform(turn, Scene(turn.call, self.driver.flow.terms).language)
        except Exception as error:  # noqa: BLE001 - a broken channel is a caller who is gone
            log.error("gateway.failed", call=self.arrival.call_id, error=type(error).__name__)
            return HungUp()

    # ── the service ──

    def _send(self, request: ServiceRequest, turn: Turn) -> ServiceAnswer:
        """Asks the service; a read that was not reached is tried once more in its budget."""
        budgets = self.driver.flow.terms.policy.budgets
        if not isinstance(request, Read):
            return self._ask(request, budgets.write, turn, OutcomeUnknown())
        began = self.driver.clock()
        answer = self._ask(request, budgets.read, turn, Unavailable())
        left = budgets.read - (self.driver.clock() - began).total_seconds()
        if isinstance(answer, Unavailable) and left > 0:
            return self._ask(request, left, turn, Unavailable())
        return answer

    def _ask(
        self, request: ServiceRequest, budget: float, turn: Turn, lost: ServiceAnswer
    ) -> ServiceAnswer:
        """One answer within the budget; `lost` where there is none. Reassures while it waits."""
        pending = self.driver._pool.submit(self.driver.backend.answer, request, budget)
        every = self.driver.flow.terms.policy.budgets.reassure
        waited = 0.0
        while waited < budget + GRACE:
            step = min(every, budget + GRACE - waited)
            if self._ready(pending, step):
                return self._answered(request, pending, lost)
            waited += step
            if waited < budget:
                self._reassure(turn)
        log.error("service.overran", call=self.arrival.call_id, operation=type(request).__name__)
        return lost

    @staticmethod
    def _ready(pending: Future[ServiceAnswer], wait: float) -> bool:
        try:
            pending.exception(wait)
        except TimeoutError:
            return False
        return True

    def _answered(
        self, request: ServiceRequest, pending: Future[ServiceAnswer], lost: ServiceAnswer
    ) -> ServiceAnswer:
        error = pending.exception()
        answer = lost if error else pending.result()
        log.info(
            "service.answered",
            call=self.arrival.call_id,
            operation=type(request).__name__,
            answer=type(answer).__name__,
            why=type(error).__name__ if error else _why(answer),
        )
        return answer

    def _reassure(self, turn: Turn) -> None:
        if not turn.call.results.hung_up:
            still = prompt(Scene(turn.call, self.driver.flow.terms), "still_working")
            self._perform(evolve(turn, say=(still,)))

    # ── the record ──

    def _look(self, request: RecordRequest) -> RecordAnswer:
        record = self.driver.record

        def look() -> RecordAnswer:
            match request:
                case Screen():
                    return record.screen(request)
                case CountLastFour():
                    limits = self.driver.flow.terms.policy.limits
                    return record.count_last_four(request, limits)
                case KeepWish():
                    record.keep(request, self.witness.evidence[request.consent])
                    return WishKept()

        return self._record(look)

    def _record(self, act: Callable[[], Answer]) -> Answer | RecordUnavailable:
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - what the record cannot do is an event
            log.error("record.failed", call=self.arrival.call_id, error=type(error).__name__)
            return RecordUnavailable()

    def _tell(self, what: str, tell: Callable[[], None]) -> None:
        """Notes something; a record that cannot note it does not stop the call."""
        try:
            tell()
        except Exception as error:  # noqa: BLE001 - the caller is not to hear of it
            log.error(
                "note.failed", call=self.arrival.call_id, what=what, error=type(error).__name__
            )

    def _moved(self, before: Live, event: Event, turn: Turn) -> None:
        log.info(
            "call.moved",
            call=self.arrival.call_id,
            state=before.call.state.name,
            happened=type(event).__name__,
            to=turn.call.state.name,
        )
        self._tell("moved", lambda: self.witness.moved(before, event, turn))
        if self.driver.watch is not None:
            self.driver.watch(before, event, turn)

    # ── the live call ──

    def _save(self, live: Live) -> None:
        saved = SavedCall(self.arrival.call_id, live.turn, dump(live.call))
        if_turn = live.turn - 1 if live.turn > 1 else None
        self._tell("live call", lambda: self.driver.calls.save(saved, if_turn))

    def _forget(self) -> None:
        self._tell("ended call", lambda: self.driver.calls.drop(self.arrival.call_id))


def _why(answer: ServiceAnswer) -> str | None:
    """What the log says of an answer beside its class."""
    match answer:
        case Unavailable() | OutcomeUnknown():
            return answer.why
        case Refused():
            return f"{answer.reason.value} {answer.code}".rstrip()
        case _:
            return None
