"""The reference service on a test bench, and the parts of requests to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, field
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from paperless_ivr.cloudivr import seed
from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.operations import CloudIVR

SEED = seed.load()
PARTNER = SEED.partners[0]


def ask(biller: str = "springfield-water") -> dict[str, str]:
    """Return the beginning of every request: the demo partner asks about a biller."""
    return {
        "BillerGUID": SEED.biller(biller).guid,
        "PartnerGUID": PARTNER.guid,
        "PartnerKey": PARTNER.key,
    }


def enrollment(**fields: str | None) -> dict[str, str | None]:
    """Return a request to `EnrollInPaperless` by the demo partner, with these fields."""
    return {**ask(), **fields}


def customer(handle: str) -> seed.Customer:
    """Return the customer with this handle, of any biller."""
    return next(who for b in SEED.billers for who in b.customers if who.handle == handle)


def number(handle: str) -> int:
    """Return a customer's CustomerID."""
    return int(customer(handle).id.reveal())


def guid(handle: str) -> str:
    """Return the PaymentGUID of a customer's payment."""
    return customer(handle).payment.guid.reveal()


@define
class Clock:
    """A clock that is moved by hand."""

    now: datetime = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the current time."""
        return self.now

    def passes(self, **time: float) -> None:
        """Let some time pass."""
        self.now += timedelta(**time)


@define
class Bench:
    """The service on a test bench: its operations, its clock, and its tables."""

    engine: Engine
    clock: Clock = field(factory=Clock)
    service: CloudIVR = field(init=False)

    @service.default
    def _service(self) -> CloudIVR:
        return CloudIVR(self.engine, lambda: "http://billing.test", self.clock)

    def rows(self, table: type[Any]) -> list[Any]:
        """Return all rows of a table, ordered by their keys."""
        with Session(self.engine) as session:
            return list(session.scalars(select(table).order_by(*table.__mapper__.primary_key)))

    def dump(self, *, but: tuple[type[Any], ...] = (t.ActivityLog,)) -> dict[str, list[Any]]:
        """Return the contents of all tables except the activity log."""
        left_out = {table.__table__ for table in but}
        with self.engine.connect() as connection:
            return {
                table.name: sorted(connection.execute(select(table)).all(), key=repr)
                for table in t.Base.metadata.sorted_tables
                if table not in left_out
            }

    def status(self, handle: str, invoice_type: str = "WATER") -> str:
        """Return the status of a customer's bill."""
        with Session(self.engine) as session:
            found = session.scalar(
                select(t.PaperlessRegistration.Status)
                .join(
                    t.InvoiceType,
                    t.InvoiceType.InvoiceTypeID == t.PaperlessRegistration.InvoiceTypeID,
                )
                .where(
                    t.PaperlessRegistration.CustomerID == number(handle),
                    t.InvoiceType.InvoiceType == invoice_type,
                )
            )
        return str(found) if found else "none"

    def steps(self) -> list[tuple[str, int]]:
        """Return the steps in the activity log, each with its code."""
        return [(row.Step, row.ErrorCode) for row in self.rows(t.ActivityLog)]
