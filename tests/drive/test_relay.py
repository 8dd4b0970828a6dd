"""Work left over from calls is completed once, and only once (R31, R32)."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from attrs import define, evolve, field

from paperless_ivr.backends.demo import customer, springfield
from paperless_ivr.backends.memory import Fault, MemoryBackend
from paperless_ivr.cli.setups import arrival, demo_policy
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.protocol import Move, OnRecord, Send, converse
from paperless_ivr.drive.reaping import ABANDONED
from paperless_ivr.drive.relay import AFTER, FOLLOWED, GIVE_UP, Relay
from paperless_ivr.drive.runner import CallRunner, Setup
from paperless_ivr.flow.events import Accepted, Digits, Refusal, Refused, ServiceAnswer
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Handback, Moment, Registration
from paperless_ivr.flow.policy import Text
from paperless_ivr.flow.requests import (
    OPERATIONS,
    DeferRequest,
    ServiceRequest,
    StoreCustomerPreference,
)
from paperless_ivr.flow.turns import Turn
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.terminal import TerminalGateway, tokens
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.port import ActivityType, Evidence
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.secret import email, keys

POLICY = evolve(demo_policy(), text=Text(after_enrolment=(Moment.BEFORE_PAYMENT,)))
WORDS = Catalog.of(POLICY)
RIVERA = customer("rivera")
ENDS = {ActivityType.COMPLETED, ActivityType.EXPIRED, ActivityType.EXPORTED, ActivityType.GIVEN_UP}


@define
class Line:
    """A biller's line in memory, with a clock that moves only on request."""

    service: MemoryBackend = field(factory=springfield)
    now: datetime = datetime(2026, 11, 24, 12, tzinfo=UTC)
    record: MemoryRecord = field(init=False)
    calls: MemoryLiveCalls = field(init=False)

    @record.default
    def _make_record(self) -> MemoryRecord:
        return MemoryRecord(self.clock)

    @calls.default
    def _make_calls(self) -> MemoryLiveCalls:
        return MemoryLiveCalls(self.clock)

    def clock(self) -> datetime:
        """Return the time."""
        return self.now

    @property
    def setup(self) -> Setup:
        """The setup of its calls."""
        flow = Flow(Terms(POLICY, self.service.operations))
        store = SeparateStores(self.record, self.calls)
        return Setup(flow, WORDS, self.service, store, self.clock)

    def call(self, script: str, moment: Moment = Moment.START) -> Handback:
        """Run a call by one customer, who presses these keys."""
        driver = Driver(self.setup)
        gateway = TerminalGateway(WORDS, io.StringIO(), None, tokens(script))
        return driver.converse(gateway, coming(moment))

    def relay(self, **more: object) -> dict[str, int]:
        """Run a round of the relay after enough time for everything."""
        self.now += AFTER + timedelta(seconds=1)
        return dict(Relay(self.setup, self.record, **more).round())  # type: ignore[arg-type]

    @property
    def registered(self) -> Registration:
        """The status of the customer's bill at the service."""
        return self.service.registration(RIVERA.id, "WATER")

    @property
    def ends(self) -> list[str]:
        """How the unfinished work ended, according to the record."""
        return [line.what.value for line in self.record.activities if line.what in ENDS]


def coming(moment: Moment = Moment.START) -> Arrival:
    """A hand-over of the customer's call."""
    return arrival("call-1", POLICY.biller.id, moment, "rivera", "en-US")


def lost(line: Line, operation: str, how: Fault) -> Handback:
    """Run a call in which a write's outcome is lost and cannot be looked up either."""
    line.service.script(operation, how)
    line.service.script("SearchByAccountNumber", *[Fault.DOWN] * 2)
    return line.call("1 1137# 1")


@pytest.mark.requirement("R23", "R31", "R32")
@pytest.mark.parametrize("how", [Fault.REQUEST_LOST, Fault.ANSWER_LOST])
def test_lost_outcome(how: Fault) -> None:
    """A preference whose outcome was lost is looked up, and sent again only if it is absent."""
    line = Line()
    ended = lost(line, "StoreCustomerPreference", how)
    assert ended.disposition is Disposition.DEFERRED

    line.relay()

    assert line.registered is Registration.PENDING
    assert len(line.service.emails) == 1
    assert line.record.unsettled(line.now) == ()
    assert line.record.kept() == ()


@pytest.mark.requirement("R31")
@pytest.mark.parametrize("sent", [False, True])
def test_process_that_died_in_a_write(sent: bool) -> None:
    """A write on record, sent or not, is done exactly once after its process died."""
    line = Line()
    stop_at(line, Send if sent else OnRecord)

    line.now += ABANDONED
    line.relay()
    line.relay()

    ended = [
        a.detail["disposition"] for a in line.record.activities if a.what is ActivityType.ENDED
    ]
    assert ended == ["taken_back"]
    assert line.registered is Registration.PENDING
    assert len(line.service.emails) == 1
    assert line.calls.idle(line.now + timedelta(hours=1), POLICY.biller.id) == ()


