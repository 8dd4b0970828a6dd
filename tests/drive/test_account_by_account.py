"""A fact counts only for the account that it was proved for (R17, R47)."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.backends.demo import customer, payment, springfield
from paperless_ivr.backends.memory import Books, MemoryBackend
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.events import Customer, Invoice
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Disposition, Identity, Moment, Registration
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.terminal import TerminalGateway, tokens
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores
from tests.drive.test_loops import ARRIVAL, CATALOG
from tests.drive.test_strangers import (
    LANDLORD,
    POLICY,
    Stranger,
    Watched,
    keying,
    keys_an_address,
    line,
    tenants,
)

pytestmark = pytest.mark.requirement("R17", "R47")

PHONE = secret.phone("+12175550142")
WITHHELD = evolve(ARRIVAL, ani=None)


def one_bill(name, account, invoice_type, **more):
    """Return a customer with one bill."""
    return Customer(
        id=secret.customer(name),
        account=secret.account(account),
        invoices=(Invoice(secret.invoice(f"9{account}"), invoice_type, Decimal(41), None, False),),
        email=secret.email(f"{name}@example.com"),
        phone=PHONE,
        **more,
    )


MINE, THEIRS = one_bill("mine", "55501111", "WATER"), one_bill("theirs", "55502222", "SEWER")


def joined(*customers):
    """Return a service that finds all of these customers by the number of any one of them."""
    accounts = frozenset(who.account for who in customers)
    return MemoryBackend(Books(customers, joined=(accounts,)))


def paying(handed_over, **names):
    """Return a hand-over with an account, and with a payment that names these."""
    paid = evolve(payment("rivera"), **{"account": None, "invoice": None, **names})
    known = {"moment": Moment.AFTER_PAYMENT, "identity": Identity.ACCOUNT_KEYED}
    return evolve(WITHHELD, account=handed_over, payment=paid, invoice_type="WATER", **known)


def test_a_number_is_not_that_of_an_account_found_with_it():
    """A caller who keys one account's number is asked for that of another one found with it."""
    backend = joined(MINE, THEIRS)
    driver, _ = line(backend)
    stranger = keys_an_address(
        account_entry="55501111#", option_bill_account="2", number_check="55501111#"
    )

    back = driver.converse(stranger, WITHHELD)

    assert "number_check" in stranger.asked
    assert backend.emails == ()
    assert (back.account, back.identity) == (THEIRS.account, Identity.NONE)


def test_who_is_verified_for_one_account_is_not_for_another():
    """The host vouches only for the account that it hands over."""
    backend = joined(MINE, THEIRS)
    driver, _ = line(backend)
    stranger = keys_an_address(option_bill_account="2", number_check="55501111#")
    verified = {"account": MINE.account, "identity": Identity.VERIFIED}

    driver.converse(stranger, evolve(WITHHELD, **verified))

    assert "number_check" in stranger.asked
    assert backend.emails == ()


def test_last_four_digits_raise_their_own_account():
    """The last four digits of one account prove nothing about the one that the host hands over."""
    driver, _ = line(joined(MINE, THEIRS))
    caller = Stranger(keying(offer="1", last_four="2222#"))

    back = driver.converse(caller, evolve(WITHHELD, account=MINE.account))

    assert (back.account, back.identity) == (THEIRS.account, Identity.LAST_FOUR_KEYED)


def test_nothing_shown_comes_back_as_nothing():
    """A search by the host's number does not count as caller ID."""
    driver, _ = line(joined(MINE))

    back = driver.converse(Stranger(keying(offer="1")), evolve(WITHHELD, account=MINE.account))

    assert (back.account, back.identity) == (MINE.account, Identity.NONE)


def test_two_customers_of_one_account():
    """The last four digits identify one account, however many customers it has."""
    backend = MemoryBackend(Books((MINE, evolve(THEIRS, account=MINE.account))))
    driver, _ = line(backend)
    caller = Stranger(keying(offer="1", last_four="1111#"))

    back = driver.converse(caller, evolve(ARRIVAL, ani=PHONE))

    assert back.identity is Identity.LAST_FOUR_KEYED
    assert "account_entry" not in caller.asked


