"""Services that differ from the contract: mapped without code, or refused at startup."""

from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from paperless_ivr.backends import demo
from paperless_ivr.backends.connection import Connection
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.errors import ConnectionProblems
from paperless_ivr.flow.events import (
    Accepted,
    CustomersFound,
    InvoiceChecked,
    OutcomeUnknown,
    Refusal,
    Refused,
    Unavailable,
)
from paperless_ivr.flow.requests import (
    OPERATIONS,
    EnrollInPaperless,
    InvoiceExists,
    SearchByAccountNumber,
    SendWebLink,
    ServiceRequest,
    StoreCustomerPreference,
)
from paperless_ivr.secret import credential, phone
from tests.backends import wsdls
from tests.backends.canned import Said, canned, enveloped, result

RIVERA = demo.customer("rivera")
SEARCH = SearchByAccountNumber(RIVERA.account)
ENROLL = EnrollInPaperless(
    demo.payment("rivera").guid, RIVERA.id, RIVERA.account, "WATER", "c-1", "k-1"
)
EXISTS = InvoiceExists(RIVERA.account, RIVERA.invoices[0].number)
TEXT = SendWebLink(
    RIVERA.id, RIVERA.account, "WATER", phone("+12175550101"), "review", "c-2", "k-2"
)
REPROMPT = Connection(
    "http://127.0.0.1:9/", "the-biller", "the-partner", partner_key=credential("s3cr3t")
)
ENROLLED = "<t:EnrollmentSuccessful>true</t:EnrollmentSuccessful><t:ErrorCode>0</t:ErrorCode>"


def problems(connection: Connection) -> str:
    """Return why a service cannot be used."""
    with pytest.raises(ConnectionProblems) as caught:
        SoapBackend(connection)
    return str(caught.value)


@pytest.mark.requirement("R05")
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_lacking(tmp_path: Path, operation: str) -> None:
    """The WSDL says which operations there are; a missing one is unavailable."""
    wsdl = wsdls.put(tmp_path, wsdls.without(operation))

    backend = SoapBackend(evolve(REPROMPT, wsdl=wsdl))

    assert backend.operations == OPERATIONS - {operation}


@pytest.mark.requirement("R05")
def test_left_out() -> None:
    """An operation that the connection leaves out counts as missing: nothing is sent."""
    with canned(lambda _: Said(b"")) as server:
        backend = SoapBackend(evolve(REPROMPT, address=server.url, leave_out=("SendWebLink",)))

        assert backend.answer(TEXT, 1.0) == Unavailable()
        assert server.asked == []
    assert backend.operations == OPERATIONS - {"SendWebLink"}


def test_renamed_fields_are_named(tmp_path: Path) -> None:
    """Needed fields with other names are all reported at once, with what may have been meant."""
    wsdl = wsdls.put(tmp_path, wsdls.renamed(PaymentGUID="PaymentID", CustomerID="CustID"))

    found = problems(evolve(REPROMPT, wsdl=wsdl))

    assert "EnrollInPaperless does not take PaymentGUID (it has PaymentID" in found
    assert "SearchByAccountNumber does not return CustomerID (it has CustID" in found
    assert "[answer.SearchByAccountNumber] where CustomerID is" in found
    assert "SendWebLink does not take CustomerID (it has CustID" in found


