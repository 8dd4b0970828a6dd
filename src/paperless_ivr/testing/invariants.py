"""What must hold for every move of every call, whatever the caller and the service do.

Each is a function of one move, named as the proof prints it. The walk adds one of its own:
"every call ends", that is, no call comes back to where it was.
"""

from collections.abc import Mapping

from paperless_ivr.flow.call import Consent, Purpose
from paperless_ivr.flow.events import Accepted, Digits, HungUp
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Disposition, Identity, Registration
from paperless_ivr.flow.menu import menu
from paperless_ivr.flow.requests import (
    EnrollInPaperless,
    KeepWish,
    SendWebLink,
    StoreCustomerPaymentMethodV2,
    StoreCustomerPreference,
    Write,
)
from paperless_ivr.flow.scene import Scene
from paperless_ivr.flow.script import PERSONAL
from paperless_ivr.flow.states import Kind
from paperless_ivr.flow.turns import Gather, Return
from paperless_ivr.testing.exploration import Invariant, Move, is_write, writes

ADDRESS_SLOTS = {
    Purpose.ENROL: ({"masked", "address", "ending"}, {"bill"}),
    Purpose.TEXT: ({"ending"},),
    Purpose.AUTOPAY: ({"bill"}, {"terms"}),
    Purpose.BACK_TO_PAPER: ({"bill"},),
}
"""What must have been heard for each consent: one slot of each set."""


def own_yes(_: Flow, move: Move) -> str | None:
    """A consent comes of a key pressed in time, after all of its question was heard (R09)."""
    if not move.minted:
        return None
    if move.minted > 1:
        return "one key gave two consents"
    if not isinstance(move.event, Digits):
        return f"{type(move.event).__name__} gave a consent"
    if move.late:
        return "an answer to an earlier question gave a consent"
    if move.early:
        return "a key pressed before the question gave a consent"
    given = move.next.call.consents[-1]
    must = [n for n, prompt in enumerate(move.turn.say) if prompt.must_hear]
    heard = move.event.heard
    if not must or (heard is not None and heard <= must[-1]):
        return "a consent before its question was heard to the end"
    slots = {name for n in must for name, _ in move.turn.say[n].slots}
    if not all(slots & wanted for wanted in ADDRESS_SLOTS[given.purpose]):
        return f"consent to {given.purpose.value} without naming what it is about"
    return None


def late_is_nothing(_: Flow, move: Move) -> str | None:
    """An answer to an earlier turn changes nothing (R09)."""
    if move.late and move.next.call != move.turn.call:
        return "an answer to an earlier turn moved the call"
    return None


def write_has_consent(_: Flow, move: Move) -> str | None:
    """Nothing is enrolled, undone, texted, paid or kept without its own yes (R09, R10)."""
    request = move.next.then
    purpose = _needs(request)
    if purpose is None or not isinstance(request, Write | KeepWish):
        return None
    given = {consent.reference: consent for consent in move.next.call.consents}
    consent = given.get(request.consent)
    if consent is None or consent.purpose is not purpose:
        return f"{type(request).__name__} without a consent to {purpose.value}"
    return _same(request, consent)


def _needs(request: object) -> Purpose | None:
    match request:
        case (
            EnrollInPaperless() | StoreCustomerPreference(paperless=True) | KeepWish(paperless=True)
        ):
            return Purpose.ENROL
        case StoreCustomerPreference() | KeepWish():
            return Purpose.BACK_TO_PAPER
        case SendWebLink():
            return Purpose.TEXT
        case StoreCustomerPaymentMethodV2():
            return Purpose.AUTOPAY
        case _:
            return None


def _same(request: object, consent: Consent) -> str | None:
    """What is written is what was agreed to."""
    for name in ("customer", "account", "invoice_type", "email", "phone"):
        if hasattr(request, name) and getattr(request, name) != getattr(consent, name):
            return f"{type(request).__name__} to another {name} than was agreed to"
    return None


def once(_: Flow, move: Move) -> str | None:
    """One write key per consent; sent a second time only after a look-up said absent (R23, R31)."""
    request = move.next.then
    if not is_write(request) or isinstance(move.event, HungUp) or move.late:
        return None
    if request.key != request.consent:
        return "a write under another key than its consent's"
    sent, cleared = writes(move)
    if request.key in sent and request.key not in cleared:
        return f"{type(request).__name__} sent again without a look-up that said absent"
    return None


