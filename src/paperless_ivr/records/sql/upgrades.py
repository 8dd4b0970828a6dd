"""Upgrades a database to this version of the tables, with Alembic."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from paperless_ivr.errors import UnknownDatabase
from paperless_ivr.records.sql.database import Database
from paperless_ivr.records.sql.revisions import NOTHING, revision_of
from paperless_ivr.records.sql.tables import REVISION

LOCK = "the tables of the record"


def upgrade(database: Database) -> str:
    """Upgrade the tables to this version, or create them, and return the version.

    The upgrade is atomic, and runs only once if several processes try at the same time.
    Raises `UnknownDatabase` for tables of a later version.
    """

    def bring(connection: Connection) -> str:
        database.lock(connection, LOCK)
        found = revision_of(connection)
        if found != NOTHING and not is_known(found):
            raise UnknownDatabase(found, REVISION)
        with _config() as config:
            config.attributes["connection"] = connection
            command.upgrade(config, REVISION)
        return REVISION

    return database.write(bring)


def is_known(revision: str) -> bool:
    """Return whether this version can upgrade from a revision."""
    return revision in revisions()


def revisions() -> tuple[str, ...]:
    """Return all revisions, newest first."""
    with _config() as config:
        scripts = ScriptDirectory.from_config(config)
        return tuple(script.revision for script in scripts.walk_revisions())


@contextmanager
def _config() -> Iterator[Config]:
    with as_file(files("paperless_ivr.records") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        yield config
