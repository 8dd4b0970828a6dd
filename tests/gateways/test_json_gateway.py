"""The example of a gateway for web requests in JSON keeps the contract of document gateways."""

from pathlib import Path

import pytest
import structlog
from attrs import evolve, fields

import examples.json_gateway
from examples.json_gateway import JsonGateway
from paperless_ivr import secret
from paperless_ivr.errors import Rejected
from paperless_ivr.flow.policy import Policy
from paperless_ivr.gateways.port import Visit, WebRequest
from paperless_ivr.prompts import Catalog
from paperless_ivr.testing.contracts import check_document_gateway
from tests.gateways.json_runtime import JsonRuntime, signed

pytestmark = pytest.mark.requirement("R41", "R45")

GATEWAY = JsonGateway(
    Catalog.of(Policy()),
    "springfield-water",
    key=secret.credential("shared with the runtime"),
    address="https://ivr.example.com/json",
    host="https://host.example.com/voice",
    host_key=secret.credential("shared with the host"),
    person="+12175550199",
)


@pytest.fixture(autouse=True)
def _quiet() -> object:
    """Suppress the output of what is checked."""
    structlog.configure(processors=[lambda *_: (_ for _ in ()).throw(structlog.DropEvent)])
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("call_id", ["json-0", "json-1"])
def test_it_keeps_the_contract(call_id: str) -> None:
    """The example keeps every promise that it claims, whatever its calls' identifiers are."""
    check_document_gateway(lambda: JsonRuntime(GATEWAY, call_id))


class BySecret(JsonGateway):
    """For a runtime that signs nothing: every address contains a secret."""

    def read(self, request: WebRequest) -> Visit:
        """Return what a request says, if its secret is right."""
        rest, _, secret = request.query.rpartition("secret=")
        if secret != "open":
            raise Rejected(403, "the address has no secret")
        return super().read(signed(evolve(request, query=rest.removesuffix("&")), self.key))


class Unsigned(JsonRuntime):
    """A runtime that signs nothing, and has meaningless headers."""

    def signed(self, request: WebRequest) -> WebRequest:
        """Return the request unchanged."""
        return evolve(request, headers={"content-type": "application/json"})

    def forged(self, request: WebRequest) -> WebRequest:
        """Return the request with a guessed secret."""
        return evolve(request, query=request.query.replace("=open", "=guessed"))

    def _post(self, url: str, **told: str) -> WebRequest:
        return super()._post(f"{url}{'&' if '?' in url else '?'}secret=open", **told)


def test_a_secret_in_the_addresses_keeps_it_too() -> None:
    """A gateway whose runtime signs nothing is not tested for headers."""
    known = {field.name: getattr(GATEWAY, field.name) for field in fields(JsonGateway)}
    check_document_gateway(lambda: Unsigned(BySecret(**known)))


def test_it_is_short() -> None:
    """The example can be read in one sitting."""
    source = Path(examples.json_gateway.__file__).read_text(encoding="utf-8")
    assert len(source.splitlines()) < 100


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b"[" * 16_000, b"{}", b'{"call": 1}', b'{"call": ""}']
)
def test_what_is_no_call_is_refused(body: bytes) -> None:
    """A signed body that names no call is refused, whatever it is."""
    request = WebRequest("/on", body=body)
    with pytest.raises(Rejected) as refused:
        GATEWAY.read(signed(request, GATEWAY.key))
    assert refused.value.status == 400


@pytest.mark.parametrize("digits", ["null", "1", '"1x"', '["1"]', '"' + 600 * "1" + '"'])
def test_keys_that_are_none_are_refused(digits: str) -> None:
    """Only keys on a telephone are keys."""
    body = f'{{"call": "c", "digits": {digits}}}'.encode()
    request = WebRequest("/keys", "most=4", body)
    with pytest.raises(Rejected) as refused:
        GATEWAY.read(signed(request, GATEWAY.key))
    assert refused.value.status == 400
