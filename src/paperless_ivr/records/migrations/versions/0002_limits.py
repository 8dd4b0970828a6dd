"""Add a table that counts tries and texts against limits before they are made."""

import sqlalchemy as sa
from alembic import op

from paperless_ivr.records.sql.tables import HASH, Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table.

    Earlier texts still count against their number and caller. All other counts restart at zero.
    """
    op.create_table(
        "reserved",
        sa.Column(
            "whose", HASH, primary_key=True, comment="a caller, an account, a number or a biller"
        ),
        sa.Column("key", sa.Text, primary_key=True, comment="of the try, or of the text"),
        sa.Column("biller", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        comment="Tries and texts that count against a limit. Added before they are made.",
    )
    op.create_index("ix_reserved_key", "reserved", ["key"])
    op.create_index("ix_reserved_whose_at", "reserved", ["whose", "at"])
    for column in ("number_hash", "ani_hash"):
        op.execute(
            f"INSERT INTO reserved (whose, key, biller, at) "  # noqa: S608 - our own names
            f"SELECT {column}, key, biller, at FROM writes WHERE {column} IS NOT NULL "
            "AND (outcome IS NULL OR outcome NOT IN ('Refused', 'Unavailable'))"
        )
        op.drop_index(f"ix_writes_{column}_at", "writes")
        op.drop_column("writes", column)
