"""Fixtures: our own line, to which a real Asterisk hands its calls over.

The processes of Asterisk are started once; each test has its own line and its own part of the log.
"""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from attrs import define, evolve, field

from paperless_ivr.backends.demo import springfield
from paperless_ivr.backends.memory import MemoryBackend
from paperless_ivr.backends.port import Backend
from paperless_ivr.cli.setups import demo_policy
from paperless_ivr.clock import utc_now
from paperless_ivr.drive.aio import AsyncDriver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.events import CallerEvent, Digits, HungUp, ServiceAnswer
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Handback
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.requests import ServiceRequest
from paperless_ivr.flow.turns import Turn
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.agi.gateway import AgiGateway
from paperless_ivr.gateways.agi.server import FastAgi, Line, TakenBack
from paperless_ivr.gateways.agi.sounds import Sounds
from paperless_ivr.prompts.recorded import phrases
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores
from tests.asterisk.audio import record
from tests.asterisk.real import RealAsterisk
from tests.asterisk.roots import SUITES, lacking, root
from tests.asterisk.sip import SipCaller

POLICY = evolve(demo_policy(), text=evolve(Policy().text, after_enrolment=()))
PERSON = "Local/agent@people"
NAMES = {"es-US": "es_MX_f_Allison"}
"""The names of languages in Debian's Asterisk."""


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every phrase, each with its own noise."""
    folder = tmp_path_factory.mktemp("recorded") / "sounds"
    record(phrases(POLICY), folder)
    return folder


@pytest.fixture(scope="session")
def asterisks() -> Iterator[Callable[[str], RealAsterisk]]:
    """Asterisks by version, each started once; skips if there cannot be one, but fails in CI."""
    why = lacking()
    if why and os.environ.get("CI") == "true":
        pytest.fail(why)
    if why:
        pytest.skip(why)
    with ExitStack() as running:

        @cache
        def started(version: str) -> RealAsterisk:
            asterisk = RealAsterisk(root(version))
            asterisk.start()
            running.callback(asterisk.stop)
            return asterisk

        yield started


@pytest.fixture(params=SUITES)
def asterisk(
    request: pytest.FixtureRequest, asterisks: Callable[[str], RealAsterisk]
) -> RealAsterisk:
    """A running Asterisk of each version."""
    return asterisks(request.param)


@define
class Listened:
    """A gateway that notes its questions, and which of its own files are played to the end."""

    gateway: AgiGateway
    notes: "Exchange"
    call: str

    async def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Perform a turn."""
        self.notes.asked.setdefault(self.call, []).append(turn.call.state.name)
        event = await self.gateway.perform(turn, language)
        cut = isinstance(event, HungUp) or (
            isinstance(event, Digits) and event.interrupted is not None
        )
        if not cut:
            sounds = self.gateway.sounds
            files = self.notes.files.setdefault(self.call, [])
            for prompt in turn.say:
                played = sounds.prompt(prompt, language)
                files += [s.command.split('"')[1] for s in played if s.is_file]
        return event

    async def listen(self) -> HungUp:
        """Listen."""
        return await self.gateway.listen()


@define
class Slow:
    """A service that is slow to answer."""

    service: Backend = field(factory=springfield)
    seconds: float = 0.0
    reached: threading.Event = field(factory=threading.Event)
    """It has been asked something."""

    @property
    def operations(self) -> frozenset[str]:
        """The operations of the service."""
        return self.service.operations

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer after a delay."""
        self.reached.set()
        time.sleep(self.seconds)
        return self.service.answer(request, budget)


@define
class Clock:
    """The current time, plus what a test adds to it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        """Return the time."""
        return utc_now() + self.ahead


@define
class Exchange:
    """A real Asterisk with our line behind it."""

    asterisk: RealAsterisk
    server: FastAgi
    backend: Slow
    record: MemoryRecord
    setup: Setup
    clock: Clock
    told: list[tuple[str, Arrival, str]]
    asked: dict[str, list[str]] = field(factory=dict)
    """The states that asked something, by the caller's number."""
    files: dict[str, list[str]] = field(factory=dict)
    """The files that were played to the end, by the caller's number."""

    @property
    def service(self) -> MemoryBackend:
        """The demo's service."""
        assert isinstance(self.backend.service, MemoryBackend)
        return self.backend.service

    async def caller(self, extension: str, number: str) -> SipCaller:
        """Return a caller whose call was answered."""
        caller = SipCaller(self.asterisk.sip, number)
        await caller.call(extension)
        return caller

    async def until_asked(self, number: str, state: str) -> None:
        """Wait until a caller is asked something."""
        async with asyncio.timeout(120):
            while state not in self.asked.get(number, ()):
                await asyncio.sleep(0.02)


Test = Callable[[Exchange], Awaitable[None]]
With = Callable[..., None]
"""Runs a test, with another service or policy than the demo's if given."""


@pytest.fixture
def exchange(asterisk: RealAsterisk, recordings: Path) -> With:
    """Run a test with an Asterisk and a line, and end all calls afterward."""

    def run(test: Test, service: Backend | None = None, policy: Policy = POLICY) -> None:
        asyncio.run(_with(test, asterisk, recordings, service or springfield(), policy))

    return run


async def _with(
    test: Test, asterisk: RealAsterisk, recordings: Path, service: Backend, policy: Policy
) -> None:
    backend, told = Slow(service), []
    server = FastAgi({}, lambda *what: told.append(what))
    port = await server.start(port=0)
    try:
        await asyncio.to_thread(asterisk.begin, port)
        prefix = await asyncio.to_thread(asterisk.put, recordings)
        sounds = Sounds.of(policy, recordings, prefix, NAMES)
        flow = Flow(Terms(policy))
        clock = Clock()
        record = MemoryRecord(clock)
        stores = SeparateStores(record, MemoryLiveCalls())
        setup = Setup(flow, sounds.catalog, backend, stores, clock=clock)
        driver = AsyncDriver(setup)
        exchange = Exchange(asterisk, server, backend, record, setup, clock, told)

        async def answer(gateway: AgiGateway, arrival: Arrival, taken_back: TakenBack) -> Handback:
            number = gateway.channel.headers["agi_callerid"]
            return await driver.converse(Listened(gateway, exchange, number), arrival, taken_back)

        server.lines[policy.biller.id] = Line(policy.biller.id, sounds, answer, PERSON)
        await test(exchange)
        assert told == []
    finally:
        await server.close()
        await asyncio.to_thread(asterisk.end)
