"""The operations' answers, with the names and fields that the contract defines."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from attrs import field, frozen

from paperless_ivr.cloudivr.codes import Code


@frozen
class Answer:
    """The answer to most operations."""

    Success: bool
    Message: str
    ErrorCode: int

    @classmethod
    def of(cls, code: Code, *more: Any) -> Self:
        """Return the answer with this code and any further fields."""
        return cls(code is Code.NONE, code.message, code, *more)


@frozen
class PaperlessEnrollment_Response:
    """The answer to `EnrollInPaperless`. Success means *pending*, not *enrolled* (R21)."""

    EnrollmentSuccessful: bool
    Message: str
    ErrorCode: int

    @classmethod
    def of(cls, code: Code) -> "PaperlessEnrollment_Response":
        """Return the answer with this code."""
        return cls(code is Code.NONE, code.message, code)


@frozen
class InvoiceExistsAnswer(Answer):
    """The answer to `InvoiceExists`."""

    Exists: bool = False


@frozen
class Invoice:
    """An open invoice in a search result."""

    InvoiceNumber: str = field(repr=False)
    InvoiceType: str
    BalanceDue: Decimal = field(repr=False)
    InvoiceDueDate: datetime = field(repr=False)
    Paperless: bool | None
    PaperlessPending: bool


@frozen(repr=False)
class Customer:
    """A customer in a search result."""

    CustomerID: int
    AccountNumber: str
    CustomerName: str
    EmailAddress: str | None
    Phone: str | None
    Invoices: tuple[Invoice, ...]


@frozen
class SearchAnswer(Answer):
    """The answer to a search. An empty result is not a failure."""

    Customers: tuple[Customer, ...] = ()