def test_renamed_fields_are_mapped(tmp_path: Path) -> None:
    """Requests and answers use the other names that the connection gives."""
    renamed = wsdls.renamed(
        PaymentGUID="PaymentID", CustomerID="CustID", ErrorCode="Err", Paperless="PaperInvoices"
    )
    connection = evolve(
        REPROMPT,
        wsdl=wsdls.put(tmp_path, renamed),
        request={"every": {"PaymentGUID": "PaymentID", "CustomerID": "CustID",
                           "Paperless": "PaperInvoices"}},
        answer={"every": {"CustomerID": "CustID", "ErrorCode": "Err",
                          "Paperless": "not PaperInvoices"}},
        codes={"every": {"12": "pending"}},
    )  # fmt: skip
    answers = {
        "EnrollInPaperless": result(
            "EnrollInPaperless",
            "<t:EnrollmentSuccessful>false</t:EnrollmentSuccessful><t:Err>12</t:Err>",
        ),
        "SearchByAccountNumber": result(
            "SearchByAccountNumber",
            "<t:Success>true</t:Success><t:Err>0</t:Err><t:Customers><t:Customer>"
            "<t:CustID>781137</t:CustID><t:AccountNumber>20481137</t:AccountNumber><t:Invoices>"
            "<t:Invoice><t:InvoiceNumber>1</t:InvoiceNumber><t:InvoiceType>WATER</t:InvoiceType>"
            "<t:BalanceDue>1.50</t:BalanceDue><t:InvoiceDueDate>0001-01-01T00:00:00"
            "</t:InvoiceDueDate><t:PaperInvoices>true</t:PaperInvoices>"
            "<t:PaperlessPending>false</t:PaperlessPending></t:Invoice></t:Invoices>"
            "</t:Customer></t:Customers>",
        ),
    }
    with canned(lambda asked: answers[asked.operation]) as server:
        backend = SoapBackend(evolve(connection, address=server.url))
        refused = backend.answer(ENROLL, 5.0)
        found = backend.answer(SEARCH, 5.0)

    assert refused == Refused(Refusal.PENDING)
    assert isinstance(found, CustomersFound)
    (customer,) = found.customers
    assert customer.id == RIVERA.id
    assert (customer.invoices[0].paperless, customer.invoices[0].due) == (False, None)
    payment = demo.payment("rivera").guid.reveal()
    assert f":PaymentID>{payment}<" in server.asked[0].body.decode()


def test_a_flag_of_a_request_can_be_turned_round(tmp_path: Path) -> None:
    """If the service asks for paper, yes to paperless is sent as no. Only flags can be negated."""
    wsdl = wsdls.put(tmp_path, wsdls.renamed(Paperless="PaperInvoices"))
    turned = {"every": {"Paperless": "not PaperInvoices"}}
    connection = evolve(REPROMPT, wsdl=wsdl, request=turned, answer=turned)
    assert "with 'not ' in front" in problems(evolve(REPROMPT, wsdl=wsdl))
    wish = StoreCustomerPreference(
        RIVERA.id, RIVERA.account, "WATER", True, RIVERA.email, None, "c-3", "k-3"
    )
    done = "<t:Success>true</t:Success><t:ErrorCode>0</t:ErrorCode>"

    with canned(lambda _: result("StoreCustomerPreference", done)) as server:
        backend = SoapBackend(evolve(connection, address=server.url))
        answers = [backend.answer(evolve(wish, paperless=p), 5.0) for p in (True, False)]

    assert answers == [Accepted(), Accepted()]
    said = [":PaperInvoices>false<", ":PaperInvoices>true<"]
    assert [s in a.body.decode() for s, a in zip(said, server.asked, strict=True)] == [True, True]
    wrong = {"every": {"PhoneNumber": "not PhoneNumber"}}
    assert "is not a flag" in problems(evolve(REPROMPT, request=wrong))


def test_names_that_nobody_has() -> None:
    """A mistyped name on our side of a connection is reported, with what was meant."""
    found = problems(
        evolve(
            REPROMPT, request={"every": {"InvoiceTyp": "x"}}, answer={"SendWebLink": {"Foo": "y"}}
        )
    )

    assert "request.every.InvoiceTyp: no operation has such a field; did you mean InvoiceType?" in (
        found
    )
    assert "answer.SendWebLink.Foo: no operation has such a field" in found


def test_wrapped_fields_are_mapped(tmp_path: Path) -> None:
    """If a service wants its fields inside another, they go there, even if no setting says so."""
    names = ("AccountNumber", "InvoiceNumber", "BillerGUID", "PartnerGUID", "PartnerKey")
    inside = {name: f"Req.{name}" for name in names}
    wsdl = wsdls.put(tmp_path, wsdls.wrapped("InvoiceExists"))
    connection = evolve(REPROMPT, wsdl=wsdl, request={"InvoiceExists": inside})
    there = "<t:Success>true</t:Success><t:ErrorCode>0</t:ErrorCode><t:Exists>true</t:Exists>"
    ask = InvoiceExists(RIVERA.account, RIVERA.invoices[0].number)

    with canned(lambda _: result("InvoiceExists", there)) as server:
        for told in (connection, evolve(connection, request={})):
            backend = SoapBackend(evolve(told, address=server.url))
            assert backend.answer(ask, 5.0) == InvoiceChecked(True)

    for asked in server.asked:
        body = asked.body.decode()
        assert body.index("Req>") < body.index("PartnerKey>s3cr3t<")


