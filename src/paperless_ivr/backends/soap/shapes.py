"""The fields that each operation takes and returns, with the reference contract's names.

The shape of `EnrollInPaperless` is the real service's. The others are proposals, and a connection
can define how a service differs from them.
"""

import enum
from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve, frozen

from paperless_ivr.flow import requests as r
from paperless_ivr.secret import Secret


class Kind(enum.Enum):
    """The kind of value that a field of an answer must have, as worded in reports of problems."""

    FLAG = "true or false"
    TEXT = "a text or a number"
    MONEY = "a decimal number"
    DAY = "a date"
    LIST = "a list"


@frozen
class Answered:
    """A field of an answer. An operation cannot be used without its needed fields."""

    name: str
    kind: Kind
    needed: bool
    decides: bool = False
    """Whether the call's next step depends on it. If it cannot be read, the answer is discarded."""
    default: str = ""
    """Its path, if different from its name."""
    inside: tuple["Answered", ...] = ()
    """The fields of each item of a list."""

    @property
    def path(self) -> str:
        """Its path in the reference contract."""
        return self.default or self.name


@frozen
class Shape:
    """The request and answer of one operation."""

    sends: Callable[[Any], Mapping[str, object]]
    """Returns a request's fields, except those in `WHO_ASKS`. Secrets stay secret."""
    needs: tuple[str, ...]
    """Fields of the request that the service must accept."""
    may: tuple[str, ...]
    """Fields of the request that are left out if the service does not have them."""
    success: Answered
    answers: tuple[Answered, ...] = ()


FLAGS = frozenset({"Paperless"})
"""Fields of requests that are true or false."""

NOT_USED = frozenset({"Message"})
"""Fields of answers that are meant for people, and are not reported as unused."""

WHO_ASKS = ("BillerGUID", "PartnerGUID", "PartnerKey")
"""Fields of every request, which identify the sender."""

ERROR_CODE = Answered("ErrorCode", Kind.TEXT, needed=False, decides=True)
SUCCESS = Answered("Success", Kind.FLAG, needed=True)

INVOICE = (
    Answered("InvoiceNumber", Kind.TEXT, needed=True),
    Answered("InvoiceType", Kind.TEXT, needed=True),
    Answered("BalanceDue", Kind.MONEY, needed=False),
    Answered("InvoiceDueDate", Kind.DAY, needed=False),
    Answered("Paperless", Kind.FLAG, needed=False, decides=True),
    Answered("PaperlessPending", Kind.FLAG, needed=False, decides=True),
)
CUSTOMER = (
    Answered("CustomerID", Kind.TEXT, needed=True),
    Answered("AccountNumber", Kind.TEXT, needed=True),
    Answered("CustomerName", Kind.TEXT, needed=False),
    Answered("EmailAddress", Kind.TEXT, needed=False),
    Answered("Phone", Kind.TEXT, needed=False),
    Answered("Invoices", Kind.LIST, needed=True, default="Invoices.Invoice", inside=INVOICE),
)
CUSTOMERS = Answered(
    "Customers", Kind.LIST, needed=True, default="Customers.Customer", inside=CUSTOMER
)


def _by_account(request: r.SearchByAccountNumber) -> Mapping[str, object]:
    return {"AccountNumber": request.account}


def _by_phone(request: r.SearchByCustomerPhoneNumber) -> Mapping[str, object]:
    return {"PhoneNumber": request.phone}


def _exists(request: r.InvoiceExists) -> Mapping[str, object]:
    return {"AccountNumber": request.account, "InvoiceNumber": request.invoice}


def _enroll(request: r.EnrollInPaperless) -> Mapping[str, object]:
    return {"PaymentGUID": request.payment}


def _prefer(request: r.StoreCustomerPreference) -> Mapping[str, object]:
    return {
        "CustomerID": request.customer,
        "InvoiceType": request.invoice_type,
        "Paperless": request.paperless,
        "EmailAddress": request.email,
        "PhoneNumber": request.phone,
        "Language": request.language,
        "ConsentReference": request.consent,
        "IdempotencyKey": request.key,
    }


def _text(request: r.SendWebLink) -> Mapping[str, object]:
    return {
        "CustomerID": request.customer,
        "InvoiceType": request.invoice_type,
        "PhoneNumber": request.phone,
        "Purpose": request.purpose,
        "Language": request.language,
        "ConsentReference": request.consent,
        "IdempotencyKey": request.key,
    }


def _autopay(request: r.StoreCustomerPaymentMethodV2) -> Mapping[str, object]:
    return {
        "PaymentGUID": request.payment,
        "CustomerID": request.customer,
        "InvoiceType": request.invoice_type,
        "ConsentReference": request.consent,
        "IdempotencyKey": request.key,
    }


_ON_RECORD = ("ConsentReference", "IdempotencyKey")

SHAPES: Mapping[str, Shape] = {
    "InvoiceExists": Shape(
        _exists,
        ("AccountNumber", "InvoiceNumber"),
        (),
        SUCCESS,
        (Answered("Exists", Kind.FLAG, needed=True),),
    ),
    "SearchByAccountNumber": Shape(_by_account, ("AccountNumber",), (), SUCCESS, (CUSTOMERS,)),
    "SearchByCustomerPhoneNumber": Shape(_by_phone, ("PhoneNumber",), (), SUCCESS, (CUSTOMERS,)),
    "SendWebLink": Shape(
        _text,
        ("CustomerID", "PhoneNumber"),
        ("InvoiceType", "Purpose", "Language", *_ON_RECORD),
        SUCCESS,
    ),
    "StoreCustomerPaymentMethodV2": Shape(
        _autopay, ("PaymentGUID",), ("CustomerID", "InvoiceType", *_ON_RECORD), SUCCESS
    ),
    "StoreCustomerPreference": Shape(
        _prefer,
        ("CustomerID", "InvoiceType", "Paperless", "EmailAddress"),
        ("PhoneNumber", "Language", *_ON_RECORD),
        SUCCESS,
    ),
    "EnrollInPaperless": Shape(
        _enroll, ("PaymentGUID",), (), evolve(SUCCESS, name="EnrollmentSuccessful")
    ),
}
"""The shape of every operation, by name."""


def revealed(value: object) -> object:
    """Return a value in the form that goes into an envelope."""
    return value.reveal() if isinstance(value, Secret) else value
