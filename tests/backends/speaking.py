"""A server for any WSDL: zeep reads what it receives, and writes what it answers.

It knows nothing about our back end: its answers use the names of the WSDL.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from lxml import etree
from zeep import Client, Settings
from zeep.helpers import serialize_object
from zeep.wsdl.bindings import Soap11Binding, Soap12Binding

from paperless_ivr.backends import demo
from tests.backends.canned import ENVELOPES, Asked, Canned, Said, canned

RIVERA = demo.customer("rivera")
PAYMENT = demo.payment("rivera")
ENROLLED = {"EnrollmentSuccessful": True, "ErrorCode": 0}

Answers = Mapping[str, Mapping[str, Any]]
"""By operation of the WSDL: the content of its response element."""


def bill(**more: Any) -> dict[str, Any]:
    """Return a bill of an ASMX service written in VB."""
    return {
        "InvoiceNumber": "30001",
        "InvoiceTypeID": 1,
        "InvoiceTypeDesc": "WATER",
        "BalanceDue": "48.20",
        "InvoiceDueDate": "2026-12-15T00:00:00",
        "IsPaperless": False,
        **more,
    }


def asmx_customers(**more: Any) -> dict[str, Any]:
    """Return Rivera, in an array with ASMX's names; `more` changes the bill."""
    customer = {
        "CustomerID": RIVERA.id.reveal(),
        "AccountNumber": RIVERA.account.reveal(),
        "EmailAddress": RIVERA.email.reveal() if RIVERA.email else None,
        "Invoices": {"clsInvoice": [bill(**more)]},
    }
    return {"clsCustomer": [customer]}


def _asmx(flags: Mapping[str, Any], search: str = "SearchByAccountNumber", **more: Any) -> Answers:
    fields = {
        "EnrollInPaperless": {"EnrollmentSuccessful": True, **flags},
        "InvoiceExists": {"Exists": True, **flags},
        search: {"Customers": asmx_customers(**more), **flags},
        "SearchByCustomerPhoneNumber": {"Customers": asmx_customers(**more), **flags},
        "SendWebLink": flags,
        "StoreCustomerPaymentMethodV2": flags,
    }
    return {operation: {f"{operation}Result": result} for operation, result in fields.items()}


CODE = {"ErrorCode": 0}
FLAG = {"WasSuccessful": True, "ErrorCode": 0}
WCF_CUSTOMER = {
    "CustomerID": RIVERA.id.reveal(),
    "AccountNumber": RIVERA.account.reveal(),
    "Invoices": {"Invoice": [{"InvoiceNumber": "30001", "InvoiceType": "WATER",
                              "BalanceDue": "48.20", "Paperless": False}]},
}  # fmt: skip

SERVICES: Mapping[str, Answers] = {
    "axis": {
        "EnrollInPaperless": {"EnrollInPaperlessReturn": ENROLLED},
        "InvoiceExists": {"InvoiceExistsReturn": True},
    },
    "cxf": {
        "EnrollInPaperless": {"return": {"status": "OK", "detail": None}},
        "SearchByAccountNumber": {
            "return": [{"id": RIVERA.id.reveal(), "accountNumber": RIVERA.account.reveal(),
                        "emailAddress": None,
                        "bills": [{"number": "30001", "type": "WATER", "amount": 48.2,
                                   "due": "2026-12-15Z", "paperless": "false"}]}],
        },
    },
    "vb": _asmx(CODE),
    "vb_success": _asmx(FLAG),
    "vb_dataset": _asmx(FLAG),
    "no_action": _asmx(FLAG),
    "twice": _asmx(FLAG),
    "other_names": _asmx(CODE, "SearchByAccountNumberV3"),
    "text_money": _asmx(FLAG, BalanceDue="$1,048.20", InvoiceDueDate="12/15/2026"),
    "yn_flag": _asmx(FLAG, IsPaperless="N"),
    "flat": {"EnrollInPaperless": ENROLLED},
    "out_params": {
        "EnrollInPaperless": {"EnrollInPaperlessResult": ENROLLED},
        "InvoiceExists": {"InvoiceExistsResult": True, "ErrorCode": 0},
    },
    "simple_results": {
        "EnrollInPaperless": {"EnrollInPaperlessResult": ENROLLED},
        "InvoiceExists": {"InvoiceExistsResult": True},
        "SearchByAccountNumber": {"SearchByAccountNumberResult": asmx_customers()},
    },
    "wcf": {
        "EnrollInPaperless": {"EnrollInPaperlessResult": ENROLLED},
        "SearchByAccountNumber": {
            "SearchByAccountNumberResult": {
                "Success": True, "ErrorCode": 0, "Customers": {"Customer": [WCF_CUSTOMER]},
            }
        },
    },
    "rpc_literal": {
        "EnrollInPaperless": {"return": ENROLLED},
        "SearchByAccountNumber": {
            "return": {
                "Success": True, "ErrorCode": 0,
                "Customers": [{**WCF_CUSTOMER,
                               "Invoices": [{"InvoiceNumber": "1", "InvoiceType": "WATER"}]}],
            }
        },
    },
}  # fmt: skip
"""The answers of each service."""


