"""Springfield Water: believable, complete, and no one's real data."""

import re
from collections import Counter

import pytest

from paperless_ivr.backends.demo import BOOKS, CUSTOMERS, customer, payment, springfield
from paperless_ivr.flow.events import Customer
from paperless_ivr.flow.host import Registration
from paperless_ivr.flow.requests import SearchByAccountNumber
from paperless_ivr.keypad import EmailPad, last_four, looks_like_card, national

EVERYBODY = list(CUSTOMERS.values())


def has(handle: str) -> tuple[bool, bool]:
    """Return whether a customer has an e-mail address, and a telephone number, on file."""
    return customer(handle).email is not None, customer(handle).phone is not None


@pytest.mark.parametrize("who", EVERYBODY, ids=CUSTOMERS)
def test_fictitious(who: Customer) -> None:
    """Numbers are reserved for fiction; addresses are at example domains or clearly invented."""
    assert re.fullmatch(r"[0-9]{8}", who.account.reveal())
    assert not looks_like_card(who.account.reveal())
    if who.phone:
        assert re.fullmatch(r"\+1[0-9]{3}55501[0-9]{2}", who.phone.reveal())
        assert who.phone.reveal() == national(who.phone.reveal()[2:])
    if who.email:
        local, _, domain = who.email.reveal().partition("@")
        assert EmailPad().address(local, domain)
        assert "example" in domain or "invented" in local or "not.a.real" in local


def test_told_apart() -> None:
    """No two customers share an identifier or account number, and no two invoices a number."""
    for values in (
        [who.id for who in EVERYBODY],
        [who.account for who in EVERYBODY],
        [invoice.number for who in EVERYBODY for invoice in who.invoices],
        [paid.payment for paid in BOOKS.payments],
    ):
        assert {1} == set(Counter(values).values())


def test_what_is_on_file() -> None:
    """There is every combination of e-mail address and telephone number."""
    mixtures = [has(handle) for handle in ("rivera", "chen", "patel", "okafor")]

    assert mixtures == [(True, True), (False, True), (True, False), (False, False)]


def test_shared_telephones() -> None:
    """Among those who share a telephone, some share the last four digits, and some do not."""
    haddad, lindgren, kim, shop = map(customer, ("haddad", "lindgren", "kim", "kim-shop"))

    assert haddad.phone == lindgren.phone
    assert last_four(haddad.account.reveal()) != last_four(lindgren.account.reveal())
    assert kim.phone == shop.phone
    assert last_four(kim.account.reveal()) == last_four(shop.account.reveal())


def test_bills() -> None:
    """There are many bills, no bill, similar bills on two accounts, and one of an odd type."""
    assert len({invoice.type for invoice in customer("novak").invoices}) == 7
    assert customer("ivanova").invoices == ()
    assert [invoice.type for invoice in customer("reyes").invoices] == ["PERMIT"]

    home, rental = customer("park").invoices[0], customer("park-rental").invoices[0]
    assert home.type == rental.type
    assert home.amount != rental.amount
    assert home.due != rental.due


@pytest.mark.parametrize("handle", CUSTOMERS)
def test_everybody_is_found(handle: str) -> None:
    """The service finds everyone as listed here."""
    answer = springfield().answer(SearchByAccountNumber(customer(handle).account), 1.0)

    assert customer(handle) in answer.customers  # type: ignore[union-attr]


@pytest.mark.parametrize("handle", CUSTOMERS)
def test_payments(handle: str) -> None:
    """The service knows the payment that the host hands over, and whose it is."""
    taken = payment(handle)
    (known,) = [paid for paid in BOOKS.payments if paid.payment == taken.guid]

    assert taken.approved
    assert (customer(handle).id, taken.email) == (known.customer, known.email)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", taken.guid.reveal())


def test_a_service_each() -> None:
    """Each service starts fresh, and knows nothing about requests to another one."""
    one, other = springfield(), springfield()
    one.complete("https://nowhere.example")
    one.script("InvoiceExists", None)

    rivera = customer("rivera").id
    assert Registration.NONE is other.registration(rivera, "WATER")
    assert one is not other


def test_unknown_handle() -> None:
    """A mistyped handle is reported, with those that exist."""
    with pytest.raises(LookupError, match="unknown customer 'riviera'; choose rivera, chen"):
        customer("riviera")
