"""Hundreds of calls at once about one account, in four processes, stay within the limits."""

import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from attrs import evolve, frozen

from paperless_ivr.backends.demo import BILLER, customer, springfield
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.events import Digits, Ended, HungUp
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Moment
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.turns import Gather
from paperless_ivr.flow.view import Terms
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.sql import open_store
from paperless_ivr.records.vault import new_keys, vault
from paperless_ivr.secret import keys
from tests.counts import heavy
from tests.postgres import PATIENT, Postgres

CALLS, WORKERS = heavy(100, 400), 4
HELD = 60.0
"""Seconds in which all calls reach the question."""
POLICY = evolve(
    Policy(),
    offer=evolve(Policy().offer, one_question=(), again_after_days={}),
    budgets=evolve(Policy().budgets, record=2),
)

pytestmark = [pytest.mark.requirement("R17", "R47"), pytest.mark.prove]


@frozen
class Guesser:
    """Waits at the question until all calls have reached it, or were turned away; then guesses."""

    guesses: list[str]
    arrive: object

    def perform(self, turn, _):
        """Hear a turn, and answer it."""
        names = [prompt.name for prompt in turn.say]
        if not isinstance(turn.then, Gather):
            return None
        if "offer" in names:
            return Digits(keys("1"))
        self.arrive()
        if "last_four" not in names:
            return HungUp()
        self.guesses.append("last_four")
        return Digits(keys("0000"), Ended.FULL)


def work(url: str, sealed: str, number: int, barrier) -> tuple[int, int]:
    """Run one worker's share of the calls. Returns its guesses, and how often it was asked."""
    guesses: list[str] = []
    there, everyone, lock = set(), threading.Event(), threading.Lock()
    share = CALLS // WORKERS

    def arrived(call: int) -> None:
        with lock:
            there.add(call)
            if len(there) < share:
                return
        everyone.set()

    with open_store(url, vault(sealed), PATIENT) as store:
        setup = Setup(Flow(Terms(POLICY)), Catalog.of(POLICY), springfield(), store)
        driver = Driver(setup)

        def hold(call: int) -> None:
            def arrive() -> None:
                arrived(call)
                everyone.wait(HELD)

            arrival = Arrival(
                f"w{number}-{call}",
                BILLER,
                Moment.BEFORE_PAYMENT,
                ani=customer("rivera").phone,
                language="en-US",
            )
            driver.converse(Guesser(guesses, arrive), arrival)
            arrived(call)

        barrier.wait(HELD)
        with ThreadPoolExecutor(share) as pool:
            list(pool.map(hold, range(share)))
    return len(guesses), share


def guesses_at_once(url: str) -> int:
    """Return the guesses that all workers together allow the callers."""
    sealed = new_keys()
    with open_store(url, vault(sealed), PATIENT):
        pass
    server = get_context("forkserver")
    server.set_forkserver_preload([__name__])  # so that what all workers need is imported once
    with server.Manager() as manager, server.Pool(WORKERS) as pool:
        barrier = manager.Barrier(WORKERS)
        shares = pool.starmap(work, [(url, sealed, n, barrier) for n in range(WORKERS)])
    assert sum(calls for _, calls in shares) == CALLS
    return sum(guesses for guesses, _ in shares)


def test_calls_at_once_on_sqlite(tmp_path: Path) -> None:
    """On SQLite, where writers take turns."""
    assert guesses_at_once(f"sqlite:///{tmp_path}/record.db") == POLICY.limits.tries_per_account[0]


def test_calls_at_once_on_postgresql(postgres: Postgres) -> None:
    """On PostgreSQL, where transactions run in parallel."""
    assert guesses_at_once(postgres.make()) == POLICY.limits.tries_per_account[0]
