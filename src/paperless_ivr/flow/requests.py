"""What a call may ask of the billing service and of the record, and nothing else.

The seven operations of CloudIVR keep their names (R20). A `Write` changes something at the
service: it carries the reference of the consent that allows it and the key under which
the record knows it. `EnrollInPaperless` has no field for a key at the service.
"""

import enum
from typing import Self

from attrs import Factory, field, frozen

from paperless_ivr.flow.call import Consent, Purpose
from paperless_ivr.flow.host import Moment
from paperless_ivr.secret import Secret

_KEY: str = field(default=Factory(lambda request: request.consent, takes_self=True))
"""The key of a write, or of what is kept: the reference of the consent that allows it."""


@frozen
class SearchByAccountNumber:
    """Customers and their invoices by account number."""

    account: Secret
    ahead: bool = False
    """Before the offer, while nothing is said: within `budgets.before_offer`."""


@frozen
class SearchByCustomerPhoneNumber:
    """Customers and their invoices by the phone number on file."""

    phone: Secret


@frozen
class InvoiceExists:
    """Whether an invoice is still there."""

    account: Secret
    invoice: Secret


@frozen
class EnrollInPaperless:
    """Starts the registration of a payment's customer, with the payment's own e-mail (R21)."""

    payment: Secret
    customer: Secret
    account: Secret
    invoice_type: str
    consent: str
    key: str = _KEY


@frozen
class _Preference:
    """Paperless, or not, for one customer and invoice type."""

    customer: Secret
    account: Secret
    invoice_type: str
    paperless: bool
    email: Secret | None
    phone: Secret | None
    consent: str
    key: str = _KEY
    language: str | None = None

    @classmethod
    def of(cls, yes: Consent) -> Self:
        """What was agreed to about a bill."""
        return cls(
            yes.customer,
            yes.account,
            yes.invoice_type,
            yes.purpose is Purpose.ENROLL,
            yes.email,
            yes.phone,
            yes.reference,
            language=yes.language,
        )


@frozen
class StoreCustomerPreference(_Preference):
    """Stores paperless yes or no for one customer and invoice type (R05)."""


@frozen
class SendWebLink:
    """Texts a link: to review, to type the e-mail address, or to confirm (R03, R04)."""

    customer: Secret
    account: Secret
    invoice_type: str
    phone: Secret
    purpose: str
    consent: str
    key: str = _KEY
    language: str | None = None


@frozen
class StoreCustomerPaymentMethodV2:
    """Puts a customer on AutoPay with the method of an approved payment (R04)."""

    payment: Secret
    customer: Secret
    account: Secret
    invoice_type: str
    consent: str
    key: str = _KEY


@frozen
class Screen:
    """Asks the record what became of earlier offers to this caller or account (R14)."""

    call_id: str
    biller: str
    moment: Moment
    ani: Secret | None
    account: Secret | None


class Guess(enum.Enum):
    """What a caller keys that a stranger could guess."""

    ACCOUNT = "account"
    """An account number, by which a customer is looked up."""
    LAST_FOUR = "last_four"
    """The last four digits of an account that was found."""
    NUMBER = "number"
    """The whole number of an account that was found."""
    PHONE = "phone"
    """The last four digits of the phone number on file."""


@frozen
class ReserveTry:
    """Asks the record for one try at a guess, before the question is asked (R17, R47).

    The same key is the same try.
    """

    guess: Guess
    biller: str
    ani: Secret | None
    accounts: tuple[Secret, ...]
    """The accounts that the guess could hit; none where it is an account number."""
    key: str


@frozen
class DeferRequest(_Preference):
    """Asks the record to keep what the caller agreed to, to be completed later (R32)."""


def ahead(request: object) -> bool:
    """Whether the offer waits for a request, while nothing is said."""
    return isinstance(request, SearchByAccountNumber) and request.ahead


Read = SearchByAccountNumber | SearchByCustomerPhoneNumber | InvoiceExists
Write = EnrollInPaperless | StoreCustomerPreference | SendWebLink | StoreCustomerPaymentMethodV2
ServiceRequest = Read | Write
RecordRequest = Screen | ReserveTry | DeferRequest
Request = ServiceRequest | RecordRequest

OPERATIONS: frozenset[str] = frozenset(
    kind.__name__
    for kind in (
        SearchByAccountNumber,
        SearchByCustomerPhoneNumber,
        InvoiceExists,
        EnrollInPaperless,
        StoreCustomerPreference,
        SendWebLink,
        StoreCustomerPaymentMethodV2,
    )
)
"""The names of all seven operations; a biller's service may lack some (R05)."""
