"""Concurrent calls with a service that takes 2 s: `python benchmarks/busy_service.py 50 200`.

Each call enrolls after its payment, and sends the service three requests: a search that takes too
long for the offer to wait, the same search once the caller accepts, and a write to enroll. Every
caller presses keys without a pause. For each driver, the benchmark prints how the calls ended, how
long a call took, the highest number of concurrent requests to the service, and the number of
registrations. All calls should enroll, because a caller must never hear that the service is down
just because we are busy (R50).

The benchmark does not include the SOAP client and its connections, the network, the gateways' own
work (the session gateways play nothing), PostgreSQL, or several processes. It also leaves out
callers who listen before they press a key, which would spread the load. Calls and drivers share one
process, and therefore one interpreter lock.
"""

import asyncio
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog
from attrs import define, evolve, field, frozen

from paperless_ivr import secret
from paperless_ivr.backends.demo import BILLER, customer
from paperless_ivr.backends.memory import Books, MemoryBackend, Paid
from paperless_ivr.cli.setups import demo_policy
from paperless_ivr.drive.aio import AsyncDriver
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.drive.web import WebDriver
from paperless_ivr.flow.events import CallerEvent, Digits, HungUp, ServiceAnswer
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Identity, Moment, Payment
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.requests import ServiceRequest
from paperless_ivr.flow.turns import Gather, Turn
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.port import SessionStore
from paperless_ivr.records.sql import open_store
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import Press

SERVICE_S = 2.0
POLICY = evolve(demo_policy(), text=evolve(Policy().text, after_enrolment=()))
WORDS = Catalog.of(POLICY)
KEY = secret.credential("0123456789abcdef")
ONE = secret.keys("1")
GATEWAY = TwilioGateway(
    WORDS, BILLER, KEY, "https://ivr.example.com/twilio", "https://host.example.com/voice", KEY
)


@define
class Slow:
    """An in-memory service that takes 2 s for every answer, regardless of the load."""

    service: MemoryBackend
    asking: int = 0
    most: int = 0
    _lock: threading.Lock = field(factory=threading.Lock)

    @property
    def operations(self) -> frozenset[str]:
        """The operations of the service."""
        return self.service.operations

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer after a delay."""
        with self._lock:
            self.asking += 1
            self.most = max(self.most, self.asking)
        time.sleep(SERVICE_S)
        with self._lock:
            self.asking -= 1
        return self.service.answer(request, budget)


def slow_service(customers: int) -> Slow:
    """Return a service with this many customers, each of whom has paid a bill."""
    model = customer("rivera")
    people = tuple(
        evolve(model, id=secret.customer(f"c{number}"), account=account(number))
        for number in range(customers)
    )
    payments = tuple(
        Paid(payment(number), one.id, one.invoices[0].type, one.email)
        for number, one in enumerate(people)
    )
    return Slow(MemoryBackend(Books(people, payments)))


def account(number: int) -> secret.Secret:
    """Return the account number of a customer."""
    return secret.account(f"{20000000 + number}")


def payment(number: int) -> secret.Secret:
    """Return the service's identifier for a customer's payment."""
    return secret.payment(f"p{number}")


def arrival(number: int) -> Arrival:
    """Return the hand-over of a customer's call."""
    email = customer("rivera").email
    paid = Payment(payment(number), approved=True, email=email, account=account(number))
    return Arrival(
        f"CA{number:032}",
        BILLER,
        Moment.AFTER_PAYMENT,
        language="en-US",
        identity=Identity.ACCOUNT_KEYED,
        account=account(number),
        payment=paid,
    )


# ── callers who press 1 at every question ──


class Held:
    """A session gateway that plays nothing and presses 1 at every question."""

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Press 1."""
        return Digits(ONE) if isinstance(turn.then, Gather) else None


class AsyncHeld:
    """The same gateway for an event loop."""

    async def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Press 1."""
        return Held().perform(turn, language)

    async def listen(self) -> HungUp:
        """Wait forever, because the caller never hangs up."""
        await asyncio.Event().wait()
        raise AssertionError


@frozen
class Ended:
    """How a call ended, and how long it took."""

    how: str
    seconds: float


def blocking(setup: Setup, calls: int) -> list[Ended]:
    """Run the blocking driver, with each call in its own thread."""
    driver = Driver(setup)

    def call(number: int) -> Ended:
        began = time.perf_counter()
        handback = driver.converse(Held(), arrival(number))
        how = f"{handback.disposition.value}, {handback.reason.value}"
        return Ended(how, time.perf_counter() - began)

    with ThreadPoolExecutor(calls) as callers:
        return list(callers.map(call, range(calls)))


def in_a_loop(setup: Setup, calls: int) -> list[Ended]:
    """Run the asyncio driver, with all calls in one event loop."""

    async def call(driver: AsyncDriver, number: int) -> Ended:
        began = time.perf_counter()
        handback = await driver.converse(AsyncHeld(), arrival(number))
        how = f"{handback.disposition.value}, {handback.reason.value}"
        return Ended(how, time.perf_counter() - began)

    async def run() -> list[Ended]:
        driver = AsyncDriver(setup)
        return await asyncio.gather(*(call(driver, number) for number in range(calls)))

    return asyncio.run(run())


def by_web_requests(setup: Setup, calls: int) -> list[Ended]:
    """Run the web driver, with one thread for each call's requests."""
    driver = WebDriver(setup, GATEWAY, KEY)

    def call(number: int) -> Ended:
        began = time.perf_counter()
        runtime = SimulatedTwilio(GATEWAY, f"CA{number:032}")
        request = runtime.begins(arrival(number))
        while request is not None:
            document = driver.answer(request).document
            asks = [Press("1")] * ('actionOnEmptyResult="true"' in document)
            runtime.caller.plan(*asks, prompts=document.count("<Say"))
            request = runtime.follow(document)
        told = runtime.handed_back or {}
        return Ended(f"{told['disposition']}, {told['reason']}", time.perf_counter() - began)

    with ThreadPoolExecutor(calls) as callers:
        ended = list(callers.map(call, range(calls)))
    driver.close()
    return ended


DRIVERS: dict[str, Callable[[Setup, int], list[Ended]]] = {
    "blocking": blocking,
    "asyncio": in_a_loop,
    "web": by_web_requests,
}


def measure(name: str, calls: int, store: SessionStore) -> None:
    """Run this many calls with one driver, and print the results."""
    service = slow_service(calls)
    setup = Setup(Flow(Terms(POLICY, service.operations)), WORDS, service, store)
    ended = DRIVERS[name](setup, calls)
    took = [one.seconds for one in ended]
    print(
        f"{name:8} {calls:4} calls: {dict(Counter(one.how for one in ended))}; "
        f"{statistics.median(took):.1f} s per call, at most {max(took):.1f} s; "
        f"{service.most} requests to the service at the same time; "
        f"{len(service.service.emails)} registrations",
        flush=True,
    )


def main() -> None:
    """Run every driver with each number of calls, on SQLite with the default budgets."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    for calls in map(int, sys.argv[1:] or ("50", "200")):
        for name in DRIVERS:
            with (
                tempfile.TemporaryDirectory() as folder,
                open_store(f"sqlite:///{Path(folder) / 'record.db'}") as store,
            ):
                measure(name, calls, store)


if __name__ == "__main__":
    main()
