"""Numbers and addresses from outside: someone's, or no one's."""

from decimal import Decimal

import pytest
from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.flow import requests as r
from paperless_ivr.flow.events import (
    Customer,
    CustomersFound,
    Digits,
    Ended,
    Invoice,
    Screened,
    TryReserved,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Moment, Payment
from paperless_ivr.flow.policy import Policy, Proof
from paperless_ivr.flow.states import State
from paperless_ivr.flow.view import Terms
from paperless_ivr.secret import keys

pytestmark = pytest.mark.requirement("R47", "R17")
NOBODY = [
    "0000000000",
    "9999999999",
    "5555555555",
    "8888888888",
    "+266696687",
    "+7378742833",
    "7378742833",
    "+2562533",
    "+8656696",
    "+86282452253",
    "+10000000000",
    "user-12345-67890",
    "5550123",
    "+15550123",
    "+12125551212",
    "+18005551212",
    "+12129110123",
    "+19005550123",
    "anonymous",
    "sip:anonymous@anonymous.invalid",
    "sip:12125550123.example.com",
    "",
]
SOMEBODY = [
    "+12125550123",
    "2125550123",
    "12125550123",
    "(212) 555-0123",
    "+12125550123;ext=5",
    "212-555-0123 x5",
    "sip:+12125550123@host:5060",
    "sip:2125550123:secret@host;user=phone",
    "SIPS:%2B12125550123@host",
    "tel:+1-212-555-0123;ext=5;phone-context=example.com",
]


def begun(number: str, policy: Policy | None = None, **more: object) -> tuple[Flow, object]:
    """Return the flow, and its first request, of a call from a number before a payment."""
    flow = Flow(Terms(policy or Policy()))
    arrival = Arrival(
        "c", "b", Moment.BEFORE_PAYMENT, ani=secret.phone(number), language="en-US", **more
    )
    return flow, flow.begin(arrival)


def identified_by(number: str, policy: Policy | None = None, **more: object) -> set[str | None]:
    """Return the numbers in a call's first three requests."""
    flow, turn = begun(number, policy, **more)
    used = {turn.then.ani}
    turn = flow.advance(flow.advance(turn.call, Screened()).call, Digits(keys("1")))
    if isinstance(turn.then, r.SearchByCustomerPhoneNumber):
        used.add(turn.then.phone)
        found = CustomersFound((Customer(secret.customer("1"), secret.account("20481137")),))
        used.add(flow.advance(turn.call, found).then.ani)
    else:
        assert turn.call.state is State.ACCOUNT_LIMIT
        used.add(turn.then.ani)
    return {one.reveal() if one else None for one in used}


@pytest.mark.parametrize("number", NOBODY)
def test_numbers_of_nobody(number: str) -> None:
    """A placeholder number is never used to search, screen, or count."""
    assert identified_by(number) == {None}


@pytest.mark.parametrize("number", SOMEBODY)
def test_numbers_of_somebody(number: str) -> None:
    """However a number is written, it is the same one in every request."""
    assert identified_by(number) == {"+12125550123"}


def test_a_withheld_number() -> None:
    """A withheld number identifies no one, unless the policy says otherwise."""
    assert identified_by("+12125550123", ani_withheld=True) == {None}
    shown = Policy(proof=Proof(withheld_caller_id=True))
    assert identified_by("+12125550123", shown, ani_withheld=True) == {"+12125550123"}


WATER = Invoice(secret.invoice("1"), "WATER", Decimal("48.20"))


def found(**on_file: str) -> Customer:
    """Return the customer as the call knows them, found by account number with these on file."""
    flow = Flow()
    account = secret.account("20481137")
    turn = flow.begin(Arrival("c", "b", Moment.BEFORE_PAYMENT, language="en-US", account=account))
    turn = flow.advance(flow.advance(turn.call, Screened()).call, Digits(keys("1")))
    kinds = {"email": secret.email, "phone": secret.phone}
    told = {name: kinds[name](value) for name, value in on_file.items()}
    customer = Customer(secret.customer("1"), account, (WATER,), **told)
    turn = flow.advance(turn.call, TryReserved())
    turn = flow.advance(turn.call, CustomersFound((customer,)))
    turn = flow.advance(turn.call, TryReserved())
    turn = flow.advance(turn.call, Digits(keys("1137"), Ended.FULL))
    (known,) = turn.call.found
    return known


@pytest.mark.parametrize("number", NOBODY)
def test_numbers_on_file(number: str) -> None:
    """A placeholder on file is not a number that could be texted."""
    assert found(phone=number).phone is None
    assert found(phone="(212) 555-0123").phone == secret.phone("+12125550123")


@pytest.mark.requirement("R08")
@pytest.mark.parametrize(
    "email",
    [
        "none",
        "N/A",
        "-",
        "a@example.com, b@example.com",
        "a@example.com;b@example.com",
        "a@example.com b@example.com",
        "mailto:pat@example.com",
        "Pat <pat@example.com>",
        "pat@localhost",
        "pat@",
        "none@none.com",
        "No-Email@gmail.com",
        "na@na.com",
        "test@test.org",
    ],
)
def test_addresses_on_file(email: str) -> None:
    """Text that is not one address does not count as an address on file."""
    assert found(email=email).email is None
    assert found(email=" pat@example.com ").email == secret.email("pat@example.com")


@pytest.mark.requirement("R08")
@pytest.mark.parametrize("email", ["na@gmail.com", "no@example.com", "nobody1@example.com"])
def test_addresses_that_may_be_names(email: str) -> None:
    """Short words before the at sign belong to someone, unless the domain has the same name."""
    assert found(email=email).email == secret.email(email)


def test_the_payment_s_address() -> None:
    """An invalid address of the payment is not offered either."""
    paid = Payment(secret.payment("g"), True, email=secret.email("N/A"))
    turn = Flow().begin(Arrival("c", "b", Moment.AFTER_PAYMENT, payment=paid, language="en-US"))
    assert turn.call.host.payment == evolve(paid, email=None)
