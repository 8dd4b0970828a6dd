"""Whatever is killed, every accepted consent is registered exactly once (R31).

Processes are killed with SIGKILL at random moments, then a relay works, and the record is held
against the service. `PAPERLESS_IVR_KILLS` says how often; each run prints its counts.
"""

import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from attrs import define, frozen

from paperless_ivr.records.sql import open_store
from tests.durability.books import books, finish, left, relay
from tests.durability.town import (
    Counter,
    asking,
    forked,
    free_port,
    kill,
    plant,
    serve,
    take_calls,
)

KILLS = int(os.environ.get("PAPERLESS_IVR_KILLS", "300"))
CUSTOMERS = 10 * KILLS
TAKERS = 4

pytestmark = pytest.mark.requirement("R31")


@define
class Town:
    """The databases of a run, and where the service is."""

    service: str
    record: str
    port: int


@pytest.fixture(params=["sqlite", "postgresql"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Town:
    """A town with nobody enrolled; its service does not run yet."""
    service = f"sqlite:///{tmp_path / 'cloudivr.db'}"
    plant(service, CUSTOMERS)
    if request.param == "sqlite":
        record = f"sqlite:///{tmp_path / 'record.db'}"
    else:
        record = request.getfixturevalue("record_on_postgresql")
    open_store(record).__exit__(None, None, None)  # makes the tables
    made = Town(service, record, free_port())
    asking(made.port)
    return made


def test_takers_are_killed(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    """A process that takes calls is killed again and again."""
    chance, callers, killed = random.Random(31), Counter.new(), 0
    with serving(town):
        pace = Pace.of(town, callers)
        while killed < KILLS:
            numbers = callers.up(CUSTOMERS)
            taker = forked(lambda now=numbers: take_calls(town.port, town.record, now))
            time.sleep(pace.start + chance.uniform(0.0, 1.5) * pace.call)
            killed += kill(taker)
        assert callers.value < CUSTOMERS
        settled(town, killed, callers.value, "takers", capsys)


def test_the_service_is_killed(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    """The service is killed again and again, while calls go on."""
    chance, callers, killed = random.Random(32), Counter.new(), 0
    with serving(town):
        pace = Pace.of(town, callers)
    taker = forked(lambda: take_calls(town.port, town.record, callers.up(CUSTOMERS)))
    try:
        while killed < KILLS:
            service = forked(lambda: serve(town.service, town.port))
            until_it_answers(town.port)
            time.sleep(chance.uniform(0.0, 1.0) * pace.call)
            killed += kill(service)
    finally:
        kill(taker)
    assert callers.value < CUSTOMERS
    with serving(town):
        settled(town, killed, callers.value, "services", capsys)


@pytest.mark.requirement("R32")
@pytest.mark.parametrize("town", ["postgresql"], indirect=True)
def test_two_relays_and_four_takers(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    """On one PostgreSQL at once, relays finish what killed takers left while others take calls."""
    chance, killed, kills = random.Random(33), 0, KILLS // 5
    counters = [Counter.new() for _ in range(TAKERS)]

    def taker(which: int) -> int:
        numbers = counters[which].up(CUSTOMERS, TAKERS, which)
        return forked(lambda: take_calls(town.port, town.record, numbers))

    with serving(town):
        pace = Pace.of(town, counters[0])
        relays = [forked(lambda: relay(town.record, town.port)) for _ in range(2)]
        takers = [taker(which) for which in range(TAKERS)]
        try:
            while killed < kills:
                time.sleep(chance.uniform(0.2, 1.0) * (pace.start + pace.call))
                which = chance.randrange(TAKERS)
                killed += kill(takers[which])
                takers[which] = taker(which)
        finally:
            for process in (*takers, *relays):
                kill(process)
        assert max(counter.value for counter in counters) * TAKERS < CUSTOMERS
        calls = sum(counter.value for counter in counters)
        settled(town, killed, calls, "of four takers, beside two relays,", capsys)


@contextmanager
def serving(town: Town) -> Iterator[None]:
    """The service runs, in a process of its own."""
    service = forked(lambda: serve(town.service, town.port))
    try:
        until_it_answers(town.port)
        yield
    finally:
        kill(service)


@frozen
class Pace:
    """Seconds that things take here and now."""

    start: float
    """Until a taker takes its first call."""
    call: float

    @classmethod
    def of(cls, town: Town, callers: Counter) -> "Pace":
        """Measured on a taker of its own."""
        before, began = callers.value, time.monotonic()
        taker = forked(lambda: take_calls(town.port, town.record, callers.up(CUSTOMERS)))
        try:
            until(lambda: callers.value > before)
            first = time.monotonic()
            until(lambda: callers.value > before + 3)
            return cls(first - began, (time.monotonic() - first) / 3)
        finally:
            kill(taker)


def settled(
    town: Town, killed: int, calls: int, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lets the relay work, and holds the record against the service."""
    with open_store(town.record, budget=30.0) as store:
        before = left(store)
    finish(town.record, town.port)
    found = books(town.record, town.service)
    with capsys.disabled():
        once = sum(found.mailed.get(who) == 1 for who in found.agreed)
        click.echo(
            f"\n{killed} {what} killed in {calls} calls; {before} left to the relay; "
            f"{len(found.agreed)} consents, {once} registered exactly once; {found.left} left"
        )
    assert len(found.agreed) > killed / 10
    assert before > 0  # else nothing was hit where it hurts
    found.agree()


def until_it_answers(port: int) -> None:
    """Waits for a service that was started."""

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(answers)


def until(holds: Callable[[], bool]) -> None:
    """Waits until something holds."""
    for _ in range(12_000):
        if holds():
            return
        time.sleep(0.005)
    raise TimeoutError
