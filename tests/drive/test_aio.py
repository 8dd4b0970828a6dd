"""The asyncio loop: what happens between two turns, and while there are other calls."""

import asyncio
import threading
from datetime import UTC, datetime

import pytest
from attrs import define, evolve, field

from paperless_ivr.backends.demo import BILLER, customer, springfield
from paperless_ivr.backends.memory import Fault
from paperless_ivr.backends.port import Backend
from paperless_ivr.drive.aio import AsyncDriver
from paperless_ivr.drive.protocol import Move
from paperless_ivr.drive.runner import Setup
from paperless_ivr.drive.session import Session
from paperless_ivr.flow.events import CallerEvent, Digits, Ended, EndedBy, HungUp
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Handback, Moment, Reason, Registration
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.requests import ServiceRequest, StoreCustomerPreference
from paperless_ivr.flow.states import State
from paperless_ivr.flow.turns import Gather, Turn
from paperless_ivr.flow.view import Terms
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.secret import keys

MANY = (500, 500)
POLICY = Policy(
    text=evolve(Policy().text, after_enrolment=()),
    limits=evolve(Policy().limits, tries_per_account=MANY, tries_per_ani=MANY),
)
"""For many calls by one caller at once, whose tries are not tested here."""
CATALOG = Catalog.of(POLICY)
ENROLL = ("1", "1137#", "1")
ARRIVAL = Arrival(
    "call-1", BILLER, Moment.BEFORE_PAYMENT, ani=customer("rivera").phone, language="en-US"
)
pytestmark = pytest.mark.requirement("R41")


@define
class Caller:
    """A gateway whose caller presses keys, and can hang up at any moment."""

    presses: list[str]
    hangs_up: asyncio.Event = field(factory=asyncio.Event)
    doing: str = ""
    listened: int = 0
    asked: asyncio.Event = field(factory=asyncio.Event)
    """All keys have been pressed, and another one is being waited for."""

    async def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Answer a turn."""
        assert self.doing == ""
        if self.hangs_up.is_set():
            return HungUp()
        if not isinstance(turn.then, Gather):
            return None
        if not self.presses:
            self.asked.set()
            await self._as("performing")
            return HungUp()
        pressed = self.presses.pop(0)
        ended = Ended.END_KEY if pressed.endswith("#") else Ended.FULL
        return Digits(keys(pressed.rstrip("#")), ended)

    async def listen(self) -> HungUp:
        """Wait for the caller to hang up."""
        assert self.doing == ""
        self.listened += 1
        await self._as("listening")
        return HungUp()

    async def _as(self, doing: str) -> None:
        self.doing = doing
        try:
            await self.hangs_up.wait()
        finally:
            self.doing = ""


@define
class Held:
    """A service that holds back one operation until it is released."""

    operation: str
    service: Backend = field(factory=springfield)
    reached: threading.Event = field(factory=threading.Event)
    let_go: threading.Event = field(factory=threading.Event)

    @property
    def operations(self) -> frozenset[str]:
        """The operations of the service."""
        return self.service.operations

    def answer(self, request: ServiceRequest, budget: float) -> object:
        """Answer once the operation is released."""
        if type(request).__name__ == self.operation:
            self.reached.set()
            assert self.let_go.wait(30)
        return self.service.answer(request, budget)


def driver(backend: Backend | None = None) -> AsyncDriver:
    """Return a driver with the demo's service."""
    store = SeparateStores(MemoryRecord(lambda: datetime.now(UTC)), MemoryLiveCalls())
    service = backend or springfield(sleep=lambda _: None)
    return AsyncDriver(Setup(Flow(Terms(POLICY)), CATALOG, service, store))


async def left_over() -> set[str]:
    """Return the tasks that still exist, without this one."""
    await asyncio.sleep(0)
    return {str(task) for task in asyncio.all_tasks() - {asyncio.current_task()}}


