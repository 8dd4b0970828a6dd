"""The gateway for Twilio, and for other platforms that use TwiML.

One `<Gather>` could speak all prompts of a turn. Instead, this gateway writes one for each run of
prompts, to detect a consent that was given before its question was heard (G17, G18). Twilio does
not collect keys that are pressed before a `<Gather>` begins (Twilio's support article
"Troubleshooting issues with <Gather>"), so they are discarded (G21). See docs/twilio.md for the
sources.
"""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from attrs import Attribute, field, frozen

from paperless_ivr.errors import Rejected
from paperless_ivr.flow.events import HungUp, NoInput, TransferResult
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.turns import Return, Transfer, Turn
from paperless_ivr.gateways import web
from paperless_ivr.gateways.capabilities import Capabilities, Claim, How
from paperless_ivr.gateways.port import Answers, Begins, Ends, Nothing, Sign, Visit, WebRequest
from paperless_ivr.gateways.twilio import visits
from paperless_ivr.gateways.twilio.signature import HEADER, genuine
from paperless_ivr.gateways.twilio.twiml import Routes, Voices, Writer, dial, document
from paperless_ivr.prompts import Catalog
from paperless_ivr.secret import Secret

VOICES: Mapping[str, str] = MappingProxyType({"en-US": "Polly.Joanna", "es-US": "Polly.Lupe"})
"""Amazon Polly voices, which support SSML."""


def _address(_: object, attribute: "Attribute[str]", value: str | None) -> None:
    """Validate an absolute address without a fragment."""
    parts = urlsplit(value or "https://none")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        message = f"{attribute.name}: must begin with https:// and a host, and must not contain #"
        raise ValueError(message)


def _number(_: object, attribute: "Attribute[str]", value: str | None) -> None:
    """Validate an E.164 number."""
    if value is not None and not web.NUMBER.fullmatch(value):
        message = f"{attribute.name}: must begin with + and the country code, such as +12175550100"
        raise ValueError(message)


def _bare(value: str) -> str:
    return value.rstrip("/")


@frozen
class TwilioGateway:
    """A gateway for one biller's calls on Twilio: two pure functions.

    `address` is where Twilio reaches the gateway, as entered in Twilio's console. Behind a proxy,
    this is not the address that the web server sees. Set the number's status callback to
    `{address}/status`.
    """

    catalog: Catalog
    biller: str
    auth_token: Secret = field(repr=False)
    """The account's auth token. Twilio uses it to sign requests."""
    address: str = field(converter=_bare, validator=_address)
    host: str = field(validator=_address)
    """The host's address, where the call goes when it is handed back."""
    host_key: Secret = field(repr=False)
    """A key shared with the host. It is used to sign the hand-back."""
    person: str | None = None
    """The number (E.164) or `sip:` address of the agents to transfer to."""
    caller_id: str | None = field(default=None, validator=_number)
    """One of the account's numbers (E.164), shown to the agent if there is no caller ID."""
    voices: Mapping[str, str] = VOICES
    recordings: str | None = field(default=None, validator=_address)
    """The address of recorded prompts. Prompts with slots are still spoken by a voice."""

    media_type = "text/xml; charset=utf-8"
    patience = 15.0
    """Twilio's read timeout (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides)."""

    @property
    def capabilities(self) -> Capabilities:
        """How Twilio meets each need of the flow."""
        degraded = How.DEGRADED
        lost = Claim(degraded, "keys pressed before a <Gather> are lost")
        return Capabilities(
            "Twilio",
            interrupted=Claim(How.EMULATED, "a <Gather> with its own address for each run"),
            flush=Claim(How.MET, "keys pressed before a <Gather> are not collected"),
            once=Claim(How.EMULATED, "every address contains the token of the turn"),
            end_key_alone=Claim(How.EMULATED, "no finishOnKey at single-key questions"),
            end_key_alone_in_entries=Claim(
                degraded, "finishOnKey needs a digit before it; # alone may count as silence"
            ),
            late_end_key=Claim(degraded, "a late # may answer the next question"),
            too_few=Claim(How.EMULATED, "from FinishedOnKey and the number of keys"),
            two_waits=Claim(degraded, "one timeout: the longer of the two, in whole seconds"),
            type_ahead=lost,
            keys_while_waiting=lost,
            transfer=Claim(How.MET if self.person else How.REFUSED, "<Dial>"),
            transfer_results=frozenset(TransferResult),
        )

    def read(self, request: WebRequest) -> Visit:
        """Interpret a request after checking its signature."""
        posted = visits.form_of(request)
        url = f"{self.address}{request.path}" + (f"?{request.query}" if request.query else "")
        if not genuine(url, posted, request.headers.get(HEADER, ""), self.auth_token):
            raise Rejected(403, "the request is not signed by Twilio")
        query, form = dict(web.pairs(request.query)), dict(posted)
        call_id = web.call_id(form.get("CallSid"))
        token = query.pop("turn", "")
        match request.path:
            case "/begin":
                return Begins(self._arrival(call_id, query, form))
            case "/status":
                return Ends(call_id) if visits.over(form) else Nothing()
            case "/keys":
                return Answers(call_id, token, visits.gathered(query, form))
            case "/silence":
                return Answers(call_id, token, HungUp() if visits.over(form) else NoInput())
            case "/on":
                return Answers(call_id, token, HungUp() if visits.over(form) else None)
            case "/person":
                return Answers(call_id, token, visits.transferred(form))
        raise Rejected(404, "there is nothing at this address")

    def _arrival(self, call_id: str, query: Mapping[str, str], form: Mapping[str, str]) -> Arrival:
        told = dict(query)
        if self.person is None:
            told.pop("person_available", None)
        dnis = form.get("To", "")
        return web.handed_over(call_id, self.biller, web.ani(form.get("From")), dnis, told)

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        """Return a turn as TwiML."""
        voices = Voices(self.catalog, self.voices, self.recordings)
        routes = Routes(self.address)
        root = Writer(turn, sign, language, voices, routes).response()
        if isinstance(turn.then, Transfer):
            self._person(root, turn.call.host.ani, routes.person(sign(None)))
        if isinstance(turn.then, Return):
            ET.SubElement(root, "Redirect").text = web.handed_back(
                self.host, turn.then.handback, self.host_key
            )
        return document(root)

    def _person(self, root: ET.Element, ani: Secret | None, action: str) -> None:
        if self.person is None:
            ET.SubElement(root, "Redirect").text = action
        else:
            dial(root, self.person, action, self.caller_id if ani is None else None)
