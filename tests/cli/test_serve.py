"""`paperless-ivr serve`: a server in a separate process, on a free port."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import urllib3
from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.backends.demo import BILLER, customer
from paperless_ivr.cli.serve import AUTH_TOKEN, HOST_KEY, TOKEN_KEY
from paperless_ivr.cli.setups import demo_policy
from paperless_ivr.cloudivr.serving import running
from paperless_ivr.flow.host import Arrival, Moment
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.prompts import Catalog
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import Press
from tests.cli.connections import connected
from tests.rim.health import HEALTH
from tests.rim.outside import until

SECRETS = {AUTH_TOKEN: "auth token", HOST_KEY: "key of the host", TOKEN_KEY: "0123456789abcdef"}
ADDRESS, HOST_URL = "https://ivr.example.com/twilio", "https://host.example.com/voice"
POLICIES = Path(__file__).parents[2] / "examples" / "policies"
ARGUMENTS = ("--address", ADDRESS, "--host-url", HOST_URL, "--port", "0")
AT_ONCE = ("--drain-seconds", "0")
GATEWAY = TwilioGateway(
    Catalog.of(demo_policy()),
    BILLER,
    secret.credential("auth token"),
    ADDRESS,
    HOST_URL,
    secret.credential("key of the host"),
)
ARRIVAL = Arrival(
    "CA1", BILLER, Moment.BEFORE_PAYMENT, ani=customer("rivera").phone, language="en-US"
)


class Slow(BaseHTTPRequestHandler):
    """A service that holds a caller's search until it is released, and passes all on to another."""

    to: str
    asked: threading.Event
    go: threading.Event

    def do_POST(self):
        """Pass a request on."""
        sent = self.rfile.read(int(self.headers["content-length"]))
        if "SearchByCustomerPhoneNumber" in self.headers["soapaction"]:  # at startup, another one
            self.asked.set()
            assert self.go.wait(60)
        headers = {name: self.headers[name] for name in ("content-type", "soapaction")}
        with urllib.request.urlopen(urllib.request.Request(self.to, sent, headers)) as got:
            body = got.read()
        self.send_response(200)
        self.send_header("content-type", got.headers["content-type"])
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Print nothing."""


@pytest.fixture
def slow() -> Iterator[tuple[type[Slow], str]]:
    """A slow service, and its address."""
    with running() as service:
        what = {"to": service.endpoint, "asked": threading.Event(), "go": threading.Event()}
        made = type("Made", (Slow,), what)
        with ThreadingHTTPServer(("127.0.0.1", 0), made) as server:
            threading.Thread(target=server.serve_forever).start()
            yield made, f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()


class Server:
    """A server, and where it listens."""

    def __init__(self, *arguments: str) -> None:
        code = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
        env = {
            **os.environ,
            **SECRETS,
            "PAPERLESS_IVR_LOG_LEVEL": "warning",
        }  # the pipe is not read
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "serve", *ARGUMENTS, *AT_ONCE, *arguments],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.where = self.listens()

    def listens(self) -> str:
        """Return where it listens, once it does."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line
        return line.removeprefix("listening on ").removesuffix("/twilio\n")

    def get(self, path: str) -> str:
        """Return a page."""
        with urllib.request.urlopen(f"{self.where}{path}", timeout=30) as got:
            text: str = got.read().decode()
        return text

    def send(self, request: object) -> str:
        """Return the document for a request from Twilio."""
        asked = urllib.request.Request(
            f"{self.where}/twilio{request.path}?{request.query}",  # type: ignore[attr-defined]
            data=request.body,  # type: ignore[attr-defined]
            headers=request.headers,  # type: ignore[attr-defined]
        )
        with urllib.request.urlopen(asked, timeout=30) as got:
            text: str = got.read().decode()
        return text

    def drain(self) -> None:
        """Tell it to drain, and wait until it does."""
        assert self.process.stderr is not None
        while not (line := self.process.stderr.readline()).startswith("health at "):
            assert line, "it was started without --health-port"
        page = f"{line.split()[-1]}/ready"
        self.process.send_signal(signal.SIGTERM)
        until(lambda: b"server: draining" in urllib3.request("GET", page).data)

    def stop(self) -> tuple[int, str]:
        """Tell it to stop. Return its status, and what it printed."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out + err


@pytest.mark.requirement("R24", "R41")
def test_a_call_on_a_server():
    """The server listens on loopback, answers a call, and prints nothing about the call."""
    server = Server()
    runtime = SimulatedTwilio(GATEWAY, "CA1")
    document = server.send(runtime.begins(ARRIVAL))
    runtime.caller.plan(Press("2"), prompts=document.count("<Say"))
    document = server.send(runtime.follow(document))
    assert runtime.follow(document) is None
    assert runtime.handed_back["disposition"] == "declined"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        server.send(runtime.forged(runtime.begins(ARRIVAL)))

    status, printed = server.stop()
    assert status == 0
    assert "accept keys pressed ahead (G20, G22): degraded" in printed
    for value in (ARRIVAL.ani.reveal(), *SECRETS.values()):
        assert value not in printed


@pytest.mark.requirement("R19")
def test_a_former_release():
    """A server answers calls with a former policy as well as its own."""
    server = Server("--former", str(POLICIES / "strict.toml"))
    assert "<Say" in server.send(SimulatedTwilio(GATEWAY, "CA1").begins(ARRIVAL))
    assert server.stop()[0] == 0


@pytest.mark.requirement("R31", "R41")
@pytest.mark.long
def test_servers_on_one_database(tmp_path, process):
    """Each request of a call is answered by another server, and the relay finds the rest."""
    service, record = f"sqlite:///{tmp_path}/service.db", f"sqlite:///{tmp_path}/record.db"
    arguments = ("--cloudivr", service, "--database", record)
    servers = [Server(*arguments) for _ in range(2)]
    runtime = SimulatedTwilio(GATEWAY, "CA1")
    request, number = runtime.begins(ARRIVAL), 0
    for keys in ("1", "", "1137", "", "1", "", ""):
        document = servers[number % 2].send(request)
        runtime.caller.plan(*[Press(keys)] * bool(keys), prompts=document.count("<Say"))
        request, number = runtime.follow(document), number + 1
    assert request is None
    assert runtime.handed_back["disposition"] == "enrolled"
    assert [server.stop()[0] for server in servers] == [0, 0]
    assert process("relay", "--once", *arguments).stdout == "relay: 1 pending\n"


@pytest.mark.requirement("R31")
def test_it_stops_when_what_is_under_way_is_done(tmp_path, slow):
    """A server that is told to stop finishes the requests in progress, and exits."""
    service, address = slow
    policy = tmp_path / "policy.toml"
    biller = f'[biller]\nid = "{BILLER}"\nname = "Springfield Water"'
    policy.write_text(f"{biller}\n[budgets]\nread = 10\n")
    server = Server("--policy", str(policy), "--connection", str(connected(tmp_path, address)))
    runtime = SimulatedTwilio(GATEWAY, "CA1")
    document = server.send(runtime.begins(ARRIVAL))
    runtime.caller.plan(Press("1"), prompts=document.count("<Say"))
    document = server.send(runtime.follow(document))
    last = runtime.follow(document)
    told: list[str] = []
    visit = threading.Thread(target=lambda: told.append(server.send(last)))
    visit.start()
    assert service.asked.wait(60)
    server.process.send_signal(signal.SIGTERM)
    service.go.set()
    visit.join(30)
    server.process.communicate(timeout=60)
    assert server.process.returncode == 0
    assert "last four digits" in told[0]


def go_on(server: Server, runtime: SimulatedTwilio, document: str, keys: str) -> str | None:
    """Return the document after the caller pressed keys; None if the host has the call again."""
    runtime.caller.plan(*[Press(keys)] * bool(keys), prompts=document.count("<Say"))
    request = runtime.follow(document)
    return None if request is None else server.send(request)


@pytest.mark.requirement("R48", "R49")
def test_live_calls_go_on_after_sigterm(tmp_path):
    """A new call goes back to the host, a live one ends normally, and then the server exits."""
    server = Server("--drain-seconds", "60", *HEALTH)
    live, new = (SimulatedTwilio(GATEWAY, call) for call in ("CA1", "CA2"))
    document = server.send(live.begins(ARRIVAL))
    server.drain()
    assert go_on(server, new, server.send(new.begins(evolve(ARRIVAL, call_id="CA2"))), "") is None
    assert new.handed_back["reason"] == "server_stopped"
    assert new.handed_back["moment"] == "before_payment"
    document = go_on(server, live, document, "2")
    assert document is not None
    assert go_on(server, live, document, "") is None
    assert live.handed_back["disposition"] == "declined"
    server.process.communicate(timeout=60)
    assert server.process.returncode == 0


@pytest.mark.alone
@pytest.mark.requirement("R48", "R49")
def test_what_is_live_after_the_drain_goes_back():
    """A call that takes longer than --drain-seconds goes back to the host with its moment."""
    server = Server("--drain-seconds", "4", *HEALTH)
    live = SimulatedTwilio(GATEWAY, "CA1")
    document = server.send(live.begins(ARRIVAL))
    server.drain()
    time.sleep(6)  # it is given back from 4 to 8 seconds after it began to drain
    document = go_on(server, live, document, "1")
    assert document is None or go_on(server, live, document, "") is None
    assert live.handed_back["disposition"] == "taken_back"
    assert live.handed_back["reason"] == "server_stopped"
    assert live.handed_back["moment"] == "before_payment"
    server.process.communicate(timeout=60)
    assert server.process.returncode == 0


EARLY = """
import os, signal
from paperless_ivr.net import http
ran = http.Server.run
def run(server, **given):
    os.kill(os.getpid(), signal.SIGTERM)
    ran(server, **given)
