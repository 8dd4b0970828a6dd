"""Concurrent Twilio calls on one core: `python benchmarks/webhooks.py`.

A server in its own process, limited to one core, answers Twilio's requests. Its billing service
takes 200 ms for every answer. The benchmark does not include a database; calls_at_once.py does. The
callers run on the other cores. They all begin at the same time and press keys without a pause, and
each call takes eight requests and three answers from the service. The benchmark runs several
rounds, and measures the server's memory after each one. As a baseline, the same web server returns
one fixed document for eight requests per call.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

from attrs import define, field, frozen

from paperless_ivr import secret
from paperless_ivr.backends.demo import BILLER, customer
from paperless_ivr.cli.logs import configure
from paperless_ivr.cli.serve import serve
from paperless_ivr.cli.setups import demo_policy
from paperless_ivr.drive.runner import Setup
from paperless_ivr.drive.web import WebDriver
from paperless_ivr.flow.events import (
    Accepted,
    CustomersFound,
    InvoiceChecked,
    Refused,
    Screened,
    ServiceAnswer,
    TryReserved,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Moment
from paperless_ivr.flow.policy import Limits
from paperless_ivr.flow.requests import (
    OPERATIONS,
    DeferRequest,
    InvoiceExists,
    Read,
    ReserveTry,
    Screen,
    ServiceRequest,
    Write,
)
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.port import WebRequest
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.memory import MemoryLiveCalls
from paperless_ivr.records.port import Activity, Evidence
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import Press
from paperless_ivr.web import Meters

CALLS = int(os.environ.get("CALLS", "1000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
THREADS = int(os.environ.get("THREADS", "256"))
SERVICE_S = 0.2
KEYS = ("1", "", "1137", "", "1", "")
"""Yes, the last four digits, and yes to the consent. For "", the caller presses no key."""

RIVERA = customer("rivera")
POLICY = demo_policy()
WORDS = Catalog.of(POLICY)
KEY = secret.credential("0123456789abcdef")
GATEWAY = TwilioGateway(
    WORDS,
    BILLER,
    secret.credential("auth token"),
    "https://ivr.example.com/twilio",
    "https://host.example.com/voice",
    secret.credential("key of the host"),
)


# ── the server's setup ──


@frozen
class Slow:
    """A service that gives every call the same answers, after 200 ms."""

    operations = OPERATIONS

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer after a delay."""
        assert budget > SERVICE_S
        time.sleep(SERVICE_S)
        if isinstance(request, InvoiceExists):
            return InvoiceChecked(True)
        return CustomersFound((RIVERA,)) if isinstance(request, Read) else Accepted()


@frozen
class Forgetful:
    """A record that stores nothing, so that its memory use does not grow."""

    def note(self, activity: Activity) -> None:
        """Store nothing."""

    def screen(self, request: Screen) -> Screened:
        """Report that the caller was not asked before."""
        return Screened()

    def reserve(self, request: ReserveTry, limits: Limits) -> TryReserved:
        """Allow every try."""
        return TryReserved()

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        """Allow every write."""
        return None

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        """Store nothing."""

    def keep(self, request: DeferRequest, evidence: Evidence) -> None:
        """Store nothing."""


def serve_slowly() -> None:
    """Run the same server as `paperless-ivr serve`, with the slow service and forgetful record."""
    configure()
    store = SeparateStores(Forgetful(), MemoryLiveCalls())
    meters = Meters()
    observers = (meters.moved,)
    setup = Setup(Flow(Terms(POLICY)), WORDS, Slow(), store, observers=observers, at_once=THREADS)
    driver = WebDriver(setup, GATEWAY, KEY)
    serve(driver, meters, threads=THREADS)


FLOOR = """
import socket
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount

async def fixed(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await Response("<Response/>" * 50, media_type="text/xml")(scope, receive, send)

listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
print(f"listening at http://127.0.0.1:{listening.getsockname()[1]}/twilio", flush=True)
application = Starlette(routes=[Mount("/twilio", fixed)])
config = uvicorn.Config(application, access_log=False, log_config=None)
uvicorn.Server(config).run(sockets=[listening])
"""


class Server:
    """A server process, limited to one core."""

    def __init__(self, arguments: Sequence[str]) -> None:
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {0}),  # noqa: PLW1509 - no threads yet
        )
        assert self.process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.process.stdout.readline())
        assert found is not None
        self.port = int(found[1])

    def used(self) -> float:
        """Return the seconds of CPU time that the server has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> float:
        """Return the MB of memory that the server uses."""
        told = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", told)[1]) / 1024  # type: ignore[index]

    def stop(self) -> None:
        """Stop the server."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


