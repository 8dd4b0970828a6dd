"""The tables of the record, version by version (Alembic). `records.sql.revisions` runs them."""
