"""Walks every call that can happen, and holds each move against what must always be true.

A `Call` is frozen and hashable, so a flow is a finite graph once free text is taken as classes:
of all account numbers a caller can key, one that is found, one that is not, one that is too
short, one that looks like a card. `shape` says what is the same call, `alphabet` what can
happen to it; both are themselves tested against concrete calls.

What is walked is the driver's `deliver`, not the flow alone: only there can a key that is
delivered twice, late, or before its question be seen.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeGuard

from attrs import define, evolve, field, frozen

from paperless_ivr.drive.live import Live, Token, deliver
from paperless_ivr.flow import bills
from paperless_ivr.flow.call import Call, Purpose, Results, Ringing
from paperless_ivr.flow.events import (
    Accepted,
    Customer,
    CustomersFound,
    Digits,
    Ended,
    Event,
    HungUp,
    InvoiceChecked,
    LastFourCounted,
    NoInput,
    OutcomeUnknown,
    RecordUnavailable,
    Refusal,
    Refused,
    Screened,
    TransferEnded,
    TransferResult,
    Unavailable,
    WishKept,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Disposition, Outcome, Reason, Sent
from paperless_ivr.flow.menu import menu
from paperless_ivr.flow.requests import (
    CountLastFour,
    InvoiceExists,
    KeepWish,
    Screen,
    SearchByAccountNumber,
    SearchByCustomerPhoneNumber,
    SendWebLink,
    StoreCustomerPreference,
    Write,
)
from paperless_ivr.flow.scene import Scene
from paperless_ivr.flow.script import last_to_hear
from paperless_ivr.flow.states import Kind, Phase
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Gather, Return, Transfer, Turn
from paperless_ivr.keypad import last_four
from paperless_ivr.secret import keys

Deliver = Callable[[Flow, Live, Token, Event], tuple[Live, Turn]]


@frozen
class World:
    """Whom the service finds, under the name by which transcripts call them."""

    name: str
    customers: tuple[Customer, ...]
    spelt_out: bool = False
    """The e-mail block is walked key by key."""


@frozen
class Move:
    """One answer delivered to a call."""

    turn: Turn
    """The turn before: what was said, and what was waited for."""
    event: Event
    next: Turn
    early: bool = False
    """The key was pressed before the turn began."""
    late: bool = False
    """The answer was one to another turn."""
    sent: frozenset[str] = frozenset()
    """Keys of the writes that were sent before this move."""
    cleared: frozenset[str] = frozenset()
    """Those of which a look-up has since said that nothing was done."""

    @property
    def minted(self) -> int:
        """How many consents the move gave rise to."""
        return len(self.next.call.consents) - len(self.turn.call.consents)


# ── what can happen ──────────────────────────────────────────────────────────────────────

UNKNOWN_ACCOUNT, SHORT, CARD = "99999999", "12", "4111111111111111"
PHONE, NO_PHONE = "2065550142", "1234567890"


def alphabet(scene: Scene, turn: Turn, world: World) -> tuple[Event, ...]:
    """Everything that can happen at a turn: one of each class. Nobody hangs up twice."""
    possible = _possible(scene, turn, world)
    gone = scene.call.results.hung_up
    return tuple(event for event in possible if not (gone and isinstance(event, HungUp)))


def _possible(scene: Scene, turn: Turn, world: World) -> tuple[Event, ...]:
    match turn.then:
        case Gather():
            return (*_keys(scene, turn, world), NoInput(), HungUp())
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
        case CountLastFour():
            return LastFourCounted(True), LastFourCounted(False), RecordUnavailable(), HungUp()
        case KeepWish():
            return WishKept(), RecordUnavailable(), HungUp()
        case SearchByAccountNumber() | SearchByCustomerPhoneNumber():
            return (*_found(scene, world), Unavailable(), Refused(Refusal.OTHER), HungUp())
        case InvoiceExists():
            return InvoiceChecked(True), InvoiceChecked(False), Unavailable(), HungUp()
        case SendWebLink():
            return (*_outcomes(Refusal.BAD_PHONE), HungUp())
        case StoreCustomerPreference(paperless=False):
            return (*_outcomes(Refusal.OTHER), HungUp())
        case _:
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


def _found(scene: Scene, world: World) -> tuple[Event, ...]:
    """Those of the world; nobody; after a lost answer also those whose bill is now pending."""
    found = CustomersFound(world.customers)
    if scene.call.state is not S.ENROLLMENT_CHECK:
        return found, CustomersFound(())
    kind = scene.call.choosing.type
    pending = tuple(
        evolve(
            customer,
            invoices=tuple(
                evolve(i, pending=True) if i.type == kind else i for i in customer.invoices
            ),
        )
        for customer in world.customers
    )
    return found, CustomersFound(pending), CustomersFound(())


def _keys(scene: Scene, turn: Turn, world: World) -> Iterator[Event]:
    """Keys at a question: each option, 0, `*`, `#`, a wrong one; too early where it matters."""
    state = scene.call.state
    if state in THROUGH and not world.spelt_out:
        yield from THROUGH[state]
        return
    if state in ENTRIES:
        yield from ENTRIES[state](world)
        return
    offered = [option.key for option in menu(scene)]
    wrong = [key for key in "7654" if key not in offered][:1]
    for key in dict.fromkeys((*offered, "0", "*", *wrong)):
        yield Digits(keys(key))
    yield Digits(keys(""), Ended.END_KEY)
    if last_to_hear(scene) >= 0:
        yield from (Digits(keys(key), heard=0) for key in offered)
    if state is S.EMAIL_READBACK:
        yield from (Digits(keys("*"), heard=n) for n in range(1, len(turn.say)))


def _entry(*texts: str) -> Iterator[Event]:
    for text in (*texts, "0", ""):
        yield Digits(keys(text), Ended.END_KEY)
    yield Digits(keys("*"), Ended.TIMEOUT)


def _accounts(world: World) -> Iterator[Event]:
    known = world.customers[0].account.reveal() if world.customers else "10000001"
    return _entry(known, UNKNOWN_ACCOUNT, SHORT, CARD)


def _last_fours(world: World) -> Iterator[Event]:
    known = dict.fromkeys(last_four(c.account.reveal()) for c in world.customers)
    return _entry(*known, "0009", SHORT)


def _spellings(_: World) -> Iterator[Event]:
    """With the two-letter keypad: whole, half, meaningless, kept for later, deleted."""
    yield from _entry("21", "2", "25")
    yield Digits(keys("21"), Ended.TIMEOUT)
    yield Digits(keys("212"), Ended.TIMEOUT)
    yield Digits(keys("2121*"), Ended.TIMEOUT)
    yield Digits(keys("21212121"))


ENTRIES: Mapping[S, Callable[[World], Iterator[Event]]] = {
    S.ACCOUNT_ENTRY: _accounts,
    S.IDENTITY_CHECK: _last_fours,
    S.PHONE_CAPTURE: lambda _: _entry(PHONE, NO_PHONE),
    S.EMAIL_LOCAL: _spellings,
    S.EMAIL_DOMAIN_ENTRY: lambda _: iter((*_entry("21112223", "21"), Digits(keys("21212121")))),
    S.EMAIL_CHARACTER: lambda _: _entry("22", "2"),
}


THROUGH: Mapping[S, tuple[Digits, ...]] = {
    S.EMAIL_LOCAL: (Digits(keys("21"), Ended.END_KEY), Digits(keys("0"), Ended.END_KEY)),
    S.EMAIL_DOMAIN: (Digits(keys("1")), Digits(keys("9"))),
    S.EMAIL_DOMAIN_ENTRY: (Digits(keys("21112223"), Ended.END_KEY),),
    S.EMAIL_READBACK: (Digits(keys("1")), Digits(keys("1"), heard=0)),
}
"""The e-mail block as one move: straight through it. Key by key it is walked by itself."""


def shape(call: Call) -> Call:
    """What decides how a call goes on. Two calls of one shape go on alike, whatever comes.

    Left out are what is said on the way, the history that nothing asks for again (earlier
    consents to the same thing, what exactly became of a text), and, at the end, all but the end.
    """
    if call.state.kind is Kind.END:
        ended = Results(outcomes=_bare(call), hung_up=call.results.hung_up)
        return Call(call.host, call.state, results=ended)
    latest = {consent.purpose: consent for consent in call.consents}
    results = evolve(
        call.results,
        outcomes=_bare(call),
        text=_over(call.results.text),
        autopay=_over(call.results.autopay),
        reason=Reason.NONE,
        greeted=False,
    )
    return evolve(
        call,
        lead=(),
        entry=evolve(call.entry, more_time=False),
        ringing=call.ringing if call.state.phase is Phase.PERSON else Ringing(),
        consents=tuple(
            evolve(latest[purpose], reference="") for purpose in Purpose if purpose in latest
        ),
        results=results,
    )


def _bare(call: Call) -> tuple[Outcome, ...]:
    return tuple(evolve(outcome, consent="") for outcome in call.results.outcomes)


def _over(sent: Sent) -> Sent:
    """A text or AutoPay is still to be asked, done, or over."""
    return sent if sent in (Sent.NOT_ASKED, Sent.DONE) else Sent.DECLINED


# ── the walk ─────────────────────────────────────────────────────────────────────────────


@frozen
class _Place:
    """A call on the walk, and the keys of the writes that were sent and cleared before it."""

    turn: Turn
    sent: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()

    def node(self) -> tuple[Call, frozenset[Purpose], frozenset[Purpose]]:
        """What makes two places the same: shape, and which present consents were acted on."""
        latest = {consent.purpose: consent.reference for consent in self.turn.call.consents}
        return (
            shape(self.turn.call),
            frozenset(p for p, reference in latest.items() if reference in self.sent),
            frozenset(p for p, reference in latest.items() if reference in self.cleared),
        )


@frozen
class Counterexample:
    """A call in which something that must always hold does not."""

    invariant: str
    problem: str
    path: tuple[Move, ...] = field(repr=False)


@define
class Walk:
    """What a walk saw."""

    calls: int = 0
    moves: int = 0
    ends: int = 0
    took: set[str] = field(factory=set, repr=False)
    reached: dict[S, Turn] = field(factory=dict, repr=False)
    """The first turn that was met in each state."""
    found: list[Counterexample] = field(factory=list)

    def add(self, other: "Walk") -> None:
        """Adds what another walk saw."""
        self.calls += other.calls
        self.moves += other.moves
        self.ends += other.ends
        self.took |= other.took
        self.reached = other.reached | self.reached
        self.found += other.found


Invariant = Callable[[Flow, Move], str | None]
"""Says what is wrong with a move, or None."""


def walk(  # noqa: PLR0913 - the walk's terms are told one by one
    flow: Flow,
    start: Turn,
    world: World,
    invariants: Mapping[str, Invariant],
    *,
    deliver: Deliver = deliver,
    inside: Callable[[Move], bool] = lambda _: True,
    found_at_most: int = 1,
) -> Walk:
    """Every call that can come of a turn in a world, depth first.

    Moves that leave `inside` are held against the invariants, and not followed. Stops after
    `found_at_most` counterexamples. A call that comes back to where it was is one that need not
    end: "every call ends".
    """
    seen = Walk(calls=1)
    first = _Place(start)
    seen.reached[start.call.state] = start
    seen.took.update(first.turn.took)
    on_path: dict[object, None] = {first.node(): None}
    done: set[object] = set()
    path: list[Move] = []
    stack = [_moves(flow, first, world, deliver)]
    while stack and len(seen.found) < found_at_most:
        step = next(stack[-1], None)
        if step is None:
            stack.pop()
            done.add(on_path.popitem()[0])
            if path:
                path.pop()
            continue
        move, place = step
        node = place.node()
        seen.moves += 1
        seen.took.update(move.next.took)
        for name, invariant in invariants.items():
            problem = invariant(flow, move)
            if problem:
                seen.found.append(Counterexample(name, problem, (*path, move)))
        if node in on_path and not move.late:
            again = f"back at {move.next.call.state.name}, as it was"
            seen.found.append(Counterexample("every call ends", again, (*path, move)))
        if node in on_path or node in done:
            continue
        seen.calls += 1
        seen.reached.setdefault(move.next.call.state, move.next)
        if isinstance(move.next.then, Return) or not inside(move):
            seen.ends += 1
            done.add(node)
            continue
        on_path[node] = None
        path.append(move)
        stack.append(_moves(flow, place, world, deliver))
    return seen


def _moves(
    flow: Flow, place: _Place, world: World, deliver: Deliver
) -> Iterator[tuple[Move, _Place]]:
    """Every move from a call: each answer, in time, pressed ahead, and late."""
    turn = place.turn
    live = Live(turn.call, 2)
    late = Token(live.token.call_id, 1)
    scene = Scene(turn.call, flow.terms)

    def move(event: Event, token: Token, **flags: bool) -> tuple[Move, _Place]:
        _, after = deliver(flow, live, token, event)
        made = Move(turn, event, after, sent=place.sent, cleared=place.cleared, **flags)
        return made, _Place(after, *writes(made))

    for event in alphabet(scene, turn, world):
        yield move(event, live.token)
    if not isinstance(turn.then, Gather):
        return
    for event in _keys(scene, turn, world):
        if isinstance(event, Digits) and event.heard is None:
            if turn.then.type_ahead:
                yield move(event, live.token, early=True)
            yield move(event, late, late=True)


def writes(move: Move) -> tuple[frozenset[str], frozenset[str]]:
    """The keys of writes that were sent after a move, and those that a look-up has cleared."""
    request, sent, cleared = move.turn.then, move.sent, move.cleared
    if move.late or isinstance(move.event, HungUp):
        return sent, cleared
    if is_write(request):
        return sent | {request.key}, cleared - {request.key}
    if move.turn.call.state is S.ENROLLMENT_CHECK and _shows_absent(move):
        return sent, cleared | {move.turn.call.consents[-1].reference}
    return sent, cleared


def _shows_absent(move: Move) -> bool:
    """A look-up lists the bill that was agreed about as coming on paper."""
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


def is_write(request: object) -> TypeGuard[Write]:
    """Whether a request changes something at the service."""
    return isinstance(request, Write)
