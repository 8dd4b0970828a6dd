"""A wrong partner key never looks like callers whom the service does not know."""

from pathlib import Path

import pytest

from paperless_ivr.flow.host import Moment
from tests.cli.connections import connected
from tests.rim.callers import WebCall
from tests.rim.conftest import World
from tests.rim.health import HEALTH, Health, lines
from tests.rim.outside import running, serve_arguments, until

REFUSED = "paperless_ivr_service_access_refused"


@pytest.mark.requirement("R23", "R24")
def test_a_wrong_partner_key(world: World, folder: Path):
    """The log shows it before the first call, and callers hear that the service is down for now."""
    address = f"http://127.0.0.1:{world.door.port}/CloudIVR.asmx"
    connection = connected(folder, address)
    key = folder / "key"
    right = key.read_text()
    key.write_text("a key that was replaced")
    url = f"sqlite:///{folder}/record.db"

    log = folder / "wrong.log"
    with running(log, (*serve_arguments(url, connection), *HEALTH)) as server:
        until(lambda: lines(log, "service.access"))
        (line,) = lines(log, "service.access")
        assert (line["level"], line["state"]) == ("error", "refused")
        health = Health(log)
        told = "store: ok\nservice: circuit closed, refuses our credentials\n"
        assert health.get("/ready") == (200, told)
        assert f"{REFUSED} 1.0" in health.get("/metrics")[1]
        back = WebCall(world.hand_over(Moment.START)).run(server.send)
        assert (back["disposition"], back["reason"]) == ("unavailable", "service_down")
    assert len(lines(log, "service.access")) == 1
    assert _tries(lines(log, "call.moved")) == 0

    key.write_text(right)
    log = folder / "right.log"
    with running(log, (*serve_arguments(url, connection), *HEALTH)) as server:
        back = WebCall(world.hand_over(Moment.START)).run(server.send)
        assert back["disposition"] == "enrolled"
        assert f"{REFUSED} 0.0" in Health(log).get("/metrics")[1]
    assert not lines(log, "service.access")


def _tries(moves: list[dict[str, object]]) -> int:
    """Return how many tries were counted."""
    return sum(move["happened"] == "TryReserved" for move in moves)
