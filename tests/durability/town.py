"""A biller with as many customers as needed, and the service and the calls of its line."""

import enum
import io
import mmap
import os
import random
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal
from functools import cache

from attrs import evolve, frozen

from paperless_ivr import secret
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cli.setups import demo_connection, demo_policy
from paperless_ivr.clock import utc_now
from paperless_ivr.cloudivr import seed as seeds
from paperless_ivr.cloudivr.database import opened, prepare
from paperless_ivr.cloudivr.serving import running
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Handback, Identity, Moment, Payment
from paperless_ivr.flow.policy import AutoPay
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.terminal import TerminalGateway, tokens
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.sql import Database, Store
from paperless_ivr.records.sql.store import vault_for
from paperless_ivr.secret import Secret
from tests.counts import heavy

TERMS = "Each bill is paid on its due date. Call us to stop."
POLICY = evolve(
    demo_policy(),
    autopay=AutoPay(offer=True, terms={"en-US": TERMS, "es-US": TERMS}),
    text=evolve(demo_policy().text, after_enrolment=tuple(Moment)),
)
"""The policy as shipped, with AutoPay."""
WORDS = Catalog.of(POLICY)
FLOW = Flow(Terms(POLICY))

KILLS = int(os.environ.get("PAPERLESS_IVR_KILLS") or heavy(20, 300))
CUSTOMERS = 10 * KILLS


class Way(enum.Enum):
    """What a customer does, and the keys for it."""

    ENROLLS = "1 {last_four}# 1"
    HAS_PAID = "1 1 1"
    """Enrolls, and agrees to AutoPay."""
    GOES_BACK = "1 {last_four}# 1 1"
    """Was paperless, and wants paper again."""


WAYS = (Way.ENROLLS, Way.HAS_PAID, Way.ENROLLS, Way.GOES_BACK)


def way(number: int) -> Way:
    """Return what a customer of the town does."""
    return WAYS[number % len(WAYS)]


Counts = Callable[[str], None]
"""Reports what a run has counted. It is printed after all tests are done."""


@frozen
class Town:
    """The databases of a run, and the address of the service."""

    service: str
    record: str
    port: int


def account(number: int) -> str:
    """Return the account of a customer."""
    return f"30{number:06}"


def phone(number: int) -> str:
    """Return the telephone number of a customer."""
    return f"+1217{2000000 + number}"


def customer_id(number: int) -> int:
    """Return the service's identifier of a customer."""
    return 500000 + number


def email(number: int) -> Secret:
    """Return the address of a customer, on file and with the payment."""
    return secret.email(f"customer.{number}@example.com")


def payment_guid(number: int) -> Secret:
    """Return the service's identifier of a customer's payment."""
    return secret.payment(f"00000000-0000-4000-9000-{number:012}")


def invoice(number: int) -> Secret:
    """Return the number of a customer's only bill."""
    return secret.invoice(f"{number:06}01")


def plant(database_url: str, customers: int, *, some_paperless: bool = False) -> None:
    """Create the service's database, with a town of customers who have one water bill each.

    `some_paperless`: those who go back to paper (`way`) are paperless.
    """
    planted = seeds.load()
    springfield, *others = planted.billers
    model = springfield.customers[0]
    town = tuple(
        _customer(model, number, paperless=some_paperless and way(number) is Way.GOES_BACK)
        for number in range(customers)
    )
    billers = (evolve(springfield, customers=town), *others)
    engine = opened(database_url)
    prepare(engine, evolve(planted, billers=billers))
    engine.dispose()


def _customer(model: seeds.Customer, number: int, *, paperless: bool) -> seeds.Customer:
    return evolve(
        model,
        handle=f"c{number}",
        id=secret.customer(str(customer_id(number))),
        account=secret.account(account(number)),
        name=secret.name(f"Customer {number}"),
        email=email(number),
        phone=secret.phone(phone(number)),
        bills=(
            evolve(
                model.bills[0],
                paperless=paperless,
                number=invoice(number),
                amount=Decimal("12.50"),
                due=date(2026, 12, 15),
            ),
        ),
        payment=evolve(
            model.payment,
            guid=payment_guid(number),
            email=email(number),
            invoice=invoice(number),
        ),
    )