def _with_references(envelope: etree._Element) -> Said:
    """Return the answer as Axis encodes it, with complex values at the end, under a name."""
    body = envelope[-1]
    for number, item in enumerate([e for e in body[0].iter() if len(e)][1:]):
        apart = etree.SubElement(
            body, "multiRef", {"id": f"id{number}", f"{{{ENCODING}}}root": "0"}
        )
        apart.extend(list(item))
        item.set("href", f"#id{number}")
    for leaf in body.iter("EnrollmentSuccessful", "InvoiceExistsReturn"):
        leaf.set(f"{{{XSI}}}type", "xsd:boolean")
    return Said(etree.tostring(envelope))


def _in_parts(envelope: etree._Element) -> Said:
    """Return the answer as CXF sends it with MTOM enabled."""
    head = (
        '--uuid:1\r\nContent-Type: application/xop+xml; charset=UTF-8; type="text/xml"\r\n'
        "Content-ID: <root.message@cxf.apache.org>\r\n\r\n"
    )
    body = head.encode() + etree.tostring(envelope) + b"\r\n--uuid:1--"
    kind = (
        'multipart/related; type="application/xop+xml"; boundary="uuid:1"; '
        'start="<root.message@cxf.apache.org>"; start-info="text/xml"'
    )
    return Said(body, content_type=kind)


ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
FOLDER = Path(__file__).parent / "services"
REWRITTEN: Mapping[str, Callable[[etree._Element], Said]] = {
    "axis": _with_references,
    "cxf": _in_parts,
}
"""The way in which each stack rewrites an answer that zeep has written."""


@frozen
class Heard:
    """A request as the server understood it."""

    operation: str
    action: str | None
    fields: Mapping[str, Any]


@define
class Speaking:
    """The running server."""

    url: str
    heard: list[Heard] = field(factory=list)


@contextmanager
def speaking(name: str, answers: Answers | None = None) -> Iterator[Speaking]:
    """Run a server for a WSDL on this machine, for both SOAP versions."""
    wsdl, rewrite = FOLDER / f"{name}.wsdl", REWRITTEN.get(name)
    says = SERVICES[name] if answers is None else answers
    bindings = {
        version: binding
        for binding in Client(str(wsdl), settings=Settings(strict=True)).wsdl.bindings.values()
        for version, kind in {"1.1": Soap11Binding, "1.2": Soap12Binding}.items()
        if type(binding) is kind
    }
    served: list[Speaking] = []

    def answer(asked: Asked) -> Said:
        envelope = etree.fromstring(asked.body)
        version = next(v for v, ns in ENVELOPES.items() if envelope.tag == f"{{{ns}}}Envelope")
        request = envelope[-1][0]
        operation = bindings[version].get(etree.QName(request).localname)
        fields = serialize_object(operation.input.body.parse(request, operation.input.wsdl.types))
        served[0].heard.append(Heard(operation.name, asked.headers.get("soapaction"), fields or {}))
        said = operation.output.serialize(**says[operation.name]).content
        if operation.style == "rpc":  # zeep writes the name of the message
            wrapper = said[-1][0]
            namespace = etree.QName(request).namespace
            wrapper.tag = f"{{{namespace}}}{operation.name}Response"
        if rewrite is not None:
            return rewrite(said)
        kind = "text/xml" if version == "1.1" else "application/soap+xml"
        return Said(etree.tostring(said), content_type=f"{kind}; charset=utf-8")

    with canned(answer) as server:
        served.append(Speaking(server.url))
        yield served[0]


__all__ = ["SERVICES", "Canned", "Heard", "Speaking", "speaking"]
