"""`/live`, `/ready` and `/metrics` of started servers, while their database is broken."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.rim.conftest import World
from tests.rim.health import HEALTH, Health
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
    """Of a server."""
    made = {
        "serve": lambda: serve_arguments(url, world.connection),
        "agi": lambda: agi_arguments(url, world.connection, sounds),
    }
    return (*made[command](), *HEALTH)


@contextmanager
def started(command: str, world: World, folder: Path, sounds: Path) -> Iterator[tuple]:
    """A server, its pages, and the file of its database."""
    file, log = folder / "record.db", folder / "log"
    with running(log, arguments_of(command, world, f"sqlite:///{file}", sounds)) as server:
        health = Health(log)
        assert health.get("/ready") == (200, "store: ok\nservice: circuit closed\n")
        yield server, health, file


def locked(server: Server, file: Path) -> Iterator[None]:
    """Another process writes, and does not come to an end."""
    database = Breakable(f"sqlite:///{file}")
    database.lock()
    yield
    database.mend()
    database.close()


def full(server: Server, file: Path) -> Iterator[None]:
    """No file can grow, as on a full disk."""
    process = psutil.Process(server.process.pid)
    usual = process.rlimit(resource.RLIMIT_FSIZE)
    process.rlimit(resource.RLIMIT_FSIZE, (0, usual[1]))
    yield
    process.rlimit(resource.RLIMIT_FSIZE, usual)


def deleted(server: Server, file: Path) -> Iterator[None]:
    """The file is gone."""
    kept = file.with_suffix(".kept")
    file.rename(kept)
    yield
    kept.rename(file)


def corrupted(server: Server, file: Path) -> Iterator[None]:
    """The file holds something else."""
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


BROKEN = [locked, full, deleted, corrupted]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda act: act.__name__)
@pytest.mark.parametrize("command", ["serve", "agi"])
def test_ready(command: str, broken, world: World, folder: Path, sounds: Path):
    """A server that cannot write is not ready, and lives; mended, it is ready again."""
    with started(command, world, folder, sounds) as (server, health, file):
        breaking = contextmanager(broken)
        with breaking(server, file):
            status, told = health.get("/ready")
            assert status == 503
            assert told.startswith("store: RecordDown ")
            assert health.get("/live") == (200, "ok\n")
            assert "paperless_ivr_ready 0.0" in health.get("/metrics")[1]
        until(lambda: health.get("/ready")[0] == 200)
        assert "paperless_ivr_ready 1.0" in health.get("/metrics")[1]


def test_relay(world: World, folder: Path, start_relay):
    """The relay has them, too."""
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
    """Starts a relay, which prints no line when it is there; it is ended at last."""
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
