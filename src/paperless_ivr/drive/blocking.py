"""Runs calls on a runtime that holds the channel, in the thread that called."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import structlog
from attrs import evolve, field, frozen

from paperless_ivr.backends.port import Backend
from paperless_ivr.drive.clerk import Clerk
from paperless_ivr.drive.conduct import Perform, Save, Step, conduct
from paperless_ivr.drive.live import Live
from paperless_ivr.drive.witness import Witness
from paperless_ivr.errors import PolicyProblems
from paperless_ivr.flow.checks import check
from paperless_ivr.flow.events import Event, HungUp, ServiceAnswer
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Edition, Handback
from paperless_ivr.flow.policy_file import digest, problems
from paperless_ivr.flow.requests import ServiceRequest
from paperless_ivr.flow.saving import dump
from paperless_ivr.flow.scene import Scene
from paperless_ivr.flow.script import prompt
from paperless_ivr.flow.turns import Turn
from paperless_ivr.gateways.port import SessionGateway
from paperless_ivr.prompts import Catalogue
from paperless_ivr.records.port import LiveCalls, Record, SavedCall

log = structlog.get_logger("paperless_ivr")

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
    clerk: Clerk = field(init=False)

    @clerk.default
    def _make_clerk(self) -> Clerk:
        driver = self.driver
        version = driver.flow.terms.policy.about.version
        witness = Witness(self.arrival, driver.record, driver.catalogue, version, driver.clock)
        return Clerk(driver, witness, self._ask)

    def hold(self) -> Handback:
        flow = self.driver.flow
        live = Live(flow.begin(self.arrival).call)
        self.clerk.arrived()
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
        return self.clerk.ended(ended)

    def _do(self, step: Step) -> Event | None:
        """Does one step of the call; whatever fails is an answer."""
        match step:
            case Save(live):
                self._save(live)
                return None
            case Perform(turn):
                return self._perform(turn)
            case _:
                return self.clerk.do(step)

    # ── the caller ──

    def _perform(self, turn: Turn) -> Event | None:
        self.clerk.asks(turn)
        try:
            return self.gateway.perform(turn, Scene(turn.call, self.driver.flow.terms).language)
        except Exception as error:  # noqa: BLE001 - a broken channel is a caller who is gone
            log.error("gateway.failed", call=self.arrival.call_id, error=type(error).__name__)
            return HungUp()

    # ── the service ──

    def _ask(
        self, request: ServiceRequest, budget: float, turn: Turn, lost: ServiceAnswer
    ) -> ServiceAnswer:
        """One answer within the budget; `lost` where there is none. Reassures while it waits."""
        pending = self.driver._pool.submit(self.clerk.answer, request, budget, lost)
        every = self.driver.flow.terms.policy.budgets.reassure
        waited = 0.0
        while waited < budget + GRACE:
            step = min(every, budget + GRACE - waited)
            try:
                return pending.result(step)
            except TimeoutError:
                waited += step
            if waited < budget:
                self._reassure(turn)
        log.error("service.overran", call=self.arrival.call_id, operation=type(request).__name__)
        return lost

    def _reassure(self, turn: Turn) -> None:
        if not turn.call.results.hung_up:
            still = prompt(Scene(turn.call, self.driver.flow.terms), "still_working")
            self._perform(evolve(turn, say=(still,)))

    # ── the live call ──

    def _save(self, live: Live) -> None:
        saved = SavedCall(self.arrival.call_id, live.turn, dump(live.call))
        if_turn = live.turn - 1 if live.turn > 1 else None
        self.clerk.tell("live call", lambda: self.driver.calls.save(saved, if_turn))

    def _forget(self) -> None:
        self.clerk.tell("ended call", lambda: self.driver.calls.drop(self.arrival.call_id))
