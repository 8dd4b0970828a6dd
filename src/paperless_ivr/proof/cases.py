"""The proof of a flow: walks that together cover every call, and their results.

There are three kinds of walks. In a single walk, the numbers of ladders, budgets, and spellings
would multiply.

1. *Every call* of an arrival in a world, with minimal budgets and no reprompts.
2. *Every ladder*: at each question reached, all silences, wrong keys, repeats, and requests for
   a person that the policy actually allows. Leaving a question resets its tries, so the ladders
   of two questions never combine.
3. *Every spelling* of an e-mail address with at most two characters before the at sign, from the
   first key to the last.
"""

import gc
import os
import re
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date
from functools import partial
from itertools import product
from multiprocessing import get_context

from attrs import evolve, frozen

from paperless_ivr.backends.demo import BILLER, customer, payment
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Identity, Intent, Moment
from paperless_ivr.flow.live import deliver
from paperless_ivr.flow.policy import (
    Account,
    AutoPay,
    CheckDigit,
    OfferReason,
    Policy,
    Reminder,
    Strategy,
    Tries,
)
from paperless_ivr.flow.requests import OPERATIONS
from paperless_ivr.flow.rows import Table
from paperless_ivr.flow.states import ASKING, Phase
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.table import FLOW
from paperless_ivr.flow.view import Terms
from paperless_ivr.keypad import EmailDecoder, EmailPad, Guess, Piece, Said
from paperless_ivr.proof.exploration import Counterexample, Deliver, Move, Walk, World, walk
from paperless_ivr.proof.invariants import INVARIANTS
from paperless_ivr.secret import phone


@frozen
class TinyDecoder(EmailDecoder):
    """A decoder that reads 2 as `a` or `2`, `*` as a dot, `#` as an at sign, and `aa` as a name."""

    def refine(
        self,
        keys: str,
        confirmed: str,
        *,
        ruled_out: Collection[str] = (),
        holder: str = "",  # noqa: ARG002 - required by `EmailDecoder`
        on_file: str = "",  # noqa: ARG002
    ) -> Guess | None:
        """Return the first address that begins with `confirmed`. Letters come before digits."""
        meant = ({"2": "a2", "*": ".", "#": "@"}.get(key, key) for key in _address_keys(keys))
        begun, stopped = len(confirmed), tuple(ruled_out)
        for characters in product(*meant):
            text = "".join(characters)
            begins = bool(text) and text.startswith(confirmed)
            if begins and not text.startswith(stopped, begun):
                pieces = re.findall("aa|.", text)
                return Guess(text, 1.0, tuple(Piece(piece, SAID[len(piece)]) for piece in pieces))
        return None


SAID = {1: Said.CHARACTER, 2: Said.NAME}


def _address_keys(keys: str) -> str:
    """Return the keys of an address or its local part, without a final `#` or the 9 after a `#`."""
    return keys.removesuffix("#").replace("#9", "#")


@frozen
class Case:
    """One arrival in one world, under one policy, with one service."""

    name: str
    policy: Policy
    arrival: Arrival
    customers: tuple[str, ...]
    """The handles of the demo customers that a search finds."""
    lacking: frozenset[str] = frozenset()
    """Operations that the service lacks."""

    @property
    def world(self) -> World:
        """The world, with the customers that a search finds."""
        return World(self.name, tuple(customer(handle) for handle in self.customers))

    @property
    def terms(self) -> Terms:
        """The terms of the flow, with local parts of at most two characters."""
        return Terms(self.policy, OPERATIONS - self.lacking, EmailPad(max_local=2), TinyDecoder())


# ── the cases ────────────────────────────────────────────────────────────────────────────


def _arrival(handle: str, moment: Moment = Moment.START, **more: object) -> Arrival:
    ani = customer(handle).phone or phone("+12175550199")
    given = {"language": "en-US", "ani": ani, **more}
    return Arrival("c", BILLER, moment, **given)  # type: ignore[arg-type]


