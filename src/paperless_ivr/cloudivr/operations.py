"""The seven operations of the reference service, under their own names."""

from collections.abc import Callable
from datetime import datetime

from attrs import field, frozen
from sqlalchemy import ColumnElement, Engine, or_, select

from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.admission import Admission, admit
from paperless_ivr.cloudivr.answers import (
    Answer,
    EnrollInPaperlessAnswer,
    InvoiceExistsAnswer,
    SearchAnswer,
)
from paperless_ivr.cloudivr.bills import (
    is_email,
    is_landline,
    listed,
    locked_bill,
    locked_payment,
    registration_of,
    status_of,
)
from paperless_ivr.cloudivr.codes import Code
from paperless_ivr.cloudivr.database import last_ten
from paperless_ivr.cloudivr.enrolment import Registrar, settle
from paperless_ivr.cloudivr.transactions import Refused, Transactions, Visit, utc_now

LINK_DAYS = 7.0
"""Days that a link can be used: a household that reads its mail at the weekend gets there."""
DAILY_MESSAGES = 20
"""E-mails and texts to one customer in 24 hours: more is a fault, or harassment."""

Text = str | None
"""A text of the contract: each of them may be left out."""


@frozen
class CloudIVR:
    """The operations, over a database. They never raise. Safe to use from several threads."""

    engine: Engine
    address: Callable[[], str]
    """The service's own address, without a slash at its end; links lead there."""
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

    def InvoiceExists(
        self,
        *,
        BillerGUID: Text = None,
        PartnerGUID: Text = None,
        PartnerKey: Text = None,
        AccountNumber: Text = None,
        InvoiceNumber: Text = None,
    ) -> InvoiceExistsAnswer:
        """Whether an invoice is still there."""
        admission = Admission(BillerGUID, PartnerGUID, PartnerKey)

        def work(visit: Visit) -> InvoiceExistsAnswer:
            biller = admit(visit, admission)
            with visit.step("FindInvoice"):
                there = visit.session.scalar(
                    select(t.Invoice.InvoiceID)
                    .join(t.Customer, t.Customer.CustomerID == t.Invoice.CustomerID)
                    .where(
                        t.Customer.BillerID == biller.BillerID,
                        t.Customer.AccountNumber == (AccountNumber or ""),
                        t.Invoice.InvoiceNumber == (InvoiceNumber or ""),
                        t.Invoice.Withdrawn.is_(False),
                    )
                )
            return InvoiceExistsAnswer.of(Code.NONE, there is not None)

        return self.transactions.run("InvoiceExists", work, InvoiceExistsAnswer.of)

    def SearchByAccountNumber(
        self,
        *,
        BillerGUID: Text = None,
        PartnerGUID: Text = None,
        PartnerKey: Text = None,
        AccountNumber: Text = None,
    ) -> SearchAnswer:
        """The customer with that account, and all other accounts of the same holder."""

        def wanted(biller: t.Biller) -> ColumnElement[bool]:
            its_number = t.Customer.AccountNumber == (AccountNumber or "")
            holder = select(t.Customer.Holder).where(
                t.Customer.BillerID == biller.BillerID, its_number
            )
            return or_(its_number, t.Customer.Holder.in_(holder))

        admission = Admission(BillerGUID, PartnerGUID, PartnerKey)
        return self._search("SearchByAccountNumber", admission, wanted)

    def SearchByCustomerPhoneNumber(
        self,
        *,
        BillerGUID: Text = None,
        PartnerGUID: Text = None,
        PartnerKey: Text = None,
        PhoneNumber: Text = None,
    ) -> SearchAnswer:
        """Everybody with this telephone number on file; its last ten digits count."""

        def wanted(_: t.Biller) -> ColumnElement[bool]:
            # Not "is null": no number at all is not that of everybody who has none.
            return t.Customer.PhoneLastTen == (last_ten(PhoneNumber or "") or "")

        admission = Admission(BillerGUID, PartnerGUID, PartnerKey)
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
                customers = tuple(listed(visit.session, customer) for customer in found)
            return SearchAnswer.of(Code.NONE, customers)

        return self.transactions.run(operation, work, SearchAnswer.of)

    # ── writes ──

    def EnrollInPaperless(
        self,
        PaymentGUID: Text = None,
        BillerGUID: Text = None,
        PartnerGUID: Text = None,
        PartnerKey: Text = None,
    ) -> EnrollInPaperlessAnswer:
        """Starts the registration of a payment's customer, with the payment's own e-mail.

        It has no key: sent again it is refused as pending, as there is one registration a
        customer and invoice type.
        """
        admission = Admission(BillerGUID, PartnerGUID, PartnerKey)

        def enroll(visit: Visit, biller: t.Biller) -> None:
            with visit.step("FetchPayment"):
                payment, bill = locked_payment(visit.session, biller.BillerID, PaymentGUID)
            with visit.step("ValidateEmail"):
                if not is_email(payment.EmailAddress):
                    raise Refused(Code.BAD_EMAIL)
            with visit.step("CheckRegistration"):
                status = status_of(visit.session, bill)
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

        def work(visit: Visit) -> EnrollInPaperlessAnswer:
            biller = admit(visit, admission, t.Bought.PAPERLESS)
            return EnrollInPaperlessAnswer.of(visit.attempt(lambda: enroll(visit, biller)))

        return self.transactions.run("EnrollInPaperless", work, EnrollInPaperlessAnswer.of)

    def StoreCustomerPreference(
        self,
        *,
        BillerGUID: Text = None,
        PartnerGUID: Text = None,
        PartnerKey: Text = None,
        CustomerID: int,
        InvoiceType: Text = None,
        Paperless: bool,
        EmailAddress: Text = None,
        PhoneNumber: Text = None,
        ConsentReference: Text = None,
        IdempotencyKey: Text = None,
    ) -> Answer:
        """Paperless starts or replaces the pending registration; paper cancels what there is."""
        email = EmailAddress or None

        def store(visit: Visit, biller: t.Biller) -> None:
            with visit.step("FindBill"):
                bill = locked_bill(visit.session, biller.BillerID, CustomerID, InvoiceType)
            if not Paperless:
                with visit.step("CancelRegistration"):
                    settle(visit, bill, t.Registered.CANCELLED, t.LinkStatus.CANCELLED)
                return
            with visit.step("ValidateEmail"):
                by_text_alone = email is None and bool(PhoneNumber)
                if not (by_text_alone or is_email(email)):
                    raise Refused(Code.BAD_EMAIL)
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

        admission = Admission(BillerGUID, PartnerGUID, PartnerKey)
        return self._write(
            "StoreCustomerPreference", admission, t.Bought.PAPERLESS, IdempotencyKey, store
        )

    def SendWebLink(
        self,
        *,
        BillerGUID: Text = None,
        PartnerGUID: Text = None,
        PartnerKey: Text = None,
        CustomerID: int,
        InvoiceType: Text = None,
        PhoneNumber: Text = None,
        Purpose: Text = None,
        ConsentReference: Text = None,
        IdempotencyKey: Text = None,
    ) -> Answer:
        """Texts a link; links sent earlier stay valid until the registration changes."""
        number = PhoneNumber or ""

        def send(visit: Visit, biller: t.Biller) -> None:
            with visit.step("FindBill"):
                bill = locked_bill(visit.session, biller.BillerID, CustomerID, InvoiceType)
            with visit.step("ValidatePhone"):
                digits = last_ten(number)
                if digits is None or is_landline(visit.session, biller.BillerID, digits):
                    raise Refused(Code.BAD_PHONE)
            with visit.step("QueueText"):
                visit.session.add(
                    t.TextQueue(
                        **bill._asdict(),
                        PhoneNumber=number,
                        Purpose=Purpose or "",
                        Link=self.registrar.link(visit, bill, Purpose or ""),
                        ConsentReference=ConsentReference,
                        QueuedAt=visit.now,
                    )
                )

        admission = Admission(BillerGUID, PartnerGUID, PartnerKey)
        return self._write("SendWebLink", admission, t.Bought.PAPERLESS, IdempotencyKey, send)

    def StoreCustomerPaymentMethodV2(
        self,
        *,
        BillerGUID: Text = None,
        PartnerGUID: Text = None,
        PartnerKey: Text = None,
        PaymentGUID: Text = None,
        CustomerID: int,  # noqa: ARG002 - the payment tells whose it is
        InvoiceType: Text = None,  # noqa: ARG002 - and for what
        ConsentReference: Text = None,
        IdempotencyKey: Text = None,
    ) -> Answer:
        """Puts the bill of a payment on AutoPay, with the payment's method."""

        def store(visit: Visit, biller: t.Biller) -> None:
            with visit.step("FetchPayment"):
                payment, bill = locked_payment(visit.session, biller.BillerID, PaymentGUID)
            with visit.step("StorePaymentMethod"):
                autopay = visit.session.scalar(select(t.AutoPay).filter_by(**bill._asdict()))
                autopay = autopay or t.AutoPay(**bill._asdict())
                autopay.PaymentID = payment.PaymentID
                autopay.ConsentReference = ConsentReference
                autopay.ChangedAt = visit.now
                visit.session.add(autopay)

        admission = Admission(BillerGUID, PartnerGUID, PartnerKey)
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
            return Answer.of(visit.once(key, lambda: act(visit, biller)))

        return self.transactions.run(operation, work, Answer.of)
