"""The tables of the record. `migrations` creates them, and a test checks that the two agree.

No column holds personal data in clear text. Columns that end in `_hash`, and `whose`, are keyed
hashes to look things up by. Only the vault can open `sealed`.
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
    """A time-zone-aware moment. SQLite has no time zones, so it is stored there in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored form."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the original value."""
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


VERSION_TABLE = "paperless_ivr_revision"
"""Alembic's table. Another program in the same database can use the usual name."""
REVISION = "0004"
"""The newest of `migrations/versions`, which results in the tables below."""

REMOVES = "paperless_ivr_removes"
"""A function that only this library's connections have, called by the triggers in SQLite.

Without it no statement can remove a line, whatever is in `removals`: SQLite has no roles.
"""

HASH = String(64)
NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows with an Integer, which has 64 bits."""


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
    comment="Every consent with the words that were heard. Nothing is ever changed.",
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
    Column("accounts_hash", Text, nullable=False, comment="a hash for each, blanks between"),
    Column("detail", Text, nullable=False, comment="JSON: names and codes"),
    Column("consent", NUMBER, ForeignKey("consents.id"), index=True),
    Index(None, "biller", "call_id"),
    Index(None, "biller", "at"),
    comment="What happened, a line each. Nothing is ever changed.",
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
    comment="Misses and hand-overs that count for the next offer; told from the activity.",
)

reserved = Table(
    "reserved",
    metadata,
    Column("whose", HASH, primary_key=True, comment="a caller, an account, a number or a biller"),
    Column("key", Text, primary_key=True, index=True, comment="of the try, or of the text"),
    Column("biller", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index(None, "whose", "at"),
    comment="Tries and texts that count against a limit, from before they are made.",
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
    comment="What was sent to the service, or was about to be.",
)

wishes = Table(
    "wishes",
    metadata,
    Column("key", Text, primary_key=True),
    Column("biller", Text, nullable=False),
    Column("at", Moment, nullable=False),
    _consent(),
    Column("sealed", LargeBinary, nullable=False),
    comment="What was kept, to be completed later.",
)

jobs = Table(
    "jobs",
    metadata,
    _number(),
    Column("task", Text, nullable=False),
    Column("key", Text, nullable=False, comment="of the write or the wish"),
    Column("biller", Text, nullable=False),
    Column("bill_hash", HASH, nullable=False, index=True),
    Column("at", Moment, nullable=False, comment="since when it is to be done"),
    Column("wanted", Moment, nullable=False, comment="when the caller wanted it"),
    Column("attempts", Integer, nullable=False),
    Column("holder", Text, nullable=False, comment="who has it; empty: nobody"),
    Column("until", Moment, comment="when it may be claimed again"),
    Column("done", Text),
    Column("done_at", Moment),
    UniqueConstraint("task", "key"),
    Index(None, "task", "done", "at"),
    comment="What is left to do after a call, and what has become of it.",
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
    comment="One row, which only the keys of this record match.",
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
    Column("finished", Moment, comment="until then it may remove"),
    Column("activities", Integer, nullable=False, server_default="0"),
    Column("consents", Integer, nullable=False, server_default="0"),
    Column("writes", Integer, nullable=False, server_default="0"),
    Column("wishes", Integer, nullable=False, server_default="0"),
    Index(None, "biller", "finished"),
    comment="Every purge and erasure, what it might remove, and how much it removed.",
)
