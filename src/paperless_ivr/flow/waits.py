"""What each state waits for: keys, an answer, a transfer, or nothing more."""

from collections.abc import Callable, Mapping

from paperless_ivr.flow import bills
from paperless_ivr.flow.call import Consent, Purpose
from paperless_ivr.flow.facts import number_shown
from paperless_ivr.flow.guards import by_payment
from paperless_ivr.flow.host import Disposition, Handback, Identity, Registration
from paperless_ivr.flow.menu import menu
from paperless_ivr.flow.requests import (
    EnrollInPaperless,
    Guess,
    InvoiceExists,
    Request,
    ReserveTry,
    Screen,
    SearchByAccountNumber,
    SearchByCustomerPhoneNumber,
    SendWebLink,
    StoreCustomerPaymentMethodV2,
    StoreCustomerPreference,
    wish,
)
from paperless_ivr.flow.scene import Scene
from paperless_ivr.flow.script import room
from paperless_ivr.flow.states import Kind
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Gather, Return, Then, Transfer
from paperless_ivr.secret import Secret

EVERY_KEY = "0123456789*#"

FLUSHED = frozenset(
    {
        S.CONFIRMATION,
        S.TEXT_CONSENT,
        S.AUTOPAY_OFFER,
        S.OPT_OUT_CONFIRM,
        S.EMAIL_READBACK,
        S.PHONE_CONFIRM,
    }
)
"""Questions whose yes carries consent or an address: keys pressed before them are thrown away."""


def then(scene: Scene) -> Then:
    """What the present state waits for."""
    state = scene.call.state
    if state.kind is Kind.END:
        return Return(handback(scene))
    if state is S.TRANSFERRING:
        return Transfer(scene.call.ringing.reason)
    if state.kind is Kind.DO:
        return REQUESTS[state](scene)
    return ENTRIES[state](scene) if state in ENTRIES else _one_key(scene)


# ── keys ─────────────────────────────────────────────────────────────────────────────────


def _one_key(scene: Scene) -> Gather:
    """One key of a menu. At the start of a call every key ends it, `#` too (R01)."""
    state, waits = scene.call.state, scene.policy.waits
    at_start = state is S.OFFER_AT_START
    return Gather(
        keys=EVERY_KEY if at_start else "".join(o.key for o in menu(scene)) + "0*",
        max_keys=1,
        first_key_wait=waits.offer if at_start else waits.first_key,
        next_key_wait=waits.next_key,
        end_key="" if at_start else "#",
        type_ahead=state not in FLUSHED,
    )


def _number(most: Callable[[Scene], int]) -> Callable[[Scene], Gather]:
    def gather(scene: Scene) -> Gather:
        waits = scene.policy.waits
        patient = scene.call.entry.more_time
        begun = len(scene.call.entry.so_far or "")
        return Gather(
            keys="0123456789*",
            max_keys=max(most(scene) - begun, 1),
            first_key_wait=waits.more_time if patient else waits.entry_first_key,
            next_key_wait=waits.next_key,
            private=True,
            begun=begun > 0,
        )

    return gather


def _spelling(scene: Scene) -> Gather:
    waits, entry = scene.policy.waits, scene.call.entry
    begun = len(entry.so_far or "")
    return Gather(
        keys="0123456789*",
        max_keys=max(room(scene) - begun, 1),
        first_key_wait=waits.more_time if entry.more_time else waits.entry_first_key,
        next_key_wait=waits.email_next_key,
        private=True,
        begun=begun > 0,
    )


def _character(scene: Scene) -> Gather:
    waits = scene.policy.waits
    return Gather(
        keys="0123456789*",
        max_keys=max(LONGEST_CODE - len(scene.call.entry.so_far or ""), 1),
        first_key_wait=waits.entry_first_key,
        next_key_wait=waits.next_key,
        private=True,
    )


LONGEST_CODE = 3
"""Keys of the longest code of one character (`0*1`)."""

ENTRIES: Mapping[S, Callable[[Scene], Gather]] = {
    S.ACCOUNT_ENTRY: _number(lambda scene: scene.terms.accounts.gathered),
    S.IDENTITY_CHECK: _number(lambda _: 4),
    S.NUMBER_CHECK: _number(lambda scene: scene.terms.accounts.gathered),
    S.PHONE_CHECK: _number(lambda _: 4),
    S.PHONE_CAPTURE: _number(lambda _: 11),
    S.EMAIL_LOCAL: _spelling,
    S.EMAIL_DOMAIN_ENTRY: _spelling,
    S.EMAIL_CHARACTER: _character,
}


# ── answers ──────────────────────────────────────────────────────────────────────────────


def _screen(scene: Scene) -> Request:
    host = scene.call.host
    return Screen(host.call_id, host.biller, host.moment, host.ani, scene.account)


def _by_account(scene: Scene) -> Request:
    return SearchByAccountNumber(scene.account or Secret(""))


def _by_phone(scene: Scene) -> Request:
    return SearchByCustomerPhoneNumber(scene.call.host.ani or Secret(""))


def _try(scene: Scene, guess: Guess, accounts: tuple[Secret, ...]) -> Request:
    host = scene.call.host
    return ReserveTry(guess, host.biller, host.ani, accounts, scene.call.next_try)


def _any_account(scene: Scene) -> Request:
    return _try(scene, Guess.ACCOUNT, ())


def _last_four(scene: Scene) -> Request:
    return _try(scene, Guess.LAST_FOUR, tuple(c.account for c in scene.call.found))


def _fact(scene: Scene) -> Request:
    customer = scene.customer
    guess = Guess.PHONE if number_shown(scene) else Guess.NUMBER
    return _try(scene, guess, (customer.account,) if customer else ())


