"""Whatever is killed, every accepted consent is registered exactly once (R31).

Processes are killed with SIGKILL at random moments. Then, a relay works, and the record is compared
with the service. This happens 300 times in `make prove`, and 20 times otherwise: more often if
no kill has hit a critical moment by then. Each run prints its counts.
"""

import random
import time

import pytest

from paperless_ivr.records.sql import open_store
from tests.durability.books import books, finish, left, relay
from tests.durability.town import (
    CUSTOMERS,
    KILLS,
    WAYS,
    Counter,
    Counts,
    Town,
    forked,
    kill,
    serve,
    serving,
    take_calls,
    until,
    until_it_answers,
)

TAKERS = 4

pytestmark = [pytest.mark.requirement("R31"), pytest.mark.long]


def test_takers_are_killed(town: Town, counts: Counts) -> None:
    """A process that takes calls is killed again and again."""
    chance, callers, killed = random.Random(31), Counter.new(), 0
    with serving(town):
        seconds = seconds_a_call(town, callers)
        while killed < KILLS or work_left(town) == 0:
            numbers = callers.up(CUSTOMERS)
            taker = forked(lambda now=numbers: take_calls(town.port, town.record, now))
            some_way_into_a_call(callers, seconds, chance, begin=1)
            killed += kill(taker)
        assert callers.value < CUSTOMERS
        settled(town, killed, callers.value, "takers", counts)


def test_the_service_is_killed(town: Town, counts: Counts) -> None:
    """The service is killed again and again during calls."""
    chance, callers, killed = random.Random(32), Counter.new(), 0
    with serving(town):
        seconds = seconds_a_call(town, callers)
    taker = forked(lambda: take_calls(town.port, town.record, callers.up(CUSTOMERS)))
    try:
        while killed < KILLS or work_left(town) <= 1:  # there may be a call in progress
            service = forked(lambda: serve(town.service, town.port))
            until_it_answers(town.port)
            some_way_into_a_call(callers, seconds, chance)
            killed += kill(service)
    finally:
        kill(taker)
    assert callers.value < CUSTOMERS
    with serving(town):
        settled(town, killed, callers.value, "services", counts)


@pytest.mark.requirement("R32")
@pytest.mark.parametrize("town", ["postgresql"], indirect=True)
def test_two_relays_and_four_takers(town: Town, counts: Counts) -> None:
    """On one PostgreSQL, relays finish the work of killed takers while others take calls."""
    chance, killed, kills = random.Random(33), 0, KILLS // 5
    counters = [Counter.new() for _ in range(TAKERS)]

    def taker(which: int) -> int:
        numbers = counters[which].up(CUSTOMERS, TAKERS, which)
        return forked(lambda: take_calls(town.port, town.record, numbers))

    with serving(town):
        seconds = seconds_a_call(town, counters[0])
        relays = [forked(lambda: relay(town.record, town.port)) for _ in range(2)]
        takers = [taker(which) for which in range(TAKERS)]
        try:
            while killed < kills:
                which = chance.randrange(TAKERS)
                some_way_into_a_call(counters[which], seconds, chance)
                killed += kill(takers[which])
                takers[which] = taker(which)
            for counter in counters:
                until_more(counter, 2)  # one whole call of each taker, as each serves one way only
        finally:
            for process in (*takers, *relays):
                kill(process)
        assert max(counter.value for counter in counters) * TAKERS < CUSTOMERS
        calls = sum(counter.value for counter in counters)
        settled(town, killed, calls, "of four takers, beside two relays,", counts)


def work_left(town: Town) -> int:
    """Return how much work is left so far. There is some once a kill has hit a critical moment."""
    with open_store(town.record, budget=30.0) as store:
        return left(store)


def seconds_a_call(town: Town, callers: Counter) -> float:
    """Return how long a call takes here and now, measured with a separate taker.

    At least one customer of each kind has called by then, whatever is killed later.
    """
    taker = forked(lambda: take_calls(town.port, town.record, callers.up(CUSTOMERS)))
    try:
        until_more(callers, 1)
        began = time.monotonic()
        until_more(callers, len(WAYS))
        return (time.monotonic() - began) / len(WAYS)
    finally:
        kill(taker)


def some_way_into_a_call(
    callers: Counter, seconds: float, chance: random.Random, begin: int = 0
) -> None:
    """Wait for calls to begin, then for a part of the time that one takes.

    One time in four, wait for another call to begin. Then, however slow the machine gets, at least
    one whole call has passed.
    """
    until_more(callers, begin + (chance.random() < 0.25))
    time.sleep(chance.uniform(0.0, 1.0) * seconds)


def until_more(callers: Counter, calls: int) -> None:
    """Wait until this many more calls have begun."""
    then = callers.value + calls
    until(lambda: callers.value >= then)


def settled(town: Town, killed: int, calls: int, what: str, counts: Counts) -> None:
    """Let the relay work, and compare the record with the service."""
    before = work_left(town)
    finish(town.record, town.port)
    found = books(town.record, town.service)
    once = sum(found.mailed.get(who) == 1 for who in found.agreed)
    counts(
        f"{killed} {what} killed in {calls} calls; {before} left to the relay; "
        f"{len(found.agreed)} consents, {once} registered exactly once; "
        f"{len(found.on_paper)} on paper again, {len(found.on_autopay)} on AutoPay, as agreed; "
        f"{found.left} left"
    )
    assert len(found.agreed) > killed / 10
    assert found.on_paper
    assert found.on_autopay
    assert before > 0
    found.agree()