def test_fixed_fields(tmp_path: Path) -> None:
    """An additional field that the service requires gets the value in the connection."""
    extra = '<s:element minOccurs="1" maxOccurs="1" name="Channel" type="s:string" />'
    text = wsdls.CONTRACT.replace(
        '<s:element name="EnrollInPaperless">\n        <s:complexType>\n          <s:sequence>',
        '<s:element name="EnrollInPaperless">\n        <s:complexType>\n          <s:sequence>'
        + extra,
    )
    wsdl = wsdls.put(tmp_path, text)
    assert "requires Channel" in problems(evolve(REPROMPT, wsdl=wsdl))
    given = evolve(REPROMPT, wsdl=wsdl, fixed={"EnrollInPaperless": {"Channel": "IVR"}})

    with canned(lambda _: result("EnrollInPaperless", ENROLLED)) as server:
        answer = SoapBackend(evolve(given, address=server.url)).answer(ENROLL, 5.0)

    assert answer == Accepted()
    assert "Channel>IVR<" in server.asked[0].body.decode()


def test_fixed_field_that_nobody_takes() -> None:
    """A fixed field that the service does not have is a mistake."""
    found = problems(evolve(REPROMPT, fixed={"SendWebLink": {"Chanel": "IVR"}}))

    assert "SendWebLink does not take Chanel, which [fixed.SendWebLink] sets" in found


@pytest.mark.parametrize(
    ("field", "kind"),
    [("EnrollmentSuccessful", "s:string"), ("Success", "s:int"), ("Exists", "s:string")],
)
def test_flags_are_flags(tmp_path: Path, field: str, kind: str) -> None:
    """Success as a text would make every refusal a success, so it is refused at startup."""
    wsdl = wsdls.put(tmp_path, wsdls.retyped(field, kind))

    assert f"returns {field}, but it is not true or false" in problems(evolve(REPROMPT, wsdl=wsdl))


def test_optional_fields_may_lack(tmp_path: Path) -> None:
    """A service can be used without fields that are merely useful."""
    text = wsdls.renamed(EmailAddress="Mail", BalanceDue="Amount", Purpose="Why")
    connection = evolve(
        REPROMPT, wsdl=wsdls.put(tmp_path, text), request={"every": {"EmailAddress": "Mail"}}
    )

    assert SoapBackend(connection).operations == OPERATIONS


@pytest.mark.parametrize("soap", ["1.1", "1.2"])
def test_both_versions(soap: str) -> None:
    """Requests are sent in the version that the connection names."""
    reply = result("InvoiceExists", "<t:Success>true</t:Success><t:ErrorCode>0</t:ErrorCode>"
                   "<t:Exists>true</t:Exists>", soap)  # fmt: skip
    with canned(lambda _: reply) as server:
        backend = SoapBackend(evolve(REPROMPT, address=server.url, soap=soap))
        answer = backend.answer(EXISTS, 5.0)

    assert answer == InvoiceChecked(True)
    (asked,) = server.asked
    action = '"https://www.invoicecloud.com/portal/webservices/CloudIVR/InvoiceExists"'
    if soap == "1.1":
        assert asked.headers["content-type"] == "text/xml; charset=utf-8"
        assert asked.headers["soapaction"] == action
    else:
        kind = f"application/soap+xml; charset=utf-8; action={action}"
        assert asked.headers["content-type"] == kind


def test_one_version_only(tmp_path: Path) -> None:
    """A SOAP version that the service does not support is refused at startup."""
    text = wsdls.CONTRACT
    port = text.index('    <wsdl:port name="CloudIVRSoap12"')
    end = text.index("</wsdl:port>", port) + len("</wsdl:port>")
    wsdl = wsdls.put(tmp_path, text[:port] + text[end:])

    assert "supports only SOAP 1.1" in problems(evolve(REPROMPT, wsdl=wsdl, soap="1.2"))
    assert SoapBackend(evolve(REPROMPT, wsdl=wsdl)).operations == OPERATIONS


def test_typed_guids(tmp_path: Path) -> None:
    """If a WSDL has several schemas, answers are checked against all of them."""
    connection = evolve(REPROMPT, wsdl=wsdls.put(tmp_path, wsdls.with_guids()))

    with canned(lambda _: result("EnrollInPaperless", ENROLLED)) as server:
        answer = SoapBackend(evolve(connection, address=server.url)).answer(ENROLL, 5.0)

    assert answer == Accepted()


