"""Twilio's requests: each is understood, and nothing else is believed."""

from urllib.parse import urlencode

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from paperless_ivr import secret
from paperless_ivr.errors import Rejected
from paperless_ivr.flow.events import (
    Digits,
    Ended,
    HungUp,
    NoInput,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.flow.host import Arrival, Identity, Intent, Moment, Payment
from paperless_ivr.gateways.port import Answers, Begins, Ends, Nothing, WebRequest
from paperless_ivr.gateways.twilio.signature import HEADER, signature
from tests.gateways.twilio.making import AUTH_TOKEN, gateway

SID = "CA" + 32 * "0"
FORM = "application/x-www-form-urlencoded"


def request(path, query="", *, sid=SID, token=AUTH_TOKEN, **form):
    """Return a request as Twilio signs it."""
    told = {"CallSid": sid, "CallStatus": "in-progress"} | form
    url = f"https://ivr.example.com/twilio{path}" + (f"?{query}" if query else "")
    signed = signature(url, told.items(), token)
    headers = {"content-type": FORM, HEADER: signed}
    return WebRequest(path, query, urlencode(told).encode(), headers)


def pressed(keys, ended=Ended.FULL):
    """Return keys as they were gathered."""
    return Digits(secret.keys(keys), ended)


@pytest.mark.requirement("R41")
@pytest.mark.parametrize(
    ("most", "end", "form", "event"),
    [
        (4, "#", {"Digits": "1137", "FinishedOnKey": ""}, pressed("1137")),
        (4, "#", {"Digits": "11", "FinishedOnKey": "#"}, pressed("11", Ended.END_KEY)),
        (4, "#", {"Digits": "11", "FinishedOnKey": ""}, pressed("11", Ended.TIMEOUT)),
        (4, "#", {"Digits": "11"}, pressed("11", Ended.TIMEOUT)),
        (4, "#", {"Digits": "", "FinishedOnKey": "#"}, pressed("", Ended.END_KEY)),
        (4, "#", {"Digits": "", "FinishedOnKey": ""}, NoInput()),
        (4, "#", {"Digits": ""}, NoInput()),
        (4, "#", {}, NoInput()),
        (4, "#", {"Digits": "11372", "FinishedOnKey": ""}, pressed("1137")),
        (1, "#", {"Digits": "1", "FinishedOnKey": ""}, pressed("1")),
        (1, "#", {"Digits": "#", "FinishedOnKey": ""}, pressed("", Ended.END_KEY)),
        (1, "#", {"Digits": "*", "FinishedOnKey": ""}, pressed("*")),
        (1, "", {"Digits": "#", "FinishedOnKey": ""}, pressed("#")),
        (1, "", {"Digits": "9"}, pressed("9")),
        (4, "#", {"Digits": "11", "CallStatus": "completed"}, HungUp()),
    ],
)
def test_five_outcomes(most, end, form, event):
    """Complete, end key, end key alone, too few, nothing, and hung up are distinguished."""
    query = urlencode({"most": most, "end": end, "turn": "t"})
    visit = gateway().read(request("/keys", query, **form))

    assert visit == Answers(SID, "t", event)


@pytest.mark.requirement("R09")
def test_keys_of_an_earlier_gather_are_not_read_again():
    """If a redirect carries along the keys of the gather before it, they do not count."""
    stale = {"Digits": "1", "FinishedOnKey": ""}
    assert gateway().read(request("/silence", "turn=t", **stale)) == Answers(SID, "t", NoInput())
    assert gateway().read(request("/on", "turn=t", **stale)) == Answers(SID, "t", None)


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ("completed", TransferResult.ANSWERED),
        ("busy", TransferResult.BUSY),
        ("no-answer", TransferResult.NO_ANSWER),
        ("failed", TransferResult.FAILED),
        ("canceled", TransferResult.FAILED),
        ("something new", TransferResult.UNKNOWN),
        (None, TransferResult.UNKNOWN),
    ],
)
def test_what_became_of_a_transfer(said, result):
    """Each `DialCallStatus` is a result. If there is none, the result is unknown."""
    form = {"DialCallStatus": said} if said else {}
    visit = gateway().read(request("/person", "turn=t", CallStatus="in-progress", **form))
    assert visit == Answers(SID, "t", TransferEnded(result))


