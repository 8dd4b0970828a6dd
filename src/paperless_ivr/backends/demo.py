"""A made-up biller, Springfield Water, with a customer for every turn a call can take.

Nobody here exists: telephone numbers are of the 555-0100 to 555-0199 range that is kept for
fiction, addresses are at example domains, or plainly invented where a call needs a
well-known domain to read back. Customers are called by short handles (`rivera`), so that
transcripts read well. Nothing here looks at a clock.
"""

import time
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from uuid import NAMESPACE_DNS, uuid5

from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.backends.memory import Books, MemoryBackend, Paid
from paperless_ivr.flow.events import Customer, Invoice
from paperless_ivr.flow.host import Payment
from paperless_ivr.flow.requests import OPERATIONS

BILLER = "springfield-water"
"""The biller's identifier."""


def _bill(
    invoice_type: str,
    amount: str,
    due: str,
    *,
    paperless: bool | None = False,
    pending: bool = False,
) -> Invoice:
    """An invoice still without its number."""
    nobody = secret.invoice("")
    return Invoice(
        nobody, invoice_type, Decimal(amount), date.fromisoformat(due), paperless, pending
    )


def _customer(
    account: str, name: str, email: str | None, phone: str | None, *bills: Invoice
) -> Customer:
    """A customer; identifier and invoice numbers are made of the account number."""
    return Customer(
        id=secret.customer(f"7{account[-5:]}"),
        account=secret.account(account),
        invoices=tuple(
            evolve(bill, number=secret.invoice(f"{account[-5:]}{n:02}"))
            for n, bill in enumerate(bills, 1)
        ),
        name=secret.name(name),
        email=secret.email(email) if email else None,
        phone=secret.phone(phone) if phone else None,
    )


CUSTOMERS: Mapping[str, Customer] = {
    # One water bill, everything on file.
    "rivera": _customer(
        "20481137",
        "Jane Rivera",
        "jane.rivera@example.com",
        "+12175550101",
        _bill("WATER", "48.20", "2026-12-15"),
    ),
    # No e-mail address on file; the payment was made with one.
    "chen": _customer(
        "20482245", "Lily Chen", None, "+12175550102", _bill("WATER", "31.75", "2026-12-15")
    ),
    # No telephone number on file; an address at a well-known domain.
    "patel": _customer(
        "20483352",
        "Arun Patel",
        "not.a.real.patel@gmail.com",
        None,
        _bill("WATER", "66.04", "2026-12-18"),
    ),
    # Neither.
    "okafor": _customer(
        "20484460", "Ada Okafor", None, None, _bill("WATER", "52.90", "2026-12-18")
    ),
    # Seven bills of seven types.
    "novak": _customer(
        "20485578",
        "Petr Novak",
        "invented.novak@yahoo.com",
        "+12175550105",
        _bill("WATER", "71.30", "2026-12-10"),
        _bill("SEWER", "44.15", "2026-12-10"),
        _bill("TRASH", "23.00", "2026-12-12"),
        _bill("GAS", "118.67", "2026-12-20"),
        _bill("STORM", "9.50", "2026-12-20"),
        _bill("IRRIGATION", "15.25", "2027-01-05"),
        _bill("HYDRANT", "6.00", "2027-01-05"),
    ),
    # Two who share a telephone; the last four digits tell them apart.
    "haddad": _customer(
        "20486681",
        "Samir Haddad",
        "samir.haddad@example.com",
        "+12175550106",
        _bill("WATER", "39.99", "2026-12-15"),
    ),
    "lindgren": _customer(
        "20487793",
        "Eva Lindgren",
        "eva.lindgren@example.com",
        "+12175550106",
        _bill("WATER", "41.10", "2026-12-15"),
    ),
    # Two who share a telephone and the last four digits; only the whole number tells.
    "kim": _customer(
        "20484805",
        "Min Kim",
        "min.kim@example.com",
        "+16185550107",
        _bill("WATER", "57.45", "2026-12-15"),
    ),
    "kim-shop": _customer(
        "31994805",
        "Kim's Corner Shop",
        "shop@kim.example",
        "+16185550107",
        _bill("WATER", "210.00", "2026-12-22"),
    ),
    # Already paperless.
    "dubois": _customer(
        "20489016",
        "Claire Dubois",
        "claire.dubois@example.com",
        "+16185550109",
        _bill("WATER", "28.80", "2026-12-15", paperless=True),
    ),
    # A link was sent and not opened yet.
    "silva": _customer(
        "20490124",
        "Rosa Silva",
        "rosa.silva@example.com",
        "+16185550110",
        _bill("WATER", "35.60", "2026-12-15", pending=True),
    ),
    # Water is paperless, sewer still on paper.
    "ali": _customer(
        "20491238",
        "Omar Ali",
        "omar.ali@example.com",
        "+16185550111",
        _bill("WATER", "62.00", "2026-12-15", paperless=True),
        _bill("SEWER", "37.00", "2026-12-15"),
    ),
    # The service answers without the paperless flag.
    "tanaka": _customer(
        "20492341",
        "Yuki Tanaka",
        "yuki.tanaka@example.com",
        "+16185550112",
        _bill("WATER", "46.75", "2026-12-15", paperless=None),
    ),
    # The search still lists an invoice that is gone.
    "weber": _customer(
        "20493450",
        "Karl Weber",
        "karl.weber@example.com",
        "+16185550113",
        _bill("WATER", "80.05", "2026-11-30"),
    ),
    # The number on file is a landline, and there is no e-mail address.
    "olsen": _customer(
        "20494567", "Nils Olsen", None, "+12175550114", _bill("WATER", "33.33", "2026-12-15")
    ),
    # One holder of two accounts, a water bill on each: amount and due date tell them apart.
    "park": _customer(
        "20495672",
        "Hana Park",
        "hana.park@example.com",
        "+13125550115",
        _bill("WATER", "54.10", "2026-12-15"),
    ),
    "park-rental": _customer(
        "31995719",
        "Hana Park",
        "hana.park@example.com",
        "+13125550115",
        _bill("WATER", "19.85", "2026-12-28"),
    ),
    # Nothing but a permit fee, which a policy may leave out.
    "reyes": _customer(
        "20496784",
        "Luis Reyes",
        "luis.reyes@example.com",
        "+13125550116",
        _bill("PERMIT", "125.00", "2026-12-31"),
    ),
    # Has just paid the only bill: the search lists no invoice any more.
    "ivanova": _customer("20497895", "Mila Ivanova", "mila.ivanova@example.com", "+13125550117"),
}
"""Every customer by handle, as a search answers at first."""

