"""Reading the durable record for reports: in pages, without keys."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperless_ivr.records.memory import MemoryRecord
from paperless_ivr.records.port import Activity, ActivityType
from paperless_ivr.records.sql import Database, SqlReading, reading
from paperless_ivr.testing.contracts.bench import BILLER, START, Bench, Clock
from tests.postgres import PATIENT

SECONDS = st.integers(0, 5).map(lambda n: timedelta(seconds=n))
LINES = st.lists(st.tuples(st.sampled_from((BILLER, "elm-energy")), SECONDS), max_size=12)
BOUNDS = st.none() | SECONDS.map(lambda after: START + after)


@pytest.mark.requirement("R33")
@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(lines=LINES, since=BOUNDS, until=BOUNDS)
def test_pages(opened, monkeypatch, lines, since, until):
    """However the lines are split into pages, each is returned once, as it is from memory."""
    monkeypatch.setattr(reading, "PAGE", 3)
    records = (opened().record, MemoryRecord(Clock()))
    for number, (biller, after) in enumerate(lines):
        line = Activity(ActivityType.RETRIED, f"c{number}", biller, "1", START + after, "")
        for record in records:
            record.note(line)

    stored, remembered = (list(record.activity(BILLER, since, until)) for record in records)

    assert remembered == stored


def test_meanwhile(opened, monkeypatch):
    """Lines noted during reading disturb nothing, and nothing waits for the reader."""
    monkeypatch.setattr(reading, "PAGE", 2)
    bench = Bench(opened().record, Clock())
    for number in range(4):
        bench.note(ActivityType.RETRIED, f"c{number}")

    told = []
    for line in bench.record.activity(BILLER, until=START + timedelta(seconds=1)):
        bench.clock.go(seconds=1)
        bench.note(ActivityType.RETRIED, "meanwhile")
        told.append(line.call_id)

    assert told == ["c0", "c1", "c2", "c3"]


def test_no_keys(opened, new_url):
    """A report needs no keys."""
    url = new_url()
    bench = Bench(opened(url).record, Clock())
    bench.note(ActivityType.ARRIVED)

    database = Database(url, PATIENT)
    read = SqlReading(database)
    assert [line.what for line in read.activity(BILLER)] == [ActivityType.ARRIVED]
    assert (read.billers(), read.tracked(BILLER)) == ((BILLER,), ())
    database.close()
