"""The search before the offer: one question if it is quick, and never a long silence."""

import time
from datetime import UTC, datetime
from threading import Event
from xml.etree import ElementTree as ET

import pytest
from attrs import define, evolve, field, frozen

from paperless_ivr.backends.breaker import GuardedBackend
from paperless_ivr.backends.demo import BILLER, customer, springfield
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.events import Digits, HungUp, Unavailable
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Identity, Moment
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.requests import SearchByAccountNumber
from paperless_ivr.flow.turns import Gather
from paperless_ivr.flow.view import Terms
from paperless_ivr.prompts import Catalog, said
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.secret import keys
from paperless_ivr.testing.virtual_caller import Press
from tests.drive.line import SID, Line
from tests.drive.loops import LOOPS

POLICY = Policy()
CATALOG = Catalog.of(POLICY)
RIVERA = customer("rivera")
ARRIVAL = Arrival(
    SID,
    BILLER,
    Moment.BEFORE_PAYMENT,
    language="en-US",
    account=RIVERA.account,
    identity=Identity.ACCOUNT_KEYED,
)
LONGEST_S = 1.5
IN_FULL, PLAIN = "to the address starting with J", "Would you like your bills by e-mail"


@define
class Late:
    """A service that answers an early search only on request, whatever its budget."""

    backend: object = field(factory=springfield)
    now: Event = field(factory=Event)
    searched: list = field(factory=list)

    @property
    def operations(self):
        """The operations of the service."""
        return self.backend.operations

    def answer(self, request, budget):
        """Answer as the service does."""
        if isinstance(request, SearchByAccountNumber):
            self.searched.append(budget)
            if request.ahead:
                self.now.wait(60)
        return self.backend.answer(request, budget)


@frozen
class Caller:
    """A gateway whose caller presses keys, then hangs up. Notes when something was heard."""

    presses: list[str]
    heard: list[tuple[float, str]] = field(factory=list)

    def perform(self, turn, language):
        """Speak a turn, and answer it."""
        if turn.say:
            self.heard.append((time.monotonic(), said(turn.say, language, CATALOG)))
        if not isinstance(turn.then, Gather):
            return None
        return Digits(keys(self.presses.pop(0))) if self.presses else HungUp()


@pytest.fixture(params=LOOPS)
def taken(request):
    """Take a call in each loop; yield the caller, the hand-back, and the first silence."""
    make, run = LOOPS[request.param]

    def take(backend, *presses, record=None):
        record = record or MemoryRecord(lambda: datetime.now(UTC))
        store = SeparateStores(record, MemoryLiveCalls())
        caller = Caller(list(presses))
        converse = run(make(Setup(Flow(Terms(POLICY)), CATALOG, backend, store)))
        began = time.monotonic()
        back = converse(caller, ARRIVAL)
        return caller, back, caller.heard[0][0] - began

    return take


@pytest.mark.requirement("R51")
def test_one_key(taken):
    """One search, one question, and one key are enough to enroll."""
    backend = Late()
    backend.now.set()
    caller, back, _ = taken(backend, "1")
    assert back.disposition is Disposition.ENROLLED
    assert IN_FULL in caller.heard[0][1]
    assert len(backend.searched) == 1
    assert 0 < backend.searched[0] <= POLICY.budgets.before_offer


@pytest.mark.alone
@pytest.mark.requirement("R10", "R51")
def test_a_late_search_holds_no_offer_up(taken):
    """Even if the back end ignores its budget, the plain offer comes in time."""
    backend = Late()
    try:
        caller, back, silence = taken(backend, "2")
    finally:
        backend.now.set()
    assert PLAIN in caller.heard[0][1]
    assert back.disposition is Disposition.DECLINED
    assert silence < LONGEST_S


class Slow(MemoryRecord):
    """A record that takes nearly as long as allowed."""

    def screen(self, request):
        """Answer late."""
        time.sleep(0.9 * POLICY.budgets.record)
        return super().screen(request)

    def reserve(self, request, limits):
        """Answer late."""
        time.sleep(0.9 * POLICY.budgets.record)
        return super().reserve(request, limits)


@pytest.mark.alone
@pytest.mark.requirement("R10", "R51")
def test_a_slow_record_and_a_late_search_share_the_silence(taken):
    """However slow each one is, the plain offer comes in time, and the search gets the rest."""
    backend = Late()
    try:
        caller, _, silence = taken(backend, "2", record=Slow(lambda: datetime.now(UTC)))
    finally:
        backend.now.set()
    assert PLAIN in caller.heard[0][1]
    assert silence < LONGEST_S
    assert len(backend.searched) == 1
    assert backend.searched[0] < POLICY.budgets.before_offer - 1.8 * POLICY.budgets.record


@pytest.mark.requirement("R51")
def test_one_key_by_web_requests():
    """The first document is the question that names the bill, and its yes is carried out."""
    line = Line()
    heard = "".join(ET.fromstring(line.begin(ARRIVAL).document).itertext())
    assert "the address starting with" in heard
    line.go(Press("1"))
    line.go()
    assert line.disposition is Disposition.ENROLLED


@pytest.mark.alone
@pytest.mark.requirement("R10", "R51")
def test_a_late_search_holds_no_document_up():
    """The first document is the plain offer, in time."""
    backend = Late()
    line = Line(backend)
    began = time.monotonic()
    try:
        reply = line.begin(ARRIVAL)
        waited = time.monotonic() - began
    finally:
        backend.now.set()
    assert PLAIN in reply.document
    assert waited < LONGEST_S
    line.workers[0].close()


@pytest.mark.requirement("R50", "R51")
def test_a_late_search_opens_no_circuit():
    """A search that exceeds the offer's wait does not open the circuit, but an open one is used."""

    @frozen
    class Down:
        operations = springfield().operations

        def answer(self, request, _budget):
            return Unavailable("timeout")

    guarded = GuardedBackend(Down(), failures=2, pause=60)
    ahead = SearchByAccountNumber(RIVERA.account, ahead=True)
    for _ in range(5):
        guarded.answer(ahead, 1)
    assert guarded.circuit == "closed"
    for _ in range(2):
        guarded.answer(evolve(ahead, ahead=False), 1)
    assert guarded.circuit == "open"
    assert guarded.answer(ahead, 1) == Unavailable()
