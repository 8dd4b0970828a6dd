"""Callers, and what the host hands over with them: the same caller on Twilio and on Asterisk."""

import asyncio
import enum
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence

from attrs import define, evolve, field, frozen

from paperless_ivr import secret
from paperless_ivr.flow.host import Arrival, Identity, Moment, Payment
from paperless_ivr.gateways.agi.probe import BEYOND
from paperless_ivr.gateways.port import WebRequest
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import VirtualCaller
from tests.durability.town import account, email, payment_guid, phone
from tests.gateways.agi.simulator import HEADERS, Asterisk
from tests.rim.made import BILLER, GATEWAY, Got, handover_in

QUESTION = 1.5
"""Seconds. A longer wait is for an answer, and a shorter one is between two prompts."""
A_CHARACTER = 0.12
"""Seconds of real time per spoken character, after which the gateway takes it as heard."""
MOST_REQUESTS = 60
"""The most requests in one call over the web. The longest call here has 12."""

LANGUAGE = "es-US"
"""Not the policy's default, so that a hand-back shows whether it was handed over."""
MOMENTS = tuple(Moment)

Hook = Callable[[int], None]
"""Called with the number of a request or question, just before it is sent or answered."""


def nothing(_: int) -> None:
    """Do nothing."""


@frozen
class HandOver:
    """What the host hands over with a customer of the town, and must get back."""

    number: int
    moment: Moment
    greeted: bool = field()
    """The host has already greeted the caller."""

    @greeted.default
    def _usual(self) -> bool:
        return self.moment is Moment.AFTER_PAYMENT

    @property
    def call_id(self) -> str:
        """Twilio's identifier, which also serves for Asterisk."""
        return f"CA{self.number:032}"

    @property
    def keys(self) -> list[str]:
        """The keys that the caller presses at each question in order to enroll."""
        paid = self.moment is Moment.AFTER_PAYMENT
        return ["1", "1"] if paid else ["1", account(self.number)[-4:], "1"]

    @property
    def arrival(self) -> Arrival:
        """The hand-over as an arrival."""
        coming = Arrival(
            self.call_id,
            BILLER,
            self.moment,
            ani=secret.phone(phone(self.number)),
            greeted=self.greeted,
            language=LANGUAGE,
        )
        if self.moment is not Moment.AFTER_PAYMENT:
            return coming
        its = secret.account(account(self.number))
        paid = Payment(
            payment_guid(self.number), approved=True, email=email(self.number), account=its
        )
        return evolve(coming, identity=Identity.ACCOUNT_KEYED, account=its, payment=paid)

    @property
    def variables(self) -> dict[str, str]:
        """The hand-over as a dialplan makes it, with variables of an earlier call still there."""
        given = {
            "CALL_ID": self.call_id,
            "MOMENT": self.moment.value,
            "LANGUAGE": LANGUAGE,
            "GREETED": "yes" if self.greeted else "no",
            "ANI": phone(self.number),
            "DISPOSITION": "enrolled",
            "REASON": "none",
        }
        if self.moment is Moment.AFTER_PAYMENT:
            given |= {
                "IDENTITY": "account_keyed",
                "ACCOUNT": account(self.number),
                "PAYMENT_GUID": payment_guid(self.number).reveal(),
                "PAYMENT_APPROVED": "yes",
                "PAYMENT_EMAIL": email(self.number).reveal(),
                "PAYMENT_ACCOUNT": account(self.number),
            }
        return {f"PAPERLESS_{name}": value for name, value in given.items()}

    def due(self, *, greeted: bool, handover: str = "") -> dict[str, str]:
        """Return what the host must get back; `greeted` if the library has greeted the caller."""
        what = {
            "call_id": self.call_id,
            "moment": self.moment.value,
            "language": LANGUAGE,
            "greeted": "yes" if greeted or self.greeted else "no",
            "paid": "yes" if self.moment is Moment.AFTER_PAYMENT else "no",
        }
        return what | ({"handover": handover} if handover else {})


FAILURE = {"failed": "yes", "offer_again": "no"}
"""The values that mark a hand-back as a failure."""
AS_EVER = {"disposition": "enrolled", "failed": "no", "offer_again": "yes"}
"""How a call in this folder ends if nothing fails."""


def of(told: Mapping[str, str], due: Mapping[str, str]) -> dict[str, str | None]:
    """Return the values of a hand-back that are expected."""
    return {name: told.get(name) for name in due}


