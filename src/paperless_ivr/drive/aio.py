"""Runs calls on a runtime that holds the channel, any number of them in one event loop.

The record and the back end are blocking ports: they are asked in threads. Between two turns
the gateway listens, so that keys pressed meanwhile are kept and a hang-up is noticed.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from attrs import define, field, frozen

from paperless_ivr.drive.attendant import GRACE, Attendant, Setup
from paperless_ivr.drive.conduct import Perform, Send, Step
from paperless_ivr.drive.live import Live
from paperless_ivr.flow.events import CallerEvent, Event, HungUp, ServiceAnswer, Unavailable
from paperless_ivr.flow.host import Arrival, Handback
from paperless_ivr.flow.requests import Read, ServiceRequest
from paperless_ivr.flow.turns import Turn
from paperless_ivr.gateways.port import AsyncSessionGateway

Value = TypeVar("Value")

THREADS = 64
"""Requests to the service at the same time, and as many to the record: more wait their turn."""


def _threads(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix=name)


@frozen
class AsyncDriver(Setup):
    """Runs calls as coroutines. The service never keeps the record from answering."""

    _service: ThreadPoolExecutor = field(
        init=False, repr=False, factory=lambda: _threads("service")
    )
    _notes: ThreadPoolExecutor = field(init=False, repr=False, factory=lambda: _threads("record"))

    async def converse(
        self,
        gateway: AsyncSessionGateway,
        arrival: Arrival,
        taken_away: asyncio.Event | None = None,
    ) -> Handback:
        """Takes a call from its arrival to its end; gives what the host gets back.

        When `taken_away` is set, the host takes the call: a write under way is finished and
        recorded, and nothing more is spoken.
        """
        attendant = Attendant.of(self, arrival)
        taken = asyncio.create_task((taken_away or asyncio.Event()).wait())
        line = _Line(gateway, attendant, taken)
        try:
            return await _Conversation(attendant, line, self._service, self._notes).hold()
        finally:
            await line.close()


@define
class _Line:
    """The channel of one call: performs turns, and listens between them."""

    gateway: AsyncSessionGateway
    attendant: Attendant
    taken: "asyncio.Task[bool]"
    listening: "asyncio.Task[CallerEvent | None] | None" = None
    """Comes to an end where the caller is gone."""

    async def perform(self, turn: Turn) -> CallerEvent | None:
        """Performs a turn; HungUp where the channel breaks or the host takes the call."""
        await self._stop_listening()
        language = self.attendant.language(turn)
        event = await self._unless_taken(self.gateway.perform(turn, language))
        if not isinstance(event, HungUp):
            self.listening = asyncio.create_task(self._unless_taken(self.gateway.listen()))
        return event

    async def close(self) -> None:
        """Lets go of the channel."""
        await self._stop_listening()
        await _stopped(self.taken)

    async def _stop_listening(self) -> None:
        listening, self.listening = self.listening, None
        if listening is not None:
            await _stopped(listening)

    async def _unless_taken(
        self, doing: Coroutine[Any, Any, CallerEvent | None]
    ) -> CallerEvent | None:
        """What comes of it, or HungUp by the host where that comes first."""
        task = asyncio.create_task(doing)
        try:
            await asyncio.wait({task, self.taken}, return_when=asyncio.FIRST_COMPLETED)
            return HungUp(by_host=True) if self.taken.done() else await task
        except Exception as error:  # noqa: BLE001 - a broken channel is a caller who is gone
            self.attendant.lost(error)
            return HungUp()
        finally:
            await _stopped(task)


async def _stopped(task: "asyncio.Task[Any]") -> None:
    """Cancels a task and waits for its end, whatever that is."""
    task.cancel()
    await asyncio.wait({task})
    _heard(task)


def _heard(done: "asyncio.Future[Any]") -> None:
    """Nobody else wants to know what it raised."""
    if not done.cancelled():
        done.exception()


@frozen
class _Conversation:
    """One call being run."""

    attendant: Attendant
    line: _Line
    service: ThreadPoolExecutor
    notes: ThreadPoolExecutor

    async def hold(self) -> Handback:
        steps = await self._noted(self.attendant.begin)
        reply: Event | None = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as done:
                ended: Live = done.value
                return await self._noted(self.attendant.ended, ended)
            reply = await self._do(step)

    async def _do(self, step: Step) -> Event | None:
        """Does one step of the call; whatever fails is an answer."""
        match step:
            case Perform(turn):
                await self._noted(self.attendant.asks, turn)
                return await self.line.perform(turn)
            case Send(request, turn):
                return await self._send(request, turn)
            case note:
                return await self._noted(self.attendant.note, note)

    async def _noted(self, act: Callable[..., Value], *about: object) -> Value:
        """Does what the record may be slow at, in a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self.notes, act, *about)

    # ── the service ──

    async def _send(self, request: ServiceRequest, turn: Turn) -> ServiceAnswer | HungUp:
        """Asks the service; a read that was not reached is tried once more in its budget.

        A caller who is gone ends a read at once. A write is waited for.
        """
        budgets = self.attendant.setup.budgets
        if not isinstance(request, Read):
            return await self._ask(request, budgets.write, turn)
        began = _now()
        answer = await self._ask(request, budgets.read, turn)
        left = budgets.read - (_now() - began)
        if isinstance(answer, Unavailable) and left > 0:
            return await self._ask(request, left, turn)
        return answer

    async def _ask(
        self, request: ServiceRequest, budget: float, turn: Turn
    ) -> ServiceAnswer | HungUp:
        """One answer within the budget. Reassures while it waits."""
        setup = self.attendant.setup
        loop = asyncio.get_running_loop()
        pending = loop.run_in_executor(self.service, setup.backend.answer, request, budget)
        pending.add_done_callback(_heard)
        began = _now()
        while (left := began + budget + GRACE - _now()) > 0:
            gone = await self._wait(pending, min(setup.budgets.reassure, left), request)
            if pending.done():
                error = pending.exception()
                answer = None if error else pending.result()
                return self.attendant.answered(request, answer, error)
            if gone is not None:
                return gone
            if _now() < began + budget:
                await self._reassure(turn)
        return self.attendant.overran(request)

    async def _wait(
        self, pending: "asyncio.Future[ServiceAnswer]", seconds: float, request: ServiceRequest
    ) -> HungUp | None:
        """Waits for an answer, or for the caller to be gone where the request is a read."""
        listening = self.line.listening if isinstance(request, Read) else None
        waiting: set[asyncio.Future[Any]] = {pending}
        if listening is not None:
            waiting.add(listening)
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if listening is None or not listening.done():
            return None
        event = listening.result()
        return event if isinstance(event, HungUp) else HungUp()

    async def _reassure(self, turn: Turn) -> None:
        reassurance = self.attendant.reassurance(turn)
        if reassurance is not None:
            await self._noted(self.attendant.asks, reassurance)
            await self.line.perform(reassurance)


def _now() -> float:
    return asyncio.get_running_loop().time()
