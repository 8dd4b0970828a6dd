"""Whole calls whose database fails at any step: nothing is lost, and nothing is done unrecorded.

The caller hears something sensible, and the host gets the call back. What the service did is on
record with its consent. What was acknowledged is there when the database is back.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count

import pytest
from attrs import define, evolve, field
from sqlalchemy import event, select, text

from paperless_ivr.backends.demo import customer, springfield
from paperless_ivr.drive.runner import Setup
from paperless_ivr.errors import RecordDown
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Disposition, Reason, Registration
from paperless_ivr.flow.view import Terms
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.records.sql import Store, open_store
from paperless_ivr.records.sql.tables import activity, consents, wishes, writes
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import Press
from tests.counts import heavy
from tests.drive.line import GATEWAY, Clock, Line
from tests.drive.loops import LOOPS
from tests.drive.test_loops import ARRIVAL, CATALOG, ENROLL, POLICY, Caller
from tests.postgres import PATIENT, a_server

pytestmark = pytest.mark.requirement("R10", "R31")

ASKED_ALWAYS = evolve(
    POLICY,
    offer=evolve(POLICY.offer, again_after_days={}, one_question=()),
    budgets=evolve(POLICY.budgets, record=2.0),
)
"""The same caller calls again and again. What took longer than the record's budget is not tried
again, which here is the longest."""
STRIDE = heavy(2, 1)
"""One step in this many is broken."""
SHORT = 0.05
"""Seconds of budget for a database that is made not to answer."""
RIVERA = customer("rivera").id


@define
class Step:
    """Counts calls to a store, its record, and its live calls. One of them fails."""

    inner: object
    trouble: "Trouble"

    @property
    def record(self):
        """The record, also counted."""
        return Step(self.inner.record, self.trouble)

    @property
    def calls(self):
        """The calls in progress, also counted."""
        return Step(self.inner.calls, self.trouble)

    def __getattr__(self, name):
        act = getattr(self.inner, name)

        def ask(*arguments, **named):
            return self.trouble.asked(name, lambda: act(*arguments, **named), arguments)

        return ask


@define(slots=False)
class Trouble:
    """A database that fails at a step, and what was acknowledged before and after that."""

    at: int
    breaks: Callable[[], None] = lambda: None
    once: str = ""
    """Only this one step fails, `before` or `after` it is done."""
    steps: int = 0
    told: list[tuple[str, tuple]] = field(factory=list)

    def asked(self, name, act, arguments):
        """Do it, and note that it was acknowledged."""
        self.steps += 1
        if self.steps == self.at:
            self.breaks()
        if self.steps == self.at and self.once == "before":
            raise RecordDown
        answer = act()
        if name == "commit_try":  # reported as the update that followed the answer
            name, arguments = "commit", (arguments[1](answer),)
        if self.steps == self.at and self.once == "after":
            raise RecordDown  # it is done, but its answer is lost
        self.told.append((name, arguments))
        return answer


# ── calls ──


@define
class Held:
    """A completed call."""

    disposition: Disposition
    heard: list[str]
    backend: object
    consents: tuple[str, ...]


def session(loop: str, store: Store, trouble: Trouble, call_id: str) -> Held:
    """Run a call on a held channel."""
    make, run = LOOPS[loop]
    backend, caller = springfield(sleep=lambda _: None), Caller([*ENROLL, "1"])
    driver = make(Setup(Flow(Terms(ASKED_ALWAYS)), CATALOG, backend, Step(store, trouble)))
    back = run(driver)(caller, evolve(ARRIVAL, call_id=call_id))
    assert "Would you like your bills by e-mail" in " ".join(caller.heard)
    assert back.disposition is Disposition.ABANDONED or caller.heard[-1]
    return Held(back.disposition, caller.heard, backend, back.consents)


def documents(_: str, store: Store, trouble: Trouble, call_id: str) -> Held:
    """Run a call over web requests."""
    backend = springfield(sleep=lambda _: None)
    line = Line(backend, ASKED_ALWAYS)
    line.workers.clear()
    line.store = Step(store, trouble)
    line.clock = store.clock
    line.runtime = SimulatedTwilio(GATEWAY, call_id)
    worker, heard = line.worker(), []
    line.begin(evolve(ARRIVAL, call_id=call_id))
    for _ in range(12):
        heard.append(line.reply.document)
        line.follow(*(Press(keys) for said, keys in ANSWERS.items() if said in heard[-1]))
        if line.request is None:
            break
        line.reply = worker.answer(line.request)
        assert line.reply.status == 200
    assert line.runtime.handed_back
    worker.close()
    back = line.reply.handback
    return Held(back.disposition, heard, backend, back.consents)


ANSWERS = {
    "For yes, press 1": "1",
    "enter the last four": "1137",
    "Enter the account number": "20481137",
    "full account number": "20481137",
    "To agree, press 1": "1",
}
CALLS = {"blocking": session, "asyncio": session, "documents": documents}


def check(store: Store, trouble: Trouble, call: Held, call_id: str) -> None:
    """Check what holds after any call once the database is back."""
    registered = call.backend.registration(RIVERA, "WATER") is Registration.PENDING

    def rows(table, column):
        return store.database.read(lambda c: c.scalars(select(column).select_from(table)).all())

    on_record = [key for key in rows(writes, writes.c.key) if key.startswith(f"{call_id}-")]
    kept = [key for key in rows(wishes, wishes.c.key) if key.startswith(f"{call_id}-")]
    given = [one for one in rows(consents, consents.c.reference) if one.startswith(f"{call_id}-")]
    assert set(on_record) | set(kept) <= set(given)
    if registered:
        assert on_record
        (evidence,) = store.record.consents(ARRIVAL.biller, on_record[0])
        assert evidence.words
        assert len(call.backend.emails) == 1
    if call.disposition is Disposition.ENROLLED:
        assert registered
    if call.disposition is Disposition.DEFERRED:
        assert on_record or kept
    if call.disposition in (Disposition.FAILED, Disposition.UNAVAILABLE):
        assert not registered

    updates = [arguments[0] for name, arguments in trouble.told if name == "commit"]
    lines = Counter(line.what for update in updates for line in update.activities)
    noted = store.database.read(
        lambda c: c.execute(select(activity.c.what).where(activity.c.call_id == call_id)).all()
    )
    assert lines <= Counter(row.what for row in noted)
    for update in updates:
        if update.intent is not None:
            assert update.intent.write.key in on_record
        if update.outcome is not None:
            assert any(row.what == "settled" for row in noted)
    for name, arguments in trouble.told:
        if name == "keep":
            assert arguments[0].key in kept


# ── troubles ──


@contextmanager
def locked(store: Store) -> Iterator[Callable[[], None]]:
    """Have someone else lock the database from then on."""
    if store.database.is_sqlite:
        other = sqlite3.connect(store.database.url.database, isolation_level=None)
        yield lambda: other.execute("BEGIN IMMEDIATE")
        other.close()
        return
    engine = open_store(store.database.url, store.vault, PATIENT).database.engine
    with engine.connect() as other:
        yield lambda: other.execute(text("LOCK TABLE activity, writes, wishes, live_calls"))
        other.rollback()
    engine.dispose()


@contextmanager
def full(store: Store) -> Iterator[Callable[[], None]]:
    """Fill the disk from then on."""
    limit = [2**31]

    @event.listens_for(store.database.engine, "connect")
    def bound(connection, _):
        connection.execute(f"PRAGMA max_page_count = {limit[0]}")

    def fill() -> None:
        limit[0] = 1  # SQLite does not go below the current size
        store.database.engine.dispose()

    yield fill
    event.remove(store.database.engine, "connect", bound)
    store.database.engine.dispose()


def every_step(
    loop: str,
    store: Store,
    used: Store,
    trouble: Callable,
    stride: int = STRIDE,
    *,
    harmless: bool = False,
) -> None:
    """Run a call for each step at which the trouble may come, on the store in use.

    If the trouble is harmless, every call ends as it would without it.
    """
    whole = Trouble(0)
    call = CALLS[loop](loop, store, whole, "whole")
    assert call.disposition is Disposition.ENROLLED
    check(store, whole, call, "whole")
    for at in range(1, whole.steps + 1, stride):
        with trouble(at) as broken:
            call = CALLS[loop](loop, used, broken, f"c{at}x")
        check(store, broken, call, f"c{at}x")
        assert call.disposition is Disposition.ENROLLED or not harmless
        assert broken.steps >= at or used is not store  # a short budget may fail before that


@pytest.fixture
def made(opened, some_vault):
    """Provide a record, and one with a budget so short that any wait fails."""
    store = opened(now=(clock := Clock()))
    store.clock, store.vault = clock, some_vault
    hasty = opened(store.database.url, now=clock, budget=SHORT)
    hasty.clock = clock
    return store, hasty


@pytest.mark.prove
@pytest.mark.parametrize("once", ["before", "after"])
@pytest.mark.parametrize("loop", CALLS)
def test_one_step_fails(made, loop, once):
    """One answer is lost, whether its transaction was done or not. The call ends as usual."""
    store, _ = made

    @contextmanager
    def trouble(at):
        yield Trouble(at, once=once)

    every_step(loop, store, store, trouble, harmless=True)


@pytest.mark.prove
@pytest.mark.parametrize("loop", CALLS)
def test_locked(made, loop):
    """From one step on, someone else locks the database."""
    store, hasty = made

    @contextmanager
    def trouble(at):
        with locked(store) as breaks:
            yield Trouble(at, breaks)

    every_step(loop, store, hasty, trouble)


@pytest.mark.prove
@pytest.mark.parametrize("loop", CALLS)
def test_full(tmp_path, some_vault, loop):
    """From one step on, the disk is full; what fits in the existing space can still be kept."""
    with open_store(f"sqlite:///{tmp_path}/r.db", some_vault, PATIENT, Clock()) as store:
        store.clock = Clock()

        @contextmanager
        def trouble(at):
            with full(store) as breaks:
                yield Trouble(at, breaks)

        every_step(loop, store, store, trouble)


@pytest.mark.parametrize("loop", CALLS)
def test_server_that_stops(some_vault, loop):
    """From one step on, PostgreSQL is stopped. When it is back, nothing of the call is lost."""
    with a_server() as server, open_store(server.get_uri(), some_vault, PATIENT) as store:
        store.clock = Clock()

        @contextmanager
        def trouble(at):
            yield Trouble(at, server.stop)
            server.ensure_postgres_running()

        every_step(loop, store, store, trouble, stride=6)


class NeverHeard:
    """A store that does every write, but whose answer never arrives."""

    def __init__(self, inner):
        self.inner, self.record, self.calls = inner, inner.record, inner.calls
        self.commit_try = inner.commit_try

    def commit(self, update, *, again=False):
        """Commit, but lose the answer if a write will be sent."""
        answer = self.inner.commit(update, again=again)
        if update.intent is not None:
            raise RecordDown
        return answer


@pytest.mark.parametrize("loop", LOOPS)
def test_on_record_though_nobody_heard(opened, loop):
    """What was agreed and recorded is never lost, even if the caller heard that it failed.

    It was not sent, so what the caller heard is true. It remains as a write that may have been
    done, to be looked up and then completed: the consent is on record in its words, and paper stops
    only if the caller opens the link (R10, R31). So it may be enrolled later, and always as agreed;
    nothing is ever done without a yes.
    """
    store, backend = opened(), springfield(sleep=lambda _: None)
    make, run = LOOPS[loop]
    caller = Caller(list(ENROLL))
    driver = make(Setup(Flow(Terms(POLICY)), CATALOG, backend, NeverHeard(store)))
    back = run(driver)(caller, ARRIVAL)

    assert (back.disposition, back.reason) == (Disposition.FAILED, Reason.RECORD_DOWN)
    assert "keep coming as before" in caller.heard[-1]
    assert backend.registration(RIVERA, "WATER") is Registration.NONE
    (left,) = store.record.unsettled(datetime.max.replace(tzinfo=UTC))
    assert left.evidence.words in " ".join(caller.heard)
    assert (left.key,) == back.consents


@pytest.mark.parametrize("loop", LOOPS)
def test_a_call_is_stored_again_when_the_store_is_back(loop):
    """A turn that could not be stored does not prevent the next one from being stored."""
    memory = SeparateStores(MemoryRecord(lambda: datetime.now(UTC)), MemoryLiveCalls())
    trouble, commits = Trouble(0), count(1)

    class Failing(Step):
        def commit(self, update, *, again=False):
            if next(commits) in (2, 3):  # the second one, and its retry
                raise RecordDown
            return trouble.asked("commit", lambda: memory.commit(update, again=again), (update,))

    make, run = LOOPS[loop]
    store = Failing(memory, trouble)
    driver = make(Setup(Flow(Terms(POLICY)), CATALOG, springfield(), store))
    run(driver)(Caller(list(ENROLL)), ARRIVAL)

    updates = [arguments[0] for name, arguments in trouble.told if name == "commit"]
    stored = [update.call.turn for update in updates if update.call is not None]
    assert stored[0] == 1
    assert 2 not in stored
    assert stored[-1] > 5


@pytest.mark.parametrize("loop", LOOPS)
def test_the_offer_waits_for_one_answer_at_most(loop):
    """If a store does not answer, it is waited for once before the first prompt, then once a turn.

    No try can be counted, so no account number is asked for (R47).
    """
    patient = evolve(POLICY, budgets=evolve(POLICY.budgets, record=0.1))
    waits = [[]]

    class Silent:
        record = calls = property(lambda self: self)

        def __getattr__(self, name):
            def ask(*_, **__):
                waits[-1].append(name)
                time.sleep(patient.budgets.record)
                raise RecordDown

            return ask

    class Hearing(Caller):
        def perform(self, turn, language):
            waits.append([])
            return super().perform(turn, language)

    make, run = LOOPS[loop]
    driver = make(Setup(Flow(Terms(patient)), CATALOG, springfield(), Silent()))
    back = run(driver)(Hearing(["1", "20481137#", "1"]), ARRIVAL)

    assert back.disposition is Disposition.UNAVAILABLE
    assert waits[0] == ["commit"]
    for asked in waits[1:-2]:  # saving how it ended is always attempted
        assert len(asked) <= 1