@pytest.mark.requirement("R31")
def test_process_that_died_right_after_the_yes() -> None:
    """A stored yes that was not acted on yet is carried out. Without a stored yes, nothing is."""
    line = Line()
    stop_at(line, Turn, state="ENROLLMENT")
    before = Line()
    stop_at(before, Turn, state="CONFIRMATION")

    for one in (line, before):
        one.now += ABANDONED
        one.relay()

    assert line.registered is Registration.PENDING
    assert before.registered is Registration.NONE
    (evidence,) = line.record.consents(POLICY.biller.id, consents(line)[0])
    assert "If you agree, your water bill will come by e-mail" in evidence.words
    assert consents(before) == []


def consents(line: Line) -> list[str]:
    """Return the references of the consents on record."""
    return [a.evidence.consent.reference for a in line.record.activities if a.evidence]


def stop_at(line: Line, step: type, state: str = "ENROLLMENT") -> None:
    """Run a call up to a step in a state, perform the step, and die."""
    runner = CallRunner(line.setup)
    session = runner.commit_or_go_on(runner.arrived(coming()))
    steps = converse(session, runner.advance, line.setup.budget)
    pressed = iter(("1", "1137", "1"))
    reply: object = None
    while True:
        now = steps.send(reply)
        there = session.call.state.name == state
        match now:
            case Turn():
                waits = hasattr(now.then, "max_keys")
                if there and step is Turn:
                    return
                reply = Digits(keys(next(pressed))) if waits else None
            case OnRecord(request):
                reply = runner.on_record(request, session)
            case Send(request):
                reply = line.service.answer(request, 5.0)
            case Move():
                reply = session = runner.commit_or_go_on(now)
        if there and isinstance(now, step):
            return


@pytest.mark.requirement("R32")
def test_kept_wish() -> None:
    """A request that was kept because the service was down is completed when it is up again."""
    line = Line()
    line.service.script("StoreCustomerPreference", Fault.DOWN, Fault.DOWN)
    assert line.call("1 1137# 1").disposition is Disposition.DEFERRED

    first, hours = line.relay(), 0
    while line.record.kept():
        line.now += timedelta(hours=1)
        line.relay()
        hours += 1

    assert first == {"unavailable": 1}
    assert 0 < hours < 4
    assert line.registered is Registration.PENDING
    assert len(line.service.emails) == 1


@pytest.mark.requirement("R12", "R31")
@pytest.mark.parametrize("how", [Fault.REQUEST_LOST, Fault.ANSWER_LOST])
def test_another_address(how: Fault) -> None:
    """A registration pending with an older address is not the one that was agreed to."""
    line = Line()
    older = evolve(preference_of(line), email=email("older@example.com"), key="before")
    line.service.answer(older, 5.0)
    assert line.registered is Registration.PENDING
    write = preference_of(line)
    line.record.intend(write, evidence_of(line), POLICY.limits)
    line.service.script("StoreCustomerPreference", how)
    line.service.answer(write, 5.0)

    line.relay()

    newer = [mail for mail in line.service.emails if mail.to == RIVERA.email]
    assert len(newer) == 1
    assert line.record.unsettled(line.now) == ()


@pytest.mark.requirement("R32")
def test_given_up_for_all_to_see() -> None:
    """If a service stays down, it is tried less and less often, and finally given up."""
    line = Line()
    line.service.script("StoreCustomerPreference", *[Fault.DOWN] * 400)
    line.service.script("SearchByAccountNumber", *[Fault.DOWN] * 400)
    line.call("1 1137# 1")
    until, attempts = line.now + GIVE_UP + timedelta(days=1), 0

    while line.now < until:
        line.now += timedelta(hours=1)
        attempts += sum(line.relay().values())

    assert line.ends == ["given_up"]
    assert line.record.kept() == ()
    assert 40 < attempts < 80


@pytest.mark.requirement("R05", "R32")
@pytest.mark.parametrize("exporting", [False, True])
def test_no_operation(exporting: bool) -> None:
    """A request that no operation can carry out waits, or is handed to the biller, once."""
    line = Line(springfield(OPERATIONS - {"StoreCustomerPreference", "SendWebLink"}))
    assert line.call("1 1137# 1").disposition is Disposition.DEFERRED
    exported: list[DeferRequest] = []

    for _ in range(3):
        line.now += timedelta(hours=7)
        line.relay(export=exported.append if exporting else None)

    if exporting:
        assert [request.account for request in exported] == [RIVERA.account]
        assert line.ends == ["exported"]
    else:
        assert len(line.record.kept()) == 1
        assert line.ends == []


@pytest.mark.requirement("R23")
def test_text_is_never_repeated() -> None:
    """A text with an unknown outcome cannot be looked up, so it is given up, not sent again."""
    line = Line()
    line.service.script("SendWebLink", Fault.ANSWER_LOST)
    line.call("1 1137# 1 1", Moment.BEFORE_PAYMENT)
    assert len(line.record.unsettled(line.now + AFTER)) == 1

    line.relay()

    assert len(line.service.texts) == 1
    assert line.ends == ["given_up"]
    assert line.record.unsettled(line.now) == ()


