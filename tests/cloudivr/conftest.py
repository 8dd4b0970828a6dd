"""The reference service over a database of its own, on SQLite and on PostgreSQL."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from paperless_ivr.cloudivr.database import opened, prepare
from tests.cloudivr.benches import SEED, Bench
from tests.records.conftest import a_server

NUMBERS = count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL server, which stops afterwards; the URL of a seeded database on it."""
    with a_server() as server:
        url = make_url(server.get_uri())
        # Many small databases, and none outlives the tests.
        _on_server(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        _on_server(url, "CREATE DATABASE seeded")
        seeded = url.set(database="seeded").render_as_string(hide_password=False)
        engine = opened(seeded)
        prepare(engine, SEED)
        engine.dispose()
        yield seeded


def _on_server(url: Any, *statements: str) -> None:
    admin = create_engine(
        url.set(drivername="postgresql+psycopg", database="postgres"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    admin.dispose()


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seeded database of SQLite, to be copied."""
    file = tmp_path_factory.mktemp("cloudivr") / "seeded.db"
    engine = opened(f"sqlite:///{file}")
    prepare(engine, SEED)
    engine.dispose()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Bench]]:
    """Makes services as new, each on a database of its own that holds the seed."""
    with ExitStack() as ending:

        def make() -> Bench:
            name = f"bench{next(NUMBERS)}"
            if request.param == "sqlite":
                seeded = request.getfixturevalue("sqlite")
                engine = opened(f"sqlite:///{shutil.copy(seeded, tmp_path / f'{name}.db')}")
            else:
                url = make_url(request.getfixturevalue("postgresql"))
                _on_server(url, f"CREATE DATABASE {name} TEMPLATE seeded")
                ending.callback(_on_server, url, f"DROP DATABASE {name}")
                engine = opened(url.set(database=name).render_as_string(hide_password=False))
            ending.callback(engine.dispose)
            return Bench(engine)

        yield make


@pytest.fixture
def bench(fresh: Callable[[], Bench]) -> Bench:
    """The service, as new."""
    return fresh()