def _after(handle: str, **more: object) -> Arrival:
    """Return an arrival after a payment for which the caller keyed the account number."""
    paid = {"payment": payment(handle), "identity": Identity.ACCOUNT_KEYED, **more}
    return _arrival(handle, Moment.AFTER_PAYMENT, **paid)


NAMES = {
    "WATER": {"en-US": "water bill", "es-US": "factura del agua"},
    "SEWER": {"en-US": "sewer bill", "es-US": "factura del alcantarillado"},
}
DRAWN = {
    "en-US": "It is drawn on the due date.",
    "es-US": "Se cobra en la fecha de vencimiento.",
}
DEFAULT = evolve(Policy(), bills=evolve(Policy().bills, names=NAMES))
NUMBERED = Account(forms=("########",), check_digit=CheckDigit.LUHN)
BEFORE = Moment.BEFORE_PAYMENT
PREFERENCE, LINK = "StoreCustomerPreference", "SendWebLink"


def cases(policy: Policy | None = None) -> tuple[Case, ...]:
    """Return the cases for a policy, or for the default policy and several others."""
    if policy is not None:
        return tuple(_of_one(policy))
    return (*_of_many(), *_one_question(), *_of_identity(), *_of_identity_to_paper())


def arrivals(policy: Policy | None = None) -> tuple[Case, ...]:
    """Return cases whose calls together take every table row within the policies' budgets."""
    one = evolve(DEFAULT, bills=evolve(DEFAULT.bills, another=False))
    these = (*cases(), Case("seven bills", one, _arrival("novak", BEFORE), ("novak",)))
    if policy is None:
        return these
    distinct = {(each.arrival, each.customers, each.lacking): each for each in reversed(these)}
    return tuple(evolve(case, policy=policy) for case in reversed(distinct.values()))


def _of_one(policy: Policy) -> Iterator[Case]:
    """Yield the cases that are checked for every policy."""
    yield Case("start, all on file", policy, _arrival("rivera"), ("rivera",))
    yield Case(
        "before payment, no e-mail, a person is available",
        policy,
        _arrival("chen", BEFORE, person_available=True),
        ("chen",),
    )
    yield Case("after payment", policy, _after("rivera"), ("rivera",))
    on_file = evolve(
        policy,
        address=evolve(policy.address, strategies=(Strategy.ON_FILE,), email_required=True),
        text=evolve(policy.text, after_enrolment=()),
    )
    known = {"account": customer("park").account, "identity": Identity.ACCOUNT_KEYED}
    yield Case(
        "several bills",
        on_file,
        _arrival("park", BEFORE, person_available=True, **known),
        ("park", "park-rental", "ali"),
    )
    yield Case("pending", policy, _arrival("silva", BEFORE), ("silva",))
    yield Case("already paperless", policy, _arrival("dubois", BEFORE), ("dubois",))
    yield Case(
        "back to paper",
        policy,
        _arrival("dubois", BEFORE, intent=Intent.BACK_TO_PAPER),
        ("dubois",),
    )