@pytest.mark.requirement("R32", "R33")
def test_registration_is_followed() -> None:
    """A registration counts as completed once its link was opened, not before."""
    line = Line()
    line.call("1 1137# 1")
    assert line.relay() == {"pending": 1}
    assert line.ends == []

    line.service.complete(line.service.emails[0].link)
    line.now += timedelta(hours=7)
    line.relay()

    assert line.ends == ["completed"]
    assert line.record.followed() == ()


@pytest.mark.parametrize("how", ["never opened", "on paper again"])
def test_registration_expires(how: str) -> None:
    """Following ends if a link is never opened, or if the bill is back on paper."""
    line = Line()
    line.call("1 1137# 1")
    if how == "on paper again":
        line.service._bills[RIVERA.id, "WATER"] = Registration.NONE
    else:
        line.now += FOLLOWED

    line.relay()

    assert line.ends == ["expired"]


@pytest.mark.requirement("R31")
@pytest.mark.parametrize("reason", [Refusal.PENDING, Refusal.ALREADY_PAPERLESS])
def test_refused_as_done(reason: Refusal) -> None:
    """A write that is sent again, and refused because it was already done, counts as done."""
    line = Line()
    lost(line, "StoreCustomerPreference", Fault.REQUEST_LOST)
    line.service.script("StoreCustomerPreference", reason)

    line.relay()

    assert line.record.unsettled(line.now) == ()
    assert line.record.writes[consents(line)[0]].answer == Accepted()


@pytest.mark.requirement("R31")
@pytest.mark.parametrize("reason", [Refusal.PENDING, Refusal.ALREADY_PAPERLESS])
def test_paper_refused_as_paperless(reason: Refusal) -> None:
    """A request for paper that is refused because the bill is paperless is not done."""
    line = Line()
    line.service._bills[RIVERA.id, "WATER"] = Registration.ACTIVE
    write = evolve(preference_of(line), paperless=False)
    line.record.intend(write, evidence_of(line), POLICY.limits)
    line.service.script("StoreCustomerPreference", reason)

    assert line.relay() == {"refused": 1}

    assert line.record.writes[write.key].answer == Refused(reason)
    assert line.registered is Registration.ACTIVE


@pytest.mark.requirement("R31")
def test_enrolment_by_payment() -> None:
    """`EnrollInPaperless` has no key, and is sent again only if the look-up does not find it."""
    for how in (Fault.REQUEST_LOST, Fault.ANSWER_LOST):
        line = Line()
        line.service.script("EnrollInPaperless", how)
        enrolled = line.call("1 1 - - - -", Moment.AFTER_PAYMENT)
        assert enrolled.outcomes

        line.now += timedelta(hours=1)
        line.relay()

        assert line.registered is Registration.PENDING
        assert len(line.service.emails) == 1
        assert line.record.unsettled(line.now) == ()


@define
class Meanwhile:
    """A back end that lets something else happen before each answer."""

    service: MemoryBackend
    happens: Callable[[], object]

    @property
    def operations(self) -> frozenset[str]:
        """The operations of the service."""
        return self.service.operations

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Return the service's answer, late."""
        self.happens()
        return self.service.answer(request, budget)


@pytest.mark.requirement("R31")
def test_side_by_side() -> None:
    """Two relays never work on the same item. A deferred request waits for its own write."""
    line = Line()
    lost(line, "StoreCustomerPreference", Fault.REQUEST_LOST)
    line.now += AFTER + timedelta(seconds=1)
    other, found = Relay(line.setup, line.record), []
    backend = Meanwhile(line.service, lambda: found.append(dict(other.round())))

    Relay(evolve(line.setup, backend=backend), line.record).round()

    assert all(set(came_to) <= {"unsettled"} for came_to in found[:2])
    assert len(line.service.emails) == 1


def test_one_that_fails_does_not_stop_the_others() -> None:
    """An item that fails is left for later, and the rest is done."""
    line = Line()
    line.call("1 1137# 1")

    def fail() -> None:
        raise ValueError

    backend = Meanwhile(line.service, fail)
    line.now += timedelta(seconds=1)
    came_to = Relay(evolve(line.setup, backend=backend), line.record).round()

    assert came_to == {"failed": 1}
    assert len(line.record.followed()) == 1


def preference_of(line: Line) -> StoreCustomerPreference:
    """Return what the customer's call would store."""
    key = evidence_of(line).consent.reference
    return StoreCustomerPreference(
        RIVERA.id, RIVERA.account, "WATER", True, RIVERA.email, None, key, key
    )


def evidence_of(line: Line) -> Evidence:
    """Return the evidence of a consent, from a call on a separate line."""
    other = Line(now=line.now)
    other.call("1 1137# 1")
    return next(a.evidence for a in other.record.activities if a.evidence)
