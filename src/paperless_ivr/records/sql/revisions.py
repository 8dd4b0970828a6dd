"""Which version of the tables a database has, and how it gets to this one."""

from importlib.resources import as_file, files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from paperless_ivr.errors import OlderDatabase, UnknownDatabase
from paperless_ivr.records.sql.database import Database
from paperless_ivr.records.sql.tables import VERSION_TABLE

LOCK = "the tables of the record"
NOTHING = "none"


def upgrade(database: Database) -> str:
    """Brings the tables to this version, making them where there are none; names the version.

    Whole or not at all, and once where several do it at the same time. Raises
    `UnknownDatabase` for tables of a later version.
    """

    def bring(connection: Connection) -> str:
        database.lock(connection, LOCK)
        with as_file(files("paperless_ivr.records") / "migrations") as folder:
            scripts = _scripts(folder)
            found = _found(connection)
            if found != NOTHING and not _known(scripts, found):
                raise UnknownDatabase(found, _head(scripts))
            config = _config(folder)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return _head(scripts)

    return database.write(bring)


def check_revision(database: Database) -> None:
    """Raises `OlderDatabase` or `UnknownDatabase` where the tables are not of this version."""
    with as_file(files("paperless_ivr.records") / "migrations") as folder:
        scripts = _scripts(folder)
    head, found = _head(scripts), database.read(_found)
    if found == head:
        return
    if found == NOTHING or _known(scripts, found):
        raise OlderDatabase(found, head)
    raise UnknownDatabase(found, head)


def is_empty(database: Database) -> bool:
    """Whether a database has no tables at all."""
    return not database.read(lambda connection: inspect(connection).get_table_names())


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def _scripts(folder: Path) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(folder))


def _head(scripts: ScriptDirectory) -> str:
    return scripts.get_current_head() or NOTHING


def _known(scripts: ScriptDirectory, revision: str) -> bool:
    return any(script.revision == revision for script in scripts.walk_revisions())


def _found(connection: Connection) -> str:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision() or NOTHING
