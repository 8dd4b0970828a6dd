"""`/live`, `/ready`, and `/metrics` of running servers: a broken database, and draining."""

import asyncio
import itertools
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from paperless_ivr.flow.host import Moment
from paperless_ivr.records.vault import new_keys
from tests.postgres import PATIENT, Postgres, a_server
from tests.rim.callers import AgiCall, Point, WebCall
from tests.rim.conftest import World
from tests.rim.health import HEALTH, Health, lines
from tests.rim.made import ENVIRONMENT, POLICY_FILE
from tests.rim.outside import (
    CODE,
    Breakable,
    Server,
    agi_arguments,
    running,
    serve_arguments,
    until,
)

pytestmark = pytest.mark.requirement("R24")


def arguments_of(command: str, world: World, url: str, sounds: Path) -> Sequence[str]:
    """Return the arguments of a server."""
    made = {
        "serve": lambda: serve_arguments(url, world.connection),
        "agi": lambda: agi_arguments(url, world.connection, sounds),
    }
    return (*made[command](), *HEALTH)


@contextmanager
def started(command: str, world: World, folder: Path, sounds: Path) -> Iterator[tuple]:
    """Start a server; provide its pages, and the file of its database."""
    file, log = folder / "record.db", folder / "log"
    with running(log, arguments_of(command, world, f"sqlite:///{file}", sounds)) as server:
        health = Health(log)
        assert health.get("/ready") == (200, "store: ok\nservice: circuit closed\n")
        yield server, health, file


def locked(server: Server, file: Path) -> Iterator[None]:
    """Have another process write without finishing."""
    database = Breakable(f"sqlite:///{file}")
    database.lock()
    yield
    database.mend()
    database.close()


def full(server: Server, file: Path) -> Iterator[None]:
    """Keep files from growing, as on a full disk."""
    process = psutil.Process(server.process.pid)
    usual = process.rlimit(resource.RLIMIT_FSIZE)
    process.rlimit(resource.RLIMIT_FSIZE, (0, usual[1]))
    yield
    process.rlimit(resource.RLIMIT_FSIZE, usual)


def deleted(server: Server, file: Path) -> Iterator[None]:
    """Delete the file."""
    kept = file.with_suffix(".kept")
    file.rename(kept)
    yield
    kept.rename(file)


def corrupted(server: Server, file: Path) -> Iterator[None]:
    """Overwrite the file."""
    database = Breakable(f"sqlite:///{file}")
    database.do("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    with file.open("r+b") as inside:
        was = inside.read(8192)
        inside.seek(0)
        inside.write(b"nonsense" * 1024)
    yield
    with file.open("r+b") as inside:
        inside.write(was)


BROKEN = {
    locked: "OperationalError SQLITE_BUSY",
    full: "OperationalError SQLITE_IOERR",
    deleted: "the file was deleted or replaced",
    corrupted: "DatabaseError SQLITE_NOTADB",
}
"""Ways to break an SQLite file, and the cause that `/ready` gives."""


def unready(health: Health, cause: str) -> None:
    """Assert that a server is live, but cannot write, for a cause that begins like this."""
    status, told = health.get("/ready")
    assert status == 503
    assert told.startswith(f"store: RecordDown {cause}")
    assert health.get("/live") == (200, "ok\n")
    assert "paperless_ivr_ready 0.0" in health.get("/metrics")[1]


def ready_again(health: Health) -> None:
    """Assert that a server can write again, without a restart."""
    until(lambda: health.get("/ready")[0] == 200)
    assert "paperless_ivr_ready 1.0" in health.get("/metrics")[1]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda act: act.__name__)
@pytest.mark.parametrize("command", ["serve", "agi"])
def test_ready(command: str, broken, world: World, folder: Path, sounds: Path):
    """A server that cannot write is live but not ready. After a repair, it is ready again."""
    with started(command, world, folder, sounds) as (server, health, file):
        breaking = contextmanager(broken)
        with breaking(server, file):
            unready(health, BROKEN[broken])
        ready_again(health)


# ── PostgreSQL ──


def stopped(server) -> Iterator[None]:
    """Stop it."""
    server.stop()
    yield
    server.ensure_postgres_running()


