"""A running simulator, on its own port."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import pytest
from attrs import evolve

from paperless_ivr.cli.setups import arrival, demo_connection
from paperless_ivr.net.connections import DEFAULTS
from paperless_ivr.net.http import bounded, listen
from paperless_ivr.simulator.server import Demo, application
from paperless_ivr.simulator.shelf import shelved
from tests.simulator.tab import Tab

Start = Callable[..., str]
COMMAND = "paperless-ivr simulator --policy own.toml --port 8091"
"""The command that the simulators of the tests show for starting them again."""


@contextmanager
def serving(*policies: Path, may_reveal: bool = True) -> Iterator[str]:
    """Runs a simulator until the block ends; provides its address."""
    demo = Demo(arrival, demo_connection)
    app = application(shelved(policies), demo, ("127.0.0.1",), COMMAND, may_reveal=may_reveal)
    server = bounded(app, evolve(DEFAULTS, answer_seconds=float("inf")), 1)
    listening = listen("127.0.0.1", 0)
    thread = Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """The address of a simulator of the demo's policy, with a text after each enrollment."""
    with serving(Path(__file__).with_name("texting.toml")) as url:
        yield url


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts simulators of other policies, and returns their addresses."""
    with ExitStack() as stack:
        yield lambda *policies, **options: stack.enter_context(serving(*policies, **options))


@pytest.fixture
def tab(simulator: str) -> Iterator[Tab]:
    """A tab of the simulator without a call."""
    with Tab.opened(simulator) as tab:
        yield tab
