"""A PostgreSQL for processes that are killed."""

from collections.abc import Iterator

import pytest

from paperless_ivr.records.vault import new_keys
from tests.records.conftest import Postgres, a_server


@pytest.fixture
def record_on_postgresql(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty database on a server of its own, with keys in the environment."""
    import itertools

    monkeypatch.setenv("PAPERLESS_IVR_KEYS", new_keys())
    with a_server() as server:
        yield Postgres(server, itertools.count()).make()
