"""The report of a seeded day agrees with a count made in another way."""

from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from paperless_ivr.records.funnel import By, Stage, funnels, hand_overs
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.port import ActivityType, Task
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.testing.contracts.bench import Clock
from paperless_ivr.testing.day import BILLER, Day
from paperless_ivr.web.meters import Meters
from tests.counts import heavy
from tests.records.tally import Tally

pytestmark = pytest.mark.requirement("R33")

CHICAGO = ZoneInfo("America/Chicago")
CALLS = heavy(120, 2000)
"""Enough to reach every stage of the funnel."""
SEED = 10
"""A day on which a registration is outdated before it is known."""


def agree(record, clock, seed, number):
    """Run a day on a record: its report and another count agree, hand-over by hand-over."""
    day = Day(record, SeparateStores(record, MemoryLiveCalls(clock)), clock, seed)
    tally = Tally(day.backend, clock)
    handbacks = {}
    for at, taken in enumerate(day.take(number, tally, tally.moved)):
        reference = f"{taken.arrival.call_id}-h{at}"
        tally.handed_over(taken, reference)
        handbacks[reference] = taken.handback
    for came in day.finish():
        tally.done_later(came)
    ledger = {
        "unsettled": {left.key for left in record.unsettled(clock())},
        "kept": {left.key for left in record.kept()},
        "followed": {left.key for left in record.followed()},
    }
    wanted = [tally.hand_over(of, back, ledger) for of, back in handbacks.items()]
    got = list(hand_overs(record.activity(BILLER)))

    assert len(wanted) == len(got) == number
    assert Counter(wanted) == Counter(got)
    assert {one.stage for one in got} == set(Stage)
    assert funnels(wanted, [*By], CHICAGO) == funnels(got, [*By], CHICAGO)
    left = {one.task: one.count for one in record.tracked(BILLER) if one.ended is None}
    assert [len(of) for of in ledger.values()] == [left.get(task, 0) for task in Task]
    return got


@pytest.mark.prove
def test_in_memory():
    """A day on the in-memory record. In UTC, its last five hours are on the next day."""
    clock = Clock()
    got = agree(MemoryRecord(clock), clock, SEED, CALLS)

    by_day = {
        zone: [(group.day, funnel.reached[Stage.HANDED_OVER]) for group, funnel in days.items()]
        for zone, days in (
            ("UTC", funnels(got, [By.DAY])),
            ("Chicago", funnels(got, [By.DAY], CHICAGO)),
        )
    }
    assert by_day["Chicago"] == [("2026-11-23", CALLS)]
    later = CALLS * 5 // 16
    assert by_day["UTC"] == [("2026-11-23", CALLS - later), ("2026-11-24", later)]


def test_metrics_of_ways():
    """The metrics count the ways to an address in the record, and the consents by them."""
    clock, meters = Clock(), Meters()
    record = MemoryRecord(clock)
    day = Day(record, SeparateStores(record, MemoryLiveCalls(clock)), clock, SEED)

    for _ in day.take(40, day.backend, meters.moved):
        pass

    lines = list(record.activity(BILLER))
    wanted = Counter((line.detail["way"], "offered") for line in lines if "way" in line.detail)
    agreed = [
        line
        for line in lines
        if line.what is ActivityType.CONSENTED and line.detail["purpose"] == "enrol"
    ]
    got = {
        (sample.labels["way"], sample.labels["came_to"]): sample.value
        for metric in meters.registry.collect()
        for sample in metric.samples
        if sample.name == "paperless_ivr_ways_total"
    }
    assert {key: n for key, n in got.items() if key[1] == "offered"} == wanted
    assert sum(n for key, n in got.items() if key[1] == "taken") == len(agreed) > 0


@pytest.mark.prove
def test_durable(opened):
    """Shorter days on SQLite and on PostgreSQL."""
    clock = Clock()
    store = opened(now=clock)

    agree(store.record, clock, SEED, min(CALLS, 500 if store.database.is_sqlite else 200))


def test_two_counts_differ():
    """The other count is independent: it sees what a record does not report."""

    class Forgets(MemoryRecord):
        def activity(self, biller, since=None, until=None):
            lines = super().activity(biller, since, until)
            return (line for line in lines if line.detail.get("answer") != "Accepted")

    clock = Clock()
    with pytest.raises(AssertionError):
        agree(Forgets(clock), clock, SEED, CALLS)
