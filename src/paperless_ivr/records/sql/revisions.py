"""Determines which version of the tables a database has.

Every server does this at startup. Only `upgrades` imports Alembic, because that import is slow.
"""

from sqlalchemy import Connection, inspect, text

from paperless_ivr.errors import OlderDatabase, UnknownDatabase
from paperless_ivr.records.sql.database import Database
from paperless_ivr.records.sql.tables import REVISION, VERSION_TABLE

NOTHING = "none"


def check_revision(database: Database) -> None:
    """Raise `OlderDatabase` or `UnknownDatabase` if the tables have a different version."""
    found = database.read(revision_of)
    if found == REVISION:
        return
    from paperless_ivr.records.sql.upgrades import is_known  # noqa: PLC0415 - imports Alembic

    if found == NOTHING or is_known(found):
        raise OlderDatabase(found, REVISION)
    raise UnknownDatabase(found, REVISION)


def is_empty(database: Database) -> bool:
    """Return whether a database has no tables at all."""
    return not database.read(lambda connection: inspect(connection).get_table_names())


def revision_of(connection: Connection) -> str:
    """Return the version of the tables, or `NOTHING` if there are none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return NOTHING
    found = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - our own name
    return NOTHING if found is None else str(found)
