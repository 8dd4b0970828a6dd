"""Customers and payments from real calls, which have no handles in the demo.

Each customer is described in a header, with the data that a search found. The lines of the call use
the header's letter as a handle:

    customer a: account 30917764; e-mail q.tvxk@example.com; WATER #3091701 due 2026-11-02 pending
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from attrs import evolve, frozen

from paperless_ivr import secret
from paperless_ivr.backends.demo import CUSTOMERS, customer, payment
from paperless_ivr.flow.events import Customer, Invoice
from paperless_ivr.flow.host import Payment
from paperless_ivr.transcripts.form import STATUSES

HEADER = "customer "
"""The prefix of a header that describes a customer. The rest of its name is the handle."""

_ON_FILE = {"account": secret.account, "e-mail": secret.email, "phone": secret.phone}
_PAID = {"account": secret.account, "e-mail": secret.email, "invoice": secret.invoice}
_BILL = re.compile(
    r"(?P<type>.+?) #(?P<number>\S+)(?: (?P<amount>\d+(?:\.\d+)?))?(?: due (?P<due>[\d-]{10}))? "
    rf"(?P<status>{'|'.join(STATUSES)})"
)


@frozen
class People:
    """The customers that a transcript can refer to: demo customers, and those in its headers."""

    described: dict[str, Customer]

    def describe(self, handle: str, text: str) -> None:
        """Add the customer that a header describes. Raises ValueError if it is not valid."""
        found = re.fullmatch(r"([a-z]+)\d*", handle)
        if not found:
            raise ValueError(f"{handle!r}: expected letters, and a number if something has changed")
        told: dict[str, secret.Secret] = {"id": secret.customer(found[1])}
        bills = []
        for part in text.split("; "):
            word, _, value = part.partition(" ")
            if word in _ON_FILE:
                told[_field(word)] = _ON_FILE[word](value)
            else:
                bills.append(_bill(part))
        if "account" not in told:
            raise ValueError("a customer must have an account")
        self.described[handle] = Customer(**told, invoices=tuple(bills))

    def customer(self, handle: str) -> Customer:
        """Return the customer with a handle. Raises LookupError if there is none."""
        return self.described.get(handle) or customer(handle)

    def payment(self, text: str) -> Payment:
        """Return a demo customer's payment, by handle, or the payment that a text describes."""
        said, _, rest = text.partition("; ")
        if said in ("approved", "not approved"):
            parts = (part.partition(" ") for part in rest.split("; ") if part)
            told = {_field(word): _PAID[word](value) for word, _, value in parts}
            return Payment(secret.payment("described"), said == "approved", **told)
        handle, _, judged = text.partition(" ")
        if judged not in ("", "not approved"):
            raise ValueError(f"a payment must be {handle!r} or '{handle} not approved'")
        return evolve(payment(handle), approved=not judged)


def _field(word: str) -> str:
    return word.replace("-", "")


def _bill(text: str) -> Invoice:
    found = _BILL.fullmatch(text)
    if not found:
        raise ValueError(
            f"{text!r}: expected a bill, such as 'WATER #3091701 48.20 due 2026-12-15 paper'"
        )
    paperless, pending = STATUSES[found["status"]]
    return Invoice(
        secret.invoice(found["number"]),
        found["type"],
        Decimal(found["amount"]) if found["amount"] else None,
        date.fromisoformat(found["due"]) if found["due"] else None,
        paperless,
        pending,
    )


# ── written ──────────────────────────────────────────────────────────────────────────────


def described(who: Customer) -> str:
    """Return the header that describes a customer. It omits the name, which is not needed."""
    return "; ".join([*_told(account=who.account, email=who.email, phone=who.phone), *_bills(who)])


def _bills(who: Customer) -> Iterator[str]:
    names = {flags: name for name, flags in STATUSES.items()}
    for bill in who.invoices:
        amount = "" if bill.amount is None else f" {bill.amount:f}"
        due = "" if bill.due is None else f" due {bill.due}"
        status = "pending" if bill.pending else names[bill.paperless, False]
        yield f"{bill.type} #{bill.number.reveal()}{amount}{due} {status}"


def paid(by: Payment) -> str:
    """Return the header that describes a payment."""
    told = _told(account=by.account, email=by.email, invoice=by.invoice)
    return "; ".join(["approved" if by.approved else "not approved", *told])


def _told(**values: secret.Secret | None) -> Iterator[str]:
    for name, value in values.items():
        if value:
            yield f"{'e-mail' if name == 'email' else name} {value.reveal()}"


def of_the_demo(found: Customer) -> str:
    """Return a demo customer's handle, with any changes to the initial status of their bills."""
    handle = next((h for h, c in CUSTOMERS.items() if c.id == found.id), "?")
    first = CUSTOMERS[handle].invoices if handle in CUSTOMERS else ()
    names = {flags: name for name, flags in STATUSES.items()}
    changed = [
        f"{now.type} {names.get((now.paperless, now.pending), 'pending')}"
        for was, now in zip(first, found.invoices, strict=False)
        if was != now
    ]
    return f"{handle} ({', '.join(changed)})" if changed else handle
