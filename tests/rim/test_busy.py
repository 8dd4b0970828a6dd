"""A slow service: many calls at once, and all of them enroll (R50).

The service takes half of the budget, as one that takes 2 s does with the policy's default of 4 s.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import evolve, frozen
from starlette.testclient import TestClient

from paperless_ivr import secret
from paperless_ivr.backends.demo import customer
from paperless_ivr.backends.memory import Books, MemoryBackend, Paid
from paperless_ivr.flow.events import ServiceAnswer
from paperless_ivr.flow.host import Moment
from paperless_ivr.flow.requests import ServiceRequest
from paperless_ivr.gateways.port import WebRequest
from tests.durability.town import account, customer_id, email, payment_guid, phone
from tests.rim import made
from tests.rim.callers import AgiCall, HandOver, WebCall

pytestmark = [pytest.mark.requirement("R50"), pytest.mark.alone]

CALLS = 50
TAKES = made.POLICY.budgets.read / 2

Ended = list[tuple[str, str]]
"""The disposition and reason of each call."""


@frozen
class Slow:
    """An in-memory service that is slow to answer."""

    service: MemoryBackend

    @property
    def operations(self) -> frozenset[str]:
        """The operations of the service."""
        return self.service.operations

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer after a delay."""
        time.sleep(TAKES)
        return self.service.answer(request, budget)


def slow_town(customers: int) -> Slow:
    """Return a slow service with this many customers, each of whom has paid a bill."""
    model = customer("rivera")
    people = tuple(
        evolve(
            model,
            id=secret.customer(str(customer_id(number))),
            account=secret.account(account(number)),
            email=email(number),
            phone=secret.phone(phone(number)),
        )
        for number in range(customers)
    )
    payments = tuple(
        Paid(payment_guid(number), one.id, one.invoices[0].type, email(number))
        for number, one in enumerate(people)
    )
    return Slow(MemoryBackend(Books(people, payments)))


def over(number: int) -> HandOver:
    """Return what the host hands over. The service is asked for the bill, then to enroll."""
    return HandOver(number, Moment.AFTER_PAYMENT)


def blocking(at: made.OpenStore, backend: Slow) -> Ended:
    """Run calls in the blocking driver, each in its caller's thread."""
    call = made.terminal(at, backend)

    def one(number: int) -> tuple[str, str]:
        handback = call(over(number).arrival, " ".join(over(number).keys))
        return handback.disposition.value, handback.reason.value

    with ThreadPoolExecutor(CALLS) as callers:
        return list(callers.map(one, range(CALLS)))


def on_asterisk(at: made.OpenStore, backend: Slow) -> Ended:
    """Run calls in the asyncio driver."""
    calls = [AgiCall.of(over(number)) for number in range(CALLS)]

    async def run() -> None:
        async with made.Agi(at, backend) as port:
            await asyncio.wait_for(asyncio.gather(*(call.call(port) for call in calls)), 60)

    asyncio.run(run())
    return [(call.told["disposition"], call.told["reason"]) for call in calls]


def on_twilio(at: made.OpenStore, backend: Slow) -> Ended:
    """Run calls over web requests to the application that `serve` runs."""
    with TestClient(made.app(at, backend)) as client, ThreadPoolExecutor(CALLS) as callers:

        def send(request: WebRequest) -> made.Got:
            query = f"?{request.query}" if request.query else ""
            path, headers = f"/twilio{request.path}{query}", dict(request.headers)
            got = client.post(path, content=request.body, headers=headers)
            return made.Got(got.status_code, got.text)

        def one(number: int) -> tuple[str, str]:
            told = WebCall(over(number)).run(send)
            return told["disposition"], told["reason"]

        return list(callers.map(one, range(CALLS)))


WAYS: dict[str, Callable[[made.OpenStore, Slow], Ended]] = {
    "blocking": blocking,
    "asyncio": on_asterisk,
    "web": on_twilio,
}


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("way", WAYS)
def test_busy(folder: Path, way: str, store: str):
    """No one hears that the service is down because there are too many requests at once."""
    url = f"sqlite:///{folder / 'record.db'}" if store == "sqlite" else None
    service = slow_town(CALLS)
    with made.kept(url) as at:
        ended = WAYS[way](at, service)
    assert Counter(ended) == {("enrolled", "none"): CALLS}
    assert len(service.service.emails) == CALLS
