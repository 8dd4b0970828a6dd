"""A small Twilio simulator that executes TwiML with a virtual caller and signs its requests.

It follows https://www.twilio.com/docs/voice/twiml and the page for each verb. Keys pressed
outside a `<Gather>` are lost. If a `<Gather>` gets no key, the next verb is executed, unless
`actionOnEmptyResult` is true. No real time passes.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree as ET

from attrs import define, evolve, field

from paperless_ivr.flow.events import TransferResult
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.host_strings import FROM_HOST, arrival_to_strings
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.gateways.capabilities import Capabilities
from paperless_ivr.gateways.port import WebRequest
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.gateways.twilio.signature import HEADER, signature
from paperless_ivr.gateways.web import read_handback
from paperless_ivr.prompts import plain, speech
from paperless_ivr.testing.virtual_caller import ON_HOOK, VirtualCaller

SPOKEN = 2.0
"""The duration of each utterance, in seconds."""
TALK = 5.0
"""The duration of a transfer, in seconds."""
DIALED = {
    TransferResult.ANSWERED: "completed",
    TransferResult.BUSY: "busy",
    TransferResult.NO_ANSWER: "no-answer",
    TransferResult.FAILED: "failed",
}


class _OnHook(Exception):
    """Raised when the caller has hung up."""


@define
class SimulatedTwilio:
    """A simulator of Twilio, and of a host application on Twilio, for one call."""

    gateway: TwilioGateway
    call_id: str = "CA" + 32 * "0"
    caller: VirtualCaller = field(factory=VirtualCaller)
    number: str = "+12175550151"
    """The caller's number. `begins` replaces it with the number in the arrival."""
    dialed: str = "+12175550100"
    """The number dialed. `begins` replaces it if the arrival has one."""
    handed_back: Mapping[str, str] | None = None
    """The fields of the hand-back, or None before the host receives it."""
    query: str = ""
    """The query string of the URL to which the call was handed back."""
    _result: TransferResult = TransferResult.NO_ANSWER

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities that the gateway claims."""
        return self.gateway.capabilities

    # ── the host's side ──

    def begins(self, arrival: Arrival) -> WebRequest:
        """Return the request that Twilio sends when the host redirects the call to the gateway.

        Its call ID is the one from Twilio, not the one in the arrival.
        """
        number = arrival.ani.reveal() if arrival.ani else "anonymous"
        self.number, self.dialed = number, arrival.dnis or self.dialed
        known = arrival_to_strings(arrival)
        told = urlencode({name: known[name] for name in FROM_HOST if name in known})
        return self._request(f"{self.gateway.address}/begin" + (f"?{told}" if told else ""))

    def ends(self) -> WebRequest:
        """Return the status callback that reports the end of the call."""
        return self._request(f"{self.gateway.address}/status", CallStatus="completed")

    def news(self) -> tuple[WebRequest, ...]:
        """Return the status callbacks that Twilio sends before a call ends."""
        url = f"{self.gateway.address}/status"
        return tuple(self._request(url, CallStatus=status) for status in ("ringing", "in-progress"))

    def signed(self, request: WebRequest) -> WebRequest:
        """Return the request with a valid signature."""
        url = f"{self.gateway.address}{request.path}" + f"?{request.query}" * bool(request.query)
        form = parse_qsl(request.body.decode(), keep_blank_values=True)
        headers = {HEADER: signature(url, form, self.gateway.auth_token)}
        return evolve(request, headers={**request.headers, **headers})

    def forged(self, request: WebRequest) -> WebRequest:
        """Return the request with the signature of a sender who does not know the auth token."""
        made_up = dict(request.headers) | {HEADER: 27 * "A" + "="}
        return evolve(request, headers=made_up)

    def agent(self, result: TransferResult) -> None:
        """Set the result of the next transfer."""
        self._result = result

    def utterance(self, prompt: Prompt, language: str) -> str:
        """Return what the caller hears when a prompt is spoken."""
        spoken = prompt.language or language
        return f"{spoken}: {plain(speech(prompt, spoken, self.gateway.catalog))}"

    # ── executing a document ──

    def hold(self, seconds: float) -> None:
        """Let time pass while waiting for a document."""
        with suppress(_OnHook):
            self._pass(seconds)

    def follow(self, document: str) -> WebRequest | None:
        """Execute a document, and return the next request, or None if the call was handed back.

        If the caller hung up, the next request reports the end of the call.
        """
        self.handed_back = None
        try:
            for verb in ET.fromstring(document):  # noqa: S314 - our own document
                url = self._do(verb)
                if url is not None:
                    return self._go(*url)
        except _OnHook:
            return self.ends()
        return None

    def _do(self, verb: ET.Element) -> tuple[str, dict[str, str]] | None:
        """Execute a verb, and return the URL and the form fields of the next request, if any."""
        match verb.tag:
            case "Say" | "Play":
                self._speak(verb, listening=False)
                return None
            case "Redirect":
                return verb.text or "", {}
            case "Gather":
                return self._gather(verb)
            case "Dial":
                self._pass(TALK)
                said = {"DialCallStatus": DIALED[self._result]} if self._result in DIALED else {}
                return verb.attrib["action"], said
        message = f"the simulator does not support the verb <{verb.tag}>"
        raise AssertionError(message)

    def _go(self, url: str, told: dict[str, str]) -> WebRequest | None:
        if url.startswith(f"{self.gateway.address}/"):
            return self._request(url, **told)
        self.query = urlsplit(url).query
        self.handed_back = read_handback(self.query, self.gateway.host_key)
        return None

    def _gather(self, verb: ET.Element) -> tuple[str, dict[str, str]] | None:
        keys, finished = "", ""
        most, end = int(verb.attrib["numDigits"]), verb.attrib["finishOnKey"]
        for key in self._keys(verb, float(verb.attrib["timeout"])):
            if end and key == end:
                finished = key
                break
            keys += key
            if len(keys) == most:
                break
        if not keys and verb.attrib["actionOnEmptyResult"] != "true":
            return None
        return verb.attrib["action"], {"Digits": keys, "FinishedOnKey": finished}

    def _keys(self, verb: ET.Element, wait: float) -> Iterator[str]:
        """Yield the keys pressed in a gather until it times out."""
        for nested in verb:
            if key := self._speak(nested, listening=True):
                yield key
                break
        while key := self._key(wait):
            yield key

    # ── the caller ──

    def _speak(self, verb: ET.Element, *, listening: bool) -> str:
        """Speak an utterance. Returns the key that interrupted it, or "" if none did."""
        if self.caller.gone:
            raise _OnHook
        self.caller.begins(_text(verb))
        left = SPOKEN
        while left > 0:
            before = self.caller.now
            key = self._key(left)
            if key and listening:
                return key
            left -= self.caller.now - before
            if not key:
                break
        self.caller.ends()
        return ""

    def _pass(self, seconds: float) -> None:
        """Let time pass. Keys pressed meanwhile are lost."""
        until = self.caller.now + seconds
        while self._key(until - self.caller.now):
            pass

    def _key(self, within: float) -> str:
        key = self.caller.next(within)
        if key == ON_HOOK:
            raise _OnHook
        return key

    # ── requests ──

    def _request(self, url: str, **told: str) -> WebRequest:
        """Return a signed request, as Twilio would send it."""
        form = {
            "AccountSid": "AC" + 32 * "0",
            "ApiVersion": "2010-04-01",
            "CallSid": self.call_id,
            "CallStatus": "in-progress",
            "Direction": "inbound",
            "From": self.number,
            "To": self.dialed,
        } | told
        parts = urlsplit(url)
        request = WebRequest(
            path=parts.path.removeprefix(urlsplit(self.gateway.address).path),
            query=parts.query,
            body=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        return self.signed(request)


def _text(verb: ET.Element) -> str:
    """Return what the caller hears from a `<Say>` or `<Play>`."""
    language = verb.attrib.get("language", "")
    words: list[str] = []
    for element in verb.iter():
        spelled = element.attrib.get("interpret-as") == "characters"
        text = element.text or ""
        words += [" ".join(text) if spelled else text]
        words += [element.tail or ""] if element is not verb else []
    return f"{language}: {' '.join(''.join(words).split())}"
