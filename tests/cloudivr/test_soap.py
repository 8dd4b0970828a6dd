"""SOAP, both versions: valid envelopes, and every way in which they can be wrong."""

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from werkzeug.test import Client, TestResponse

from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.answers import Answer
from paperless_ivr.cloudivr.codes import Code
from paperless_ivr.cloudivr.contract import NAMESPACE, SOAP11, SOAP12, Contract, Version
from paperless_ivr.cloudivr.soap import MAX_BODY
from paperless_ivr.cloudivr.web import ASMX, Application
from tests.cloudivr.benches import Bench, ask, guid, number
from tests.counts import heavy

VERSIONS = [SOAP11, SOAP12]
ON_SQLITE = pytest.mark.parametrize("fresh", ["sqlite"], indirect=True)
"""For requests that do not get as far as the database."""
CONTRACT = Contract()


@frozen
class Poster:
    """A client that posts anything, and the bench of the service that it posts to."""

    bench: Bench
    version: Version

    def post(self, text: str | bytes, **headers: str | None) -> TestResponse:
        """Post a text as the version requires, leaving out headers that are None."""
        head = {"Content-Type": f"{self.version.media_type}; charset=utf-8"}
        head |= {name.replace("_", "-"): value for name, value in headers.items()}
        application = Application(self.bench.service, CONTRACT)
        kept = {name: value for name, value in head.items() if value is not None}
        return Client(application).post(ASMX, data=text, headers=kept)

    def send(self, operation: str, inner: str, **headers: str | None) -> TestResponse:
        """Post an operation with these fields."""
        headers = {"SOAPAction": f'"{NAMESPACE}{operation}"', **headers}
        body = f'<{operation} xmlns="{NAMESPACE}">{inner}</{operation}>'
        return self.post(self.envelope(body), **headers)

    def envelope(self, body: str, header: str = "") -> str:
        """Return an envelope."""
        return (
            f'<e:Envelope xmlns:e="{self.version.envelope}">{header}<e:Body>{body}</e:Body>'
            "</e:Envelope>"
        )


@pytest.fixture(params=VERSIONS, ids=["1.1", "1.2"])
def poster(request: pytest.FixtureRequest, bench: Bench) -> Poster:
    """A client of each version."""
    return Poster(bench, request.param)


def fields(**values: Any) -> str:
    """Return fields as XML, in this order."""
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in values.items())


TEXT = {"CustomerID": number("rivera"), "InvoiceType": "WATER", "PhoneNumber": "+12175550180"}


LINK = f'<SendWebLink xmlns="{NAMESPACE}">{fields(**ask(), **TEXT)}</SendWebLink>'


def fault(response: TestResponse, version: Version) -> tuple[str, str]:
    """Return the code and the reason of a fault, as its version has them."""
    assert response.mimetype == version.media_type
    root = etree.fromstring(response.data)
    assert root.tag == f"{{{version.envelope}}}Envelope"
    names = {"e": version.envelope}
    if version is SOAP11:
        (code,) = root.xpath("e:Body/e:Fault/faultcode/text()", namespaces=names)
        (reason,) = root.xpath("e:Body/e:Fault/faultstring/text()", namespaces=names)
    else:
        (code,) = root.xpath("e:Body/e:Fault/e:Code/e:Value/text()", namespaces=names)
        (reason,) = root.xpath("e:Body/e:Fault/e:Reason/e:Text/text()", namespaces=names)
    prefix, _, local = code.partition(":")
    assert root.nsmap[prefix] == version.envelope
    return local, reason


# ── valid ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.requirement("R20")
def test_answer(poster: Poster) -> None:
    """An operation is answered in an envelope of its own version, as the contract says."""
    response = poster.send("SendWebLink", fields(**ask(), **TEXT))

    assert (response.status_code, response.mimetype) == (200, poster.version.media_type)
    (answer,) = etree.fromstring(response.data).find(f"{{{poster.version.envelope}}}Body")
    assert answer.tag == f"{{{NAMESPACE}}}SendWebLinkResponse"
    assert [e.text for e in answer.iter(f"{{{NAMESPACE}}}*")][2:] == ["true", "Done.", "0"]
    assert len(poster.bench.rows(t.TextQueue)) == 1


@pytest.mark.parametrize("inner", ["", "<Request/>"])
def test_no_request(poster: Poster, inner: str) -> None:
    """An omitted request counts as one without parameters, so access is denied."""
    response = poster.send("EnrollInPaperless", inner)

    assert b"<ns0:ErrorCode>%d<" % Code.PARTNER_REFUSED in response.data


