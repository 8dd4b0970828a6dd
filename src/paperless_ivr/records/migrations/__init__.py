"""The Alembic revisions of the record's tables. `records.sql.upgrades` runs them."""
