"""Updates to a call that several chapters share. Each returns the call after a transition.

The counters in `spent` only grow. Those in `tries` start over whenever the call enters a new state.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve

from paperless_ivr.flow import bills
from paperless_ivr.flow.call import (
    Call,
    Consent,
    Contact,
    Entry,
    PendingTransfer,
    Purpose,
    Reserved,
    Source,
)
from paperless_ivr.flow.events import (
    Digits,
    EndedBy,
    HungUp,
    RecordUnavailable,
    TryReserved,
    Unavailable,
)
from paperless_ivr.flow.facts import Anything, agent, keyed, named
from paperless_ivr.flow.host import BillOutcome, Reason, Registration
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.view import Transition
from paperless_ivr.secret import Secret

Keep = Callable[[Transition[Any]], Call]


def spend(call: Call, **more: int) -> Call:
    """Return the call with these numbers added to its counters in `spent`."""
    spent = {name: getattr(call.spent, name) + n for name, n in more.items()}
    return evolve(call, spent=evolve(call.spent, **spent))


def because(reason: Reason) -> Keep:
    """Return an update that notes why the call ends as it does."""
    return named(
        f"because {reason.value}",
        lambda c: evolve(c.call, results=evolve(c.call.results, reason=_exact(reason, c))),
    )


def _exact(reason: Reason, c: Anything) -> Reason:
    """Return the reason, or `BUSY` if the service or record is not down, but we are busy (R50)."""
    busy = isinstance(c.event, Unavailable | RecordUnavailable) and c.event.busy
    down = reason in (Reason.SERVICE_DOWN, Reason.RECORD_DOWN)
    return Reason.BUSY if busy and down else reason


# ── keys ─────────────────────────────────────────────────────────────────────────────────


def count_wrong_key(c: Anything) -> Call:
    """Count a wrong key and say so. From the second time on, add the longer help."""
    call = count_wrong(c)
    return evolve(call, lead=("no_match", *_help(c, call.tries.wrong)))


def count_wrong(c: Anything) -> Call:
    """Count a wrong key. The row's prompt says what was wrong with it."""
    tries = evolve(c.call.tries, wrong=c.call.tries.wrong + 1)
    return evolve(c.call, tries=tries, entry=evolve(c.call.entry, so_far=None))


def keep_keys(c: Transition[Digits]) -> Call:
    """Keep the keys before a pause. Each star that starts the entry over counts as a repeat."""
    restarts = c.event.keys.reveal().count("*")
    tries = evolve(c.call.tries, repeats=c.call.tries.repeats + restarts)
    return evolve(c.call, tries=tries, entry=evolve(c.call.entry, so_far=Secret(keyed(c))))


def count_silence(c: Anything) -> Call:
    """Count a silence and reprompt. From the second time on, add the longer help."""
    tries = evolve(c.call.tries, silence=c.call.tries.silence + 1)
    return evolve(c.call, tries=tries, lead=("no_input", *_help(c, tries.silence)))


def _help(c: Anything, times: int) -> tuple[str, ...]:
    question = c.question
    if times < 2 or question.help is None:
        return ()
    if not agent(c):
        return (question.help,)
    return (question.help, "entry_person" if question.takes_several_keys else "menu_person")


def hear_again(c: Anything) -> Call:
    """Repeat the question. In an entry, the line then waits longer for the first key."""
    tries = evolve(c.call.tries, repeats=c.call.tries.repeats + 1)
    return evolve(c.call, tries=tries, entry=evolve(c.call.entry, more_time=True, so_far=None))


def hang_up(c: Transition[HungUp]) -> Call:
    """Note that the caller hung up, or that the call was taken back."""
    by = c.event.by
    taken_back = by is not EndedBy.CALLER
    results = evolve(c.call.results, hung_up=True, taken_back=taken_back, reason=HUNG_UP[by])
    return evolve(c.call, results=results)


HUNG_UP = {
    EndedBy.CALLER: Reason.CALLER_HUNG_UP,
    EndedBy.HOST: Reason.HOST_CANCELED,
    EndedBy.SERVER: Reason.SERVER_STOPPED,
    EndedBy.ERROR: Reason.CALL_LOST,
}


# ── tries that the record counts ─────────────────────────────────────────────────────────


def hold_try(c: Transition[TryReserved]) -> Call:
    """Note a try that the record has counted."""
    before = c.call.reserved
    held = (*before.held, c.call.next_try)
    return evolve(c.call, reserved=evolve(before, made=before.made + 1, held=held))


def miss_try(call: Call) -> Call:
    """Leave the latest try counted for good, because the answer or number was wrong."""
    return evolve(call, reserved=evolve(call.reserved, held=call.reserved.held[:-1]))


def unanswered(keep: Keep) -> Keep:
    """Return an update that also gives the latest try back if a search got no answer at all.

    Any answer, even an unusable one, may have revealed something. Without an answer, nothing was
    revealed.
    """

    def kept(c: Anything) -> Call:
        silent = isinstance(c.event, Unavailable) and not c.event.answered
        return keep(evolve(c, call=give_back_tries(c.call, latest=True)) if silent else c)

    return named(f"{keep.__name__}, giving the try back if there was no answer", kept)


