"""The tables of the reference service. Columns have the service's own field names.

The `repr` of a row shows only its class, because rows contain personal data.
"""

import enum
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Integer,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from paperless_ivr.cloudivr.words import Standing


class Moment(TypeDecorator[datetime]):
    """A date and time, stored in UTC, since SQLite stores no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the stored form."""
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the original value."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Money(TypeDecorator[Decimal]):
    """An amount, stored in cents, since SQLite has no decimals."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Return the stored form."""
        return None if value is None else int(value * 100)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Return the original value."""
        return None if value is None else Decimal(value).scaleb(-2)


class Bought(enum.StrEnum):
    """A product that a biller can buy."""

    PAPERLESS = "paperless"
    AUTOPAY = "autopay"


class Registered(enum.StrEnum):
    """The status of a registration. A bill without a registration is on paper.

    A pending registration expires at `PaperlessRegistration.ExpiresAt`.
    """

    PENDING = "pending"
    ACTIVE = "active"
    CANCELED = "cancelled"


class LinkStatus(enum.StrEnum):
    """The status of a link. An open link may have expired (`WebLink.ExpiresAt`)."""

    OPEN = "open"
    USED = "used"
    REPLACED = "replaced"
    CANCELED = "cancelled"


def _word(words: type[enum.StrEnum]) -> Enum:
    """Return a column type for an enum, stored by its values."""
    return Enum(words, native_enum=False, length=20, values_callable=list)


class Base(DeclarativeBase):
    """The base class of all tables."""

    type_annotation_map: ClassVar = {
        datetime: Moment,
        Decimal: Money,
        Bought: _word(Bought),
        Registered: _word(Registered),
        LinkStatus: _word(LinkStatus),
    }


def _key(to: str, **more: Any) -> Mapped[int]:
    return mapped_column(ForeignKey(to), index=True, **more)


# ── partners and billers ─────────────────────────────────────────────────────────────────

partner_biller = Table(
    "PartnerBiller",
    Base.metadata,
    Column("PartnerID", ForeignKey("Partner.PartnerID"), primary_key=True),
    Column("BillerID", ForeignKey("Biller.BillerID"), primary_key=True),
)
"""The billers that each partner may ask about."""


class Partner(Base):
    """A partner: the operator of a telephone line."""

    __tablename__ = "Partner"
    PartnerID: Mapped[int] = mapped_column(primary_key=True)
    PartnerGUID: Mapped[str] = mapped_column(String(36), unique=True)
    PartnerName: Mapped[str]
    PartnerKeyHash: Mapped[str]
    Billers: Mapped[list["Biller"]] = relationship(secondary=partner_biller)


class Biller(Base):
    """A biller."""

    __tablename__ = "Biller"
    BillerID: Mapped[int] = mapped_column(primary_key=True)
    BillerGUID: Mapped[str] = mapped_column(String(36), unique=True)
    BillerName: Mapped[str]
    BillsStillOnPaper: Mapped[int]
    """The number of bills that may still come on paper after a link is opened."""
    Products: Mapped[list["BillerProduct"]] = relationship()


class BillerProduct(Base):
    """A product that a biller has bought."""

    __tablename__ = "BillerProduct"
    BillerID: Mapped[int] = mapped_column(ForeignKey("Biller.BillerID"), primary_key=True)
    Product: Mapped[Bought] = mapped_column(primary_key=True)


# ── customers and bills ──────────────────────────────────────────────────────────────────


class Customer(Base):
    """A customer, with the data on file."""

    __tablename__ = "Customer"
    __table_args__ = (UniqueConstraint("BillerID", "AccountNumber"),)
    CustomerID: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    BillerID: Mapped[int] = _key("Biller.BillerID")
    AccountNumber: Mapped[str]
    CustomerName: Mapped[str]
    EmailAddress: Mapped[str | None]
    Language: Mapped[str | None] = mapped_column(String(2))
    """The language in which the customer last agreed to something, if known."""
    Phone: Mapped[str | None]
    PhoneLastTen: Mapped[str | None] = mapped_column(String(10), index=True)
    """Used to compare numbers, since a telephone line can send them with or without +1."""
    PhoneTakesText: Mapped[bool] = mapped_column(default=True)
    Holder: Mapped[str | None]
    """The holder of several accounts. A search for any of the accounts finds them all."""
    Invoices: Mapped[list["Invoice"]] = relationship(order_by="Invoice.InvoiceID")


class InvoiceType(Base):
    """A type of invoice that a biller sends."""

    __tablename__ = "InvoiceType"
    __table_args__ = (UniqueConstraint("BillerID", "InvoiceType"),)
    InvoiceTypeID: Mapped[int] = mapped_column(primary_key=True)
    BillerID: Mapped[int] = _key("Biller.BillerID")
    InvoiceType: Mapped[str]
    English: Mapped[str]
    Spanish: Mapped[str]
    """The bill's name in each language, as used after "your" and "su"."""

    def called(self, language: str) -> str:
        """Return the bill's name in a language."""
        return self.Spanish if language == "es" else self.English


class Invoice(Base):
    """An open invoice."""

    __tablename__ = "Invoice"
    InvoiceID: Mapped[int] = mapped_column(primary_key=True)
    CustomerID: Mapped[int] = _key("Customer.CustomerID")
    InvoiceTypeID: Mapped[int] = _key("InvoiceType.InvoiceTypeID")
    InvoiceNumber: Mapped[str]
    BalanceDue: Mapped[Decimal]
    InvoiceDueDate: Mapped[date]
    TellsPaperless: Mapped[bool] = mapped_column(default=True)
    """Whether a search result shows if the bill is paperless. If not, `Paperless` is nil."""
    Withdrawn: Mapped[bool] = mapped_column(default=False)
    """Whether `InvoiceExists` no longer finds it, although a search still lists it."""
    Type: Mapped[InvoiceType] = relationship()


