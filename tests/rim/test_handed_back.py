"""Whatever fails on our side, at any point, the host gets back what it handed over (R48)."""

import asyncio
import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from paperless_ivr.flow.host import Moment
from paperless_ivr.records.vault import new_keys
from tests.durability.town import account, phone
from tests.postgres import Postgres
from tests.rim.callers import (
    AS_EVER,
    FAILURE,
    MOMENTS,
    POINTS,
    AgiCall,
    HandOver,
    Point,
    WebCall,
    named,
    whole,
    whole_or_as_ever,
    wrong,
)
from tests.rim.conftest import World
from tests.rim.health import lines
from tests.rim.made import POLICY_FILE
from tests.rim.outside import (
    Breakable,
    Server,
    Terminal,
    agi_arguments,
    running,
    serve_arguments,
    until,
)

pytestmark = pytest.mark.requirement("R48")

Break = Callable[[Breakable, HandOver], None]
STORE: dict[str, Break] = {
    "store unreachable": lambda database, _: database.break_store(),
    "store locked": lambda database, _: database.lock(),
    "store and record unreachable": lambda database, _: database.break_all(),
}
"""Needed for any call over the web. For a lost call, see test_strays.py."""
ON_TWILIO = [(moment, failure) for moment in MOMENTS for failure in ("store unreachable",)]
ON_TWILIO += [(Moment.AFTER_PAYMENT, failure) for failure in STORE if failure != ON_TWILIO[0][1]]
NOT_FOUND_YET = (Point.BEGIN, Point.OFFER_KEY, Point.LOOKUP)
"""Points at which the caller's account is not known yet."""


# ── on Twilio ──


def without_a_store(
    world: World, server: Server, database: Breakable, moment: Moment, break_it: Break
) -> dict[str, str]:
    """Break a database at each request of a call, and repair it for the call's own next step.

    Returns what was wrong with each hand-back, which should be complete and marked as a failure.
    """
    call, found = WebCall(world.hand_over(moment)), {}
    for point in call.points(server.send):
        assert call.next is not None
        break_it(database, call.over)
        try:
            found[point] = wrong(call.gets(server.send(call.next)), call.due | FAILURE)
        finally:
            database.mend()
    assert (call.told or {})["disposition"] == "enrolled"
    return {point: what for point, what in found.items() if what}


@pytest.mark.parametrize(("moment", "failure"), ON_TWILIO, ids=named)
def test_store_on_twilio(world: World, web: Server, database: Breakable, moment, failure):
    """If the store cannot return or take a call, it goes back complete, as a failure."""
    assert without_a_store(world, web, database, moment, STORE[failure]) == {}


@pytest.mark.parametrize(("moment", "point"), POINTS, ids=named)
def test_record_on_twilio(world: World, web: Server, database: Breakable, moment, point):
    """A call that cannot be put on record goes on as usual, or back to the host complete."""
    call = WebCall.to(world.hand_over(moment), point, web.send)
    if point in NOT_FOUND_YET and moment is not Moment.AFTER_PAYMENT:
        last_four = -2  # tries cannot be counted, so the whole account number is asked for
        call.keyed.keys[last_four] = f"{account(call.over.number)}#"
    database.break_record()
    told = call.run(web.send)
    expected = call.due
    if point is Point.END and told.get("disposition") == "declined":
        whole(told, expected | {"failed": "no", "offer_again": "yes"})
    else:
        whole_or_as_ever(told, expected)


@pytest.mark.parametrize(
    ("moment", "point"), [(m, p) for m, p in POINTS if p is not Point.END], ids=named
)
def test_service_on_twilio(world: World, web: Server, moment, point):
    """If the service is down, the call ends as the flow says, as a failure with its reason."""
    call = WebCall.to(world.hand_over(moment), point, web.send)
    world.door.shut()
    whole(call.run(web.send), call.due | without_service(found=point not in NOT_FOUND_YET))
    answered = lines(world.log("web"), "service.answered")
    assert "connection refused" in {
        line["why"] for line in answered if line["call"] == call.over.call_id
    }


def without_service(*, found: bool) -> dict[str, str]:
    """Return how a call ends without the service. What was agreed is kept for later."""
    if found:
        return {"disposition": "deferred", "reason": "none", "failed": "no", "offer_again": "yes"}
    return {"disposition": "unavailable", "reason": "service_down"} | FAILURE