CODES: dict[str, tuple[object, object, object]] = {
    "already_paperless": (
        Refused(Refusal.ALREADY_PAPERLESS),
        Refused(Refusal.ALREADY_PAPERLESS),
        Refused(Refusal.ALREADY_PAPERLESS),
    ),
    "absent": (Refused(Refusal.OTHER), CustomersFound(()), InvoiceChecked(False)),
    "unavailable": (Unavailable(), Unavailable(), Unavailable()),
    "unknown": (OutcomeUnknown(), Unavailable(answered=True), Unavailable(answered=True)),
    "": (Refused(Refusal.OTHER), Refused(Refusal.OTHER), Refused(Refusal.OTHER)),
}


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("meaning", CODES)
def test_codes(meaning: str) -> None:
    """An error code means what the connection says; one that is not explained is a refusal."""
    codes = {"every": {"7": meaning}} if meaning else {}
    flags = {"EnrollInPaperless": "EnrollmentSuccessful"}

    def refusing(operation: str) -> Said:
        flag = flags.get(operation, "Success")
        fields = f"<t:{flag}>false</t:{flag}><t:ErrorCode>7</t:ErrorCode>"
        return result(
            operation, fields + ("<t:Exists>false</t:Exists>" * (operation == "InvoiceExists"))
        )

    with canned(lambda asked: refusing(asked.operation)) as server:
        backend = SoapBackend(evolve(REPROMPT, address=server.url, codes=codes))
        answers = tuple(backend.answer(r, 5.0) for r in (ENROLL, SEARCH, EXISTS))

    assert answers == CODES[meaning]


BAD_WSDLS: dict[str, Callable[[], Said]] = {
    "web page": lambda: Said(b"<html><body>Sign in</body></html>", content_type="text/html"),
    "HTTP status 404": lambda: Said(b"", 404),
    "HTTP status 302": lambda: Said(b"", 302, headers=(("Location", "/login"),)),
    "has no port for SOAP": lambda: Said(b"<definitions/>"),
    "XMLSyntaxError": lambda: Said(b"<wsdl:definitions"),
    "EntitiesForbidden": lambda: Said(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
    "Unable to resolve type": lambda: Said(wsdls.retyped("PaymentGUID", "tns:Nowhere").encode()),
    "none of the required operations": lambda: Said(
        wsdls.CONTRACT.replace('operation name="', 'operation name="Other').encode()
    ),
}


@pytest.mark.parametrize("says", BAD_WSDLS)
def test_bad_wsdl(says: str) -> None:
    """An invalid WSDL is refused at startup, in helpful words."""
    with canned(lambda _: BAD_WSDLS[says]()) as server:
        found = problems(evolve(REPROMPT, wsdl=f"{server.url}?WSDL"))

    assert says in found


def test_no_wsdl(tmp_path: Path) -> None:
    """A missing WSDL is refused at startup."""
    assert "no WSDL at" in problems(evolve(REPROMPT, wsdl=str(tmp_path / "nowhere.wsdl")))
    assert "connection refused" in problems(evolve(REPROMPT, wsdl="http://127.0.0.1:9/?WSDL"))


WITHOUT_ANSWER: dict[str, Said] = {
    "another operation's": result("SendWebLink", "<t:Success>true</t:Success>"),
    "an empty body": enveloped(""),
    "no body": Said(b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"/>'),
    "another envelope": Said(b'<e:Envelope xmlns:e="urn:other"><e:Body/></e:Envelope>'),
}


OF_THE_SERVICE = ("no body", "an empty body", "another operation's")
"""The service's own envelopes, which may have revealed something."""


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("kind", WITHOUT_ANSWER)
@pytest.mark.parametrize("request_", [SEARCH, ENROLL])
def test_no_answer(kind: str, request_: ServiceRequest) -> None:
    """An answer that does not fit the request counts as none: a write may have been done."""
    unavailable = Unavailable(answered=kind in OF_THE_SERVICE)
    lost = unavailable if request_ is SEARCH else OutcomeUnknown()
    with canned(lambda _: WITHOUT_ANSWER[kind]) as server:
        answer = SoapBackend(evolve(REPROMPT, address=server.url)).answer(request_, 5.0)

    assert answer == lost


def test_unwritable() -> None:
    """A text that no envelope can contain is not sent, and appears in no error."""
    with canned(lambda _: Said(b"")) as server:
        backend = SoapBackend(evolve(REPROMPT, address=server.url))
        answer = backend.answer(evolve(ENROLL, payment=credential("\x00s3cr3t")), 5.0)

    assert answer == Unavailable()
    assert "s3cr3t" not in repr(answer)
    assert server.asked == []
