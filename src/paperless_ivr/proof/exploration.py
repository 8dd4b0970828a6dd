"""The exploration of every possible call, with each move checked against the invariants.

A `Call` is frozen and hashable, so a flow is a finite graph once free text is reduced to classes.
For example, four account numbers stand for everything a caller can key: one that is found, one that
is not, one that is too short, and one that looks like a card. `shape` defines which calls are
equal, and `alphabet` defines what can happen to a call. Both are tested against concrete calls.

The walk uses `flow.live.deliver`, as the drivers do, instead of the flow alone, because only
`deliver` ignores answers that arrive twice or late.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from operator import attrgetter
from typing import TypeGuard, cast

from attrs import AttrsInstance, define, evolve, field, fields, frozen

from paperless_ivr.flow import bills
from paperless_ivr.flow.call import Call, Consent, Entry, Purpose, Results, Spent
from paperless_ivr.flow.events import (
    Accepted,
    Customer,
    CustomersFound,
    Digits,
    Ended,
    Event,
    HungUp,
    InvoiceChecked,
    LimitReached,
    NoInput,
    OutcomeUnknown,
    RecordUnavailable,
    Refusal,
    Refused,
    RequestDeferred,
    Screened,
    TransferEnded,
    TransferResult,
    TryReserved,
    Unavailable,
)
from paperless_ivr.flow.examples import Known
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import BillOutcome, Disposition, Identity, Sent
from paperless_ivr.flow.live import Live, Token, deliver
from paperless_ivr.flow.requests import (
    DeferRequest,
    EnrollInPaperless,
    Guess,
    InvoiceExists,
    ReserveTry,
    Screen,
    SearchByAccountNumber,
    SearchByCustomerPhoneNumber,
    SendWebLink,
    StoreCustomerPaymentMethodV2,
    StoreCustomerPreference,
    Write,
)
from paperless_ivr.flow.states import Kind, Phase
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Gather, Return, Transfer, Turn
from paperless_ivr.flow.view import CallView
from paperless_ivr.keypad import last_star
from paperless_ivr.secret import Secret, keys

Deliver = Callable[[Flow, Live, Token, Event], Live]


@frozen
class World:
    """The customers that the service finds, and the e-mail address that callers spell."""

    name: str
    customers: tuple[Customer, ...]
    spelled_out: bool = False
    """Whether the e-mail entry is walked key by key."""
    local: str = "a"
    domain: str = "a.bc"
    """The domain that callers spell in the e-mail entry, after `local` and the at sign."""

    @property
    def known(self) -> Known:
        """The values that callers can key."""
        return Known(self.customers, self.local, self.domain)


@frozen
class Move:
    """One event delivered to a call."""

    view: CallView
    """The call before the move, with its terms."""
    turn: Turn
    """The turn before the move: what was said, and what the call waited for."""
    event: Event
    next: Turn
    early: bool = False
    """Whether the key was pressed before the turn began."""
    late: bool = False
    """Whether the event was for an earlier turn."""
    sent: frozenset[str] = frozenset()
    """The keys of the writes sent before this move."""
    cleared: frozenset[str] = frozenset()
    """The keys of those writes that a look-up has since shown to have had no effect."""
    tried: Guess | None = None
    """The guess for which the record has reserved a try that has not been used yet."""

    @property
    def minted(self) -> int:
        """The number of consents that the move created."""
        return len(self.next.call.consents) - len(self.turn.call.consents)


# ── what can happen ──────────────────────────────────────────────────────────────────────


def alphabet(flow: Flow, turn: Turn, world: World) -> tuple[Event, ...]:
    """Return one event of each class that can happen at a turn. No one hangs up twice."""
    possible = _possible(flow, turn, world)
    gone = turn.call.results.hung_up
    return tuple(event for event in possible if not (gone and isinstance(event, HungUp)))


def _possible(flow: Flow, turn: Turn, world: World) -> tuple[Event, ...]:
    match turn.then:
        case Gather():
            return (*_keys(flow, turn, world), NoInput(), HungUp())
        case Transfer():
            return (
                TransferEnded(TransferResult.ANSWERED),
                TransferEnded(TransferResult.BUSY),
                HungUp(),
            )
        case Return():
            return ()
        case Screen():
            return (
                Screened(),
                Screened(last=Disposition.DECLINED, days=0),
                RecordUnavailable(),
                HungUp(),
            )
        case ReserveTry():
            return TryReserved(), LimitReached(), RecordUnavailable(), HungUp()
        case DeferRequest():
            return RequestDeferred(), OutcomeUnknown(), RecordUnavailable(), HungUp()
        case SearchByAccountNumber() | SearchByCustomerPhoneNumber():
            down = Unavailable(), Unavailable(answered=True)
            return (*_found(turn.call, world), *down, Refused(Refusal.OTHER), HungUp())
        case InvoiceExists():
            return InvoiceChecked(True), InvoiceChecked(False), Unavailable(), HungUp()
        case SendWebLink():
            return (*_outcomes(Refusal.BAD_PHONE, Refusal.LIMIT), HungUp())
        case StoreCustomerPreference(paperless=False):
            return (*_outcomes(Refusal.OTHER), HungUp())
        case EnrollInPaperless() | StoreCustomerPreference() | StoreCustomerPaymentMethodV2():
            return (
                *_outcomes(
                    Refusal.OTHER, Refusal.ALREADY_PAPERLESS, Refusal.PENDING, Refusal.BAD_EMAIL
                ),
                HungUp(),
            )


def _outcomes(*refusals: Refusal) -> tuple[Event, ...]:
    return (
        Accepted(),
        *(Refused(refusal) for refusal in refusals),
        Unavailable(),
        OutcomeUnknown(),
        RecordUnavailable(),
    )


NOT_FOUND = CustomersFound(())


def _found(call: Call, world: World) -> tuple[Event, ...]:
    """Return possible search results: the customers, the customers with changes, and no one."""
    found = CustomersFound(world.customers)
    if call.state not in CHANGED:
        return found, NOT_FOUND
    changed = _changed(world.customers, call.choosing.type, CHANGED[call.state])
    return found, CustomersFound(changed), NOT_FOUND


CHANGED = {S.ENROLLMENT_CHECK: bills.Status.PENDING, S.LINK_CHECK: bills.Status.PAPERLESS}
"""States whose look-up can show a changed bill status, mapped to the new status."""


@cache
def _changed(customers: tuple[Customer, ...], kind: str, now: bills.Status) -> tuple[Customer, ...]:
    """Return the customers with a new status for their bills of one type."""
    paperless, pending = now is bills.Status.PAPERLESS, now is bills.Status.PENDING
    return tuple(
        evolve(
            customer,
            invoices=tuple(
                evolve(i, paperless=paperless, pending=pending) if i.type == kind else i
                for i in customer.invoices
            ),
        )
        for customer in customers
    )


def _keys(flow: Flow, turn: Turn, world: World) -> Iterator[Event]:
    """Yield keys at a question: each option, 0, `*`, `#`, a wrong key, and keys that come early."""
    state = turn.call.state
    if state in THROUGH and not world.spelled_out:
        yield from THROUGH[state]
        return
    if flow.takes_several_keys(state):
        yield from flow.examples(turn.call, world.known)
        return
    offered = [option.key for option in flow.menu(turn.call)]
    wrong = [key for key in "7654" if key not in offered][:1]
    for key in dict.fromkeys((*offered, "0", "*", *wrong)):
        yield Digits(keys(key))
    yield Digits(keys(""), Ended.END_KEY)
    if any(prompt.must_hear for prompt in turn.say):
        yield from (Digits(keys(key), interrupted=0) for key in offered)
    if state is S.EMAIL_READBACK:
        yield from (Digits(keys("*"), interrupted=n) for n in range(1, len(turn.say)))


THROUGH: Mapping[S, tuple[Digits, ...]] = {
    S.EMAIL_LOCAL: (Digits(keys("2"), Ended.END_KEY), Digits(keys("0"), Ended.END_KEY)),
    S.EMAIL_DOMAIN: (Digits(keys("1")), Digits(keys("9"))),
    S.EMAIL_DOMAIN_ENTRY: (Digits(keys("2*22"), Ended.END_KEY),),
    S.EMAIL_READBACK: (Digits(keys("1")), Digits(keys("1"), interrupted=0)),
}
"""The keys that get through the e-mail entry. A separate walk covers the entry key by key."""


def shape(call: Call) -> tuple[object, ...]:
    """Return everything that decides how a call continues. Calls with equal shapes go the same way.

    Leaves out what was said, and history that is never needed again: earlier consents to the same
    thing, the exact outcome of a text, which tries were reserved, and tries at questions that are
    not asked again. If a call has ended, leaves out everything except how it ended.
    """
    results = call.results
    outcomes = tuple(_of_outcome(outcome) for outcome in results.outcomes)
    if call.state.kind is Kind.END:
        return call.host, call.state, outcomes, results.hung_up
    latest = {consent.purpose: consent for consent in call.consents}
    return (
        *_of_call(call),
        *_of_spent(call.spent),
        (call.spent.accounts, call.spent.last_four)
        if call.identity < Identity.LAST_FOUR_KEYED
        else (),
        *_of_entry(_spelled_alike(call.entry)),
        *_of_results(results),
        call.ringing if call.state.phase is Phase.AGENT else None,
        tuple(_unnamed(latest[purpose]) for purpose in Purpose if purpose in latest),
        outcomes,
        _over(results.text),
        _over(results.autopay),
    )


def _all_but(kind: type[AttrsInstance], *left_out: str) -> Callable[[object], tuple[object, ...]]:
    """Return a function that gets all fields except `left_out`, even fields added later."""
    names = (each.name for each in fields(kind) if each.name not in left_out)
    return cast(Callable[[object], tuple[object, ...]], attrgetter(*names))


_of_call = _all_but(Call, "lead", "spent", "reserved", "entry", "ringing", "consents", "results")
_of_spent = _all_but(Spent, "accounts", "last_four")
_of_entry = _all_but(Entry, "more_time")
_of_results = _all_but(Results, "outcomes", "text", "autopay", "reason", "greeted")
_of_outcome = _all_but(BillOutcome, "consent")


def _spelled_alike(entry: Entry) -> Entry:
    """Return an entry with an `a` for each letter and digit, unless its address is guessed."""
    if entry.pressed or (entry.local is None and entry.domain is None):
        return entry
    return evolve(entry, local=_alike(entry.local), domain=_alike(entry.domain))


def _alike(text: Secret | None) -> Secret | None:
    return Secret(re.sub("[a-z0-9]", "a", text.reveal())) if text else text


@cache
def _unnamed(consent: Consent) -> Consent:
    """Return a consent without its unique reference."""
    return evolve(consent, reference="")


def _over(sent: Sent) -> Sent:
    """Reduce the status of a text or AutoPay to what matters: not asked yet, done, or over."""
    return sent if sent in (Sent.NOT_ASKED, Sent.DONE) else Sent.DECLINED


# ── the walk ─────────────────────────────────────────────────────────────────────────────


@frozen
class _Place:
    """A turn on the walk, and the keys of the writes sent and cleared before it."""

    view: CallView
    turn: Turn
    sent: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()
    tried: Guess | None = None
    node: tuple[object, ...] = field(init=False, eq=False)
    """The key for comparing places: shape, consents acted on, consents cleared, and reserved
    try."""

    @node.default
    def _make_node(self) -> tuple[object, ...]:
        call = self.turn.call
        latest = {consent.purpose: consent.reference for consent in call.consents}
        return (
            shape(call),
            frozenset(p for p, reference in latest.items() if reference in self.sent),
            frozenset(p for p, reference in latest.items() if reference in self.cleared),
            self.tried,
        )

    @classmethod
    def of(
        cls,
        flow: Flow,
        turn: Turn,
        sent: frozenset[str] = frozenset(),
        cleared: frozenset[str] = frozenset(),
        tried: Guess | None = None,
    ) -> "_Place":
        """Return the place of a turn on the walk."""
        return cls(CallView(turn.call, flow.terms), turn, sent, cleared, tried)


@frozen
class Counterexample:
    """A call that breaks an invariant."""

    invariant: str
    problem: str
    path: tuple[Move, ...] = field(repr=False)


@define
class Walk:
    """The result of a walk."""

    calls: int = 0
    moves: int = 0
    ends: int = 0
    took: set[str] = field(factory=set, repr=False)
    reached: dict[S, Turn] = field(factory=dict, repr=False)
    """The first turn found in each state."""
    found: list[Counterexample] = field(factory=list)

    def add(self, other: "Walk") -> None:
        """Add the result of another walk."""
        self.calls += other.calls
        self.moves += other.moves
        self.ends += other.ends
        self.took |= other.took
        self.reached = other.reached | self.reached
        self.found += other.found


Invariant = Callable[[Flow, Move], str | None]
"""A function that returns what is wrong with a move, or None."""


def walk(  # noqa: PLR0913 - each is a separate option of the walk
    flow: Flow,
    start: Turn,
    world: World,
    invariants: Mapping[str, Invariant],
    *,
    deliver: Deliver = deliver,
    inside: Callable[[Move], bool] = lambda _: True,
    found_at_most: int = 1,
) -> Walk:
    """Walk every call that can follow from a turn in a world, depth first.

    Moves for which `inside` is False are checked against the invariants, but not followed. The
    walk stops after `found_at_most` counterexamples. A call that returns to an earlier place
    might never end, which breaks the invariant "every call ends."
    """
    seen = Walk(calls=1)
    first = _Place.of(flow, start, tried=GUESSED.get(start.call.state))
    seen.reached[start.call.state] = start
    seen.took.update(first.turn.took)
    numbers = {first.node: 0}
    under_way = {0}
    path: list[Move] = []
    stack = [(0, _moves(flow, first, world, deliver))]
    while stack and len(seen.found) < found_at_most:
        here, moves = stack[-1]
        step = next(moves, None)
        if step is None:
            stack.pop()
            under_way.remove(here)
            if path:
                path.pop()
            continue
        move, place = step
        seen.moves += 1
        seen.took.update(move.next.took)
        for name, invariant in invariants.items():
            problem = invariant(flow, move)
            if problem:
                seen.found.append(Counterexample(name, problem, (*path, move)))
        number = numbers.setdefault(place.node, seen.calls)
        if number in under_way and not move.late:
            again = f"the call is back at {move.next.call.state.name}, with nothing changed"
            seen.found.append(Counterexample("every call ends", again, (*path, move)))
        if number < seen.calls:
            continue
        seen.calls += 1
        seen.reached.setdefault(move.next.call.state, move.next)
        if isinstance(move.next.then, Return) or not inside(move):
            seen.ends += 1
            continue
        under_way.add(number)
        path.append(move)
        stack.append((number, _moves(flow, place, world, deliver)))
    return seen


def _moves(
    flow: Flow, place: _Place, world: World, deliver: Deliver
) -> Iterator[tuple[Move, _Place]]:
    """Yield every move from a place: each event on time, and each key also early and late.

    A key pressed ahead is delivered like one pressed in time, so its result is computed only
    once, and it is a separate move only if it gives a consent. A late key that changes nothing
    is not a move.
    """
    turn = place.turn
    live = Live(turn, 2)
    now, late = live.token, Token(live.token.call_id, 1)
    asked = isinstance(turn.then, Gather)
    ahead = isinstance(turn.then, Gather) and turn.then.type_ahead

    for event in alphabet(flow, turn, world):
        after = deliver(flow, live, now, event).turn
        move = _answer(place, event, after)
        there = _Place.of(flow, after, *writes(move), tries(move))
        yield move, there
        if not asked or not isinstance(event, Digits) or event.interrupted is not None:
            continue
        if ahead and move.minted:
            yield evolve(move, early=True), there
        after = deliver(flow, live, late, event).turn
        if after is not turn:
            moved = _answer(place, event, after, late=True)
            yield moved, _Place.of(flow, after, *writes(moved), tries(moved))


def _answer(place: _Place, event: Event, after: Turn, *, late: bool = False) -> Move:
    history = place.sent, place.cleared, place.tried
    return Move(place.view, place.turn, event, after, False, late, *history)


def writes(move: Move) -> tuple[frozenset[str], frozenset[str]]:
    """Return the keys of the writes sent so far, including this move's, and of those cleared."""
    request, sent, cleared = move.turn.then, move.sent, move.cleared
    if move.late or isinstance(move.event, HungUp):
        return sent, cleared
    if is_write(request):
        return sent | {request.key}, cleared - {request.key}
    if move.turn.call.state is S.ENROLLMENT_CHECK and _shows_absent(move):
        return sent, cleared | {move.turn.call.consents[-1].reference}
    return sent, cleared