_PAID_WITH = {"chen": "lily.at.work@example.com"}
"""Payments made with another address than the one on file."""


def customer(handle: str) -> Customer:
    """The customer of that handle, as a search answers at first."""
    if handle not in CUSTOMERS:
        message = f"no customer {handle!r}; there are {', '.join(CUSTOMERS)}"
        raise LookupError(message)
    return CUSTOMERS[handle]


def payment(handle: str) -> Payment:
    """An approved payment of a customer's first bill, as the host hands it over."""
    payer = customer(handle)
    paid_with = secret.email(_PAID_WITH[handle]) if handle in _PAID_WITH else payer.email
    return Payment(
        guid=secret.payment(str(uuid5(NAMESPACE_DNS, f"{handle}.{BILLER}.example"))),
        approved=True,
        email=paid_with,
        account=payer.account,
        invoice=payer.invoices[0].number if payer.invoices else secret.invoice("9789501"),
    )


def _paid(handle: str) -> Paid:
    taken, payer = payment(handle), customer(handle)
    paid_type = payer.invoices[0].type if payer.invoices else "WATER"
    return Paid(taken.guid, payer.id, paid_type, taken.email)


BOOKS = Books(
    customers=tuple(CUSTOMERS.values()),
    payments=tuple(_paid(handle) for handle in CUSTOMERS),
    joined=(frozenset({customer("park").account, customer("park-rental").account}),),
    gone=frozenset({customer("weber").invoices[0].number}),
    landlines=frozenset({secret.phone("+12175550114")}),
)
"""What Springfield Water's service holds at first; each customer has paid their first bill."""


def springfield(
    operations: frozenset[str] = OPERATIONS, sleep: Callable[[float], None] = time.sleep
) -> MemoryBackend:
    """Springfield Water's billing service, as new, with these operations."""
    return MemoryBackend(BOOKS, operations, sleep)