@ON_SQLITE
@pytest.mark.parametrize(
    "header",
    [
        "<e:Header/>",
        '<e:Header><x xmlns="urn:x">1</x></e:Header>',
        '<e:Header><x xmlns="urn:x" e:mustUnderstand="0"/></e:Header>',
        '<e:Header><x xmlns="urn:x" e:mustUnderstand="1" e:{role}="urn:other"/></e:Header>',
    ],
)
def test_headers_that_are_not_for_us(poster: Poster, header: str) -> None:
    """A header that need not be understood, or is for someone else, is ignored."""
    body = f'<SendWebLink xmlns="{NAMESPACE}">{fields(**ask(), **TEXT)}</SendWebLink>'
    head = header.format(role=poster.version.role)

    action = f"{NAMESPACE}SendWebLink"
    assert poster.post(poster.envelope(body, head), SOAPAction=action).status_code == 200


@ON_SQLITE
def test_action_of_soap_12(bench: Bench) -> None:
    """SOAP 1.2 may name the action next to the media type, or omit it."""
    poster = Poster(bench, SOAP12)
    for action in ("", f'; action="{NAMESPACE}SendWebLink"'):
        kind = f"application/soap+xml; charset=utf-8{action}"
        answered = poster.send("SendWebLink", fields(**TEXT), Content_Type=kind, SOAPAction=None)
        assert answered.status_code == 200


# ── invalid ──────────────────────────────────────────────────────────────────────────────

BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'

MALFORMED: dict[str, tuple[Callable[[Poster], str | bytes], str]] = {
    "empty": (lambda _: "", "not well-formed"),
    "text": (lambda _: "hello", "not well-formed"),
    "cut off": (lambda p: p.envelope("<x/>")[:-20], "not well-formed"),
    "binary": (lambda _: b"\x00\xff\xfe", "not well-formed"),
    "deep": (lambda _: "<a>" * 5000 + "</a>" * 5000, "not well-formed"),
    "no envelope": (lambda _: "<html><body/></html>", "not a SOAP envelope"),
    "no body": (lambda p: f'<e:Envelope xmlns:e="{p.version.envelope}"/>', "one body"),
    "empty body": (lambda p: p.envelope(""), "must contain one element"),
    "two bodies": (lambda p: p.envelope("<a/><b/>"), "must contain one element"),
    "a second body": (
        lambda p: p.envelope("<a/>").replace("</e:Body>", "</e:Body><e:Body/>"),
        "one body",
    ),
    "a second body, full": (
        lambda p: p.envelope("</e:Body><e:Body>").replace("<e:Body>", f"<e:Body>{LINK}"),
        "one body",
    ),
    "a second header": (lambda p: p.envelope(LINK, "<e:Header/><e:Header/>"), "one body"),
    "a header behind": (
        lambda p: p.envelope(LINK).replace("</e:Envelope>", "<e:Header/></e:Envelope>"),
        "one body",
    ),
    "something else in the envelope": (
        lambda p: p.envelope(LINK).replace("</e:Envelope>", f"{LINK}</e:Envelope>"),
        "one body",
    ),
    "doctype": (lambda p: BOMB + p.envelope("<x>&b;</x>"), "must not have a DOCTYPE"),
    "file": (lambda p: FILE + p.envelope("<x>&a;</x>"), "must not have a DOCTYPE"),
    "unknown": (lambda p: p.envelope("<SendWebLinks/>"), "The operations are InvoiceExists, "),
    "no namespace": (lambda p: p.envelope("<SendWebLink/>"), "The operation is unknown"),
}


@ON_SQLITE
@pytest.mark.requirement("R20", "R24")
@pytest.mark.parametrize("how", MALFORMED)
def test_malformed(poster: Poster, how: str) -> None:
    """A message that violates the contract is the client's fault, and changes nothing."""
    text, says = MALFORMED[how]
    before = poster.bench.dump(but=())

    response = poster.post(text(poster), SOAPAction=f"{NAMESPACE}SendWebLink")

    code, reason = fault(response, poster.version)
    assert (response.status_code, code) == (poster.version.client_status, poster.version.client)
    assert says in reason
    assert "root" not in reason
    assert before == poster.bench.dump(but=())


