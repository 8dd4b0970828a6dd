"""What is done for a call beside talking to the caller: the service, the record, the notes.

Every loop shares it. Whatever fails is turned into an event here: no exception ever reaches a
telephone (rule 4). What is logged are names: states, events, rows, classes of errors.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import structlog
from attrs import frozen

from paperless_ivr.drive.conduct import Intend, Look, Moved, Send, Settle, Task
from paperless_ivr.drive.live import Live
from paperless_ivr.drive.witness import Witness
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
from paperless_ivr.flow.host import Handback
from paperless_ivr.flow.requests import (
    CountLastFour,
    KeepWish,
    Read,
    RecordRequest,
    Screen,
    ServiceRequest,
)
from paperless_ivr.flow.scene import Scene
from paperless_ivr.flow.turns import Turn
from paperless_ivr.flow.waits import handback

if TYPE_CHECKING:
    from paperless_ivr.drive.blocking import Driver

log = structlog.get_logger("paperless_ivr")

Answer = TypeVar("Answer")
Ask = Callable[[ServiceRequest, float, Turn, ServiceAnswer], ServiceAnswer]
"""One answer of the service within a budget; the last is the answer where there is none."""


@frozen
class Clerk:
    """Does the steps of one call that the caller has no part in."""

    driver: "Driver"
    witness: Witness
    ask: Ask | None = None
    """How this loop waits for the service; None: in this thread, for as long as it takes."""

    @property
    def call_id(self) -> str:
        """The call's identifier, as the host has it."""
        return self.witness.arrival.call_id

    def do(self, task: Task | Moved) -> Event | None:
        """Does one step; gives what the conduct of the call is told of it."""
        match task:
            case Look(request):
                return self._look(request)
            case Intend(write):
                evidence = self.witness.evidence[write.consent]
                return self.on_record(lambda: self.driver.record.intend(write, evidence))
            case Send(request, turn):
                return self._send(request, turn)
            case Settle(key, answer):
                self.on_record(lambda: self.driver.record.settle(key, answer))
                return None
            case Moved(before, event, turn):
                self._moved(before, event, turn)
                return None

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
        if self.ask is not None:
            return self.ask(request, budget, turn, lost)
        return self.answer(request, budget, lost)

    def answer(self, request: ServiceRequest, budget: float, lost: ServiceAnswer) -> ServiceAnswer:
        """What the service answers; `lost` where it raises."""
        failed: Exception | None = None
        try:
            answer = self.driver.backend.answer(request, budget)
        except Exception as error:  # noqa: BLE001 - a back end that raises has given no answer
            answer, failed = lost, error
        log.info(
            "service.answered",
            call=self.call_id,
            operation=type(request).__name__,
            answer=type(answer).__name__,
            why=type(failed).__name__ if failed else _why(answer),
        )
        return answer

    # ── the record ──

    def _look(self, request: RecordRequest) -> RecordAnswer:
        record = self.driver.record

        def look() -> RecordAnswer:
            match request:
                case Screen():
                    return record.screen(request)
                case CountLastFour():
                    return record.count_last_four(request)
                case KeepWish():
                    record.keep(request, self.witness.evidence[request.consent])
                    return WishKept()

        return self.on_record(look)

    def on_record(self, act: Callable[[], Answer]) -> Answer | RecordUnavailable:
        """What the record gives; what it cannot do is an event."""
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - what the record cannot do is an event
            log.error("record.failed", call=self.call_id, error=type(error).__name__)
            return RecordUnavailable()

    def tell(self, what: str, tell: Callable[[], None]) -> None:
        """Notes something; a record that cannot note it does not stop the call."""
        try:
            tell()
        except Exception as error:  # noqa: BLE001 - the caller is not to hear of it
            log.error("note.failed", call=self.call_id, what=what, error=type(error).__name__)

    # ── the notes ──

    def arrived(self) -> None:
        """The host handed the call over."""
        self.tell("arrived", self.witness.arrived)

    def asks(self, turn: Turn) -> None:
        """The turn is about to be spoken."""
        self.tell("asks", lambda: self.witness.asks(turn))

    def _moved(self, before: Live, event: Event, turn: Turn) -> None:
        log.info(
            "call.moved",
            call=self.call_id,
            state=before.call.state.name,
            happened=type(event).__name__,
            to=turn.call.state.name,
        )
        self.tell("moved", lambda: self.witness.moved(before, event, turn))
        if self.driver.watch is not None:
            self.driver.watch(before, event, turn)

    def ended(self, live: Live) -> Handback:
        """What the host gets back of a call that has come to its end."""
        given_back = handback(Scene(live.call, self.driver.flow.terms))
        log.info(
            "call.ended",
            call=self.call_id,
            disposition=given_back.disposition.value,
            reason=given_back.reason.value,
            turns=live.turn,
        )
        return given_back


def _why(answer: ServiceAnswer) -> str | None:
    """What the log says of an answer beside its class."""
    match answer:
        case Unavailable() | OutcomeUnknown():
            return answer.why
        case Refused():
            return f"{answer.reason.value} {answer.code}".rstrip()
        case _:
            return None