def give_back_tries(call: Call, *, latest: bool = False) -> Call:
    """Give back tries that the record has counted: all that are held, or only the latest."""
    before = call.reserved
    kept, back = (before.held[:-1], before.held[-1:]) if latest else ((), before.held)
    return evolve(call, reserved=Reserved(before.made, kept, (*before.matched, *back)))


# ── the bill, and ways to get an address ─────────────────────────────────────────────────


def speak_of(c: Anything, bill: bills.Bill) -> Call:
    """Make a bill the current one."""
    choosing = evolve(c.call.choosing, customer=bill.customer, type=bill.type, page=0)
    return evolve(c.call, choosing=choosing)


def take_only_bill(c: Anything) -> Call:
    """Make the only bill the current one."""
    return speak_of(c, bills.choices(c)[0])


def use_address_on_file(c: Anything) -> Call:
    """Use the address from a payment for this bill or, if there is none, the one on file."""
    customer = c.customer
    found, source = (customer.email if customer else None), Source.ON_FILE
    if c.payment_email and bills.paid_for(c):
        found, source = c.payment_email, Source.PAYMENT
    return evolve(c.call, contact=evolve(c.call.contact, source=source, email=found, purpose=None))


def leave_address(c: Anything) -> Call:
    """Give up the current address, because the caller wants another one."""
    return spend(leave_contact(c), addresses=1)


def leave_keypad(c: Anything) -> Call:
    """Give up on keying an address."""
    contact = Contact(used=(*c.call.contact.used, Strategy.KEYPAD))
    return evolve(c.call, contact=contact, entry=Entry())


def leave_contact(c: Anything) -> Call:
    """Give up the current address. Its strategy counts as used, unless the address was keyed."""
    contact = c.call.contact
    way = contact.source.way if contact.source else Strategy.KEYPAD
    tried = contact.used if way is Strategy.KEYPAD else (*contact.used, way)
    return evolve(c.call, contact=Contact(used=tried, bad_email=contact.bad_email))


# ── consent ──────────────────────────────────────────────────────────────────────────────


def mint_consent(purpose: Purpose) -> Keep:
    """Return an update that creates a consent with its subject, words, and key (R09, R30)."""
    return named(f"consent to {purpose.value}", lambda c: _consented(c, purpose))


def _reference(call: Call) -> str:
    """Return the reference of the next consent, unique within the call and all its hand-overs."""
    return f"{call.host.reference}-{len(call.consents) + 1}"


def _consented(c: Transition[Digits], purpose: Purpose) -> Call:
    call, customer = c.call, c.customer
    asked = [p for p in c.said if p.must_hear]
    contact = call.contact
    enrolling = purpose is Purpose.ENROLL
    texting = purpose is Purpose.TEXT or (enrolling and contact.source is Source.LINK)
    minted = Consent(
        reference=_reference(call),
        biller=call.host.biller,
        purpose=purpose,
        prompts=tuple(p.name for p in asked),
        slots=tuple(slot for p in asked for slot in p.slots),
        key=c.event.keys.reveal(),
        language=c.language,
        customer=customer.id if customer else Secret(""),
        account=customer.account if customer else Secret(""),
        invoice_type=call.choosing.type,
        email=contact.email if enrolling else None,
        phone=contact.phone if texting else None,
    )
    return evolve(call, consents=(*call.consents, minted))


def settle(registration: Registration) -> Keep:
    """Return an update that notes the outcome for the bill that the caller agreed to change."""
    return named(f"settled as {registration.value}", lambda c: settle_bill(c, registration))


def settle_bill(c: Anything, registration: Registration) -> Call:
    """Note the outcome for the bill that the caller agreed to change."""
    call = c.call
    yes = next(
        x for x in reversed(call.consents) if x.purpose in (Purpose.ENROLL, Purpose.BACK_TO_PAPER)
    )
    outcome = BillOutcome(yes.customer, yes.account, yes.invoice_type, registration, yes.reference)
    others = tuple(
        o
        for o in call.results.outcomes
        if (o.customer, o.invoice_type) != (yes.customer, yes.invoice_type)
    )
    bill = (call.choosing.customer or 0, call.choosing.type)
    results = evolve(call.results, outcomes=(*others, outcome))
    return evolve(
        call, results=results, choosing=evolve(call.choosing, done=(*call.choosing.done, bill))
    )


def note_lost_answer(c: Anything) -> Call:
    """Note that the answer to the write was lost."""
    results = evolve(c.call.results, reason=Reason.OUTCOME_UNKNOWN, lost=True)
    return evolve(c.call, results=results)


# ── an agent ─────────────────────────────────────────────────────────────────────────────


def want_agent(reason: Reason, otherwise: S) -> Keep:
    """Return an update that notes why an agent is needed, and what happens if none is free."""

    def keep(c: Anything) -> Call:
        exact = _exact(reason, c)
        ringing = PendingTransfer(exact, None, otherwise)
        return evolve(c.call, ringing=ringing, results=evolve(c.call.results, reason=exact))

    return named(f"wants an agent: {reason.value}", keep)


def ask_for_agent(c: Anything) -> Call:
    """Note the question at which the caller pressed 0."""
    ringing = PendingTransfer(Reason.CALLER_ASKED, c.call.state)
    return evolve(c.call, ringing=ringing)


def find_nobody(c: Anything) -> Call:
    """Note that no agent is available, and count the caller's request for an agent."""
    return spend(evolve(c.call, ringing=PendingTransfer()), people=1)
