"""npm's SOAP client against the reference service, and zeep against npm's SOAP server."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep

from paperless_ivr.cloudivr.serving import running
from tests.cloudivr.benches import ask, guid, number

pytestmark = [pytest.mark.requirement("R20"), pytest.mark.long]

WATER = {"CustomerID": number("rivera"), "InvoiceType": "WATER"}
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("InvoiceExists", {**ask(), "AccountNumber": "20481137", "InvoiceNumber": "8113701"}),
    ("SearchByAccountNumber", {**ask(), "AccountNumber": "20491238"}),
    ("SearchByCustomerPhoneNumber", {**ask(), "PhoneNumber": "6185550112"}),
    ("SendWebLink", {**ask(), **WATER, "PhoneNumber": "2175550180", "Purpose": "review"}),
    ("StoreCustomerPaymentMethodV2", {**ask(), "PaymentGUID": guid("rivera"), **WATER}),
    (
        "StoreCustomerPreference",
        {**ask(), **WATER, "Paperless": True, "EmailAddress": "typed.here@example.com"},
    ),
    ("EnrollInPaperless", {"Request": {"PaymentGUID": guid("silva"), **ask()}}),
    ("SendWebLink", {**ask(), **WATER, "CustomerID": "x"}),
]
DONE = {"Success": True, "Message": "Done.", "ErrorCode": 0}


@pytest.mark.requirement("R22")
def test_client(node: str) -> None:
    """All seven operations are called, and understood, in both versions of SOAP."""
    with running() as service:
        done = subprocess.run(
            [node, "client.js", service.wsdl_url, json.dumps(REQUESTS)],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        sent = service.outbox()

    assert done.stderr == ""
    told = json.loads(done.stdout)
    for version in ("1.1", "1.2"):
        exists, by_account, by_phone, text, autopay, wish, enrolled, fault = [
            result for _, result in told[version]
        ]
        assert exists == {**DONE, "Exists": True}
        (ali,) = by_account["Customers"]["Customer"]
        assert (ali["CustomerID"], ali["CustomerName"]) == (number("ali"), "Omar Ali")
        assert ali["Invoices"]["Invoice"] == [
            {
                "InvoiceNumber": "9123801",
                "InvoiceType": "WATER",
                "BalanceDue": 62,
                "InvoiceDueDate": "2026-12-15T00:00:00.000Z",
                "Paperless": True,
                "PaperlessPending": False,
            },
            {
                "InvoiceNumber": "9123802",
                "InvoiceType": "SEWER",
                "BalanceDue": 37,
                "InvoiceDueDate": "2026-12-15T00:00:00.000Z",
                "Paperless": False,
                "PaperlessPending": False,
            },
        ]
        ((bill,),) = [c["Invoices"]["Invoice"] for c in by_phone["Customers"]["Customer"]]
        assert "Paperless" not in bill
        assert text == autopay == wish == DONE
        assert (enrolled["EnrollmentSuccessful"], enrolled["ErrorCode"]) == (False, 401)
        assert "CustomerID has a value of the wrong type" in json.dumps(fault)
    assert told["1.1"][-1][1]["fault"]["faultcode"] == "soap:Client"
    assert told["1.2"][-1][1]["fault"]["Code"] == {"Value": "soap:Sender"}
    assert (len(sent.texts), len(sent.emails)) == (2, 2)


@pytest.mark.parametrize("port", ["CloudIVRSoap", "CloudIVRSoap12"])
def test_server(soap_server: Callable[..., str], port: str) -> None:
    """Our WSDL is enough for another library to serve all seven operations to zeep."""
    url = soap_server()
    rivera = {"AccountNumber": "20481137"}
    paid = {"PaymentGUID": "11111111-2222-4333-8444-555555555555"}
    with requests.Session() as session:
        client = zeep.Client(f"{url}?wsdl", transport=zeep.Transport(session=session))
        ivr = client.bind("CloudIVR", port)
        found = ivr.SearchByAccountNumber(**ask(), **rivera).Customers.Customer
        same = ivr.SearchByCustomerPhoneNumber(**ask(), PhoneNumber="+12175550101")
        nobody = ivr.SearchByAccountNumber(**ask(), AccountNumber="1")
        exists = ivr.InvoiceExists(**ask(), **rivera, InvoiceNumber="8113701").Exists
        first, second = (ivr.EnrollInPaperless({**paid, **ask()}) for _ in range(2))
        paper = ivr.StoreCustomerPreference(**ask(), **WATER, Paperless=False)
        text = ivr.SendWebLink(**ask(), **WATER, PhoneNumber="2175550180")
        autopay = ivr.StoreCustomerPaymentMethodV2(**paid, **ask(), **WATER)
        refused = ivr.InvoiceExists(**{**ask(), "PartnerKey": "wrong"})

    flags = [(i.Paperless, i.PaperlessPending) for i in found[0].Invoices.Invoice]
    assert flags == [(False, False), (True, False), (False, True)]
    assert same.Customers.Customer == found
    assert nobody.Customers is None
    assert exists
    assert (first.EnrollmentSuccessful, second.ErrorCode) == (True, 401)
    assert [a.Success for a in (paper, text, autopay)] == [True] * 3
    assert (refused.Success, refused.ErrorCode) == (False, 100)


def test_servers_end_with_their_input(node: str) -> None:
    """A server exits when no one holds its standard input open anymore."""
    wsdl = Path(__file__).parents[2] / "src/paperless_ivr/cloudivr/CloudIVR.wsdl"
    done = subprocess.run(
        [node, "server.js", str(wsdl)],
        cwd=Path(__file__).parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
