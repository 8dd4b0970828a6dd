"""The seed: several billers, believable, and no one's real data."""

import re
from collections import Counter
from uuid import UUID

import pytest

from paperless_ivr.cloudivr import seed
from paperless_ivr.cloudivr.seed import Customer
from paperless_ivr.keypad import EmailPad, looks_like_card, national

SEED = seed.load()
EVERYBODY = [customer for biller in SEED.billers for customer in biller.customers]


@pytest.mark.parametrize("who", EVERYBODY, ids=lambda who: who.handle)
def test_fictitious(who: Customer) -> None:
    """Numbers are reserved for fiction; addresses are at example domains or clearly invented."""
    assert re.fullmatch(r"[0-9]{8}", who.account.reveal())
    assert not looks_like_card(who.account.reveal())
    if who.phone:
        assert re.fullmatch(r"\+1[0-9]{3}55501[0-9]{2}", who.phone.reveal())
        assert who.phone.reveal() == national(who.phone.reveal()[2:])
    for email in filter(None, (who.email, who.payment.email)):
        local, _, domain = email.reveal().partition("@")
        assert EmailPad().address(local, domain)
        assert "example" in domain or "invented" in local or "not.a.real" in local


def test_told_apart() -> None:
    """Identifiers are unique across billers; account and invoice numbers, within one."""
    for values in (
        [who.id for who in EVERYBODY],
        [who.handle for who in EVERYBODY],
        [who.payment.guid for who in EVERYBODY],
        [biller.guid for biller in SEED.billers],
        [partner.guid for partner in SEED.partners],
        *([who.account for who in biller.customers] for biller in SEED.billers),
        *([b.number for who in biller.customers for b in who.bills] for biller in SEED.billers),
    ):
        assert {1} == set(Counter(values).values())


def test_guids_are_made_up() -> None:
    """The GUID of a biller or partner is well formed, and is clearly made up."""
    for guid in [biller.guid for biller in SEED.billers] + [p.guid for p in SEED.partners]:
        assert str(UUID(guid)) == guid
        assert guid.startswith("00000000-0000-4000-8000-")


def test_partners_know_billers() -> None:
    """All billers of a partner exist, and one partner does not have all of them."""
    billers = {biller.id for biller in SEED.billers}

    assert all(set(partner.billers) <= billers for partner in SEED.partners)
    assert {len(partner.billers) for partner in SEED.partners} == {1, len(billers)}


def test_bills_are_of_known_types() -> None:
    """Every bill and payment has a type that its biller has."""
    for biller in SEED.billers:
        for who in biller.customers:
            assert {bill.type for bill in who.bills} <= biller.invoice_types.keys()
            assert who.payment.type in biller.invoice_types


def test_billers_differ() -> None:
    """One biller has not bought paperless billing; two share an account and a phone number."""
    assert ["paperless" in biller.products for biller in SEED.billers] == [True, True, False]

    numbers = Counter((who.account, who.phone) for who in EVERYBODY)
    assert max(numbers.values()) == 2


def test_nothing_personal_shows() -> None:
    """Printing the seed shows no personal values and no keys."""
    shown = repr(SEED)

    for who in EVERYBODY:
        values = (who.account, who.id, who.name, who.email, who.phone, who.payment.guid)
        assert [v for v in values if v and v.reveal() in shown] == []
    assert [partner.key for partner in SEED.partners if partner.key in shown] == []


def test_unknown_biller() -> None:
    """A mistyped biller is reported, with those that exist."""
    with pytest.raises(
        LookupError, match="unknown biller 'acme'; choose one of: springfield-water, elm"
    ):
        SEED.biller("acme")