def _shows_absent(move: Move) -> bool:
    """Return whether a look-up shows that the bill of the latest consent is on paper."""
    agreed = move.turn.call.consents[-1]
    if not isinstance(move.event, CustomersFound):
        return False
    there = tuple(
        invoice
        for customer in move.event.customers
        for invoice in customer.invoices
        if customer.id == agreed.customer and invoice.type == agreed.invoice_type
    )
    return bool(there) and bills.status(there) is bills.Status.PAPER


GUESSED: Mapping[S, Guess] = {
    S.ACCOUNT_ENTRY: Guess.ACCOUNT,
    S.IDENTITY_CHECK: Guess.LAST_FOUR,
    S.NUMBER_CHECK: Guess.NUMBER,
    S.PHONE_CHECK: Guess.PHONE,
}
"""Questions with answers that a stranger could guess, and the kind of guess."""
_LIMITS = (
    S.BEFORE_OFFER_LIMIT,
    S.HANDED_OVER_LIMIT,
    S.ACCOUNT_LIMIT,
    S.LAST_FOUR_LIMIT,
    S.FACT_LIMIT,
)


def tries(move: Move) -> Guess | None:
    """Return the try that is still reserved after a move, or None if it was used or forfeited."""
    request, state = move.turn.then, move.next.call.state
    if isinstance(request, ReserveTry) and isinstance(move.event, TryReserved):
        return request.guess if state in GUESSED else None
    asked = state in GUESSED or state in _LIMITS or state.phase is Phase.AGENT
    return move.tried if asked and not _is_guess(move) else None


def _is_guess(move: Move) -> bool:
    """Return whether keys were compared with a whole number or with its last four digits."""
    state = move.turn.call.state
    if move.late or state not in GUESSED or not isinstance(move.event, Digits):
        return False
    if move.event.ended is Ended.TIMEOUT:  # after a pause, nothing is compared yet
        return False
    if state is S.ACCOUNT_ENTRY:
        return isinstance(move.next.then, SearchByAccountNumber)
    keys_so_far = keyed(move)
    if state is S.NUMBER_CHECK:
        return move.view.terms.accounts.read(keys_so_far) is not None
    return len(keys_so_far) >= 4 and keys_so_far.isdecimal()


def keyed(move: Move) -> str:
    """Return the keys of an entry after a move, including those from before a pause."""
    so_far = move.turn.call.entry.so_far
    before = so_far.reveal() if so_far else ""
    return last_star(before + move.event.keys.reveal()) if isinstance(move.event, Digits) else ""


def is_write(request: object) -> TypeGuard[Write]:
    """Return whether a request changes something at the service."""
    return isinstance(request, Write)
