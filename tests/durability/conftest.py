"""Databases for processes that are killed."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paperless_ivr.records.sql import open_store
from paperless_ivr.records.vault import new_keys
from tests.durability.town import CUSTOMERS, Counts, Town, asking, free_port, plant
from tests.records.conftest import Postgres, a_server


@pytest.fixture
def record_on_postgresql(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty database on a server of its own, with keys in the environment."""
    monkeypatch.setenv("PAPERLESS_IVR_KEYS", new_keys())
    with a_server() as server:
        yield Postgres(server, itertools.count()).make()


@pytest.fixture(params=["sqlite", "postgresql"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Town:
    """A town with nobody enrolled; its service does not run yet."""
    service = f"sqlite:///{tmp_path / 'cloudivr.db'}"
    plant(service, CUSTOMERS, some_paperless=True)
    if request.param == "sqlite":
        record = f"sqlite:///{tmp_path / 'record.db'}"
    else:
        record = request.getfixturevalue("record_on_postgresql")
    open_store(record).__exit__(None, None, None)  # makes the tables
    made = Town(service, record, free_port())
    asking(made.port)  # before processes are forked
    return made


@pytest.fixture
def counts(record_property: Callable[[str, object], None]) -> Counts:
    """What is told here is printed at the end, also where other processes run the tests."""
    return lambda text: record_property("counts", text)
