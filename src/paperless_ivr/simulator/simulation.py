"""One simulation: the calls in one browser tab, with their takes."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, evolve, field, frozen

from paperless_ivr.cloudivr.outbox import Message
from paperless_ivr.diagrams.page import page
from paperless_ivr.drive.aio import AsyncDriver
from paperless_ivr.drive.protocol import Move
from paperless_ivr.drive.runner import Setup
from paperless_ivr.drive.session import Session
from paperless_ivr.flow.events import Digits
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Moment
from paperless_ivr.flow.live import Live, Token, deliver
from paperless_ivr.flow.table import FLOW, PROMPTS
from paperless_ivr.flow.view import Terms
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.simulator.line import Line
from paperless_ivr.simulator.shelf import Reading, Shelved
from paperless_ivr.simulator.speaking import Speech
from paperless_ivr.simulator.take import Entry, Stop, Take
from paperless_ivr.simulator.words import SERVICE
from paperless_ivr.simulator.world import Asked, Fault, World
from paperless_ivr.transcripts.scribe import redacted

T = TypeVar("T")
Arrive = Callable[[str, str, Moment, str, str | None], Arrival]
"""Creates the host's hand-over from the call's ID, biller, moment, caller, and language."""

AT_ONCE = 4
"""The limit on concurrent requests to the service. A simulation has only one call at a time."""
ALL = "all"
"""The name that stands for all masked items."""


@frozen
class Scenario:
    """The caller, policy, moment, and language of a call.

    The language is None if the call asks for it.
    """

    caller: str
    policy: str
    moment: Moment
    language: str | None
    person: bool = False
    """Whether an agent can take the call."""


@define(eq=False, repr=False)
class Simulation:
    """The calls of one tab, one at a time. Runs in one event loop, and observes its own line."""

    world: World
    shelf: Mapping[str, Shelved]
    arrive: Arrive
    scenario: Scenario
    may_reveal: bool
    """Whether personal data may be shown."""
    takes: list[Take] = field(init=False, factory=list)
    take: Take | None = field(init=False, default=None)
    line: Line | None = field(init=False, default=None)
    flow: Flow | None = field(init=False, default=None)
    version: int = field(init=False, default=0)
    """Incremented whenever there is something new to show."""
    reading: Reading | None = field(init=False, default=None)
    """The policy that the current call started with."""
    began_with: Scenario | None = field(init=False, default=None)
    revealed: set[str] = field(init=False, factory=set)
    """The personal data that is shown: the view's names for masked items, or ALL."""
    listeners: int = field(init=False, default=0)
    _new: Callable[[], None] = field(init=False)
    _driver: AsyncDriver | None = field(init=False, default=None)
    _words: Catalog | None = field(init=False, default=None)
    _running: "asyncio.Task[object] | None" = field(init=False, default=None)
    _news: asyncio.Event = field(init=False, factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop = field(init=False, factory=asyncio.get_running_loop)
    _zero: float = field(init=False, default=0.0)
    _calls: int = field(init=False, default=0)
    _numbers: Iterator[int] = field(init=False, factory=lambda: count(1))
    _asking: int = field(init=False, default=0)
    """The number of requests that the service is working on."""

    def __attrs_post_init__(self) -> None:
        """Observe the world, and save its state so that it can be reset later."""
        self._new = self.world.snapshot()
        self.world.watch = lambda asked: self._soon(self._asked, asked)
        self.world.acted = lambda: self._loop.call_soon_threadsafe(self.changed)

    # ── state for the page ──

    @property
    def shelved(self) -> Shelved:
        """The policy of the next call."""
        return self.shelf[self.scenario.policy]

    @property
    def at(self) -> float:
        """Seconds since the call began."""
        return time.monotonic() - self._zero

    async def newer(self, version: int, seconds: float) -> bool:
        """Wait up to `seconds` for a version newer than `version`. Return whether there is one."""
        if self.version == version:
            news = self._news
            try:
                await asyncio.wait_for(news.wait(), seconds)
            except TimeoutError:
                return False
        return True

    def changed(self) -> None:
        """Announce that there is something new to show."""
        self.version += 1
        self._news.set()
        self._news = asyncio.Event()

    def whole_flow(self) -> str:
        """Return the whole flow as a page with the current call highlighted. Takes a second."""
        assert self.reading is not None
        assert self.take is not None
        policy = self.reading.policy
        words = Catalog.of(policy).texts(PROMPTS, policy.languages.default)
        rows = [row for move in self.take.moves for row in move.after.turn.took]
        return page(FLOW, policy, words, rows)

    # ── calls and takes ──

    async def call(self) -> None:
        """Reset everything except the service's fault, and start a call.

        Raises LookupError if the scenario is impossible.
        """
        scenario, reading = self.scenario, self.shelved.reading
        policy = reading.policy
        self._calls += 1
        arrival = self.arrive(
            f"simulated-{self._calls}",
            policy.biller.id,
            scenario.moment,
            scenario.caller,
            scenario.language,
        )
        await self.stop()
        self._new()
        self.world.lose_record(lost=False)
        self.flow = Flow(Terms(policy, self.world.operations))
        self._words = Catalog.of(policy)
        store = SeparateStores(self.world.record, self.world.calls)
        setup = Setup(
            self.flow,
            self._words,
            self.world,
            store,
            observers=(lambda move: self._soon(self._moved, move),),
            at_once=AT_ONCE,
        )
        self._driver = AsyncDriver(setup)
        self.takes = [Take(1)]
        self.take = self.takes[0]
        self.began_with, self.reading = scenario, reading
        self.revealed.clear()
        self._zero = time.monotonic()
        self._tell_faults()
        self.line = Line(self, self._words, self._numbers)
        coming = evolve(arrival, person_available=scenario.person)
        self._run(self._driver.converse(self.line, coming))

    async def rewind(self, stop: int) -> None:
        """Go back to just before a turn was answered, and start a new take from there."""
        take = self.take
        if take is None or not 0 <= stop < len(take.stops):
            return
        await self.stop()
        self._leave(take)
        self.revealed.clear()
        number = max(one.number for one in self.takes) + 1
        self.take = take.until(stop, number)
        begins = f"Take {number} starts here"
        self.take.entries.append(Entry(take.stops[stop].at, "take", begins))
        self.takes.append(self.take)
        self._go_on(take.stops[stop])

    async def choose(self, number: int) -> None:
        """Switch to the end of a take."""
        chosen = next((take for take in self.takes if take.number == number), None)
        if chosen is None or chosen is self.take or self.take is None:
            return
        await self.stop()
        self._leave(self.take)
        self.revealed.clear()
        self.take = chosen
        if chosen.over or not chosen.stops:
            self.line = None
            if chosen.put_back is not None:
                chosen.put_back()
            self.changed()
            return
        there, chosen.speaks_for = chosen.stops.pop(), None
        del chosen.entries[there.entries :], chosen.moves[there.moves :]
        del chosen.exchanges[there.exchanges :]
        self._go_on(there)

    # ── faults ──

    def let_service(self, fault: Fault) -> None:
        """Make the billing service fail, or work again, starting with the next request."""
        if fault is not self.world.fault:
            self.world.fault = fault
            self._tell(SERVICE[fault], fails=fault is not Fault.NONE)

    def let_record(self, *, lost: bool) -> None:
        """Make the record fail, or work again."""
        if lost is not self.world.record_lost:
            self.world.lose_record(lost)
            self._tell("The record is down" if lost else "The record works again", fails=lost)

    def _tell_faults(self) -> None:
        """Note a service fault that is already on. The record always works when a call starts."""
        if self.world.fault is not Fault.NONE:
            self._tell(SERVICE[self.world.fault], fails=True)

    def _tell(self, text: str, *, fails: bool) -> None:
        if self.take is not None and not self.take.over:
            self.take.switched(text, self.at, fails=fails)

    # ── running and leaving a call ──

    async def stop(self) -> None:
        """Abandon the running call, and wait for requests in progress to finish."""
        running, self._running = self._running, None
        if running is None:
            return
        running.cancel()
        self.world.hurry()
        await asyncio.wait({running})
        while self._asking:
            await self.newer(self.version, 1)

    def transcript(self, number: int) -> str:
        """Return a take as a transcript. Raises TranscriptProblems if it cannot be replayed."""
        assert self.flow is not None
        assert self.began_with is not None
        take = next(take for take in self.takes if take.number == number)
        path = self.shelf[self.began_with.policy].path
        headers = {"policy": str(path) if path else "demo"}
        return redacted(self.flow, take.moves, headers, Path("call.call").absolute())

    def _leave(self, take: Take) -> None:
        """Save a take before leaving it, or discard the take if nothing happened in it."""
        if not take.own and take.began:
            self.takes.remove(take)
            return
        take.messages = self.messages()
        take.put_back = self.world.snapshot()

    def messages(self) -> tuple[Message, ...]:
        """Return the messages that the service has queued, oldest first."""
        out = self.world.service.outbox()
        return tuple(sorted((*out.emails, *out.texts), key=lambda message: message.at))

    def _go_on(self, there: Stop) -> None:
        """Restore everything as it was at a turn, and wait for the caller's answer."""
        assert self._driver is not None
        assert self._words is not None
        there.put_back()
        prompts = len(there.session.turn.say)
        start = prompts if there.heard is None else there.heard
        self.line = Line(self, self._words, self._numbers, start)
        self._zero = time.monotonic() - there.at
        self._run(self._driver.resume(self.line, there.session))
        self.changed()

    def _run(self, call: Coroutine[Any, Any, object]) -> None:
        self._running = asyncio.create_task(call)
        self._running.add_done_callback(lambda _: self.changed())

    # ── reports from the line and the driver ──

    def token(self) -> Token:
        """Return the token of the current turn."""
        return self._live().token

    def delivered(self, token: Token, event: Digits) -> bool:
        """Deliver an answer to an earlier turn, and return whether it advanced the call."""
        assert self.flow is not None
        live = self._live()
        return deliver(self.flow, live, token, event) is not live

    def spoke(self, speech: Speech) -> None:
        """Record that the line started speaking."""
        assert self.take is not None
        waits = speech.waits in ("keys", "person")
        self.take.spoke(speech, self.at, self.world.snapshot() if waits else None)
        self.changed()

    def noted(self, text: str) -> None:
        """Record what happened to a key."""
        assert self.take is not None
        self.take.note(text, self.at)
        self.changed()

    def _live(self) -> Live:
        session = self._session()
        return Live(session.turn, session.number)

    def _session(self) -> Session:
        assert self.take is not None
        assert self.take.session is not None
        return self.take.session

    def _moved(self, move: Move) -> None:
        # Any other move comes from a call that was abandoned.
        if self.take is not None and self.take.session is move.before:
            self.take.moved(move, self.at, lost=move.after.store_down is not None)
            self.changed()

    def _asked(self, asked: Asked) -> None:
        self._asking += -1 if asked.answer else 1
        if self.take is not None:
            self.take.asked(asked, self.at)
        self.changed()

    def _soon(self, act: Callable[[T], None], about: T) -> None:
        """Call `act` in the event loop, since the driver and the service report from threads."""
        self._loop.call_soon_threadsafe(act, about)
