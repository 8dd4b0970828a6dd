"""Peers that send too much, too slowly, or nothing are cut off, while others are served."""

import asyncio
import os
import re
import resource
import select
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from paperless_ivr.cli.setups import demo_policy
from paperless_ivr.prompts.recorded import LIST, phrases, table
from tests.cli.test_serve import ARGUMENTS, SECRETS
from tests.gateways.agi.simulator import HEADERS, Asterisk

pytestmark = pytest.mark.requirement("R49")
CODE = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
CALLERS = count(100)
FEW = ("--connections", "20", "--read-seconds", "1.5")
OWN = {"serve": ARGUMENTS, "cloudivr": ("--port", "0")}
"""The arguments with which each web server is started."""


@contextmanager
def started(*arguments: str, folder: Path) -> Iterator[int]:
    """Start a command; provide its port. It exits on SIGTERM."""
    with subprocess.Popen(
        [sys.executable, "-c", CODE, *arguments],
        cwd=folder,
        env={**os.environ, **SECRETS, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        for line in server.stdout:
            if found := re.search(r"127\.0\.0\.1:(\d+)", line):
                break
        try:
            assert found
            yield int(found[1])
        finally:
            server.terminate()
            try:
                assert server.wait(30) == 0
            finally:
                server.kill()


@pytest.fixture(scope="module", params=["serve", "cloudivr"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a web server with few connections."""
    with started(
        request.param, *OWN[request.param], *FEW, folder=tmp_path_factory.mktemp("peers")
    ) as port:
        yield port


def healthy(port: int, within: float = 2.0) -> bool:
    """Return whether a request is answered soon."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=within) as got:
            return got.read() == b"ok\n"
    except urllib.error.HTTPError as answer:  # `serve` has no page with that name
        with answer:
            return answer.code == 404


def connected(port: int, sent: bytes) -> socket.socket:
    """Open a connection, and send something over it."""
    peer = socket.create_connection(("127.0.0.1", port))
    peer.sendall(sent)
    return peer


def ended(peer: socket.socket, within: float) -> bool:
    """Return whether the server closes a connection by itself."""
    until = time.monotonic() + within
    while (left := until - time.monotonic()) > 0:
        if not select.select([peer], [], [], left)[0]:
            break
        try:
            if not peer.recv(65536):
                return True
        except ConnectionError:
            return True
    return False


def is_over(peer: socket.socket) -> bool:
    """Return whether the server has closed a connection by now."""
    peer.setblocking(False)
    try:
        return not peer.recv(65536)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_an_endless_header(port: int) -> None:
    """An endless header is cut off at once, and stalls no one."""
    peer = connected(port, b"GET /health HTTP/1.1\r\nx: ")
    with peer:
        assert taken(peer, 20_000_000) < 20_000_000
    assert healthy(port)


def taken(peer: socket.socket, most: int, what: bytes = b"a") -> int:
    """Return how many bytes a server accepts before it closes the connection."""
    sent = 0
    with suppress(ConnectionError):
        while sent < most:
            sent += peer.send(what * 65_536)
    return sent


HALVES = [
    b"",
    b"GET /health HTTP/1.1\r\nhost: a\r\nx: ",
    b"POST /twilio/begin HTTP/1.1\r\nhost: a\r\ncontent-length: 9000\r\n\r\nx",
    b"POST /CloudIVR.asmx HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
]


@pytest.mark.parametrize("half", HALVES)
def test_half_requests(port: int, half: bytes) -> None:
    """A complete request is answered despite more half requests than fit, and all of them end."""
    with ExitStack() as open_:
        peers = [open_.enter_context(connected(port, half)) for _ in range(100)]
        assert healthy(port)
        assert all(ended(peer, 5) for peer in peers)


@pytest.mark.parametrize("command", ["serve", "cloudivr"])
def test_two_thousand_half_requests(command: str, tmp_path: Path) -> None:
    """With its defaults, a server answers others while thousands begin and never finish."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with (
            started(command, *OWN[command], folder=tmp_path) as port,
            ExitStack() as open_,
        ):
            peers = []
            for _ in range(4):
                peers += [open_.enter_context(connected(port, HALVES[1])) for _ in range(500)]
                assert healthy(port, within=5)
            assert sum(is_over(peer) for peer in peers) >= 1000
            assert healthy(port, within=5)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_dripping_request(port: int) -> None:
    """Sending a byte now and then does not extend the time limit."""
    head = b"POST /CloudIVR.asmx HTTP/1.1\r\nhost: a\r\ncontent-length: 9000\r\n\r\n"
    with ExitStack() as open_:
        peers = [open_.enter_context(connected(port, head)) for _ in range(15)]
        left, until = set(peers), time.monotonic() + 6
        while left and time.monotonic() < until:
            for peer in list(left):
                try:
                    peer.send(b"x")
                except ConnectionError:
                    left.discard(peer)
            assert healthy(port)
            time.sleep(0.2)
        assert not left


def test_an_answer_that_nobody_reads(port: int) -> None:
    """Endless requests over one connection, whose answers are never read, are cut off."""
    request = b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n"
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", port))
        peer.sendall(request * 50)
        assert healthy(port)
        assert ended(peer, 8)


def test_more_connections_than_the_system_has(tmp_path: Path) -> None:
    """A limit above the system's is reported before the server listens, with what to do."""
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (600, 600)); {CODE}"
    done = subprocess.run(
        [sys.executable, "-c", limited, "serve", *ARGUMENTS],
        env={**os.environ, **SECRETS},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "500 is too many for `ulimit -n`, which is 600" in done.stderr
    assert "at most 400" in done.stderr


@pytest.fixture(scope="module")
def agi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a FastAGI server with few connections."""
    folder, wanted = tmp_path_factory.mktemp("sounds"), phrases(demo_policy())
    (folder / LIST).write_text(table(wanted), encoding="utf-8")
    for phrase in wanted:
        file = folder / f"{phrase.file}.wav"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
    sounds = ("--sounds", str(folder), "--sounds-in-asterisk", "paperless")
    with started("agi", "--port", "0", *sounds, *FEW, folder=folder) as port:
        yield port


@define(slots=False)
class Odd(Asterisk):
    """An Asterisk that answers one kind of command in its own way."""

    kind: str = ""
    reply: str = ""

    def answer(self, text: str) -> str:
        """Return the reply to a command."""
        return self.reply if text.startswith(self.kind) and self.reply else super().answer(text)

    async def called(self, port: int) -> None:
        """Make a call, which ends when the server ends it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.wait_for(self.serve(reader, writer), 60)


def before_payment(**given: Any) -> Odd:
    """Return a call in which the caller is asked at once."""
    variables = {"PAPERLESS_MOMENT": "before_payment", "PAPERLESS_LANGUAGE": "en-US"}
    number = next(CALLERS)  # a caller who ignored the offer is not asked again
    headers = {**HEADERS, "agi_uniqueid": f"{number}.1", "agi_callerid": f"2175556{number}"}
    return Odd(variables=variables, headers=headers, **given)


def test_connections_of_no_asterisk(agi: int) -> None:
    """A call is accepted while other peers are connected, and all of their connections end."""
    with ExitStack() as open_:
        peers = [open_.enter_context(connected(agi, b"agi_network: yes\n")) for _ in range(100)]
        assert ended(peers[0], 1), "it gives way to later ones"
        asterisk = before_payment()
        asyncio.run(asterisk.called(agi))
        assert asterisk.variables["PAPERLESS_DISPOSITION"] == "ignored", asterisk.variables[
            "PAPERLESS_REASON"
        ]
        assert all(ended(peer, 5) for peer in peers[1:])


@pytest.mark.requirement("R48")
@pytest.mark.parametrize(
    ("kind", "reply"),
    [
        ("WAIT FOR DIGIT", "200 result=65"),  # the key A, which we do not use
        ("WAIT FOR DIGIT", "200 result=35"),
        ("STREAM FILE", "200 result=49 endpos=0"),
        ("STREAM FILE", "200 result=65 endpos=8000"),
        ("STREAM FILE", "200 result=-1 endpos=0"),
        ("SAY", "200 result=50"),
    ],
)
def test_a_peer_that_answers_the_same_for_ever(agi: int, kind: str, reply: str) -> None:
    """The call ends, and the dialplan has a complete hand-back."""
    asterisk = before_payment(kind=kind, reply=reply)
    asyncio.run(asterisk.called(agi))
    assert len(asterisk.commands) <= 10_000
    assert asterisk.variables["PAPERLESS_DISPOSITION"]
    assert asterisk.variables["PAPERLESS_MOMENT"] == "before_payment"


def test_empty_lines_after_the_headers(agi: int) -> None:
    """One more empty line does not matter, but endless ones are nonsense, and are cut off."""
    asterisk = before_payment()
    asterisk.headers["agi_threadid"] = "1\n"
    asyncio.run(asterisk.called(agi))
    assert asterisk.variables["PAPERLESS_DISPOSITION"] == "ignored", asterisk.variables[
        "PAPERLESS_REASON"
    ]
    with connected(agi, b"agi_network: yes\n\n") as peer:
        assert taken(peer, 20_000_000, b"\n") < 20_000_000


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux' own list")
def test_a_lost_asterisk_is_looked_for(agi: int) -> None:
    """The server's end of a call's connection has a keep-alive timer (timer 02)."""
    with connected(agi, b"agi_network: yes\n") as peer:
        mine, its = (f":{port:04X}" for port in (peer.getsockname()[1], agi))
        until, timers = time.monotonic() + 5, set[str]()
        while timers != {"02"} and time.monotonic() < until:
            rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
            timers = {row[5][:2] for row in rows if row[1].endswith(its) and row[2].endswith(mine)}
        assert timers == {"02"}
