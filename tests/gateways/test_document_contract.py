# ruff: noqa: D102 - each broken gateway says as a whole what it does
"""The contract of document gateways: Twilio's keeps it, and each promise can be broken."""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import structlog
from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.errors import Rejected
from paperless_ivr.flow.events import (
    Digits,
    Ended,
    NoInput,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.flow.host import Disposition, Handback
from paperless_ivr.flow.states import State
from paperless_ivr.flow.turns import Gather, Return, Turn
from paperless_ivr.gateways import web
from paperless_ivr.gateways.port import Answers, Begins, Ends, Nothing, Sign, Visit, WebRequest
from paperless_ivr.gateways.twilio import TwilioGateway, visits
from paperless_ivr.testing.contracts import check_document_gateway
from paperless_ivr.testing.contracts.document import PROMISES, TOLD_OTHERWISE
from paperless_ivr.testing.contracts.session import PROMISES as PERFORMED
from paperless_ivr.testing.contracts.session import can
from paperless_ivr.testing.twilio import SimulatedTwilio
from tests.gateways.twilio.making import AUTH_TOKEN, HOST_KEY, WORDS

CONTRACT = Path(__file__).parents[2] / "docs" / "gateway-contract.md"
pytestmark = pytest.mark.requirement("R41", "R45")


def on_twilio(
    kind: type[TwilioGateway] = TwilioGateway, runtime: type[SimulatedTwilio] = SimulatedTwilio
) -> Callable[[], SimulatedTwilio]:
    """Makes runtimes with gateways of a kind."""
    return lambda: runtime(
        kind(
            WORDS,
            "springfield-water",
            AUTH_TOKEN,
            "https://ivr.example.com/twilio",
            "https://host.example.com/voice",
            HOST_KEY,
            person="+12175550199",
        )
    )


@pytest.fixture(autouse=True)
def _quiet() -> object:
    """Suppress the output of what is checked."""
    structlog.configure(processors=[lambda *_: (_ for _ in ()).throw(structlog.DropEvent)])
    yield
    structlog.reset_defaults()


def test_twilio_keeps_it() -> None:
    """The gateway to Twilio keeps every promise that it claims."""
    check_document_gateway(on_twilio())


# ── broken on purpose ──


class Backwards(TwilioGateway):
    """Speaks the last prompt first."""

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        return super().write(evolve(turn, say=turn.say[::-1]), sign, language)


class OneLanguage(TwilioGateway):
    """Speaks everything in the call's language."""

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        say = tuple(evolve(prompt, language=None) for prompt in turn.say)
        return super().write(evolve(turn, say=say), sign, language)


class Altering(TwilioGateway):
    """Alters what it writes and reads."""

    def gather(self, gather: Gather) -> Gather:
        return gather

    def visit(self, visit: Visit) -> Visit:
        if isinstance(visit, Answers):
            return evolve(visit, event=self.event(visit.event))
        return visit

    def event(self, event: object) -> object:
        return event

    def read(self, request: WebRequest) -> Visit:
        return self.visit(super().read(request))

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        if isinstance(turn.then, Gather):
            turn = evolve(turn, then=self.gather(turn.then))
        return super().write(turn, sign, language)


class Talkative(Altering):
    """Shows the keys."""

    shown = ""

    def event(self, event: object) -> object:
        if isinstance(event, Digits):
            type(self).shown += event.keys.reveal()
        return event

    def __repr__(self) -> str:
        return self.shown


class Prints(Altering):
    """Prints the keys."""

    def event(self, event: object) -> object:
        if isinstance(event, Digits):
            sys.stdout.write(event.keys.reveal())
        return event


class OneWait(Altering):
    """Waits for the first key no longer than for the next."""

    def gather(self, gather: Gather) -> Gather:
        return evolve(gather, first_key_wait=gather.next_key_wait)


class EscapesTwice(TwilioGateway):
    """Escapes an apostrophe as in HTML, in a document that is escaped anyway."""

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        return super().write(turn, sign, language).replace("'", "&amp;#39;")


class WaitsForMore(Altering):
    """Waits for one more key."""

    def gather(self, gather: Gather) -> Gather:
        return evolve(gather, max_keys=gather.max_keys + 1)


class KeepsEndKey(Altering):
    """Leaves the end key among the keys."""

    def event(self, event: object) -> object:
        if isinstance(event, Digits) and event.ended is Ended.END_KEY and event.keys:
            return evolve(event, keys=secret.keys(event.keys.reveal() + "#"))
        return event


class PoundIsSilence(Altering):
    """Treats the end key alone as silence."""

    def event(self, event: object) -> object:
        return NoInput() if isinstance(event, Digits) and not event.keys else event


class DropsFew(Altering):
    """Drops keys if there are too few."""

    def event(self, event: object) -> object:
        few = isinstance(event, Digits) and event.ended is Ended.TIMEOUT
        return NoInput() if few else event


class SilenceIsPound(Altering):
    """Treats silence as the end key."""

    def event(self, event: object) -> object:
        return Digits(secret.keys(""), Ended.END_KEY) if event == NoInput() else event


class DeafToTheEnd(Altering):
    """Does not notice that a call is over."""

    def visit(self, visit: Visit) -> Visit:
        return Nothing() if isinstance(visit, Ends) else visit


class EndsInSilence(Altering):
    """Treats a call that is over as silence."""

    def visit(self, visit: Visit) -> Visit:
        return Answers(visit.call_id, "1-None", NoInput()) if isinstance(visit, Ends) else visit


class AlwaysPound(Altering):
    """Lets # end every gather."""

    def gather(self, gather: Gather) -> Gather:
        return evolve(gather, end_key="#")


class OwnVerdict(Altering):
    """Drops keys that were not listed."""

    def event(self, event: object) -> object:
        other = isinstance(event, Digits) and event.keys.reveal() not in ("", "1", "1137", "11")
        return NoInput() if other else event


class AlwaysInterrupts(Altering):
    """Lets keys interrupt where they must not."""

    def gather(self, gather: Gather) -> Gather:
        return evolve(gather, barge_in=True)


class NeverInterrupts(Altering):
    """Never lets a key interrupt."""

    def gather(self, gather: Gather) -> Gather:
        return evolve(gather, barge_in=False)


class OneGather(TwilioGateway):
    """Cannot tell what must be heard from what follows it."""

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        say = tuple(evolve(prompt, must_hear=False) for prompt in turn.say)
        return super().write(evolve(turn, say=say), sign, language)


class Restless(Altering):
    """Treats the return for a request's answer as silence."""

    def event(self, event: object) -> object:
        return NoInput() if event is None else event


class NeverBack(TwilioGateway):
    """Keeps a call that must go back to the host."""

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        if isinstance(turn.then, Return):
            return f"<Response><Redirect>{self.address}/on?turn={sign(None)}</Redirect></Response>"
        return super().write(turn, sign, language)


class AlwaysDeclined(TwilioGateway):
    """Returns another disposition to the host."""

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        if isinstance(turn.then, Return):
            turn = evolve(turn, then=Return(Handback(Disposition.DECLINED)))
        return super().write(turn, sign, language)


class Guesses(Altering):
    """Reports that every agent answered."""

    def event(self, event: object) -> object:
        return TransferEnded(TransferResult.ANSWERED) if isinstance(event, TransferEnded) else event


class Forgets(Altering):
    """Leaves out what the host hands over."""

    def visit(self, visit: Visit) -> Visit:
        if isinstance(visit, Begins):
            return Begins(evolve(visit.arrival, account=None))
        return visit


class NobodyDialed(Altering):
    """Leaves out the number that was called."""

    def visit(self, visit: Visit) -> Visit:
        return Begins(evolve(visit.arrival, dnis="")) if isinstance(visit, Begins) else visit


class LosesHandOver(TwilioGateway):
    """Omits the reference of the hand-over from the hand-back."""

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        if isinstance(turn.then, Return):
            turn = evolve(turn, then=Return(evolve(turn.then.handback, handover="")))
        return super().write(turn, sign, language)


class Hasty(TwilioGateway):
    """Says nothing before a request."""

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        if not isinstance(turn.then, Gather | Return):
            turn = evolve(turn, say=())
        return super().write(turn, sign, language)


class SignsNoTurn(TwilioGateway):
    """Treats every answer as one to the turn that was written last."""

    last = ""

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        if turn.call.state is not State.SCREENING:  # which is written for a repeated beginning
            type(self).last = sign(None)
        return super().write(turn, sign, language)

    def read(self, request: WebRequest) -> Visit:
        visit = super().read(request)
        return evolve(visit, token=self.last) if isinstance(visit, Answers) else visit


class BelievesTheToken(TwilioGateway):
    """Treats every answer as one of the call that began last."""

    first = ""

    def read(self, request: WebRequest) -> Visit:
        visit = super().read(request)
        if isinstance(visit, Begins):
            type(self).first = visit.arrival.call_id
        return evolve(visit, call_id=self.first) if isinstance(visit, Answers) else visit


class Trusting(TwilioGateway):
    """Checks no signature."""

    def read(self, request: WebRequest) -> Visit:
        try:
            return super().read(request)
        except Rejected as rejected:
            if rejected.status != 403:
                raise
        form = dict(web.pairs(request.body))
        query = dict(web.pairs(request.query))
        if request.path == "/status":
            return Ends(form["CallSid"])
        return Answers(form["CallSid"], query.get("turn", ""), visits.gathered(query, form))


class TellsWhy(TwilioGateway):
    """Quotes the request that it refuses."""

    def read(self, request: WebRequest) -> Visit:
        try:
            return super().read(request)
        except Rejected as rejected:
            raise Rejected(rejected.status, request.query) from None


class EndsAtAnyNews(TwilioGateway):
    """Treats a call as over, whatever its status is."""

    def read(self, request: WebRequest) -> Visit:
        visit = super().read(request)
        form = dict(web.pairs(request.body))
        return Ends(form["CallSid"]) if isinstance(visit, Nothing) else visit


class Believing(TwilioGateway):
    """Assumes that everything that is signed is well formed."""

    def read(self, request: WebRequest) -> Visit:
        visit = super().read(request)
        assert dict(web.pairs(request.body))["Direction"]
        return visit


class Fragile(TwilioGateway):
    """Lets any exception through."""

    def read(self, request: WebRequest) -> Visit:
        request.body.decode()
        return super().read(request)


class Counting(TwilioGateway):
    """Writes another document every time."""

    written = 0

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        type(self).written += 1
        return f"{super().write(turn, sign, language)}<!-- {self.written} -->"


class SpeaksOnce(TwilioGateway):
    """Does not repeat itself."""

    said: frozenset[object] = frozenset()

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        told = (turn.say, language)
        silent = told in self.said
        type(self).said |= {told}
        return super().write(evolve(turn, say=()) if silent else turn, sign, language)


class Buffering(SimulatedTwilio):
    """Keeps keys that no gather waits for, as some platforms do."""

    kept = ""

    def _pass(self, seconds: float) -> None:
        until = self.caller.now + seconds
        while key := self._key(until - self.caller.now):
            self.kept += key

    def _gather(self, verb: ET.Element) -> tuple[str, dict[str, str]] | None:
        if self.kept:
            key, self.kept = self.kept[0], self.kept[1:]
            return verb.attrib["action"], {"Digits": key, "FinishedOnKey": ""}
        told = super()._gather(verb)
        while key := self._key(0.4):
            self.kept += key
        return told


Broken = Callable[[], SimulatedTwilio]
BROKEN: Mapping[str, tuple[Broken, ...]] = {
    "_in_order": (on_twilio(Backwards),),
    "_in_its_language": (on_twilio(OneLanguage),),
    "_silent": (on_twilio(Talkative), on_twilio(Prints)),
    "_in_time": (on_twilio(OneWait),),
    "_complete": (on_twilio(WaitsForMore),),
    "_end_key": (on_twilio(KeepsEndKey),),
    "_end_key_alone": (on_twilio(PoundIsSilence),),
    "_too_few": (on_twilio(DropsFew),),
    "_nothing": (on_twilio(SilenceIsPound),),
    "_hung_up": (on_twilio(EndsInSilence),),
    "_no_end_key": (on_twilio(AlwaysPound),),
    "_every_key": (on_twilio(OwnVerdict),),
    "_no_barge_in": (on_twilio(AlwaysInterrupts),),
    "_flushed": (on_twilio(runtime=Buffering),),
    "_in_transfer": (on_twilio(runtime=Buffering),),
    "_request": (on_twilio(Restless),),
    "_return": (on_twilio(NeverBack),),
    "_transfer": (on_twilio(Guesses),),
    "_hangs_up_in_transfer": (on_twilio(EndsInSilence),),
    "_any_moment": (on_twilio(DeafToTheEnd),),
    "_stays_gone": (on_twilio(EndsInSilence),),
    "_again": (on_twilio(SpeaksOnce),),
    "_as_written": (on_twilio(EscapesTwice),),
    "_interrupts": (on_twilio(NeverInterrupts),),
    "_told_apart": (on_twilio(OneGather),),
    "_hands_over": (on_twilio(Forgets), on_twilio(NobodyDialed)),
    "_hands_back": (on_twilio(AlwaysDeclined), on_twilio(LosesHandOver)),
    "_one_moment": (on_twilio(Hasty),),
    "_twice": (on_twilio(SignsNoTurn),),
    "_late": (on_twilio(SignsNoTurn),),
    "_of_another_call": (on_twilio(BelievesTheToken),),
    "_over": (on_twilio(DeafToTheEnd),),
    "_news": (on_twilio(EndsAtAnyNews),),
    "_forged": (on_twilio(Trusting), on_twilio(TellsWhy)),
    "_garbage": (on_twilio(Fragile),),
    "_nonsense": (on_twilio(Believing),),
    "_functions": (on_twilio(Counting),),
}


PAIRS = [(name, broken) for name, all_broken in BROKEN.items() for broken in all_broken]


def checked() -> Mapping[str, str]:
    """The checks of Twilio's gateway: each promise, by the name of its check."""
    able = on_twilio()().capabilities
    shared = [
        check
        for check, needs in PERFORMED.items()
        if check not in TOLD_OTHERWISE and all(can(able, need) for need in needs)
    ]
    return {
        check.__name__: (check.__doc__ or "").partition("\n")[0] for check in (*shared, *PROMISES)
    }


def test_every_promise_is_tried() -> None:
    """There is a broken gateway for every promise but one: a document has no line to cut."""
    assert checked().keys() - BROKEN.keys() == {"_cut"}


@pytest.mark.long
@pytest.mark.parametrize(("name", "broken"), PAIRS)
def test_every_promise_can_be_broken(name: str, broken: Broken) -> None:
    """If a gateway breaks a promise, the error has the promise's words."""
    with pytest.raises(AssertionError) as told:
        check_document_gateway(broken)

    assert checked()[name] in str(told.value)


def test_the_promises_are_those_of_the_contract() -> None:
    """Each check names the rules of the contract that it is about."""
    numbers = set(re.findall(r"G\d\d", CONTRACT.read_text(encoding="utf-8")))
    for said in checked().values():
        named = set(re.findall(r"G\d\d", said.partition(":")[0]))
        assert named
        assert named <= numbers
