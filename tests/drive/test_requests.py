"""Requests during calls over the web: workers that share, crash, and wait."""

import threading

import pytest
from attrs import define, evolve, field

from paperless_ivr.backends.demo import springfield
from paperless_ivr.drive.web import WebDriver
from paperless_ivr.errors import UnknownCall
from paperless_ivr.flow.events import Accepted, OutcomeUnknown
from paperless_ivr.flow.host import Disposition, Moment, Reason, Registration
from paperless_ivr.flow.requests import Write
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import Press
from tests.drive.line import ARRIVAL, GATEWAY, POLICY, RIVERA, SID, Line
from tests.drive.test_loops import STILL


@define
class Gate:
    """A back end that blocks requests until it is opened."""

    only: type = object
    """The requests that it blocks."""
    inner: object = field(factory=springfield)
    free: threading.Event = field(factory=threading.Event)
    stopped: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))
    asked: list = field(factory=list)

    @property
    def operations(self):
        """All operations."""
        return self.inner.operations

    def answer(self, request, budget):
        """Answer once it is open."""
        self.asked.append(request)
        if isinstance(request, self.only):
            self.stopped.release()
            assert self.free.wait(30)
        return self.inner.answer(request, budget)

    def writes(self):
        """Return how many writes were sent."""
        return sum(isinstance(request, Write) for request in self.asked)


@pytest.fixture
def stopped(monkeypatch):
    """Make a visit that hears that we are still working, because its request is blocked."""

    def visit(line):
        def wait(_):
            assert line.backend.stopped.acquire(timeout=30)
            return 0.0

        with monkeypatch.context() as patch:
            patch.setattr(WebDriver, "_wait", property(wait))
            line.go()
        assert STILL in line.reply.document

    return visit


def agreed(backend):
    """Return a line whose caller has just said yes."""
    line = Line(backend)
    line.to_consent()
    line.go(Press("1"))
    return line


@pytest.mark.requirement("R31")
def test_who_comes_meanwhile_hears_that_we_still_work(stopped, monkeypatch):
    """During a write, other visits wait, hear about it, and never send it again."""
    line = agreed(Gate(Write))
    stopped(line)
    with monkeypatch.context() as patch:
        patch.setattr(WebDriver, "_wait", property(lambda _: 0.0))
        for _ in range(3):
            line.worker()
            assert STILL in line.go().document
    line.backend.free.set()
    line.workers[0].close()  # waits for the write, however long it takes
    line.worker()
    line.go()
    assert line.follow() is None
    assert line.disposition is Disposition.ENROLLED
    assert line.backend.writes() == 1


@pytest.mark.requirement("R31")
def test_a_hang_up_while_a_write_is_under_way(stopped):
    """The write is finished and recorded, and the call is abandoned and forgotten."""
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
    """A write that may have been sent is looked up before anything is sent again."""
    line = agreed(Gate(Write))
    stopped(line)  # from here on, the first worker is as good as dead
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
    lost = line.workers[0]._requests
    session = lost.session(lost.load(SID))
    claiming = lost._claiming(session, again=False)  # the last thing that the worker does
    line.calls.save(claiming.saved(), session.number)
    line.clock.go(POLICY.budgets.write + 10)
    line.worker()
    line.go()
    line.go()
    assert [written.answer for written in line.record.writes.values()] == [Accepted()]
    assert line.disposition is Disposition.ENROLLED


@pytest.mark.requirement("R10")
def test_a_read_that_does_not_come_back_is_given_up(stopped):
    """Past its budget, a read is unavailable, no matter who waits for it."""
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
    """If all threads are busy, the visitor continues as if the service were down."""
    line = Line(Gate())
    for number in ("CA1", "CA2"):  # other calls take both threads
        line.runtime.call_id = number
        line.begin()
        line.go(Press("1"))
        stopped(line)
    line.runtime.call_id = SID
    monkeypatch.setattr(WebDriver, "_wait", property(lambda _: 0.0))
    line.begin()
    assert line.reply.status == 200
    assert "still working" not in line.reply.document.lower()
    line.backend.free.set()
    line.workers[0].close()


@pytest.mark.requirement("R48", "R50")
def test_a_try_that_finds_no_room(stopped, monkeypatch):
    """If all threads are busy and no try can be counted, the reason given is that we are busy."""
    line = Line(Gate(Write))
    line.begin()
    line.go(Press("1"))
    line.go()
    mine = line.go(Press("9999"))
    runtime, line.runtime = line.runtime, SimulatedTwilio(GATEWAY, "CA1")
    for number in ("CA1", "CA2"):  # other calls take both threads
        line.runtime.call_id = number
        line.to_consent()
        line.go(Press("1"))
        stopped(line)
    line.runtime, line.reply = runtime, mine
    monkeypatch.setattr(WebDriver, "_wait", property(lambda _: 0.0))
    line.go()
    line.go()
    assert line.reply.handback.reason is Reason.BUSY
    line.backend.free.set()
    line.workers[0].close()


def test_a_request_that_found_room_elsewhere(stopped, monkeypatch):
    """If all threads are busy, but another worker has carried it out, the call continues."""
    line = Line(Gate(Write))
    for number in ("CA1", "CA2"):  # other calls take both threads
        line.runtime.call_id = number
        line.to_consent()
        line.go(Press("1"))
        stopped(line)
    line.runtime.call_id = SID
    line.begin()
    line.go(Press("1"))
    line.follow()
    full, other, replies = line.workers[0], line.worker(), []

    def wait(worker):
        if worker is other:
            return 30.0
        replies.append(other.answer(line.request))
        return 0.0

    monkeypatch.setattr(WebDriver, "_wait", property(wait))
    replies.append(full.answer(line.request))
    assert replies[0] == replies[1]
    assert "last four digits" in replies[0].document
    line.backend.free.set()
    full.close()


@pytest.mark.requirement("R48", "R50")
def test_a_hand_over_while_a_write_is_under_way(stopped):
    """The host gets the call back. The record does not count as down, because it is not."""
    line = agreed(Gate(Write))
    stopped(line)
    reply = line.begin(evolve(ARRIVAL, moment=Moment.START))
    assert reply.handback.reason is Reason.CALL_LOST
    line.backend.free.set()
    line.workers[0].close()
    assert [written.answer for written in line.record.writes.values()] == [Accepted()]
    assert line.backend.writes() == 1
