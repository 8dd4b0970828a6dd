"""Callers on Twilio whose requests reach several workers, two at once, and late again."""

import http.client
import json
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from attrs import asdict, define, evolve, field, frozen

from paperless_ivr import secret
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cli.logs import configure
from paperless_ivr.cli.serve import serve
from paperless_ivr.cli.setups import demo_connection, demo_policy
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.drive.web import WebDriver
from paperless_ivr.flow.events import CallerEvent, Digits, Ended, HungUp, NoInput
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Handback, Moment
from paperless_ivr.flow.policy import Budgets
from paperless_ivr.flow.turns import Gather, Turn
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.port import WebRequest
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.records.sql import Store, open_store
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import HangUp, Press
from paperless_ivr.web import Meters
from tests.durability.town import (
    CUSTOMERS,
    WORDS,
    Counter,
    Town,
    account,
    endpoint,
    has_paid,
    phone,
)

PATIENT = evolve(
    demo_policy(),
    offer=evolve(demo_policy().offer, one_question=()),
    text=evolve(demo_policy().text, after_enrolment=tuple(Moment)),
    budgets=Budgets(read=8.0, write=8.0, record=2.0),
)
FLOW = Flow(Terms(PATIENT))
KEY = secret.credential("0123456789abcdef")
GATEWAY = TwilioGateway(
    WORDS,
    PATIENT.biller.id,
    secret.credential("auth token"),
    "https://ivr.example.com/twilio",
    "https://host.example.com/voice",
    KEY,
)

ON_HOOK = "h"
WAYS = {
    "enrolls": "1 {last_four} 1",
    "slips, then enrolls": "1 {wrong} {last_four} 1",
    "declines when asked to agree": "1 {last_four} 2",
    "presses another key": "7",
    "has paid, enrolls, wants a text": "1 1 1",
    "hangs up before the yes": "1 {last_four} h",
    "hangs up after the yes": "1 {last_four} 1 h",
    "says nothing": "",
}
"""What callers do, question by question. The fourth and the eighth may already be paperless."""

AT_ONCE = 8
ANYBODY = 3000
"""How often a request is retried until someone answers it."""
DOCUMENTS_AT_MOST = 100
STILL = "We're still working on it. Thank you for waiting."


def keys_of(number: int) -> list[str]:
    """Return a customer's keys. After the last one, the customer is silent."""
    digits = account(number)[-4:]
    wrong = f"{(int(digits) + 1) % 10_000:04}"
    return WAYS[way(number)].format(last_four=digits, wrong=wrong).split()


def way(number: int) -> str:
    """Return what a customer does."""
    return list(WAYS)[number % len(WAYS)]


def call_id(number: int) -> str:
    """Return Twilio's identifier of a customer's call."""
    return f"CA{number:032}"


def arrival(number: int) -> Arrival:
    """Return what the host hands over."""
    coming = Arrival(
        call_id(number), PATIENT.biller.id, ani=secret.phone(phone(number)), language="en-US"
    )
    return has_paid(coming, number) if way(number).startswith("has paid") else coming


# ── on a held channel ──


@define
class Held:
    """The caller on a held channel."""

    keys: list[str]

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Do the next thing."""
        if self.keys and self.keys[0] == ON_HOOK:
            return HungUp()
        if not isinstance(turn.then, Gather):
            return None
        pressed = self.keys.pop(0) if self.keys else ""
        return Digits(secret.keys(pressed), Ended.FULL) if pressed else NoInput()


def held(town: Town, number: int) -> Handback:
    """Return how a customer's call goes in the blocking loop."""
    with open_store(town.record, budget=30.0) as store:
        setup = _setup(town, store)
        driver = Driver(setup)
        return driver.converse(Held(keys_of(number)), arrival(number))


def _setup(town: Town, store: Store) -> Setup:
    backend = SoapBackend(demo_connection(endpoint(town.port)))
    return Setup(FLOW, WORDS, backend, store, at_once=AT_ONCE)


# ── over web requests ──


def work(town: Town, port: int) -> None:
    """Answer requests as a worker, until killed."""
    configure()
    with open_store(town.record, budget=30.0) as store:
        documents = WebDriver(_setup(town, store), GATEWAY, KEY)
        serve(documents, Meters(), port=port, threads=2 * AT_ONCE)