class Payment(Base):
    """A payment by a customer, for one type of bill."""

    __tablename__ = "Payment"
    PaymentID: Mapped[int] = mapped_column(primary_key=True)
    PaymentGUID: Mapped[str] = mapped_column(String(36), unique=True)
    BillerID: Mapped[int] = _key("Biller.BillerID")
    CustomerID: Mapped[int] = _key("Customer.CustomerID")
    InvoiceTypeID: Mapped[int] = _key("InvoiceType.InvoiceTypeID")
    EmailAddress: Mapped[str | None]


# ── agreements ───────────────────────────────────────────────────────────────────────────


class OfBill:
    """A row about one customer's bills of one type, the unit of enrollment."""

    BillerID: Mapped[int] = _key("Biller.BillerID")
    CustomerID: Mapped[int] = _key("Customer.CustomerID")
    InvoiceTypeID: Mapped[int] = _key("InvoiceType.InvoiceTypeID")


class PaperlessRegistration(OfBill, Base):
    """A registration for paperless billing. There is at most one per customer and type of bill."""

    __tablename__ = "PaperlessRegistration"
    __table_args__ = (UniqueConstraint("BillerID", "CustomerID", "InvoiceTypeID"),)
    PaperlessRegistrationID: Mapped[int] = mapped_column(primary_key=True)
    Status: Mapped[Registered]
    EmailAddress: Mapped[str | None]
    ConsentReference: Mapped[str | None]
    ChangedAt: Mapped[datetime]
    ExpiresAt: Mapped[datetime | None]
    """When a pending registration's last link expires. The registration then no longer counts."""


class AutoPay(OfBill, Base):
    """A bill on AutoPay. It uses the payment method of an earlier payment."""

    __tablename__ = "AutoPay"
    __table_args__ = (UniqueConstraint("BillerID", "CustomerID", "InvoiceTypeID"),)
    AutoPayID: Mapped[int] = mapped_column(primary_key=True)
    PaymentID: Mapped[int] = _key("Payment.PaymentID")
    ConsentReference: Mapped[str | None]
    ChangedAt: Mapped[datetime]


class PreferenceAnswer(Base):
    """The stored answer to a write, which is returned if the same key is sent again."""

    __tablename__ = "PreferenceAnswer"
    PartnerID: Mapped[int] = mapped_column(ForeignKey("Partner.PartnerID"), primary_key=True)
    BillerID: Mapped[int] = mapped_column(ForeignKey("Biller.BillerID"), primary_key=True)
    Operation: Mapped[str] = mapped_column(primary_key=True)
    IdempotencyKeyHash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """A hash, because a key can be too long for an index."""
    ContentHash: Mapped[str] = mapped_column(String(64))
    ErrorCode: Mapped[int]
    AnsweredAt: Mapped[datetime]


# ── outgoing messages ────────────────────────────────────────────────────────────────────


class WebLink(OfBill, Base):
    """A link that was sent. Only the hash of its token is stored."""

    __tablename__ = "WebLink"
    TokenHash: Mapped[str] = mapped_column(String(64), primary_key=True)
    Purpose: Mapped[str]
    Status: Mapped[LinkStatus]
    SentAt: Mapped[datetime]
    ExpiresAt: Mapped[datetime]

    def standing(self, now: datetime) -> Standing:
        """Return the result of opening the link at a given time."""
        expired = self.Status is LinkStatus.OPEN and self.ExpiresAt <= now
        return Standing.EXPIRED if expired else Standing(self.Status)


class EmailQueue(OfBill, Base):
    """An e-mail to be sent, with the link that completes a registration."""

    __tablename__ = "EmailQueue"
    EmailQueueID: Mapped[int] = mapped_column(primary_key=True)
    EmailAddress: Mapped[str]
    Link: Mapped[str]
    TokenHash: Mapped[str] = mapped_column(ForeignKey("WebLink.TokenHash"), index=True)
    Opens: Mapped[WebLink] = relationship()
    """The link in the e-mail. The e-mail is sent only while its link can be used."""
    QueuedAt: Mapped[datetime]
    TryAt: Mapped[datetime]
    """The time of the next attempt. A process sets a later time before it sends the e-mail, so that
    no other process also sends it.
    """
    SentAt: Mapped[datetime | None]
    RefusedWith: Mapped[int | None]
    """The mail server's code for a permanent rejection."""


class TextQueue(OfBill, Base):
    """A text message to be sent, with a link."""

    __tablename__ = "TextQueue"
    TextQueueID: Mapped[int] = mapped_column(primary_key=True)
    PhoneNumber: Mapped[str]
    Purpose: Mapped[str]
    Link: Mapped[str]
    ConsentReference: Mapped[str | None]
    QueuedAt: Mapped[datetime]


# ── activity ─────────────────────────────────────────────────────────────────────────────


class ActivityLog(Base):
    """A step of an operation, and its result. Contains no personal or secret data."""

    __tablename__ = "ActivityLog"
    ActivityLogID: Mapped[int] = mapped_column(primary_key=True)
    RequestID: Mapped[str] = mapped_column(String(32), index=True)
    """Shared by all steps of one request."""
    LoggedAt: Mapped[datetime]
    Operation: Mapped[str]
    Step: Mapped[str]
    ErrorCode: Mapped[int]
    Error: Mapped[str | None]
    """The class of an exception. Its text, which may contain personal data, is not stored."""
    Parameters: Mapped[str | None]
    """The request's parameters, masked. Only the step `LogRequest` has them."""
    BillerID: Mapped[int | None] = mapped_column(ForeignKey("Biller.BillerID"), index=True)
