"""A gateway to an invented web runtime that takes lists of actions in JSON, as Vonage does."""

import hmac
import json
from collections.abc import Mapping

from attrs import field, frozen

from paperless_ivr import Capabilities, Catalog, Flow, Gather, Return, Transfer, Turn, check
from paperless_ivr.errors import Rejected
from paperless_ivr.flow.events import TransferEnded, TransferResult
from paperless_ivr.gateways import web
from paperless_ivr.gateways.capabilities import Claim, How
from paperless_ivr.gateways.port import Answers, Begins, Ends, Nothing, Sign, Visit, WebRequest
from paperless_ivr.prompts import said
from paperless_ivr.secret import Secret

RESULTS = {result.value: result for result in TransferResult}
LOST = Claim(How.DEGRADED, "keys pressed outside an input are lost; callers press them again")
CAPABILITIES = Capabilities(
    "JSON actions",
    interrupted=Claim(How.EMULATED, "keys are lost until every must-hear prompt has been spoken"),
    flush=Claim(How.MET, "keys pressed outside an input are lost"),
    once=Claim(How.EMULATED, "every address contains the token of the turn"),
    late_end_key=Claim(How.DEGRADED, "a late # may answer the next question"),
    two_waits=Claim(How.DEGRADED, "a single timeOut: the longer of the two waits"),
    type_ahead=LOST,
    keys_while_waiting=LOST,
)


@frozen
class JsonGateway:
    """A gateway for one biller's calls: two pure functions."""

    catalog: Catalog
    biller: str
    address: str  # the gateway's own address, for the runtime's requests
    key: Secret = field(repr=False)  # the key for the runtime's signatures
    host: str  # the host's address, to which calls go back
    host_key: Secret = field(repr=False)  # the key that signs hand-backs
    person: str  # the agent's telephone number, for transfers
    capabilities, media_type, patience = CAPABILITIES, "application/json", 15.0

    def read(self, request: WebRequest) -> Visit:
        """Check a request's signature, and interpret the request."""
        web.bounded(request)
        signed = f"{request.path}?{request.query}\n".encode() + request.body
        genuine = hmac.digest(self.key.reveal().encode(), signed, "sha256").hex().encode()
        if not hmac.compare_digest(genuine, request.headers.get("x-signature", "").encode()):
            raise Rejected(403, "the request is not signed by the runtime")
        told, query = web.json_of(request), dict(web.pairs(request.query))
        call_id, token = web.call_id(told.get("call")), query.pop("turn", "")
        match request.path:
            case "/begin":
                caller, called = web.ani(told.get("from")), str(told.get("to", ""))
                return Begins(web.handed_over(call_id, self.biller, caller, called, query))
            case "/event":
                return Ends(call_id) if told.get("status") == "completed" else Nothing()
            case "/keys":
                keys, ended = told.get("digits"), told.get("by") == "hash"
                event = web.gathered(keys, query.get("most"), by_end_key=ended)
                return Answers(call_id, token, event)
            case "/person":
                result = RESULTS.get(str(told.get("status")), TransferResult.UNKNOWN)
                return Answers(call_id, token, TransferEnded(result))
            case "/on":
                return Answers(call_id, token)
        raise Rejected(404, "there is nothing at this address")

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        """Return the list of actions for a turn."""
        must = max((n for n, prompt in enumerate(turn.say) if prompt.must_hear), default=-1)
        stops = isinstance(turn.then, Gather) and turn.then.barge_in
        actions: list[Mapping[str, object]] = []
        for n, prompt in enumerate(turn.say):
            talk = {"action": "talk", "text": said([prompt], language, self.catalog)}
            spoken = prompt.language or language
            actions.append(talk | {"language": spoken, "bargeIn": stops and n > must})
        return json.dumps([*actions, self._then(turn, sign(None))])

    def _then(self, turn: Turn, token: str) -> Mapping[str, object]:
        match turn.then:
            case Gather(max_keys=most, first_key_wait=first, next_key_wait=after, end_key=end):
                keys = {"maxDigits": most, "submitOnHash": end == "#", "timeOut": max(first, after)}
                to = web.at(self.address, "keys", turn=token, most=str(most))
                return {"action": "input", **keys, "eventUrl": to}
            case Transfer():
                to = web.at(self.address, "person", turn=token)
                return {"action": "connect", "number": self.person, "eventUrl": to}
            case Return(handback):
                to = web.handed_back(self.host, handback, self.host_key)
                return {"action": "notify", "eventUrl": to}
        return {"action": "notify", "eventUrl": web.at(self.address, "on", turn=token)}


if __name__ == "__main__":
    print(check(Flow(), CAPABILITIES))
