"""Runs concurrent calls in one event loop, on a runtime that holds the channel.

The store and the back end are blocking ports, so they are called in threads. Between two turns, the
gateway listens for a hang-up, and keeps the keys that are pressed.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from attrs import define, field, frozen

from paperless_ivr.drive.protocol import Move, OnRecord, Send, converse
from paperless_ivr.drive.runner import Asking, CallRunner, Setup, Silence, handback_of
from paperless_ivr.drive.session import Session
from paperless_ivr.flow.events import CallerEvent, EndedBy, HungUp, ServiceAnswer
from paperless_ivr.flow.host import Arrival, Handback
from paperless_ivr.flow.turns import Turn
from paperless_ivr.gateways.port import AsyncSessionGateway

Value = TypeVar("Value")


@frozen
class AsyncDriver:
    """Runs calls as coroutines. A slow service never delays requests to the store."""

    setup: Setup
    _runner: CallRunner = field(init=False, repr=False)
    _service: ThreadPoolExecutor = field(init=False, repr=False)
    _store: ThreadPoolExecutor = field(init=False, repr=False)

    @_runner.default
    def _make_runner(self) -> CallRunner:
        return CallRunner(self.setup)

    @_service.default
    def _make_service(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.setup.at_once, thread_name_prefix="service")

    @_store.default
    def _make_store(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.setup.at_once, thread_name_prefix="store")

    async def converse(
        self,
        gateway: AsyncSessionGateway,
        arrival: Arrival,
        taken_back: "asyncio.Future[EndedBy] | None" = None,
    ) -> Handback:
        """Run a call from its arrival to its end, and return the hand-back.

        Never raises, except for CancelledError. `taken_back` is resolved when the host cancels the
        call or the server stops. After that, a write in progress is still finished and recorded,
        but nothing more is spoken.
        """
        silence = Silence(self.setup.budgets.reassure)
        try:
            begun = await self._stored(self._runner.arrived, arrival)
            session = await self._stored(silence.kept, self._runner.commit_or_go_on, begun)
            return await self._take(gateway, session, taken_back, silence)
        except Exception as error:  # noqa: BLE001 - the host gets the call back
            return self._runner.broken_off(arrival, error)

    async def resume(
        self,
        gateway: AsyncSessionGateway,
        session: Session,
        taken_back: "asyncio.Future[EndedBy] | None" = None,
    ) -> Handback:
        """Run a call from its current turn to its end. Unlike `converse`, can raise an error."""
        silence = Silence(self.setup.budgets.reassure)
        return await self._take(gateway, session, taken_back, silence)

    async def _take(
        self,
        gateway: AsyncSessionGateway,
        session: Session,
        taken_back: "asyncio.Future[EndedBy] | None",
        silence: Silence,
    ) -> Handback:
        taken_back = taken_back or asyncio.get_running_loop().create_future()
        line = _Line(gateway, self._runner, taken_back)
        try:
            return await self._converse(line, session, silence)
        finally:
            await line.stop_listening()

    async def _converse(self, line: "_Line", session: Session, silence: Silence) -> Handback:
        runner, setup = self._runner, self.setup
        steps = converse(
            session, runner.advance, lambda request: setup.budget(request, silence.so_far)
        )
        reply: object = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as done:
                return handback_of(done.value)
            match step:
                case Turn():
                    reply = await line.perform(step)
                    silence.goes_on_or_begins(step)
                case OnRecord(request):
                    reply = await self._stored(silence.kept, runner.on_record, request, session)
                case Send():
                    reply = await self._send(step, line, silence)
                case Move():
                    reply = session = await self._stored(silence.kept, runner.commit_or_go_on, step)

    async def _stored(self, act: Callable[..., Value], *about: object) -> Value:
        """Run a function in a store thread, because it may wait for the store."""
        return await asyncio.get_running_loop().run_in_executor(self._store, act, *about)

    async def _send(self, step: Send, line: "_Line", silence: Silence) -> ServiceAnswer | HungUp:
        """Return the answer within the budget, and reassure the caller in the meantime.

        If the caller hangs up, a read ends immediately, but a write is still awaited.
        """
        asking = Asking(self._runner, step, self._service, silence)
        answering = asyncio.wrap_future(asking.answering)
        answering.add_done_callback(_seen)
        try:
            while True:
                gone = await line.wait(answering, asking.wait, heeding=asking.heeding)
                if answering.done():
                    return answering.result()
                if gone is not None:
                    return gone
                came = asking.waited()
                if isinstance(came, ServiceAnswer):
                    return came
                if came is not None:
                    did = await line.perform(came)
                    if asking.heeding and isinstance(did, HungUp):
                        return did
        finally:
            asking.answering.cancel()  # do not send the request if no one waits for it


@define
class _Line:
    """One call's channel, which performs turns and listens between them."""

    gateway: AsyncSessionGateway
    runner: CallRunner
    taken_back: "asyncio.Future[EndedBy]"
    listening: "asyncio.Task[CallerEvent | None] | None" = None
    """The task that listens to the channel. It ends when the caller is gone."""

    async def perform(self, turn: Turn) -> CallerEvent | None:
        """Perform a turn. Return HungUp if the channel breaks or the call is taken back."""
        await self.stop_listening()
        language = self.runner.language(turn)
        event = await self._unless_taken(lambda: self.gateway.perform(turn, language), turn)
        if not isinstance(event, HungUp):
            self.listening = asyncio.create_task(self._unless_taken(self.gateway.listen, turn))
        return event

    async def wait(
        self, answering: "asyncio.Future[ServiceAnswer]", seconds: float, *, heeding: bool
    ) -> HungUp | None:
        """Wait up to `seconds` for an answer. With `heeding`, stop when the caller hangs up."""
        listening = self.listening if heeding else None
        waiting: set[asyncio.Future[Any]] = {answering}
        if listening is not None:
            waiting.add(listening)
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if listening is None or not listening.done():
            return None
        event = listening.result()
        return event if isinstance(event, HungUp) else HungUp()

    async def stop_listening(self) -> None:
        """Stop listening, so that the channel is free."""
        listening, self.listening = self.listening, None
        if listening is not None:
            await _stopped(listening)

    async def _unless_taken(
        self, do: Callable[[], Coroutine[Any, Any, CallerEvent | None]], turn: Turn
    ) -> CallerEvent | None:
        """Return the result of `do`, or HungUp if the call is taken back first."""
        task = asyncio.create_task(do())
        try:
            waiting: set[asyncio.Future[Any]] = {task, self.taken_back}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return HungUp(self.taken_back.result()) if self.taken_back.done() else await task
        except Exception as error:  # noqa: BLE001 - the host gets the call back
            return self.runner.gateway_failed(turn, error)
        finally:
            await _stopped(task)


async def _stopped(task: "asyncio.Task[Any]") -> None:
    """Cancel a task, and wait until it has ended."""
    task.cancel()
    await asyncio.wait({task})
    _seen(task)


def _seen(done: "asyncio.Future[Any]") -> None:
    """Retrieve a future's exception, so that asyncio does not log it."""
    if not done.cancelled():
        done.exception()
