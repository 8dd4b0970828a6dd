"""Looks up payments, customers, and their bills and registrations."""

from datetime import datetime, time
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from paperless_ivr.cloudivr import answers
from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.admission import plain_guid
from paperless_ivr.cloudivr.codes import Code
from paperless_ivr.cloudivr.transactions import Refused
from paperless_ivr.cloudivr.words import known
from paperless_ivr.keypad import EmailPad


class Bill(NamedTuple):
    """The unit of enrollment: a customer's bills of one type. Has the fields of `tables.OfBill`."""

    BillerID: int
    CustomerID: int
    InvoiceTypeID: int


def locked_customer(session: Session, biller: int, number: int) -> t.Customer:
    """Lock a customer until the transaction ends, and return the customer.

    Every write for a customer starts here, so that concurrent writes run one after another and each
    write sees the result of the previous one.
    """
    customer = session.scalar(
        select(t.Customer).filter_by(BillerID=biller, CustomerID=number).with_for_update()
    )
    if customer is None:
        raise Refused(Code.CUSTOMER_NOT_FOUND)
    return customer


def locked_bill(session: Session, biller: int, number: int, invoice_type: str | None) -> Bill:
    """Lock a customer, and return their bill of the given type, whether it is open or paid.

    Raises Refused if there is no such customer or bill.
    """
    customer = locked_customer(session, biller, number)
    billed = select(t.Invoice.InvoiceTypeID).filter_by(CustomerID=customer.CustomerID)
    paid = select(t.Payment.InvoiceTypeID).filter_by(CustomerID=customer.CustomerID)
    found = session.scalar(
        select(t.InvoiceType.InvoiceTypeID).where(
            t.InvoiceType.BillerID == biller,
            t.InvoiceType.InvoiceType == (invoice_type or ""),
            or_(t.InvoiceType.InvoiceTypeID.in_(billed), t.InvoiceType.InvoiceTypeID.in_(paid)),
        )
    )
    if found is None:
        raise Refused(Code.INVOICE_TYPE_NOT_FOUND)
    return Bill(biller, customer.CustomerID, found)


def note_language(session: Session, bill: Bill, tag: str | None) -> None:
    """Save the language in which a customer consented, for later messages and pages."""
    language = known(tag)
    if language is not None:
        session.get_one(t.Customer, bill.CustomerID).Language = language


def locked_payment(
    session: Session,
    biller: int,
    guid: str | None,
    customer: int | None = None,
    invoice_type: str | None = None,
) -> tuple[t.Payment, Bill]:
    """Return a payment to this biller and the bill that it paid, and lock its customer.

    Payments to other billers are not found. If the request gives a customer or a type of bill,
    they must match the payment.
    """
    payment = session.scalar(
        select(t.Payment).filter_by(PaymentGUID=plain_guid(guid), BillerID=biller)
    )
    if payment is None:
        raise Refused(Code.PAYMENT_NOT_FOUND)
    locked_customer(session, biller, payment.CustomerID)
    if customer not in (None, payment.CustomerID) or invoice_type not in (
        None,
        session.get_one(t.InvoiceType, payment.InvoiceTypeID).InvoiceType,
    ):
        raise Refused(Code.PAYMENT_DIFFERS)
    return payment, Bill(biller, payment.CustomerID, payment.InvoiceTypeID)


def registration_of(session: Session, bill: Bill) -> t.PaperlessRegistration | None:
    """Return a bill's registration, or None if there never was one."""
    return session.scalar(select(t.PaperlessRegistration).filter_by(**bill._asdict()))


def status_of(registration: t.PaperlessRegistration | None, now: datetime) -> t.Registered:
    """Return the status of a bill's registration, which is `CANCELED` if there is none.

    A pending registration can no longer be completed after its last link has expired, so it then
    counts as canceled.
    """
    if registration is None:
        return t.Registered.CANCELED
    end = registration.ExpiresAt
    if registration.Status is t.Registered.PENDING and end is not None and end <= now:
        return t.Registered.CANCELED
    return registration.Status


def is_landline(session: Session, biller: int, last_ten: str) -> bool:
    """Return whether the biller has this number on file as a landline."""
    landline = select(t.Customer.CustomerID).filter_by(
        BillerID=biller, PhoneLastTen=last_ten, PhoneTakesText=False
    )
    return session.scalar(landline.limit(1)) is not None


def is_email(address: str | None) -> bool:
    """Return whether a string is a well-formed e-mail address."""
    local, _, domain = (address or "").rpartition("@")
    return EmailPad().address(local, domain) is not None


def listed(session: Session, who: t.Customer, now: datetime) -> answers.Customer:
    """Return a customer as a search result."""
    registrations = session.scalars(
        select(t.PaperlessRegistration).filter_by(CustomerID=who.CustomerID)
    )
    status = {row.InvoiceTypeID: status_of(row, now) for row in registrations}
    return answers.Customer(
        CustomerID=who.CustomerID,
        AccountNumber=who.AccountNumber,
        CustomerName=who.CustomerName,
        EmailAddress=who.EmailAddress,
        Phone=who.Phone,
        Invoices=tuple(
            _listed_invoice(invoice, status.get(invoice.InvoiceTypeID)) for invoice in who.Invoices
        ),
    )


def _listed_invoice(invoice: t.Invoice, status: t.Registered | None) -> answers.Invoice:
    tells = invoice.TellsPaperless
    return answers.Invoice(
        InvoiceNumber=invoice.InvoiceNumber,
        InvoiceType=invoice.Type.InvoiceType,
        BalanceDue=invoice.BalanceDue,
        InvoiceDueDate=datetime.combine(invoice.InvoiceDueDate, time.min),
        Paperless=status is t.Registered.ACTIVE if tells else None,
        PaperlessPending=status is t.Registered.PENDING and tells,
    )
