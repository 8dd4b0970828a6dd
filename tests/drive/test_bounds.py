"""The cost of any web request of any call: turns computed, and writes to the store."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field

from paperless_ivr.drive.web import Reply, WebDriver
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.turns import Turn
from paperless_ivr.gateways.port import Begins, Ends, WebRequest
from paperless_ivr.records.memory import MemoryLiveCalls
from paperless_ivr.testing.calling import Calling
from paperless_ivr.testing.twilio import SimulatedTwilio
from tests.drive.test_web_agrees import FILES, KEY, SID, gateway_of, of_twilio, setup_of

TURNS, WRITES = 2, 2
TURNS_AT_FIRST, WRITES_AT_FIRST = 4, 3
"""At the beginning of a call, because the account may be looked up before the offer."""
WRITING = ("commit", "commit_try", "reserve", "keep", "settle", "intend", "note", "save", "drop")


@define
class Counted:
    """Counts each writing method of a store, its record, or its calls, but not nested ones."""

    inner: Any
    spent: "Counter[str]"

    @property
    def record(self) -> "Counted":
        """The record, also counted."""
        return Counted(self.inner.record, self.spent)

    @property
    def calls(self) -> "Counted":
        """The calls in progress, also counted."""
        return Counted(self.inner.calls, self.spent)

    def __getattr__(self, name: str) -> Any:
        """Return the same method with counting."""
        if name in WRITING:
            self.spent["writes"] += 1
        return getattr(self.inner, name)


@define
class Bounded:
    """A worker that checks the bounds of every request that someone waits for.

    At a hang-up, everything that was agreed is carried out, and no one waits.
    """

    worker: WebDriver
    spent: "Counter[str]"
    over: list[str] = field(factory=list)

    def __call__(self, request: WebRequest) -> Reply:
        """Return the reply to a request."""
        self.spent.clear()
        reply = self.worker.answer(request)
        visit = self.worker.gateway.read(request)
        turns, writes = TURNS, WRITES
        if isinstance(visit, Begins):
            turns, writes = TURNS_AT_FIRST, WRITES_AT_FIRST
        exceeds = self.spent["turns"] > turns or self.spent["writes"] > writes
        if exceeds and not isinstance(visit, Ends):
            self.over.append(f"{dict(self.spent)} for {request.path}")
        return reply


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> Iterator["Counter[str]"]:
    """Count the turns that are computed."""
    counter, turn = Counter[str](), Flow.turn

    def counted(flow: Flow, call: Call, took: tuple[str, ...] = ()) -> Turn:
        counter["turns"] += 1
        return turn(flow, call, took)

    monkeypatch.setattr(Flow, "turn", counted)
    return counter


@pytest.mark.requirement("R50")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_request_is_within_the_bounds(path: Path, spent: "Counter[str]") -> None:
    """Each request takes at most two turns and two write transactions, whatever happens.

    At the beginning of a call, it may take two more turns and one more transaction, because the
    account may be looked up.
    """
    playback = of_twilio(path)
    setup = setup_of(playback, MemoryLiveCalls())
    setup = evolve(setup, store=Counted(setup.store, spent))
    gateway = gateway_of(playback)
    worker = WebDriver(setup, gateway, KEY)
    bounded = Bounded(worker, spent)
    Calling(playback, SimulatedTwilio(gateway, SID), worker).hold(bounded)
    worker.close()
    assert playback.left == []
    assert bounded.over == []
