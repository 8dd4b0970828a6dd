"""`paperless-ivr serve`: a server of its own process, on a free port."""

import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from paperless_ivr import secret
from paperless_ivr.backends.demo import BILLER, customer
from paperless_ivr.cli.serve import AUTH_TOKEN, HOST_KEY, TOKEN_KEY
from paperless_ivr.cli.setups import demo_policy
from paperless_ivr.flow.host import Arrival, Moment
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.prompts import Catalogue
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import Press

SECRETS = {AUTH_TOKEN: "auth token", HOST_KEY: "key of the host", TOKEN_KEY: "0123456789abcdef"}
ADDRESS, HOST_URL = "https://ivr.example.com/twilio", "https://host.example.com/voice"
POLICIES = Path(__file__).parents[2] / "examples" / "policies"
ARGUMENTS = ("--address", ADDRESS, "--host-url", HOST_URL, "--port", "0")
GATEWAY = TwilioGateway(
    Catalogue.of(demo_policy()),
    BILLER,
    secret.credential("auth token"),
    ADDRESS,
    HOST_URL,
    secret.credential("key of the host"),
)
ARRIVAL = Arrival(
    "CA1", BILLER, Moment.BEFORE_PAYMENT, ani=customer("rivera").phone, language="en-US"
)

SLOW = """
import pathlib, time
from paperless_ivr.backends.demo import springfield
from paperless_ivr.drive.attendant import Setup, utc_now
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.scene import Terms
from paperless_ivr.prompts import Catalogue
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord

here = pathlib.Path(__file__).parent

class Slow:
    inner = springfield()
    operations = inner.operations

    def answer(self, request, budget):
        (here / "asked").touch()
        while not (here / "go").exists():
            time.sleep(0.01)
        return self.inner.answer(request, budget)

def make(policy):
    flow = Flow(Terms(policy))
    return Setup(flow, Catalogue.of(policy), Slow(), MemoryRecord(utc_now), MemoryLiveCalls())
"""


class Server:
    """A server, and where it listens."""

    def __init__(self, *arguments: str, path: Path | None = None) -> None:
        code = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
        env = {**os.environ, **SECRETS, "PYTHONPATH": str(path or "")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "serve", *ARGUMENTS, *arguments],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening at http://127.0.0.1:"), line
        self.where = line.removeprefix("listening at ").removesuffix("/twilio\n")

    def get(self, path: str) -> str:
        """A page."""
        with urllib.request.urlopen(f"{self.where}{path}", timeout=30) as got:
            text: str = got.read().decode()
        return text

    def send(self, request: object) -> str:
        """The document that Twilio's request gets."""
        asked = urllib.request.Request(
            f"{self.where}/twilio{request.path}?{request.query}",  # type: ignore[attr-defined]
            data=request.body,  # type: ignore[attr-defined]
            headers=request.headers,  # type: ignore[attr-defined]
        )
        with urllib.request.urlopen(asked, timeout=30) as got:
            text: str = got.read().decode()
        return text

    def stop(self) -> tuple[int, str]:
        """Tells it to stop; its status, and what it printed."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out + err


@pytest.mark.requirement("R24", "R41")
def test_a_call_on_a_server():
    """It listens at the loopback, answers a call, and prints nothing of it."""
    server = Server()
    runtime = SimulatedTwilio(GATEWAY, "CA1")
    document = server.send(runtime.begins(ARRIVAL))
    runtime.caller.plan(Press("2"), prompts=document.count("<Say"))
    document = server.send(runtime.follow(document))
    assert runtime.follow(document) is None
    assert runtime.handed_back["disposition"] == "declined"
    assert server.get("/health") == "ok\n"
    assert 'calls_ended_total{disposition="declined"} 1.0' in server.get("/metrics")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        server.send(runtime.forged(runtime.begins(ARRIVAL)))

    status, printed = server.stop()
    assert status == 0
    assert "take keys pressed ahead (G20, G22): degraded" in printed
    for value in (ARRIVAL.ani.reveal(), *SECRETS.values()):
        assert value not in printed


@pytest.mark.requirement("R19")
def test_a_former_edition():
    """With a former policy beside its own it answers calls."""
    server = Server("--former", str(POLICIES / "strict.toml"))
    assert "<Say" in server.send(SimulatedTwilio(GATEWAY, "CA1").begins(ARRIVAL))
    assert server.stop()[0] == 0


@pytest.mark.requirement("R31")
def test_it_stops_when_what_is_under_way_is_done(tmp_path):
    """Told to stop, it finishes the requests that it has, and ends."""
    (tmp_path / "slow_service.py").write_text(SLOW)
    server = Server("--setup", "slow_service:make", path=tmp_path)
    runtime = SimulatedTwilio(GATEWAY, "CA1")
    document = server.send(runtime.begins(ARRIVAL))
    runtime.caller.plan(Press("1"), prompts=document.count("<Say"))
    document = server.send(runtime.follow(document))
    last = runtime.follow(document)
    told: list[str] = []
    visit = threading.Thread(target=lambda: told.append(server.send(last)))
    visit.start()
    while not (tmp_path / "asked").exists():
        assert visit.is_alive()
    server.process.send_signal(signal.SIGTERM)
    (tmp_path / "go").touch()
    visit.join(30)
    server.process.communicate(timeout=60)
    assert server.process.returncode == 0
    assert "last four digits" in told[0]


@pytest.mark.parametrize("lacking", SECRETS)
def test_a_secret_that_is_not_set(run, lacking):
    """A variable that is missing is named."""
    told = run("serve", *ARGUMENTS, **(SECRETS | {lacking: ""}))
    assert told.exit_code == 2
    assert lacking in told.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--address", "ivr.example.com"), "an address begins with https://"),
        (("--setup", "nowhere:make"), "it is the name of a module"),
        (("--policy", "no.toml"), "no.toml"),
        (("--former", "gone.toml"), "gone.toml"),
    ],
)
def test_what_cannot_be_served(run, arguments, says):
    """A set-up that cannot be is told before anything is listened at."""
    told = run("serve", *ARGUMENTS, *arguments, **SECRETS)
    assert told.exit_code == 2
    assert says in told.output


def test_a_short_key(run):
    """A key for tokens that is too short is refused."""
    told = run("serve", *ARGUMENTS, **(SECRETS | {TOKEN_KEY: "short"}))
    assert told.exit_code == 2
    assert "16 characters" in told.output
