"""Runs calls on a runtime that holds the channel, in the thread that called."""

from concurrent.futures import Future, ThreadPoolExecutor

from attrs import field, frozen

from paperless_ivr.drive.attendant import GRACE, Attendant, Setup
from paperless_ivr.drive.conduct import Perform, Send, Step
from paperless_ivr.drive.live import Live
from paperless_ivr.flow.events import Event, HungUp, ServiceAnswer, Unavailable
from paperless_ivr.flow.host import Arrival, Handback
from paperless_ivr.flow.requests import Read, ServiceRequest
from paperless_ivr.flow.turns import Turn
from paperless_ivr.gateways.port import SessionGateway


@frozen
class Driver(Setup):
    """Runs calls in threads of the caller."""

    _pool: ThreadPoolExecutor = field(
        init=False, repr=False, factory=lambda: ThreadPoolExecutor(thread_name_prefix="service")
    )

    def converse(self, gateway: SessionGateway, arrival: Arrival) -> Handback:
        """Takes a call from its arrival to its end; gives what the host gets back."""
        return _Conversation(Attendant.of(self, arrival), gateway, self._pool).hold()


@frozen
class _Conversation:
    """One call being run."""

    attendant: Attendant
    gateway: SessionGateway
    pool: ThreadPoolExecutor

    def hold(self) -> Handback:
        steps = self.attendant.begin()
        reply: Event | None = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as done:
                ended: Live = done.value
                return self.attendant.ended(ended)
            reply = self._do(step)

    def _do(self, step: Step) -> Event | None:
        """Does one step of the call; whatever fails is an answer."""
        match step:
            case Perform(turn):
                return self._perform(turn)
            case Send(request, turn):
                return self._send(request, turn)
            case note:
                return self.attendant.note(note)

    def _perform(self, turn: Turn) -> Event | None:
        self.attendant.asks(turn)
        try:
            return self.gateway.perform(turn, self.attendant.language(turn))
        except Exception as error:  # noqa: BLE001 - a broken channel is a caller who is gone
            self.attendant.lost(error)
            return HungUp()

    def _send(self, request: ServiceRequest, turn: Turn) -> ServiceAnswer:
        """Asks the service; a read that was not reached is tried once more in its budget."""
        setup = self.attendant.setup
        if not isinstance(request, Read):
            return self._ask(request, setup.budgets.write, turn)
        began = setup.clock()
        answer = self._ask(request, setup.budgets.read, turn)
        left = setup.budgets.read - (setup.clock() - began).total_seconds()
        if isinstance(answer, Unavailable) and left > 0:
            return self._ask(request, left, turn)
        return answer

    def _ask(self, request: ServiceRequest, budget: float, turn: Turn) -> ServiceAnswer:
        """One answer within the budget. Reassures while it waits."""
        setup = self.attendant.setup
        pending = self.pool.submit(setup.backend.answer, request, budget)
        waited = 0.0
        while waited < budget + GRACE:
            step = min(setup.budgets.reassure, budget + GRACE - waited)
            if self._ready(pending, step):
                error = pending.exception()
                answer = None if error else pending.result()
                return self.attendant.answered(request, answer, error)
            waited += step
            if waited < budget:
                self._reassure(turn)
        return self.attendant.overran(request)

    @staticmethod
    def _ready(pending: Future[ServiceAnswer], wait: float) -> bool:
        try:
            pending.exception(wait)
        except TimeoutError:
            return False
        return True

    def _reassure(self, turn: Turn) -> None:
        reassurance = self.attendant.reassurance(turn)
        if reassurance is not None:
            self._perform(reassurance)
