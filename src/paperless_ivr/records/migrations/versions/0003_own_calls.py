"""Add a check value that detects wrong keys, add the biller to live calls, and forbid REPLACE."""

import sqlalchemy as sa
from alembic import op

from paperless_ivr.records.sql.tables import HASH, NUMBER

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table, the column, and the triggers.

    The next program that opens the record stores the check value. Servers of an earlier version can
    keep running, but the calls that they save have no biller.
    """
    op.create_table(
        "key_check",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("hash", HASH, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        comment="One row, which only matches the keys of this record.",
    )
    op.add_column(
        "live_calls",
        sa.Column(
            "biller", sa.Text, nullable=False, server_default="", comment="empty: revision 0002"
        ),
    )
    op.drop_index("ix_live_calls_saved", "live_calls")
    op.create_index("ix_live_calls_biller_saved", "live_calls", ["biller", "saved"])
    if op.get_context().dialect.name == "sqlite":
        for table, same in REPLACED.items():
            op.execute(
                f"CREATE TRIGGER {table}_unreplaced BEFORE INSERT ON {table} "  # noqa: S608 - our own names
                f"WHEN EXISTS (SELECT 1 FROM {table} t WHERE {same}) "
                "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
            )


REPLACED = {
    "activity": "t.id = NEW.id",
    "consents": "t.id = NEW.id OR (t.biller = NEW.biller AND t.reference = NEW.reference "
    "AND t.answered = NEW.answered)",
}
"""For each table, the condition that selects a row that a new row would replace.

The delete triggers of 0001 do not prevent replacement. REPLACE fires them only if
`recursive_triggers` is on, and it is off by default (https://www.sqlite.org/lang_conflict.html).
"""
