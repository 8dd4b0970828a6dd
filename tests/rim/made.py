"""The parts of the package that these tests are built from. All of its inner names are here.

Everything else in this folder goes through HTTP, a FastAGI socket, SQL, or the command line. If
drivers or tables are renamed, this is the only file to change.
"""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve, frozen
from itsdangerous import URLSafeSerializer
from sqlalchemy import Engine
from starlette.applications import Starlette

from paperless_ivr import drive, secret
from paperless_ivr.backends.breaker import GuardedBackend
from paperless_ivr.backends.connection import load_connection
from paperless_ivr.backends.port import Backend
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.clock import utc_now
from paperless_ivr.drive.aio import AsyncDriver
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.relay import Relay
from paperless_ivr.drive.runner import AT_ONCE, Setup
from paperless_ivr.drive.web import WebDriver
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Handback
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.agi.server import FastAgi, Line, Tell
from paperless_ivr.gateways.agi.sounds import Sounds
from paperless_ivr.gateways.port import WebRequest
from paperless_ivr.gateways.terminal import TerminalGateway, tokens
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.prompts import Catalog
from paperless_ivr.prompts.policies import load_policy
from paperless_ivr.prompts.recorded import Recordings, bare, phrases
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.port import SessionStore
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.records.sql import database, open_store
from paperless_ivr.web import MeteredBackend, Meters, application

FOLDER = Path(__file__).parent
POLICY_FILE, OTHER_POLICY_FILE = FOLDER / "policy.toml", FOLDER / "other_policy.toml"
POLICY = load_policy(POLICY_FILE)
PATIENT = evolve(POLICY, budgets=evolve(POLICY.budgets, record=2.0, before_offer=1.5))
"""For tests in which nothing is late: the longest budgets, for the sake of slow machines."""
BILLER = POLICY.biller.id
WORDS = Catalog.of(POLICY)

SESSION_TABLES = ("live_calls",)
RECORD_TABLES = ("activity", "consents", "counted", "jobs", "wishes", "writes")

ADDRESS, HOST_URL = "https://ivr.example.com/twilio", "https://host.example.com/voice"
AUTH_TOKEN, HOST_KEY, TOKEN_KEY = "auth token", "key of the host", "0123456789abcdef"
ENVIRONMENT = {
    "PAPERLESS_IVR_TWILIO_AUTH_TOKEN": AUTH_TOKEN,
    "PAPERLESS_IVR_HOST_KEY": HOST_KEY,
    "PAPERLESS_IVR_TOKEN_KEY": TOKEN_KEY,
}
GATEWAY = TwilioGateway(
    WORDS,
    BILLER,
    secret.credential(AUTH_TOKEN),
    ADDRESS,
    HOST_URL,
    secret.credential(HOST_KEY),
)


DRIVE = Path(drive.__file__).parent
"""The folder of the drivers."""
COMPUTES_A_TURN = Flow.turn.__code__
"""The function that computes what a call says and waits for."""


def handover_in(document: str) -> str:
    """Return the hand-over in a document's addresses, which anyone can read; "" if none."""
    addresses = [
        verb.attrib.get("action") or verb.text or "" for verb in ET.fromstring(document).iter()
    ]
    tokens = [
        token
        for address in addresses
        for token in parse_qs(urlsplit(address).query).get("turn", ())
    ]
    for token in tokens:
        _, parts = URLSafeSerializer("").loads_unsafe(token)
        return str(parts[1])
    return ""


# ── in this process ──


@frozen
class Got:
    """The result of a web request."""

    status: int
    document: str = ""


Send = Callable[[WebRequest], Got]


@frozen
class OpenStore:
    """A session store, the engine that it runs on if it is SQL, and the policy of its calls."""

    store: SessionStore
    engine: Engine | None = None
    policy: Policy = POLICY


@contextmanager
def kept(url: str | None, policy: Policy = POLICY) -> Iterator[OpenStore]:
    """Open a database. Without a URL, everything is in memory."""
    if url is None:
        yield OpenStore(SeparateStores(MemoryRecord(), MemoryLiveCalls()), policy=policy)
        return
    with open_store(url, budget=policy.budgets.record) as store:
        yield OpenStore(store, store.database.engine, policy)


@contextmanager
def crowded(at: OpenStore) -> Iterator[None]:
    """Have another thread write without ever finishing; no one waits long."""
    held, over = threading.Event(), threading.Event()
    write = at.store.database.write  # type: ignore[attr-defined]
    holder = threading.Thread(target=write, args=(lambda _: (held.set(), over.wait(60)),))
    holder.start()
    assert held.wait(60)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database, "TURN", 0.01)
        yield
    over.set()
    holder.join()


def guarded(connection_file: Path, tell: Callable[[str], None]) -> Backend:
    """Return the back end that servers have."""
    connection = load_connection(connection_file)
    backend = SoapBackend(connection)
    return GuardedBackend(backend, connection.circuit_failures, connection.circuit_seconds, tell)


def _setup(at: OpenStore, backend: Backend) -> Setup:
    return Setup(Flow(Terms(at.policy, backend.operations)), WORDS, backend, at.store)


@contextmanager
def web(at: OpenStore, backend: Backend, token_key: str = TOKEN_KEY) -> Iterator[Send]:
    """Return a function that answers web requests."""
    driver = WebDriver(_setup(at, backend), GATEWAY, secret.credential(token_key))

    def send(request: WebRequest) -> Got:
        reply = driver.answer(request)
        return Got(reply.status, reply.document)

    yield send
    driver.close()


def app(at: OpenStore, backend: Backend) -> Starlette:
    """Return the application that `serve` runs, with its defaults."""
    meters = Meters()
    setup = evolve(_setup(at, MeteredBackend(backend, meters)), observers=(meters.moved,))
    driver = WebDriver(setup, GATEWAY, secret.credential(TOKEN_KEY))
    return application(driver, meters, threads=AT_ONCE)


def terminal(at: OpenStore, backend: Backend) -> Callable[[Arrival, str], Handback]:
    """Run a call at a terminal, in the calling thread, with the keys of a script."""
    driver = Driver(_setup(at, backend))

    def call(arrival: Arrival, script: str) -> Handback:
        return driver.converse(TerminalGateway(WORDS, io.StringIO(), None, tokens(script)), arrival)

    return call


def relay(at: OpenStore, backend: Backend, in_time: timedelta) -> Relay:
    """Return a relay at a later time."""
    setup = evolve(_setup(at, backend), clock=lambda: utc_now() + in_time)
    return Relay(setup, at.store.record)


class Agi:
    """A FastAGI server on a free port: `async with Agi(at, backend) as port`."""

    def __init__(self, at: OpenStore, backend: Backend, tell: Tell = lambda *_: None) -> None:
        files = {(p.language, bare(p.text)): p.file for p in phrases(POLICY)}
        sounds = Sounds(WORDS, Recordings(Path(), files), "/sounds")
        driver = AsyncDriver(_setup(at, backend))
        self.server = FastAgi({BILLER: Line(BILLER, sounds, driver.converse)}, tell)

    async def __aenter__(self) -> int:
        return await self.server.start(port=0)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.server.close()
