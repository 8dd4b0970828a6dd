"""Opens the links that were sent to customers, and completes their registrations."""

from attrs import evolve, frozen
from sqlalchemy.orm import Session

from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.bills import Bill, is_email, locked_customer, registration_of
from paperless_ivr.cloudivr.codes import Code
from paperless_ivr.cloudivr.enrollment import settle, token_hash
from paperless_ivr.cloudivr.operations import CloudIVR
from paperless_ivr.cloudivr.transactions import Visit
from paperless_ivr.cloudivr.words import Standing

TYPE_EMAIL = "type_email"
"""The purpose of a texted link whose page asks for the e-mail address."""


@frozen
class Opened:
    """The result of opening a link, and the contents of its page. Contains no personal data."""

    standing: Standing
    language: str
    biller: str = ""
    bill: str = ""
    bills_still_on_paper: int = 0
    asks_email: bool = False


@frozen
class Links:
    """The links of a service, which customers open in a browser."""

    service: CloudIVR
    language: str = "en"
    """The browser's language. The customer's own language takes precedence if it is known."""

    def look(self, token: str) -> Opened:
        """Return a link's page. This changes nothing, because mail scanners also open links."""
        with Session(self.service.engine) as session:
            link = session.get(t.WebLink, token_hash(token))
            return self._opened(session, link) if link else self._without(Standing.UNKNOWN)

    def complete(self, token: str, email: str | None = None) -> Opened:
        """Complete the registration, which makes the bill paperless.

        `email` is used only if the page asks for an address.
        """
        return self.service.transactions.run(
            "CompleteRegistration",
            lambda visit: self._complete(visit, token, email),
            lambda _: self._without(Standing.FAILED),
        )

    def _complete(self, visit: Visit, token: str, email: str | None) -> Opened:
        session = visit.session
        link = session.get(t.WebLink, token_hash(token))
        if link is None:
            visit.note("RefuseLink", Code.NONE)
            return self._without(Standing.UNKNOWN)
        visit.biller_id = link.BillerID
        customer = locked_customer(session, link.BillerID, link.CustomerID)
        session.refresh(link)  # it may have been used in the meantime
        opened = self._opened(session, link)
        if opened.standing is not Standing.OPEN:
            visit.note("RefuseLink", Code.NONE)
            return opened
        if opened.asks_email and not is_email(email):
            visit.note("ValidateEmail", Code.BAD_EMAIL)
            return evolve(opened, standing=Standing.BAD_EMAIL)
        bill = Bill(link.BillerID, link.CustomerID, link.InvoiceTypeID)
        with visit.step("CompleteRegistration"):
            settle(visit, bill, t.Registered.ACTIVE, t.LinkStatus.REPLACED)
            link.Status = t.LinkStatus.USED
            if opened.asks_email:
                registration = registration_of(session, bill)
                assert registration is not None
                customer.EmailAddress = registration.EmailAddress = email
        return evolve(opened, standing=Standing.DONE)

    def _without(self, standing: Standing) -> Opened:
        """Return a page that shows none of the link's details."""
        return Opened(standing, self.language)

    def _opened(self, session: Session, link: t.WebLink) -> Opened:
        biller = session.get_one(t.Biller, link.BillerID)
        customer = session.get_one(t.Customer, link.CustomerID)
        kind = session.get_one(t.InvoiceType, link.InvoiceTypeID)
        language = customer.Language or self.language
        return Opened(
            link.standing(self.service.clock()),
            language,
            biller.BillerName,
            kind.called(language),
            biller.BillsStillOnPaper,
            link.Purpose == TYPE_EMAIL,
        )
