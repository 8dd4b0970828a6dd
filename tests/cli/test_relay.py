"""`paperless-ivr relay`: the calls that it touches, and its exit status."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import pytest
from attrs import evolve
from sqlalchemy import text

from paperless_ivr.backends.demo import demo_policy, springfield
from paperless_ivr.drive.runner import Setup
from paperless_ivr.drive.web import WebDriver
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.sql import Database, open_store
from paperless_ivr.secret import credential
from paperless_ivr.testing.contracts import bench
from paperless_ivr.testing.contracts.bench import Bench
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import Press
from tests.drive.line import ARRIVAL, SID
from tests.rim.health import HEALTH, Health
from tests.rim.outside import until

BILLER = demo_policy().biller.id
OTHERS = {
    "another biller": 'biller.id = "shelbyville-power"\nbiller.name = "Shelbyville Power"\n',
    "another release": f'biller.id = "{BILLER}"\nabout.version = "2"\n',
}
"""The differences between these relays and the call's own."""


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A record that does not exist yet."""
    monkeypatch.delenv("PAPERLESS_IVR_KEYS", raising=False)
    return f"sqlite:///{tmp_path}/record.db"


def put_through(url: str, minutes: float) -> None:
    """Run a call whose caller was transferred to an agent this long ago."""
    policy, then = demo_policy(), datetime.now(UTC) - timedelta(minutes=minutes)
    words = Catalog.of(policy)
    key = credential("0123456789abcdef")
    host = "https://host.example.com/voice"
    address = "https://ivr.example.com/twilio"
    gateway = TwilioGateway(words, BILLER, key, address, host, key, person="+12175550199")
    runtime = SimulatedTwilio(gateway, SID)
    with open_store(url, budget=30.0, now=lambda: then) as store:
        setup = Setup(Flow(Terms(policy)), words, springfield(), store, lambda: then)
        driver = WebDriver(setup, gateway, key)
        reply = driver.answer(runtime.begins(evolve(ARRIVAL, person_available=True)))
        runtime.caller.plan(Press("0"), prompts=reply.document.count("<Say"))
        reply = driver.answer(runtime.follow(reply.document))
        driver.close()
    assert "<Dial" in reply.document


def is_live(url: str) -> bool:
    """Return whether the call is still in progress."""
    with open_store(url, budget=30.0) as store:
        return SID in store.calls.idle(datetime.now(UTC), BILLER)


@pytest.mark.requirement("R31", "R46")
@pytest.mark.parametrize("other", OTHERS)
def test_a_call_of_another(run: Callable, url: str, tmp_path: Path, other: str) -> None:
    """A relay never ends a call of another biller or release, whose caller may be with an agent."""
    (tmp_path / "policy.toml").write_text(OTHERS[other])
    put_through(url, minutes=11)

    done = run("relay", "--once", "--database", url, "--policy", str(tmp_path / "policy.toml"))

    assert (done.exit_code, done.stdout) == (0, "relay: nothing was due\n")
    assert is_live(url)


@pytest.mark.requirement("R31")
@pytest.mark.parametrize(("other", "ends"), [("another release", True), ("another biller", False)])
def test_a_call_that_is_left(
    run: Callable, url: str, tmp_path: Path, other: str, ends: bool
) -> None:
    """When no conversation can be in progress anymore, the biller's call ends, in any release."""
    (tmp_path / "policy.toml").write_text(OTHERS[other])
    put_through(url, minutes=251)

    run("relay", "--once", "--database", url, "--policy", str(tmp_path / "policy.toml"))

    assert is_live(url) is not ends


@pytest.mark.requirement("R31", "R46")
def test_a_call_that_an_earlier_version_saved(run: Callable, url: str, tmp_path: Path) -> None:
    """Calls of a running server of revision 0002 have no biller, but are ended."""
    put_through(url, minutes=251)
    columns = "call_id, turn, sealed, sealed_document, saved"
    database = Database(url)
    for statement in (
        f"CREATE TABLE kept AS SELECT {columns} FROM live_calls",
        "DELETE FROM live_calls",
        f"INSERT INTO live_calls ({columns}) SELECT {columns} FROM kept",
    ):
        database.write(lambda connection, this=statement: connection.execute(text(this)))
    database.close()
    (tmp_path / "policy.toml").write_text(OTHERS["another biller"])

    run("relay", "--once", "--database", url, "--policy", str(tmp_path / "policy.toml"))
    assert is_live(url)
    run("relay", "--once", "--database", url)
    assert not is_live(url)


@pytest.mark.requirement("R31", "R32")
def test_what_is_given_up(run: Callable, url: str, tmp_path: Path) -> None:
    """A text without an outcome is never sent again. The exit status says so, once."""
    then = datetime.now(UTC) - timedelta(days=1)
    with open_store(url, budget=30.0, now=lambda: then) as store:
        a_bench = Bench(store.record, lambda: then)
        a_bench.intend(a_bench.text())
    (tmp_path / "policy.toml").write_text(f'biller.id = "{bench.BILLER}"\n')
    once = ("relay", "--once", "--database", url, "--policy", str(tmp_path / "policy.toml"))

    gave_up, after = run(*once), run(*once)

    assert (gave_up.exit_code, gave_up.stdout) == (1, "relay: 1 given_up\n")
    assert "items given up: 1; see paperless-ivr report" in gave_up.stderr
    assert "relay.gave_up" in gave_up.stderr
    assert "not_repeated" in gave_up.stderr
    assert (after.exit_code, after.stdout) == (0, "relay: nothing was due\n")
    assert "given_up" in run("report", "--database", url, "--format", "json").stdout


@pytest.mark.requirement("R32", "R49")
def test_a_wish_that_is_given_up(run: Callable, url: str, tmp_path: Path) -> None:
    """A request that is given up shows in the exit status, the report, and the metrics."""
    keep_long_ago(url, "w1")
    (tmp_path / "policy.toml").write_text(f'biller.id = "{bench.BILLER}"\n')
    of = ("relay", "--database", url, "--policy", str(tmp_path / "policy.toml"))

    once = run(*of, "--once")

    assert (once.exit_code, once.stdout) == (1, "relay: 1 given_up\n")
    report = json.loads(run("report", "--database", url, "--format", "json").stdout)
    (told,) = report["tracker"]
    assert (told["task"], told["state"], told["number"]) == ("complete", "given_up", 1)
    log = tmp_path / "log"
    with log.open("wb") as to, relaying(*of, "--every", "1", *HEALTH, log=to):
        until(lambda: "health at" in log.read_text())
        until(lambda: 'relay_total{came_to="given_up"} 0.0' in Health(log).get("/metrics")[1])
        keep_long_ago(url, "w2")
        until(lambda: 'relay_total{came_to="given_up"} 1.0' in Health(log).get("/metrics")[1])


def keep_long_ago(url: str, key: str) -> None:
    """Record a request that no one could carry out for fifteen days."""
    then = datetime.now(UTC) - timedelta(days=15)
    with open_store(url, budget=30.0, now=lambda: then) as store:
        Bench(store.record, lambda: then).keep(bench.deferred_of(key))


@contextmanager
def relaying(*arguments: str, log: IO[bytes]) -> Iterator[None]:
    """Run a relay in a separate process, and stop it."""
    code = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL, stderr=log
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(60) == 0
