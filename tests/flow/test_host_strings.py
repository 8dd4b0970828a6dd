"""Arrivals and hand-backs as strings: any of them survives, and nothing unreadable is guessed."""

import json
from urllib.parse import parse_qsl, urlencode

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from paperless_ivr import secret
from paperless_ivr.errors import HostProblems
from paperless_ivr.flow import host as h
from paperless_ivr.flow.host_strings import (
    arrival_from_strings,
    arrival_to_strings,
    handback_from_strings,
    handback_to_strings,
    unreadable_to_strings,
)
from paperless_ivr.secret import Secret

pytestmark = pytest.mark.requirement("R18", "R48")

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
"""Any characters. An empty text means that none was given."""
ANY = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


def secrets(kind):
    """Draw secrets of a kind."""
    return TEXTS.map(kind)


ACCOUNTS, INVOICES = secrets(secret.account), secrets(secret.invoice)
ARRIVALS = st.builds(
    h.Arrival,
    call_id=TEXTS,
    biller=TEXTS,
    moment=st.sampled_from(h.Moment),
    intent=st.sampled_from(h.Intent),
    ani=st.none() | secrets(secret.phone),
    dnis=ANY,
    greeted=st.booleans(),
    person_available=st.booleans(),
    language=st.none() | TEXTS,
    account=st.none() | ACCOUNTS,
    invoice=st.none() | INVOICES,
    invoice_type=st.none() | TEXTS,
    identity=st.sampled_from(h.Identity),
    payment=st.none()
    | st.builds(
        h.Payment,
        secrets(secret.payment),
        st.booleans(),
        st.none() | secrets(secret.email),
        st.none() | ACCOUNTS,
        st.none() | INVOICES,
    ),
    edition=st.builds(h.Release, ANY, ANY, ANY),
    handover=ANY,
)
OUTCOMES = st.builds(
    h.BillOutcome,
    secrets(secret.customer),
    ACCOUNTS,
    ANY,
    st.sampled_from(h.Registration),
    ANY,
)
HANDBACKS = st.builds(
    h.Handback,
    st.sampled_from(h.Disposition),
    st.sampled_from(h.Reason),
    call_id=ANY,
    handover=ANY,
    moment=st.sampled_from(h.Moment),
    paid=st.booleans(),
    registration=st.sampled_from(h.Registration),
    text=st.sampled_from(h.Sent),
    autopay=st.sampled_from(h.Sent),
    language=st.none() | TEXTS,
    account=st.none() | ACCOUNTS,
    customer=st.none() | secrets(secret.customer),
    invoice=st.none() | INVOICES,
    identity=st.sampled_from(h.Identity),
    greeted=st.booleans(),
    unused_keys=st.none() | secrets(secret.keys),
    outcomes=st.lists(OUTCOMES, max_size=3).map(tuple),
    consents=st.lists(TEXTS, max_size=3).map(tuple),
)


def in_a_query(values):
    """Return the same strings after they were in a URL."""
    return dict(parse_qsl(urlencode(values), keep_blank_values=True))


def kinds(value):
    """Return the kind of each secret in a value."""
    return [v.kind for v in vars_of(value) if isinstance(v, Secret)]


def vars_of(value):
    """Return the fields of a value."""
    return [getattr(value, field.name) for field in type(value).__attrs_attrs__]


@given(ARRIVALS)
def test_any_arrival_survives(arrival):
    """An arrival survives unchanged as strings, in JSON and in a URL."""
    written = arrival_to_strings(arrival)
    for received in (json.loads(json.dumps(written)), in_a_query(written)):
        read = arrival_from_strings(received)
        assert read == arrival
        assert kinds(read) == kinds(arrival)


@given(HANDBACKS)
def test_any_handback_survives(handback):
    """A hand-back survives unchanged as strings, in JSON and in a URL."""
    written = handback_to_strings(handback)
    for received in (json.loads(json.dumps(written)), in_a_query(written)):
        read = handback_from_strings(received)
        assert read == handback
        assert kinds(read) == kinds(handback)
    assert written["failed"] == ("yes" if handback.failed else "no")
    assert written["offer_again"] == ("yes" if handback.offer_again else "no")


@pytest.mark.requirement("R24")
@given(HANDBACKS)
def test_nothing_personal_in_a_url(handback):
    """Without personal values, only account, customer, and invoice numbers are missing."""
    none = evolve(
        handback,
        account=None,
        customer=None,
        invoice=None,
        identity=h.Identity.NONE,
        outcomes=tuple(
            evolve(o, account=secret.account(""), customer=secret.customer(""))
            for o in handback.outcomes
        ),
    )
    written = handback_to_strings(handback, personal=False)
    assert handback_from_strings(written) == none
    assert not {"account", "customer", "invoice", "identity"} & written.keys()


