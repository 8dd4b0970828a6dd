"""Hypothesis strategies for callers, back ends, and calls. Only this module imports Hypothesis.

`calls(flow)` draws only calls that can really happen: it walks the flow from `begin`, and draws
an event that fits each turn. A `Caller` returns a strategy for what the caller does at a turn;
it draws None if the caller only waits. A `World` returns a strategy for the answer to a request.
All personal data is made up and distinctive, so that a test can search for it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from attrs import evolve, frozen
from hypothesis import strategies as st

from paperless_ivr import secret
from paperless_ivr.flow import events as e
from paperless_ivr.flow import host as h
from paperless_ivr.flow import policy as p
from paperless_ivr.flow import requests as r
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.states import Phase, State
from paperless_ivr.flow.turns import Gather, Return, Transfer, Turn
from paperless_ivr.flow.view import Terms
from paperless_ivr.keypad import EmailPad, last_four, on_keys
from paperless_ivr.secret import Kind, Secret

Caller = Callable[[Flow, Turn], st.SearchStrategy[e.CallerEvent | None]]
Events = st.SearchStrategy[e.Event]
World = Callable[[r.Request, Sequence[e.Customer]], Events]

T = TypeVar("T")

KEYS = "0123456789*#"
TYPES = ("WATER", "SEWER", "GAS")
"""Made-up invoice types."""
LOCALS = ("pat", "pat.lee7", "p_l-2+bills", "x")
DOMAINS = ("example.com", "mail.example.org")


# ── values ───────────────────────────────────────────────────────────────────────────────


def _digits(least: int, most: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=least, max_size=most)


def _maybe(values: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | values


def _often(usual: T, *others: T) -> st.SearchStrategy[T]:
    return st.sampled_from((*[usual] * 6, *others))


ACCOUNTS = _digits(8, 12).map(secret.account)
INVOICES = _digits(7, 10).map(secret.invoice)
PHONES = _digits(7, 7).map(lambda d: secret.phone("+1212" + str(2 + int(d[0]) % 8) + d[1:]))
EMAILS = st.builds(
    lambda local, number, domain: secret.email(f"{local}.{number}@{domain}"),
    st.sampled_from(LOCALS),
    _digits(6, 9),
    st.sampled_from(DOMAINS),
)
_SPELLED = st.builds("{}{}".format, st.sampled_from(LOCALS), _digits(6, 6))
_TYPES = st.sampled_from(TYPES)
_NUMBERED = st.builds(
    e.Invoice,
    number=INVOICES,
    type=_TYPES,
    amount=_maybe(st.integers(0, 999_999).map(lambda cents: Decimal(cents).scaleb(-2))),
    due=_maybe(st.integers(0, 700).map(lambda n: date(2026, 1, 1) + timedelta(n))),
    paperless=st.sampled_from((False, None)),
)
_PAPERLESS = _NUMBERED.map(lambda invoice: evolve(invoice, paperless=True))
_PENDING = _NUMBERED.map(lambda invoice: evolve(invoice, pending=True))
_INVOICES = _NUMBERED | _NUMBERED | _PAPERLESS | _PENDING
_CUSTOMERS = st.builds(
    e.Customer,
    id=_digits(9, 9).map(secret.customer),
    account=ACCOUNTS,
    invoices=st.one_of(
        [
            st.lists(some, min_size=1, max_size=5).map(tuple)
            for some in (_NUMBERED, _INVOICES, _PAPERLESS, _INVOICES, _NUMBERED)
        ]
    ),
    name=_maybe(_digits(6, 6).map(lambda d: secret.name(f"Pat {d}"))),
    email=EMAILS | _maybe(EMAILS),
    phone=_maybe(PHONES),
)
_PAYMENTS = st.builds(
    h.Payment,
    guid=_digits(12, 12).map(lambda d: secret.payment(f"0f7a2b1c-9d3e-4c1a-8b5f-{d}")),
    approved=_often(True, False),
    email=_maybe(EMAILS),
    account=_maybe(ACCOUNTS),
    invoice=_maybe(INVOICES),
)
_WORDS = st.text("abcdef", min_size=12, max_size=12)
_ARRIVALS = st.builds(
    h.Arrival,
    call_id=_WORDS,
    biller=st.just("biller-x"),
    moment=st.sampled_from(h.Moment),
    intent=_often(h.Intent.ENROLL, h.Intent.BACK_TO_PAPER),
    ani=_maybe(PHONES),
    dnis=st.sampled_from(("", "+18005550100")),
    greeted=st.booleans(),
    person_available=st.booleans(),
    language=st.sampled_from(("en-US", "es-US", None, "fr-CA")),
    account=_maybe(ACCOUNTS),
    invoice=_maybe(INVOICES),
    invoice_type=_maybe(_TYPES),
    identity=st.sampled_from(h.Identity),
    payment=_PAYMENTS,
    today=_maybe(st.sampled_from((date(2026, 12, 31), date(2027, 1, 1)))),
    edition=st.just(h.Release()) | st.builds(h.Release, _WORDS, _WORDS, _WORDS),
)


def customers() -> st.SearchStrategy[e.Customer]:
    """Draw a customer. Fields that a service can omit are sometimes missing."""
    return _CUSTOMERS


def arrivals() -> st.SearchStrategy[h.Arrival]:
    """Draw a hand-over at any moment.

    A hand-over after a payment includes the payment, which is usually approved.
    """
    return _ARRIVALS.map(
        lambda a: a if a.moment is h.Moment.AFTER_PAYMENT else evolve(a, payment=None)
    )


_FEW = st.integers(1, 2)
_ADDRESS = st.builds(
    p.Address,
    strategies=st.lists(st.sampled_from(p.Strategy), min_size=1, unique=True).map(tuple),
    email_required=st.booleans(),
    changes=_FEW,
    fixes=_FEW,
)
_PROOF = st.builds(
    p.Proof,
    search_by_phone=st.booleans(),
    account_tries=_FEW,
    last_four_tries=_FEW,
    two_facts=_often(True, False, False, False),
)
_BILLS = st.builds(
    p.Bills,
    eligible=_often(None, TYPES, TYPES[:1]),
    names=st.sampled_from(({}, {kind: {"en-US": f"{kind.lower()} bill"} for kind in TYPES})),
    per_page=st.integers(1, 4),
    another=st.booleans(),
    another_at_most=_FEW,
)
_OFFERS = st.sampled_from(
    (
        p.Offer(),
        p.Offer(one_question=(), reason=p.OfferReason.SOURCE),
        p.Offer(
            reason=p.OfferReason.INCENTIVE,
            incentive={"en-US": "You get five dollars off.", "es-US": "Recibe cinco dólares."},
            incentive_until=date(2026, 12, 31),
        ),
    )
)
_LANGUAGES = st.sampled_from((("en-US", "es-US"), ("en-US",), ("es-US", "en-US")))
_TRIES = st.builds(p.Tries, _FEW, _FEW, _FEW, _FEW, _FEW)
_POLICIES = st.builds(
    p.Policy,
    languages=_LANGUAGES.map(lambda offered: p.Languages(offered, offered[0])),
    bills=_BILLS,
    proof=_PROOF,
    address=_ADDRESS,
    offer=_OFFERS,
    text=st.builds(
        p.Text, after_enrolment=st.sampled_from((tuple(h.Moment), ())), other_numbers=_FEW
    ),
    autopay=st.builds(
        p.AutoPay, st.booleans(), st.just({"en-US": "on the due date", "es-US": "al vencer"})
    ),
    back_to_paper=st.builds(p.BackToPaper, _often(True, False)),
    tries=_TRIES,
)
_LACKING = st.frozensets(st.sampled_from(sorted(r.OPERATIONS)), max_size=2)
_OPERATIONS = _LACKING.map(lambda lacking: r.OPERATIONS - lacking)
_FLOWS = st.builds(lambda policy, has: Flow(Terms(policy, has)), _POLICIES, _OPERATIONS)


def policies() -> st.SearchStrategy[p.Policy]:
    """Draw a valid policy, with budgets small enough for a call to use up."""
    return _POLICIES


def flows() -> st.SearchStrategy[Flow]:
    """Draw a flow with any valid policy and a service that may lack some operations."""
    return _FLOWS


# ── back-end answers ────────────────────────────────────────────────────────────────────


def answers(request: r.Request, found: Sequence[e.Customer] = ()) -> Events:
    """Draw any answer that fits a request: done, refused, unavailable, or unknown (R23).

    `found` contains the customers that the call already knows. A look-up may return these
    customers with changes.
    """
    done = done_by(request, found)
    if isinstance(request, r.Read):
        return done | _otherwise(request) | _LOST | _REFUSED
    if isinstance(request, r.Write):
        return done | _REFUSED | _LOST | _RECORD_DOWN
    if isinstance(request, r.DeferRequest):
        return done | _IN_DOUBT | _RECORD_DOWN
    return done | _otherwise(request) | _RECORD_DOWN


_LOST: Events = st.sampled_from((e.Unavailable(), e.OutcomeUnknown()))
_IN_DOUBT: Events = st.just(e.OutcomeUnknown())
_REFUSED: Events = st.builds(e.Refused, st.sampled_from(e.Refusal))
_RECORD_DOWN: Events = st.just(e.RecordUnavailable())
_SCREENED: Events = st.builds(
    e.Screened, _maybe(st.sampled_from(h.Disposition)), st.integers(0, 400)
)


def done_by(request: r.Request, found: Sequence[e.Customer] = ()) -> Events:
    """Draw a successful answer from a back end that knows the caller."""
    match request:
        case r.SearchByAccountNumber(account=account):
            again = tuple(customer for customer in found if customer.account == account)
            if again:
                return _seen_again(again)
            return _CUSTOMERS.map(lambda one: e.CustomersFound((evolve(one, account=account),)))
        case r.SearchByCustomerPhoneNumber():
            return _SEVERAL
        case r.InvoiceExists():
            return st.just(e.InvoiceChecked(True))
        case r.Screen():
            return st.just(e.Screened())
        case r.ReserveTry():
            return st.just(e.TryReserved())
        case r.DeferRequest():
            return st.just(e.RequestDeferred())
        case _:
            return st.just(e.Accepted())


_SEVERAL: Events = st.lists(_CUSTOMERS, min_size=1, max_size=3).map(
    lambda they: e.CustomersFound(tuple(they))
)


def _otherwise(request: r.Request) -> Events:
    """Draw another possible answer to a request, such as no match or a reached limit."""
    match request:
        case r.SearchByAccountNumber() | r.SearchByCustomerPhoneNumber():
            return st.just(e.CustomersFound(())) | _SEVERAL
        case r.InvoiceExists():
            return st.just(e.InvoiceChecked(False))
        case r.Screen():
            return _SCREENED
        case r.ReserveTry():
            return st.just(e.LimitReached())
        case _:
            return _RECORD_DOWN


@st.composite
def _seen_again(draw: st.DrawFn, found: Sequence[e.Customer]) -> e.CustomersFound:
    """Draw the known customers, with bills that are now pending, paperless, or missing."""
    paperless, pending = draw(st.sampled_from(((False, False), (False, True), (True, False))))
    return e.CustomersFound(
        tuple(
            evolve(
                customer,
                invoices=tuple(
                    evolve(invoice, pending=pending, paperless=paperless)
                    for invoice in customer.invoices
                    if draw(_often(True, False))
                ),
            )
            for customer in found
        )
    )


# ── callers ──────────────────────────────────────────────────────────────────────────────


def _typed(gather: Gather, keys: str) -> e.Digits:
    """Return keys as a runtime reports them: ended by `#`, or by reaching the maximum number."""
    ended = e.Ended.FULL if len(keys) >= gather.max_keys else e.Ended.END_KEY
    return e.Digits(secret.keys(keys[: gather.max_keys]), ended)


def _waits() -> st.SearchStrategy[None]:
    return st.none()


def silent(_: Flow, turn: Turn) -> st.SearchStrategy[e.CallerEvent | None]:
    """Draw an event from a caller who never presses a key."""
    return st.just(e.NoInput()) if isinstance(turn.then, Gather) else _waits()


def cooperative(flow: Flow, turn: Turn) -> st.SearchStrategy[e.CallerEvent | None]:
    """Draw an event from a caller who follows instructions, says yes, and enrolls if possible."""
    gather, call = turn.then, turn.call
    if not isinstance(gather, Gather):
        return _waits()
    options = flow.menu(call)
    agreeing = [option.key for option in options if option.choice in _AGREEING]
    if options:
        return st.sampled_from(agreeing or [options[-1].key]).map(lambda k: _typed(gather, k))
    return _entries(call, flow.terms.pad).map(lambda keys: _typed(gather, keys))


_AGREEING = (Choice.YES, Choice.LANGUAGE, Choice.BILL, Choice.DOMAIN, Choice.TEXT)


def _entries(call: Call, pad: EmailPad) -> st.SearchStrategy[str]:
    """Draw keys from a caller who understands the question."""
    match call.state:
        case State.IDENTITY_CHECK:
            theirs = [last_four(customer.account.reveal()) for customer in call.found]
            return st.sampled_from(theirs or ["0000"])
        case State.NUMBER_CHECK:
            theirs = [customer.account.reveal() for customer in call.found]
            return st.sampled_from(theirs or ["00000000"])
        case State.PHONE_CHECK:
            theirs = [last_four(c.phone.reveal()) for c in call.found if c.phone]
            return st.sampled_from(theirs or ["0000"])
        case State.PHONE_CAPTURE:
            return PHONES.map(lambda number: number.reveal().removeprefix("+1"))
        case State.EMAIL_LOCAL:
            return _SPELLED.map(lambda text: on_keys(text[: pad.max_local]))
        case State.EMAIL_DOMAIN_ENTRY:
            return st.sampled_from(DOMAINS).map(on_keys)
        case State.EMAIL_EXACT:
            return _SPELLED.map(lambda text: pad.code(text[: pad.max_local]))
        case State.EMAIL_EXACT_DOMAIN:
            return st.sampled_from(DOMAINS).map(pad.code)
        case _:
            return ACCOUNTS.map(Secret.reveal)


def curious(flow: Flow, turn: Turn) -> st.SearchStrategy[e.CallerEvent | None]:
    """Draw an event from a caller who tries any option, `0`, `*`, or `#`, or presses nothing."""
    gather = turn.then
    if not isinstance(gather, Gather) or turn.call.state.phase is Phase.ARRIVAL:
        return cooperative(flow, turn)
    promised = {option.key for option in flow.menu(turn.call)}
    tried = st.sampled_from(sorted(promised | {"0", "*"})).map(lambda key: _typed(gather, key))
    leaving: st.SearchStrategy[e.CallerEvent] = st.sampled_from(
        (e.Digits(Secret(""), e.Ended.END_KEY), e.NoInput())
    )
    early = tried.flatmap(_heard(turn))
    return st.one_of(*[cooperative(flow, turn)] * 3, *[tried] * 3, early, leaving)


def _heard(turn: Turn) -> Callable[[e.Digits], st.SearchStrategy[e.Digits]]:
    """Return a function that draws the prompt during which the given keys were pressed."""
    pieces = st.integers(0, max(len(turn.say) - 1, 0))
    return lambda digits: pieces.map(lambda piece: evolve(digits, interrupted=piece))


def impatient(flow: Flow, turn: Turn) -> st.SearchStrategy[e.CallerEvent | None]:
    """Draw an event from a caller who knows the menus, and presses keys during the first prompt."""
    return cooperative(flow, turn).map(
        lambda event: evolve(event, interrupted=0) if isinstance(event, e.Digits) else event
    )


def fat_fingered(flow: Flow, turn: Turn) -> st.SearchStrategy[e.CallerEvent | None]:
    """Draw an event from a caller who often presses wrong keys, too many keys, or too few."""
    gather = turn.then
    if not isinstance(gather, Gather):
        return _waits()
    keys = st.text(KEYS.replace(gather.end_key or " ", ""), min_size=1, max_size=gather.max_keys)
    ended = st.sampled_from((e.Ended.END_KEY, e.Ended.TIMEOUT))
    slips = st.builds(lambda k, end: evolve(_typed(gather, k), ended=end), keys, ended)
    return cooperative(flow, turn) | slips


def hangs_up_anywhere(flow: Flow, turn: Turn) -> st.SearchStrategy[e.CallerEvent | None]:
    """Draw an event from a cooperative caller who can hang up at any turn or during a request."""
    gone = st.sampled_from((e.HungUp(), e.HungUp(e.EndedBy.HOST), e.HungUp(e.EndedBy.SERVER)))
    return st.one_of(*[cooperative(flow, turn)] * 5, gone)


def keeps_pressing_zero(_: Flow, turn: Turn) -> st.SearchStrategy[e.CallerEvent | None]:
    """Draw an event from a caller who asks for a person at every question."""
    gather = turn.then
    return st.just(_typed(gather, "0")) if isinstance(gather, Gather) else _waits()


def types_a_card_number(flow: Flow, turn: Turn) -> st.SearchStrategy[e.CallerEvent | None]:
    """Draw an event from a caller who keys a payment card number wherever one fits."""
    gather = turn.then
    if isinstance(gather, Gather) and gather.private and gather.max_keys >= len(_CARDS[0]):
        return st.sampled_from(_CARDS).map(lambda card: _typed(gather, card))
    return cooperative(flow, turn)


_CARDS = ("4111111111111111", "5555555555554444")
"""Test numbers published by card networks."""

CALLERS: tuple[Caller, ...] = (
    cooperative,
    silent,
    impatient,
    fat_fingered,
    hangs_up_anywhere,
    keeps_pressing_zero,
    types_a_card_number,
    curious,
)


def anybody(flow: Flow, turn: Turn) -> st.SearchStrategy[e.CallerEvent | None]:
    """Draw an event from a caller who can behave differently at every turn."""
    return _often(cooperative, *CALLERS).flatmap(lambda caller: caller(flow, turn))


EVERYBODY: tuple[Caller, ...] = (*CALLERS, *(anybody, curious) * 3)


# ── calls ────────────────────────────────────────────────────────────────────────────────


@frozen
class Step:
    """An event and the turn it led to. The first step of a call has no event."""

    event: e.Event | None
    turn: Turn


@st.composite
def walks(
    draw: st.DrawFn,
    flow: Flow,
    callers: Iterable[Caller] = EVERYBODY,
    worlds: Iterable[World] = (done_by, answers),
    most: int = 40,
) -> tuple[Step, ...]:
    """Draw a call from its first turn to its end, with at most `most` events.

    Any exception from the flow is passed on. None is expected, because every event fits its turn.
    """
    caller = draw(st.sampled_from(tuple(callers)))
    world = draw(st.sampled_from(tuple(worlds)))
    steps = [Step(None, flow.begin(draw(arrivals())))]
    for _ in range(most):
        turn = steps[-1].turn
        if isinstance(turn.then, Return):
            break
        event = draw(_happens(flow, turn, caller, world))
        steps.append(Step(event, flow.advance(turn.call, event)))
    return tuple(steps)


@st.composite
def _happens(draw: st.DrawFn, flow: Flow, turn: Turn, caller: Caller, world: World) -> e.Event:
    """Draw the caller's event or, if the caller only waits, the event from the world."""
    done = None if turn.call.results.hung_up else draw(caller(flow, turn))
    if done is not None:
        return done
    match turn.then:
        case Transfer():
            return e.TransferEnded(draw(st.sampled_from(e.TransferResult)))
        case Gather() | Return():
            return e.NoInput()
        case request:
            return draw(world(request, turn.call.found))


