"""The lines that servers print at startup about what they are connected to."""

from pathlib import Path

import pytest

from paperless_ivr.backends.demo import demo_policy
from paperless_ivr.cli.services import opened
from paperless_ivr.cloudivr.serving import running
from tests.cli.connections import connected

pytestmark = pytest.mark.requirement("R24", "R41")


def said(tmp_path: Path, **given: str | Path | None) -> tuple[str, ...]:
    """Return the lines for this input."""
    at = {"connection_file": None, "service": None, "record": None} | given
    with opened(demo_policy(), **at) as services:  # type: ignore[arg-type]
        return services.connected


def test_the_demo(tmp_path: Path) -> None:
    """Everything that is made up, or lost when the server exits, is reported."""
    policy, service, record = said(tmp_path)
    assert policy == "policy: Springfield Water, version 1, not approved yet"
    assert "service: demo, with made-up customers, lost when this command ends" in service
    assert "in memory, lost when this command ends, and no relay" in record
    kept = said(tmp_path, service=f"sqlite:///{tmp_path}/service.db")[1]
    assert "made-up customers; use --connection to connect to a biller's service" in kept


def test_a_biller_s_own(tmp_path: Path) -> None:
    """Service and record are named, without the secrets in their addresses."""
    with running() as service:
        file = connected(tmp_path, service.endpoint)
        record = f"sqlite:///{tmp_path}/record.db"
        _, named, kept = said(tmp_path, connection_file=file, record=record)
    assert named == f"service: {service.endpoint}, as {file} describes it"
    assert kept == f"record: {record}; `paperless-ivr relay` completes unfinished work in it"


def test_the_relay(tmp_path: Path, process: object) -> None:
    """The relay says the same, except for its own work."""
    at = ("--cloudivr", f"sqlite:///{tmp_path}/c.db", "--database", f"sqlite:///{tmp_path}/r.db")
    process("call", *at, "--keys", "1")  # type: ignore[operator]
    done = process("relay", "--once", *at)  # type: ignore[operator]
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "policy",
        "service",
        "record",
    ]
    assert done.stdout.startswith("relay: ")
