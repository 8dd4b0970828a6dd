"""`paperless-ivr agi`: the server as it is started, and what is told before it is."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from paperless_ivr.cli.setups import demo_policy
from paperless_ivr.prompts.recorded import LIST, phrases, table
from paperless_ivr.testing.virtual_caller import Press
from tests.gateways.agi.simulator import Asterisk

Run = Callable[..., Any]
pytestmark = pytest.mark.requirement("R41")


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder in which every phrase has a file."""
    wanted = phrases(demo_policy())
    (tmp_path / LIST).write_text(table(wanted), encoding="utf-8")
    for phrase in wanted:
        file = tmp_path / f"{phrase.file}.wav"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
    return tmp_path


@pytest.fixture
def port(sounds: Path) -> Iterator[int]:
    """The port of a server that is up; it ends by itself when it is told to."""
    code = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
    arguments = ["agi", "--port", "0", "--sounds", str(sounds), "--sounds-in-asterisk", "paperless"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        assert said.startswith("listening on 127.0.0.1:")
        yield int(said.partition(";")[0].rpartition(":")[2])
        server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=30)
        assert (server.returncode, errors) == (0, "")


def test_it_takes_a_call(port: int) -> None:
    """A call is answered by the demo's service, with sounds by the names that Asterisk has."""
    asterisk = Asterisk(
        variables={"PAPERLESS_MOMENT": "before_payment", "PAPERLESS_LANGUAGE": "en-US"}
    )
    asterisk.caller.plan(Press("2", at=0), prompts=1)

    async def call() -> None:
        await asterisk.serve(*await asyncio.open_connection("127.0.0.1", port))

    asyncio.run(asyncio.wait_for(call(), 60))

    assert asterisk.variables["PAPERLESS_DISPOSITION"] == "declined"
    assert asterisk.caller.heard[0] == "paperless/en-US/offer"


def test_missing_sounds_are_told_at_once(run: Run, sounds: Path) -> None:
    """Each phrase without a file is named before any call."""
    (sounds / "en-US" / "offer.wav").unlink()
    (sounds / "es-US" / "offer.wav").unlink()
    done = run("agi", "--port", "0", "--sounds", str(sounds))
    assert done.exit_code == 2
    assert "en-US, offer: no file says 'Would you like" in done.stderr
    assert "es-US, offer: no file says '¿Quiere" in done.stderr
    assert "prompts --render" in done.stderr


def test_no_sounds_are_told(run: Run, tmp_path: Path) -> None:
    """A folder without a list is one problem, not four hundred."""
    done = run("agi", "--port", "0", "--sounds", str(tmp_path))
    assert done.exit_code == 2
    assert "there is no phrases.csv" in done.stderr
    assert len(done.stderr.splitlines()) < 5


def test_a_port_that_is_taken_is_told(run: Run, sounds: Path, port: int) -> None:
    """Without a traceback."""
    done = run("agi", "--port", str(port), "--sounds", str(sounds))
    assert done.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
