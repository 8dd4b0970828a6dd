"""Compares what the record says with what the service says."""

import time
from collections import Counter
from collections.abc import Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.orm import Session

from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cli.setups import demo_connection
from paperless_ivr.clock import utc_now
from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.database import opened
from paperless_ivr.cloudivr.outbox import outbox
from paperless_ivr.drive.relay import Relay
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.call import Purpose
from paperless_ivr.flow.flow import Flow
from paperless_ivr.records.sql import Store, open_store
from tests.durability.town import FLOW, POLICY, WORDS, endpoint

LATER = timedelta(hours=1)
ACCEPTED = """
SELECT DISTINCT reference FROM consents
WHERE id IN (
    SELECT consent FROM wishes
    UNION SELECT consent FROM writes WHERE outcome IS NULL OR outcome <> 'Unavailable'
) OR id NOT IN (
    SELECT consent FROM activity WHERE consent IS NOT NULL AND call_id IN (
        SELECT call_id FROM activity WHERE what = 'ended'
        AND (detail LIKE '%"record_down"%' OR detail LIKE '%"outcome_unknown"%')
    )
)
"""
"""Selects every consent, except where nothing reached the service and the record failed before the
request could be saved for later. Then, the caller hears that nothing was changed or, if it may
have been saved, that we do not know."""


@frozen
class Books:
    """How often each customer is registered at the service, and has agreed on record."""

    agreed: Mapping[str, int]
    """Accepted consents to enroll, by the service's identifier of the customer."""
    mailed: Mapping[str, int]
    """E-mails with a link, one for each registration that was started."""
    texted: Mapping[str, int]
    """Texts to each customer, none of whom agreed to more than one."""
    to_paper: Set[str]
    """Customers who agreed to get paper again."""
    on_paper: Set[str]
    """Customers who were paperless, and are on paper now."""
    autopay: Mapping[str, bool]
    """For each consent to AutoPay, by reference, whether the record has it as done."""
    on_autopay: Set[str]
    """The references of consents by which the service has put bills on AutoPay."""
    left: int
    """Writes without an outcome, deferred requests, and calls that are still open."""
    followed: int

    def agree(self) -> None:
        """Assert that every accepted consent is registered exactly once, and nothing else is."""
        assert set(self.agreed.values()) <= {1}
        assert dict(self.mailed) == dict(self.agreed)
        assert set(self.texted.values()) <= {1}
        assert self.on_paper == self.to_paper
        assert self.on_autopay <= set(self.autopay)  # one with an unknown outcome is not sent again
        assert {reference for reference, done in self.autopay.items() if done} <= self.on_autopay
        assert self.followed == len(self.agreed)
        assert self.left == 0


def finish(record_url: str, port: int, rounds: int = 4, flow: Flow = FLOW) -> None:
    """Run a relay until no work is left."""
    backend = SoapBackend(demo_connection(endpoint(port)))
    for number in range(1, rounds + 1):

        def clock(hours: int = number) -> object:
            return utc_now() + LATER * hours

        with open_store(record_url, budget=30.0, now=clock) as store:  # type: ignore[arg-type]
            setup = Setup(flow, WORDS, backend, store, clock)  # type: ignore[arg-type]
            Relay(setup, store.record).round()


def relay(record_url: str, port: int) -> None:
    """Work as a relay during calls, until killed. It does not wait long for anything."""
    backend = SoapBackend(demo_connection(endpoint(port)))
    with open_store(record_url, budget=30.0) as store:
        setup = Setup(FLOW, WORDS, backend, store)
        soon = timedelta(seconds=2 * POLICY.budgets.write)
        worker = Relay(setup, store.record, after=soon, abandoned=soon)
        while True:
            worker.round()
            time.sleep(0.1)


def left(store: Store) -> int:
    """Return how much work is left."""
    now = utc_now() + LATER * 24
    open_calls = store.calls.idle(now, POLICY.biller.id)
    return len(store.record.unsettled(now)) + len(store.record.kept()) + len(open_calls)


def books(record_url: str, service_url: str) -> Books:
    """Return what both say now."""
    with open_store(record_url, budget=30.0) as store:
        given = [
            evidence.consent
            for (reference,) in rows(record_url, ACCEPTED)
            for evidence in store.record.consents(POLICY.biller.id, reference)
        ]
        open_still, followed = left(store), len(store.record.followed())
    agreed = Counter(c.customer.reveal() for c in given if c.purpose is Purpose.ENROLL)
    to_paper = {c.customer.reveal() for c in given if c.purpose is Purpose.BACK_TO_PAPER}
    came_to = dict(rows(record_url, "SELECT key, outcome FROM writes"))
    autopay = {
        c.reference: came_to.get(c.reference) == "Accepted"
        for c in given
        if c.purpose is Purpose.AUTOPAY
    }
    engine = opened(service_url)
    queued = outbox(engine, datetime.now(UTC))
    mailed, texted = (
        Counter(message.customer.reveal() for message in messages)
        for messages in (queued.emails, queued.texts)
    )
    with Session(engine) as session:
        on_autopay = set(session.scalars(select(t.AutoPay.ConsentReference)))
        canceled = t.PaperlessRegistration.Status == t.Registered.CANCELED
        identifiers = session.scalars(select(t.PaperlessRegistration.CustomerID).where(canceled))
        on_paper = set(map(str, identifiers))
    engine.dispose()
    return Books(
        agreed, mailed, texted, to_paper, on_paper, autopay, on_autopay, open_still, followed
    )


def rows(record_url: str, query: str) -> list[Any]:
    """Return the rows of the record's tables."""
    url = make_url(record_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return found
