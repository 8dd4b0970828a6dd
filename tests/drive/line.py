"""A call on Twilio, the workers that answer it, and a clock that moves only on request."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

from attrs import define, evolve, field

from paperless_ivr import secret
from paperless_ivr.backends.demo import BILLER, customer, springfield
from paperless_ivr.drive.runner import Setup, handback_of
from paperless_ivr.drive.web import WebDriver
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Moment
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import Press

POLICY = Policy(
    biller=evolve(Policy().biller, id=BILLER), text=evolve(Policy().text, after_enrolment=())
)
WORDS = Catalog.of(POLICY)
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
    """A clock that moves only on request."""

    at: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self):
        """Return the time."""
        return self.at

    def go(self, seconds):
        """Move the clock forward."""
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
    store: object = None
    """The store of the call. By default it is in memory, in `record` and `calls`."""
    request: object = None
    reply: object = None
    workers: list = field(factory=list)

    def __attrs_post_init__(self):
        """Set up the store and the first worker."""
        self.calls, self.record = MemoryLiveCalls(now=self.clock), MemoryRecord(self.clock)
        self.runtime = SimulatedTwilio(self.gateway, SID)
        self.worker()

    def worker(self, *former):
        """Return another worker, which may also have former releases."""
        words = Catalog.of(self.policy)
        setup = Setup(
            Flow(Terms(self.policy)),
            words,
            self.backend,
            self.store or SeparateStores(self.record, self.calls),
            self.clock,
            observers=(self.moved,),
            at_once=2,
        )
        gateway = evolve(self.gateway, catalog=words)
        made = WebDriver(setup, gateway, KEY, former)
        self.workers.append(made)
        return made

    def moved(self, move):
        """Note that a call has moved."""
        if move.after.over:
            self.ended.append(handback_of(move.after))

    def begin(self, arrival=ARRIVAL):
        """Have the host hand the call over."""
        self.request = self.runtime.begins(arrival)
        self.reply = self.workers[0].answer(self.request)
        return self.reply

    def go(self, *acts, worker=-1):
        """Have the caller hear the document and act, and answer the runtime's next request."""
        self.follow(*acts)
        self.reply = self.workers[worker].answer(self.request)
        return self.reply

    def follow(self, *acts):
        """Have the caller hear the document and act, and return the resulting request."""
        said = sum(1 for _ in ET.fromstring(self.reply.document).iter("Say"))
        self.runtime.caller.plan(*acts, prompts=said)
        self.request = self.runtime.follow(self.reply.document)
        return self.request

    def to_consent(self):
        """Go as far as the question whose yes enrolls."""
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
