"""What the operations answer: the types of the contract, under its names."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from attrs import field, frozen

from paperless_ivr.cloudivr.codes import Code


@frozen
class Answer:
    """What most operations answer."""

    Success: bool
    Message: str
    ErrorCode: int

    @classmethod
    def of(cls, code: Code, *more: Any) -> Self:
        """The answer that says this, and what more there is to say."""
        return cls(code is Code.NONE, code.message, code, *more)


@frozen
class PaperlessEnrollment_Response:
    """What `EnrollInPaperless` answers: successful is *pending*, not *enrolled* (R21)."""

    EnrollmentSuccessful: bool
    Message: str
    ErrorCode: int

    @classmethod
    def of(cls, code: Code) -> "PaperlessEnrollment_Response":
        """The answer that says no more than this."""
        return cls(code is Code.NONE, code.message, code)


@frozen
class InvoiceExistsAnswer(Answer):
    """What `InvoiceExists` answers."""

    Exists: bool = False


@frozen
class Invoice:
    """An open invoice, as a search answers it."""

    InvoiceNumber: str = field(repr=False)
    InvoiceType: str
    BalanceDue: Decimal = field(repr=False)
    InvoiceDueDate: datetime = field(repr=False)
    Paperless: bool | None
    PaperlessPending: bool


@frozen(repr=False)
class Customer:
    """A customer, as a search answers it."""

    CustomerID: int
    AccountNumber: str
    CustomerName: str
    EmailAddress: str | None
    Phone: str | None
    Invoices: tuple[Invoice, ...]


@frozen
class SearchAnswer(Answer):
    """What a search answers; to find nobody is no failure."""

    Customers: tuple[Customer, ...] = ()