def wrong(told: Mapping[str, str] | None, due: Mapping[str, str]) -> str:
    """Return what is wrong with a hand-back; empty if it is as expected."""
    if told is None:
        return "not handed back"
    got = of(told, due)
    found = [f"{name} {got[name]!r}, not {due[name]!r}" for name in due if got[name] != due[name]]
    ended = f"handed back as {told.get('disposition')}, {told.get('reason')}: "
    return ended + "; ".join(found) if found else ""


def whole(told: Mapping[str, str] | None, due: Mapping[str, str]) -> None:
    """Assert that the host got back what it must."""
    found = wrong(told, due)
    assert not found, found


def whole_or_as_ever(told: Mapping[str, str], due: Mapping[str, str]) -> None:
    """Assert the same, either as a failure or as if nothing had failed."""
    enrolled = told.get("disposition") == "enrolled"
    whole(told, due | (AS_EVER if enrolled else FAILURE))


class Point(enum.Enum):
    """A point of a call over the web: how many keys were answered, and what is asked next."""

    BEGIN = ("/begin", 0)
    OFFER_KEY = ("/keys", 0)
    LOOKUP = ("/on", 1)
    LAST_FOUR = ("/keys", 1)
    BILL_CHECK = ("/on", 2)
    CONSENT_KEY = ("/keys", 2)
    ENROLLMENT = ("/on", 3)
    END = ("/keys", 2, "2")
    """The caller does not agree, so the request brings the call to its end."""


POINTS = [
    (moment, point)
    for moment in (Moment.START, Moment.AFTER_PAYMENT)
    for point in Point
    if moment is Moment.START or point not in (Point.LAST_FOUR, Point.BILL_CHECK)
]
"""After a payment, no last four digits are asked for. Before one, it is the same as at the start.
"""
POINTS += [(Moment.BEFORE_PAYMENT, Point.CONSENT_KEY)]


def named(value: object) -> str | None:
    """Return a parameter's name for test IDs."""
    return value.name.lower() if isinstance(value, enum.Enum) else None


# ── the caller ──


@define
class Keyed(VirtualCaller):
    """A caller who hears each question to the end, then presses its keys, and then is silent."""

    keys: list[str] = field(factory=list)
    before: Hook = nothing
    answered: int = 0
    """Questions so far."""
    _speaking: bool = False
    _pressed: list[str] = field(factory=list)

    def begins(self, utterance: str) -> None:
        """Note that an utterance begins."""
        self.heard.append(utterance)
        self._speaking = True

    def ends(self) -> None:
        """Note that an utterance was spoken to its end."""
        self._speaking = False

    def next(self, within: float) -> str:
        """Return the next key if an answer is expected."""
        if not self._pressed and not self._speaking and within > QUESTION:
            self.before(self.answered)
            self.answered += 1
            self._pressed = list(self.keys.pop(0)) if self.keys else []
        if self._pressed and not self._speaking:
            return self._pressed.pop(0)
        self.now += within
        return ""


# ── on Twilio ──


