"""What the operations answer: the types of the contract, under its names."""

from datetime import datetime
from decimal import Decimal

from attrs import field, frozen

from paperless_ivr.cloudivr.codes import Code


@frozen
class Answer:
    """What most operations answer."""

    Success: bool
    Message: str
    ErrorCode: int

    @classmethod
    def of(cls, code: Code) -> "Answer":
        """The answer that says no more than this."""
        return cls(code is Code.NONE, code.message, code)


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
class InvoiceExistsAnswer:
    """What `InvoiceExists` answers."""

    Success: bool
    Message: str
    ErrorCode: int
    Exists: bool

    @classmethod
    def of(cls, code: Code, exists: bool = False) -> "InvoiceExistsAnswer":
        """The answer that says this, and whether the invoice exists."""
        return cls(code is Code.NONE, code.message, code, exists)


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
class SearchAnswer:
    """What a search answers; to find nobody is no failure."""

    Success: bool
    Message: str
    ErrorCode: int
    Customers: tuple[Customer, ...] = ()

    @classmethod
    def of(cls, code: Code, customers: tuple[Customer, ...] = ()) -> "SearchAnswer":
        """The answer that says this, and who was found."""
        return cls(code is Code.NONE, code.message, code, customers)
