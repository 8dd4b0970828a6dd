"""The SOAP back end against npm's SOAP server, which shares no code with ours."""

from collections.abc import Callable

import pytest
from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.backends import demo
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cli.setups import demo_connection
from paperless_ivr.flow.events import (
    Accepted,
    CustomersFound,
    InvoiceChecked,
    Refusal,
    Refused,
    Unavailable,
)
from paperless_ivr.flow.requests import (
    EnrollInPaperless,
    InvoiceExists,
    SearchByAccountNumber,
    SearchByCustomerPhoneNumber,
    SendWebLink,
    StoreCustomerPaymentMethodV2,
    StoreCustomerPreference,
)

pytestmark = [pytest.mark.requirement("R20", "R23"), pytest.mark.long]

BUDGET = 10.0
RIVERA = demo.customer("rivera")
NOBODY = secret.account("99999999")
PAID = secret.payment("11111111-2222-4333-8444-555555555555")
UNPAID = secret.payment("99999999-2222-4333-8444-555555555555")
PHONE = secret.phone("+12175550101")


def prefer(invoice_type: str, *, paperless: bool = True) -> StoreCustomerPreference:
    """Return a preference of the customer whom the server knows."""
    return StoreCustomerPreference(
        RIVERA.id, RIVERA.account, invoice_type, paperless, RIVERA.email, None, "c", "k"
    )


@pytest.mark.parametrize("soap", ["1.1", "1.2"])
def test_all_seven(soap_server: Callable[..., str], soap: str) -> None:
    """Every operation is understood in both directions, in both versions of SOAP."""
    connection = evolve(demo_connection(soap_server()), soap=soap)
    backend = SoapBackend(connection)

    by_account = backend.answer(SearchByAccountNumber(RIVERA.account), BUDGET)
    assert isinstance(by_account, CustomersFound)
    (customer,) = by_account.customers
    known = (RIVERA.id, RIVERA.account, RIVERA.name, RIVERA.email, RIVERA.phone)
    assert known == (customer.id, customer.account, customer.name, customer.email, customer.phone)
    flags = [(bill.type, bill.paperless, bill.pending) for bill in customer.invoices]
    assert flags == [
        ("WATER", False, False),
        ("SEWER", True, False),
        ("TRASH", False, True),
    ]
    water = customer.invoices[0]
    assert (water.amount, water.due) == (RIVERA.invoices[0].amount, RIVERA.invoices[0].due)

    for request, expected in (
        (SearchByAccountNumber(NOBODY), CustomersFound(())),
        (SearchByCustomerPhoneNumber(PHONE), by_account),
        (InvoiceExists(RIVERA.account, water.number), InvoiceChecked(True)),
        (InvoiceExists(RIVERA.account, secret.invoice("1")), InvoiceChecked(False)),
        (SendWebLink(RIVERA.id, RIVERA.account, "WATER", PHONE, "review", "c", "k"), Accepted()),
        (
            SendWebLink(RIVERA.id, RIVERA.account, "WATER", secret.phone("5"), "review", "c", "k"),
            Refused(Refusal.BAD_PHONE),
        ),
        (
            StoreCustomerPaymentMethodV2(PAID, RIVERA.id, RIVERA.account, "WATER", "c", "k"),
            Accepted(),
        ),
        (EnrollInPaperless(UNPAID, RIVERA.id, RIVERA.account, "WATER", "c", "k"),
         Refused(Refusal.OTHER)),
        (EnrollInPaperless(PAID, RIVERA.id, RIVERA.account, "WATER", "c", "k"), Accepted()),
        (EnrollInPaperless(PAID, RIVERA.id, RIVERA.account, "WATER", "c", "k"),
         Refused(Refusal.PENDING)),
        (prefer("TRASH", paperless=False), Accepted()),
        (prefer("SEWER"), Refused(Refusal.ALREADY_PAPERLESS)),
        (prefer("GAS"), Refused(Refusal.OTHER)),
    ):  # fmt: skip
        assert backend.answer(request, BUDGET) == expected, type(request).__name__


def test_wrong_key(soap_server: Callable[..., str]) -> None:
    """If the server does not know our partner key, we have no access to the service."""
    connection = demo_connection(soap_server("--partner-key", "another"))

    answer = SoapBackend(connection).answer(SearchByAccountNumber(RIVERA.account), BUDGET)

    assert isinstance(answer, Unavailable)
    assert answer.why == "access was refused with error code 100"