def _of_many() -> Iterator[Case]:
    """Yield cases for the default policy, and for policies that reach the remaining rows."""
    yield from _of_one(DEFAULT)
    yield from _one_way_to_an_address()
    new = partial(evolve, DEFAULT)
    asked = evolve(DEFAULT.text, after_enrolment=())
    on_file = evolve(DEFAULT.address, strategies=(Strategy.ON_FILE, Strategy.AGENT))
    yield Case(
        "on file or a person: a language to choose, two on one number",
        new(text=asked, address=on_file),
        _arrival("haddad", language=None),
        ("haddad", "lindgren"),
    )
    yield Case(
        "on file or a person: nothing on file",
        new(text=asked, address=on_file),
        _arrival("okafor", BEFORE, person_available=True),
        ("okafor",),
    )
    yield Case(
        "default: the same last four",
        new(text=asked, address=on_file),
        _arrival("kim"),
        ("kim", "kim-shop"),
    )
    yield Case(
        "nothing on file, no text afterwards",
        new(text=asked),
        _arrival("okafor", BEFORE, person_available=True, ani=None),
        ("okafor",),
    )
    yield Case(
        "default: a placeholder number",
        new(text=asked, address=on_file),
        _arrival("rivera", BEFORE, ani=phone("+10000000000")),
        ("rivera",),
    )
    yield Case(
        "default: account numbers of one form",
        new(text=asked, address=on_file, account=NUMBERED),
        _arrival("rivera", BEFORE, ani=None),
        ("rivera",),
    )
    yield Case("default: no one found", DEFAULT, _arrival("rivera", person_available=True), ())
    yield Case(
        "on file or a person: the host's account, not proved",
        new(text=asked, address=on_file),
        _arrival("patel", BEFORE, account=customer("patel").account),
        ("patel",),
    )
    unpaid = evolve(payment("rivera"), approved=False)
    yield Case("default: not approved", DEFAULT, _after("rivera", payment=unpaid), ("rivera",))
    by_text = new(
        address=evolve(DEFAULT.address, strategies=(Strategy.TEXT_LINK,), email_required=False)
    )
    yield Case("text link only", by_text, _arrival("chen", BEFORE), ("chen",))
    yield Case(
        "text link only: by the record",
        by_text,
        _arrival("chen"),
        ("chen",),
        frozenset({PREFERENCE}),
    )
    by_keys = new(
        address=evolve(DEFAULT.address, strategies=(Strategy.KEYPAD, Strategy.AGENT)), text=asked
    )
    yield Case(
        "keypad first", by_keys, _arrival("patel", BEFORE, person_available=True), ("patel",)
    )
    yield Case(
        "no preference at the service",
        DEFAULT,
        _arrival("rivera", BEFORE, person_available=True),
        ("rivera", "dubois"),
        frozenset({PREFERENCE}),
    )
    yield Case(
        "no preference, no link",
        DEFAULT,
        _arrival("silva", BEFORE, person_available=True),
        ("silva",),
        frozenset({PREFERENCE, LINK, "InvoiceExists", "SearchByCustomerPhoneNumber"}),
    )
    autopay = new(autopay=AutoPay(offer=True, terms=DRAWN))
    paying = evolve(autopay, address=on_file)
    yield Case("AutoPay", autopay, _after("chen"), ("chen",))
    yield Case("AutoPay, a person", paying, _after("rivera", person_available=True), ("rivera",))
    payers = new(offer=evolve(DEFAULT.offer, moments=(Moment.AFTER_PAYMENT,)))
    no_look_up = OPERATIONS - {"EnrollInPaperless"}
    for invoice_type in ("WATER", None):
        paid = _after("rivera", invoice_type=invoice_type)
        yield Case(f"payers only: {invoice_type}", payers, paid, ("rivera",), no_look_up)
    water = new(bills=evolve(DEFAULT.bills, eligible=("WATER",)), address=on_file, text=asked)
    known = {"account": customer("ali").account, "identity": Identity.ACCOUNT_KEYED}
    yield Case("water only", water, _arrival("ali", BEFORE, **known), ("ali", "dubois"))
    known["account"] = customer("park").account
    unchecked = _arrival("park", BEFORE, **known)
    two = ("park", "park-rental")
    lacking = frozenset({"InvoiceExists"})
    yield Case("water only: two bills, unchecked", water, unchecked, two, lacking)
    for handle in ("rivera", "dubois"):
        back = {"intent": Intent.BACK_TO_PAPER, "person_available": handle == "rivera"}
        wanted = _arrival(handle, Moment.START, language=None, ani=None, **back)
        yield Case(f"water only: {handle} back to paper", water, wanted, (handle,))
    strict = new(
        bills=evolve(DEFAULT.bills, eligible=("WATER",), another=False),
        back_to_paper=evolve(DEFAULT.back_to_paper, by_phone=False),
        proof=evolve(DEFAULT.proof, search_by_phone=False),
        offer=evolve(DEFAULT.offer, moments=(BEFORE,)),
        text=asked,
    )
    yield Case("strict: on paper", strict, _arrival("rivera", BEFORE), ("rivera",))
    yield Case("strict", strict, _arrival("dubois", BEFORE), ("dubois",))
    yield Case("strict: no such bill", strict, _arrival("reyes", BEFORE), ("reyes",))
    yield Case("strict: at the start", strict, _arrival("rivera"), ("rivera",))
    yield Case(
        "strict: another type", strict, _arrival("rivera", BEFORE, invoice_type="GAS"), ("rivera",)
    )
    for there in (True, False):
        wanted = _arrival("dubois", intent=Intent.BACK_TO_PAPER, person_available=there)
        yield Case("strict: back to paper", strict, wanted, ("dubois",))


