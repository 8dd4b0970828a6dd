"""The ways in which other stacks write their WSDLs. Each is understood as it is meant."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve
from lxml import etree

from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.backends.soap.contract import load_contract
from paperless_ivr.backends.soap.fit import fits
from paperless_ivr.backends.soap.http import Http
from paperless_ivr.backends.soap.schemas import KNOWN
from paperless_ivr.flow.events import (
    Accepted,
    CustomersFound,
    InvoiceChecked,
    OutcomeUnknown,
    Refusal,
    Refused,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.requests import ServiceRequest
from tests.backends import wsdls
from tests.backends.canned import Canned, Said, canned, enveloped
from tests.backends.test_soap_fit import ENROLL, ENROLLED, EXISTS, REPROMPT, SEARCH

Ask = Callable[[ServiceRequest, str], ServiceAnswer]

XSI = "http://www.w3.org/2001/XMLSchema-instance"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
TABLES = {"request": {}, "answer": {}, "fixed": {}, "codes": {}, "written": {}}


@contextmanager
def asking(folder: Path, wsdl: str, **tables: object) -> Iterator[tuple[Canned, Ask]]:
    """Call a service of a WSDL that gives one answer."""
    said: list[Said] = []
    with canned(lambda _: said[-1]) as server:
        place = wsdls.put(folder, wsdl)
        backend = SoapBackend(evolve(REPROMPT, address=server.url, wsdl=place, **(TABLES | tables)))

        def ask(request: ServiceRequest, content: str) -> ServiceAnswer:
            said.append(enveloped(content))
            return backend.answer(request, 5.0)

        yield server, ask


def problems(folder: Path, wsdl: str, **tables: object) -> list[str]:
    """Return what keeps the operations of a WSDL from being used."""
    connection = evolve(REPROMPT, wsdl=wsdls.put(folder, wsdl), **(TABLES | tables))
    contract = load_contract(connection, str(connection.wsdl), Http.of(connection))
    return [says for fit in fits(contract, connection).values() for says in fit.problems]


# ── arrays in SOAP's own encoding ────────────────────────────────────────────────────────


def as_arrays(inside: str = "", imported: str = "") -> str:
    """Return the contract with encoded arrays for lists, as NuSOAP, Axis, and Delphi have them."""
    found = wsdls.only("SearchByAccountNumber", "EnrollInPaperless")
    for item in ("Customer", "Invoice"):
        array = (
            f'<s:complexType name="ArrayOf{item}"><s:complexContent>'
            f'<s:restriction base="e:Array">{inside.format(item)}'
            f'<s:attribute ref="e:arrayType" wsdl:arrayType="tns:{item}[]"/>'
            "</s:restriction></s:complexContent></s:complexType>"
        )
        found, times = re.subn(
            rf'<s:complexType name="ArrayOf{item}">.*?</s:complexType>', array, found,
            flags=re.DOTALL,
        )  # fmt: skip
        assert times == 1
    found = re.sub(r"(<s:schema [^>]*>)", rf"\1{imported}", found, count=1)
    return found.replace("<wsdl:definitions ", f'<wsdl:definitions xmlns:e="{ENCODING}" ', 1)


def listed(item: str, attribute: str = "") -> str:
    """Return an answer whose list items have this name."""
    customer, invoice = item.format("Customer"), item.format("Invoice")
    return (
        "<t:SearchByAccountNumberResponse><t:SearchByAccountNumberResult>"
        "<t:Success>true</t:Success><t:ErrorCode>0</t:ErrorCode>"
        f"<t:Customers {attribute}><{customer}><t:CustomerID>7</t:CustomerID>"
        f"<t:AccountNumber>20481137</t:AccountNumber><t:Invoices {attribute}>"
        + "".join(
            f"<{invoice}><t:InvoiceNumber>{number}</t:InvoiceNumber>"
            "<t:InvoiceType>WATER</t:InvoiceType>"
            f"<t:BalanceDue>48.20</t:BalanceDue><t:Paperless>false</t:Paperless>"
            f"<t:PaperlessPending>false</t:PaperlessPending></{invoice}>"
            for number in (1, 2)
        )
        + f"</t:Invoices></{customer}></t:Customers>"
        "</t:SearchByAccountNumberResult></t:SearchByAccountNumberResponse>"
    )


IMPORT = f'<s:import namespace="{ENCODING}"/>'
NAMED = (
    '<s:sequence><s:element name="{0}" type="tns:{0}" minOccurs="0" maxOccurs="unbounded"/>'
    "</s:sequence>"
)
ARRAYS = {
    "NuSOAP": (as_arrays(imported=IMPORT), "item"),
    "Axis": (as_arrays(), "t:{}"),
    "Delphi": (as_arrays("<s:sequence/>", IMPORT), "item"),
    "gSOAP": (as_arrays(NAMED), "t:{}"),
}


@pytest.mark.requirement("R20", "R21")
@pytest.mark.parametrize("stack", ARRAYS)
def test_an_encoded_array(tmp_path: Path, stack: str) -> None:
    """The items of an array are read, whatever their names, and no other host is contacted."""
    wsdl, item = ARRAYS[stack]
    kind = f'xmlns:e="{ENCODING}" e:arrayType="t:Customer[1]"'
    with asking(tmp_path, wsdl) as (_, ask):
        found = ask(SEARCH, listed(item, kind))

    assert isinstance(found, CustomersFound)
    (customer,) = found.customers
    assert [(bill.number.reveal(), bill.amount, bill.paperless) for bill in customer.invoices] == [
        ("1", Decimal("48.20"), False),
        ("2", Decimal("48.20"), False),
    ]


def test_texts_of_the_encoding(tmp_path: Path) -> None:
    """Axis writes texts and Booleans in types of the encoding. They are read and sent that way."""
    wsdl = as_arrays()
    for kind in ("string", "boolean"):
        wsdl = wsdl.replace(f'type="s:{kind}"', f'type="e:{kind}"')
    with asking(tmp_path, wsdl) as (server, ask):
        found = ask(SEARCH, listed("item"))
        enrolled = ask(ENROLL, ENROLLED_ANSWER)

    assert isinstance(found, CustomersFound)
    assert [bill.paperless for bill in found.customers[0].invoices] == [False, False]
    assert enrolled == Accepted()
    assert f">{ENROLL.payment.reveal()}<".encode() in server.asked[-1].body


ENROLLED_ANSWER = (
    "<t:EnrollInPaperlessResponse><t:EnrollInPaperlessResult>"
    f"{ENROLLED}</t:EnrollInPaperlessResult></t:EnrollInPaperlessResponse>"
)


@pytest.mark.parametrize("address", KNOWN)
def test_schemas_that_everyone_refers_to(tmp_path: Path, address: str) -> None:
    """The schemas of standards are never fetched."""
    namespace = etree.fromstring(KNOWN[address]).get("targetNamespace")
    imported = f'<s:import namespace="{namespace}" schemaLocation="http://{address}"/>'
    wsdl = re.sub(r"(<s:schema [^>]*>)", rf"\1{imported}", wsdls.CONTRACT, count=1)

    assert problems(tmp_path, wsdl) == []


def test_a_doctype(tmp_path: Path) -> None:
    """A WSDL may have a DOCTYPE, as W3C schemas do, but what it refers to is not fetched."""
    doctype = '<!DOCTYPE definitions PUBLIC "-//W3C//DTD" "http://127.0.0.1:9/definitions.dtd">'
    wsdl = wsdls.CONTRACT.replace("<wsdl:definitions", f"{doctype}<wsdl:definitions", 1)

    assert problems(tmp_path, wsdl) == []


@pytest.mark.requirement("R23")
def test_items_of_another_name(tmp_path: Path) -> None:
    """An array of substitutes for its item is neither empty nor mistaken for an empty one."""
    wsdl = wsdls.only("SearchByAccountNumber")
    stands_in = '<s:element name="WaterInvoice" substitutionGroup="tns:Invoice"/></s:schema>'
    with asking(tmp_path, wsdl.replace("</s:schema>", stands_in)) as (_, ask):
        none = re.sub(r"<t:Invoice>.*</t:Invoice>", "", listed("t:{}"))
        empty = ask(SEARCH, none)
        other = ask(SEARCH, listed("t:{}").replace("t:Invoice>", "t:WaterInvoice>"))

    assert isinstance(empty, CustomersFound)
    assert empty.customers[0].invoices == ()
    assert other == Unavailable(answered=True)


# ── attributes ───────────────────────────────────────────────────────────────────────────


def with_attributes() -> str:
    """Return the contract with the fields of a bill as attributes."""
    found = wsdls.only("SearchByAccountNumber")
    fields = re.search(r'<s:complexType name="Invoice">(.*?)</s:complexType>', found, re.DOTALL)
    assert fields
    attributes = "".join(
        f'<s:attribute name="{name}" type="{kind}" use="{use}"/>'
        for name, kind, use in (
            ("InvoiceNumber", "s:string", "required"),
            ("InvoiceType", "s:string", "required"),
            ("BalanceDue", "s:decimal", "optional"),
            ("Paperless", "s:boolean", "required"),
        )
    )
    return found.replace(fields[1], attributes)


BILL = '<t:Invoice InvoiceNumber="1" InvoiceType="WATER" BalanceDue="48.20" Paperless="{}"/>'


@pytest.mark.requirement("R21")
def test_fields_that_are_attributes(tmp_path: Path) -> None:
    """Attributes are read as strictly as elements."""
    answer = re.sub(r"<t:Invoice>.*</t:Invoice>", BILL, listed("t:{}"))
    with asking(tmp_path, with_attributes()) as (_, ask):
        found = ask(SEARCH, answer.format("true"))
        wrong = ask(SEARCH, answer.format("maybe"))
        without = ask(SEARCH, answer.replace(' Paperless="{}"', ""))

    assert isinstance(found, CustomersFound)
    ((bill,),) = [customer.invoices for customer in found.customers]
    assert (bill.number.reveal(), bill.amount, bill.paperless) == ("1", Decimal("48.20"), True)
    assert (wrong, without) == (Unavailable(answered=True), Unavailable(answered=True))


def test_an_element_goes_before_an_attribute_of_its_name(tmp_path: Path) -> None:
    """A type may have both; the element is the field, as it is without the attribute."""
    wsdl = wsdls.only("SearchByAccountNumber")
    kind = re.search(r'<s:complexType name="Invoice">.*?</s:sequence>', wsdl, re.DOTALL)
    assert kind
    attribute = '<s:attribute name="Paperless" type="s:string"/>'
    with asking(tmp_path, wsdl.replace(kind[0], kind[0] + attribute)) as (_, ask):
        found = ask(SEARCH, listed("t:{}").replace("<t:Invoice>", '<t:Invoice Paperless="true">'))

    assert isinstance(found, CustomersFound)
    assert [bill.paperless for bill in found.customers[0].invoices] == [False, False]


REQUIRED = '</s:sequence><s:attribute name="version" type="s:string" use="required"/>'


def test_a_request_wants_an_attribute(tmp_path: Path) -> None:
    """A required attribute is named before the first call, and sent once its value is known."""
    head, name, rest = wsdls.only("EnrollInPaperless").partition(
        '<s:element name="EnrollInPaperless">'
    )
    wsdl = head + name + rest.replace("</s:sequence>", REQUIRED, 1)

    (says,) = problems(tmp_path, wsdl)
    assert "requires version, but we have no value for it" in says

    fixed = {"EnrollInPaperless": {"version": "3"}}
    with asking(tmp_path, wsdl, fixed=fixed) as (server, ask):
        assert ask(ENROLL, ENROLLED_ANSWER) == Accepted()
    assert b'version="3"' in server.asked[0].body


# ── requests and answers of other shapes ─────────────────────────────────────────────────


def test_a_request_in_a_list_of_one(tmp_path: Path) -> None:
    """A field may be inside an element that can occur more than once, as in SAP's tables."""
    wsdl = wsdls.only("EnrollInPaperless")
    field = re.search(r'<s:element [^>]*name="PaymentGUID"[^>]*/>', wsdl)
    assert field
    table = (
        '<s:element name="Payments"><s:complexType><s:sequence><s:element name="item" '
        'minOccurs="0" maxOccurs="unbounded"><s:complexType><s:sequence>'
        f"{field[0]}</s:sequence></s:complexType></s:element></s:sequence></s:complexType>"
        "</s:element>"
    )
    request = {"EnrollInPaperless": {"PaymentGUID": "Payments.item.PaymentGUID"}}
    wsdl = wsdl.replace(field[0], table, 1)
    with asking(tmp_path, wsdl, request=request) as (server, ask):
        assert ask(ENROLL, ENROLLED_ANSWER) == Accepted()

    body = etree.fromstring(server.asked[0].body)
    (payment,) = body.iterfind(".//{*}Payments/{*}item/{*}PaymentGUID")
    assert payment.text == ENROLL.payment.reveal()