def calls(
    flow: Flow,
    callers: Iterable[Caller] = EVERYBODY,
    worlds: Iterable[World] = (done_by, answers),
    most: int = 40,
) -> st.SearchStrategy[Call]:
    """Draw a walk, and return the call as it was at a random turn."""
    whole = walks(flow, callers, worlds, most)
    return whole.flatmap(st.sampled_from).map(lambda step: step.turn.call)


# ── anything ─────────────────────────────────────────────────────────────────────────────

_TEXT = st.text(max_size=80)
_ODD_TYPES = st.text(st.characters(exclude_characters="0123456789"), max_size=80)
"""Arbitrary invoice types. They are not secret, and contain no digits that might match a secret."""
_ANYTHING = st.builds(Secret, _TEXT, st.sampled_from(Kind))
_ODD_CUSTOMERS = st.builds(
    e.Customer,
    id=_ANYTHING,
    account=_ANYTHING,
    invoices=st.lists(
        st.builds(
            e.Invoice,
            number=_ANYTHING,
            type=_ODD_TYPES,
            amount=_maybe(st.decimals(allow_nan=False, allow_infinity=False)),
            due=_maybe(st.dates()),
        ),
        max_size=2,
    ).map(tuple),
    name=_maybe(_ANYTHING),
    email=_maybe(_ANYTHING),
    phone=_maybe(_ANYTHING),
)
_DIGITS_EVENTS = st.builds(
    e.Digits,
    (st.text(KEYS, max_size=24) | _TEXT).map(secret.keys),
    st.sampled_from(e.Ended),
    st.none() | st.integers(0, 12) | st.integers(),
)
_EVENTS: Events = st.one_of(
    _DIGITS_EVENTS,
    st.just(e.NoInput()),
    st.builds(e.HungUp, st.sampled_from(e.EndedBy)),
    st.builds(e.TransferEnded, st.sampled_from(e.TransferResult)),
    st.builds(e.CustomersFound, st.lists(_CUSTOMERS | _ODD_CUSTOMERS, max_size=3).map(tuple)),
    st.builds(e.InvoiceChecked, st.booleans()),
    _REFUSED,
    st.builds(
        e.Screened,
        _maybe(st.sampled_from(h.Disposition)),
        st.integers(),
        st.lists(st.sampled_from(h.Disposition), max_size=3).map(tuple),
    ),
    st.sampled_from((e.TryReserved(), e.LimitReached("tries_per_account"))),
    st.just(e.Accepted()),
    _LOST,
    st.just(e.RequestDeferred()),
    _RECORD_DOWN,
    st.just(e.Arrived()),
)


def digits_events() -> st.SearchStrategy[e.Digits]:
    """Draw keys as a runtime could report them, including characters that are not keys."""
    return _DIGITS_EVENTS


def events() -> Events:
    """Draw any event, including events that fit no turn and digits that are not keys."""
    return _EVENTS