@pytest.mark.parametrize("invoice", [None, "9999"], ids=["names nothing", "names another bill"])
def test_a_payment_vouches_for_what_it_names_alone(invoice):
    """A payment for something else does not prove that the caller owns the account handed over."""
    theirs = customer("rivera")
    names = {"invoice": invoice and secret.invoice(invoice), "email": secret.email("t@example.com")}
    backend = springfield()
    service = Watched(backend)
    driver, _ = line(service)
    for call in range(40):
        stranger = keys_an_address(phone_check="0000#")
        arrival = evolve(paying(theirs.account, **names), call_id=f"c{call}")
        driver.converse(stranger, arrival)

    assert len(service.searched) <= 30
    assert {sent.to for sent in backend.emails} <= {theirs.email}


def test_a_payment_vouches_for_the_account_of_its_invoice():
    """A payment that names an invoice counts for the account that has it, and costs no try."""
    who = customer("rivera")
    service = Watched(springfield())
    driver, _ = line(service)
    for call in range(40):
        arrival = evolve(paying(who.account, invoice=who.invoices[0].number), call_id=f"c{call}")
        driver.converse(Stranger(keying(offer_in_full="2")), arrival)
    caller = keys_an_address()

    back = driver.converse(caller, evolve(arrival, call_id="last"))

    assert len(service.searched) >= 41
    assert not {"number_check", "phone_check"} & set(caller.asked)
    assert back.disposition is Disposition.ENROLLED


def test_without_a_search_the_payment_has_to_be_for_the_account():
    """Proof for the account handed over does not count for the one that was paid for."""
    backend = springfield()
    backend.operations = frozenset({"EnrollInPaperless"})
    store = SeparateStores(MemoryRecord(lambda: datetime.now(UTC)), MemoryLiveCalls())
    policy = evolve(POLICY, offer=evolve(POLICY.offer, moments=(Moment.AFTER_PAYMENT,)))
    driver = Driver(Setup(Flow(Terms(policy, backend.operations)), CATALOG, backend, store))
    own, other = customer("rivera"), customer("novak")

    mixed = driver.converse(Stranger(keying(offer="1")), paying(other.account, account=own.account))
    theirs = driver.converse(
        Stranger(keying(offer="1", confirm_on_file="1")), paying(own.account, account=own.account)
    )

    assert mixed.disposition is Disposition.UNAVAILABLE
    assert theirs.account == own.account


# ── shared numbers, and short ones ──


def test_a_number_that_many_share_shows_nobody():
    """Forging the phone number of two hundred tenants gives no tries back and no second fact."""
    backend = MemoryBackend(tenants(200))
    driver, _ = line(backend)
    asked = 0
    for call in range(30):
        stranger = keys_an_address(account_entry=f"7770{call:04}#", phone_check="0190#")
        driver.converse(stranger, evolve(ARRIVAL, call_id=f"c{call}", ani=LANDLORD))
        asked += stranger.asked.count("account_entry")

    assert asked == POLICY.limits.tries_per_ani[0]
    assert backend.emails == ()


def test_last_four_digits_are_no_news_to_who_keyed_the_number():
    """A stranger who keys numbers at the host's own menu already knows their last digits."""
    service = Watched(MemoryBackend(tenants(200)))
    driver, _ = line(service)
    for call in range(60):
        ending = f"{call:04}"
        arrival = evolve(WITHHELD, call_id=f"c{call}", account=secret.account(f"7770{ending}"))
        caller = Stranger(keying(offer="1", last_four=f"{ending}#", confirm_on_file="2"))
        driver.converse(caller, arrival)

    assert len(service.searched) <= POLICY.limits.tries_without_ani[0]


def test_an_invoice_number_of_another_account():
    """Invoice numbers may be unique only within an account."""
    same = secret.invoice("1")
    bills = [
        evolve(who, invoices=(evolve(who.invoices[0], number=same),)) for who in (MINE, THEIRS)
    ]
    backend = MemoryBackend(Books(tuple(bills)))
    driver, _ = line(backend)
    stranger = keys_an_address(account_entry="55502222#", phone_check="0000#")

    driver.converse(stranger, paying(None, invoice=same))

    assert "phone_check" in stranger.asked
    assert backend.emails == ()