def _one_way_to_an_address() -> Iterator[Case]:
    """Yield small cases with one source of an address, for rows that otherwise need large cases."""
    alone = evolve(DEFAULT.address, strategies=(Strategy.ON_FILE,), email_required=True)
    one_bill = evolve(DEFAULT.bills, another=False)
    asked = evolve(DEFAULT.text, after_enrolment=())
    new = partial(evolve, DEFAULT, address=alone, text=asked, bills=one_bill)
    known = {"account": customer("park").account, "identity": Identity.ACCOUNT_KEYED}
    yield Case(
        "on file alone: several bills",
        new(),
        _arrival("park", BEFORE, person_available=True, **known),
        ("park", "park-rental", "ali"),
    )
    autopay = new(autopay=AutoPay(offer=True, terms=DRAWN))
    yield Case("on file alone: AutoPay", autopay, _after("rivera"), ("rivera",))
    yield Case(
        "on file alone: AutoPay, bills with the same name",
        autopay,
        _after("kim"),
        ("kim", "kim-shop"),
    )
    yield Case(
        "on file alone: payers",
        new(offer=evolve(DEFAULT.offer, moments=(Moment.AFTER_PAYMENT,))),
        _after("rivera", invoice_type="WATER"),
        ("rivera",),
        OPERATIONS - {"EnrollInPaperless"},
    )
    yield Case(
        "on file alone: no way back to paper",
        new(back_to_paper=evolve(DEFAULT.back_to_paper, by_phone=False)),
        _arrival("rivera", BEFORE),
        ("rivera",),
    )
    keypad = evolve(DEFAULT.address, strategies=(Strategy.KEYPAD,))
    yield Case("keypad alone: just paid", new(address=keypad), _after("rivera"), ("rivera",))


def _one_question() -> Iterator[Case]:
    """Yield cases in which the host vouches for the caller, so the offer can name the bill."""
    on_file = evolve(DEFAULT.address, strategies=(Strategy.ON_FILE, Strategy.AGENT))
    one_bill = evolve(DEFAULT.bills, another=False)
    new = partial(evolve, DEFAULT, address=on_file, bills=one_bill)
    told = new(
        offer=evolve(
            DEFAULT.offer,
            reason=OfferReason.INCENTIVE,
            incentive={"en-US": "You get five dollars off.", "es-US": "Recibe cinco dólares."},
            incentive_until=date(2026, 12, 31),
        ),
        text=evolve(DEFAULT.text, after_enrolment=(BEFORE,)),
    )
    reminded = evolve(
        DEFAULT.offer, reason=OfferReason.REMINDER, reminder_by=Reminder.EMAIL, reminder_days=3
    )
    quoted = evolve(DEFAULT.offer, reason=OfferReason.SOURCE)
    today, person = {"today": date(2026, 12, 31)}, {"person_available": True}
    for name, policy, found, more, lacking in (
        ("one bill, its address on file", told, ("rivera",), today, ()),
        ("the record keeps the request", new(), ("rivera",), {}, (PREFERENCE, LINK)),
        ("no address on file", new(offer=reminded), ("chen",), person, ()),
        ("several bills", new(offer=quoted), ("park", "park-rental"), {}, ()),
        ("already paperless", new(), ("dubois",), {}, ()),
        ("pending", new(), ("silva",), {}, ()),
    ):
        known = {"account": customer(found[0]).account, "identity": Identity.ACCOUNT_KEYED}
        arrival = _arrival(found[0], BEFORE, **known, **more)
        yield Case(f"vouched for: {name}", policy, arrival, found, frozenset(lacking))