def test_killed_worker_on_twilio(world: World, sounds):
    """Another worker takes the next request of a call, wherever the first one was killed."""
    arguments = serve_arguments(world.record("killed"), world.connection)
    served = (Point.LOOKUP, Point.ENROLLMENT)
    with (
        running(world.log("killed"), arguments) as first,
        running(world.log("next"), arguments) as second,
    ):
        idle = [
            WebCall.to(world.hand_over(moment), point, first.send)
            for moment, point in POINTS
            if point in (Point.OFFER_KEY, Point.LAST_FOUR, Point.CONSENT_KEY)
        ]
        serving = [
            WebCall.to(world.hand_over(moment), point, first.send)
            for moment, point in itertools.product(MOMENTS, served)
        ]
        world.door.hold()
        with ThreadPoolExecutor(len(serving)) as pool:
            cut = [pool.submit(first.send, call.next) for call in serving]
            until(lambda: world.door.asked >= len(serving))
            first.kill()
            assert all(one.exception(60) is not None for one in cut)
            world.door.open()
            taken_over = list(pool.map(lambda call: call.run(second.send), serving))
        went_on = [call.run(second.send) for call in idle]
    for told, call in zip(went_on, idle, strict=True):
        whole(told, call.due | AS_EVER)
    for told, call in zip(taken_over, serving, strict=True):
        whole_or_as_ever(told, call.due)


@pytest.fixture(scope="module")
def on_postgresql(world: World, postgres: Postgres):
    """A server on PostgreSQL, and its database."""
    with ExitStack() as open_while:
        url = postgres.make()
        arguments = serve_arguments(url, world.connection)
        with pytest.MonkeyPatch.context() as patched:  # for this server alone
            patched.setenv("PAPERLESS_IVR_KEYS", new_keys())
            server = open_while.enter_context(running(world.log("postgresql"), arguments))
        database = Breakable(url)
        yield server, database
        database.close()


@pytest.mark.alone
@pytest.mark.parametrize("moment", MOMENTS, ids=named)
def test_store_on_postgresql(world: World, on_postgresql, moment):
    """The same holds on the other database."""
    server, database = on_postgresql
    break_it = STORE["store unreachable"]
    assert without_a_store(world, server, database, moment, break_it) == {}


# ── on Asterisk ──

HELD: dict[str, Break] = {
    "store unreachable": STORE["store unreachable"],
    "store locked": STORE["store locked"],
    "call lost": lambda database, over: database.lose_call(over.call_id),
    "record unreachable": lambda database, _: database.break_record(),
    "store and record unreachable": STORE["store and record unreachable"],
}
KEYS = {moment: 2 if moment is Moment.AFTER_PAYMENT else 3 for moment in MOMENTS}
QUESTIONS = [(moment, n) for moment in MOMENTS for n in (-1, *range(KEYS[moment]))]
"""Points of a call on a held channel: its beginning (-1), and each question."""
SOME = [at for at in QUESTIONS if at[0] is not Moment.BEFORE_PAYMENT or at[1] == 1]
"""Before a payment, it is the same as at the start."""
ON_ASTERISK = [
    (moment, n, failure)
    for moment, n in SOME
    for failure in HELD
    if failure in ("store unreachable", "record unreachable") or moment is Moment.AFTER_PAYMENT
]


def on_record(database: Breakable, call_id: str) -> str:
    """Return the hand-over of a call, as named in the record."""
    rows = database.do(
        "SELECT detail FROM activity WHERE call_id = :call ORDER BY id", call=call_id
    )
    reference = json.loads(str(rows[0][0]))["handover"] if rows else ""
    return str(reference).removeprefix(call_id).lstrip("-/ ")


def held(agi: Server, call: AgiCall) -> dict[str, str]:
    """Run a call to its end, and return the dialplan's variables."""
    asyncio.run(asyncio.wait_for(call.call(agi.port), 60))
    return call.told