def test_a_number_that_is_no_account_s_shows_none():
    """If a service finds accounts by a part of their number, that proves nothing about them."""
    driver, _ = line(
        MemoryBackend(Books((MINE,), joined=(frozenset({MINE.account, secret.account("5550")}),)))
    )
    caller = Stranger(keying(offer="1", account_entry="5550#"))

    back = driver.converse(caller, WITHHELD)

    assert "confirm_on_file" not in caller.asked
    assert back.identity is Identity.NONE


def test_zeros_at_the_beginning_do_not_matter():
    """Services may write account numbers with zeros that are not on the bill."""
    written = evolve(MINE, account=secret.account("0055501111"))
    driver, _ = line(joined(written, THEIRS, evolve(MINE, id=secret.customer("x"))))
    back = driver.converse(Stranger(keying(offer="1", account_entry="55501111#")), WITHHELD)

    assert back.identity is Identity.ACCOUNT_KEYED


def test_a_short_number_is_not_two_facts():
    """The last four digits of account 1137 are the whole number."""
    short = evolve(MINE, account=secret.account("0000001137"))
    backend = MemoryBackend(Books((short,)))
    driver, _ = line(backend)
    stranger = keys_an_address(last_four="1137#", number_check="0000001137#")

    driver.converse(stranger, evolve(ARRIVAL, ani=PHONE))

    assert backend.emails == ()


def test_a_payment_that_was_not_approved_names_nobody():
    """Neither the account nor the invoice of such a payment says who is calling."""
    backend = springfield()
    driver, _ = line(backend)
    unpaid = evolve(payment("haddad"), approved=False)
    stranger = keys_an_address()
    verified = evolve(WITHHELD, payment=unpaid, identity=Identity.VERIFIED)

    back = driver.converse(stranger, verified)

    assert "account_entry" in stranger.asked
    assert back.account is None


def test_the_number_that_was_called_is_nobody_s():
    """A switch that forwards calls shows its own number for every caller."""
    driver, _ = line(springfield())
    for call in range(15):
        caller = Stranger(keying(offer="1", account_entry=["99999999#"]))
        forwarded = evolve(ARRIVAL, call_id=f"c{call}", dnis=ARRIVAL.ani.reveal())
        driver.converse(caller, forwarded)

    assert "account_entry" in caller.asked


# ── numbers keyed with a star, or beginning with 0 ──


@pytest.mark.parametrize(
    ("keys", "account"),
    [
        ("1 2048*20481137# 1", "20481137"),
        ("1 20481*20481137# 1", "20481137"),
        ("1 0 2048113# 1", "02048113"),
        ("1 0 0 2048113# 1", "002048113"),
    ],
)
def test_no_half_of_a_number_is_looked_up(keys, account):
    """A star starts over, and a 0 may be the first digit, so the rest is waited for."""
    policy = evolve(POLICY, proof=evolve(POLICY.proof, account_keys=(5, 10)))
    service = Watched(MemoryBackend(Books((evolve(MINE, account=secret.account(account)),))))
    driver, _ = line(service, policy)
    driver.converse(TerminalGateway(CATALOG, io.StringIO(), None, tokens(keys)), WITHHELD)

    assert service.searched[:1] == [account]


@pytest.mark.parametrize("keys", ["1 11*1137# 1", "1 1*1137# 1", "1 11 *1137# 1"])
def test_a_star_in_the_last_four_digits(keys):
    """The digits after the star count."""
    backend = springfield()
    driver, _ = line(backend)
    gateway = TerminalGateway(CATALOG, io.StringIO(), None, tokens(keys))

    assert driver.converse(gateway, ARRIVAL).registration is Registration.PENDING


def test_a_strangers_no_does_not_silence_the_offer():
    """A stranger who names an account at the host's menu and says no speaks for no one else."""
    policy = evolve(POLICY, offer=Policy().offer)
    driver, _ = line(springfield(), policy)
    who = customer("rivera")
    theirs = evolve(WITHHELD, account=who.account)
    driver.converse(Stranger(keying(offer="2")), theirs)
    verified = evolve(theirs, call_id="c2", identity=Identity.VERIFIED)
    caller = Stranger(keying(offer="2"))

    driver.converse(caller, verified)
    again = driver.converse(Stranger(keying(offer="1")), evolve(verified, call_id="c3"))

    assert caller.asked
    assert again.disposition is Disposition.NOT_OFFERED
