"""What the reference service keeps. Fields have the names that they have at the service.

The classes print as nothing but their names: a row is personal data.
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
    """A moment in UTC; SQLite keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """As it is kept."""
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """As it was."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Money(TypeDecorator[Decimal]):
    """An amount, kept in cents: SQLite has no decimals."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """As it is kept."""
        return None if value is None else int(value * 100)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """As it was."""
        return None if value is None else Decimal(value).scaleb(-2)


class Bought(enum.StrEnum):
    """What a biller may have bought."""

    PAPERLESS = "paperless"
    AUTOPAY = "autopay"


class Registered(enum.StrEnum):
    """How far a registration is. Without a registration the bill is on paper, too.

    A pending one has an end (`PaperlessRegistration.ExpiresAt`).
    """

    PENDING = "pending"
    ACTIVE = "active"
    CANCELED = "cancelled"


class LinkStatus(enum.StrEnum):
    """Whether a link can still be used; of an open one its expiry says more."""

    OPEN = "open"
    USED = "used"
    REPLACED = "replaced"
    CANCELED = "cancelled"


def _word(words: type[enum.StrEnum]) -> Enum:
    """One of some words, kept as it is written."""
    return Enum(words, native_enum=False, length=20, values_callable=list)


class Base(DeclarativeBase):
    """The root of all tables."""

    type_annotation_map: ClassVar = {
        datetime: Moment,
        Decimal: Money,
        Bought: _word(Bought),
        Registered: _word(Registered),
        LinkStatus: _word(LinkStatus),
    }


def _key(to: str, **more: Any) -> Mapped[int]:
    return mapped_column(ForeignKey(to), index=True, **more)


# ── who may ask ──────────────────────────────────────────────────────────────────────────

partner_biller = Table(
    "PartnerBiller",
    Base.metadata,
    Column("PartnerID", ForeignKey("Partner.PartnerID"), primary_key=True),
    Column("BillerID", ForeignKey("Biller.BillerID"), primary_key=True),
)
"""Which partner may ask about which biller."""


class Partner(Base):
    """A partner: somebody's telephone line."""

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
    """How many bills may still come on paper once a link is opened."""
    Products: Mapped[list["BillerProduct"]] = relationship()


class BillerProduct(Base):
    """A product that a biller has bought."""

    __tablename__ = "BillerProduct"
    BillerID: Mapped[int] = mapped_column(ForeignKey("Biller.BillerID"), primary_key=True)
    Product: Mapped[Bought] = mapped_column(primary_key=True)


# ── customers and bills ──────────────────────────────────────────────────────────────────


class Customer(Base):
    """A customer, with what is on file."""

    __tablename__ = "Customer"
    __table_args__ = (UniqueConstraint("BillerID", "AccountNumber"),)
    CustomerID: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    BillerID: Mapped[int] = _key("Biller.BillerID")
    AccountNumber: Mapped[str]
    CustomerName: Mapped[str]
    EmailAddress: Mapped[str | None]
    Language: Mapped[str | None] = mapped_column(String(2))
    """The language in which the customer last agreed to something, where that is known."""
    Phone: Mapped[str | None]
    PhoneLastTen: Mapped[str | None] = mapped_column(String(10), index=True)
    """What numbers are compared by: a line may hand one over with or without +1."""
    PhoneTakesText: Mapped[bool] = mapped_column(default=True)
    Holder: Mapped[str | None]
    """Who holds the account, where somebody holds several: a search by one finds all."""
    Invoices: Mapped[list["Invoice"]] = relationship(order_by="Invoice.InvoiceID")


class InvoiceType(Base):
    """A type of invoice that a biller has."""

    __tablename__ = "InvoiceType"
    __table_args__ = (UniqueConstraint("BillerID", "InvoiceType"),)
    InvoiceTypeID: Mapped[int] = mapped_column(primary_key=True)
    BillerID: Mapped[int] = _key("Biller.BillerID")
    InvoiceType: Mapped[str]
    English: Mapped[str]
    Spanish: Mapped[str]
    """What the bill is called, after "your" and "su"."""

    def called(self, language: str) -> str:
        """What it is called in a language."""
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
    """A search answers whether the bill is paperless; otherwise that is nil."""
    Withdrawn: Mapped[bool] = mapped_column(default=False)
    """A search still lists it, and InvoiceExists no longer knows it."""
    Type: Mapped[InvoiceType] = relationship()


