"""Calls over web requests: workers that share, crash and wait; calls that are left behind."""

import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from attrs import define, evolve, field

from paperless_ivr import secret
from paperless_ivr.backends.demo import BILLER, customer, springfield
from paperless_ivr.backends.memory import Fault
from paperless_ivr.drive.attendant import Setup
from paperless_ivr.drive.documents import Documents
from paperless_ivr.drive.tickets import Ticket, Tickets
from paperless_ivr.errors import UnknownCall
from paperless_ivr.flow.events import Accepted, OutcomeUnknown, Unavailable
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Moment, Reason, Registration
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.requests import Write
from paperless_ivr.flow.scene import Terms
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.prompts import Catalogue
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.port import What
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import HangUp, Press

POLICY = Policy(text=evolve(Policy().text, after_enrolment=()))
WORDS = Catalogue.of(POLICY)
KEY = secret.credential("0123456789abcdef")
SID = "CA" + 32 * "0"
RIVERA = customer("rivera")
ARRIVAL = Arrival(SID, BILLER, Moment.BEFORE_PAYMENT, ani=RIVERA.phone, language="en-US")
GATEWAY = TwilioGateway(
    WORDS,
    BILLER,
    secret.credential("auth token"),
    "https://ivr.example.com/twilio",
    "https://host.example.com/voice",
    KEY,
)


@define
class Clock:
    """A clock that goes only when it is told to."""

    at: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self):
        """The time."""
        return self.at

    def go(self, seconds):
        """Time passes."""
        self.at += timedelta(seconds=seconds)


@define
class Line:
    """A call on Twilio, and the workers that answer it."""

    backend: object = field(factory=springfield)
    policy: Policy = POLICY
    gateway: TwilioGateway = GATEWAY
    clock: Clock = field(factory=Clock)
    calls: MemoryLiveCalls = field(init=False)
    record: MemoryRecord = field(init=False)
    runtime: SimulatedTwilio = field(init=False)
    ended: list = field(factory=list)
    request: object = None
    reply: object = None
    workers: list = field(factory=list)

    def __attrs_post_init__(self):
        """The store and the first worker are there."""
        self.calls, self.record = MemoryLiveCalls(now=self.clock), MemoryRecord(self.clock)
        self.runtime = SimulatedTwilio(self.gateway, SID)
        self.worker()

    def worker(self):
        """One more worker."""
        setup = Setup(
            Flow(Terms(self.policy)), WORDS, self.backend, self.record, self.calls, self.clock
        )
        made = Documents(setup, self.gateway, KEY, at_once=2, ended=self.ended.append)
        self.workers.append(made)
        return made

    def begin(self, arrival=ARRIVAL):
        """The host hands the call over."""
        self.request = self.runtime.begins(arrival)
        self.reply = self.workers[0].answer(self.request)
        return self.reply

    def go(self, *acts, worker=-1):
        """The caller hears the document and does that; what the runtime then asks is answered."""
        self.follow(*acts)
        self.reply = self.workers[worker].answer(self.request)
        return self.reply

    def follow(self, *acts):
        """The caller hears the document and does that; gives the request that comes of it."""
        said = sum(1 for _ in ET.fromstring(self.reply.document).iter("Say"))
        self.runtime.caller.plan(*acts, prompts=said)
        self.request = self.runtime.follow(self.reply.document)
        return self.request

    def to_consent(self):
        """Up to the question whose yes enrols."""
        self.begin()
        self.go(Press("1"))
        self.go()
        self.go(Press("1137"))
        return self.go()

    @property
    def turn(self):
        """The number of the turn in the store."""
        return self.calls.load(SID).turn

    @property
    def disposition(self):
        """How the call ended."""
        (handback,) = self.ended
        return handback.disposition


@pytest.mark.requirement("R09", "R30", "R31")
def test_a_caller_enrols_though_every_request_meets_another_worker():
    """Nothing but the store is shared, and the consent has the words that were heard."""
    line = Line()
    line.begin()
    for acts in ([Press("1")], [], [Press("1137")], [], [Press("1")], []):
        line.worker()
        line.go(*acts)
    assert line.follow() is None
    assert line.runtime.handed_back["disposition"] == "enrolled"
    assert line.reply.handback.registration is Registration.PENDING
    assert line.backend.registration(RIVERA.id, "WATER") is Registration.PENDING
    (given,) = [a.evidence for a in line.record.activities if a.what is What.CONSENTED]
    assert given.words.startswith("Your bill would come by e-mail")
    assert next(iter(line.record.writes.values())).evidence == given
    assert next(iter(line.record.writes.values())).answer == Accepted()


