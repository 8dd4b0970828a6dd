"""Starts, replaces, and ends registrations for paperless billing."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import frozen
from sqlalchemy import func, select, update

from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.bills import Bill, locked_customer, registration_of, status_of
from paperless_ivr.cloudivr.codes import Code
from paperless_ivr.cloudivr.transactions import Refused, Visit

A_DAY = timedelta(days=1)


@frozen
class Registrar:
    """The part of a service that starts registrations and creates the links that complete them."""

    address: Callable[[], str]
    """Returns the URL that links begin with, without a trailing slash."""
    link_days: float
    daily_messages: int
    """The limit on e-mails and texts to one customer in 24 hours."""

    def StartPaperlessRegistrationForCustomer(
        self,
        visit: Visit,
        CustomerID: int,
        InvoiceTypeID: int,
        BillerID: int,
        EmailAddress: str | None,
    ) -> None:
        """Start a registration, or replace a pending one, and queue an e-mail with its link.

        The address on file is overwritten before the new one is confirmed, as in the source
        analysis. All of this happens in one transaction, so there is never a registration without
        its e-mail. If no address is given (registration by text only), the address on file is kept,
        no e-mail is queued, and the texted link stays valid.
        """
        bill = Bill(BillerID, CustomerID, InvoiceTypeID)
        if status_of(registration_of(visit.session, bill), visit.now) is t.Registered.ACTIVE:
            raise Refused(Code.ALREADY_ENROLLED)
        if EmailAddress is not None:
            with visit.step("UpdateCustomerEmail"):
                locked_customer(visit.session, BillerID, CustomerID).EmailAddress = EmailAddress
        with visit.step("InsertPendingRegistration"):
            links = None if EmailAddress is None else t.LinkStatus.REPLACED
            settle(visit, bill, t.Registered.PENDING, links, self._end(visit))
        if EmailAddress is not None:
            with visit.step("QueueEmail"):
                link, opens = self.link(visit, bill, "complete")
                visit.session.add(
                    t.EmailQueue(
                        **bill._asdict(),
                        EmailAddress=EmailAddress,
                        Link=link,
                        Opens=opens,
                        QueuedAt=visit.now,
                        TryAt=visit.now,
                    )
                )

    def link(self, visit: Visit, bill: Bill, purpose: str) -> tuple[str, t.WebLink]:
        """Return a new link and its row.

        Anyone with the token can consent for the customer, so the row contains only the token's
        hash.
        """
        if self._sent_today(visit, bill.CustomerID) >= self.daily_messages:
            raise Refused(Code.LIMIT)
        token, expires = secrets.token_urlsafe(32), self._end(visit)
        registration = registration_of(visit.session, bill)
        if registration and status_of(registration, visit.now) is t.Registered.PENDING:
            registration.ExpiresAt = expires  # it lasts as long as the links that complete it
        opens = t.WebLink(
            **bill._asdict(),
            TokenHash=token_hash(token),
            Purpose=purpose,
            Status=t.LinkStatus.OPEN,
            SentAt=visit.now,
            ExpiresAt=expires,
        )
        visit.session.add(opens)
        return f"{self.address()}/paperless/{token}", opens

    def _end(self, visit: Visit) -> datetime:
        """Return the time at which a link sent now will expire."""
        return visit.now + timedelta(days=self.link_days)

    @staticmethod
    def _sent_today(visit: Visit, customer: int) -> int:
        since = visit.now - A_DAY
        return sum(
            visit.session.scalar(
                select(func.count())
                .select_from(queue)
                .where(queue.CustomerID == customer, queue.QueuedAt > since)
            )
            or 0
            for queue in (t.EmailQueue, t.TextQueue)
        )


def token_hash(token: str) -> str:
    """Return the stored hash of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def settle(
    visit: Visit,
    bill: Bill,
    status: t.Registered,
    links: t.LinkStatus | None,
    expires: datetime | None = None,
) -> None:
    """Set the status of a bill's registration.

    The bill's open links get the status `links`, or stay open if it is None.
    """
    registration = registration_of(visit.session, bill)
    if registration is not None:
        registration.Status = status
        registration.ChangedAt = visit.now
        registration.ExpiresAt = expires
    elif status is not t.Registered.CANCELED:
        visit.session.add(
            t.PaperlessRegistration(
                **bill._asdict(), Status=status, ChangedAt=visit.now, ExpiresAt=expires
            )
        )
    if links is not None:
        mine = update(t.WebLink).filter_by(**bill._asdict(), Status=t.LinkStatus.OPEN)
        visit.session.execute(mine.values(Status=links))
