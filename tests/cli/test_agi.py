"""`paperless-ivr agi`: the server as started, and what it reports before that."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from paperless_ivr.testing.virtual_caller import Press
from tests.cli.silent_sounds import silent_sounds
from tests.gateways.agi.simulator import Asterisk

Run = Callable[..., Any]
CONNECTED = ["policy", "service", "record"]
"""The lines that a server prints at startup about its connections."""
pytestmark = pytest.mark.requirement("R41")


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder in which every phrase has a file."""
    return silent_sounds(tmp_path)


@pytest.fixture
def port(sounds: Path) -> Iterator[int]:
    """The port of a running server, which exits normally when it is stopped."""
    code = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
    arguments = ["agi", "--port", "0", "--sounds", str(sounds), "--sounds-in-asterisk", "paperless"]
    arguments += ["--log-level", "warning"]  # the assertions below show that nothing went wrong
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
        assert server.returncode == 0
        assert [line.partition(":")[0] for line in errors.splitlines()] == CONNECTED


def test_it_takes_a_call(port: int) -> None:
    """The demo's service answers a call, with sounds under Asterisk's own names."""
    asterisk = Asterisk(
        variables={"PAPERLESS_MOMENT": "before_payment", "PAPERLESS_LANGUAGE": "en-US"}
    )
    asterisk.caller.plan(Press("2", at=0), prompts=1)

    async def call() -> None:
        await asterisk.serve(*await asyncio.open_connection("127.0.0.1", port))

    asyncio.run(asyncio.wait_for(call(), 60))

    assert asterisk.variables["PAPERLESS_DISPOSITION"] == "declined"
    assert asterisk.caller.heard[0] == "paperless/en-US/offer"


@pytest.mark.requirement("R48", "R49")
@pytest.mark.parametrize(
    ("drain", "lasts", "comes_to"),
    [("60", 0.0, ("declined", "none")), ("1", 5.0, ("taken_back", "server_stopped"))],
)
def test_live_calls_go_on_after_sigterm(
    sounds: Path, drain: str, lasts: float, comes_to: object
) -> None:
    """No new call is accepted. A live one ends normally, or goes back when the time is up."""
    code = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
    arguments = ["agi", "--port", "0", "--sounds", str(sounds), "--drain-seconds", drain]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().partition(";")[0].rpartition(":")[2])
        asterisk = Slow(
            variables={"PAPERLESS_MOMENT": "before_payment", "PAPERLESS_LANGUAGE": "en-US"}
        )
        asterisk.caller.plan(Press("2", at=0), prompts=1)

        async def call() -> None:
            calling = asyncio.create_task(
                asterisk.serve(*await asyncio.open_connection("127.0.0.1", port))
            )
            await asyncio.wait_for(asterisk.playing.wait(), 30)
            server.send_signal(signal.SIGTERM)
            await asyncio.wait_for(refused(port), 30)
            await asyncio.sleep(lasts)
            asterisk.goes_on.set()
            await asyncio.wait_for(calling, 30)

        asyncio.run(call())
        assert server.wait(30) == 0
    found = asterisk.variables
    assert (found["PAPERLESS_DISPOSITION"], found["PAPERLESS_REASON"]) == comes_to
    assert found["PAPERLESS_MOMENT"] == "before_payment"


async def refused(port: int) -> None:
    """Wait until no one listens on a port. A listener that closes at this moment resets."""
    with suppress(ConnectionRefusedError, ConnectionResetError):
        while True:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await asyncio.sleep(0.05)


@define(slots=False)
class Slow(Asterisk):
    """An Asterisk that keeps playing the first sound of a call until it is released."""

    playing: asyncio.Event = field(factory=asyncio.Event)
    goes_on: asyncio.Event = field(factory=asyncio.Event)

    async def replied(self, text: str) -> str:
        """Return the reply to a command, at the right time."""
        if text.startswith("STREAM FILE") and '"0123456789*#"' in text:
            self.playing.set()
            await self.goes_on.wait()
        return self.answer(text)


def test_missing_sounds_are_told_at_once(run: Run, sounds: Path) -> None:
    """Each phrase without a file is named before any call."""
    (sounds / "en-US" / "offer.wav").unlink()
    (sounds / "es-US" / "offer.wav").unlink()
    done = run("agi", "--port", "0", "--sounds", str(sounds))
    assert done.exit_code == 2
    assert "en-US, offer: there is no file for 'Would you like" in done.stderr
    assert "es-US, offer: there is no file for '¿Quiere sus" in done.stderr
    assert "prompts --render" in done.stderr


def test_no_sounds_are_told(run: Run, tmp_path: Path) -> None:
    """A folder without a list is one problem, not four hundred."""
    done = run("agi", "--port", "0", "--sounds", str(tmp_path))
    assert done.exit_code == 2
    assert "there is no phrases.csv" in done.stderr
    assert len(done.stderr.splitlines()) < 5


def test_a_port_that_is_taken_is_told(run: Run, sounds: Path, port: int) -> None:
    """A port in use is reported without a traceback."""
    done = run("agi", "--port", str(port), "--sounds", str(sounds))
    assert done.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


async def probed(port: int, missing: set[str]) -> Asterisk:
    """An Asterisk that lacks some sounds, after its call."""
    asterisk = Asterisk(missing=missing)
    await asterisk.serve(*await asyncio.open_connection("127.0.0.1", port))
    return asterisk


@pytest.mark.parametrize(
    ("missing", "status", "says"),
    [
        (set(), 0, ["Asterisk has every sound for en-US, es-US"]),
        (
            {"paperless/en-US/offer", "es_MX_f_Allison/digits/7", "es_MX_f/digits/7"}
            | {"es_MX/digits/7", "es/digits/7", "es_MX_f_Allison/digits/8"},
            2,
            ["en-US: paperless/en-US/offer", "es-US: es_MX_f_Allison/digits/7"],
        ),
    ],
)
def test_a_probe(sounds: Path, missing: set[str], status: int, says: list[str]) -> None:
    """The probe waits for a call, plays nothing, lists every missing sound, and exits."""
    code = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
    arguments = ["agi", "--probe", "--port", "0", "--sounds", str(sounds)]
    arguments += ["--sounds-in-asterisk", "paperless"]
    arguments += ["--asterisk-language", "es-US=es_MX_f_Allison"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        where = server.stdout.readline()
        port = int(where.partition(";")[0].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)):
            pass  # a different peer does not count
        asterisk = asyncio.run(asyncio.wait_for(probed(port, missing), 60))
        said = "".join(server.communicate(timeout=30))
    assert server.returncode == status
    assert asterisk.caller.heard == []
    for line in says:
        assert line in said
    assert "digits/8" not in said, "it is in a folder that Asterisk looks into, too"


@pytest.mark.parametrize("given", ["fr-FR=fr", "es-US", "es-US=", "es-US=es/MX"])
def test_a_language_that_cannot_be(run: Run, sounds: Path, given: str) -> None:
    """A name for a language that is not offered, or no name, is refused before anything runs."""
    done = run("agi", "--port", "0", "--sounds", str(sounds), "--asterisk-language", given)
    assert done.exit_code == 2
    assert "not TAG=NAME; the tags are en-US, es-US" in done.stderr
