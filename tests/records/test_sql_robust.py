"""Failures: killed processes, locks, full disks, stopped servers. Nothing recorded is lost."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import psutil
import pytest
from sqlalchemy import event, func, select, text

from paperless_ivr.clock import utc_now
from paperless_ivr.errors import RecordDown
from paperless_ivr.records.port import ActivityType, Task
from paperless_ivr.records.sql import database, open_store
from paperless_ivr.records.sql.tables import activity
from paperless_ivr.records.vault import new_keys, vault
from paperless_ivr.testing.contracts.bench import BILLER, Bench, deferred_of, preference
from tests.postgres import PATIENT, a_server

SHORT = 0.5
"""Seconds of budget if the database is made not to answer."""

WRITER = """
import sys
from paperless_ivr.flow.events import Accepted
from paperless_ivr.records.sql import open_store
from paperless_ivr.clock import utc_now
from paperless_ivr.testing.contracts.bench import Bench, preference, deferred_of

url, name = sys.argv[1:]
store = open_store(url, budget=30.0)
bench = Bench(store.record, utc_now)
for number in range(10_000):
    key = f"{name}-{number}"
    bench.intend(preference(key, key))
    print("intended", key, flush=True)
    store.record.settle(key, Accepted())
    print("settled", key, flush=True)
    bench.keep(deferred_of(f"{key}-w", f"{key}-w"))
    print("kept", f"{key}-w", flush=True)
"""

TAKER = """
import sys
from datetime import datetime, timedelta, UTC
from paperless_ivr.records.port import Task, ActivityType
from paperless_ivr.records.sql import open_store

url, name = sys.argv[1:]
store = open_store(url, budget=30.0)
print("ready", flush=True)
sys.stdin.readline()
later = datetime.now(UTC) + timedelta(days=1)
biller, lease = "springfield-water", timedelta(hours=1)
while got := store.record.claim(Task.COMPLETE, biller, name, lease, later, 2):
    for one in got:
        store.record.finish(one, name, ActivityType.EXPORTED)
        print(one.key, flush=True)
