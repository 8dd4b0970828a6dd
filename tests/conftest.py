"""Fixtures that tests of several packages share."""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.postgres import Postgres

settings.register_profile(
    "slow machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("slow machine")


@pytest.fixture(scope="session")
def postgres() -> Iterator["Postgres"]:
    """One server for all tests of a process that do not break it; `t0` has the record's tables."""
    # Imported here because the tests of the wheel install the package alone, without SQL.
    from paperless_ivr.records.sql import Database
    from paperless_ivr.records.sql.upgrades import upgrade
    from tests.postgres import PATIENT, Postgres, a_server

    with a_server() as server:
        made = Postgres(server, itertools.count())
        made.do("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")  # many small databases
        upgraded = Database(made.make(), PATIENT)
        upgrade(upgraded)
        upgraded.close()
        yield made