http.Server.run = run
from paperless_ivr.cli import main; main(prog_name='paperless-ivr')
"""


@pytest.mark.requirement("R49")
def test_a_signal_before_it_serves():
    """SIGTERM between "listening" and the first request also stops the server."""
    command = [sys.executable, "-c", EARLY, "serve", *ARGUMENTS, *AT_ONCE]
    done = subprocess.run(
        command, env={**os.environ, **SECRETS}, capture_output=True, check=False, timeout=60
    )

    assert done.returncode == 0


@pytest.mark.requirement("R31", "R49")
@pytest.mark.long
def test_two_servers_restart_in_turn(tmp_path):
    """Under load, on one database, no call is lost, because each server answers for the other."""
    arguments = ("--database", f"sqlite:///{tmp_path}/record.db", "--drain-seconds", "2")
    servers = [Server(*arguments) for _ in range(2)]
    ended: list[str] = []
    lost: list[str] = []
    over = threading.Event()

    def send(request: object) -> str:
        for attempt in range(200):
            try:
                return servers[attempt % 2].send(request)
            except OSError:
                time.sleep(0.1)  # the other one, as a proxy does
        raise AssertionError("no server answers")

    def call(number: int) -> None:
        runtime = SimulatedTwilio(GATEWAY, f"CA{number}")
        ani = secret.phone(f"+1217555{6000 + number}")
        request = runtime.begins(evolve(ARRIVAL, call_id=f"CA{number}", ani=ani))
        while request is not None:
            document = send(request)
            runtime.caller.plan(Press("2"), prompts=document.count("<Say"))
            request = runtime.follow(document)
            time.sleep(0.2)
        ended.append(runtime.handed_back["reason"] + runtime.handed_back["disposition"])

    def calls(numbers: range) -> None:
        for number in numbers:
            if over.is_set():
                return
            try:
                call(number)
            except Exception as error:  # noqa: BLE001 - shown below
                lost.append(repr(error))

    callers = [
        threading.Thread(target=calls, args=(range(n * 200, n * 200 + 200),)) for n in range(4)
    ]
    for caller in callers:
        caller.start()
    try:
        for number in range(2):
            assert servers[number].stop()[0] == 0
            servers[number] = Server(*arguments)
    finally:
        over.set()
        for caller in callers:
            caller.join(60)
    assert [server.stop()[0] for server in servers] == [0, 0]
    assert lost == []
    assert len(ended) > 10
    assert set(ended) <= {"nonedeclined", "server_stoppedincomplete"}
    assert ended.count("nonedeclined") > len(ended) / 2


@pytest.mark.parametrize("lacking", SECRETS)
def test_a_secret_that_is_not_set(run, lacking):
    """A missing variable is named."""
    told = run("serve", *ARGUMENTS, **(SECRETS | {lacking: ""}))
    assert told.exit_code == 2
    assert lacking in told.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--address", "ivr.example.com"), "must begin with https://"),
        (("--database", "mysql://record"), "give the database as sqlite:///record.db"),
        (("--connection", "no.toml"), "no.toml"),
        (("--policy", "no.toml"), "no.toml"),
        (("--former", "gone.toml"), "gone.toml"),
    ],
)
def test_what_cannot_be_served(run, arguments, says):
    """An invalid setup is reported before the server listens."""
    told = run("serve", *ARGUMENTS, *arguments, **SECRETS)
    assert told.exit_code == 2
    assert says in told.output


def test_a_short_key(run):
    """A token key that is too short is refused."""
    told = run("serve", *ARGUMENTS, **(SECRETS | {TOKEN_KEY: "short"}))
    assert told.exit_code == 2
    assert "16 characters" in told.output