def _of_identity() -> Iterator[Case]:
    """Yield cases about identity, such as a number that many share, or no number on file."""
    asked = evolve(DEFAULT.text, after_enrolment=())
    on_file = evolve(DEFAULT.address, strategies=(Strategy.ON_FILE, Strategy.AGENT))
    few = evolve(DEFAULT.proof, last_four_accounts=1)
    yield Case(
        "on file or a person: the host's account, among too many",
        evolve(DEFAULT, text=asked, address=on_file, proof=few),
        _arrival("patel", BEFORE, account=customer("patel").account),
        ("patel", "rivera"),
    )
    yield Case(
        "on file or a person: a number that many share",
        evolve(DEFAULT, text=asked, address=on_file, proof=few),
        _arrival("rivera", BEFORE),
        ("rivera", "kim"),
    )
    link = evolve(DEFAULT.address, strategies=(Strategy.TEXT_LINK,))
    yield Case(
        "text link only: just paid, no number on file",
        evolve(DEFAULT, text=asked, address=link),
        _after("okafor"),
        ("okafor",),
    )
    keypad = evolve(DEFAULT.address, strategies=(Strategy.KEYPAD,))
    yield Case(
        "keypad only: account numbers of one form",
        evolve(DEFAULT, text=asked, address=keypad, account=NUMBERED),
        _arrival("rivera", BEFORE),
        ("rivera",),
    )
    nothing = evolve(payment("patel"), account=None, invoice=None)
    yield Case(
        "keypad only: a payment that names nothing",
        evolve(DEFAULT, text=asked, address=keypad),
        _after("patel", payment=nothing, account=customer("patel").account),
        ("patel", "okafor"),
    )


def _of_identity_to_paper() -> Iterator[Case]:
    """Yield small back-to-paper cases for identity rows that otherwise need large cases."""
    to_paper = partial(_arrival, moment=BEFORE, intent=Intent.BACK_TO_PAPER)
    yield Case("to paper: the same last four", DEFAULT, to_paper("kim"), ("kim", "kim-shop"))
    few = evolve(DEFAULT, proof=evolve(DEFAULT.proof, last_four_accounts=1))
    yield Case("to paper: a number that many share", few, to_paper("rivera"), ("rivera", "kim"))


# ── the walks ────────────────────────────────────────────────────────────────────────────


def tight(case: Case) -> Terms:
    """Return terms with minimal budgets and no reprompts. Larger limits only add repetition."""
    policy = case.policy
    people = 1 if case.arrival.person_available else 0
    return evolve(
        case.terms,
        policy=evolve(
            policy,
            tries=Tries(silence=0, wrong=0, repeats=0, people=people, pages=1),
            proof=evolve(policy.proof, account_tries=2, last_four_tries=2),
            address=evolve(
                policy.address,
                changes=min(policy.address.changes, 1),
                fixes=min(policy.address.fixes, 1),
                pauses=1,
                domains=policy.address.domains[:1],
            ),
            text=evolve(
                policy.text,
                other_numbers=min(policy.text.other_numbers, 1),
                wait_seconds=min(policy.text.wait_seconds, 15.0),
            ),
            bills=evolve(policy.bills, per_page=2, another_at_most=1),
        ),
    )


