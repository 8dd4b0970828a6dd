"""The reference service from the command line."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep

from paperless_ivr.cloudivr import seed
from tests.cloudivr.test_delivery import Sink, listening
from tests.durability.town import free_port

Run = Callable[..., Any]
PROGRAM = [
    sys.executable,
    "-c",
    "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')",
]


@contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
    """Run the service in a separate process; provide what it prints about itself."""
    command = [*PROGRAM, "cloudivr", "--port", "0", *options]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
    ) as process:
        assert process.stdout
        told: dict[str, str] = {}
        for line in process.stdout:
            if line.startswith("The GUIDs"):
                break
            name, _, value = line.strip().partition(" ")
            told.setdefault(name, value.strip())
        try:
            yield process, told
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()  # otherwise, leaving the block would wait for it forever


def enroll(told: dict[str, str], handle: str) -> Any:
    """Enroll a customer, using only what the service prints about itself."""
    (who,) = [c for c in seed.load().billers[0].customers if c.handle == handle]
    with requests.Session() as session:
        client = zeep.Client(told["WSDL"], transport=zeep.Transport(session=session))
        return client.service.EnrollInPaperless(
            {
                "PaymentGUID": who.payment.guid.reveal(),
                "BillerGUID": told["BillerGUID"].split()[0],
                "PartnerGUID": told["PartnerGUID"],
                "PartnerKey": told["PartnerKey"],
            }
        )


@pytest.mark.requirement("R22")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_stopped(tmp_path: Path, number: signal.Signals) -> None:
    """The service creates its database, prints all that a client needs, and stops on a signal."""
    with served(tmp_path) as (process, told):
        assert enroll(told, "rivera").EnrollmentSuccessful
        process.send_signal(number)
        assert process.wait(20) == 0
        assert process.stdout
        assert process.stdout.read() == "Stopped.\n"
    assert (tmp_path / "cloudivr.db").exists()


@pytest.mark.requirement("R22", "R24")
def test_outbox(tmp_path: Path, run: Run) -> None:
    """The queue outlives the service. Recipients are shown only on request."""
    database = f"sqlite:///{tmp_path}/kept.db"
    with served(tmp_path, "--database", database, "--public-url", "https://pay.example/") as (_, t):
        enroll(t, "rivera")

    hidden = run("cloudivr", "outbox", "--database", database)
    shown = run("cloudivr", "outbox", "--database", database, "--reveal")

    assert (hidden.exit_code, shown.exit_code) == (0, 0)
    head, row = hidden.stdout.splitlines()
    assert head.split() == ["When", "Kind", "State", "To", "Biller", "Bill", "Purpose", "Link"]
    assert "e-mail  queued  <email:11@7.3>  Springfield Water  WATER  complete" in row
    assert "https://pay.example/paperless/" in row
    assert "jane.rivera" not in hidden.stdout
    assert "jane.rivera@example.com" in shown.stdout


@pytest.mark.requirement("R22")
def test_queued_email_is_delivered(tmp_path: Path, run: Run) -> None:
    """With --smtp, queued e-mail arrives by itself, and the outbox says so."""
    sink = Sink()
    port, database = free_port(), f"sqlite:///{tmp_path}/sent.db"
    options = ("--database", database, "--smtp", f"127.0.0.1:{port}")
    with listening(sink, port), served(tmp_path, *options) as (_, told):
        assert told["E-mail"] == f"delivered to 127.0.0.1:{port}"
        enroll(told, "rivera")
        until = time.monotonic() + 30
        while not sink.got and time.monotonic() < until:
            time.sleep(0.1)
    assert [message["To"] for message in sink.got] == ["jane.rivera@example.com"]
    assert "delivered" in run("cloudivr", "outbox", "--database", database).stdout


@pytest.mark.requirement("R22")
def test_outbox_of_the_service_s_database(tmp_path: Path, run: Run) -> None:
    """The database may be named before or after `outbox`; the latter takes precedence."""
    kept, other = (f"sqlite:///{tmp_path}/{name}.db" for name in ("kept", "other"))
    with served(tmp_path, "--database", kept) as (_, told):
        enroll(told, "rivera")
    assert "complete" in run("cloudivr", "--database", kept, "outbox").stdout
    assert "complete" in run("cloudivr", "--database", other, "outbox", "--database", kept).stdout
    assert "no database" in run("cloudivr", "--database", other, "outbox").stderr


def test_a_second_run_goes_on(tmp_path: Path) -> None:
    """The database is seeded only once, so earlier enrollments are still pending."""
    with served(tmp_path) as (_, told):
        enroll(told, "rivera")
    with served(tmp_path) as (_, told):
        assert enroll(told, "rivera").ErrorCode == 401


def test_nothing_queued(tmp_path: Path, run: Run) -> None:
    """An empty outbox is reported in words."""
    database = f"sqlite:///{tmp_path}/new.db"
    with served(tmp_path, "--database", database):
        pass
    assert run("cloudivr", "outbox", "--database", database).stdout == "Nothing is queued.\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["outbox", "--database", "nowhere"], "not a database URL"),
        (["outbox", "--database", "mysql://host/name"], "not a database URL"),
        (["outbox", "--database", "sqlite://"], "not a database URL"),
        (["outbox", "--database", "sqlite:////nowhere/at.db"], "no database '/nowhere/at.db'"),
        (["--database", "sqlite:////nowhere/at.db"], "cannot be used: OperationalError"),
        (["--link-days", "0"], "--link-days"),
        (["--smtp", "mail.example.com:25"], "must be HOST:PORT on this machine"),
        (["--smtp", "127.0.0.1"], "must be HOST:PORT on this machine"),
        (["--smtp", "127.0.0.1:99999"], "must be HOST:PORT on this machine"),
    ],
)
def test_what_cannot_be_used_is_told(run: Run, arguments: list[str], says: str) -> None:
    """An unusable setting is reported in one line, with status 2."""
    done = run("cloudivr", *arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_of_an_earlier_release_is_told(run: Run, tmp_path: Path) -> None:
    """A database of an earlier release is reported before anything is served, with what to do."""
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.execute('CREATE TABLE "ActivityLog" ("ActivityLogID" INTEGER)')
    done = run("cloudivr", "--port", "0", "--database", f"sqlite:///{tmp_path}/old.db")
    assert done.exit_code == 2
    assert "from an earlier release of the reference service; use a new one" in done.stderr


def test_empty_file_is_told(run: Run, tmp_path: Path) -> None:
    """A database that contains something else is reported."""
    (tmp_path / "empty.db").touch()
    done = run("cloudivr", "outbox", "--database", f"sqlite:///{tmp_path}/empty.db")
    assert done.exit_code == 2
    assert "cannot be used: OperationalError" in done.stderr


def test_a_port_that_is_taken_is_told(process: Run, tmp_path: Path) -> None:
    """A port in use is reported in one line, with status 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        database = f"sqlite:///{tmp_path}/new.db"
        done = process("cloudivr", "--port", port, "--database", database)
    assert done.returncode == 2
    assert port in done.stderr
    assert "Traceback" not in done.stderr
