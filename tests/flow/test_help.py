"""The longer help that comes with the second silence or wrong key."""

import pytest

from paperless_ivr.flow.blocks import EVERY_KEY, Ask
from paperless_ivr.flow.events import Digits, Screened
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Moment
from paperless_ivr.flow.states import State
from paperless_ivr.flow.table import BLOCKS
from paperless_ivr.flow.turns import Turn
from paperless_ivr.secret import keys

pytestmark = pytest.mark.requirement("R15")

WITHOUT = {
    State.OFFER_AT_START: "any other key or silence goes on to the host's own menu",
    State.PERSON_OFFER: "its only option is a person",
}


def test_every_question_has_a_help() -> None:
    """All but these, for the reason given."""
    lacking = {s for s, block in BLOCKS.items() if isinstance(block, Ask) and block.help is None}
    assert lacking == set(WITHOUT)


def offered() -> tuple[Flow, Turn]:
    """A call at the offer."""
    flow = Flow()
    arrival = Arrival("c", "b", Moment.BEFORE_PAYMENT, language="en-US")
    return flow, flow.advance(flow.begin(arrival).call, Screened())


def test_a_menu_without_a_help_of_its_own() -> None:
    """The first wrong key is only named; the second brings the help that all menus share."""
    flow, turn = offered()
    (wrong, *_) = set(EVERY_KEY) - {option.key for option in flow.menu(turn.call)} - set("0*#")
    heard = []
    for _ in range(2):
        turn = flow.advance(turn.call, Digits(keys(wrong)))
        heard.append([prompt.name for prompt in turn.say][:2])
    assert heard == [["no_match", "offer"], ["no_match", "menu_help"]]
