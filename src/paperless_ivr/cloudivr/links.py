"""The links that are sent: what they open, and how they complete a registration."""

import enum

from attrs import evolve, frozen
from sqlalchemy.orm import Session

from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.bills import Bill, is_email, locked_customer, registration_of
from paperless_ivr.cloudivr.codes import Code
from paperless_ivr.cloudivr.enrolment import settle, token_hash
from paperless_ivr.cloudivr.operations import CloudIVR
from paperless_ivr.cloudivr.transactions import Visit

TYPE_EMAIL = "type_email"
"""The purpose of a texted link on whose page the e-mail address is typed."""


class Standing(enum.Enum):
    """What becomes of whoever opens a link."""

    OPEN = "open"
    DONE = "done"
    BAD_EMAIL = "bad_email"
    USED = "used"
    EXPIRED = "expired"
    REPLACED = "replaced"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    FAILED = "failed"


@frozen
class Opened:
    """A link that was opened: how it stands, and what its page tells. Nothing personal."""

    standing: Standing
    biller: str = ""
    bill: str = ""
    asks_email: bool = False


@frozen
class Links:
    """The links of a service."""

    service: CloudIVR

    def look(self, token: str) -> Opened:
        """What a link opens. It changes nothing: mail scanners open links, too."""
        with Session(self.service.engine) as session:
            link = session.get(t.WebLink, token_hash(token))
            return self._opened(session, link) if link else Opened(Standing.UNKNOWN)

    def complete(self, token: str, email: str | None = None) -> Opened:
        """Completes the registration: the bill is paperless from then on.

        The address counts where the page asks for one.
        """
        return self.service.transactions.run(
            "CompleteRegistration",
            lambda visit: self._complete(visit, token, email),
            lambda _: Opened(Standing.FAILED),
        )

    def _complete(self, visit: Visit, token: str, email: str | None) -> Opened:
        session = visit.session
        link = session.get(t.WebLink, token_hash(token))
        if link is None:
            visit.note("RefuseLink", Code.NONE)
            return Opened(Standing.UNKNOWN)
        visit.biller_id = link.BillerID
        customer = locked_customer(session, link.BillerID, link.CustomerID)
        session.refresh(link)  # somebody else may have used it meanwhile
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

    def _opened(self, session: Session, link: t.WebLink) -> Opened:
        expired = link.Status is t.LinkStatus.OPEN and link.ExpiresAt <= self.service.clock()
        return Opened(
            Standing.EXPIRED if expired else Standing(link.Status),
            session.get_one(t.Biller, link.BillerID).BillerName,
            session.get_one(t.InvoiceType, link.InvoiceTypeID).Description,
            link.Purpose == TYPE_EMAIL,
        )
