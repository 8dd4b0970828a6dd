"""The ways to an address come in the biller's order, and one key leads to the next one."""

from itertools import permutations

import pytest
from attrs import evolve

from paperless_ivr.backends.demo import BILLER, customer
from paperless_ivr.drive.recorder import way_turned_to
from paperless_ivr.flow.events import (
    CustomersFound,
    Digits,
    Ended,
    InvoiceChecked,
    Screened,
    TryReserved,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Identity, Moment
from paperless_ivr.flow.policy import Policy, Strategy
from paperless_ivr.flow.requests import InvoiceExists, ReserveTry, Screen, SearchByAccountNumber
from paperless_ivr.flow.turns import Gather, Turn
from paperless_ivr.flow.view import Terms
from paperless_ivr.secret import email, keys

PAT = evolve(customer("chen"), email=email("pat@example.com"))
"""An e-mail address and a mobile number are on file."""
KEYS = (*(Digits(keys(key)) for key in "123456789"), Digits(keys(""), Ended.END_KEY))

pytestmark = pytest.mark.requirement("R08", "R53")


def settled(flow: Flow, turn: Turn) -> Turn:
    """Return the next turn that asks the caller something, if all requests succeed."""
    answers = {
        Screen: Screened(),
        ReserveTry: TryReserved(),
        SearchByAccountNumber: CustomersFound((PAT,)),
        InvoiceExists: InvoiceChecked(True),
    }
    while type(turn.then) in answers:
        turn = flow.advance(turn.call, answers[type(turn.then)])
    return turn


def flow_by(order: tuple[Strategy, ...]) -> Flow:
    """Return a flow in which the caller may ask for another address once per way."""
    policy = Policy()
    return Flow(
        Terms(
            evolve(
                policy,
                biller=evolve(policy.biller, id=BILLER),
                address=evolve(policy.address, strategies=order, changes=5),
            )
        )
    )


@pytest.mark.parametrize(
    "order", [*permutations(Strategy)], ids=lambda o: "-".join(w.value for w in o)
)
def test_one_key_skips_a_way(order: tuple[Strategy, ...]) -> None:
    """In any order, each way's first question has a key that leads to the next way."""
    flow = flow_by(order)
    arrival = Arrival(
        "c",
        BILLER,
        Moment.BEFORE_PAYMENT,
        language="en-US",
        account=PAT.account,
        identity=Identity.VERIFIED,
        person_available=True,
    )
    turn = settled(flow, flow.begin(arrival))
    turned = way_turned_to(flow.begin(arrival).call, turn.call)
    while turned is None:
        before = turn.call
        turn = settled(flow, flow.advance(before, Digits(keys("1"))))
        turned = way_turned_to(before, turn.call)
    taken = [turned]
    while len(taken) < len(order):
        assert isinstance(turn.then, Gather)
        skips = {
            way: after
            for key in KEYS
            for after in [settled(flow, flow.advance(turn.call, key))]
            if (way := way_turned_to(turn.call, after.call))
        }
        assert list(skips) == [order[len(taken)]]
        ((way, turn),) = skips.items()
        taken.append(way)
    assert tuple(taken) == order