@pytest.mark.parametrize(
    ("said", "event"),
    [
        ("completed", TransferEnded(TransferResult.ANSWERED)),
        ("no-answer", HungUp()),
        ("canceled", HungUp()),
        (None, HungUp()),
    ],
)
def test_a_caller_who_hangs_up_during_a_transfer(said, event):
    """A call that is over was hung up, unless an agent answered before its end."""
    form = {"DialCallStatus": said} if said else {}
    visit = gateway().read(request("/person", "turn=t", CallStatus="completed", **form))
    assert visit == Answers(SID, "t", event)


def test_a_call_that_is_over():
    """A status callback says that a call is over, or has no news."""
    assert gateway().read(request("/status", CallStatus="completed")) == Ends(SID)
    assert gateway().read(request("/status", CallStatus="ringing")) == Nothing()
    for path in ("/silence", "/on"):
        visit = gateway().read(request(path, "turn=t", CallStatus="failed"))
        assert visit == Answers(SID, "t", HungUp())


@pytest.mark.requirement("R02", "R18")
def test_what_the_host_hands_over():
    """The query of the host's URL is the arrival. The number and identifier are Twilio's."""
    query = urlencode(
        {
            "moment": "after_payment",
            "intent": "back_to_paper",
            "greeted": "yes",
            "person_available": "yes",
            "language": "es-US",
            "account": "20481137",
            "invoice": "W-1",
            "invoice_type": "WATER",
            "identity": "verified",
            "payment_guid": "p-1",
            "payment_approved": "yes",
            "payment_email": "a@example.com",
        }
    )
    visit = gateway(person="+12175550199").read(
        request("/begin", query, From="+12175550101", To="+12175550100")
    )
    assert visit == Begins(
        Arrival(
            SID,
            "springfield-water",
            Moment.AFTER_PAYMENT,
            Intent.BACK_TO_PAPER,
            ani=secret.phone("+12175550101"),
            dnis="+12175550100",
            greeted=True,
            person_available=True,
            language="es-US",
            account=secret.account("20481137"),
            invoice=secret.invoice("W-1"),
            invoice_type="WATER",
            identity=Identity.VERIFIED,
            payment=Payment(secret.payment("p-1"), True, secret.email("a@example.com")),
        )
    )


@pytest.mark.requirement("R47")
@pytest.mark.parametrize(
    "number",
    [
        "anonymous",
        "+266696687",
        "+7378742833",
        "+2562533",
        "+8656696",
        "+86282452253",
        "+10000000000",
        "+19999999999",
        "+15550123",
        "",
        "client:tommy",
        "sip:+12175550101@example.sip.twilio.com",
        "12175550101",
    ],
)
def test_a_withheld_number(number):
    """A caller whose number is withheld, or is a placeholder, has none."""
    visit = gateway().read(request("/begin", From=number))
    assert isinstance(visit, Begins)
    assert visit.arrival.ani is None


def test_nobody_to_put_through_to():
    """If there is no person's number, no person is available."""
    visit = gateway().read(request("/begin", "person_available=yes"))
    assert isinstance(visit, Begins)
    assert not visit.arrival.person_available


GOOD = request("/keys", "most=1&end=%23&turn=t", Digits="1", FinishedOnKey="")


