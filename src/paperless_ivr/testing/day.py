"""A seeded day of calls: made-up customers, unpredictable callers, and a service that can fail.

The same seed always produces the same calls. They run on the blocking driver, with any record.
Tests use the resulting history to check the counts in reports. All personal data is made up.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count

from attrs import define, evolve, field, frozen

from paperless_ivr import secret
from paperless_ivr.backends.memory import Books, Fault, MemoryBackend, Paid
from paperless_ivr.backends.port import Backend
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.recorder import OFFERS
from paperless_ivr.drive.runner import Observer, Setup
from paperless_ivr.flow.events import (
    Accepted,
    CallerEvent,
    Customer,
    Digits,
    Ended,
    EndedBy,
    HungUp,
    Invoice,
    NoInput,
    Refusal,
    ServiceAnswer,
    TransferEnded,
    TransferResult,
    Unavailable,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import (
    Arrival,
    Disposition,
    Handback,
    Identity,
    Intent,
    Moment,
    Payment,
)
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.states import State
from paperless_ivr.flow.turns import Gather, Transfer, Turn
from paperless_ivr.flow.view import Terms
from paperless_ivr.keypad import last_four, on_keys
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.port import (
    ActivityType,
    Ledger,
    PendingWrite,
    SessionStore,
    Task,
    WorkItem,
    task_of,
)
from paperless_ivr.testing.contracts.bench import Bench, Clock

BILLER = "springfield-water"
OPENS = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
"""The start of the day: 7 a.m. in Chicago. In UTC, the last calls fall on the next date."""
OPEN_FOR = timedelta(hours=16)
TYPES = ("WATER", "SEWER", "GAS")
LANGUAGES = ("en-US",) * 6 + ("es-US",) * 2 + (None,)
DISTURBED = 0.15
"""The probability that a service operation is set to fail just before a hand-over."""

POLICY = Policy(
    biller=evolve(Policy().biller, id=BILLER, name="Springfield Water"),
    bills=evolve(Policy().bills, another=True),
    offer=evolve(Policy().offer, again_after_days={Disposition.DECLINED: 180}),
)


# ── customers ──


def books(chance: random.Random, customers: int) -> Books:
    """Return the service's data: customers with one to three bills each, mostly on paper.

    Each customer has made a payment on their first bill.
    """
    made = tuple(_customer(chance, number) for number in range(customers))
    return Books(
        customers=made,
        payments=tuple(
            Paid(_payment(n), who.id, who.invoices[0].type, who.email) for n, who in enumerate(made)
        ),
        landlines=frozenset(who.phone for who in made if who.phone and chance.random() < 0.1),
    )


def _customer(chance: random.Random, number: int) -> Customer:
    types = chance.sample(TYPES, chance.choice((1, 1, 1, 2, 3)))
    bills = (
        Invoice(
            secret.invoice(f"{7_000_000 + 10 * number + n}"),
            kind,
            Decimal(chance.randrange(1000, 20000)) / 100,
            date(2026, 12, chance.randrange(1, 28)),
            paperless=(state := chance.random()) < 0.1,
            pending=0.1 <= state < 0.2,
        )
        for n, kind in enumerate(types)
    )
    return Customer(
        secret.customer(f"{900_000 + number}"),
        secret.account(f"{20_000_000 + 37 * number}"),
        tuple(bills),
        email=secret.email(f"pat.{number}@example.com") if chance.random() < 0.8 else None,
        phone=secret.phone(f"+1217555{number:04}") if chance.random() < 0.9 else None,
    )


def _payment(number: int) -> secret.Secret:
    return secret.payment(f"0f7a2b1c-9d3e-4c1a-8b5f-{number:012}")


# ── callers ──


@frozen
class Somebody:
    """A session gateway with a simulated caller who usually follows the prompts."""

    chance: random.Random
    who: Customer
    flow: Flow

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:  # noqa: ARG002 - a port
        """Return what the caller does in this turn."""
        match turn.then:
            case Transfer():
                return TransferEnded(self.chance.choice(tuple(TransferResult)))
            case Gather() as gather:
                return self._gather(gather, turn)
            case _:
                return HungUp() if self.chance.random() < 0.005 else None

    def _gather(self, gather: Gather, turn: Turn) -> CallerEvent:
        whim = self.chance.random()
        if whim < 0.02:
            return HungUp(EndedBy.HOST if whim < 0.005 else EndedBy.CALLER)
        if whim < 0.06:
            return NoInput()
        if whim < 0.1:
            return Digits(secret.keys(""), Ended.END_KEY)
        if whim < 0.16:
            return _typed(gather, self.chance.choice("024579*"))
        return _typed(gather, self._sensible(turn))

    def _sensible(self, turn: Turn) -> str:
        """Return keys that answer the turn's question."""
        options = self.flow.menu(turn.call)
        if turn.call.state in OFFERS:
            return self.chance.choice("1117" if turn.call.state is State.OFFER_AT_START else "1112")
        if not options:
            return self._entry(turn.call.state)
        liked = [o.key for o in options if o.choice not in (Choice.NO, Choice.OTHER, Choice.STOP)]
        every = [option.key for option in options]
        return self.chance.choice(liked if liked and self.chance.random() < 0.85 else every)

    def _entry(self, state: State) -> str:
        mistaken = self.chance.random() < 0.15
        account = "31000000" if mistaken else self.who.account.reveal()
        match state:
            case State.IDENTITY_CHECK:
                return last_four(account)
            case State.PHONE_CAPTURE:
                return f"217555{self.chance.randrange(10_000):04}"
            case State.EMAIL_LOCAL:
                return on_keys("pat" if mistaken else "pat.lee7")
            case State.PHONE_CHECK:
                return last_four(self.who.phone.reveal() if self.who.phone else "0000")
            case State.EMAIL_DOMAIN_ENTRY:
                return on_keys("example.com")
            case State.EMAIL_EXACT:
                return self.flow.terms.pad.code("pat.lee7")
            case State.EMAIL_EXACT_DOMAIN:
                return self.flow.terms.pad.code("example.com")
            case _:
                return account


