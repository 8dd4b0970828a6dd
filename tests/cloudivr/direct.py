"""The reference service as a back end without SOAP: calls its operations directly."""

from typing import Any

from attrs import frozen

from paperless_ivr import secret
from paperless_ivr.cloudivr import answers
from paperless_ivr.cloudivr.codes import Code
from paperless_ivr.cloudivr.operations import CloudIVR
from paperless_ivr.flow.events import (
    Accepted,
    Customer,
    CustomersFound,
    Invoice,
    InvoiceChecked,
    Refusal,
    Refused,
    ServiceAnswer,
)
from paperless_ivr.flow.requests import (
    OPERATIONS,
    EnrollInPaperless,
    InvoiceExists,
    SearchByAccountNumber,
    SearchByCustomerPhoneNumber,
    SendWebLink,
    ServiceRequest,
    StoreCustomerPaymentMethodV2,
    StoreCustomerPreference,
)
from tests.cloudivr.benches import ask, enrollment

REFUSALS = {
    Code.BAD_EMAIL: Refusal.BAD_EMAIL,
    Code.BAD_PHONE: Refusal.BAD_PHONE,
    Code.ALREADY_ENROLLED: Refusal.ALREADY_PAPERLESS,
    Code.PENDING: Refusal.PENDING,
    Code.LIMIT: Refusal.LIMIT,
}


@frozen(repr=False)
class DirectBackend:
    """Springfield Water's bills, through the service's operations."""

    service: CloudIVR
    operations: frozenset[str] = OPERATIONS

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer, however long it takes."""
        operation = getattr(self.service, type(request).__name__)
        if isinstance(request, EnrollInPaperless):
            answer = operation(**enrollment(PaymentGUID=request.payment.reveal()))
        else:
            answer = operation(**ask(), **fields(request))
        if answer.ErrorCode:
            return Refused(REFUSALS.get(Code(answer.ErrorCode), Refusal.OTHER))
        if isinstance(answer, answers.SearchAnswer):
            return CustomersFound(tuple(map(listed, answer.Customers)))
        if isinstance(answer, answers.InvoiceExistsAnswer):
            return InvoiceChecked(answer.Exists)
        return Accepted()


def fields(request: ServiceRequest) -> dict[str, Any]:
    """Return the fields of a request, without those that say who asks."""
    match request:
        case SearchByAccountNumber():
            return {"AccountNumber": request.account.reveal()}
        case SearchByCustomerPhoneNumber():
            return {"PhoneNumber": request.phone.reveal()}
        case InvoiceExists():
            account, invoice = request.account.reveal(), request.invoice.reveal()
            return {"AccountNumber": account, "InvoiceNumber": invoice}
    known: dict[str, Any] = {
        "CustomerID": int(request.customer.reveal()),
        "InvoiceType": request.invoice_type,
        "ConsentReference": request.consent,
        "IdempotencyKey": request.key,
    }
    match request:
        case StoreCustomerPreference():
            email = request.email.reveal() if request.email else None
            phone = request.phone.reveal() if request.phone else None
            return known | {
                "Paperless": request.paperless,
                "EmailAddress": email,
                "PhoneNumber": phone,
                "Language": request.language,
            }
        case SendWebLink():
            return known | {
                "PhoneNumber": request.phone.reveal(),
                "Purpose": request.purpose,
                "Language": request.language,
            }
        case StoreCustomerPaymentMethodV2():
            return known | {"PaymentGUID": request.payment.reveal()}


def listed(who: answers.Customer) -> Customer:
    """Return a customer as a call sees one."""
    return Customer(
        id=secret.customer(str(who.CustomerID)),
        account=secret.account(who.AccountNumber),
        invoices=tuple(
            Invoice(
                secret.invoice(invoice.InvoiceNumber),
                invoice.InvoiceType,
                invoice.BalanceDue,
                invoice.InvoiceDueDate.date(),
                invoice.Paperless,
                invoice.PaperlessPending,
            )
            for invoice in who.Invoices
        ),
        name=secret.name(who.CustomerName),
        email=secret.email(who.EmailAddress) if who.EmailAddress else None,
        phone=secret.phone(who.Phone) if who.Phone else None,
    )