@pytest.mark.requirement("R09")
def test_a_key_in_the_question_is_no_yes():
    """A 1 while the address is still being spoken is told to listen first."""
    line = Line()
    line.to_consent()
    line.go(Press("1", at=0))
    assert not line.record.writes
    assert "listen" in line.reply.document.lower()
    line.go(Press("1"))
    line.go()
    assert len(line.record.writes) == 1


@pytest.mark.requirement("R09", "R31")
def test_a_late_answer_gets_the_last_document():
    """Every earlier request, sent again at any time, changes nothing."""
    line, sent = Line(), []
    line.begin()
    for acts in ([Press("1")], [], [Press("1137")], [], [Press("1")], []):
        sent.append(line.request)
        line.go(*acts)
        before = line.calls.load(SID)
        for request in sent:
            assert line.workers[0].answer(request).document == line.reply.document
        assert line.calls.load(SID) == before
    assert len(line.record.writes) == 1
    assert len(line.backend.emails) == 1


def test_one_moment_is_heard_before_the_wait():
    """A request is carried out on the visit after its words."""
    line = Line()
    line.begin()
    reply = line.go(Press("1"))
    assert "One moment" in reply.document
    assert urlsplit(ET.fromstring(reply.document)[-1].text).path == "/twilio/on"
    assert "service" not in [a.what for a in line.record.activities]
    assert "last four digits" in line.go().document


# ── two workers at one request ──


@define
class Gate:
    """A back end that lets nothing through until it is opened."""

    only: type = object
    """What it stops."""
    inner: object = field(factory=springfield)
    free: threading.Event = field(factory=threading.Event)
    stopped: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))
    asked: list = field(factory=list)

    @property
    def operations(self):
        """All of them."""
        return self.inner.operations

    def answer(self, request, budget):
        """Answers once it is open."""
        self.asked.append(request)
        if isinstance(request, self.only):
            self.stopped.release()
            assert self.free.wait(30)
        return self.inner.answer(request, budget)

    def writes(self):
        """How many writes were sent."""
        return sum(isinstance(request, Write) for request in self.asked)


@pytest.fixture
def stopped(monkeypatch):
    """A visit that hears that we still work, once its request stands at the gate."""

    def visit(line):
        def wait(_):
            assert line.backend.stopped.acquire(timeout=30)
            return 0.0

        with monkeypatch.context() as patch:
            patch.setattr(Documents, "_wait", property(wait))
            line.go()
        assert "Still working on it." in line.reply.document

    return visit


def agreed(backend):
    """A line whose caller has just said yes."""
    line = Line(backend)
    line.to_consent()
    line.go(Press("1"))
    return line


@pytest.mark.requirement("R31")
def test_who_comes_meanwhile_hears_that_we_still_work(stopped, monkeypatch):
    """While a write is under way other visits wait, hear of it, and never send it again."""
    line = agreed(Gate(Write))
    stopped(line)
    with monkeypatch.context() as patch:
        patch.setattr(Documents, "_wait", property(lambda _: 0.0))
        for _ in range(3):
            line.worker()
            assert "Still working on it." in line.go().document
    line.backend.free.set()
    line.worker()
    line.go()
    assert line.follow() is None
    assert line.disposition is Disposition.ENROLLED
    assert line.backend.writes() == 1


@pytest.mark.requirement("R31")
def test_a_hang_up_while_a_write_is_under_way(stopped):
    """The write is finished and recorded; the call is abandoned, and forgotten."""
    line = agreed(Gate(Write))
    stopped(line)
    assert line.worker().answer(line.runtime.ends()).status == 204
    line.backend.free.set()
    line.workers[0].close()
    assert line.disposition is Disposition.ABANDONED
    assert [written.answer for written in line.record.writes.values()] == [Accepted()]
    assert line.backend.writes() == 1
    with pytest.raises(UnknownCall):
        line.calls.load(SID)


@pytest.mark.requirement("R31")
@pytest.mark.parametrize("done", [True, False])
def test_a_write_of_a_worker_that_is_lost(done, stopped):
    """What may have been sent is looked up before anything is sent again."""
    line = agreed(Gate(Write))
    stopped(line)  # from here on the first worker is as good as dead
    (key,) = line.record.writes
    if done:
        line.backend.inner.answer(line.backend.asked[-1], 1.0)
    line.clock.go(POLICY.budgets.write + 10)
    line.worker()
    line.go()
    assert line.record.writes[key].answer == OutcomeUnknown()
    assert line.backend.writes() == 1
    line.backend.free.set()
    line.workers[0].close()
    line.go()
    line.go()
    assert line.backend.inner.registration(RIVERA.id, "WATER") is Registration.PENDING
    assert len(line.backend.inner.emails) == 1
    assert line.disposition is Disposition.ENROLLED


