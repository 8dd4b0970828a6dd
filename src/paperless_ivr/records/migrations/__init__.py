"""The tables of the record, version by version (Alembic). `records.sql.upgrades` runs them."""