@ON_SQLITE
@pytest.mark.requirement("R20", "R24")
@pytest.mark.parametrize(
    ("operation", "inner", "says"),
    [
        ("SendWebLink", "", "CustomerID is missing."),
        ("SendWebLink", fields(**ask()), "CustomerID is missing."),
        ("SendWebLink", fields(CustomerID="jane.roe"), "CustomerID has a value of the wrong"),
        ("SendWebLink", fields(CustomerID=2**31), "CustomerID has a value of the wrong"),
        ("SendWebLink", fields(CustomerID=""), "CustomerID has a value of the wrong type"),
        ("SendWebLink", fields(CustomerID=1, BillerGUID="roe"), "BillerGUID is not expected"),
        ("SendWebLink", fields(Roe=1, CustomerID=1), "A field is not expected here."),
        ("SendWebLink", "<CustomerID roe='1'>1</CustomerID>", "CustomerID does not match the"),
        ("SendWebLink", "roe<CustomerID>1</CustomerID>", "SendWebLink does not match the"),
        ("SendWebLink", "<PartnerGUID><roe/></PartnerGUID><CustomerID>1</CustomerID>", "Partner"),
        (
            "StoreCustomerPreference",
            fields(CustomerID=1, Paperless="maybe"),
            "Paperless has a value of the wrong type.",
        ),
        ("StoreCustomerPreference", fields(CustomerID=1), "Paperless is missing."),
        (
            "EnrollInPaperless",
            f"<Request>{fields(BillerGUID='roe', PaymentGUID='roe')}</Request>",
            "PaymentGUID is not",
        ),
        ("EnrollInPaperless", fields(PaymentGUID="roe"), "PaymentGUID is not"),
    ],
)
def test_broken_contract(poster: Poster, operation: str, inner: str, says: str) -> None:
    """A field that is missing, misplaced, or of the wrong type is named, but not its value."""
    before = poster.bench.dump(but=())

    response = poster.send(operation, inner)

    code, reason = fault(response, poster.version)
    assert (response.status_code, code) == (poster.version.client_status, poster.version.client)
    assert reason.startswith(f"{operation}: ")
    assert says in reason
    assert "roe" not in reason.lower()
    assert before == poster.bench.dump(but=())


@ON_SQLITE
def test_must_understand(poster: Poster) -> None:
    """A header that must be understood, but is not, is refused."""
    head = '<e:Header><x xmlns="urn:x" e:mustUnderstand="1"/></e:Header>'
    response = poster.post(poster.envelope("<x/>", head))

    assert (response.status_code, fault(response, poster.version)[0]) == (500, "MustUnderstand")


@ON_SQLITE
def test_version_mismatch(poster: Poster) -> None:
    """If the version of an envelope differs from its media type, there is a separate fault."""
    (other,) = (version for version in VERSIONS if version is not poster.version)
    response = poster.post(Poster(poster.bench, other).envelope("<x/>"))

    assert (response.status_code, fault(response, poster.version)[0]) == (500, "VersionMismatch")


@ON_SQLITE
@pytest.mark.parametrize("action", [None, "", '""', "SendWebLink", NAMESPACE + "InvoiceExists"])
def test_wrong_action(bench: Bench, action: str | None) -> None:
    """SOAP 1.1 requires the action of the operation that it sends."""
    poster = Poster(bench, SOAP11)
    response = poster.send("SendWebLink", fields(**ask(), **TEXT), SOAPAction=action)

    assert fault(response, SOAP11)[0] == "Client"
    assert bench.rows(t.TextQueue) == []


@ON_SQLITE
def test_wrong_action_of_soap_12(bench: Bench) -> None:
    """If SOAP 1.2 names an action, it must be that of the operation."""
    kind = f'application/soap+xml; action="{NAMESPACE}InvoiceExists"'
    poster = Poster(bench, SOAP12)
    response = poster.send("SendWebLink", fields(**ask(), **TEXT), Content_Type=kind)

    assert fault(response, SOAP12)[0] == "Sender"
    assert bench.rows(t.TextQueue) == []


@ON_SQLITE
def test_too_large(poster: Poster) -> None:
    """A body of more than a megabyte is not read."""
    huge = fields(**ask(), **TEXT, Purpose="x" * MAX_BODY)
    assert poster.send("SendWebLink", huge).status_code == 413


@ON_SQLITE
@pytest.mark.parametrize("kind", ["application/json", "multipart/related", "text/html", None])
def test_other_media_types(poster: Poster, kind: str | None) -> None:
    """A body of another media type is not read."""
    assert poster.post("<x/>", Content_Type=kind).status_code == 415


def fails(*_: object, **__: object) -> Answer:
    """Fail."""
    raise LookupError(TEXT["PhoneNumber"])


def breaks_the_contract(*_: object, **__: object) -> Answer:
    """Return an answer that violates the contract."""
    return Answer(True, "Done.", "+12175550180")  # type: ignore[arg-type]