def _typed(gather: Gather, keys: str) -> Digits:
    keys = keys[: gather.max_keys]
    return Digits(secret.keys(keys), Ended.FULL if len(keys) == gather.max_keys else Ended.END_KEY)


# ── the day ──


@frozen
class Taken:
    """A completed hand-over: the arrival from the host, and the hand-back to it."""

    arrival: Arrival
    handback: Handback


@frozen
class Came:
    """An item of work that a call left unfinished, and its outcome."""

    left: WorkItem
    to: ActivityType | ServiceAnswer
    """The activity that ended the item, or the answer that settled the write."""
    reason: str = ""


@define
class Day:
    """A day of calls to one biller.

    The ledger must be the store's record, and both must use the same clock as the day.
    """

    ledger: Ledger
    store: SessionStore
    clock: Clock
    seed: int = 1
    customers: int = 1200
    backend: MemoryBackend = field(init=False)
    chance: random.Random = field(init=False)
    _names: "count[int]" = field(init=False, factory=count)

    def __attrs_post_init__(self) -> None:
        """Create the service and its customers, and set the clock to the start of the day."""
        self.chance = random.Random(self.seed)  # noqa: S311 - the day must be repeatable
        self.backend = MemoryBackend(books(self.chance, self.customers))
        self.clock.at = OPENS

    def take(
        self, hand_overs: int, backend: Backend | None = None, *observers: Observer
    ) -> Iterator[Taken]:
        """Run the given number of hand-overs, spread over the day. Some calls have two.

        `backend` defaults to the one in this object. To change its behavior, pass a wrapper.
        """
        flow = Flow(Terms(POLICY))
        setup = Setup(
            flow,
            Catalog.of(POLICY),
            backend or self.backend,
            self.store,
            self.clock,
            observers,
            name_handover=lambda: f"h{next(self._names)}",
        )
        driver = Driver(setup)
        before: Arrival | None = None
        for number in range(hand_overs):
            self.clock.at = OPENS + OPEN_FOR * number / hand_overs
            self._disturbed()
            again = before if self.chance.random() < 0.1 else None
            which = self.chance.randrange(self.customers)
            arrival = again or self._arrival(number, which)
            if again is not None:
                arrival = evolve(again, moment=Moment.BEFORE_PAYMENT, payment=None)
            caller = Somebody(self.chance, self.backend.books.customers[which], flow)
            yield Taken(arrival, driver.converse(caller, arrival))
            before = None if again else arrival

    def _arrival(self, number: int, which: int) -> Arrival:
        chance, who = self.chance, self.backend.books.customers[which]
        moment = chance.choice(tuple(Moment))
        known = moment is Moment.AFTER_PAYMENT or chance.random() < 0.3
        payment = Payment(_payment(which), chance.random() < 0.95, who.email, who.account)
        return Arrival(
            f"call-{number}",
            BILLER,
            moment,
            Intent.BACK_TO_PAPER if chance.random() < 0.03 else Intent.ENROLL,
            ani=who.phone if chance.random() < 0.8 else None,
            person_available=chance.random() < 0.4,
            language=chance.choice(LANGUAGES),
            account=who.account if known else None,
            identity=Identity.ACCOUNT_KEYED if known else Identity.NONE,
            payment=payment if moment is Moment.AFTER_PAYMENT else None,
        )

    def _disturbed(self) -> None:
        """Occasionally set a service operation to fail."""
        if self.chance.random() < DISTURBED:
            operation = self.chance.choice(sorted(self.backend.operations))
            how = self.chance.choice((*Fault, *Refusal))
            self.backend.script(operation, how)

    # ── after the calls ──

    def finish(self) -> Iterator[Came]:
        """Finish some of the work that the calls left unfinished, as a relay might."""
        self.clock.at = OPENS + timedelta(days=2)
        bench = Bench(self.ledger, self.clock, BILLER)
        for task in Task:
            while left := bench.claim(task):
                for one in left:
                    if self.chance.random() < 0.7:
                        yield self._finished(one)

    def _finished(self, left: WorkItem) -> Came:
        if isinstance(left, PendingWrite) and self.chance.random() < 0.7:
            answer = self.chance.choice((Accepted(), Unavailable()))
            self.ledger.settle(left.key, answer)
            return Came(left, answer)
        ends = {
            Task.SETTLE: ((ActivityType.GIVEN_UP, "unclear"),),
            Task.COMPLETE: (
                (ActivityType.EXPORTED, ""),
                (ActivityType.GIVEN_UP, "unavailable"),
                (ActivityType.COMPLETED, "pending_already"),
            ),
            Task.FOLLOW: ((ActivityType.COMPLETED, ""),) * 3
            + ((ActivityType.EXPIRED, "not_opened"),),
        }
        how, reason = self.chance.choice(ends[task_of(left)])
        self.ledger.finish(left, "one", how, reason)
        return Came(left, how, reason)
