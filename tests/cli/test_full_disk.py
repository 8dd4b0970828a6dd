"""`paperless-ivr serve` on a full disk: callers are served, and it recovers when it can."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.records.vault import new_keys
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import Press
from tests.cli.test_serve import ARGUMENTS, ARRIVAL, AT_ONCE, GATEWAY, SECRETS, Server

KILOBYTES = 1500
CALLS = count()


class OnASmallDisk(Server):
    """A server whose record is on a separate small file system (Linux)."""

    def __init__(self, folder: Path) -> None:
        code = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
        mount = f'mount -t tmpfs -o size={KILOBYTES}k none "$0" && exec "$@"'
        database = ("--database", f"sqlite:///{folder}/record.db")
        self.process = subprocess.Popen(
            [
                *("unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(folder)),
                *(sys.executable, "-c", code, "serve", *ARGUMENTS, *AT_ONCE, *database),
            ],
            env={**os.environ, **SECRETS, "PAPERLESS_IVR_KEYS": new_keys()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.where = self.listens()
        self.disk = Path(f"/proc/{self.process.pid}/root{folder}")

    @contextmanager
    def full(self) -> Iterator[None]:
        """Use up all free space."""
        filler = self.disk / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 1024)
        try:
            yield
        finally:
            filler.unlink()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OnASmallDisk]:
    """A server on a small disk, which exits normally."""
    (tmp_path / "disk").mkdir()
    server = OnASmallDisk(tmp_path / "disk")
    yield server
    status, printed = server.stop()
    assert status == 0
    lines = [line for line in printed.splitlines() if "call.broken_off" in line]
    assert lines
    assert all("OperationalError SQLITE_FULL" in line for line in lines)


def declined(server: Server) -> dict[str, Any]:
    """Return what the host gets back for a caller who says no."""
    number = next(CALLS)
    runtime = SimulatedTwilio(GATEWAY, f"CA{number}")
    ani = secret.phone(f"+1217555{6000 + number}")  # no one is asked twice
    document = server.send(runtime.begins(evolve(ARRIVAL, call_id=f"CA{number}", ani=ani)))
    while True:
        runtime.caller.plan(Press("2"), prompts=document.count("<Say"))
        request = runtime.follow(document)
        if request is None:
            return runtime.handed_back
        document = server.send(request)


@pytest.mark.requirement("R31", "R49")
def test_a_full_disk(server: OnASmallDisk) -> None:
    """Callers go back to the host, marked as a failure. Once there is space again, all is well."""
    assert declined(server)["disposition"] == "declined"

    with server.full():
        backs = [declined(server) for _ in range(5)]

    assert [(back["disposition"], back["reason"], back["offer_again"]) for back in backs] == [
        ("incomplete", "record_down", "no")
    ] * 5
    assert declined(server)["disposition"] == "declined"
