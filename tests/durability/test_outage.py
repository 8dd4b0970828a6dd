"""The database goes away during calls and two relays, and comes back (R31, R32, R49)."""

import itertools
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from sqlalchemy import text

from paperless_ivr.records.sql import Database, open_store
from paperless_ivr.records.vault import new_keys
from tests.cli.connections import connected
from tests.counts import heavy
from tests.durability.books import books, finish
from tests.durability.town import (
    CUSTOMERS,
    Counter,
    Counts,
    Town,
    asking,
    endpoint,
    forked,
    free_port,
    kill,
    plant,
    serving,
    take_calls,
    until,
)
from tests.postgres import Postgres, a_server

SECONDS = heavy(4, 60)
"""How long the database is away, in seconds."""
TAKERS = 2

pytestmark = [pytest.mark.requirement("R31", "R32", "R49"), pytest.mark.long]


@frozen
class Outage:
    """A town, and a way to take its record away for the length of a block."""

    town: Town
    away: Callable[[], AbstractContextManager[None]]


@contextmanager
def away_on_sqlite(file: Path) -> Iterator[None]:
    """Make the file impossible to open, and make its users wait for a lock."""
    other = sqlite3.connect(file, timeout=30, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    folder = file.parent
    elsewhere = folder.rename(folder.with_name("elsewhere"))
    yield
    elsewhere.rename(folder)
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def away_on_postgresql(server: Any) -> Iterator[None]:
    """Stop the server."""
    server.stop()
    yield
    server.ensure_postgres_running()


@pytest.fixture(params=["sqlite", "postgresql"])
def outage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Outage]:
    """A town whose record can be taken away."""
    monkeypatch.setenv("PAPERLESS_IVR_KEYS", new_keys())
    service = f"sqlite:///{tmp_path / 'cloudivr.db'}"
    plant(service, CUSTOMERS, some_paperless=True)
    port = free_port()
    asking(port)  # before processes are forked
    if request.param == "sqlite":
        (tmp_path / "disk").mkdir()
        file = tmp_path / "disk" / "record.db"
        open_store(f"sqlite:///{file}").__exit__(None, None, None)
        yield Outage(Town(service, f"sqlite:///{file}", port), lambda: away_on_sqlite(file))
    else:
        with a_server() as server:
            record = Postgres(server, itertools.count()).make()
            open_store(record).__exit__(None, None, None)
            yield Outage(Town(service, record, port), lambda: away_on_postgresql(server))


def test_calls_and_relays_go_on(outage: Outage, tmp_path: Path, counts: Counts) -> None:
    """Calls are taken throughout, the relays recover by themselves, and nothing is lost."""
    town = outage.town
    counters = [Counter.new() for _ in range(TAKERS)]

    def calls() -> int:
        return sum(counter.value for counter in counters)

    with serving(town):
        takers = [
            forked(
                lambda which=which: take_calls(
                    town.port, town.record, counters[which].up(CUSTOMERS, TAKERS, which)
                )
            )
            for which in range(TAKERS)
        ]
        relays = [relay(town, tmp_path, number) for number in range(2)]
        try:
            until(lambda: all("record: " in log(tmp_path, number) for number in range(2)))
            until(lambda: worked_on(town))
            with outage.away():
                before = calls()
                time.sleep(SECONDS)
                until(lambda: all("relay.record_down" in log(tmp_path, n) for n in range(2)))
                meanwhile = calls() - before
            back = datetime.now(UTC)
            until(lambda: worked_on(town, back))
        finally:
            for process in takers:
                kill(process)
            for process in relays:
                process.send_signal(signal.SIGTERM)
            said = [process.communicate(timeout=60)[0] for process in relays]
        finish(town.record, town.port)
    found = books(town.record, town.service)
    counts(f"{calls()} calls, {meanwhile} of them without a record; {len(found.agreed)} consents")
    for number, process in enumerate(relays):
        logged = log(tmp_path, number)
        assert process.returncode == 0, logged
        assert "record_down" in said[number]
        assert "relay.record_down" in logged
        assert "Traceback" not in logged
    found.agree()


def relay(town: Town, folder: Path, number: int) -> "subprocess.Popen[str]":
    """Run the command in its own process."""
    code = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
    file = connected(folder, endpoint(town.port))
    at = ("--database", town.record, "--connection", str(file), "--every", "1")
    with (folder / f"relay-{number}.log").open("w") as logged:
        return subprocess.Popen(
            [sys.executable, "-c", code, "relay", *at],
            stdout=subprocess.PIPE,
            stderr=logged,
            text=True,
        )


def log(folder: Path, number: int) -> str:
    """Return what a relay has printed and logged so far."""
    return (folder / f"relay-{number}.log").read_text()


def worked_on(town: Town, since: datetime = datetime(1970, 1, 1, tzinfo=UTC)) -> bool:
    """Tell whether a relay has claimed something that a call has left since then."""
    database = Database(town.record, budget=30.0)
    asked = text("SELECT count(*) FROM jobs WHERE attempts > 0 AND at > :since")
    moment = since.replace(tzinfo=None).isoformat(" ") if database.is_sqlite else since
    found = database.read(lambda connection: connection.scalar(asked, {"since": moment}))
    database.close()
    return bool(found)
