"""The loops: whatever fails around the flow, the caller hears something sensible."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from attrs import evolve, field, frozen

from paperless_ivr.backends.demo import BILLER, customer, springfield
from paperless_ivr.backends.memory import Fault
from paperless_ivr.drive.runner import Setup, Silence
from paperless_ivr.errors import FlowProblems, PolicyProblems, UnknownCall
from paperless_ivr.flow.events import (
    Accepted,
    CustomersFound,
    Digits,
    Ended,
    HungUp,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Moment, Payment, Reason, Registration
from paperless_ivr.flow.policy import Budgets, Policy
from paperless_ivr.flow.requests import OPERATIONS, StoreCustomerPreference
from paperless_ivr.flow.turns import Gather, Transfer
from paperless_ivr.flow.view import Terms
from paperless_ivr.prompts import Catalog, said
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.port import ActivityType
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.secret import keys, payment
from tests.drive.loops import LOOPS
from tests.drive.test_aio import Held

POLICY = Policy(text=evolve(Policy().text, after_enrolment=()))
CATALOG = Catalog.of(POLICY)
STILL = CATALOG.text("still_working", "en-US")
ENROLL = ("1", "1137#", "1")
ARRIVAL = Arrival(
    "call-1", BILLER, Moment.BEFORE_PAYMENT, ani=customer("rivera").phone, language="en-US"
)


@frozen
class Caller:
    """A gateway that presses keys, remembers what was heard, and then hangs up."""

    presses: list[str]
    heard: list[str] = field(factory=list)

    def perform(self, turn, language):
        """Speak a turn, and answer it."""
        self.heard.append(said(turn.say, language, CATALOG))
        if isinstance(turn.then, Transfer):
            return TransferEnded(TransferResult.ANSWERED)
        if not isinstance(turn.then, Gather):
            return None
        if not self.presses:
            return HungUp()
        pressed = self.presses.pop(0)
        ended = Ended.END_KEY if pressed.endswith("#") else Ended.FULL
        return Digits(keys(pressed.rstrip("#")), ended)


@pytest.fixture(params=LOOPS)
def converse(request):
    """Run a call with the demo's service, in each loop."""
    make, run = LOOPS[request.param]

    def converse(caller, arrival=ARRIVAL, *, backend=None, record=None, calls=None, policy=POLICY):
        store = SeparateStores(
            record or MemoryRecord(lambda: datetime.now(UTC)), calls or MemoryLiveCalls()
        )
        service = backend or springfield(sleep=lambda _: None)
        return run(make(Setup(Flow(Terms(policy)), CATALOG, service, store)))(caller, arrival)

    return converse


@pytest.mark.requirement("R03", "R18", "R30")
def test_a_caller_enrolls(converse):
    """The service has the registration; the record has the consent with the words heard."""
    backend, record = springfield(), MemoryRecord(lambda: datetime.now(UTC))
    caller = Caller(list(ENROLL))
    back = converse(caller, backend=backend, record=record)

    assert (back.disposition, back.registration) == (Disposition.ENROLLED, Registration.PENDING)
    assert backend.registration(customer("rivera").id, "WATER") is Registration.PENDING
    (given,) = [a.evidence for a in record.activities if a.what is ActivityType.CONSENTED]
    assert given.words in " ".join(caller.heard)
    assert "the address starting with J, ending in example dot com" in given.words
    assert CATALOG.digest == given.words_version
    assert given.asked <= given.answered
    assert record.activities[-1].what is ActivityType.ENDED


@pytest.mark.requirement("R30")
def test_a_call_without_a_word(converse):
    """A hand-over that ends with its first turn has its end on record."""
    record = MemoryRecord(lambda: datetime.now(UTC))
    unpaid = Payment(payment("0f7a"), approved=False)
    back = converse(
        Caller([]), evolve(ARRIVAL, moment=Moment.AFTER_PAYMENT, payment=unpaid), record=record
    )

    assert Disposition.NOT_OFFERED is back.disposition
    assert [line.what for line in record.activities] == [ActivityType.ARRIVED, ActivityType.ENDED]
    assert record.activities[-1].detail["reason"] == "payment_not_approved"


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("person", [True, False])
def test_service_down_before_consent(converse, person):
    """If the service is down, the caller hears so at once, or gets a person. Nothing is kept."""
    backend = springfield()
    backend.script("SearchByCustomerPhoneNumber", Fault.DOWN, Fault.DOWN)
    record = MemoryRecord(lambda: datetime.now(UTC))
    caller = Caller(["1", "1"])
    back = converse(
        caller, evolve(ARRIVAL, person_available=person), backend=backend, record=record
    )

    wanted = Disposition.TRANSFERRED if person else Disposition.UNAVAILABLE
    assert wanted is back.disposition
    assert not record.kept()


