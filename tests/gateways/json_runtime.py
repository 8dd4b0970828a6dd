"""A small simulator of the runtime for `examples/json_gateway.py`, with a host on it."""

import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode, urlsplit

from attrs import define, evolve, field

from examples.json_gateway import JsonGateway
from paperless_ivr.flow.events import TransferResult
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.host_strings import FROM_HOST, arrival_to_strings
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.gateways.capabilities import Capabilities
from paperless_ivr.gateways.port import WebRequest
from paperless_ivr.gateways.web import read_handback
from paperless_ivr.prompts import said
from paperless_ivr.secret import Secret
from paperless_ivr.testing.virtual_caller import ON_HOOK, VirtualCaller

TALKS, RINGS = 2.0, 5.0
"""The seconds that a talk and a transfer take."""

Action = Mapping[str, Any]


class OnHook(Exception):
    """The caller is gone."""


def signed(request: WebRequest, key: Secret) -> WebRequest:
    """Return a request with the runtime's signature of its path, query, and body."""
    what = f"{request.path}?{request.query}\n".encode() + request.body
    signature = hmac.digest(key.reveal().encode(), what, "sha256").hex()
    return evolve(request, headers={"x-signature": signature})


@define
class JsonRuntime:
    """The runtime with one call."""

    gateway: JsonGateway
    call_id: str = "json-0"
    caller: VirtualCaller = field(factory=VirtualCaller)
    handed_back: Mapping[str, str] | None = None
    _number: str = ""
    _dialed: str = ""
    _result: TransferResult = TransferResult.UNKNOWN
    _key: str = ""
    """The key that stopped a talk."""

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities that the gateway claims."""
        return self.gateway.capabilities

    # ── what the kit needs ──

    def begins(self, arrival: Arrival) -> WebRequest:
        """Have the host hand the call over."""
        self._number = arrival.ani.reveal() if arrival.ani else ""
        self._dialed = arrival.dnis
        known = arrival_to_strings(arrival)
        told = urlencode({name: known[name] for name in FROM_HOST if name in known})
        return self._post(f"{self.gateway.address}/begin?{told}")

    def ends(self) -> WebRequest:
        """Return the request for the end of the call."""
        return self._post(f"{self.gateway.address}/event", status="completed")

    def news(self) -> tuple[WebRequest, ...]:
        """Return status reports of a call in progress."""
        return (self._post(f"{self.gateway.address}/event", status="answered"),)

    def signed(self, request: WebRequest) -> WebRequest:
        """Return the request with the runtime's signature."""
        return signed(request, self.gateway.key)

    def forged(self, request: WebRequest) -> WebRequest:
        """Return the request as signed by someone else."""
        return evolve(request, headers={"x-signature": 64 * "0"})

    def hold(self, seconds: float) -> None:
        """Let time pass."""
        with suppress(OnHook):
            self._until(seconds, stops=False)

    def utterance(self, prompt: Prompt, language: str) -> str:
        """Return what is heard when a prompt is spoken."""
        text = said([prompt], language, self.gateway.catalog)
        return f"{prompt.language or language}: {text}"

    def agent(self, result: TransferResult) -> None:
        """Set the result of the next transfer."""
        self._result = result

    def follow(self, document: str) -> WebRequest | None:
        """Do one action after another. The last one says where to go."""
        self._key = ""
        try:
            for action in json.loads(document):
                told = self._do(action)
            return self._go(action["eventUrl"], told)
        except OnHook:
            return self.ends()

    # ── actions ──

    def _do(self, action: Action) -> dict[str, str]:
        """Do an action. Return what is reported to its address."""
        match action["action"]:
            case "talk":
                self._talk(action)
            case "input":
                return self._input(action)
            case "connect":
                self._until(RINGS, stops=False)
                return {"status": self._result.value}
        return {}

    def _talk(self, action: Action) -> None:
        if self.caller.gone:
            raise OnHook
        if not self._key:
            self.caller.begins(f"{action['language']}: {action['text']}")
            self._key = self._until(TALKS, stops=action["bargeIn"])
        if not self._key:
            self.caller.ends()

    def _input(self, action: Action) -> dict[str, str]:
        digits, key = "", self._key or self._until(action["timeOut"], stops=True)
        while key and not (key == "#" and action["submitOnHash"]):
            digits += key
            if len(digits) == action["maxDigits"]:
                return {"digits": digits, "by": "length"}
            key = self._until(action["timeOut"], stops=True)
        return {"digits": digits, "by": "hash" if key else "silence"}

    def _until(self, seconds: float, *, stops: bool) -> str:
        """Return the key that comes within this many seconds. Keys that stop nothing are lost."""
        until = self.caller.now + seconds
        while key := self.caller.next(until - self.caller.now):
            if key == ON_HOOK:
                raise OnHook
            if stops:
                return key
        return ""

    # ── requests ──

    def _go(self, url: str, told: Mapping[str, str]) -> WebRequest | None:
        if url.startswith(self.gateway.address):
            return self._post(url, **told)
        self.handed_back = read_handback(urlsplit(url).query, self.gateway.host_key)
        return None

    def _post(self, url: str, **told: str) -> WebRequest:
        body = {"call": self.call_id, "from": self._number, "to": self._dialed, **told}
        path = urlsplit(url).path.removeprefix(urlsplit(self.gateway.address).path)
        request = WebRequest(path, urlsplit(url).query, json.dumps(body).encode())
        return self.signed(request)