@define
class WebCall:
    """A call over the web, up to some point."""

    over: HandOver
    keys: Sequence[str] | None = None
    runtime: SimulatedTwilio = field(init=False)
    requests: list[WebRequest] = field(factory=list)
    documents: list[str] = field(factory=list)
    handover: str = ""
    """The hand-over named in the documents so far."""
    next: WebRequest | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Have the host redirect the call."""
        keys = list(self.over.keys if self.keys is None else self.keys)
        self.runtime = SimulatedTwilio(GATEWAY, self.over.call_id, Keyed(keys=keys))
        self.next = self.runtime.begins(self.over.arrival)

    @property
    def told(self) -> Mapping[str, str] | None:
        """What the host got back."""
        return self.runtime.handed_back

    @property
    def keyed(self) -> Keyed:
        """The caller."""
        assert isinstance(self.runtime.caller, Keyed)
        return self.runtime.caller

    @property
    def greeted(self) -> bool:
        """The caller has heard the greeting, which is in the first document at the start."""
        return self.over.moment is Moment.START and "<Say" in "".join(self.documents[:1])

    def at(self, point: Point) -> bool:
        """Tell whether the next request is at a point."""
        path, answered, *_ = point.value
        if self.over.moment is Moment.AFTER_PAYMENT:
            answered = min(answered, answered - (answered > 1))
        keys = sum(request.path == "/keys" for request in self.requests)
        return self.next is not None and (self.next.path, keys) == (path, answered)

    @classmethod
    def to(cls, over: HandOver, point: Point, send: Callable[[WebRequest], Got]) -> "WebCall":
        """Return a call that has reached a point."""
        _, _, *other = point.value
        call = cls(over, [*over.keys[:-1], *(other or over.keys[-1:])])
        while not call.at(point):
            call.step(send)
        return call

    def step(self, send: Callable[[WebRequest], Got]) -> Got:
        """Send the next request, and do what the document says."""
        assert self.next is not None, "the call is over"
        self.requests.append(self.next)
        got = send(self.next)
        assert got.status == 200, f"{self.next.path} gets {got.status}"
        self.documents.append(got.document)
        self.handover = self.handover or handover_in(got.document)
        self.next = self.runtime.follow(got.document)
        return got

    def points(self, send: Callable[[WebRequest], Got]) -> Iterator[str]:
        """Run to the end, and yield the current point before each request."""
        while self.next is not None:
            yield f"request {len(self.requests)}, {self.next.path}"
            self.step(send)

    def gets(self, got: Got) -> Mapping[str, str] | None:
        """Return what the host gets back in answer to a different request."""
        if got.status != 200 or self.runtime.follow(got.document) is not None:
            return None
        told, self.runtime.handed_back = self.told, None
        return told

    @property
    def due(self) -> dict[str, str]:
        """What the host must get back, whatever happens from now on."""
        return self.over.due(greeted=self.greeted, handover=self.handover)

    def run(
        self, send: Callable[[WebRequest], Got], before: Hook = nothing, until: int | None = None
    ) -> Mapping[str, str]:
        """Run to the end, or up to a request, and return what the host got back."""
        while self.next is not None and len(self.requests) != until:
            before(len(self.requests))
            self.step(send)
            assert len(self.requests) < MOST_REQUESTS, "the call goes round in circles"
        return self.told or {}


# ── on Asterisk ──


@define(slots=False)
class AgiCall(Asterisk):
    """A call handed over by Asterisk. It can stop at a question, as if time stood still."""

    park_at: int | None = None
    """The question; -1 is the first sound."""
    parked: bool = False
    resume: asyncio.Event | None = None
    """The call continues when this is set."""
    greeted: bool = False
    """A first sound has been played."""

    @classmethod
    def of(cls, over: HandOver, before: Hook = nothing, park_at: int | None = None) -> "AgiCall":
        """Return a caller from the town."""
        headers = HEADERS | {"agi_uniqueid": over.call_id}
        caller = Keyed(keys=over.keys, before=before)
        return cls(caller, dict(over.variables), headers, park_at=park_at)

    @property
    def told(self) -> dict[str, str]:
        """The dialplan's variables, named as in a hand-back."""
        return {
            name.removeprefix("PAPERLESS_").lower(): value for name, value in self.variables.items()
        }

    def answer(self, text: str) -> str:
        """Return the reply to a command."""
        reply = super().answer(text)
        self.greeted = self.greeted or self._plays_a_file(text)
        return reply

    @staticmethod
    def _plays_a_file(text: str) -> bool:
        """Tell whether a file is played, and not just looked for."""
        return text.startswith("STREAM") and not text.endswith(f" {BEYOND}")

    def _is_at(self, text: str) -> bool:
        """Tell whether a command is the one at which the call is parked."""
        if self.park_at == -1:
            return self._plays_a_file(text)
        assert isinstance(self.caller, Keyed)
        waits = (
            text.startswith("WAIT FOR DIGIT") and int(text.rsplit(maxsplit=1)[-1]) > 1000 * QUESTION
        )
        return waits and self.caller.answered == self.park_at

    def _answers_what_is_asked(self) -> None:
        """Key the whole account number if that is asked for, not just its last digits."""
        assert isinstance(self.caller, Keyed)
        asked = [
            name for name in self.caller.heard if name.endswith(("/last_four", "/account_entry"))
        ]
        if asked and asked[-1].endswith("/account_entry") and self.caller.answered == 1:
            self.caller.keys[:1] = [f"{account(int(self.headers['agi_uniqueid'][2:]))}#"]

    async def call(self, port: int) -> None:
        """Run the whole call."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert isinstance(self.caller, Keyed)
        writer.write("".join(f"{n}: {v}\n" for n, v in self.headers.items()).encode() + b"\n")
        try:
            while line := await reader.readline():
                text = line.decode().removesuffix("\n")
                self.commands.append(text)
                self._answers_what_is_asked()
                if not self.parked and self._is_at(text):
                    self.parked = True
                    if self.resume is None:
                        await reader.read()  # until the other side is gone
                        return
                    await self.resume.wait()
                if text.startswith("SAY"):  # a sound that ends at once was not heard
                    await asyncio.sleep(A_CHARACTER * len(shlex.split(text)[2]))
                writer.write(f"{self.answer(text)}\n".encode())
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