@pytest.mark.requirement("R10", "R49")
@pytest.mark.parametrize("loop", LOOPS)
def test_a_jump_of_the_clock_takes_no_second_try(loop):
    """The rest of a budget is measured by a clock that no one can set."""
    make, run = LOOPS[loop]
    backend, jumps = springfield(sleep=lambda _: None), count()
    backend.script("SearchByCustomerPhoneNumber", Fault.DOWN)
    store = SeparateStores(MemoryRecord(lambda: datetime.now(UTC)), MemoryLiveCalls())

    def clock():
        return datetime.now(UTC) + timedelta(hours=next(jumps))

    setup = Setup(Flow(Terms(POLICY)), CATALOG, backend, store, clock=clock)
    ended = run(make(setup))(Caller(list(ENROLL)), ARRIVAL)
    assert ended.disposition is Disposition.ENROLLED


@pytest.mark.requirement("R10")
def test_a_read_is_tried_once_more(converse):
    """A look-up that never reached the service is retried once, and the caller notices nothing."""
    backend = springfield()
    backend.script("SearchByCustomerPhoneNumber", Fault.DOWN)

    assert converse(Caller(list(ENROLL)), backend=backend).disposition is (Disposition.ENROLLED)


@pytest.mark.requirement("R10", "R23")
def test_an_answer_that_is_lost_is_looked_up(converse):
    """A write whose answer is lost is found to be done, and not sent again."""
    backend = springfield()
    backend.script("StoreCustomerPreference", Fault.ANSWER_LOST)
    back = converse(Caller(list(ENROLL)), backend=backend)

    assert (back.disposition, back.registration) == (Disposition.ENROLLED, Registration.PENDING)
    assert len(backend.emails) == 1


@pytest.mark.requirement("R10")
def test_service_down_after_consent(converse):
    """After the yes, the request is kept, to be completed later."""
    backend, record = springfield(), MemoryRecord(lambda: datetime.now(UTC))
    backend.script("StoreCustomerPreference", Fault.DOWN)
    back = converse(Caller(list(ENROLL)), backend=backend, record=record)

    assert back.disposition is Disposition.DEFERRED
    assert len(record.kept()) == 1


def test_a_record_that_is_down(converse):
    """No question is asked that must be counted, nothing is enrolled, and the caller hears why."""
    backend = springfield()
    record = MemoryRecord(lambda: datetime.now(UTC), down=True)
    caller = Caller(["1", "20481137#", "1"])
    back = converse(caller, backend=backend, record=record, calls=MemoryLiveCalls(down=True))

    assert (back.disposition, back.reason) == (Disposition.UNAVAILABLE, Reason.RECORD_DOWN)
    assert backend.registration(customer("rivera").id, "WATER") is Registration.NONE
    assert "keep coming as before" in caller.heard[-1]
    assert not [heard for heard in caller.heard if "Enter the account number" in heard]


class Broken:
    """A back end and a gateway that break their promises."""

    operations = OPERATIONS

    def answer(self, request, budget):
        """Raise an error with something secret in its text."""
        message = f"{request.phone.reveal()} is secret"
        raise RuntimeError(message)

    def perform(self, turn, language):
        """Raise an error: the channel is lost."""
        raise BrokenPipeError


@pytest.mark.requirement("R24")
def test_no_exception_reaches_the_telephone(converse, capsys):
    """A back end that raises counts as a service that is down, and its text is not shown."""
    back = converse(Caller(["1"]), backend=Broken())
    printed = capsys.readouterr()

    assert back.disposition is Disposition.UNAVAILABLE
    assert customer("rivera").phone.reveal() not in printed.out + printed.err


def test_a_channel_that_breaks(converse):
    """If the channel of a gateway breaks, the caller is gone."""
    assert converse(Broken()).disposition is Disposition.ABANDONED


class Faulty:
    """A gateway with a fault in its own code."""

    def perform(self, turn, language):
        """Raise an error that has nothing to do with the channel."""
        raise KeyError(turn.say[0].name)


@pytest.mark.requirement("R48")
def test_a_gateway_with_a_fault(converse):
    """A fault of a gateway is not a hang-up: the host gets the call back as failed."""
    back = converse(Faulty())
    assert (back.disposition, back.reason) == (Disposition.TAKEN_BACK, Reason.CALL_LOST)
    assert back.failed
    assert not back.offer_again


@pytest.mark.requirement("R48")
def test_a_fault_of_the_flow(converse, monkeypatch):
    """An internal error never reaches the host's code: it gets the call back as failed."""

    def fault(*_):
        raise ValueError

    monkeypatch.setattr(Flow, "advance", fault)
    back = converse(Caller(["1"]))
    assert (back.disposition, back.reason) == (Disposition.INCOMPLETE, Reason.CALL_LOST)
    assert back.moment is Moment.BEFORE_PAYMENT
    assert not back.offer_again


