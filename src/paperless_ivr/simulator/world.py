"""The world of a simulated call: a reference service, an in-memory record, and faults."""

import enum
import time
from collections.abc import Callable
from threading import Event

from attrs import define, field, frozen

from paperless_ivr.backends.port import Backend, without_answer
from paperless_ivr.cloudivr.serving import Service
from paperless_ivr.flow.events import ServiceAnswer, Unavailable
from paperless_ivr.flow.requests import ServiceRequest
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord

SLOW = 0.9
"""The share of the time budget that a slow answer uses up."""


class Fault(enum.Enum):
    """The ways in which the billing service can fail."""

    NONE = "works"
    SLOW = "slow"
    DOWN = "down"
    DONE = "done"
    """The service carries out the request, but its answer is lost."""
    NOT_DONE = "not_done"
    """The request is lost on its way to the service."""


@frozen
class Asked:
    """A request to the service, and its answer once there is one."""

    request: ServiceRequest
    budget: float
    fault: Fault
    answer: ServiceAnswer | None = None
    seconds: float = 0.0


@define(eq=False, repr=False)
class World:
    """The service and the record of one simulation: a back end with faults that can be switched on.

    `watch` is called twice for each request: when it is sent and when it is answered. `acted` is
    called when the answer to a request is lost, whether or not the service acted on it. Both run in
    the request's thread.
    """

    service: Service
    backend: Backend
    watch: Callable[[Asked], None] = field(init=False)
    acted: Callable[[], object] = field(init=False)
    fault: Fault = field(init=False, default=Fault.NONE)
    record: MemoryRecord = field(init=False, factory=MemoryRecord)
    calls: MemoryLiveCalls = field(init=False, factory=MemoryLiveCalls)
    _given_up: Event = field(init=False, factory=Event)

    @property
    def operations(self) -> frozenset[str]:
        """The operations that the service supports."""
        return self.backend.operations

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer within `budget` seconds, or fail as the current fault requires."""
        fault, began = self.fault, time.monotonic()
        self.watch(Asked(request, budget, fault))
        answer = self._answer(request, budget, fault)
        self.watch(Asked(request, budget, fault, answer, time.monotonic() - began))
        return answer

    def _answer(self, request: ServiceRequest, budget: float, fault: Fault) -> ServiceAnswer:
        if fault is Fault.DOWN:
            return Unavailable("switched off")
        if fault is Fault.SLOW:
            self._given_up.wait(budget * SLOW)
        if fault is Fault.NOT_DONE:
            answer = without_answer(request)
        else:
            answer = self.backend.answer(request, budget)
        if fault in (Fault.DONE, Fault.NOT_DONE):
            self.acted()
            self._given_up.wait(budget)
            return without_answer(request)
        return answer

    @property
    def record_lost(self) -> bool:
        """Whether the record is down."""
        return self.record.down

    def lose_record(self, lost: bool) -> None:
        """Make the record fail, or work again."""
        self.record.down = self.calls.down = lost

    def hurry(self) -> None:
        """Stop waiting immediately, because the call is being abandoned."""
        self._given_up.set()

    def snapshot(self) -> Callable[[], None]:
        """Return a function that restores the current contents of the service and the record."""
        parts = (self.service.snapshot(), self.record.snapshot(), self.calls.snapshot())

        def put_back() -> None:
            self._given_up.clear()
            for part in parts:
                part()

        return put_back
