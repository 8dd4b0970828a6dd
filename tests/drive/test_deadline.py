"""A waiting caller has one deadline for everything: turns at the store, and answers."""

import threading
import time
from contextlib import suppress
from itertools import pairwise

import pytest
from attrs import evolve, field, frozen

from paperless_ivr.backends.demo import springfield
from paperless_ivr.drive.runner import Setup
from paperless_ivr.errors import RecordBusy
from paperless_ivr.flow.events import Unavailable
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.policy import Budgets
from paperless_ivr.flow.requests import OPERATIONS, InvoiceExists
from paperless_ivr.flow.view import Terms
from paperless_ivr.records.deadline import answering_by
from paperless_ivr.records.sql import database, open_store
from paperless_ivr.records.vault import new_keys, vault
from paperless_ivr.testing.virtual_caller import Press
from tests.drive.line import POLICY as LINE_POLICY
from tests.drive.line import Line
from tests.drive.loops import LOOPS
from tests.drive.test_loops import ARRIVAL, CATALOG, POLICY, STILL, Caller
from tests.drive.test_too_many import crowded

pytestmark = [pytest.mark.requirement("R10", "R50"), pytest.mark.alone]

SILENCE = 3.0
"""Seconds within which the caller hears something new: the minimum that a policy can set."""
BUDGETS = Budgets(read=10.0, reassure=SILENCE)
SLOW = 1.9
"""Seconds that each transaction waits for its turn. Two of these exceed any silence."""
LOAD = 1.0
"""Seconds allowed for everything else, because the machine is busy."""


@frozen
class SlowStore:
    """A store whose transactions each wait long for their turn, behind others."""

    store: object
    slow: threading.Event = field(factory=threading.Event)
    """Set while there are others."""

    @property
    def calls(self):
        """The calls in progress."""
        return Behind(self, self.store.calls)

    @property
    def record(self):
        """The record."""
        return Behind(self, self.store.record)

    def commit(self, *args, **given):
        """Commit an update."""
        return Behind(self, self.store).commit(*args, **given)

    def commit_try(self, *args, **given):
        """Commit a try."""
        return Behind(self, self.store).commit_try(*args, **given)


@frozen
class Behind:
    """Calls a part of a store behind others, which hold all turns for a while."""

    whole: SlowStore
    part: object

    def __getattr__(self, name):
        """Return a method of the part."""

        def behind(*args, **given):
            database = self.whole.store.database
            turns_of = (database._readers, database._writers)
            for turns in turns_of if self.whole.slow.is_set() else ():
                before = threading.Event()
                threading.Thread(target=hold, args=(turns, before), daemon=True).start()
                assert before.wait(30)
            return getattr(self.part, name)(*args, **given)

        return behind


def hold(turns, here):
    """Take a turn, and hold it for a while."""
    here.set()
    with suppress(RecordBusy), turns.turn():
        time.sleep(SLOW)


@frozen
class Silent:
    """A service that does not answer until it is released."""

    let_go: threading.Event = field(factory=threading.Event)
    operations = OPERATIONS

    def answer(self, request, budget):
        """Answer within the budget."""
        self.let_go.wait(budget)
        return Unavailable("no answer in time")


@frozen
class Late:
    """A service that answers about bills just before the caller would hear that we are working."""

    demo: object = field(factory=springfield)
    operations = OPERATIONS

    def answer(self, request, budget):
        """Answer in the end."""
        if isinstance(request, InvoiceExists):
            time.sleep(SILENCE - 0.4)
        return self.demo.answer(request, budget)


@pytest.fixture
def store(tmp_path):
    """A store on SQLite whose readers take turns, too."""
    url = f"sqlite:///{tmp_path / 'record.db'}"
    with open_store(url, vault(new_keys()), connections=1) as store:
        yield store


def test_transactions_share_it(store, monkeypatch):
    """However many transactions there are, they wait no longer than the deadline in total."""
    monkeypatch.setattr(database, "TURN", 2.0)
    with crowded(store):
        began = time.monotonic()
        with answering_by(began + 0.3):
            for _ in range(5):
                with pytest.raises(RecordBusy):
                    store.database.write(lambda _: None)
        took = time.monotonic() - began
    assert 0.3 <= took < 0.3 + LOAD


def test_a_web_request(store):
    """Loading, moving, and the answer share one deadline; then the caller hears a reassurance."""
    service = Silent()
    policy = evolve(LINE_POLICY, budgets=BUDGETS)
    line = Line(backend=service, policy=policy, store=store)
    line.begin()
    line.go(Press("1"))
    line.follow()  # the request after "one moment"
    line.store = SlowStore(store)
    line.store.slow.set()
    worker = line.worker()
    began = time.monotonic()
    reply = worker.answer(line.request)
    took = time.monotonic() - began
    service.let_go.set()
    worker.close()
    assert STILL in reply.document
    assert took < SILENCE + LOAD


@frozen
class Timed(Caller):
    """A caller who notes when they hear what. Others come once the caller has keyed the proof."""

    crowd: threading.Event = field(factory=threading.Event)
    times: list = field(factory=list)

    def perform(self, turn, language):
        """Perform a turn."""
        began = time.monotonic()
        did = super().perform(turn, language)
        self.times.append((began, time.monotonic(), bool(turn.say)))
        if not self.presses:
            self.crowd.set()
        return did


@pytest.mark.parametrize("loop", LOOPS)
def test_a_held_call(store, loop):
    """No silence between two prompts is longer than the deadline, whatever happens meanwhile."""
    make, run = LOOPS[loop]
    flow = Flow(Terms(evolve(POLICY, budgets=BUDGETS)))
    slow = SlowStore(store)
    driver = make(Setup(flow, CATALOG, Late(), slow))
    caller = Timed(["1", "1137#"], crowd=slow.slow)
    run(driver)(caller, ARRIVAL)
    said = [(began, ended) for began, ended, spoke in caller.times if spoke]
    silences = [after[0] - before[1] for before, after in pairwise(said)]
    assert max(silences) < SILENCE + LOAD