"""


@pytest.fixture
def start(monkeypatch):
    """Starts scripts in separate processes, and stops them."""
    keys = new_keys()
    monkeypatch.setenv("PAPERLESS_IVR_KEYS", keys)
    started = []

    def run(script: str, *arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    run.vault = vault(keys)
    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.requirement("R30", "R31")
@pytest.mark.long
def test_killed_while_it_writes(new_url, start):
    """Lines that a process was told are on record are there after SIGKILL, whenever that comes."""
    url = new_url()
    told: dict[str, set[str]] = {"intended": set(), "settled": set(), "kept": set()}
    for name, lines in (("a", 20), ("b", 61), ("c", 102)):
        writer = start(WRITER, url, name)
        for _ in range(lines):
            what, key = writer.stdout.readline().split()
            told[what].add(key)
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.communicate()[0].splitlines()
        for what, key in (line.split() for line in rest if line.count(" ") == 1):
            told[what].add(key)

    with open_store(url, start.vault, PATIENT) as store:
        later = utc_now() + timedelta(days=1)
        unsettled = {one.key for one in store.record.unsettled(later)}
        followed = {one.key for one in store.record.followed()}
        kept = {one.key for one in store.record.kept()}
        consents = [key for key in told["intended"] if store.record.consents(BILLER, key) == ()]

    assert told["intended"] <= unsettled | followed
    assert told["settled"] <= followed
    assert told["kept"] <= kept
    assert len(unsettled) <= 3  # a write that was in progress, for each process that was killed
    assert consents == []


@pytest.mark.long
def test_claimed_by_many_processes(new_url, start):
    """Parallel processes finish each item once, and leave nothing."""
    url, wanted = new_url(), [f"w{number:02}" for number in range(40)]
    with open_store(url, start.vault, PATIENT) as store:
        bench = Bench(store.record, utc_now)
        for key in wanted:
            bench.keep(deferred_of(key, key))
        takers = [start(TAKER, url, f"taker-{number}") for number in range(4)]
        for taker in takers:
            taker.stdout.readline()
        for taker in takers:
            taker.stdin.write("\n")
            taker.stdin.flush()
        done = [key for taker in takers for key in taker.communicate()[0].split()]

        assert sorted(done) == wanted
        assert store.record.kept() == ()
        exported = select(func.count()).where(activity.c.what == ActivityType.EXPORTED)
        assert len(wanted) == store.database.read(lambda c: c.scalar(exported))


def test_locked(opened):
    """A locked database is down for as long as that lasts, and nothing is half done."""
    store = opened()
    bench = Bench(store.record, utc_now)
    bench.intend(preference("before"))
    patient = store.database
    bench.record = opened(patient.url, budget=SHORT).record

    def meanwhile(connection):
        if not patient.is_sqlite:
            connection.execute(text("LOCK TABLE activity"))  # on SQLite, a writer locks it
        with pytest.raises(RecordDown):
            bench.intend(preference("meanwhile"))
        with pytest.raises(RecordDown):
            bench.note(ActivityType.OFFERED)

    patient.write(meanwhile)

    bench.record = store.record
    bench.intend(preference("after"))
    left = bench.record.unsettled(utc_now())
    assert [one.key for one in left] == ["before", "after"]


def test_full_disk(tmp_path, some_vault):
    """With a full disk, a record keeps its data and accepts nothing, until there is space again."""
    store = open_store(f"sqlite:///{tmp_path}/r.db", some_vault, PATIENT)
    bench = Bench(store.record, utc_now)
    bench.intend(preference("w"))
    store.database.close()
    pages = store.database.read(lambda c: c.execute(text("PRAGMA page_count")).scalar())
    limit = [pages + 20]

    @event.listens_for(store.database.engine, "connect")
    def _(connection, _):
        connection.execute(f"PRAGMA max_page_count = {limit[0]}")

    store.database.close()
    kept = []

    def fill() -> None:
        for number in range(10_000):
            bench.keep(deferred_of(f"w{number}", f"{number}"))
            kept.append(f"w{number}")

    with pytest.raises(RecordDown, match="SQLITE_FULL"):
        fill()
    assert kept
    assert kept == [one.key for one in store.record.kept()]
    limit[0] = pages + 1000
    store.database.close()
    bench.keep(deferred_of("more", "more"))
    assert [*kept, "more"] == [one.key for one in store.record.kept()]
    store.database.close()


@pytest.fixture
def server():
    """A PostgreSQL for this test only."""
    with a_server() as server:
        yield server


def test_server_that_stops(server, some_vault):
    """A stopped server is down; when it is back, everything is there, without a restart."""
    with open_store(server.get_uri(), some_vault, PATIENT) as store:
        bench = Bench(store.record, utc_now)
        bench.intend(preference("before"))
        server.stop()
        for _ in range(2):
            with pytest.raises(RecordDown):
                bench.intend(preference("meanwhile"))
        with pytest.raises(RecordDown):
            open_store(server.get_uri(), some_vault, PATIENT)
        server.ensure_postgres_running()
        bench.intend(preference("after"))

        left = store.record.unsettled(utc_now())
    assert [one.key for one in left] == ["before", "after"]


def test_server_that_is_killed(server, some_vault):
    """A server that dies in the middle of a transaction has kept all of it or nothing."""
    with open_store(server.get_uri(), some_vault, PATIENT) as store:
        bench = Bench(store.record, utc_now)
        bench.intend(preference("before"))

        def die(connection):
            connection.execute(text("CREATE TABLE half (x INT)"))
            parent = psutil.Process(server.get_pid())
            processes = [parent, *parent.children(recursive=True)]
            parent.kill()  # the others end with it
            psutil.wait_procs(processes, PATIENT)
            connection.execute(text("SELECT 1"))

        with pytest.raises(RecordDown):
            store.database.write(die)
        server.ensure_postgres_running()

        assert [one.key for one in store.record.unsettled(utc_now())] == ["before"]
        bench.intend(preference("after"))


def test_server_that_is_silent(server, some_vault):
    """A server that neither answers nor exits does not make anyone wait forever."""
    with open_store(server.get_uri(), some_vault, PATIENT) as patient:
        Bench(patient.record, utc_now).intend(preference("before"))
    with open_store(server.get_uri(), some_vault, SHORT) as store:
        bench = Bench(store.record, utc_now)
        store.database.engine.connect().close()  # a connection in the pool
        parent = psutil.Process(server.get_pid())
        processes = [parent, *parent.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            with pytest.raises(RecordDown):
                bench.intend(preference("meanwhile"))
        finally:
            for process in processes:
                process.resume()

    with open_store(server.get_uri(), some_vault, PATIENT) as store:
        left = store.record.unsettled(utc_now())
        assert "before" in [one.key for one in left]


@pytest.mark.alone
def test_many_threads_one_file(opened):
    """If many threads note, keep, and claim at once, nothing is lost, and none is refused."""
    store, each, threads = opened(), 15, 8
    bench = Bench(store.record, utc_now)
    faults = []

    def work(number: int) -> None:
        try:
            for count in range(each):
                key = f"w{number}-{count}"
                bench.note(ActivityType.ANSWERED, key)
                bench.keep(deferred_of(key, key))
        except Exception as error:  # noqa: BLE001
            faults.append(error)

    workers = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENT)

    assert faults == []
    assert each * threads == len(store.record.kept())
    assert each * threads == len(bench.claim(Task.COMPLETE, most=1000))


def wait_for(it_is_so):
    """Wait until something is true, but not forever."""
    end = time.monotonic() + PATIENT
    while not it_is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.requirement("R50")
def test_a_wait_for_a_turn_is_no_failure(tmp_path, some_vault, monkeypatch):
    """A caller who waits behind others of this process longer than one transaction is served."""
    monkeypatch.setattr(database, "TURN", PATIENT)
    with open_store(f"sqlite:///{tmp_path}/r.db", some_vault, budget=0.05) as store:
        here, waiting = threading.Barrier(2), store.database._writers._here

        def hold(_):
            here.wait(PATIENT)
            wait_for(lambda: len(waiting) >= 2)
            time.sleep(0.1)

        holder = threading.Thread(target=store.database.write, args=(hold,))
        holder.start()
        here.wait(PATIENT)
        assert store.database.write(lambda _: "written") == "written"
        holder.join(PATIENT)


def test_writers_of_one_process_take_turns(tmp_path, some_vault, monkeypatch):
    """On SQLite, the first one to come writes first, however often the others come again."""
    monkeypatch.setattr(database, "TURN", PATIENT)
    with open_store(f"sqlite:///{tmp_path}/r.db", some_vault, budget=PATIENT) as store:
        order, here, all_wait = [], threading.Barrier(2), threading.Event()

        def write(name, after=lambda: None):
            store.database.write(lambda _: (order.append(name), after()))

        def hold():
            here.wait(PATIENT)
            all_wait.wait(PATIENT)

        threads = [threading.Thread(target=write, args=("holder", hold))]
        threads[0].start()
        here.wait(PATIENT)
        for number in range(4):
            threads.append(threading.Thread(target=write, args=(number,)))
            threads[-1].start()
            wait_for(lambda: len(store.database._writers._here) >= number + 2)  # noqa: B023
        all_wait.set()
        for thread in threads:
            thread.join(PATIENT)
    assert order == ["holder", 0, 1, 2, 3]