def nothing_personal_first(_: Flow, move: Move) -> str | None:
    """Nothing personal is heard before identity is shown (R17)."""
    if move.next.call.identity >= Identity.ACCOUNT_KEYED:
        return None
    for prompt in move.next.say:
        told = {name for name, _ in prompt.slots} & PERSONAL
        if told:
            return f"{prompt.name} tells {', '.join(sorted(told))} before identity is shown"
    return None


def promised_keys_work(flow: Flow, move: Move) -> str | None:
    """A key that is offered does what was said, and is offered where it does something (R15)."""
    if not isinstance(move.event, Digits) or not isinstance(move.turn.then, Gather):
        return None
    if move.late or move.event.heard is not None:
        return None
    offered = {option.key: option for option in menu(Scene(move.turn.call, flow.terms))}
    option = offered.get(move.event.keys.reveal())
    if option is None:
        return None
    if "no_match" in move.next.call.lead:
        return f"{option.choice.value} was offered, and taken for a wrong key"
    spoken = [p for p in move.turn.say if p.name == option.prompt and p.slots == option.spoken]
    if option.prompt and not spoken:
        return f"{option.choice.value} is a key of the menu that nothing offers"
    return None


def one_key_waits(_: Flow, move: Move) -> str | None:
    """Keys pressed ahead of a consent are thrown away, whatever the runtime can tell (R09)."""
    gather = move.next.then
    if not isinstance(gather, Gather) or not gather.type_ahead:
        return None
    if any(prompt.must_hear for prompt in move.next.say):
        return "a question that must be heard keeps keys pressed before it"
    return None


def gone_is_gone(_: Flow, move: Move) -> str | None:
    """After a hang-up nothing is said or asked, and the call ends as abandoned."""
    call, then = move.next.call, move.next.then
    if not call.results.hung_up:
        return None
    if move.next.say or isinstance(then, Gather):
        return "the line talks to nobody"
    if isinstance(then, Return) and then.handback.disposition is not Disposition.ABANDONED:
        return f"a caller who hung up ends as {then.handback.disposition.value}"
    return None


def hang_up_anywhere(_: Flow, move: Move) -> str | None:
    """A hang-up at any moment ends the call, or waits for the write that is under way."""
    if not isinstance(move.event, HungUp) or move.late or isinstance(move.turn.then, Return):
        return None
    under_way = is_write(move.turn.then) or isinstance(move.turn.then, KeepWish)
    state = move.next.call.state
    checking = move.turn.call.state.name.startswith("ENROLLMENT")
    if state.kind is Kind.END or under_way or checking:
        return None
    return f"a hang-up leads to {state.name}"


def told_as_it_is(_: Flow, move: Move) -> str | None:
    """ENROLLED is said only where the service accepted; registration never claims more (R21)."""
    then = move.next.then
    if isinstance(move.event, Accepted) and is_write(move.turn.then):
        return None
    before = sum(o.registration is Registration.PENDING for o in move.turn.call.results.outcomes)
    after = sum(o.registration is Registration.PENDING for o in move.next.call.results.outcomes)
    looked_up = move.turn.call.state.name.startswith("ENROLLMENT")
    if after > before and not looked_up:
        return "a registration that nobody accepted"
    if isinstance(then, Return) and then.handback.disposition is Disposition.ENROLLED and not after:
        return "enrolled without a registration"
    return None


INVARIANTS: Mapping[str, Invariant] = {
    "a yes is its own, in time, and heard out": own_yes,
    "a late or repeated answer changes nothing": late_is_nothing,
    "keys pressed ahead of a consent are thrown away": one_key_waits,
    "every write and every kept wish has its consent": write_has_consent,
    "one key per consent; again only after absent": once,
    "nothing personal before identity is shown": nothing_personal_first,
    "promised keys work": promised_keys_work,
    "a hang-up ends the call anywhere": hang_up_anywhere,
    "after a hang-up nothing is said": gone_is_gone,
    "enrolled only where the service accepted": told_as_it_is,
}