class Payment(Base):
    """A payment that was taken."""

    __tablename__ = "Payment"
    PaymentID: Mapped[int] = mapped_column(primary_key=True)
    PaymentGUID: Mapped[str] = mapped_column(String(36), unique=True)
    BillerID: Mapped[int] = _key("Biller.BillerID")
    CustomerID: Mapped[int] = _key("Customer.CustomerID")
    InvoiceTypeID: Mapped[int] = _key("InvoiceType.InvoiceTypeID")
    EmailAddress: Mapped[str | None]


# ── what was agreed to ───────────────────────────────────────────────────────────────────


class OfBill:
    """A row about one customer's bills of one type, which is what is enrolled."""

    BillerID: Mapped[int] = _key("Biller.BillerID")
    CustomerID: Mapped[int] = _key("Customer.CustomerID")
    InvoiceTypeID: Mapped[int] = _key("InvoiceType.InvoiceTypeID")


class PaperlessRegistration(OfBill, Base):
    """A registration for paperless billing: one a customer and type, whatever becomes of it."""

    __tablename__ = "PaperlessRegistration"
    __table_args__ = (UniqueConstraint("BillerID", "CustomerID", "InvoiceTypeID"),)
    PaperlessRegistrationID: Mapped[int] = mapped_column(primary_key=True)
    Status: Mapped[Registered]
    EmailAddress: Mapped[str | None]
    ConsentReference: Mapped[str | None]
    ChangedAt: Mapped[datetime]
    ExpiresAt: Mapped[datetime | None]
    """When the last link of a pending one expires: it then is as if it had never been."""


class AutoPay(OfBill, Base):
    """AutoPay with the method of a payment."""

    __tablename__ = "AutoPay"
    __table_args__ = (UniqueConstraint("BillerID", "CustomerID", "InvoiceTypeID"),)
    AutoPayID: Mapped[int] = mapped_column(primary_key=True)
    PaymentID: Mapped[int] = _key("Payment.PaymentID")
    ConsentReference: Mapped[str | None]
    ChangedAt: Mapped[datetime]


class PreferenceAnswer(Base):
    """What a write was answered with, so that the same key is answered so again."""

    __tablename__ = "PreferenceAnswer"
    PartnerID: Mapped[int] = mapped_column(ForeignKey("Partner.PartnerID"), primary_key=True)
    BillerID: Mapped[int] = mapped_column(ForeignKey("Biller.BillerID"), primary_key=True)
    Operation: Mapped[str] = mapped_column(primary_key=True)
    IdempotencyKeyHash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """A key may be longer than an index can hold."""
    ContentHash: Mapped[str] = mapped_column(String(64))
    ErrorCode: Mapped[int]
    AnsweredAt: Mapped[datetime]


# ── what is sent ─────────────────────────────────────────────────────────────────────────


class WebLink(OfBill, Base):
    """A link that was sent; its token is known by its hash alone."""

    __tablename__ = "WebLink"
    TokenHash: Mapped[str] = mapped_column(String(64), primary_key=True)
    Purpose: Mapped[str]
    Status: Mapped[LinkStatus]
    SentAt: Mapped[datetime]
    ExpiresAt: Mapped[datetime]

    def standing(self, now: datetime) -> Standing:
        """What becomes of whoever opens it."""
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
    """What the link opens: the e-mail is sent only while that can be used."""
    QueuedAt: Mapped[datetime]
    TryAt: Mapped[datetime]
    """It is not tried before then; whoever tries it moves this on, so that nobody else does."""
    SentAt: Mapped[datetime | None]
    RefusedWith: Mapped[int | None]
    """The mail server's code for never."""


class TextQueue(OfBill, Base):
    """A text message to be sent, with a link."""

    __tablename__ = "TextQueue"
    TextQueueID: Mapped[int] = mapped_column(primary_key=True)
    PhoneNumber: Mapped[str]
    Purpose: Mapped[str]
    Link: Mapped[str]
    ConsentReference: Mapped[str | None]
    QueuedAt: Mapped[datetime]


# ── what happened ────────────────────────────────────────────────────────────────────────


class ActivityLog(Base):
    """A step of an operation, and how it went. Nothing personal or secret."""

    __tablename__ = "ActivityLog"
    ActivityLogID: Mapped[int] = mapped_column(primary_key=True)
    RequestID: Mapped[str] = mapped_column(String(32), index=True)
    """What the steps of one request have in common."""
    LoggedAt: Mapped[datetime]
    Operation: Mapped[str]
    Step: Mapped[str]
    ErrorCode: Mapped[int]
    Error: Mapped[str | None]
    """The class of an exception; its text may be personal."""
    Parameters: Mapped[str | None]
    """Those of the request, masked, on its first step."""
    BillerID: Mapped[int | None] = mapped_column(ForeignKey("Biller.BillerID"), index=True)
