"""The seven operations of the reference service, under the contract's names."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from attrs import field, frozen
from sqlalchemy import ColumnElement, Engine, or_, select

from paperless_ivr.clock import utc_now
from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.admission import Admission, admit
from paperless_ivr.cloudivr.answers import (
    Answer,
    InvoiceExistsAnswer,
    PaperlessEnrollment_Response,
    SearchAnswer,
)
from paperless_ivr.cloudivr.bills import (
    is_email,
    is_landline,
    listed,
    locked_bill,
    locked_payment,
    note_language,
    registration_of,
    status_of,
)
from paperless_ivr.cloudivr.codes import Code
from paperless_ivr.cloudivr.database import last_ten
from paperless_ivr.cloudivr.enrollment import Registrar, settle
from paperless_ivr.cloudivr.transactions import Refused, Transactions, Visit
from paperless_ivr.keypad import alone

LINK_DAYS = 7.0
"""How many days a link works: enough for people who read their e-mail only on weekends."""
DAILY_MESSAGES = 20
"""The limit on e-mails and texts to one customer in 24 hours. Anything more is a bug or
harassment."""

Text = str | None
"""A text field in the contract. All text fields are optional."""


Answered = TypeVar("Answered")


def operation(act: Callable[..., Answered]) -> Callable[..., Answered]:
    """Wrap an operation so that it gets an `Admission` made from the request's fields."""

    @wraps(act)
    def called(
        service: "CloudIVR",
        *,
        BillerGUID: Text = None,
        PartnerGUID: Text = None,
        PartnerKey: Text = None,
        **fields: Any,
    ) -> Answered:
        asked = {name: value for name, value in fields.items() if name != "IdempotencyKey"}
        return act(service, Admission(BillerGUID, PartnerGUID, PartnerKey, asked), **fields)

    return called