def free_port() -> int:
    """Return a port that no one listens on, and that no client gets in the meantime (Linux)."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def free_ports(number: int) -> set[int]:
    """Return several such ports."""
    found: set[int] = set()
    while len(found) < number:
        found.add(free_port())
    return found


def endpoint(port: int) -> str:
    """Return the address of the service."""
    return f"http://127.0.0.1:{port}/CloudIVR.asmx"


# ── what is killed ───────────────────────────────────────────────────────────────────────


@frozen
class Counter:
    """A number that all processes increment, and that no kill can reset."""

    shared: mmap.mmap

    @classmethod
    def new(cls) -> "Counter":
        """Start at 0, shared with every process that is forked from now on."""
        return cls(mmap.mmap(-1, 8))

    def up(self, most: int, step: int = 1, first: int = 0) -> Iterator[int]:
        """Increment, one process at a time. Yields every `step`-th number from the first."""
        while (number := first + step * self.value) < most:
            self.shared[:8] = struct.pack("q", self.value + 1)
            yield number

    @property
    def value(self) -> int:
        """The current count."""
        (number,) = struct.unpack("q", self.shared[:8])
        return int(number)


def forked(act: Callable[[], None]) -> int:
    """Run something in a child process, which then exits. Returns its number."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            act()
            status = 0
        except Exception:  # noqa: BLE001 - nobody else tells of it
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    return pid


def kill(pid: int) -> bool:
    """Kill a child at once. Tell whether it was still there."""
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


@cache
def asking(port: int) -> SoapBackend:
    """Return a back end without open connections: faster to create before forking."""
    return SoapBackend(demo_connection(endpoint(port)))


def take_calls(port: int, record_url: str, callers: Iterator[int]) -> None:
    """Take calls, one customer after another, until killed or until there are no more."""
    backend = asking(port)
    database = Database(record_url, POLICY.budgets.record)
    with Store(database, vault_for(record_url), utc_now) as store:
        for number in callers:
            if not call(backend, store, number).consents:
                time.sleep(0.01)  # do not ask a service that is down a hundred times a second


def call(backend: SoapBackend, store: Store, number: int) -> Handback:
    """Run one customer's call."""
    coming = Arrival(
        call_id=f"call-{number}",
        biller=POLICY.biller.id,
        moment=Moment.START,
        ani=secret.phone(phone(number)),
        language="en-US",
    )
    if way(number) is Way.HAS_PAID:
        coming = has_paid(coming, number)
    script = tokens(way(number).value.format(last_four=account(number)[-4:]))
    driver = Driver(Setup(FLOW, WORDS, backend, store))
    return driver.converse(TerminalGateway(WORDS, io.StringIO(), None, script), coming)


def has_paid(coming: Arrival, number: int) -> Arrival:
    """Return what the host hands over after a customer's payment."""
    its = secret.account(account(number))
    payment = Payment(
        payment_guid(number),
        approved=True,
        email=email(number),
        account=its,
        invoice=invoice(number),
    )
    return evolve(
        coming,
        moment=Moment.AFTER_PAYMENT,
        identity=Identity.ACCOUNT_KEYED,
        account=its,
        payment=payment,
    )


def serve(database_url: str, port: int) -> None:
    """Run the service until killed."""
    with running(database_url, seed=False, port=port, daily_messages=1000):
        signal.pause()


@contextmanager
def serving(town: Town) -> Iterator[None]:
    """Run the service in its own process."""
    service = forked(lambda: serve(town.service, town.port))
    try:
        until_it_answers(town.port)
        yield
    finally:
        kill(service)


def answers(port: int) -> bool:
    """Tell whether someone listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until_it_answers(port: int) -> None:
    """Wait for a service that was started."""
    until(lambda: answers(port))


def until(holds: Callable[[], bool]) -> None:
    """Wait until something is true, for at least five minutes."""
    for _ in range(60_000):
        if holds():
            return
        time.sleep(0.005)
    raise TimeoutError