@pytest.mark.requirement("R24")
@pytest.mark.parametrize(
    ("broken", "status"),
    [
        (evolve(GOOD, method="GET"), 405),
        (evolve(GOOD, headers={"content-type": FORM}), 403),
        (evolve(GOOD, headers={**GOOD.headers, HEADER: "é" * 28}), 403),
        (evolve(GOOD, headers={HEADER: GOOD.headers[HEADER]}), 415),
        (evolve(GOOD, headers={**GOOD.headers, "content-type": "application/json"}), 415),
        (evolve(GOOD, body=GOOD.body + b"&Digits=2"), 403),
        (evolve(GOOD, body=GOOD.body[:-3]), 403),
        (evolve(GOOD, body=b"x" * 20_000), 413),
        (evolve(GOOD, body=b"a=%ff"), 400),
        (evolve(GOOD, body=b"\xff=1"), 400),
        (evolve(GOOD, body=b"&".join([b"a=1"] * 300)), 400),
        (evolve(GOOD, query="most=1&end=%23&turn=other"), 403),
        (evolve(GOOD, path="/silence"), 403),
        (request("/elsewhere"), 404),
        (request("/keys", "most=1&end=%23&turn=t", Digits="1", token=secret.credential("x")), 403),
        (request("/keys", "most=1&end=%23&turn=t", sid=""), 400),
        (request("/keys", "most=1&end=%23&turn=t", sid="../../etc"), 400),
        (request("/keys", "most=1&end=%23&turn=t", Digits="one"), 400),
        (request("/keys", "most=x&end=%23&turn=t", Digits="1"), 400),
        (request("/begin", "moment=sometimes"), 400),
        (request("/begin", "call_id=another"), 400),
        (request("/begin", "account=" + "1" * 300), 400),
        (request("/begin", "payment_guid=p"), 400),
    ],
)
def test_what_is_refused(broken, status):
    """Requests that Twilio did not send, or that are unreadable, get the right 4xx status."""
    with pytest.raises(Rejected) as refused:
        gateway().read(broken)
    assert refused.value.status == status


@settings(deadline=None)
@given(
    path=st.sampled_from(["/begin", "/keys", "/silence", "/on", "/person", "/status", "/", ""])
    | st.text(max_size=20),
    query=st.text(max_size=60),
    body=st.binary(max_size=200),
    headers=st.dictionaries(
        st.sampled_from(["content-type", HEADER, "host"]), st.text(max_size=40), max_size=3
    ),
    method=st.sampled_from(["POST", "GET", "PUT", ""]),
)
def test_garbage_is_refused(path, query, body, headers, method):
    """Whatever is sent without Twilio's signature is refused, and nothing else is raised."""
    with pytest.raises(Rejected) as refused:
        gateway().read(WebRequest(path, query, body, headers, method))
    assert 400 <= refused.value.status < 500


@settings(deadline=None)
@given(
    path=st.sampled_from(["/begin", "/keys", "/silence", "/on", "/person", "/status", "/x"]),
    query=st.dictionaries(
        st.sampled_from(["turn", "most", "end", "moment", "account", "payment_guid", "x"]),
        st.text(st.characters(exclude_categories=("Cs",)), max_size=10),
    ),
    form=st.dictionaries(
        st.sampled_from(["CallSid", "Digits", "FinishedOnKey", "CallStatus", "From"]),
        st.text(st.characters(exclude_categories=("Cs",)), max_size=10),
    ),
)
def test_nonsense_with_a_signature(path, query, form):
    """Signed fields with any content are understood or refused."""
    written = urlencode(query)
    url = f"https://ivr.example.com/twilio{path}" + (f"?{written}" if written else "")
    headers = {"content-type": FORM, HEADER: signature(url, form.items(), AUTH_TOKEN)}
    asked = WebRequest(path, written, urlencode(form).encode(), headers)
    told: object = None
    try:
        told = gateway().read(asked)
    except Rejected as refused:
        told = refused.status
    assert isinstance(told, Begins | Answers | Ends | Nothing) or told in (400, 404)


def test_nothing_secret_is_shown():
    """Neither a gateway nor a request prints anything secret."""
    shown = f"{gateway()!r} {GOOD!r}"
    assert "12345" not in shown
    assert "Digits" not in shown


@pytest.mark.parametrize("address", ["ivr.example.com", "ftp://ivr.example.com", "https://", "x"])
def test_an_address_that_is_none(address):
    """An address that Twilio cannot call is noticed when the gateway is made."""
    with pytest.raises(ValueError, match="address"):
        gateway(address=address)
