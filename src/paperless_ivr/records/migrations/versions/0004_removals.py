"""Keep a permanent row for every removal of lines or consents, by a purge or an erasure."""

import sqlalchemy as sa
from alembic import op

from paperless_ivr.records.sql.tables import NUMBER, REMOVES, Moment

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table, and make the triggers of 0001 read it instead of `purges`.

    In earlier versions, a committed purge leaves no row in `purges`, so any row found there was
    added by something else. It is kept as a finished removal.
    """
    op.create_table(
        "removals",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("why", sa.Text, nullable=False, comment="purge or erasure"),
        sa.Column("biller", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("activity_before", Moment, nullable=False),
        sa.Column("consents_before", Moment, nullable=False),
        sa.Column("finished", Moment, comment="empty while it may remove rows"),
        sa.Column("activities", sa.Integer, nullable=False, server_default="0"),
        sa.Column("consents", sa.Integer, nullable=False, server_default="0"),
        sa.Column("writes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("wishes", sa.Integer, nullable=False, server_default="0"),
        comment="Every purge and erasure, what it might remove, and how much it removed.",
    )
    op.create_index("ix_removals_biller_finished", "removals", ["biller", "finished"])
    columns = "biller, activity_before, consents_before"
    op.execute(
        f"INSERT INTO removals (why, at, finished, {columns}) "  # noqa: S608 - our own names
        f"SELECT 'found in purges', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, {columns} FROM purges"
    )
    if op.get_context().dialect.name == "sqlite":
        _read_by_sqlite()
        _stay_on_sqlite()
    else:
        _read_by_postgresql()
        _stay_on_postgresql()
    op.drop_table("purges")


KEPT = (("activity", "at", "activity_before"), ("consents", "answered", "consents_before"))
"""Append-only tables, and the columns that limit what an unfinished removal may remove."""


def _allowed(at: str, before: str) -> str:
    """Return the SQL condition under which a removal in progress may remove a row."""
    of_biller = f"r.biller = OLD.biller AND r.finished IS NULL AND r.{before} > OLD.{at}"
    return f"EXISTS (SELECT 1 FROM removals r WHERE {of_biller})"  # noqa: S608 - our own names


def _read_by_sqlite() -> None:
    for table, at, before in KEPT:
        op.execute(f"DROP TRIGGER {table}_kept")
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
            f"WHEN NOT ({REMOVES}() AND {_allowed(at, before)}) "
            "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
        )


def _read_by_postgresql() -> None:
    for table, at, before in KEPT:
        op.execute(
            f"CREATE OR REPLACE FUNCTION paperless_{table}_kept() RETURNS trigger "
            f"LANGUAGE plpgsql AS $$ BEGIN IF NOT {_allowed(at, before)} "
            "THEN RAISE EXCEPTION 'append-only'; END IF; RETURN OLD; END $$"
        )


NAMED = ("id", "why", "biller", "at", "activity_before", "consents_before")
"""The columns that are set when a removal begins and cannot change afterwards."""


def _row(of: str) -> str:
    return ", ".join(f"{of}.{column}" for column in NAMED)


def _stay_on_sqlite() -> None:
    """Allow a removal to be finished once, and forbid every other change to its row."""
    refused = "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
    op.execute(f"CREATE TRIGGER removals_kept BEFORE DELETE ON removals {refused}")
    op.execute(
        "CREATE TRIGGER removals_stays BEFORE UPDATE ON removals "
        "WHEN OLD.finished IS NOT NULL OR NEW.finished IS NULL "
        f"OR ({_row('NEW')}) IS NOT ({_row('OLD')}) {refused}"
    )
    op.execute(
        "CREATE TRIGGER removals_unreplaced BEFORE INSERT ON removals "  # noqa: S608 - our own names
        f"WHEN NOT {REMOVES}() OR EXISTS (SELECT 1 FROM removals r WHERE r.id = NEW.id) {refused}"
    )


def _stay_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION paperless_removals_stay() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN IF OLD.finished IS NOT NULL OR NEW.finished IS NULL "
        f"OR ({_row('NEW')}) IS DISTINCT FROM ({_row('OLD')}) "
        "THEN RAISE EXCEPTION 'append-only'; END IF; RETURN NEW; END $$"
    )
    for name, when, function in (
        ("kept", "BEFORE DELETE ON removals FOR EACH ROW", "paperless_append_only"),
        ("whole", "BEFORE TRUNCATE ON removals FOR EACH STATEMENT", "paperless_append_only"),
        ("stays", "BEFORE UPDATE ON removals FOR EACH ROW", "paperless_removals_stay"),
    ):
        op.execute(f"CREATE TRIGGER removals_{name} {when} EXECUTE FUNCTION {function}()")