def test_it_listens_while_it_asks() -> None:
    """Whenever no turn is being performed, the gateway listens. It never does both."""

    async def call() -> tuple[Handback, Caller, set[str]]:
        caller = Caller(list(ENROLL))
        back = await driver().converse(caller, ARRIVAL)
        return back, caller, await left_over()

    back, caller, left = asyncio.run(call())

    assert back.disposition is Disposition.ENROLLED
    assert caller.listened >= len(ENROLL)
    assert (caller.doing, left) == ("", set())


def test_hang_up_ends_a_read_at_once() -> None:
    """If a caller hangs up during a look-up, the call ends before the service has answered."""
    service = Held("SearchByCustomerPhoneNumber")

    async def call() -> Handback:
        caller = Caller(list(ENROLL))
        ending = asyncio.create_task(driver(service).converse(caller, ARRIVAL))
        await asyncio.to_thread(service.reached.wait, 30)
        caller.hangs_up.set()
        back = await ending
        service.let_go.set()
        return back

    back = asyncio.run(call())

    assert (back.disposition, back.reason) == (Disposition.ABANDONED, Reason.CALLER_HUNG_UP)


@pytest.mark.requirement("R31")
def test_a_hang_up_is_delivered_once() -> None:
    """After a yes, a look-up that a hang-up cut short is sent once more, and then awaited."""
    demo = springfield(sleep=lambda _: None)
    demo.script(StoreCustomerPreference.__name__, Fault.ANSWER_LOST)
    service, hung_up = Held("SearchByAccountNumber", demo), list[Move]()
    made = driver(service).setup

    def saw(move: Move) -> None:
        hung_up.extend([move] * isinstance(move.event, HungUp))

    async def call() -> Handback:
        caller = Caller(list(ENROLL))
        driving = AsyncDriver(evolve(made, observers=(saw,)))
        ending = asyncio.create_task(driving.converse(caller, ARRIVAL))
        await asyncio.to_thread(service.reached.wait, 30)
        service.reached.clear()
        caller.hangs_up.set()
        await asyncio.to_thread(service.reached.wait, 30)
        await asyncio.sleep(0.05)
        service.let_go.set()
        return await ending

    back = asyncio.run(call())

    assert [outcome.registration for outcome in back.outcomes] == [Registration.PENDING]
    assert len(hung_up) == 1


@pytest.mark.requirement("R31")
@pytest.mark.parametrize("by", EndedBy)
def test_a_write_under_way_is_finished(by: EndedBy) -> None:
    """A write is finished and recorded even if the caller hangs up or the call is taken back."""
    service = Held(StoreCustomerPreference.__name__)
    driving = driver(service)

    async def call() -> Handback:
        caller, taken = Caller(list(ENROLL)), asyncio.get_running_loop().create_future()
        ending = asyncio.create_task(driving.converse(caller, ARRIVAL, taken))
        await asyncio.to_thread(service.reached.wait, 30)
        if by is EndedBy.CALLER:
            caller.hangs_up.set()
        else:
            taken.set_result(by)
        await asyncio.sleep(0.05)
        assert not ending.done()
        service.let_go.set()
        back = await ending
        assert caller.presses == []
        return back

    back = asyncio.run(call())

    assert back.disposition is Disposition.ENROLLED
    assert [outcome.registration for outcome in back.outcomes] == [Registration.PENDING]
    (written,) = driving.setup.store.record.writes.values()
    assert written.answer is not None


@pytest.mark.parametrize(
    ("by", "reason"),
    [(EndedBy.HOST, Reason.HOST_CANCELED), (EndedBy.SERVER, Reason.SERVER_STOPPED)],
)
def test_the_call_is_taken_back(by: EndedBy, reason: Reason) -> None:
    """A question ends if the host cancels or the server stops, and does not count as hung up."""

    async def call() -> tuple[Handback, set[str]]:
        caller, taken = Caller([]), asyncio.get_running_loop().create_future()
        ending = asyncio.create_task(driver().converse(caller, ARRIVAL, taken))
        await caller.asked.wait()
        taken.set_result(by)
        return await ending, await left_over()

    back, left = asyncio.run(call())

    assert (back.disposition, back.reason) == (Disposition.TAKEN_BACK, reason)
    assert left == set()


