"""Requests about calls that a server does not have, or no longer has, end alike (R48)."""

import pytest

from paperless_ivr.backends.demo import springfield
from tests.rim.callers import FAILURE, MOMENTS, WebCall, named, wrong
from tests.rim.conftest import World
from tests.rim.health import lines
from tests.rim.made import BILLER, kept
from tests.rim.made import web as web_of
from tests.rim.outside import Breakable, Server

pytestmark = pytest.mark.requirement("R31", "R48")


@pytest.mark.parametrize("moment", MOMENTS, ids=named)
def test_status_overtakes_the_keys(world: World, web: Server, database: Breakable, moment):
    """A caller who is reported gone, even twice, gets nothing, or the call as a failure.

    At each request of a call, its end is reported first. Then, its row is put back.
    """
    call, found = WebCall(world.hand_over(moment)), {}
    for point in call.points(web.send):
        assert call.next is not None
        if not call.requests:
            continue  # a hand-over after the end of a call begins another one
        with database.put_back(call.over.call_id):
            for time in ("first", "second"):
                assert web.send(call.runtime.ends()).status == 204
                got = web.send(call.next)
                if (got.status, got.document) != (204, ""):
                    found[f"{point}, {time}"] = wrong(call.gets(got), call.due | FAILURE)
    assert {point: what for point, what in found.items() if what} == {}


@pytest.mark.parametrize("moment", MOMENTS, ids=named)
def test_lost_call(world: World, web: Server, database: Breakable, moment):
    """A call that the store has lost goes back to the host, and so does a second delivery."""
    call, found = WebCall(world.hand_over(moment)), {}
    for point in call.points(web.send):
        assert call.next is not None
        if not call.requests:
            continue  # there is none yet
        with database.put_back(call.over.call_id):
            database.lose_call(call.over.call_id)
            for time in ("first", "second"):
                got = call.gets(web.send(call.next))
                found[f"{point}, {time}"] = wrong(got, call.due | FAILURE)
    assert {point: what for point, what in found.items() if what} == {}


@pytest.mark.parametrize("moment", MOMENTS, ids=named)
def test_unknown_call(world: World, web: Server, moment):
    """A call with a genuine token that a server has never heard of goes back to the host."""
    call = WebCall(world.hand_over(moment))
    found = {}
    with kept(None) as nothing, web_of(nothing, springfield()) as send:
        for point in call.points(web.send):
            assert call.next is not None
            if call.requests:
                found[point] = wrong(call.gets(send(call.next)), call.due | FAILURE)
    assert {point: what for point, what in found.items() if what} == {}


@pytest.mark.parametrize("moment", MOMENTS, ids=named)
def test_other_release(
    world: World, web: Server, other_release: Server, database: Breakable, moment
):
    """A call of another policy, which a server does not have, goes back; twice in one document."""
    call, found = WebCall(world.hand_over(moment)), {}
    for point in call.points(web.send):
        assert call.next is not None
        if not call.requests:
            continue  # it would begin there
        with database.put_back(call.over.call_id):
            first, second = (other_release.send(call.next) for _ in range(2))
            found[point] = wrong(call.gets(first), call.due | FAILURE)
            if second.document != first.document:
                found[f"{point}, second"] = "another document"
    logged = lines(world.log("other"), "call.other_release")
    its = {
        (line["handover"], line["biller"]) for line in logged if line["call"] == call.over.call_id
    }
    assert its == {(call.handover, BILLER)}
    assert {point: what for point, what in found.items() if what} == {}
