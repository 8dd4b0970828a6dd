"""The reference service on a separate database, on SQLite and on PostgreSQL."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import make_url

from paperless_ivr.cloudivr.database import opened, prepare
from tests.cloudivr.benches import SEED, Bench
from tests.postgres import Postgres

NUMBERS = count()


@pytest.fixture(scope="session")
def seeded(postgres: Postgres) -> str:
    """The name of a seeded PostgreSQL database, to be copied."""
    postgres.do("CREATE DATABASE seeded")
    engine = opened(postgres.url("seeded"))
    prepare(engine, SEED)
    engine.dispose()
    return "seeded"


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seeded SQLite database, to be copied."""
    file = tmp_path_factory.mktemp("cloudivr") / "seeded.db"
    engine = opened(f"sqlite:///{file}")
    prepare(engine, SEED)
    engine.dispose()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Bench]]:
    """Makes new services, each on its own database with the seed."""
    with ExitStack() as ending:

        def make() -> Bench:
            if request.param == "sqlite":
                seeded = request.getfixturevalue("sqlite")
                file = tmp_path / f"bench{next(NUMBERS)}.db"
                engine = opened(f"sqlite:///{shutil.copy(seeded, file)}")
            else:
                postgres: Postgres = request.getfixturevalue("postgres")
                url = postgres.make(request.getfixturevalue("seeded"))
                ending.callback(postgres.do, f"DROP DATABASE {make_url(url).database}")
                engine = opened(url)
            ending.callback(engine.dispose)
            return Bench(engine)

        yield make


@pytest.fixture
def bench(fresh: Callable[[], Bench]) -> Bench:
    """A new service."""
    return fresh()
