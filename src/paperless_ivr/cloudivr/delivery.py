"""Delivers the queued e-mails by SMTP, if a mail server is configured.

Before a process sends an e-mail, it claims the e-mail, so that no other process sends it too. If
sending fails, the e-mail is retried after `RETRY`, and then less and less often, until the server
accepts it or permanently rejects it, or until its link can no longer be used. If the server cannot
be reached, nothing is claimed, and the next check tries again. If the server's answer is lost, the
e-mail can arrive twice, with the same Message-ID.
"""

import hashlib
import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from threading import Event
from typing import Any

import structlog
from attrs import frozen
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.words import WORDS

RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
"""The shortest and longest wait before an e-mail that could not be sent is retried."""
LOOK_S = 1.0
"""Seconds between checks of the queue."""
TIMEOUT_S = 10.0
"""Seconds to wait for the mail server's answer. This must be far less than `RETRY`."""
SENDER = "cloudivr@localhost"
FOR_GOOD = range(500, 600)
"""Codes for a permanent rejection (RFC 5321, section 4.2.1)."""

_log = structlog.get_logger()


@frozen
class Mailer:
    """Delivers the e-mails queued in a database. Several mailers can run in parallel."""

    engine: Engine
    host: str
    port: int
    clock: Callable[[], datetime]

    def run(self, stopped: Event) -> None:
        """Deliver e-mail until stopped. Whenever the reason for a delay changes, log it.

        Only the class of an error is logged, because its text may contain an address.
        """
        waits_for: str | None = None
        while not stopped.wait(LOOK_S):
            try:
                delivered = self.deliver()
            except (OSError, smtplib.SMTPException, SQLAlchemyError) as error:
                if waits_for != type(error).__name__:
                    waits_for = type(error).__name__
                    _log.warning("cloudivr.mail_waits", error=waits_for)
                continue
            if delivered and waits_for is not None:
                waits_for = None
                _log.info("cloudivr.mail_goes_out")

    def deliver(self) -> int:
        """Send the e-mails that are due, oldest first, and return how many the server accepted.

        Raises OSError or SMTPException if the server is unavailable. In that case, no e-mail is
        lost.
        """
        now = self.clock()
        with Session(self.engine) as session:
            due = session.scalars(
                select(t.EmailQueue.EmailQueueID)
                .where(*self._due(now))
                .order_by(t.EmailQueue.EmailQueueID)
            ).all()
        if not due:
            return 0
        with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S) as server:
            return sum(self._send(server, number) for number in due)

    def _due(self, now: datetime) -> tuple[Any, ...]:
        return (
            t.EmailQueue.SentAt.is_(None),
            t.EmailQueue.RefusedWith.is_(None),
            t.EmailQueue.TryAt <= now,
            t.EmailQueue.TokenHash.in_(
                select(t.WebLink.TokenHash).where(
                    t.WebLink.Status == t.LinkStatus.OPEN, t.WebLink.ExpiresAt > now
                )
            ),
        )

    def _send(self, server: smtplib.SMTP, number: int) -> bool:
        now = self.clock()
        with Session(self.engine) as session, session.begin():
            email = session.get_one(t.EmailQueue, number)
            # Wait as long as the e-mail has been queued, so that its age doubles.
            pause = min(max(RETRY, now - email.QueuedAt), LONGEST_RETRY)
            mine = update(t.EmailQueue).where(t.EmailQueue.EmailQueueID == number, *self._due(now))
            taken: Any = session.execute(mine.values(TryAt=now + pause))
            if not taken.rowcount:
                return False
            message = _message(session, email)
        try:
            server.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            ((code, _),) = refused.recipients.values()
            self._refused(number, code)
            return False
        except smtplib.SMTPResponseException as refused:  # the sender or the message was refused
            self._refused(number, refused.smtp_code)
            return False
        self._settle(number, SentAt=self.clock())
        return True

    def _refused(self, number: int, code: int) -> None:
        _log.warning("cloudivr.mail_refused", code=code)
        if code in FOR_GOOD:
            self._settle(number, RefusedWith=code)

    def _settle(self, number: int, **values: object) -> None:
        with Session(self.engine) as session, session.begin():
            mine = update(t.EmailQueue).where(t.EmailQueue.EmailQueueID == number)
            session.execute(mine.values(**values))


def _message(session: Session, row: t.EmailQueue) -> EmailMessage:
    biller = session.get_one(t.Biller, row.BillerID)
    language = session.get_one(t.Customer, row.CustomerID).Language or "en"
    words = WORDS[language]
    gaps = {
        "biller": biller.BillerName,
        "bill": session.get_one(t.InvoiceType, row.InvoiceTypeID).called(language),
        "on_paper": words.on_paper(biller.BillsStillOnPaper),
        "link": row.Link,
    }
    message = EmailMessage()
    message["Subject"] = words.subject.format(**gaps)
    message["From"] = SENDER
    message["To"] = row.EmailAddress
    message["Date"] = format_datetime(row.QueuedAt)
    message["Message-ID"] = f"<{hashlib.sha256(row.Link.encode()).hexdigest()[:32]}@localhost>"
    message["Content-Language"] = language
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(words.email.format(**gaps))
    return message
