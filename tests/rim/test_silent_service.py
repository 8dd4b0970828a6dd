"""If a service does not respond, this is noticed once: later callers do not wait for it."""

import itertools
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from paperless_ivr.backends.breaker import NOT_SENT
from paperless_ivr.flow.host import Moment
from tests.cli.connections import connected
from tests.rim.callers import WebCall
from tests.rim.conftest import World
from tests.rim.health import HEALTH, Health, lines
from tests.rim.made import BILLER
from tests.rim.outside import Server, running, serve_arguments, until

READ = 4.0
FAILURES, PAUSE = 5, 3


def timed(world: World, server: Server) -> tuple[float, str]:
    """Return how long a call takes, and how it ends."""
    call = WebCall(world.hand_over(Moment.AFTER_PAYMENT))
    began = time.monotonic()
    told = call.run(server.send)
    return time.monotonic() - began, told["disposition"]


@pytest.mark.alone
@pytest.mark.requirement("R24")
def test_a_silent_service(world: World, folder: Path):
    """After a few callers, no one waits in vain; once it is back, callers enroll again."""
    policy = folder / "policy.toml"
    policy.write_text(
        f'[biller]\nid = "{BILLER}"\nname = "Springfield Water"\n[budgets]\nread = {READ}\n'
    )
    log = folder / "serve.log"
    address = f"http://127.0.0.1:{world.door.port}/CloudIVR.asmx"
    connection = connected(folder, address, circuit_failures=FAILURES, circuit_seconds=PAUSE)
    arguments = serve_arguments(f"sqlite:///{folder}/record.db", connection, policy)
    health = Health(log)
    with running(log, (*arguments, *HEALTH)) as server:
        world.door.hold()
        try:
            with ThreadPoolExecutor(FAILURES) as callers:
                first = list(callers.map(lambda _: timed(world, server), range(FAILURES)))
            assert min(seconds for seconds, _ in first) > READ - 1
            seconds, ended = timed(world, server)
            assert seconds < READ / 2
            assert ended == "unavailable"
            assert health.get("/ready") == (200, "store: ok\nservice: circuit open\n")
            assert "paperless_ivr_service_circuit_open 1.0" in health.get("/metrics")[1]
        finally:
            world.door.open()
        time.sleep(PAUSE)
        ends = (timed(world, server)[1] for _ in itertools.count())
        until(lambda: next(ends) == "enrolled")
    states = [line["state"] for line in lines(log, "service.circuit")]
    assert states[0] == "open"
    assert states[-2:] == ["half-open", "closed"]
    whys = {line["why"] for line in lines(log, "service.answered")}
    # We cut the search before the offer short ourselves, whatever the client's own timeout.
    assert whys == {"overran its budget", "no answer in time", NOT_SENT, None}
    moved = lines(log, "call.moved") + lines(log, "call.ended")
    assert all(line["call"] and line["handover"] and line["biller"] == BILLER for line in moved)
    assert Counter(line["level"] for line in moved) == {"info": len(moved)}
