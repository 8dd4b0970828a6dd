"""Alembic's entry point. Applies the revisions on the connection from `upgrades.upgrade`."""

from alembic import context

from paperless_ivr.records.sql.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()
