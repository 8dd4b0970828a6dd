"""The reference service's database: SQLite by default, or PostgreSQL."""

import hashlib
import logging
from collections.abc import Iterator
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, func, inspect, make_url, select
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from paperless_ivr.clock import utc_now
from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.seed import Biller, Customer, Seed
from paperless_ivr.secret import Secret

NAME = "cloudivr"
"""The engine's name in the names of SQLAlchemy's loggers."""
BUSY_S = 30
"""How many seconds SQLite waits for another writer before giving up."""


def opened(url: str) -> Engine:
    """Return an engine for the URL of a SQLite or PostgreSQL database.

    Raises ArgumentError for other kinds of databases. The engine's errors contain no values. A
    SQLite database must be a file, because each thread would have its own in-memory database.
    """
    address = make_url(url)
    kind = address.get_backend_name()
    if kind == "postgresql":
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        return _discreet(address, pool_pre_ping=True)
    if kind != "sqlite" or address.database in (None, "", ":memory:"):
        message = "use a SQLite file or a PostgreSQL database"
        raise ArgumentError(message)
    engine = _discreet(address, connect_args={"timeout": BUSY_S})
    event.listen(engine, "connect", _as_server)
    event.listen(engine, "begin", _begin)
    return engine


def _discreet(address: URL, **options: Any) -> Engine:
    """Return an engine that shows no values in errors or logs, not even rows at DEBUG (R24).

    Source: SQLAlchemy, "Configuring Logging". `logging_name` gives the engine its own logger.
    """
    logging.getLogger(f"sqlalchemy.engine.Engine.{NAME}").addFilter(_without_rows)
    return create_engine(address, hide_parameters=True, logging_name=NAME, **options)


def _without_rows(record: logging.LogRecord) -> bool:
    """Return False at DEBUG, where SQLAlchemy logs only rows and the names of their columns."""
    return record.levelno > logging.DEBUG


def _as_server(connection: Any, _: object) -> None:
    """Make SQLite act like a server, with a write-ahead log and enforced foreign keys."""
    connection.isolation_level = None  # _begin issues BEGIN instead
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Any) -> None:
    """Make writers wait at BEGIN, because a transaction that reads first could fail to write.

    Source: SQLite, "BEGIN IMMEDIATE" (lang_transaction) and SQLAlchemy's pysqlite page.
    """
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class OldDatabase(Exception):
    """A database from an earlier release of the service."""


def prepare(engine: Engine, seed: Seed | None) -> None:
    """Create the tables, and load the seed if there is no biller yet.

    Raises `OldDatabase` if a table lacks columns. Made-up data is not worth a migration.
    """
    there = inspect(engine)
    for table in t.Base.metadata.sorted_tables:
        if there.has_table(table.name):
            columns = {column["name"] for column in there.get_columns(table.name)}
            if not columns.issuperset(table.columns.keys()):
                message = (
                    "the database is from an earlier release of the reference service; use a new "
                    "one, or delete this one"
                )
                raise OldDatabase(message)
    t.Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        empty = session.scalar(select(func.count()).select_from(t.Biller)) == 0
        if seed is not None and empty:
            _plant(session, seed)


def key_hash(key: str) -> str:
    """Return the hash to store for a PartnerKey. A fast hash is safe for long, random keys."""
    return hashlib.sha256(key.encode()).hexdigest()


def last_ten(number: str) -> str | None:
    """Return a telephone number's last ten digits, or None if it has fewer than ten."""
    digits = "".join(digit for digit in number if digit in "0123456789")
    return digits[-10:] if len(digits) >= 10 else None


# ── seeding ──────────────────────────────────────────────────────────────────────────────


def _plant(session: Session, seed: Seed) -> None:
    billers = {biller.id: _biller(session, biller) for biller in seed.billers}
    session.add_all(
        t.Partner(
            PartnerGUID=partner.guid,
            PartnerName=partner.name,
            PartnerKeyHash=key_hash(partner.key),
            Billers=[billers[identifier] for identifier in partner.billers],
        )
        for partner in seed.partners
    )


def _biller(session: Session, biller: Biller) -> t.Biller:
    row = t.Biller(
        BillerGUID=biller.guid,
        BillerName=biller.name,
        BillsStillOnPaper=biller.bills_still_on_paper,
        Products=[t.BillerProduct(Product=t.Bought(p)) for p in sorted(biller.products)],
    )
    session.add(row)
    session.flush()
    types = {
        code: t.InvoiceType(
            BillerID=row.BillerID, InvoiceType=code, English=called["en"], Spanish=called["es"]
        )
        for code, called in biller.invoice_types.items()
    }
    session.add_all(types.values())
    session.add_all(_customer(row.BillerID, who) for who in biller.customers)
    session.flush()  # the rows below refer to these
    ids = {code: kind.InvoiceTypeID for code, kind in types.items()}
    for who in biller.customers:
        session.add_all(_of_customer(row.BillerID, ids, who))
    session.flush()
    return row


def _customer(biller: int, who: Customer) -> t.Customer:
    return t.Customer(
        CustomerID=int(who.id.reveal()),
        BillerID=biller,
        AccountNumber=who.account.reveal(),
        CustomerName=who.name.reveal(),
        EmailAddress=_text(who.email),
        Phone=_text(who.phone),
        PhoneLastTen=last_ten(who.phone.reveal()) if who.phone else None,
        PhoneTakesText=not who.landline,
        Holder=who.holder,
    )


def _of_customer(biller: int, types: dict[str, int], who: Customer) -> Iterator[t.Base]:
    """Yield a customer's payment, invoices, and registrations."""
    number = int(who.id.reveal())
    yield t.Payment(
        PaymentGUID=who.payment.guid.reveal(),
        BillerID=biller,
        CustomerID=number,
        InvoiceTypeID=types[who.payment.type],
        EmailAddress=_text(who.payment.email),
    )
    for bill in who.bills:
        yield t.Invoice(
            CustomerID=number,
            InvoiceTypeID=types[bill.type],
            InvoiceNumber=bill.number.reveal(),
            BalanceDue=bill.amount,
            InvoiceDueDate=bill.due,
            TellsPaperless=bill.flag,
            Withdrawn=bill.gone,
        )
        if bill.pending or bill.paperless:
            yield t.PaperlessRegistration(
                BillerID=biller,
                CustomerID=number,
                InvoiceTypeID=types[bill.type],
                Status=t.Registered.PENDING if bill.pending else t.Registered.ACTIVE,
                EmailAddress=_text(who.email),
                ChangedAt=utc_now(),
            )


def _text(value: Secret | None) -> str | None:
    return value.reveal() if value else None
