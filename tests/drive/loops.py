"""Both loops by name, so that a test can cover every loop."""

import asyncio
from collections.abc import Callable, Mapping

from attrs import frozen

from paperless_ivr.drive.aio import AsyncDriver
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.events import CallerEvent, HungUp
from paperless_ivr.flow.host import Arrival, Handback
from paperless_ivr.flow.turns import Turn
from paperless_ivr.gateways.port import SessionGateway

Converse = Callable[[SessionGateway, Arrival], Handback]


@frozen
class Asynchronous:
    """A blocking gateway in an event loop, whose caller does nothing between two turns."""

    gateway: SessionGateway

    async def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Perform a turn."""
        return self.gateway.perform(turn, language)

    async def listen(self) -> HungUp:
        """Wait: nothing happens."""
        await asyncio.Event().wait()
        raise AssertionError


def in_an_event_loop(driver: object) -> Converse:
    """Run each call in its own event loop."""
    assert isinstance(driver, AsyncDriver)

    def converse(gateway: SessionGateway, arrival: Arrival) -> Handback:
        return asyncio.run(driver.converse(Asynchronous(gateway), arrival))

    return converse


def in_this_thread(driver: object) -> Converse:
    """Run calls directly."""
    assert isinstance(driver, Driver)
    return driver.converse


LOOPS: Mapping[str, tuple[Callable[[Setup], object], Callable[[object], Converse]]] = {
    "blocking": (Driver, in_this_thread),
    "asyncio": (AsyncDriver, in_an_event_loop),
}
"""Each loop: its driver, and how to run a call with it."""
