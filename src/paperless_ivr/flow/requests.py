"""All requests that a call can send to the billing service or the record.

CloudIVR's seven operations keep their names (R20). A `Write` changes something at the service. It
contains the reference of the consent that allows it, and the key that identifies it in the record.
The service's `EnrollInPaperless` takes no key.
"""

import enum
from typing import Self

from attrs import Factory, field, frozen

from paperless_ivr.flow.call import Consent, Purpose
from paperless_ivr.flow.host import Moment
from paperless_ivr.secret import Secret

_KEY: str = field(default=Factory(lambda request: request.consent, takes_self=True))
"""The key of a write or a deferred request: the reference of the consent that allows it."""


@frozen
class SearchByAccountNumber:
    """A search for customers and their invoices by account number."""

    account: Secret
    ahead: bool = False
    """Whether the search runs before the offer, in silence (`budgets.before_offer`)."""


@frozen
class SearchByCustomerPhoneNumber:
    """A search for customers and their invoices by the phone number on file."""

    phone: Secret


@frozen
class InvoiceExists:
    """A request to check whether an invoice still exists."""

    account: Secret
    invoice: Secret


@frozen
class EnrollInPaperless:
    """A request to start a registration with a payment's customer and e-mail address (R21)."""

    payment: Secret
    customer: Secret
    account: Secret
    invoice_type: str
    consent: str
    key: str = _KEY


@frozen
class _Preference:
    """A delivery preference (paperless or not) for one customer and invoice type."""

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
        """Return the preference that the caller agreed to for a bill."""
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
    """A request to store whether a customer gets an invoice type paperless (R05)."""


@frozen
class SendWebLink:
    """A request to text a link (R03, R04). `purpose` is the value of a `TextPurpose`."""

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
    """A request to put a customer on AutoPay, using the method of an approved payment (R04)."""

    payment: Secret
    customer: Secret
    account: Secret
    invoice_type: str
    consent: str
    key: str = _KEY


@frozen
class Screen:
    """A question to the record about how earlier offers to this caller or account ended (R14)."""

    call_id: str
    biller: str
    moment: Moment
    ani: Secret | None
    account: Secret | None


class Guess(enum.Enum):
    """The kinds of input that a stranger could guess."""

    ACCOUNT = "account"
    """An account number used to look up a customer."""
    LAST_FOUR = "last_four"
    """The last four digits of an account that was found."""
    NUMBER = "number"
    """The whole number of an account that was found."""
    PHONE = "phone"
    """The last four digits of the phone number on file."""


@frozen
class ReserveTry:
    """A request to reserve a try at input that a stranger could guess (R17, R47).

    It is sent before the question or the search. Requests with the same key reserve the same try.
    """

    guess: Guess
    biller: str
    ani: Secret | None
    accounts: tuple[Secret, ...]
    """The accounts that the guess could match. Empty for `Guess.ACCOUNT`."""
    key: str


@frozen
class DeferRequest(_Preference):
    """A request to the record to save what the caller agreed to, for completion later (R32)."""


def ahead(request: object) -> bool:
    """Whether a request is sent before the offer, while the line is silent."""
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
"""The names of all seven operations. A biller's service may lack some of them (R05)."""
