"""What the record says and what the service says, side by side."""

import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from attrs import frozen
from sqlalchemy import create_engine, make_url, text

from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cli.setups import demo_connection
from paperless_ivr.cloudivr.database import opened
from paperless_ivr.cloudivr.outbox import outbox
from paperless_ivr.drive.attendant import Setup, utc_now
from paperless_ivr.drive.relay import Relay
from paperless_ivr.flow.call import Purpose
from paperless_ivr.flow.flow import Flow
from paperless_ivr.records.sql import Store, open_store
from tests.durability.town import FLOW, POLICY, WORDS, endpoint

LATER = timedelta(hours=1)


@frozen
class Books:
    """How often each customer is registered at the service, and has agreed on record."""

    agreed: Mapping[str, int]
    """Consents to enrol on record, by the service's identifier of the customer."""
    mailed: Mapping[str, int]
    """E-mails with a link, one for each registration that was begun."""
    texted: Mapping[str, int]
    """Texts to each customer, none of whom agreed to more than one."""
    left: int
    """Writes without an outcome, wishes and calls that are still open."""
    followed: int

    def agree(self) -> None:
        """Claims that every accepted consent is registered exactly once, and nothing else is."""
        assert set(self.agreed.values()) <= {1}
        assert dict(self.mailed) == dict(self.agreed)
        assert set(self.texted.values()) <= {1}
        assert self.followed == len(self.agreed)
        assert self.left == 0


def finish(record_url: str, port: int, rounds: int = 4, flow: Flow = FLOW) -> None:
    """Runs a relay until nothing is left to do."""
    backend = SoapBackend(demo_connection(endpoint(port)))
    for number in range(1, rounds + 1):

        def clock(hours: int = number) -> object:
            return utc_now() + LATER * hours

        with open_store(record_url, budget=30.0, now=clock) as store:  # type: ignore[arg-type]
            setup = Setup(flow, WORDS, backend, store.record, store.calls, clock)  # type: ignore[arg-type]
            Relay(setup, store.record).round()


def relay(record_url: str, port: int) -> None:
    """Works as a relay beside calls, until it is killed: it does not wait long for anything."""
    backend = SoapBackend(demo_connection(endpoint(port)))
    with open_store(record_url, budget=30.0) as store:
        setup = Setup(FLOW, WORDS, backend, store.record, store.calls)
        soon = timedelta(seconds=2 * POLICY.budgets.write)
        worker = Relay(setup, store.record, after=soon, abandoned=soon)
        while True:
            worker.round()
            time.sleep(0.1)


def left(store: Store) -> int:
    """How much is left to do."""
    now = utc_now() + LATER * 24
    open_calls = store.calls.idle(now)
    return len(store.record.unsettled(now)) + len(store.record.kept()) + len(open_calls)


def books(record_url: str, service_url: str) -> Books:
    """What both say now."""
    agreed: dict[str, int] = {}
    with open_store(record_url, budget=30.0) as store:
        for reference in references(record_url):
            for evidence in store.record.consents(POLICY.biller.id, reference):
                if evidence.consent.purpose is Purpose.ENROL:
                    who = evidence.consent.customer.reveal()
                    agreed[who] = agreed.get(who, 0) + 1
        open_still, followed = left(store), len(store.record.followed())
    engine = opened(service_url)
    queued = outbox(engine)
    mailed, texted = (
        Counter(message.customer.reveal() for message in messages)
        for messages in (queued.emails, queued.texts)
    )
    engine.dispose()
    return Books(agreed, mailed, texted, open_still, followed)


def references(record_url: str) -> list[str]:
    """The references of all consents on record."""
    url = make_url(record_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    with engine.connect() as connection:
        found = list(connection.scalars(text("SELECT DISTINCT reference FROM consents")))
    engine.dispose()
    return found