@frozen
class Got:
    """The result of a request at one worker. Status 0: it was not there. 1: it did not answer."""

    status: int
    document: str = ""


NOBODY, LOST = Got(0), Got(1)


def ask(port: int, request: WebRequest) -> Got:
    """Send a request to a worker."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        line.connect()
    except OSError:
        return NOBODY
    query = f"?{request.query}" if request.query else ""
    try:
        line.request("POST", f"/twilio{request.path}{query}", request.body, dict(request.headers))
        got = line.getresponse()
        return Got(got.status, got.read().decode())
    except (OSError, http.client.HTTPException):
        return LOST
    finally:
        line.close()


@define
class Told:
    """What is known about a call that is over."""

    number: int
    requests: int = 0
    late: int = 0
    repeated: int = 0
    broken: int = 0
    """Requests that a worker accepted but did not answer, or not in time."""
    odd: list[int] = field(factory=list)
    """Statuses that no request from Twilio should get."""
    disposition: str | None = None
    reason: str | None = None
    """The reason in what the host got back."""


@define
class Delivery:
    """Sends the requests of a call to random workers: each to two at once, and one late."""

    ports: Sequence[int]
    told: Told
    chance: random.Random
    sent: list[WebRequest] = field(factory=list)
    pool: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(3))

    def __call__(self, request: WebRequest) -> str:
        """Return the document from one of those who answer. If no one does, send it again."""
        self.told.requests += 1
        for _ in range(ANYBODY):
            answers = [got for got in self._deliver(request) if got not in (NOBODY, LOST)]
            if answers:
                self.sent.append(request)
                return self.chance.choice(answers).document
            self.told.repeated += 1
            time.sleep(0.05)
        raise TimeoutError

    def _deliver(self, request: WebRequest) -> list[Got]:
        requests = [request, request]
        if self.sent and request.path != "/status":  # a forgotten call could be handed over again
            requests.append(self.chance.choice(self.sent))
            self.told.late += 1
        ports = self.chance.sample(self.ports, len(requests))
        got = list(self.pool.map(ask, ports, requests))
        self.told.broken += got.count(LOST) + sum(STILL in one.document for one in got)
        self.told.odd += [one.status for one in got if one.status not in (0, 1, 200, 204)]
        return got[:2]


def call(number: int, ports: Sequence[int]) -> Told:
    """Run one customer's call over web requests."""
    told, keys = Told(number), keys_of(number)
    runtime = SimulatedTwilio(GATEWAY, call_id(number))
    post = Delivery(ports, told, random.Random(number))
    with post.pool:
        document = post(runtime.begins(arrival(number)))
        for _ in range(DOCUMENTS_AT_MOST):
            prompts = document.count("<Say")
            if keys and keys[0] == ON_HOOK:
                runtime.caller.plan(HangUp(at=0 if prompts else None), prompts=prompts)
            elif keys and 'actionOnEmptyResult="true"' in document:
                runtime.caller.plan(Press(keys.pop(0)), prompts=prompts)
            else:
                runtime.caller.plan(prompts=prompts)
            request = runtime.follow(document)
            if request is None:
                told.disposition = runtime.handed_back["disposition"]
                told.reason = runtime.handed_back["reason"]
                return told
            document = post(request)
            if request.path == "/status":
                return told
    raise TimeoutError


def call_on(
    ports: Sequence[int], begun: Counter, whole: Counter, stop: Path, told_in: Path
) -> None:
    """Have many customers call at once until the file `stop` exists, then write what is known.

    `whole` counts the calls that were not broken.
    """
    numbers, lock = begun.up(CUSTOMERS - len(WAYS)), Lock()

    def one_after_the_other(_: int) -> list[Told]:
        told = []
        while not stop.exists():
            with lock:
                number = next(numbers)
            told.append(call(len(WAYS) + number, ports))
            if not told[-1].broken:
                with lock:
                    next(whole.up(CUSTOMERS))
        return told

    with ThreadPoolExecutor(AT_ONCE) as pool:
        each = list(pool.map(one_after_the_other, range(AT_ONCE)))
    told_in.write_text(json.dumps([asdict(one) for told in each for one in told]))


def told_by(file: Path) -> list[Told]:
    """Return what callers have written."""
    return [Told(**one) for one in json.loads(file.read_text())]
