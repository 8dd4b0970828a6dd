"""Calls that all begin at once, on two running servers that share a PostgreSQL."""

import itertools
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from paperless_ivr.flow.host import Moment
from paperless_ivr.gateways.port import WebRequest
from tests.cli.connections import connected
from tests.durability.town import CUSTOMERS, WAYS, Town, endpoint, serving
from tests.rim.callers import HandOver, WebCall
from tests.rim.made import BILLER, Got
from tests.rim.outside import running, serve_arguments

CALLS = 30
"""As many as the reference service, which shares the cores with other tests, can handle."""


@pytest.mark.alone
@pytest.mark.requirement("R50")
@pytest.mark.parametrize("town", ["postgresql"], indirect=True)
def test_calls_at_once(town: Town, tmp_path: Path):
    """With the shipped sizes and the record's shipped budget, no one hears that it is down."""
    policy = tmp_path / "policy.toml"
    policy.write_text(
        f'[biller]\nid = "{BILLER}"\nname = "Springfield Water"\n'
        "[budgets]\nread = 10\nwrite = 10\n"  # the service shares the cores
    )
    arguments = serve_arguments(town.record, connected(tmp_path, endpoint(town.port)), policy)
    assert len(WAYS) * CALLS <= CUSTOMERS
    with serving(town), ExitStack() as open_while:
        servers = [
            open_while.enter_context(running(tmp_path / f"{number}.log", arguments))
            for number in range(2)
        ]
        all_here = threading.Barrier(CALLS)

        def one(number: int) -> tuple[str, str]:
            turns = itertools.count(number)

            def send(request: WebRequest) -> Got:
                return servers[next(turns) % 2].send(request)

            call = WebCall(HandOver(len(WAYS) * number, Moment.START))
            all_here.wait(60)
            told = call.run(send)
            return told["disposition"], told["reason"]

        with ThreadPoolExecutor(CALLS) as callers:
            ended = Counter(callers.map(one, range(CALLS)))
    assert ended == {("enrolled", "none"): CALLS}
