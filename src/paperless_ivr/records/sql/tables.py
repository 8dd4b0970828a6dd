"""The tables of the record. `migrations` creates them, and a test checks that the two agree.

No column contains personal data in clear text. The columns `whose` and `*_hash` contain keyed
hashes for look-ups. Only the vault can open `sealed` and `sealed_document`.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class Moment(TypeDecorator[datetime]):
    """A time-zone-aware date and time. SQLite, which has no time zones, stores it in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored form."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the value in UTC."""
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


VERSION_TABLE = "paperless_ivr_revision"
"""The name of Alembic's table. The default name is left for other programs in the same database."""
REVISION = "0004"
"""The newest revision in `migrations/versions`, which produces the tables below."""

REMOVES = "paperless_ivr_removes"
"""The SQL function that SQLite triggers call. Only this library's connections define it.

Without it, no statement can remove a line, whatever `removals` contains. SQLite has no roles that
could enforce this.
"""

HASH = String(64)
NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""The type of row numbers. SQLite requires Integer, which has 64 bits there."""


def _number() -> Column[Any]:
    return Column("id", NUMBER, primary_key=True)


def _consent() -> Column[Any]:
    return Column("consent", NUMBER, ForeignKey("consents.id"), nullable=False, index=True)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

consents = Table(
    "consents",
    metadata,
    _number(),
    Column("biller", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("answered", Moment, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("biller", "reference", "answered"),
    Index(None, "biller", "answered"),
    comment="Every consent, with the words that were heard. Rows are never changed.",
)

activity = Table(
    "activity",
    metadata,
    _number(),
    Column("what", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("biller", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("ani_hash", HASH),
    Column("accounts_hash", Text, nullable=False, comment="hashes, separated by spaces"),
    Column("detail", Text, nullable=False, comment="JSON: names and codes"),
    Column("consent", NUMBER, ForeignKey("consents.id"), index=True),
    Index(None, "biller", "call_id"),
    Index(None, "biller", "at"),
    comment="What happened, one line per row. Rows are never changed.",
)

counted = Table(
    "counted",
    metadata,
    Column("whose", HASH, primary_key=True, comment="a call, an ANI or an account"),
    Column(
        "line",
        NUMBER,
        ForeignKey("activity.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
    Column("what", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("ended", Text, comment="the disposition of a hand-over"),
    Index(None, "whose", "what", "at"),
    comment="Hand-overs that count for the next offer, as found in the activity.",
)

reserved = Table(
    "reserved",
    metadata,
    Column("whose", HASH, primary_key=True, comment="a caller, an account, a number or a biller"),
    Column("key", Text, primary_key=True, index=True, comment="of the try, or of the text"),
    Column("biller", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index(None, "whose", "at"),
    comment="Tries and texts that count against a limit. Added before they are made.",
)

writes = Table(
    "writes",
    metadata,
    Column("key", Text, primary_key=True),
    Column("biller", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("at", Moment, nullable=False, comment="when it was put on record"),
    _consent(),
    Column("bill_hash", HASH, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("outcome", Text),
    Column("reason", Text),
    Column("settled", Moment),
    comment="Writes that were sent to the service, or were about to be.",
)

wishes = Table(
    "wishes",
    metadata,
    Column("key", Text, primary_key=True),
    Column("biller", Text, nullable=False),
    Column("at", Moment, nullable=False),
    _consent(),
    Column("sealed", LargeBinary, nullable=False),
    comment="Deferred requests, to be completed later.",
)

jobs = Table(
    "jobs",
    metadata,
    _number(),
    Column("task", Text, nullable=False),
    Column("key", Text, nullable=False, comment="of the write or deferred request"),
    Column("biller", Text, nullable=False),
    Column("bill_hash", HASH, nullable=False, index=True),
    Column("at", Moment, nullable=False, comment="when it became due"),
    Column("wanted", Moment, nullable=False, comment="when the caller asked for it"),
    Column("attempts", Integer, nullable=False),
    Column("holder", Text, nullable=False, comment="who claimed it; empty if no one"),
    Column("until", Moment, comment="when it may be claimed again"),
    Column("done", Text),
    Column("done_at", Moment),
    UniqueConstraint("task", "key"),
    Index(None, "task", "done", "at"),
    comment="Unfinished work after a call, and how it ended.",
)

live_calls = Table(
    "live_calls",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("turn", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("sealed_document", LargeBinary, nullable=False),
    Column("saved", Moment, nullable=False),
    Column("biller", Text, nullable=False, server_default="", comment="empty: revision 0002"),
    Index(None, "biller", "saved"),
    comment="Calls in progress.",
)

key_check = Table(
    "key_check",
    metadata,
    _number(),
    Column("hash", HASH, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    comment="One row, which only matches the keys of this record.",
)

removals = Table(
    "removals",
    metadata,
    _number(),
    Column("why", Text, nullable=False, comment="purge or erasure"),
    Column("biller", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("activity_before", Moment, nullable=False),
    Column("consents_before", Moment, nullable=False),
    Column("finished", Moment, comment="empty while it may remove rows"),
    Column("activities", Integer, nullable=False, server_default="0"),
    Column("consents", Integer, nullable=False, server_default="0"),
    Column("writes", Integer, nullable=False, server_default="0"),
    Column("wishes", Integer, nullable=False, server_default="0"),
    Index(None, "biller", "finished"),
    comment="Every purge and erasure, what it might remove, and how much it removed.",
)