@frozen
class CloudIVR:
    """The operations of a service. They never raise, and are safe to call from several threads."""

    engine: Engine
    address: Callable[[], str]
    """Returns the URL that links begin with, without a trailing slash."""
    clock: Callable[[], datetime] = utc_now
    link_days: float = LINK_DAYS
    daily_messages: int = DAILY_MESSAGES
    transactions: Transactions = field(init=False)
    registrar: Registrar = field(init=False)

    @transactions.default
    def _transactions(self) -> Transactions:
        return Transactions(self.engine, self.clock)

    @registrar.default
    def _registrar(self) -> Registrar:
        return Registrar(self.address, self.link_days, self.daily_messages)

    # ── reads ──

    @operation
    def InvoiceExists(
        self,
        admission: Admission,
        *,
        AccountNumber: Text = None,
        InvoiceNumber: Text = None,
    ) -> InvoiceExistsAnswer:
        """Return whether an invoice still exists."""

        def work(visit: Visit) -> InvoiceExistsAnswer:
            biller = admit(visit, admission)
            with visit.step("FindInvoice"):
                account, invoice = needed(AccountNumber), needed(InvoiceNumber)
                there = visit.session.scalar(
                    select(t.Invoice.InvoiceID)
                    .join(t.Customer, t.Customer.CustomerID == t.Invoice.CustomerID)
                    .where(
                        t.Customer.BillerID == biller.BillerID,
                        t.Customer.AccountNumber == account,
                        t.Invoice.InvoiceNumber == invoice,
                        t.Invoice.Withdrawn.is_(False),
                    )
                )
            return InvoiceExistsAnswer.of(Code.NONE, there is not None)

        return self.transactions.run("InvoiceExists", work, InvoiceExistsAnswer.of)

    @operation
    def SearchByAccountNumber(
        self,
        admission: Admission,
        *,
        AccountNumber: Text = None,
    ) -> SearchAnswer:
        """Find the customer with this account number, and the same holder's other accounts."""

        def wanted(biller: t.Biller) -> ColumnElement[bool]:
            its_number = t.Customer.AccountNumber == needed(AccountNumber)
            holder = select(t.Customer.Holder).where(
                t.Customer.BillerID == biller.BillerID, its_number
            )
            return or_(its_number, t.Customer.Holder.in_(holder))

        return self._search("SearchByAccountNumber", admission, wanted)

    @operation
    def SearchByCustomerPhoneNumber(
        self,
        admission: Admission,
        *,
        PhoneNumber: Text = None,
    ) -> SearchAnswer:
        """Find all customers with this telephone number on file, comparing the last ten digits."""

        def wanted(_: t.Biller) -> ColumnElement[bool]:
            # Never compare with None: that would find all customers without a number.
            number = alone(needed(PhoneNumber)) or ""
            return t.Customer.PhoneLastTen == (last_ten(number) or "")

        return self._search("SearchByCustomerPhoneNumber", admission, wanted)

    def _search(
        self,
        operation: str,
        admission: Admission,
        wanted: Callable[[t.Biller], ColumnElement[bool]],
    ) -> SearchAnswer:
        def work(visit: Visit) -> SearchAnswer:
            biller = admit(visit, admission)
            with visit.step("FindCustomers"):
                found = visit.session.scalars(
                    select(t.Customer)
                    .where(t.Customer.BillerID == biller.BillerID, wanted(biller))
                    .order_by(t.Customer.CustomerID)
                ).all()
                customers = tuple(listed(visit.session, customer, visit.now) for customer in found)
            return SearchAnswer.of(Code.NONE, customers)

        return self.transactions.run(operation, work, SearchAnswer.of)

    # ── writes ──

    @operation
    def EnrollInPaperless(
        self, admission: Admission, *, PaymentGUID: Text = None
    ) -> PaperlessEnrollment_Response:
        """Start a registration for a payment's customer, with the payment's own e-mail address.

        The request has no idempotency key. If it is sent again while the registration is pending,
        it is refused, since there is only one registration per customer and invoice type.
        """

        def enroll(visit: Visit, biller: t.Biller) -> None:
            with visit.step("FetchPayment"):
                payment, bill = locked_payment(visit.session, biller.BillerID, PaymentGUID)
            with visit.step("ValidateEmail"):
                if not is_email(payment.EmailAddress):
                    raise Refused(Code.BAD_EMAIL)
            with visit.step("CheckRegistration"):
                status = status_of(registration_of(visit.session, bill), visit.now)
                if status is t.Registered.ACTIVE:
                    raise Refused(Code.ALREADY_ENROLLED)
                if status is t.Registered.PENDING:
                    raise Refused(Code.PENDING)
            with visit.step("StartPaperlessRegistrationForCustomer"):
                self.registrar.StartPaperlessRegistrationForCustomer(
                    visit,
                    CustomerID=bill.CustomerID,
                    InvoiceTypeID=bill.InvoiceTypeID,
                    BillerID=bill.BillerID,
                    EmailAddress=payment.EmailAddress,
                )

        def work(visit: Visit) -> PaperlessEnrollment_Response:
            biller = admit(visit, admission, t.Bought.PAPERLESS)
            return PaperlessEnrollment_Response.of(visit.attempt(lambda: enroll(visit, biller)))

        return self.transactions.run("EnrollInPaperless", work, PaperlessEnrollment_Response.of)

    @operation
    def StoreCustomerPreference(
        self,
        admission: Admission,
        *,
        CustomerID: int,
        InvoiceType: Text = None,
        Paperless: bool,
        EmailAddress: Text = None,
        PhoneNumber: Text = None,
        Language: Text = None,
        ConsentReference: Text = None,
        IdempotencyKey: Text = None,
    ) -> Answer:
        """Start or replace a pending registration, or put the bill back on paper."""
        email = EmailAddress or None

        def store(visit: Visit, biller: t.Biller) -> None:
            with visit.step("FindBill"):
                bill = locked_bill(visit.session, biller.BillerID, CustomerID, InvoiceType)
                note_language(visit.session, bill, Language)
            if not Paperless:
                with visit.step("CancelRegistration"):
                    settle(visit, bill, t.Registered.CANCELED, t.LinkStatus.CANCELED)
                return
            with visit.step("ValidateEmail"):
                if not (email is None and PhoneNumber) and not is_email(email):
                    raise Refused(Code.BAD_EMAIL)
                if email is None and alone(PhoneNumber or "") is None:
                    raise Refused(Code.BAD_PHONE)
            with visit.step("StartPaperlessRegistrationForCustomer"):
                self.registrar.StartPaperlessRegistrationForCustomer(
                    visit,
                    CustomerID=bill.CustomerID,
                    InvoiceTypeID=bill.InvoiceTypeID,
                    BillerID=bill.BillerID,
                    EmailAddress=email,
                )
                registration = registration_of(visit.session, bill)
                assert registration is not None
                registration.ConsentReference = ConsentReference

        return self._write(
            "StoreCustomerPreference", admission, t.Bought.PAPERLESS, IdempotencyKey, store
        )

    @operation
    def SendWebLink(
        self,
        admission: Admission,
        *,
        CustomerID: int,
        InvoiceType: Text = None,
        PhoneNumber: Text = None,
        Purpose: Text = None,
        Language: Text = None,
        ConsentReference: Text = None,
        IdempotencyKey: Text = None,
    ) -> Answer:
        """Text a link.

        Earlier links stay valid until they expire, a link is e-mailed or used, or the bill goes
        back to paper.
        """
        number = alone(PhoneNumber or "")

        def send(visit: Visit, biller: t.Biller) -> None:
            with visit.step("FindBill"):
                bill = locked_bill(visit.session, biller.BillerID, CustomerID, InvoiceType)
                note_language(visit.session, bill, Language)
            with visit.step("ValidatePhone"):
                if number is None or is_landline(visit.session, biller.BillerID, number[-10:]):
                    raise Refused(Code.BAD_PHONE)
            with visit.step("QueueText"):
                link, _ = self.registrar.link(visit, bill, Purpose or "")
                visit.session.add(
                    t.TextQueue(
                        **bill._asdict(),
                        PhoneNumber=PhoneNumber,
                        Purpose=Purpose or "",
                        Link=link,
                        ConsentReference=ConsentReference,
                        QueuedAt=visit.now,
                    )
                )

        return self._write("SendWebLink", admission, t.Bought.PAPERLESS, IdempotencyKey, send)

    @operation
    def StoreCustomerPaymentMethodV2(
        self,
        admission: Admission,
        *,
        PaymentGUID: Text = None,
        CustomerID: int,
        InvoiceType: Text = None,
        ConsentReference: Text = None,
        IdempotencyKey: Text = None,
    ) -> Answer:
        """Set up AutoPay for the bill that was paid, with the same payment method."""

        def store(visit: Visit, biller: t.Biller) -> None:
            with visit.step("FetchPayment"):
                payment, bill = locked_payment(
                    visit.session, biller.BillerID, PaymentGUID, CustomerID, InvoiceType
                )
            with visit.step("StorePaymentMethod"):
                autopay = visit.session.scalar(select(t.AutoPay).filter_by(**bill._asdict()))
                autopay = autopay or t.AutoPay(**bill._asdict())
                autopay.PaymentID = payment.PaymentID
                autopay.ConsentReference = ConsentReference
                autopay.ChangedAt = visit.now
                visit.session.add(autopay)

        return self._write(
            "StoreCustomerPaymentMethodV2", admission, t.Bought.AUTOPAY, IdempotencyKey, store
        )

    def _write(
        self,
        operation: str,
        admission: Admission,
        product: t.Bought,
        key: str | None,
        act: Callable[[Visit, t.Biller], None],
    ) -> Answer:
        def work(visit: Visit) -> Answer:
            biller = admit(visit, admission, product)
            code = visit.once(key, admission.asked, lambda: act(visit, biller))
            return Answer.of(code)

        return self.transactions.run(operation, work, Answer.of)


def needed(text: Text) -> str:
    """Return a search field. Raises Refused if it is blank, so that no search is run."""
    if text is None or not text.strip():
        raise Refused(Code.FIELD_MISSING)
    return text
