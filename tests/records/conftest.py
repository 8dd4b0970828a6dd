"""Separate databases for tests, on SQLite and on PostgreSQL."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paperless_ivr.clock import utc_now
from paperless_ivr.records.sql import Database, Store, open_store
from paperless_ivr.records.sql.upgrades import upgrade
from paperless_ivr.records.vault import Vault, new_keys, vault
from tests.postgres import PATIENT

Opened = Callable[..., Store]
Urls = Callable[[], str]


@pytest.fixture(scope="session")
def some_vault() -> Vault:
    """A vault."""
    return vault(new_keys())


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Urls:
    """Makes empty databases."""
    if request.param == "sqlite":
        numbers = itertools.count()
        return lambda: f"sqlite:///{tmp_path}/{next(numbers)}.db"
    return request.getfixturevalue("postgres").make


@pytest.fixture(scope="session")
def sqlite_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the tables, to be copied, which is faster than creating them."""
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
