"""The web application: calls, health, and metrics. Hostile requests end in a 4xx."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from paperless_ivr import secret
from paperless_ivr.backends.demo import BILLER, customer, springfield
from paperless_ivr.drive.runner import Setup
from paperless_ivr.drive.web import WebDriver
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Moment
from paperless_ivr.flow.policy import Policy
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import Press
from paperless_ivr.web import MeteredBackend, Meters, application

WORDS = Catalog.of(Policy())
KEY = secret.credential("0123456789abcdef")
SID = "CA" + 32 * "0"
ARRIVAL = Arrival(
    SID, BILLER, Moment.BEFORE_PAYMENT, ani=customer("rivera").phone, language="en-US"
)
GATEWAY = TwilioGateway(
    WORDS,
    BILLER,
    secret.credential("auth token"),
    "https://ivr.example.com/twilio",
    "https://host.example.com/voice",
    KEY,
)


class Served:
    """The application with everything in it, and a call on it."""

    def __init__(self):
        self.calls = MemoryLiveCalls()
        self.record = MemoryRecord(lambda: datetime.now(UTC))
        self.meters = Meters()
        backend = MeteredBackend(springfield(), self.meters)
        store = SeparateStores(self.record, self.calls)
        observers = (self.meters.moved,)
        setup = Setup(Flow(), WORDS, backend, store, observers=observers, at_once=4)
        self.driver = WebDriver(setup, GATEWAY, KEY)
        self.runtime = SimulatedTwilio(GATEWAY, SID)
        self.client = TestClient(application(self.driver, self.meters, threads=4))

    def send(self, request):
        """Send a request as the runtime does."""
        return self.client.request(
            request.method,
            f"/twilio{request.path}" + (f"?{request.query}" if request.query else ""),
            content=request.body,
            headers=dict(request.headers),
        )

    def go(self, document, *acts, prompts=9):
        """Have the caller hear a document and act, and return the reply that follows."""
        self.runtime.caller.plan(*acts, prompts=document.text.count("<Say"))
        request = self.runtime.follow(document.text)
        return None if request is None else self.send(request)


@pytest.fixture
def served() -> Iterator[Served]:
    """An application that is started, and shut down."""
    made = Served()
    with made.client:
        yield made


@pytest.mark.requirement("R41")
def test_a_call(served):
    """A caller enrolls, and the metrics show it, but not who it was."""
    document = served.send(served.runtime.begins(ARRIVAL))
    assert document.headers["content-type"] == "text/xml; charset=utf-8"
    for acts in ([Press("1")], [], [Press("1137")], [], [Press("1")], []):
        document = served.go(document, *acts)
    assert served.go(document) is None
    assert served.runtime.handed_back["disposition"] == "enrolled"
    assert served.send(served.runtime.ends()).status_code == 204

    told = served.meters.page().decode()
    for line in (
        'paperless_ivr_calls_begun_total{moment="before_payment"} 1.0',
        'paperless_ivr_calls_ended_total{disposition="enrolled",reason="none"} 1.0',
        "paperless_ivr_calls_live 0.0",
        'paperless_ivr_request_seconds_count{path="keys",status="200"} 3.0',
        'service_answers_total{answer="InvoiceChecked",operation="InvoiceExists"} 1.0',
    ):
        assert line in told
    assert SID not in told
    assert ARRIVAL.ani.reveal() not in told


@pytest.mark.requirement("R47")
@pytest.mark.parametrize("number", ["+10000000000", "+266696687", "+7378742833", "anonymous"])
def test_a_no_of_a_withheld_caller_is_nobody_else_s(served, number):
    """A no from a placeholder number does not silence the offer for the next caller."""
    for call in range(2):
        served.runtime = SimulatedTwilio(GATEWAY, f"{SID[:-1]}{call}")
        withheld = evolve(ARRIVAL, ani=secret.phone(number))
        document = served.send(served.runtime.begins(withheld))
        served.go(served.go(document, Press("2")))
        assert served.runtime.handed_back["disposition"] == "declined"


# ── hostile requests ──


def state(served):
    """Return everything that a request could change."""
    return served.calls.load(SID), served.record.activities, dict(served.record.writes)


@pytest.fixture(scope="module")
def attacked() -> Iterator[Served]:
    """An application with a call in the middle of a question."""
    made = Served()
    with made.client:
        made.send(made.runtime.begins(ARRIVAL))
        yield made


@pytest.mark.requirement("R09", "R24")
@settings(deadline=None)
@given(
    path=st.sampled_from(["/begin", "/keys", "/silence", "/on", "/person", "/status", "/", "/x"]),
    query=st.text("abcturnmost=&%2#é ", max_size=40),
    body=st.binary(max_size=300) | st.just(b"CallSid=" + SID.encode()),
    headers=st.dictionaries(
        st.sampled_from(["content-type", "x-twilio-signature", "x-forwarded-host", "accept"]),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
    ),
)
def test_garbage_changes_nothing(attacked, path, query, body, headers):
    """Whatever is not signed ends in a 4xx, and nothing changes."""
    before = state(attacked)
    for method in ("POST", "GET", "PUT", "OPTIONS"):
        got = attacked.client.request(
            method, f"/twilio{path}", params=query, content=body, headers=headers
        )
        assert 400 <= got.status_code < 500
        assert got.text == ""
    assert state(attacked) == before


@pytest.mark.requirement("R09")
def test_a_request_of_any_size(attacked):
    """An endless body is not read to the end."""
    read = []

    def endless():
        for number in range(10_000):
            read.append(number)
            yield b"x" * 1024

    before = state(attacked)
    got = attacked.client.post("/twilio/keys", content=endless())
    assert got.status_code == 413
    assert state(attacked) == before


@pytest.mark.requirement("R09")
@pytest.mark.parametrize("cut", [1, 5, 40, 200])
def test_a_truncated_request(attacked, cut):
    """A request without its end is not the one that was signed."""
    attacked.runtime.caller.plan(Press("1"), prompts=0)
    request = attacked.runtime.ends()
    before = state(attacked)
    short = request.body[:-cut]
    got = attacked.client.post(
        f"/twilio{request.path}", content=short, headers=dict(request.headers)
    )
    assert got.status_code == 403
    assert state(attacked) == before


@pytest.mark.requirement("R09")
def test_a_replayed_request(attacked):
    """A request that Twilio did send, sent again by someone else, changes nothing."""
    request = attacked.runtime.begins(ARRIVAL)
    before = state(attacked)
    first, second = attacked.send(request), attacked.send(request)
    assert first.text == second.text
    assert state(attacked) == before
