"""Whatever calls there were, an erasure removes what it may about one person, and nothing else."""

import itertools
from datetime import timedelta

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from paperless_ivr import secret
from paperless_ivr.flow.events import Accepted
from paperless_ivr.flow.host import Disposition
from paperless_ivr.flow.policy import Limits, Retention
from paperless_ivr.flow.requests import SendWebLink
from paperless_ivr.records.port import Activity, ActivityType
from paperless_ivr.records.sql.tables import activity, consents, counted, removals, writes
from paperless_ivr.testing.contracts.bench import START, Clock, evidence_of
from tests.counts import heavy

NUMBERS = [secret.phone(f"+1217555015{n}") for n in range(3)]
ACCOUNTS = [secret.account(f"2048115{n}") for n in range(3)]
ADDRESSES = [secret.email(f"{who}@example.com") for who in ("one", "two", "three")]
NO_LIMITS = Limits(
    **dict.fromkeys(
        ("texts_per_number", "texts_per_account", "texts_per_ani", "texts_per_biller"),
        (10**6, 10**6),
    )
)
RETENTION = Retention(activity_days=400, consent_days=1000)


@frozen
class Held:
    """A completed call: who called, whose account, and what was agreed."""

    ani: secret.Secret | None
    account: secret.Secret
    email: secret.Secret | None
    """None if nothing was agreed."""
    days_ago: int

    @property
    def kept(self) -> bool:
        """Whether there is a consent that must stay."""
        return self.email is not None and self.days_ago <= RETENTION.consent_days

    def is_of(self, person: secret.Secret) -> bool:
        """Return whether a person is part of it."""
        return person in (self.ani, self.account, self.email)


CALLS = st.lists(
    st.builds(
        Held,
        st.none() | st.sampled_from(NUMBERS),
        st.sampled_from(ACCOUNTS),
        st.none() | st.sampled_from(ADDRESSES),
        st.sampled_from([0, 300, 500, 999, 1001, 3000]),
    ),
    max_size=6,
)


def hold(record, clock, biller, number, held):
    """Put a call on record as a driver would."""
    clock.at = START - timedelta(days=held.days_ago)
    handover = f"{biller}-c{number}-h"
    reference = f"{handover}-1"

    def note(what, accounts=(), evidence=None, **detail):
        line = Activity(what, f"{biller}-c{number}", biller, "1", clock(), "STATE", held.ani)
        told = {"handover": handover, **detail}
        record.note(evolve(line, accounts=accounts, detail=told, evidence=evidence))

    note(ActivityType.ARRIVED)
    note(ActivityType.OFFERED)
    if held.email is not None:
        given_as = evidence_of(reference)
        consent = evolve(given_as.consent, biller=biller, account=held.account, email=held.email)
        evidence = evolve(
            given_as, consent=consent, answered=clock(), call_id=f"{biller}-c{number}", ani=held.ani
        )
        note(ActivityType.CONSENTED, (), evidence, reference=reference, purpose="enrol")
        text = SendWebLink(
            secret.customer("1"),
            held.account,
            "WATER",
            secret.phone("+12175550199"),
            "review",
            reference,
        )
        assert record.intend(text, evidence, NO_LIMITS) is None
        record.settle(reference, Accepted())
    note(ActivityType.ENDED, (held.account,), disposition=Disposition.DECLINED.value)


@pytest.mark.prove
@pytest.mark.requirement("R24", "R30")
def test_an_erasure(opened):
    """Lines and consents are removed unless a consent must stay. Everything else is unchanged."""
    store = opened(now=(clock := Clock()))
    billers = (f"b{n}" for n in itertools.count())

    def rows(table):
        every = select(table).order_by(*table.primary_key.columns)
        return store.database.read(lambda c: c.execute(every).all())

    @settings(
        max_examples=heavy(15, 40),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(CALLS, st.sampled_from([*NUMBERS, *ACCOUNTS, *ADDRESSES]))
    def check(calls, person):
        biller = next(billers)
        for number, held in enumerate(calls):
            hold(store.record, clock, biller, number, held)
        clock.at = START + timedelta(seconds=1)
        before = {table: rows(table) for table in (activity, consents, writes, counted)}
        gone = {
            f"{biller}-c{n}-h"
            for n, held in enumerate(calls)
            if held.is_of(person) and not held.kept
        }

        erasure = store.record.plan_erasure(person, biller, RETENTION)
        assert {table: rows(table) for table in before} == before
        removed = store.record.erase(erasure)

        assert set(erasure.hand_overs) == gone
        stays = {
            activity: lambda row: f"{row.call_id}-h" not in gone,
            consents: lambda row: row.reference.removesuffix("-1") not in gone,
            writes: lambda row: row.key.removesuffix("-1") not in gone,
            counted: lambda row: f"{row.call_id}-h" not in gone,
        }
        after = {table: [row for row in before[table] if stays[table](row)] for table in before}
        assert {table: rows(table) for table in before} == after
        assert removed.activities == len(before[activity]) - len(after[activity])
        found = store.record.find(person, biller)
        assert {one.hand_over for one in found.hand_overs} == {
            f"{biller}-c{n}-h" for n, held in enumerate(calls) if held.is_of(person) and held.kept
        }
        latest = rows(removals)[-1]
        assert (latest.biller, latest.activities) == (biller, removed.activities)

    check()
