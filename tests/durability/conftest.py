"""Databases for processes that are killed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from paperless_ivr.records.sql import open_store
from paperless_ivr.records.vault import new_keys
from tests.durability.town import CUSTOMERS, Counts, Town, asking, free_port, plant
from tests.postgres import Postgres

pytest.register_assert_rewrite("tests.durability.books")  # so that it shows what differs


@pytest.fixture
def record_on_postgresql(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty database, with keys in the environment."""
    monkeypatch.setenv("PAPERLESS_IVR_KEYS", new_keys())
    return postgres.make()


@pytest.fixture(params=["sqlite", "postgresql"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Town:
    """A town with no one enrolled, whose service is not running yet."""
    service = f"sqlite:///{tmp_path / 'cloudivr.db'}"
    plant(service, CUSTOMERS, some_paperless=True)
    if request.param == "sqlite":
        record = f"sqlite:///{tmp_path / 'record.db'}"
    else:
        record = request.getfixturevalue("record_on_postgresql")
    open_store(record).__exit__(None, None, None)  # creates the tables
    made = Town(service, record, free_port())
    asking(made.port)  # before processes are forked
    return made


@pytest.fixture
def counts(record_property: Callable[[str, object], None]) -> Counts:
    """Collects counts that are printed at the end, even if other processes run the tests."""
    return lambda text: record_property("counts", text)
