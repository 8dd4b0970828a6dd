"""The durable record keeps what every record promises, on SQLite and on PostgreSQL."""

import pytest

from paperless_ivr.testing.contracts import check_live_calls, record, session_store
from paperless_ivr.testing.contracts.checking import run


@pytest.mark.requirement("R14", "R17", "R31")
@pytest.mark.parametrize("check", record.PROMISES, ids=lambda check: check.__name__)
def test_sql_record_keeps_it(check, opened):
    """Each promise of a record."""
    run([check], lambda now: opened(now=now).record)


def test_sql_live_calls_keep_it(opened):
    """Every promise of live calls."""
    check_live_calls(lambda now: opened(now=now).calls)


@pytest.mark.requirement("R31")
@pytest.mark.parametrize("check", session_store.PROMISES, ids=lambda check: check.__name__)
def test_sql_store_keeps_it(check, opened):
    """Each promise of a session store, in one transaction."""

    def make(now):
        store = opened(now=now)
        return store, store.record

    run([check], make)
