"""Whichever worker is killed, the others continue calls over web requests, and nothing is lost.

Four servers answer calls from one PostgreSQL. Every request goes to two of them at once, chosen at
random, along with an earlier one. One server after another is killed with SIGKILL and restarted. If
no one answers, the request is sent again, as a runtime does. Then, a relay works.
"""

import json
import os
import random
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from paperless_ivr.flow.host import Handback
from tests.durability import callers
from tests.durability.books import books, finish
from tests.durability.callers import FLOW, WAYS, Told, call_id, held, told_by, way
from tests.durability.town import (
    KILLS,
    Counter,
    Counts,
    Town,
    answers,
    customer_id,
    forked,
    free_ports,
    kill,
    serving,
    until,
    until_it_answers,
)

WORKERS = 4
CALLS_A_KILL = 2

pytestmark = [pytest.mark.requirement("R09", "R31", "R41"), pytest.mark.long]


@pytest.mark.parametrize("town", ["postgresql"], indirect=True)
def test_four_workers(town: Town, tmp_path: Path, counts: Counts) -> None:
    """Accepted consents are registered exactly once; unbroken calls end as on a held channel."""
    with serving(town):
        killed, told = calls_while_workers_are_killed(town, tmp_path)
        expected = [held(town, number) for number in range(len(WAYS))]
        finish(town.record, town.port, flow=FLOW)
    found, ended = books(town.record, town.service), endings(town.record)

    whole = [one for one in told if not one.broken]
    broken = [one for one in told if one.broken]
    otherwise = [one for one in broken if ended.get(call_id(one.number)) != [ending(expected, one)]]
    once = sum(found.mailed.get(who) == 1 for who in found.agreed)
    counts(
        f"{WORKERS} workers killed {killed} times in {len(told)} calls; "
        f"{sum(one.requests for one in told)} requests, each to two at once; "
        f"{sum(one.late for one in told)} came late, "
        f"{sum(one.repeated for one in told)} were sent again; "
        f"{len(broken)} calls met a kill, {len(otherwise)} of them ended otherwise; "
        f"{len(found.agreed)} consents, {once} registered exactly once; {found.left} left"
    )
    found.agree()
    assert [status for one in told for status in one.odd] == []
    assert max(map(len, ended.values())) == 1
    for one in whole:
        who = str(customer_id(one.number))
        assert ended[call_id(one.number)] == [ending(expected, one)]
        assert (who in found.agreed) is consents(expected, one)
        assert (who in found.texted) is way(one.number).endswith("a text")
        assert one.disposition is None or (one.disposition, one.reason) == ending(expected, one)
    assert {str(customer_id(one.number)) for one in told if one.disposition == "enrolled"} <= set(
        found.agreed
    )
    assert whole
    assert broken


def calls_while_workers_are_killed(town: Town, folder: Path) -> tuple[int, list[Told]]:
    """Return how many were killed, and what the callers report."""
    chance, killed, begun, whole = random.Random(41), 0, Counter.new(), Counter.new()
    stop, told_in = folder / "stop", folder / "told"
    ports = list(free_ports(WORKERS))
    workers = {port: forked(lambda port=port: callers.work(town, port)) for port in ports}
    calling = 0
    try:
        for port in ports:
            until_it_answers(port)
        calling = forked(lambda: callers.call_on(ports, begun, whole, stop, told_in))
        while killed < KILLS // 5:
            until(lambda more=CALLS_A_KILL * (killed + 1): begun.value >= more)
            until(lambda: sum(map(answers, ports)) > 1)
            port = chance.choice([port for port in ports if answers(port)])
            killed += kill(workers[port])
            workers[port] = forked(lambda port=port: callers.work(town, port))
            time.sleep(chance.uniform(0.0, 1.5))
        until(lambda: all(map(answers, ports)))
        until(lambda most=begun.value: begun.value > most)
        until(lambda: whole.value > 0)
        stop.touch()
        _, status = os.waitpid(calling, 0)
        calling = 0
        assert status == 0
    finally:
        for process in (*workers.values(), *[calling] * bool(calling)):
            kill(process)
    return killed, told_by(told_in)


def ending(expected: list[Handback], one: Told) -> tuple[str, str]:
    """Return how the blocking loop ends such a call."""
    there = expected[one.number % len(WAYS)]
    return there.disposition.value, there.reason.value


def consents(expected: list[Handback], one: Told) -> bool:
    """Tell whether such a caller has agreed."""
    return bool(expected[one.number % len(WAYS)].consents)


def endings(record_url: str) -> dict[str, list[tuple[str, str]]]:
    """Return how each call ended, as often as the record says so."""
    engine = create_engine(make_url(record_url).set(drivername="postgresql+psycopg"))
    found: dict[str, list[tuple[str, str]]] = {}
    with engine.connect() as connection:
        lines = text("SELECT call_id, detail FROM activity WHERE what = 'ended' ORDER BY id")
        for call, detail in connection.execute(lines):
            told = json.loads(detail)
            found.setdefault(call, []).append((told["disposition"], told["reason"]))
    engine.dispose()
    return found
