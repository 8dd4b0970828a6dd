"""The wait for a texted link: its length, how often the service is asked, and what is said."""

import pytest
from attrs import evolve

from paperless_ivr.backends.demo import BILLER, customer
from paperless_ivr.cli.setups import demo_policy
from paperless_ivr.flow.events import (
    Accepted,
    CustomersFound,
    Digits,
    InvoiceChecked,
    NoInput,
    RequestDeferred,
    Screened,
    TryReserved,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Identity, Moment
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.requests import (
    DeferRequest,
    InvoiceExists,
    ReserveTry,
    Screen,
    SearchByAccountNumber,
    SendWebLink,
)
from paperless_ivr.flow.states import State
from paperless_ivr.flow.turns import Gather, Return, Turn
from paperless_ivr.flow.view import Terms
from paperless_ivr.prompts import Catalog, said
from paperless_ivr.secret import keys

CHEN = customer("chen")
SECONDS_A_WORD = 60 / 150
LOOK_UP_S = 0.5
"""The seconds that a healthy service takes to answer."""

pytestmark = pytest.mark.requirement("R52")


def answer(turn: Turn) -> object:
    """Return the event if all is well and the caller says yes."""
    return {
        Screen: Screened(),
        ReserveTry: TryReserved(),
        SearchByAccountNumber: CustomersFound((CHEN,)),
        InvoiceExists: InvoiceChecked(True),
        SendWebLink: Accepted(),
        DeferRequest: RequestDeferred(),
        Gather: Digits(keys("1")),
    }[type(turn.then)]


def texted(flow: Flow, language: str = "en-US") -> Turn:
    """Return the turn after the link was texted: that of the wait, or the end."""
    arrival = Arrival(
        "c",
        BILLER,
        Moment.BEFORE_PAYMENT,
        language=language,
        account=CHEN.account,
        identity=Identity.VERIFIED,
    )
    turn = flow.begin(arrival)
    while turn.call.state is not State.LINK_WAIT and not isinstance(turn.then, Return):
        turn = flow.advance(turn.call, answer(turn))
    return turn


def with_text(**changes: object) -> Policy:
    """Return the demo's policy, with other settings for texts."""
    policy = demo_policy()
    return evolve(policy, text=evolve(policy.text, **changes))


@pytest.mark.parametrize("language", ["en-US", "es-US"])
@pytest.mark.parametrize("seconds", [15.0, 90.0, 300.0])
def test_a_wait_in_seconds(language: str, seconds: float) -> None:
    """The service is asked every 5 s, prompts come every 12 s, and the policy limits the wait."""
    policy = with_text(wait_seconds=seconds)
    flow, words = Flow(Terms(policy)), Catalog.of(policy)
    turn = texted(flow, language)
    passed, quiet = 0.0, 0.0
    while turn.call.state is State.LINK_WAIT:
        assert isinstance(turn.then, Gather)
        spoken = SECONDS_A_WORD * len(said(turn.say, language, words).split())
        look = spoken + turn.then.first_key_wait
        assert look <= 5.0
        quiet = turn.then.first_key_wait if spoken else quiet + look + LOOK_UP_S
        assert quiet <= 12.0
        passed += look + LOOK_UP_S
        turn = flow.advance(flow.advance(turn.call, NoInput()).call, CustomersFound((CHEN,)))
    assert 0.8 * seconds - 5.0 <= passed <= seconds
    assert turn.say[0].name == "link_not_yet"


def test_a_policy_without_the_wait() -> None:
    """There is no wait: the text is sent, and its link completes the registration later."""
    turn = texted(Flow(Terms(with_text(wait_for_link=False))))

    assert isinstance(turn.then, Return)
    assert turn.then.handback.disposition is Disposition.LINK_SENT


@pytest.mark.requirement("R15")
@pytest.mark.parametrize("key", [*"123456789", ""])
def test_any_key_goes_on(key: str) -> None:
    """Every key goes on at once, except those that mean the same everywhere."""
    flow = Flow(Terms(demo_policy()))

    turn = flow.advance(texted(flow).call, Digits(keys(key)))

    assert turn.call.state is State.LINK_SENT