def bare(operation: str) -> str:
    """Return the contract with an operation whose answer is one element with a Boolean."""
    found, times = re.subn(
        rf'<s:element name="{operation}Response">.*?</s:complexType>\s*</s:element>',
        f'<s:element name="{operation}Response" type="s:boolean" nillable="true"/>',
        wsdls.only(operation), flags=re.DOTALL,
    )  # fmt: skip
    assert times == 1
    return found


@pytest.mark.requirement("R21")
@pytest.mark.parametrize(("text", "expected"), [
    ("true", InvoiceChecked(True)),
    ("0", InvoiceChecked(False)),
    ("", Unavailable(answered=True)),
    ("perhaps", Unavailable(answered=True)),
    ("<t:Exists>true</t:Exists>", Unavailable(answered=True)),
])  # fmt: skip
def test_the_answer_itself(tmp_path: Path, text: str, expected: ServiceAnswer) -> None:
    """If an answer is just a Boolean, the connection says what it means."""
    answer = {"InvoiceExists": {"Success": "any answer", "Exists": "."}}
    with asking(tmp_path, bare("InvoiceExists"), answer=answer) as (_, ask):
        assert ask(EXISTS, f"<t:InvoiceExistsResponse>{text}</t:InvoiceExistsResponse>") == expected


