"""What a call may ask of the billing service and of the record, and nothing else.

The seven operations of CloudIVR keep their names (R20). A `Write` changes something at the
service: it carries the reference of the consent that allows it and the key under which
the record knows it. `EnrollInPaperless` has no field for a key at the service.
"""

from attrs import frozen

from paperless_ivr.flow.host import Moment
from paperless_ivr.secret import Secret


@frozen
class SearchByAccountNumber:
    """Customers and their invoices by account number."""

    account: Secret


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
    key: str


@frozen
class StoreCustomerPreference:
    """Stores paperless yes or no for one customer and invoice type (R05)."""

    customer: Secret
    account: Secret
    invoice_type: str
    paperless: bool
    email: Secret | None
    phone: Secret | None
    consent: str
    key: str


@frozen
class SendWebLink:
    """Texts a link: to review, to type the e-mail address, or to confirm (R03, R04)."""

    customer: Secret
    account: Secret
    invoice_type: str
    phone: Secret
    purpose: str
    consent: str
    key: str


@frozen
class StoreCustomerPaymentMethodV2:
    """Puts a customer on AutoPay with the method of an approved payment (R04)."""

    payment: Secret
    customer: Secret
    account: Secret
    invoice_type: str
    consent: str
    key: str


@frozen
class Screen:
    """Asks the record what became of earlier offers to this caller or account (R14)."""

    call_id: str
    biller: str
    moment: Moment
    ani: Secret | None
    account: Secret | None


@frozen
class CountLastFour:
    """Asks the record whether last-four checks are still allowed today (R17)."""

    biller: str
    ani: Secret | None
    accounts: tuple[Secret, ...]


@frozen
class KeepWish:
    """Asks the record to keep what the caller agreed to, to be completed later (R32)."""

    customer: Secret
    account: Secret
    invoice_type: str
    paperless: bool
    email: Secret | None
    phone: Secret | None
    consent: str
    key: str


Read = SearchByAccountNumber | SearchByCustomerPhoneNumber | InvoiceExists
Write = EnrollInPaperless | StoreCustomerPreference | SendWebLink | StoreCustomerPaymentMethodV2
ServiceRequest = Read | Write
RecordRequest = Screen | CountLastFour | KeepWish
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