NAMES = st.sampled_from(
    (
        "biller",
        "call_id",
        "consents",
        "disposition",
        "failed",
        "greeted",
        "identity",
        "moment",
        "offer_again",
        "outcome_1_registration",
        "outcome_2_type",
        "outcomes",
        "paid",
        "payment_approved",
        "payment_email",
        "payment_guid",
        "reason",
    )
)


@given(st.dictionaries(NAMES | ANY, ANY | st.sampled_from(("yes", "no", "1", "99", "start"))))
def test_garbage_is_a_problem_and_nothing_else(values):
    """Whatever the strings are, they are read or refused; nothing else is raised."""
    for read in (arrival_from_strings, handback_from_strings):
        found: HostProblems | None = None
        try:
            read(values)
        except HostProblems as problems:
            found = problems
        assert found is None or all(": " in problem for problem in found.problems)


def test_every_unreadable_value_is_named_and_none_is_shown():
    """Everything unreadable is reported at once, by name."""
    private = "20481137"
    values = {"moment": private, "identity": private, "payment_approved": private, private: "x"}
    with pytest.raises(HostProblems) as refused:
        arrival_from_strings(values | {"greeted": private})
    assert {problem.partition(":")[0] for problem in refused.value.problems} == {
        "call_id",
        "biller",
        "moment",
        "identity",
        "greeted",
        "payment_approved",
        "unknown names",
    }
    assert private not in str(refused.value)

    with pytest.raises(HostProblems) as refused:
        handback_from_strings({"reason": private, "outcomes": private, "paid": private})
    assert {problem.partition(":")[0] for problem in refused.value.problems} == {
        "disposition",
        "reason",
        "outcomes",
        "paid",
    }
    assert private not in str(refused.value)


def test_a_payment_is_vouched_for_whole():
    """An approved payment without its GUID is a problem, never a call without a payment."""
    call = {"call_id": "c", "biller": "b"}
    for part in (
        {"payment_approved": "yes"},
        {"payment_guid": "p"},
        {"payment_email": "a@example.com"},
    ):
        with pytest.raises(HostProblems, match="payment_"):
            arrival_from_strings(call | part)
    assert arrival_from_strings(call | {"payment_approved": "no"}).payment is None


@pytest.mark.parametrize("yes", ["yes", "YES", "true", "1", "on"])
@pytest.mark.parametrize("no", ["no", "False", "0", "off", ""])
def test_yes_and_no(yes, no):
    """Yes and no are read as dialplans and platforms write them."""
    read = arrival_from_strings(
        {"call_id": "c", "biller": "b", "greeted": yes, "person_available": no}
    )
    assert (read.greeted, read.person_available) == (True, False)


def test_a_mark_that_contradicts_the_reason():
    """A hand-back that claims a failure, but does not name one, is refused."""
    good = handback_to_strings(h.Handback(h.Disposition.DECLINED))
    for wrong in ({"failed": "yes"}, {"offer_again": "no"}):
        with pytest.raises(HostProblems, match="reason"):
            handback_from_strings(good | wrong)


def test_what_cannot_be_read_comes_back_as_it_was():
    """Moment, language, greeting, and payment come back, readable or not, marked as a failure."""
    told = {
        "call_id": "c",
        "moment": "AFTER_PAYMENT",
        "language": "es-US",
        "greeted": "perhaps",
        "payment_approved": "TRUE",
        "identity": "20481137",
    }
    back = unreadable_to_strings(told)
    assert (
        back.items()
        >= {
            "disposition": "not_offered",
            "reason": "call_lost",
            "failed": "yes",
            "offer_again": "no",
            "call_id": "c",
            "moment": "after_payment",
            "language": "es-US",
            "greeted": "perhaps",
            "paid": "yes",
        }.items()
    )
    assert "20481137" not in back.values()


@given(ARRIVALS)
def test_an_unfinished_call_comes_back_with_what_was_handed_over(arrival):
    """The hand-back of a call that could not go on has everything that the host handed over."""
    back = h.Handback.unfinished(arrival, h.Reason.CALL_LOST)
    for name in (
        "call_id",
        "handover",
        "moment",
        "paid",
        "language",
        "account",
        "invoice",
        "identity",
        "greeted",
    ):
        assert getattr(back, name) == getattr(arrival, name), name
    assert (back.failed, back.offer_again) == (True, False)
