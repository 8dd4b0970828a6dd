"""Too many calls at once for our own threads or turns: we are busy, but the record is not down."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from attrs import define, evolve

from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Disposition, Reason
from paperless_ivr.flow.view import Terms
from paperless_ivr.records.sql import Store, database, open_store
from paperless_ivr.records.vault import new_keys, vault
from paperless_ivr.testing.virtual_caller import Press
from tests.drive.line import SID, Line
from tests.drive.loops import LOOPS
from tests.drive.test_loops import ARRIVAL, CATALOG, POLICY, Caller, springfield

pytestmark = pytest.mark.requirement("R48", "R50")


@contextmanager
def crowded(store: Store) -> Iterator[None]:
    """Have another call of this process take the turn to write, and keep it."""
    has_it, done = threading.Event(), threading.Event()

    def hold(_):
        has_it.set()
        done.wait(30)

    other = threading.Thread(target=store.database.write, args=(hold,))
    other.start()
    assert has_it.wait(30)
    yield
    done.set()
    other.join()


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A database whose turns are waited for only briefly."""
    monkeypatch.setattr(database, "TURN", 0.05)
    with open_store(f"sqlite:///{tmp_path / 'record.db'}", vault(new_keys())) as store:
        yield store


def test_a_web_request_that_gets_no_turn(store):
    """The call goes back to the host, at the beginning and in the middle."""
    line = Line()
    line.store = store
    worker = line.worker()
    line.reply = worker.answer(line.runtime.begins(evolve(ARRIVAL, call_id=SID)))
    for request in (line.follow(Press("1")), line.runtime.begins(evolve(ARRIVAL, call_id="CA1"))):
        with crowded(store):
            reply = worker.answer(request)
        assert reply.handback.reason is Reason.BUSY
        assert reply.handback.failed
    worker.close()


@define
class Crowding(Caller):
    """A caller. Once they hear something, other calls take all turns."""

    at: str = ""
    crowd: Callable[[], None] = lambda: None

    def perform(self, turn, language):
        """Speak a turn while others crowd in."""
        did = super().perform(turn, language)
        if self.at in self.heard[-1]:
            self.crowd()
        return did


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("at", "disposition"),
    [("Just a moment", Disposition.UNAVAILABLE), ("To agree", Disposition.FAILED)],
)
def test_a_held_call_that_gets_no_turn(store, loop, at, disposition):
    """No try or write is made that could not be put on record."""
    make, run = LOOPS[loop]
    driver = make(Setup(Flow(Terms(POLICY)), CATALOG, springfield(), store))
    taking = crowded(store)
    caller = Crowding(["1", "1137", "1"], at=at, crowd=taking.__enter__)
    back = run(driver)(caller, ARRIVAL)
    taking.__exit__(None, None, None)
    assert (back.disposition, back.reason) == (disposition, Reason.BUSY)