def _invoice(scene: Scene) -> Request:
    bill = bills.chosen(scene)
    account = scene.call.found[bill.customer].account
    return InvoiceExists(account, bill.invoice or Secret(""))


def given(scene: Scene, purpose: Purpose) -> Consent:
    """The latest consent to something. Only in states that follow such a yes."""
    return next(c for c in reversed(scene.call.consents) if c.purpose is purpose)


def _enrol(scene: Scene) -> Request:
    payment = scene.call.host.payment
    if by_payment(scene) and payment:
        yes = given(scene, Purpose.ENROL)
        return EnrollInPaperless(
            payment.guid, yes.customer, yes.account, yes.invoice_type, yes.reference
        )
    return _prefer(given(scene, Purpose.ENROL))


def _prefer(yes: Consent) -> StoreCustomerPreference:
    return StoreCustomerPreference(
        yes.customer,
        yes.account,
        yes.invoice_type,
        yes.purpose is Purpose.ENROL,
        yes.email,
        yes.phone,
        yes.reference,
        language=yes.language,
    )


def _look_again(scene: Scene) -> Request:
    return SearchByAccountNumber(given(scene, Purpose.ENROL).account)


def _text(scene: Scene) -> Request:
    yes = given(scene, Purpose.TEXT)
    purpose = scene.call.contact.purpose or ""
    number = yes.phone or Secret("")
    return SendWebLink(
        yes.customer,
        yes.account,
        yes.invoice_type,
        number,
        str(purpose),
        yes.reference,
        language=yes.language,
    )


def _autopay(scene: Scene) -> Request:
    yes = given(scene, Purpose.AUTOPAY)
    payment = scene.call.host.payment
    return StoreCustomerPaymentMethodV2(
        payment.guid if payment else Secret(""),
        yes.customer,
        yes.account,
        yes.invoice_type,
        yes.reference,
    )


REQUESTS: Mapping[S, Callable[[Scene], Request]] = {
    S.SCREENING: _screen,
    S.ACCOUNT_LOOKUP: _by_account,
    S.PHONE_LOOKUP: _by_phone,
    S.HANDED_OVER_LIMIT: _any_account,
    S.ACCOUNT_LIMIT: _any_account,
    S.LAST_FOUR_LIMIT: _last_four,
    S.FACT_LIMIT: _fact,
    S.INVOICE_CHECK: _invoice,
    S.WEB_LINK: _text,
    S.ENROLLMENT: _enrol,
    S.ENROLLMENT_CHECK: _look_again,
    S.ENROLLMENT_AGAIN: _enrol,
    S.KEEPING: lambda scene: wish(given(scene, Purpose.ENROL)),
    S.AUTOPAY: _autopay,
    S.OPT_OUT: lambda scene: _prefer(given(scene, Purpose.BACK_TO_PAPER)),
    S.OPT_OUT_KEEPING: lambda scene: wish(given(scene, Purpose.BACK_TO_PAPER)),
}


# ── nothing more ─────────────────────────────────────────────────────────────────────────


def disposition(scene: Scene) -> Disposition:
    """How the call ended, for the host and the funnel.

    What was agreed outweighs how the talk ended: a caller who enrolled one bill and then
    said no to a second is ENROLLED. A hang-up and a transfer outweigh both.
    """
    call = scene.call
    if call.results.hung_up:
        return Disposition.TAKEN_BACK if call.results.taken_back else Disposition.ABANDONED
    if call.state in (S.TRANSFERRED, S.OPTED_OUT, S.OPT_OUT_REQUESTED, S.LINK_SENT):
        return call.state.disposition
    reached = {outcome.registration for outcome in call.results.outcomes}
    for registration, ending in REACHED.items():
        if registration in reached:
            return ending
    return call.state.disposition


REACHED = {
    Registration.ACTIVE: Disposition.ENROLLED,
    Registration.PENDING: Disposition.ENROLLED,
    Registration.LINK: Disposition.LINK_SENT,
    Registration.KEPT: Disposition.DEFERRED,
    Registration.UNKNOWN: Disposition.DEFERRED,
}


def handback(scene: Scene) -> Handback:
    """What the host gets back (R18)."""
    call, customer = scene.call, scene.customer
    outcomes = call.results.outcomes
    bill = bills.chosen(scene) if customer and call.choosing.type else None
    return Handback(
        disposition=disposition(scene),
        reason=call.results.reason,
        call_id=call.host.call_id,
        handover=call.host.handover,
        moment=call.host.moment,
        paid=call.host.paid,
        registration=outcomes[-1].registration if outcomes else Registration.NONE,
        text=call.results.text,
        autopay=call.results.autopay,
        language=call.language,
        account=_account(scene),
        customer=customer.id if customer else None,
        invoice=bill.invoice if bill else None,
        identity=_identity(scene),
        greeted=call.greeted,
        unused_keys=call.results.unused,
        outcomes=outcomes,
        consents=tuple(consent.reference for consent in call.consents),
    )


def _account(scene: Scene) -> Secret | None:
    """The account that the hand-back speaks of: what it says of the caller was shown of that."""
    call, customer = scene.call, scene.customer
    if customer is not None:
        return customer.account
    found = (who.account for who in call.found)
    shown = (a for a in found if call.identity_of(a) >= Identity.LAST_FOUR_KEYED)
    return next(shown, scene.account)


def _identity(scene: Scene) -> Identity:
    """What was shown of that account: here, or to the host, of the one that it handed over."""
    call, account = scene.call, _account(scene)
    if any(who.account == account for who in call.found):
        return call.identity_of(account) if account else Identity.NONE
    if call.entry.account is not None:
        return Identity.NONE
    here = Identity.CALLER_ID if account is None and call.shown.caller_id else Identity.NONE
    return max(here, call.host.identity)