@pytest.mark.requirement("R31")
def test_a_lost_write_that_was_never_on_record_is_sent():
    """A worker that died before it put the write on record has not sent it."""
    line = agreed(springfield())
    lost = line.workers[0]
    at = lost._shelf.load(SID)
    lost._carrier._claimed(at, lost._shelf.turn(at).then)  # and nothing more
    line.clock.go(POLICY.budgets.write + 10)
    line.worker()
    line.go()
    line.go()
    assert [written.answer for written in line.record.writes.values()] == [Accepted()]
    assert line.disposition is Disposition.ENROLLED


@pytest.mark.requirement("R10")
def test_a_read_that_does_not_come_back_is_given_up(stopped):
    """Past its budget a read is unavailable, whoever waits for it."""
    line = Line(Gate())
    line.begin()
    line.go(Press("1"))
    stopped(line)
    line.clock.go(POLICY.budgets.read + 10)
    line.worker()
    line.go()
    line.backend.free.set()
    assert line.disposition is Disposition.UNAVAILABLE
    assert line.ended[0].reason is Reason.SERVICE_DOWN


@pytest.mark.requirement("R10")
def test_a_request_that_finds_no_room_is_given_up(stopped, monkeypatch):
    """Where all threads are taken, who waits goes on as if the service were down."""
    line = Line(Gate())
    for number in ("CA1", "CA2"):  # other calls take both threads
        line.runtime.call_id = number
        line.begin()
        line.go(Press("1"))
        stopped(line)
    line.runtime.call_id = SID
    monkeypatch.setattr(Documents, "_wait", property(lambda _: 0.0))
    line.begin()
    assert line.reply.status == 200
    assert "still working" not in line.reply.document.lower()
    line.backend.free.set()
    line.workers[0].close()


# ── what was left behind ──


@pytest.mark.requirement("R31")
def test_a_call_that_nothing_is_heard_of_ends():
    """After ten minutes it is abandoned; once it has ended it is forgotten."""
    line = Line()
    line.begin()
    line.clock.go(9 * 60)
    line.workers[0].tidy()
    assert not line.ended
    line.clock.go(2 * 60)
    line.workers[0].tidy()
    assert line.disposition is Disposition.ABANDONED
    with pytest.raises(UnknownCall):
        line.calls.load(SID)


def test_an_agreed_wish_of_a_call_left_behind_is_carried_out():
    """A caller who said yes and of whom nothing more is heard is enrolled all the same."""
    line = Line()
    line.to_consent()
    line.go(Press("1"))
    line.clock.go(11 * 60)
    line.workers[0].tidy()
    assert line.disposition is Disposition.ABANDONED
    assert line.backend.registration(RIVERA.id, "WATER") is Registration.PENDING


def test_the_last_document_of_an_ended_call_is_kept_for_a_while():
    """A repeated request at the end gets it again; once it is forgotten, the host has the call."""
    line = Line()
    line.begin()
    line.go(Press("2"))
    again = line.workers[0].answer(line.request)
    assert again == line.reply
    assert again.handback.disposition is Disposition.DECLINED
    line.clock.go(121)
    line.workers[0].tidy()
    lost = line.workers[0].answer(line.request)
    assert lost.handback.reason is Reason.RECORD_DOWN
    assert line.runtime.follow(lost.document) is None
    assert len(line.ended) == 1


def test_a_talk_with_a_person_may_be_long():
    """While the caller talks to a person nothing is heard of the call, and it goes on."""
    line = Line(gateway=evolve(GATEWAY, person="+12175550199"))
    line.begin(evolve(ARRIVAL, person_available=True))
    reply = line.go(Press("0"))
    assert "<Dial" in reply.document
    line.clock.go(60 * 60)
    line.workers[0].tidy()
    assert not line.ended
    line.go()
    assert line.calls.load(SID)


def test_a_hang_up_before_anything_was_asked():
    """A status callback at any moment ends the call, and again it does nothing."""
    line = Line()
    line.begin()
    for _ in range(2):
        assert line.workers[0].answer(line.runtime.ends()).status == 204
    assert line.disposition is Disposition.ABANDONED
    assert line.go(HangUp()).status == 204


# ── hand-overs ──


@pytest.mark.requirement("R02")
def test_the_same_hand_over_twice_is_one():
    """The host's request is repeated: the document is given again."""
    line = Line()
    first = line.begin()
    assert line.begin() == first
    assert [a.what for a in line.record.activities].count(What.ARRIVED) == 1


