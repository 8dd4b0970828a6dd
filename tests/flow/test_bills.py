"""Bills with the same name are told apart by what is said, or count as one if nothing does."""

from datetime import date
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from paperless_ivr import secret
from paperless_ivr.flow import bills
from paperless_ivr.flow.events import (
    Customer,
    CustomersFound,
    Digits,
    Invoice,
    InvoiceChecked,
    Screened,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Identity, Moment
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.slots import Key, Slot
from paperless_ivr.flow.states import State
from paperless_ivr.flow.turns import Prompt, Turn
from paperless_ivr.flow.view import CallView
from paperless_ivr.secret import keys

pytestmark = [pytest.mark.requirement("R06", "R09"), pytest.mark.requirement("R47")]
ONE = Customer(
    secret.customer("1"),
    secret.account("20481137"),
    (Invoice(secret.invoice("9000001"), "WATER", Decimal("48.20"), date(2026, 12, 15)),),
)


def other(account: str, number: str, amount: str = "48.20") -> Customer:
    """Return another customer on the same telephone, with a bill of the same name and day."""
    bill = evolve(ONE.invoices[0], number=secret.invoice(number), amount=Decimal(amount))
    return Customer(secret.customer("2"), secret.account(account), (bill,))


def chosen_among(*customers: Customer) -> tuple[Flow, Turn]:
    """Return a call that has found these customers, for whom the host vouches."""
    flow = Flow()
    account = customers[0].account
    turn = flow.begin(
        Arrival(
            "c",
            "b",
            Moment.BEFORE_PAYMENT,
            language="en-US",
            account=account,
            identity=Identity.VERIFIED,
        )
    )
    turn = flow.advance(flow.advance(turn.call, Screened()).call, CustomersFound(customers))
    return flow, flow.advance(turn.call, Digits(keys("1")))


@pytest.mark.parametrize(
    ("second", "mark"),
    [
        (other("20481138", "9000002", "48.21"), "amount"),
        (other("20481138", "9000002"), "account"),
        (other("30001137", "9000002"), "number"),
    ],
)
def test_bills_that_are_alike(second: Customer, mark: str) -> None:
    """The first of amount, account, and number that differs is said; no two choices are equal."""
    _, turn = chosen_among(ONE, second)
    assert turn.call.state is State.INVOICE_SELECTION
    said = [p for p in turn.say if p.name.startswith("option_bill")]
    assert [p.name for p in said] == [f"option_bill_{mark}"] * 2
    assert len({str(_shown(_told(p))) for p in said}) == 2


def bills_of(*kinds: tuple[int, str, str]) -> tuple[Customer, ...]:
    """Return a customer per account, with a bill per kind: amount, account, and number."""
    customers = []
    for n, account in enumerate(dict.fromkeys(account for _, account, _ in kinds)):
        invoices = tuple(
            evolve(
                ONE.invoices[0],
                number=secret.invoice(number),
                type=f"TYPE {m}",
                amount=Decimal(amount),
            )
            for m, (amount, whose, number) in enumerate(kinds)
            if whose == account
        )
        customers.append(
            Customer(secret.customer(str(n)), secret.account(f"2048{account}"), invoices)
        )
    return tuple(customers)


KINDS = [
    (amount, account, number)
    for amount in (10, 20)
    for account in ("1137", "1138")
    for number in ("9001", "9002")
]


def test_two_customers_with_two_equal_bills_each() -> None:
    """If neither account nor number identifies a bill alone, both are said."""
    _, turn = chosen_among(*bills_of(*KINDS[:4]))
    said = [p for p in turn.say if p.name.startswith("option_bill")]
    assert [p.name for p in said] == ["option_bill_account_number"] * 4
    assert len({str(_shown(_told(p))) for p in said}) == 4


@given(st.lists(st.sampled_from([*KINDS, (10, "1137", "none"), (10, "none", "9001")]), min_size=2))
def test_no_two_choices_are_equal(kinds: list[tuple[int, str, str]]) -> None:
    """Whatever bills a caller has, each choice has its own words, and none is lost."""
    _, turn = chosen_among(*bills_of(*kinds))
    different = len(set(kinds))
    if different == 1:
        assert turn.call.state is State.INVOICE_CHECK
        return
    call = turn.call
    flow = Flow()
    view = CallView(call, flow.terms)
    assert len(bills.choices(view)) == different
    told = []
    for page in range(-(-different // 4)):
        at = evolve(call, choosing=evolve(call.choosing, page=page))
        told += [
            (option.prompt, str(_shown(option.slots)))
            for option in flow.menu(at)
            if option.choice is Choice.BILL
        ]
    assert len(set(told)) == different


@pytest.mark.parametrize("key", "1234")
def test_which_is_heard_before_the_yes(key: str) -> None:
    """Whatever distinguishes the chosen bill is heard again before a yes to it."""
    flow, turn = chosen_among(*bills_of(*KINDS[:4]))
    told = next(_told(p) for p in turn.say if ("key", Key(key)) in p.slots)
    turn = flow.advance(turn.call, Digits(keys(key)))
    turn = flow.advance(turn.call, InvoiceChecked(exists=True))
    asked = flow.turn(evolve(turn.call, state=State.OPT_OUT_CONFIRM))
    which = [p for p in asked.say if p.name.startswith("which_")]
    assert [p.name for p in which] == ["which_account", "which_number"]
    assert all(p.must_hear for p in which)
    assert [slot for p in which for slot in p.slots] == told[1:]


def _told(prompt: Prompt) -> list[tuple[str, Slot]]:
    return [slot for slot in prompt.slots if slot[0] != "key"]


def _shown(slots: object) -> object:
    return [
        getattr(slot, "digits", slot).reveal()[-4:]
        if hasattr(slot, "digits")
        else (
            getattr(slot, "amount", None),
            getattr(slot, "day", None),
            getattr(slot, "text", None),
        )
        for _, slot in slots  # type: ignore[attr-defined]
    ]


def test_bills_that_nothing_tells_apart() -> None:
    """Two bills that would be offered in the same words are one."""
    _, turn = chosen_among(ONE, other("30001137", "8000001"))
    assert turn.call.state is State.INVOICE_CHECK
