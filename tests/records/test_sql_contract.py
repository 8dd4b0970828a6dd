"""The durable record keeps what every record promises, on SQLite and on PostgreSQL."""

import pytest
from attrs import evolve

from paperless_ivr.errors import StaleCall
from paperless_ivr.flow.events import TryReserved
from paperless_ivr.flow.policy import Limits
from paperless_ivr.flow.requests import Guess, ReserveTry
from paperless_ivr.records.port import Reservation, SavedCall, SessionUpdate
from paperless_ivr.testing.contracts import check_live_calls, record, session_store
from paperless_ivr.testing.contracts.bench import ANI, BILLER
from paperless_ivr.testing.contracts.checking import run


@pytest.mark.requirement("R14", "R17", "R31")
@pytest.mark.parametrize("check", record.PROMISES, ids=lambda check: check.__name__)
def test_sql_record_keeps_it(check, opened):
    """The durable record keeps each promise of a record."""
    run([check], lambda now: opened(now=now).record)


def test_sql_live_calls_keep_it(opened):
    """Live calls in a database keep every promise of live calls."""
    check_live_calls(lambda now: opened(now=now).calls)


@pytest.mark.requirement("R31")
@pytest.mark.parametrize("check", session_store.PROMISES, ids=lambda check: check.__name__)
def test_sql_store_keeps_it(check, opened):
    """The store keeps each promise of a session store, in one transaction."""

    def make(now):
        store = opened(now=now)
        return store, store.record

    run([check], make)


@pytest.mark.requirement("R17", "R47")
def test_no_try_is_counted_that_nothing_follows(opened):
    """If what follows a try is not stored, for whatever reason, the try was not made."""
    store, limits = opened(), evolve(Limits(), tries_per_ani=(1, 1))

    def broken(_):
        raise ZeroDivisionError

    def stale(_):
        return SessionUpdate(SavedCall("c1", 2, b"call"), if_turn=1)

    for number, (follow, error) in enumerate([(broken, ZeroDivisionError), (stale, StaleCall)]):
        asked = Reservation(ReserveTry(Guess.ACCOUNT, BILLER, ANI, (), f"t{number}"), limits)
        with pytest.raises(error):
            store.commit_try(asked, follow)
    asked = ReserveTry(Guess.ACCOUNT, BILLER, ANI, (), "t2")
    assert store.record.reserve(asked, limits) == TryReserved()