@contextmanager
def _without_collector() -> Iterator[None]:
    """Turn off the garbage collector, because a walk creates many objects, but no cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_without_collector()
def prove(
    case: Case, table: Table = FLOW, deliver: Deliver = deliver, again: int | None = None
) -> Walk:
    """Walk every call of a case, every spelling, and every ladder at its questions.

    `again` limits how often each question is asked again after silence, after wrong keys, and on
    request. By default, the policy's own limits apply.
    """
    flow = Flow(tight(case), table)
    seen = walk(flow, flow.begin(case.arrival), case.world, INVARIANTS, deliver=deliver)
    spelled_out = evolve(case.world, spelled_out=True)
    if S.EMAIL_LOCAL in seen.reached and not seen.found:
        start = flow.turn(seen.reached[S.EMAIL_LOCAL].call)
        seen.add(walk(flow, start, spelled_out, INVARIANTS, deliver=deliver, inside=_spells))
    full = Flow(_patient(case.terms, again), table)
    for state in ASKING:
        if state in seen.reached and not seen.found:
            start = full.turn(seen.reached[state].call)
            asked = partial(_asks, state)
            seen.add(walk(full, start, spelled_out, INVARIANTS, deliver=deliver, inside=asked))
    return seen


def _patient(terms: Terms, again: int | None) -> Terms:
    """Return terms with the policy's own tries, but few pauses and corrections."""
    address = evolve(terms.policy.address, pauses=1, fixes=min(terms.policy.address.fixes, 1))
    policy = evolve(terms.policy, address=address)
    if again is not None:
        own = policy.tries
        few = {name: min(getattr(own, name), again) for name in ("silence", "wrong", "repeats")}
        policy = evolve(policy, tries=evolve(own, **few))
    return evolve(terms, policy=policy)


def _asks(state: S, move: Move) -> bool:
    """Return whether the question is asked again, immediately or after a failed transfer."""
    return move.next.call.state in (state, S.TRANSFERRING)


def _spells(move: Move) -> bool:
    return move.next.call.state.phase is Phase.EMAIL


@frozen
class Proof:
    """The combined result of all walks."""

    walk: Walk
    seconds: float
    rows: frozenset[str]
    """Every row of the table."""
    found: tuple[tuple[Case, Counterexample], ...] = ()
    """Each counterexample, with its case."""

    @property
    def uncovered(self) -> tuple[str, ...]:
        """The rows that no walk took."""
        return tuple(sorted(self.rows - self.walk.took))

    @property
    def holds(self) -> bool:
        """Whether no counterexample was found."""
        return not self.walk.found


def rows(table: Table = FLOW) -> frozenset[str]:
    """Return the names of all rows of a table."""
    return frozenset(row.name(state) for state, block in table.items() for row in block)


def prove_all(
    policy: Policy | None = None,
    processes: int | None = None,
    watch: Callable[[Case, Walk], None] = lambda _, __: None,
) -> Proof:
    """Prove all cases in parallel, by default with one process per core.

    `watch` is called for each case when it and all cases before it are done. Processes exchange
    only numbers and row names, never calls, because personal data cannot be pickled. A case that
    fails is therefore walked again in this process to find its counterexample.
    """
    began = time.monotonic()
    together = Walk()
    found: list[tuple[Case, Counterexample]] = []
    these = cases(policy)
    with ProcessPoolExecutor(processes or os.cpu_count(), get_context("spawn")) as pool:
        walks = pool.map(partial(_counted, policy), range(len(these)))
        for case, (counts, holds) in zip(these, walks, strict=True):
            seen = counts if holds else prove(case)
            together.add(seen)
            found += ((case, counterexample) for counterexample in seen.found)
            watch(case, seen)
    return Proof(together, time.monotonic() - began, rows(), tuple(found))


def _counted(policy: Policy | None, number: int) -> tuple[Walk, bool]:
    """Return the result of a case's walks, without calls, and whether all invariants held."""
    seen = prove(cases(policy)[number])
    return Walk(seen.calls, seen.moves, seen.ends, seen.took), not seen.found
