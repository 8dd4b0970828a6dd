"""The messages to customers. They contain personal data, so no page of the service shows them."""

from datetime import datetime

from attrs import field, frozen
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from paperless_ivr import secret
from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.words import Standing
from paperless_ivr.secret import Secret


@frozen
class Message:
    """An e-mail or a text in the outbox. Anyone with its link can consent for the customer."""

    to: Secret
    customer: Secret
    biller: str
    invoice_type: str
    purpose: str
    link: str = field(repr=False)
    at: datetime
    state: str
    """The state of delivery: `queued`, `delivered`, or why it was not sent."""


@frozen
class Outbox:
    """All messages, sent or not, oldest first."""

    emails: tuple[Message, ...]
    texts: tuple[Message, ...]


def outbox(engine: Engine, now: datetime) -> Outbox:
    """Return all messages in a service's database, sent or not."""
    with Session(engine) as session:
        emails = session.scalars(select(t.EmailQueue).order_by(t.EmailQueue.EmailQueueID))
        texts = session.scalars(select(t.TextQueue).order_by(t.TextQueue.TextQueueID))
        return Outbox(
            tuple(
                _message(session, e, secret.email(e.EmailAddress), "complete", _state(e, now))
                for e in emails
            ),
            tuple(
                _message(session, x, secret.phone(x.PhoneNumber), x.Purpose, "queued")
                for x in texts
            ),
        )


def _state(email: t.EmailQueue, now: datetime) -> str:
    if email.SentAt:
        return "delivered"
    if email.RefusedWith:
        return f"refused ({email.RefusedWith})"
    link = email.Opens.standing(now)
    return "queued" if link is Standing.OPEN else f"not sent (link {link.value})"


def _message(
    session: Session, row: t.EmailQueue | t.TextQueue, to: Secret, purpose: str, state: str
) -> Message:
    return Message(
        to=to,
        customer=secret.customer(str(row.CustomerID)),
        biller=session.get_one(t.Biller, row.BillerID).BillerName,
        invoice_type=session.get_one(t.InvoiceType, row.InvoiceTypeID).InvoiceType,
        purpose=purpose,
        link=row.Link,
        at=row.QueuedAt,
        state=state,
    )