@ON_SQLITE
@pytest.mark.requirement("R24")
@pytest.mark.parametrize(
    ("broken", "error"), [(fails, "LookupError"), (breaks_the_contract, "BrokenContract")]
)
def test_fault_of_our_own(
    poster: Poster,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    broken: object,
    error: str,
) -> None:
    """A fault of our own is the server's; neither the client nor the log sees what it was about."""
    monkeypatch.setattr(type(poster.bench.service), "SendWebLink", broken)

    response = poster.send("SendWebLink", fields(**ask(), **TEXT))

    assert response.status_code == 500
    assert fault(response, poster.version) == (poster.version.server, "The service failed.")
    told = capsys.readouterr().out
    assert error in told
    assert "2175550180" not in told


# ── anything ─────────────────────────────────────────────────────────────────────────────

XML_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40).map(
    lambda text: text.replace("\ufffe", "").replace("\uffff", "")
) | st.sampled_from(
    [
        "' OR '1'='1",
        "'; DROP TABLE Customer; --",
        '" OR ""="',
        "%",
        "_",
        "20481137' --",
        "${jndi:ldap://x}",
        "]]>",
        "&amp;",
    ]
)
FIELD = st.sampled_from(["BillerGUID", "PartnerGUID", "PartnerKey", "AccountNumber"])


@pytest.mark.requirement("R20", "R22")
@pytest.mark.prove
@settings(
    max_examples=heavy(20, 60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(field=FIELD, text=XML_TEXT)
def test_any_text_in_a_read(poster: Poster, field: str, text: str) -> None:
    """Whatever text is in a field, it finds no one and changes nothing."""
    before = poster.bench.dump()

    inner = fields(**{**ask(), "AccountNumber": "20481137", field: text})
    response = poster.send("SearchByAccountNumber", inner)

    assert response.status_code == 200
    assert b"Rivera" not in response.data
    assert before == poster.bench.dump()


@pytest.mark.requirement("R20", "R22")
@pytest.mark.prove
@settings(
    max_examples=heavy(20, 60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    field=st.sampled_from(["BillerGUID", "PartnerGUID", "PartnerKey", "InvoiceType"]),
    text=XML_TEXT,
)
def test_any_text_in_a_write(poster: Poster, field: str, text: str) -> None:
    """Whatever text is in a deciding field, the write is refused and changes nothing."""
    kept = (t.ActivityLog, t.PreferenceAnswer)
    before = poster.bench.dump(but=kept)

    response = poster.send("SendWebLink", fields(**{**ask(), **TEXT, field: text}))

    assert response.status_code == 200
    assert b"<ns0:Success>false" in response.data
    assert b"<ns0:ErrorCode>500" not in response.data
    assert before == poster.bench.dump(but=kept)


@pytest.mark.prove
@settings(
    max_examples=heavy(15, 40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=XML_TEXT)
def test_any_text_is_kept_as_it_is(poster: Poster, text: str) -> None:
    """A text that is only stored is stored exactly."""
    response = poster.send("SendWebLink", fields(**ask(), **TEXT, Purpose=text))
    assert response.status_code == 200
    if b"<ns0:ErrorCode>402" not in response.data:
        assert poster.bench.rows(t.TextQueue)[-1].Purpose == text


# ── the WSDL ─────────────────────────────────────────────────────────────────────────────


@ON_SQLITE
@pytest.mark.parametrize("query", ["WSDL", "wsdl", "Wsdl"])
def test_wsdl(bench: Bench, query: str) -> None:
    """The WSDL is as shipped, with the address that was requested."""
    client = Client(Application(bench.service, CONTRACT))
    response = client.get(f"{ASMX}?{query}", base_url="http://ivr.biller.example:8443/")

    address = "http://ivr.biller.example:8443/CloudIVR.asmx"
    shipped = CONTRACT.source.replace(b"http://127.0.0.1:8090/CloudIVR.asmx", address.encode())
    assert response.mimetype == "text/xml"
    assert etree.canonicalize(response.text) == etree.canonicalize(shipped.decode())


def test_enrolment_over_soap(poster: Poster) -> None:
    """`EnrollInPaperless` answers with its own fields."""
    inner = f"<Request>{fields(PaymentGUID=guid('rivera'), **ask())}</Request>"
    first, second = (poster.send("EnrollInPaperless", inner) for _ in range(2))

    assert b"<ns0:EnrollmentSuccessful>true" in first.data
    assert b"<ns0:EnrollmentSuccessful>false" in second.data
    assert b"<ns0:ErrorCode>401" in second.data
