"""Whole calls on the durable record."""

import pytest
from attrs import evolve
from sqlalchemy import select

from paperless_ivr.backends.demo import BILLER, customer, springfield
from paperless_ivr.backends.memory import Fault
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.errors import UnknownCall
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Moment, Registration
from paperless_ivr.flow.policy import Limits
from paperless_ivr.flow.view import Terms
from paperless_ivr.records.sql.tables import activity
from tests.drive.test_loops import CATALOG, ENROLL, POLICY, Caller
from tests.records.test_sql_privacy import dumped

ARRIVAL = Arrival(
    "call-1", BILLER, Moment.BEFORE_PAYMENT, ani=customer("rivera").phone, language="en-US"
)


def driver(backend, store, policy=POLICY, *observers):
    """Return a driver for the calls."""
    return Driver(Setup(Flow(Terms(policy)), CATALOG, backend, store, observers=observers))


@pytest.mark.requirement("R03", "R30", "R31")
def test_a_caller_enrolls(opened):
    """The record has the consent with the words that were heard, and follows what it started."""
    store, caller = opened(), Caller(list(ENROLL))
    backend = springfield()
    back = driver(backend, store).converse(caller, ARRIVAL)

    (reference,) = back.consents
    (given,) = store.record.consents(BILLER, reference)
    assert Disposition.ENROLLED is back.disposition
    assert given.words in " ".join(caller.heard)
    assert ("call-1", "1", ARRIVAL.ani) == (given.call_id, given.policy_version, given.ani)
    (followed,) = store.record.followed()
    assert (customer("rivera").id, "WATER") == (
        followed.write.customer,
        followed.write.invoice_type,
    )
    with pytest.raises(UnknownCall):
        store.calls.load("call-1")
    whats = store.database.read(lambda c: c.scalars(select(activity.c.what)).all())
    assert whats[0] == "arrived"
    assert whats[-1] == "ended"
    assert {"offered", "consented", "sent", "settled"} <= set(whats)


@pytest.mark.requirement("R24")
def test_nothing_of_a_call_in_clear(opened):
    """Nothing about the caller is in the database in clear text, during the call or after it."""
    store, backend, held = opened(), springfield(), []
    running = driver(backend, store, POLICY, lambda _: held.append(dumped(store)))
    back = running.converse(Caller(list(ENROLL)), ARRIVAL)

    assert Disposition.ENROLLED is back.disposition
    who = customer("rivera")
    for dump in (*held, dumped(store)):
        for secret in (who.id, who.account, who.email, who.phone, who.name):
            assert secret.reveal().encode() not in dump, secret


@pytest.mark.requirement("R10")
def test_what_could_not_be_done_is_kept(opened):
    """If the service cannot be reached after a yes, the request is kept with its consent."""
    store = opened()
    backend = springfield()
    backend.script("StoreCustomerPreference", Fault.DOWN)
    back = driver(backend, store).converse(Caller(list(ENROLL)), ARRIVAL)

    assert (back.disposition, back.registration) == (Disposition.DEFERRED, Registration.KEPT)
    (kept,) = store.record.kept()
    assert back.consents == (kept.evidence.consent.reference,)


@pytest.mark.requirement("R17")
def test_limits_are_the_policy_s(opened):
    """The limits of the policy that a call runs on are those that count."""
    store = opened()
    strict = evolve(
        POLICY,
        limits=Limits(tries_per_account=(2, 2), tries_per_ani=(3, 3)),
        offer=evolve(POLICY.offer, again_after_days={}),
    )
    asked = []
    for number in range(2):
        caller = Caller(["1", "9999#", "9998#"])
        running = driver(springfield(), store, strict)
        running.converse(caller, evolve(ARRIVAL, call_id=f"c{number}"))
        asked.append(" ".join(caller.heard))

    assert "last four" in asked[0]
    assert "full account number" in asked[1]
