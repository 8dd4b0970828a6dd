"""The initial data of the reference service and the demo, read from `seed.toml`."""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from attrs import field, frozen

from paperless_ivr import secret
from paperless_ivr.secret import Secret


@frozen
class Bill:
    """An invoice, and how bills of its type are delivered initially."""

    number: Secret
    type: str
    amount: Decimal = field(repr=False)
    due: date = field(repr=False)
    paperless: bool
    pending: bool
    flag: bool
    """Whether a search result shows if the bill is paperless."""
    gone: bool
    """Whether `InvoiceExists` no longer finds it, although a search still lists it."""


@frozen
class Payment:
    """The payment of a customer's first bill."""

    guid: Secret
    invoice: Secret
    type: str
    email: Secret | None


@frozen
class Customer:
    """A customer of a biller, with the data on file."""

    handle: str
    id: Secret
    account: Secret
    name: Secret
    email: Secret | None
    phone: Secret | None
    landline: bool
    """Whether the telephone cannot receive texts."""
    holder: str | None
    """The account holder, if the same person has several accounts."""
    bills: tuple[Bill, ...]
    payment: Payment


@frozen
class Biller:
    """A biller, with its products, invoice types, and customers."""

    id: str
    name: str
    guid: str
    products: frozenset[str]
    bills_still_on_paper: int
    """The number of bills that may still come on paper after a link is opened."""
    invoice_types: Mapping[str, Mapping[str, str]]
    """For each type, its name in each language."""
    customers: tuple[Customer, ...]


@frozen
class Partner:
    """The operator of a telephone line, and the billers it may ask about."""

    name: str
    guid: str
    key: str = field(repr=False)
    billers: tuple[str, ...]


@frozen
class Seed:
    """All partners and billers."""

    partners: tuple[Partner, ...]
    billers: tuple[Biller, ...]

    def biller(self, identifier: str) -> Biller:
        """Return the biller with the given identifier. Raises LookupError if there is none."""
        for biller in self.billers:
            if biller.id == identifier:
                return biller
        known = ", ".join(biller.id for biller in self.billers)
        message = f"unknown biller {identifier!r}; choose one of: {known}"
        raise LookupError(message)


@cache
def load() -> Seed:
    """Return the seed that ships with the package."""
    text = files("paperless_ivr.cloudivr").joinpath("seed.toml").read_text(encoding="utf-8")
    read = tomllib.loads(text)
    return Seed(
        tuple(Partner(**{**p, "billers": tuple(p["billers"])}) for p in read["partners"]),
        tuple(_biller(biller) for biller in read["billers"]),
    )


def _biller(read: Mapping[str, Any]) -> Biller:
    return Biller(
        id=read["id"],
        name=read["name"],
        guid=read["guid"],
        products=frozenset(read["products"]),
        bills_still_on_paper=read["bills_still_on_paper"],
        invoice_types=read["invoice_types"],
        customers=tuple(
            _customer(read["id"], read["first_digit"], handle, customer)
            for handle, customer in read["customers"].items()
        ),
    )


def _customer(biller: str, first_digit: str, handle: str, read: Mapping[str, Any]) -> Customer:
    account: str = read["account"]
    email = secret.email(read["email"]) if "email" in read else None
    bills = tuple(_bills(account[-5:], read.get("bills", ())))
    return Customer(
        handle=handle,
        id=secret.customer(first_digit + account[-5:]),
        account=secret.account(account),
        name=secret.name(read["name"]),
        email=email,
        phone=secret.phone(read["phone"]) if "phone" in read else None,
        landline=read.get("landline", False),
        holder=read.get("holder"),
        bills=bills,
        payment=Payment(
            guid=secret.payment(str(uuid5(NAMESPACE_DNS, f"{handle}.{biller}.example"))),
            invoice=secret.invoice(f"{account[-5:]}01"),
            type=read.get("paid_type") or bills[0].type,
            email=secret.email(read["paid_with"]) if "paid_with" in read else email,
        ),
    )


def _bills(beginning: str, read: list[Mapping[str, Any]]) -> Iterator[Bill]:
    for count, bill in enumerate(read, 1):
        yield Bill(
            number=secret.invoice(f"{beginning}{count:02}"),
            type=bill["type"],
            amount=Decimal(bill["amount"]),
            due=bill["due"],
            paperless=bill.get("paperless", False),
            pending=bill.get("pending", False),
            flag=bill.get("flag", True),
            gone=bill.get("gone", False),
        )