# ── the callers ──


@define
class Tally:
    """The results of one round."""

    seconds: list[float] = field(factory=list)
    """How long each request took."""
    ended: list[str] = field(factory=list)
    errors: int = 0


@define
class Connection:
    """A persistent connection."""

    port: int
    reader: asyncio.StreamReader = field(init=False)
    writer: asyncio.StreamWriter = field(init=False)

    async def send(self, request: WebRequest, tally: Tally) -> str:
        """Send a request as Twilio does, and return the document."""
        query = f"?{request.query}" if request.query else ""
        head = [f"POST /twilio{request.path}{query} HTTP/1.1", "host: ivr.example.com"]
        head += [f"{name}: {value}" for name, value in request.headers.items()]
        head += [f"content-length: {len(request.body)}", "", ""]
        began = time.perf_counter()
        self.writer.write("\r\n".join(head).encode() + request.body)
        status, body = await self._read()
        tally.seconds.append(time.perf_counter() - began)
        tally.errors += status not in (200, 204)
        return body

    async def _read(self) -> tuple[int, str]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head)
        body = await self.reader.readexactly(int(length[1])) if length else b""
        return int(head.split()[1]), body.decode()


async def call(number: int, port: int, tally: Tally) -> None:
    """Run one call, from its hand-over to the status callback at its end."""
    runtime = SimulatedTwilio(GATEWAY, f"CA{number:032}")
    connection = Connection(port)
    connection.reader, connection.writer = await asyncio.open_connection("127.0.0.1", port)
    arrival = Arrival("", BILLER, Moment.BEFORE_PAYMENT, ani=RIVERA.phone, language="en-US")
    document = await connection.send(runtime.begins(arrival), tally)
    for keys in KEYS:
        runtime.caller.plan(*[Press(keys)] * bool(keys), prompts=document.count("<Say"))
        request = runtime.follow(document)
        if request is None:
            break
        document = await connection.send(request, tally)
    if runtime.follow(document) is None and runtime.handed_back:
        tally.ended.append(runtime.handed_back["disposition"])
    await connection.send(runtime.ends(), tally)
    connection.writer.close()


async def floor_call(requests: Sequence[WebRequest], port: int, tally: Tally) -> None:
    """Send requests over one connection. Each of them gets the fixed document."""
    connection = Connection(port)
    connection.reader, connection.writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        await connection.send(request, tally)
    connection.writer.close()


def main() -> None:
    """Run the rounds and the baseline, and print the results."""
    os.sched_setaffinity(0, set(range(1, os.cpu_count() or 2)) or {0})
    server = Server(["-c", "import webhooks; webhooks.serve_slowly()"])
    before = server.resident()
    print(f"{CALLS} concurrent calls, service {SERVICE_S * 1000:.0f} ms, {THREADS} threads")
    each = 0.0
    for number in range(ROUNDS):
        tally, used, began = Tally(), server.used(), time.perf_counter()

        async def all_calls(tally: Tally = tally, number: int = number) -> None:
            first = number * CALLS
            calls = (call(first + n, server.port, tally) for n in range(CALLS))
            await asyncio.gather(*calls)

        asyncio.run(all_calls())
        took, used = time.perf_counter() - began, server.used() - used
        each = used / len(tally.seconds)
        marks = quantiles(tally.seconds, n=100)
        print(
            f"round {number + 1}: {tally.ended.count('enrolled')} enrolled, {tally.errors} errors, "
            f"{took:.1f} s; request p50 {marks[49]:.2f} s, p99 {marks[98]:.2f} s, "
            f"longest {max(tally.seconds):.2f} s; {each * 1000:.2f} ms of CPU per request; "
            f"{server.resident():.0f} MB after it ({before:.0f} MB before the first round)"
        )
    server.stop()

    runtime = SimulatedTwilio(GATEWAY)
    sample = [runtime.ends()] * (len(KEYS) + 2)
    floor = Server(["-c", FLOOR])
    tally, used = Tally(), floor.used()

    async def all_floor() -> None:
        await asyncio.gather(*(floor_call(sample, floor.port, tally) for _ in range(CALLS)))

    asyncio.run(all_floor())
    least = (floor.used() - used) / len(tally.seconds)
    floor.stop()
    print(
        f"baseline: {least * 1000:.2f} ms of CPU per request; "
        f"ours takes {each / least:.1f} times as much"
    )


if __name__ == "__main__":
    main()
