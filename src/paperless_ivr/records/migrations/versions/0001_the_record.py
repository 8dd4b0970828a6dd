"""Create the first tables, and the triggers that protect activity and consents from changes."""

import sqlalchemy as sa
from alembic import op

from paperless_ivr.records.sql.tables import HASH, NUMBER, Moment

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables and triggers."""
    op.create_table(
        "consents",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("biller", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("answered", Moment, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("biller", "reference", "answered"),
        comment="Every consent, with the words that were heard. Rows are never changed.",
    )
    _index("consents", "biller", "answered")
    op.create_table(
        "activity",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("biller", sa.Text, nullable=False),
        sa.Column("policy_version", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("ani_hash", HASH),
        sa.Column("accounts_hash", sa.Text, nullable=False, comment="hashes, separated by spaces"),
        sa.Column("detail", sa.Text, nullable=False, comment="JSON: names and codes"),
        sa.Column("consent", NUMBER, sa.ForeignKey("consents.id")),
        comment="What happened, one line per row. Rows are never changed.",
    )
    _index("activity", "consent")
    _index("activity", "biller", "call_id")
    _index("activity", "biller", "at")
    op.create_table(
        "counted",
        sa.Column("whose", HASH, primary_key=True, comment="a call, an ANI or an account"),
        sa.Column(
            "line", NUMBER, sa.ForeignKey("activity.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("ended", sa.Text, comment="the disposition of a hand-over"),
        comment="Hand-overs that count for the next offer, as found in the activity.",
    )
    _index("counted", "line")
    _index("counted", "whose", "what", "at")
    op.create_table(
        "writes",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("biller", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False, comment="when it was put on record"),
        sa.Column("consent", NUMBER, sa.ForeignKey("consents.id"), nullable=False),
        sa.Column("bill_hash", HASH, nullable=False),
        sa.Column("number_hash", HASH, comment="of a text: its number"),
        sa.Column("ani_hash", HASH, comment="of a text: the caller"),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("settled", Moment),
        comment="Writes that were sent to the service, or were about to be.",
    )
    _index("writes", "consent")
    _index("writes", "bill_hash")
    _index("writes", "number_hash", "at")
    _index("writes", "ani_hash", "at")
    op.create_table(
        "wishes",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("biller", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("consent", NUMBER, sa.ForeignKey("consents.id"), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        comment="Deferred requests, to be completed later.",
    )
    _index("wishes", "consent")
    op.create_table(
        "jobs",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False, comment="of the write or deferred request"),
        sa.Column("biller", sa.Text, nullable=False),
        sa.Column("bill_hash", HASH, nullable=False),
        sa.Column("at", Moment, nullable=False, comment="when it became due"),
        sa.Column("wanted", Moment, nullable=False, comment="when the caller asked for it"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("holder", sa.Text, nullable=False, comment="who claimed it; empty if no one"),
        sa.Column("until", Moment, comment="when it may be claimed again"),
        sa.Column("done", sa.Text),
        sa.Column("done_at", Moment),
        sa.UniqueConstraint("task", "key"),
        comment="Unfinished work after a call, and how it ended.",
    )
    _index("jobs", "bill_hash")
    _index("jobs", "task", "done", "at")
    op.create_table(
        "live_calls",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("sealed_document", sa.LargeBinary, nullable=False),
        sa.Column("saved", Moment, nullable=False),
        comment="Calls in progress.",
    )
    _index("live_calls", "saved")
    op.create_table(
        "purges",
        sa.Column("biller", sa.Text, primary_key=True),
        sa.Column("activity_before", Moment, nullable=False),
        sa.Column("consents_before", Moment, nullable=False),
        comment="What a purge in progress may remove. Empty except inside its transaction.",
    )
    if op.get_context().dialect.name == "sqlite":
        _append_only_sqlite()
    else:
        _append_only_postgresql()


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


KEPT = (("activity", "at", "activity_before"), ("consents", "answered", "consents_before"))
"""Append-only tables, and the columns that limit what a purge may remove from them.

A purge adds a row to `purges` that states what it will remove, removes it, and deletes the row, all
in one transaction. No other transaction ever sees the row, so a line can be removed only by a
transaction that first states what it will remove. This needs no role, session variable, or switch,
and works the same way in both databases. Revision 0004 replaces `purges` with `removals`.
"""


def _allowed(at: str, before: str) -> str:
    """Return the SQL condition under which a purge in progress may remove a row."""
    of_biller = f"p.biller = OLD.biller AND p.{before} > OLD.{at}"
    return f"EXISTS (SELECT 1 FROM purges p WHERE {of_biller})"  # noqa: S608 - our own names


def _append_only_sqlite() -> None:
    for table, at, before in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
        )
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} WHEN NOT {_allowed(at, before)} "
            "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
        )


def _append_only_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION paperless_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'append-only'; END $$"
    )
    for table, at, before in KEPT:
        op.execute(
            f"CREATE FUNCTION paperless_{table}_kept() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN IF NOT {_allowed(at, before)} "
            "THEN RAISE EXCEPTION 'append-only'; END IF; RETURN OLD; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION paperless_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION paperless_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION paperless_{table}_kept()"
        )