@pytest.mark.parametrize(("moment", "question", "failure"), ON_ASTERISK, ids=named)
def test_store_on_asterisk(world, agi, database, moment, question, failure):
    """Without a store, a held channel goes on as usual, or back to the dialplan complete."""
    over = world.hand_over(moment)

    def before(number: int) -> None:
        if number == question:
            HELD[failure](database, over)

    if question < 0:
        HELD[failure](database, over)
    call = AgiCall.of(over, before)
    told = held(agi, call)
    database.mend()
    whole_or_as_ever(told, over.due(greeted=moment is Moment.START))
    if failure in ("store unreachable", "call lost"):
        assert told["disposition"] == "enrolled"
    assert told.get("handover")
    assert on_record(database, over.call_id) in ("", told.get("handover"))


@pytest.mark.parametrize(("moment", "question"), SOME, ids=named)
def test_service_on_asterisk(world, agi, moment, question):
    """If the service is down, the call ends as the flow says, as a failure with its reason."""
    over = world.hand_over(moment)

    def before(number: int) -> None:
        if number == question:
            world.door.shut()

    if question < 0:
        world.door.shut()
    told = held(agi, AgiCall.of(over, before))
    ending = without_service(found=question > 0)
    whole(told, over.due(greeted=moment is Moment.START) | ending)


def test_killed_worker_on_asterisk(world: World, web: Server, sounds, database: Breakable):
    """If the server is killed, at any point, the dialplan's variables have what it needs.

    One call is parked at each point: the first sound, each question, and the requests to the
    service for the bill and the enrollment.
    """
    arguments = agi_arguments(world.record("shared"), world.connection, sounds)
    calls = {
        f"{moment.value}, question {question}": AgiCall.of(
            world.hand_over(moment), park_at=question
        )
        for moment, question in QUESTIONS
    }
    looking_up, enrolling = (
        {f"{moment.value}, {what}": AgiCall.of(world.hand_over(moment)) for moment in MOMENTS}
        for what in ("lookup", "enrollment")
    )

    async def run(server: Server) -> None:
        go_on = asyncio.Event()
        for moment, call in zip(MOMENTS, enrolling.values(), strict=True):
            call.park_at, call.resume = KEYS[moment] - 1, go_on
        parked = [*calls.values(), *enrolling.values()]
        under_way = [asyncio.create_task(call.call(server.port)) for call in parked]
        while not all(call.parked for call in parked):
            await asyncio.sleep(0.01)
        world.door.hold()
        go_on.set()
        under_way += [asyncio.create_task(call.call(server.port)) for call in looking_up.values()]
        while world.door.asked < len(looking_up) + len(enrolling):
            await asyncio.sleep(0.01)
        await asyncio.to_thread(server.kill)
        await asyncio.wait_for(asyncio.gather(*under_way), 30)

    with running(world.log("killed-agi"), arguments) as server:
        asyncio.run(asyncio.wait_for(run(server), 60))
    found = {}
    for point, call in (calls | looking_up | enrolling).items():
        moment = Moment(point.partition(",")[0])
        over = HandOver(int(call.told["call_id"][2:]), moment)
        greeted = moment is Moment.START and not point.endswith("question -1")  # the first sound
        handover = on_record(database, over.call_id)
        found[point] = wrong(call.told, over.due(greeted=greeted, handover=handover) | FAILURE)
        if call.told.get("disposition") == "enrolled":
            found[point] += "; that of an earlier call"
    assert {point: what for point, what in found.items() if what} == {}


# ── at the command line ──

AT_TERMINAL = {
    "store": ["registration: pending", "disposition: enrolled"],
    "record": ["reason: record_down", "disposition: failed"],
    "service": ["registration: kept", "disposition: deferred"],
}


@pytest.mark.parametrize("failure", AT_TERMINAL)
def test_command_line(world: World, web: Server, database: Breakable, failure):
    """A call at the keyboard ends with its disposition, whatever fails before the yes."""
    over = world.hand_over(Moment.START)
    first, last_four, yes = over.keys
    arguments = ["call", "--caller", phone(over.number), "--policy", str(POLICY_FILE)]
    arguments += ["--connection", str(world.connection), "--database", world.record("shared")]
    with Terminal(*arguments) as terminal:
        terminal.press(first)
        terminal.press(f"{last_four}#")
        terminal.asks()
        {"store": database.break_store, "record": database.break_all, "service": world.door.shut}[
            failure
        ]()
        terminal.press(yes)
        assert terminal.ends() == (0, AT_TERMINAL[failure])