@pytest.mark.requirement("R21")
@pytest.mark.parametrize(("text", "expected"), [
    (">true", Accepted()),
    (">false", Refused(Refusal.OTHER)),
    (f' xmlns:i="{XSI}" i:nil="true">', OutcomeUnknown()),
    (f' xmlns:i="{XSI}" i:nil="true">true', OutcomeUnknown()),
])  # fmt: skip
def test_success_itself(tmp_path: Path, text: str, expected: ServiceAnswer) -> None:
    """The same holds for a write, and if the connection does not say, `check` explains how."""
    wsdl = bare("EnrollInPaperless")
    (says,) = problems(tmp_path, wsdl)
    assert 'or "." if it is the answer itself' in says

    answer = {"EnrollInPaperless": {"EnrollmentSuccessful": "."}}
    with asking(tmp_path, wsdl, answer=answer) as (_, ask):
        content = f"<t:EnrollInPaperlessResponse{text}</t:EnrollInPaperlessResponse>"
        assert ask(ENROLL, content) == expected


def test_a_request_that_cannot_be_written(tmp_path: Path) -> None:
    """Such a request is refused before the first call, not during it."""
    text = (
        '<s:complexType name="Typed"><s:simpleContent><s:extension base="s:string">'
        '<s:attribute name="kind" type="s:string" use="required"/></s:extension>'
        "</s:simpleContent></s:complexType></s:schema>"
    )
    wsdl = wsdls.only("EnrollInPaperless").replace("</s:schema>", text)
    wsdl = re.sub(r'(name="PaymentGUID" type=)"[^"]*"', r'\1"tns:Typed"', wsdl)

    (says,) = problems(tmp_path, wsdl)
    assert "request cannot be written" in says


def test_the_contrary_itself(tmp_path: Path) -> None:
    """A bare answer can also be negated."""
    answer = {"InvoiceExists": {"Success": "any answer", "Exists": "not ."}}
    with asking(tmp_path, bare("InvoiceExists"), answer=answer) as (_, ask):
        gone = "<t:InvoiceExistsResponse>true</t:InvoiceExistsResponse>"
        assert ask(EXISTS, gone) == InvoiceChecked(False)
