"""A host that follows the docs never goes in circles, however long a store is down (R48)."""

import pytest

from paperless_ivr.flow.host import Moment
from tests.rim.callers import MOMENTS, HandOver, WebCall, named
from tests.rim.conftest import World
from tests.rim.host import Host
from tests.rim.outside import Breakable, Server

pytestmark = pytest.mark.requirement("R48")

HAND_OVERS = 40
"""The most hand-overs allowed to a host that goes in circles."""
THANKS = "Gracias por llamar"


def hand_overs_of_a_call(
    world: World, web: Server, database: Breakable, fails_at: Moment, request: int, lasts: int
) -> tuple[Host, list[Moment], list[dict[str, str]], int]:
    """Run a call with this many hand-overs, in which the store is down from a request on.

    Returns the host as it is in the end, what it handed over and got back, and how often the
    library greeted the caller.
    """
    host, number = Host(), next(world.numbers)
    handed_over: list[Moment] = []
    handed_back: list[dict[str, str]] = []
    greetings, down_since = 0, -1
    moment = host.comes_in()
    while moment is not None and len(handed_over) < HAND_OVERS:
        handed_over.append(moment)
        call = WebCall(HandOver(number, moment, host.greetings + greetings > 0), keys=())

        def before(sent: int, moment: Moment = moment) -> None:
            nonlocal down_since
            if down_since < 0 and (moment, sent) == (fails_at, request):
                down_since = len(handed_over)
                database.break_store()

        told = call.run(web.send, before)
        handed_back += [dict(told)] * (call.told is not None)
        greetings += any(THANKS in words for words in call.runtime.caller.heard)
        if 0 <= down_since <= len(handed_over) - lasts:
            database.mend()
        moment = host.comes_back(told)
    assert down_since > 0, "nothing has failed"
    return host, handed_over, handed_back, greetings


FAILS_AT = [
    (Moment.START, 0),
    (Moment.START, 1),
    (Moment.BEFORE_PAYMENT, 0),
    (Moment.BEFORE_PAYMENT, 1),
    (Moment.AFTER_PAYMENT, 0),  # the only request: a caller who was silent twice is not asked again
]


@pytest.mark.parametrize("lasts", [1, HAND_OVERS])
@pytest.mark.parametrize(("fails_at", "request_"), FAILS_AT, ids=named)
def test_host(world: World, web: Server, database: Breakable, fails_at, request_, lasts):
    """There is one hand-back per hand-over, none after a failure, one payment, and one greeting."""
    host, handed_over, handed_back, greetings = hand_overs_of_a_call(
        world, web, database, fails_at, request_, lasts
    )
    found = {
        "handed over": [moment.value for moment in handed_over],
        "handed back": [told["moment"] for told in handed_back],
        "payments": host.payments,
        "greetings": host.greetings + greetings,
    }
    until_then = [moment.value for moment in MOMENTS[: MOMENTS.index(fails_at) + 1]]
    assert found == {
        "handed over": until_then,
        "handed back": until_then,
        "payments": 1,
        "greetings": 1,
    }
