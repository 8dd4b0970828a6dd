"""A made-up biller, Springfield Water, with a customer for every path that a call can take.

Customers have short handles (`rivera`), so that transcripts read well. Their details are in
`cloudivr/seed.toml`, which is also the reference service's initial data. Nothing here depends on
the current time.
"""

import time
from collections.abc import Callable, Mapping

from attrs import evolve

from paperless_ivr.backends.memory import Books, MemoryBackend, Paid
from paperless_ivr.cloudivr import seed
from paperless_ivr.flow.events import Customer, Invoice
from paperless_ivr.flow.host import Payment
from paperless_ivr.flow.policy import Biller, Policy
from paperless_ivr.flow.requests import OPERATIONS

BILLER = "springfield-water"
"""The biller's identifier."""

_SEED: Mapping[str, seed.Customer] = {
    customer.handle: customer for customer in seed.load().biller(BILLER).customers
}


def _listed(customer: seed.Customer) -> Customer:
    return Customer(
        id=customer.id,
        account=customer.account,
        invoices=tuple(
            Invoice(
                number=bill.number,
                type=bill.type,
                amount=bill.amount,
                due=bill.due,
                paperless=bill.paperless if bill.flag else None,
                pending=bill.pending,
            )
            for bill in customer.bills
        ),
        name=customer.name,
        email=customer.email,
        phone=customer.phone,
    )


CUSTOMERS: Mapping[str, Customer] = {handle: _listed(who) for handle, who in _SEED.items()}
"""All customers by handle, in their initial state."""


def customer(handle: str) -> Customer:
    """Return the customer with this handle, in their initial state.

    Raises LookupError if there is none.
    """
    if handle not in CUSTOMERS:
        message = f"unknown customer {handle!r}; choose {', '.join(CUSTOMERS)}"
        raise LookupError(message)
    return CUSTOMERS[handle]


def payment(handle: str) -> Payment:
    """Return the approved payment of a customer's first bill, as the host hands it over."""
    payer = customer(handle)
    paid = _SEED[handle].payment
    return Payment(
        guid=paid.guid,
        approved=True,
        email=paid.email,
        account=payer.account,
        invoice=paid.invoice,
    )


BOOKS = Books(
    customers=tuple(CUSTOMERS.values()),
    payments=tuple(
        Paid(who.payment.guid, who.id, who.payment.type, who.payment.email)
        for who in _SEED.values()
    ),
    joined=tuple(
        frozenset(who.account for who in _SEED.values() if who.holder == holder)
        for holder in dict.fromkeys(who.holder for who in _SEED.values() if who.holder)
    ),
    gone=frozenset(bill.number for who in _SEED.values() for bill in who.bills if bill.gone),
    landlines=frozenset(who.phone for who in _SEED.values() if who.phone and who.landline),
)
"""The initial data of Springfield Water's service. Each customer has paid their first bill."""


def springfield(
    operations: frozenset[str] = OPERATIONS, sleep: Callable[[float], None] = time.sleep
) -> MemoryBackend:
    """Return Springfield Water's billing service, with its initial data and these operations."""
    return MemoryBackend(BOOKS, operations, sleep)


def demo_policy() -> Policy:
    """Return the default policy, with Springfield Water's name and the names of its bills."""
    default = Policy()
    names = {
        kind: {"en-US": called["en"], "es-US": called["es"]}
        for kind, called in seed.load().biller(BILLER).invoice_types.items()
    }
    return evolve(
        default,
        biller=Biller(BILLER, "Springfield Water"),
        bills=evolve(default.bills, names=names),
    )