@pytest.mark.requirement("R02", "R09")
def test_a_second_hand_over_of_a_call():
    """After the payment the same call is handed over again; keys of the first count nowhere."""
    line = Line()
    line.begin()
    first = line.follow(Press("1"))
    line.reply = line.workers[0].answer(line.runtime.begins(ARRIVAL))
    line.go(Press("2"))
    second = line.begin(evolve(ARRIVAL, moment=Moment.START))
    before = line.calls.load(SID)
    assert line.workers[0].answer(first) == second
    assert line.calls.load(SID) == before


def test_a_hand_over_in_the_middle_takes_the_call_away():
    """A host that begins anew has cancelled what was going on."""
    line = Line()
    line.begin()
    line.begin(evolve(ARRIVAL, moment=Moment.START))
    assert line.disposition is Disposition.ABANDONED
    assert line.ended[0].reason is Reason.HOST_CANCELLED
    assert line.turn


# ── what fails ──


@pytest.mark.requirement("R10")
def test_a_store_that_is_down_gives_the_call_back():
    """At the beginning and in the middle the caller goes on with the host."""
    line = Line()
    line.begin()
    line.calls.down = True
    for request in (line.runtime.begins(ARRIVAL), line.follow(Press("1"))):
        line.reply = line.workers[0].answer(request)
        assert (line.reply.status, line.reply.handback.reason) == (200, Reason.RECORD_DOWN)
        assert line.runtime.follow(line.reply.document) is None
        assert line.runtime.handed_back["disposition"] == "incomplete"
    assert line.workers[0].answer(line.runtime.ends()).status == 503


def test_a_call_that_began_on_another_flow():
    """A worker with another policy does not guess: the call goes back to the host."""
    line = Line()
    line.begin()
    line.policy = evolve(POLICY, waits=evolve(POLICY.waits, offer=2.0))
    other = line.worker()
    reply = line.go(Press("1"))
    assert reply.handback.disposition is Disposition.INCOMPLETE
    line.clock.go(11 * 60)
    other.tidy()
    with pytest.raises(UnknownCall):
        line.calls.load(SID)


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("change", ["forged", "token", "call", "answer"])
def test_what_is_refused_changes_nothing(change, capsys):
    """Forged, with another token, of another call, or no answer to the question: a 4xx."""
    line = Line()
    line.begin()
    request = line.follow(Press("1"))
    other = SimulatedTwilio(GATEWAY, "CA1")
    if change == "forged":
        request = line.runtime.forged(request)
    elif change == "token":
        request = line.runtime._request(f"{GATEWAY.address}/keys?most=1&end=&turn=x", Digits="1")
    elif change == "call":
        request = other._request(f"{GATEWAY.address}/keys?{request.query}", Digits="1")
    else:
        request = line.runtime._request(f"{GATEWAY.address}/person?{request.query}")
    before = line.calls.load(SID)
    noted = line.record.activities

    assert line.workers[0].answer(request).status in (400, 403)
    assert line.calls.load(SID) == before
    assert line.record.activities == noted
    assert RIVERA.phone.reveal() not in capsys.readouterr().out


@pytest.mark.requirement("R10")
def test_a_service_that_is_down_is_told():
    """A fault of the service ends as it does where the channel is held."""
    backend = springfield()
    backend.script("SearchByCustomerPhoneNumber", Fault.DOWN, Fault.DOWN)
    line = Line(backend)
    line.begin()
    line.go(Press("1"))
    line.go()
    assert line.disposition is Disposition.UNAVAILABLE


class Broken:
    """A back end that raises something secret."""

    operations = springfield().operations

    def answer(self, request, budget):
        """Raises."""
        raise RuntimeError(request.phone.reveal())


@pytest.mark.requirement("R24")
def test_a_back_end_that_raises(capsys):
    """It is a service that is down; its text goes nowhere."""
    line = Line(Broken())
    line.begin()
    line.go(Press("1"))
    line.go()
    assert line.disposition is Disposition.UNAVAILABLE
    assert RIVERA.phone.reveal() not in capsys.readouterr().out


# ── tokens ──


def test_tokens():
    """A token is read by who has the key, and by nobody else; it fits into a URL as it is."""
    ticket = Ticket("CA1", "ab", 7, None)
    token = Tickets(KEY).sign(ticket)

    assert Tickets(KEY).read(token) == ticket
    assert Tickets(secret.credential("another key, as long")).read(token) is None
    assert Tickets(KEY).read(token[:-1]) is None
    assert Tickets(KEY).read("") is None
    assert all(c.isalnum() or c in "-_." for c in token)
    with pytest.raises(ValueError, match="16 characters"):
        Tickets(secret.credential("short"))


def test_what_is_lost_of_a_read():
    """Equality does not look at why."""
    assert Unavailable("taken over") == Unavailable()