def test_a_cancelled_call_leaves_nothing() -> None:
    """A canceled task ends as canceled, and leaves no other task behind."""

    async def call() -> set[str]:
        caller = Caller([])
        ending = asyncio.create_task(driver().converse(caller, ARRIVAL))
        await caller.asked.wait()
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        return await left_over()

    assert asyncio.run(call()) == set()


class DeafCaller(Caller):
    """A channel that breaks as soon as the gateway listens."""

    async def listen(self) -> HungUp:
        """Break the channel."""
        raise BrokenPipeError


def test_a_channel_that_breaks_between_turns() -> None:
    """If a gateway raises while listening, the caller counts as gone, and no error is left over."""
    service = Held("SearchByCustomerPhoneNumber")

    async def call() -> Handback:
        unheard: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: unheard.append(told))
        back = await driver(service).converse(DeafCaller(list(ENROLL)), ARRIVAL)
        service.let_go.set()
        assert unheard == []
        return back

    assert asyncio.run(call()).disposition is Disposition.ABANDONED


def test_calls_do_not_wait_for_one_another() -> None:
    """A hundred concurrent calls all enroll, each its own caller."""
    driving = driver()

    async def call(number: int) -> Handback:
        who = evolve(ARRIVAL, call_id=f"call-{number}")
        return await driving.converse(Caller(["1", "1137#", "2"]), who)

    async def calls() -> list[Handback]:
        return await asyncio.gather(*(call(number) for number in range(100)))

    assert {back.disposition for back in asyncio.run(calls())} == {Disposition.DECLINED}


@pytest.mark.requirement("R50")
def test_a_canceled_call_sends_nothing_later() -> None:
    """A request that waits for a thread is not sent after its call was canceled."""
    service = Held("SearchByCustomerPhoneNumber")
    asked: list[ServiceRequest] = []

    class Counted:
        """Notes what is sent."""

        operations = service.operations

        def answer(self, request: ServiceRequest, budget: float) -> object:
            """Answer when the service does."""
            asked.append(request)
            return service.answer(request, budget)

    async def calls() -> None:
        made = driver()
        busy = AsyncDriver(evolve(made.setup, backend=Counted(), at_once=1))
        first = asyncio.create_task(busy.converse(Caller(list(ENROLL)), ARRIVAL))
        await asyncio.to_thread(service.reached.wait, 10)
        second = asyncio.create_task(
            busy.converse(Caller(list(ENROLL)), evolve(ARRIVAL, call_id="call-2"))
        )
        while busy._service._work_queue.qsize() == 0:
            await asyncio.sleep(0.01)
        second.cancel()
        await asyncio.wait({second})
        service.let_go.set()
        await first

    asyncio.run(calls())
    names = [type(request).__name__ for request in asked]
    assert names.count("SearchByCustomerPhoneNumber") == 1


@pytest.mark.requirement("R54")
def test_a_call_is_taken_up_where_it_was() -> None:
    """A session that an observer has seen continues to its end, and may take another path."""

    async def call() -> tuple[Handback, Handback]:
        asked: list[Session] = []

        def saw(move: Move) -> None:
            asked.extend([move.after] * (move.after.call.state is State.CONFIRMATION))

        store = SeparateStores(MemoryRecord(lambda: datetime.now(UTC)), MemoryLiveCalls())
        setup = Setup(Flow(Terms(POLICY)), CATALOG, springfield(), store, observers=(saw,))
        first = await AsyncDriver(setup).converse(Caller(list(ENROLL)), ARRIVAL)
        return first, await AsyncDriver(setup).resume(Caller(["2"]), asked[0])

    first, second = asyncio.run(call())
    assert first.disposition is Disposition.ENROLLED
    assert second.disposition is Disposition.DECLINED