class Slow:
    """A back end that exceeds its budget."""

    operations = OPERATIONS

    def answer(self, request, budget):
        """Sleep past the budget."""
        time.sleep(budget + 1.5)


@pytest.mark.requirement("R10")
def test_a_service_that_overruns(converse):
    """While a service is slow, the caller hears something new. After its budget, it is given up."""
    patient = evolve(POLICY, budgets=Budgets(read=3.5, reassure=3.0))
    caller = Caller(["1"])
    back = converse(caller, backend=Slow(), policy=patient)

    assert back.disposition is Disposition.UNAVAILABLE
    assert STILL in caller.heard


@frozen
class Leaving(Caller):
    """A caller who hangs up on hearing that we are still working on a held request."""

    service: Held = field(kw_only=True)
    answered: bool = field(kw_only=True)
    """Whether the answer comes right after that."""
    left: list[bool] = field(factory=list)

    def perform(self, turn, language):
        """Speak a turn, and answer it until the caller has left."""
        did = HungUp() if self.left else super().perform(turn, language)
        if self.heard[-1] == STILL and self.service.reached.is_set():
            self.left.append(True)
            if self.answered:
                self.service.let_go.set()
            return HungUp()
        return did


@pytest.fixture
def impatient(monkeypatch):
    """Reassure callers after a silence that is shorter than a policy can set."""
    monkeypatch.setattr(Silence, "ends", property(lambda silence: silence._began + 0.01))


@pytest.mark.requirement("R10")
@pytest.mark.usefixtures("impatient")
def test_hang_up_during_a_reassurance_ends_a_read(converse):
    """A caller who hangs up while being reassured does not wait for a look-up to be answered."""
    service = Held("SearchByCustomerPhoneNumber")
    caller = Leaving(list(ENROLL), service=service, answered=False)
    back = converse(caller, backend=service)
    service.let_go.set()

    assert (back.disposition, back.reason) == (Disposition.ABANDONED, Reason.CALLER_HUNG_UP)


@pytest.mark.requirement("R31")
@pytest.mark.usefixtures("impatient")
def test_hang_up_during_a_reassurance_does_not_end_a_write(converse):
    """A write is awaited and settled, even if the caller hangs up while being reassured."""
    service = Held(StoreCustomerPreference.__name__)
    record = MemoryRecord(lambda: datetime.now(UTC))
    caller = Leaving(list(ENROLL), service=service, answered=True)
    back = converse(caller, backend=service, record=record)

    assert (back.disposition, back.registration) == (Disposition.ENROLLED, Registration.PENDING)
    assert [written.answer for written in record.writes.values()] == [Accepted()]
    assert caller.heard[-1] == STILL


class OneAtATime:
    """A back end whose answers take most of their budget."""

    operations = OPERATIONS

    def answer(self, request, budget):
        """Answer in time, unless it is asked too late."""
        time.sleep(budget * 0.7)
        return CustomersFound(())


@pytest.mark.requirement("R10")
@pytest.mark.parametrize(("make", "run"), LOOPS.values(), ids=LOOPS)
def test_a_request_that_waited_for_a_thread(make, run):
    """A caller is reassured after the silence that the policy allows, not when a budget ends."""
    flow = Flow(Terms(evolve(POLICY, budgets=Budgets(read=1.0, reassure=10.0))))
    store = SeparateStores(MemoryRecord(lambda: datetime.now(UTC)), MemoryLiveCalls())
    converse = run(make(Setup(flow, CATALOG, OneAtATime(), store, at_once=1)))
    callers = [Caller(["1"]), Caller(["1"])]
    with ThreadPoolExecutor() as pool:
        for number, caller in enumerate(callers):
            pool.submit(converse, caller, evolve(ARRIVAL, call_id=f"call-{number}"))

    assert all(len(caller.heard) > 1 for caller in callers)
    assert not [c for c in callers if STILL in c.heard]


@pytest.mark.parametrize("make", [make for make, _ in LOOPS.values()])
def test_what_is_wrong_is_found_at_the_start(converse, make):
    """A service that cannot look up, or an invalid policy, prevents a driver from being made."""
    with pytest.raises(FlowProblems):
        make(
            Setup(
                Flow(Terms(POLICY, frozenset({"SendWebLink"}))),
                CATALOG,
                springfield(),
                SeparateStores(MemoryRecord(lambda: datetime.now(UTC)), MemoryLiveCalls()),
            )
        )
    with pytest.raises(PolicyProblems):
        converse(Caller([]), policy=evolve(POLICY, waits=evolve(POLICY.waits, offer=30.0)))


def test_live_calls_are_forgotten_when_they_end(converse):
    """After a call ends, nothing of it stays among the live calls."""
    calls = MemoryLiveCalls()
    converse(Caller([]), calls=calls)

    with pytest.raises(UnknownCall, match="call-1"):
        calls.load("call-1")
