"""The effort of a call, in keys and seconds, for each path through a flow.

The paths are found by searching the flow itself, with a working service and record, for the
cheapest path to each ending with each source of an address. Each path is measured for three
callers. The first knows the menus and presses each key as soon as it counts, and therefore
hears only what cannot be skipped. The second hears every prompt to its end. The third also waits at
each question until just before the wait for a key times out.

Seconds are calculated from the number of words at a given rate, plus half a second for each key
and each question. Time spent waiting for the service is left out.
"""

import heapq
from collections.abc import Iterator, Sequence
from itertools import count

from attrs import evolve, frozen

from paperless_ivr.backends.demo import BILLER, customer
from paperless_ivr.flow.call import Source
from paperless_ivr.flow.events import (
    Accepted,
    Customer,
    CustomersFound,
    Digits,
    Ended,
    Event,
    InvoiceChecked,
    RequestDeferred,
    Screened,
    TransferEnded,
    TransferResult,
    TryReserved,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Identity, Moment, Payment
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.requests import Write
from paperless_ivr.flow.states import State
from paperless_ivr.flow.turns import Gather, Prompt, Return, Turn
from paperless_ivr.keypad import on_keys
from paperless_ivr.prompts import Catalog, said
from paperless_ivr.proof.exploration import World, alphabet, shape
from paperless_ivr.secret import credential, keys

WORDS_A_MINUTE = 150
"""The intended speaking rate of prompts, in words per minute."""
KEY_S = 0.5
"""Seconds for each key, and for each question before its first key."""

ADDRESS = "jane.rivera"
"""The local part that the caller spells. Its length is typical."""
OTHERWISE = (TransferEnded(TransferResult.BUSY), Screened(last=Disposition.DECLINED, days=0))
"""Events that do not count as going well: no agent is free, or the caller was just asked."""

GOES_WELL = (
    Accepted,
    CustomersFound,
    Digits,
    InvoiceChecked,
    Screened,
    TransferEnded,
    TryReserved,
    RequestDeferred,
)
"""Events of a call in which everything works and the caller makes no mistakes."""


@frozen
class Start:
    """The beginning of a call, and the customer that the service finds."""

    name: str
    arrival: Arrival
    customer: Customer


@frozen
class Cost:
    """The number of keys, and the seconds for each of the three callers."""

    keys: int
    knows: float
    hears: float
    slow: float


@frozen
class Way:
    """The cheapest path from a start to an ending, with an address from one source."""

    start: str
    ending: Disposition
    address: Source | None
    """The source of the address, or None if none was used."""
    registered: Cost | None
    """The cost until the service accepts the registration, or the texted link that starts it.

    None if neither was requested.
    """
    whole: Cost
    """The cost until the call goes back to the host."""


def starts(policy: Policy, language: str) -> tuple[Start, ...]:
    """Return starts for callers with one bill, by how they are identified and what is on file.

    The policy must make an offer at some moment. The host hands the calls over before a payment
    or, if the policy makes no offer then, at the first moment at which it makes one. After a
    payment, the host hands over the payment, but not which account it was for.
    """
    on_file, nothing = _billed(policy, customer("rivera")), _billed(policy, customer("chen"))
    moments = policy.offer.moments
    moment = Moment.BEFORE_PAYMENT if Moment.BEFORE_PAYMENT in moments else moments[0]
    paid = Payment(credential("payment"), approved=True) if moment is Moment.AFTER_PAYMENT else None
    arrival = Arrival("c", BILLER, moment, language=language, person_available=True, payment=paid)
    vouched = evolve(arrival, account=on_file.account, identity=Identity.ACCOUNT_KEYED)
    return (
        Start("vouched for", vouched, on_file),
        Start("known by caller ID", evolve(arrival, ani=on_file.phone), on_file),
        Start("account keyed", arrival, on_file),
        Start("known by caller ID, no e-mail on file", evolve(arrival, ani=nothing.phone), nothing),
    )


def _billed(policy: Policy, who: Customer) -> Customer:
    """Return the customer with a single bill, of a type that the policy covers."""
    kind = next(iter(policy.bills.eligible or ()), who.invoices[0].type)
    return evolve(who, invoices=(evolve(who.invoices[0], type=kind),))


def ways(flow: Flow, start: Start, words: Catalog, rate: int = WORDS_A_MINUTE) -> tuple[Way, ...]:
    """Return the cheapest path to each ending with each source of an address, cheapest first."""
    meter = Meter(words, rate)
    world = World(start.name, (start.customer,))
    found: dict[tuple[Disposition, Source | None], Way] = {}
    for path in _cheapest(flow, flow.begin(start.arrival), world, meter):
        accepted = next((n for n, step in enumerate(path) if _accepted(step)), None)
        last = path[-1].turn
        assert isinstance(last.then, Return)
        ending = last.then.handback.disposition
        address = None if accepted is None else path[accepted].turn.call.contact.source
        if (ending, address) not in found:
            registered = None if accepted is None else meter.cost(path[: accepted + 1])
            way = Way(start.name, ending, address, registered, meter.cost(path))
            found[ending, address] = way
    return tuple(found.values())


@frozen
class Step:
    """A turn, and the event that happens at it."""

    turn: Turn
    event: Event | None


Path = Sequence[Step]


def _cheapest(flow: Flow, start: Turn, world: World, meter: "Meter") -> Iterator[Path]:
    """Yield paths to the ends of a call, cheapest first (Dijkstra's algorithm)."""
    order = count()
    heap: list[tuple[float, int, Turn, tuple[Step, ...]]] = [(0.0, next(order), start, ())]
    seen: set[object] = set()
    while heap:
        cost, _, turn, path = heapq.heappop(heap)
        if isinstance(turn.then, Return):
            yield (*path, Step(turn, None))
            continue
        if shape(turn.call) in seen:
            continue
        seen.add(shape(turn.call))
        for event in _that_goes_well(flow, turn, world):
            step = Step(turn, event)
            after = flow.advance(turn.call, event)
            if after.call.state is turn.call.state:
                continue  # the question is asked again, which is no progress
            more = meter.hears(step)
            heapq.heappush(heap, (cost + more, next(order), after, (*path, step)))


def _that_goes_well(flow: Flow, turn: Turn, world: World) -> Iterator[Event]:
    if turn.call.state is State.EMAIL_LOCAL:
        yield Digits(keys(on_keys(ADDRESS)), Ended.END_KEY)
        return
    if turn.call.state in (State.EMAIL_DOMAIN, State.EMAIL_READBACK):
        yield Digits(keys("1"))  # choose a listed provider, or confirm the address
        return
    for event in alphabet(flow, turn, world):
        well = isinstance(event, GOES_WELL) and event not in OTHERWISE
        if well and not (isinstance(event, Digits) and _too_early(event)):
            yield event


def _too_early(event: Digits) -> bool:
    """Return whether keys interrupt a prompt or end in a pause."""
    return event.interrupted is not None or event.ended is Ended.TIMEOUT


@frozen
class Meter:
    """A meter for the effort of steps, in the language of the call."""

    words: Catalog
    rate: int

    def cost(self, path: Path) -> Cost:
        """Return the cost of a path."""
        return Cost(
            sum(map(pressed, path)),
            *(round(sum(map(each, path)), 1) for each in (self.knows, self.hears, self.slow)),
        )

    def knows(self, step: Step) -> float:
        """Return the seconds for a caller who knows the menus and skips what can be skipped."""
        gathers = isinstance(step.turn.then, Gather)
        must = [prompt for prompt in step.turn.say if prompt.must_hear or not gathers]
        return self._spoken(step.turn, must) + self._pressing(step)

    def hears(self, step: Step) -> float:
        """Return the seconds for a caller who hears every prompt to its end."""
        return self._spoken(step.turn, step.turn.say) + self._pressing(step)

    def slow(self, step: Step) -> float:
        """Return the seconds for a caller who hears every prompt and nearly times out."""
        then = step.turn.then
        waits = then.first_key_wait if isinstance(then, Gather) else 0.0
        return self.hears(step) + waits

    def _spoken(self, turn: Turn, prompts: Sequence[Prompt]) -> float:
        assert turn.call.language  # every start sets a language
        text = said(prompts, turn.call.language, self.words)
        return len(text.split()) * 60 / self.rate

    def _pressing(self, step: Step) -> float:
        asked = isinstance(step.turn.then, Gather)
        return KEY_S * (asked + pressed(step))


def pressed(step: Step) -> int:
    """Return how many keys are pressed at a step, including the end key if the entry needs it."""
    then = step.turn.then
    if not isinstance(step.event, Digits) or not isinstance(then, Gather):
        return 0
    keyed = len(step.event.keys)
    return keyed + (step.event.ended is Ended.END_KEY and keyed < then.max_keys)


def _accepted(step: Step) -> bool:
    asked = isinstance(step.turn.then, Write)
    return asked and isinstance(step.event, Accepted)