def silent(server) -> Iterator[None]:
    """Make it unresponsive, but still running."""
    parent = psutil.Process(server.get_pid())
    processes = [parent, *parent.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:  # a suspended process cannot be stopped
        for process in processes:
            process.resume()


def read_only(server) -> Iterator[None]:
    """Make it refuse writes, like a standby."""
    of_all = Postgres(server, itertools.count())
    of_all.do("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    # The server tells all sessions that exist before it starts one that has the new setting.
    until(lambda: of_all.setting("default_transaction_read_only") == "on")
    yield
    of_all.do("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")


ON_POSTGRESQL = {
    stopped: "OperationalError",
    silent: "ConnectionTimeout",
    read_only: "ReadOnlySqlTransaction 25006",
}


@pytest.fixture(scope="module")
def on_postgresql(world: World):
    """A PostgreSQL, a server on it, and the server's pages."""
    log = world.log("ready on postgresql")
    with a_server() as database:
        url = Postgres(database, itertools.count()).make()
        with pytest.MonkeyPatch.context() as patched:  # for this server alone
            patched.setenv("PAPERLESS_IVR_KEYS", new_keys())
            with running(log, (*serve_arguments(url, world.connection), *HEALTH)) as server:
                yield Health(log), database, server


@pytest.mark.parametrize("broken", ON_POSTGRESQL, ids=lambda act: act.__name__)
def test_ready_on_postgresql(broken, world: World, on_postgresql):
    """The same holds on PostgreSQL."""
    health, database, server = on_postgresql
    ready_again(health)
    call = WebCall(world.hand_over(Moment.START))
    with contextmanager(broken)(database):
        unready(health, ON_POSTGRESQL[broken])
        assert call.run(server.send)["reason"] == "record_down"
    ready_again(health)
    broken_off = lines(health.log, "call.broken_off")[-1]
    assert (broken_off["call"], broken_off["error"]) == (call.over.call_id, "RecordDown")
    assert broken_off["why"] == ON_POSTGRESQL[broken]
    assert 'calls_given_back_total{reason="record_down"}' in health.get("/metrics")[1]


# ── a drain ──


def drains(health: Health) -> bool:
    """Tell whether a server says that it takes no more calls."""
    ready = health.get("/ready")
    return ready == (503, "store: ok\nservice: circuit closed\nserver: draining\n")


DRAINING = (*HEALTH, "--drain-seconds", str(PATIENT))


def test_serve_drains(world: World, folder: Path):
    """After SIGTERM, it is not ready, while a call continues."""
    arguments = serve_arguments(f"sqlite:///{folder}/record.db", world.connection)
    with running(folder / "log", (*arguments, *DRAINING)) as server:
        call = WebCall.to(world.hand_over(Moment.AFTER_PAYMENT), Point.OFFER_KEY, server.send)
        health = Health(folder / "log")
        server.process.send_signal(signal.SIGTERM)
        until(lambda: drains(health))
        assert health.get("/live") == (200, "ok\n")
        assert "paperless_ivr_ready 0.0" in health.get("/metrics")[1]
        new = WebCall(world.hand_over(Moment.AFTER_PAYMENT))
        assert new.run(server.send)["reason"] == "server_stopped"
        metrics = health.get("/metrics")[1]
        assert 'paperless_ivr_calls_given_back_total{reason="server_stopped"} 1.0' in metrics
        assert call.run(server.send)["disposition"] == "enrolled"


def test_agi_drains(world: World, folder: Path, sounds: Path):
    """The same holds for calls from Asterisk."""
    arguments = agi_arguments(f"sqlite:///{folder}/record.db", world.connection, sounds)

    async def run(server: Server) -> AgiCall:
        call = AgiCall.of(world.hand_over(Moment.AFTER_PAYMENT), park_at=0)
        call.resume = asyncio.Event()
        under_way = asyncio.create_task(call.call(server.port))
        while not call.parked:
            await asyncio.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(until, lambda: drains(Health(folder / "log")))
        call.resume.set()
        await under_way
        return call

    with running(folder / "log", (*arguments, *DRAINING)) as server:
        call = asyncio.run(asyncio.wait_for(run(server), 60))
    assert call.told["disposition"] == "enrolled"


# ── the relay ──


def test_relay(world: World, folder: Path, start_relay):
    """The relay has these pages, too."""
    url = f"sqlite:///{folder}/record.db"
    with running(folder / "log", serve_arguments(url, world.connection)):
        pass
    health, database = start_relay(url), Breakable(url)
    assert health.get("/ready")[0] == 200
    database.lock()
    assert health.get("/ready")[0] == 503
    database.mend()
    database.close()
    assert "paperless_ivr_service_circuit_open 0.0" in health.get("/metrics")[1]


@pytest.fixture
def start_relay(world: World, folder: Path):
    """Start a relay, which prints no line when it is ready, and stop it at the end."""
    log = folder / "relay.log"
    begun = []

    def start(url: str) -> Health:
        of = ("relay", "--policy", str(POLICY_FILE), "--connection", str(world.connection))
        with log.open("wb") as to:
            process = subprocess.Popen(
                [sys.executable, "-c", CODE, *of, "--database", url, *HEALTH],
                env={**os.environ, **ENVIRONMENT},
                stdout=subprocess.DEVNULL,
                stderr=to,
            )
        begun.append(process)
        until(lambda: "health at" in log.read_text())
        return Health(log)

    yield start
    for process in begun:
        process.terminate()
        process.wait(60)
