"""The longer help after the second silence or wrong key."""

import pytest

from paperless_ivr.flow.blocks import EVERY_KEY, Ask
from paperless_ivr.flow.events import Digits, NoInput, Screened, TryReserved
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Moment
from paperless_ivr.flow.states import State
from paperless_ivr.flow.table import BLOCKS
from paperless_ivr.flow.turns import Turn
from paperless_ivr.secret import keys

pytestmark = pytest.mark.requirement("R15")

WITHOUT = {
    State.OFFER_AT_START: "any other key or silence goes on to the host's own menu",
    State.AGENT_OFFER: "its only option is a person",
    State.LINK_WAIT: "any key goes on, and silence is what it waits for",
}


def test_every_question_has_a_help() -> None:
    """All have one except these, for the reason given."""
    lacking = {s for s, block in BLOCKS.items() if isinstance(block, Ask) and block.help is None}
    assert lacking == set(WITHOUT)


def offered(*, person: bool = False) -> tuple[Flow, Turn]:
    """Return a call at the offer."""
    flow = Flow()
    arrival = Arrival("c", "b", Moment.BEFORE_PAYMENT, language="en-US", person_available=person)
    return flow, flow.advance(flow.begin(arrival).call, Screened())


def heard(turn: Turn) -> list[str]:
    """Return the names of what is said on the way to the question."""
    return list(turn.call.lead)


def test_a_menu_without_a_help_of_its_own() -> None:
    """The first wrong key is only mentioned. The second brings the help that all menus share."""
    flow, turn = offered()
    (wrong, *_) = set(EVERY_KEY) - {option.key for option in flow.menu(turn.call)} - set("0*#")
    turn = flow.advance(turn.call, Digits(keys(wrong)))
    assert heard(turn) == ["no_match"]
    turn = flow.advance(turn.call, Digits(keys(wrong)))
    assert heard(turn) == ["no_match", "menu_help"]


@pytest.mark.parametrize("person", [True, False])
def test_a_person_is_promised_where_there_is_one(person: bool) -> None:
    """0 reaches a person in a menu; in an entry, 0 and then pound does."""
    flow, turn = offered(person=person)
    for _ in range(2):
        turn = flow.advance(turn.call, Digits(keys("7")))
    assert heard(turn)[2:] == ["menu_person"] * person
    turn = flow.advance(turn.call, Digits(keys("1")))
    turn = flow.advance(turn.call, TryReserved())
    for _ in range(2):
        turn = flow.advance(turn.call, NoInput())
    assert heard(turn) == ["no_input", "account_entry_help", *["entry_person"] * person]
