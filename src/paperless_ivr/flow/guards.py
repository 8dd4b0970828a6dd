"""Named questions about one crossing: a call, its terms, and what has just happened to it.

A row of the table reads as a sentence with them: "on Digits to DECLINED when `chose(NO)`".
"""

from collections.abc import Callable
from typing import Any

from paperless_ivr.flow import bills, facts
from paperless_ivr.flow.call import Source
from paperless_ivr.flow.events import (
    CustomersFound,
    Digits,
    Ended,
    InvoiceChecked,
    NoInput,
    Refusal,
    Refused,
    Screened,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.flow.host import (
    Disposition,
    Identity,
    Intent,
    Moment,
    Registration,
    Sent,
)
from paperless_ivr.flow.menu import left, possible, pressed
from paperless_ivr.flow.menu import person as a_person
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.requests import (
    EnrollInPaperless,
    InvoiceExists,
    SearchByAccountNumber,
    SearchByCustomerPhoneNumber,
    SendWebLink,
    StoreCustomerPaymentMethodV2,
    StoreCustomerPreference,
)
from paperless_ivr.flow.rows import E
from paperless_ivr.flow.scene import Crossing, Scene
from paperless_ivr.flow.script import last_to_hear, room, stopped_at
from paperless_ivr.flow.states import State
from paperless_ivr.keypad import last_four, last_star, national
from paperless_ivr.secret import Secret

Anything = Crossing[Any]
Guard = Callable[[Crossing[E]], bool]


def named(name: str, guard: Guard[E]) -> Guard[E]:
    """A guard that was made by a function, under a name that reads well in the table."""
    guard.__name__ = name
    return guard


def both(*guards: Guard[E]) -> Guard[E]:
    """All of the guards."""
    return named(
        " and ".join(g.__name__ for g in guards), lambda c: all(guard(c) for guard in guards)
    )


def no(guard: Guard[E]) -> Guard[E]:
    """The guard's opposite."""
    return named(f"not {guard.__name__}", lambda c: not guard(c))


# ── what the host handed over ────────────────────────────────────────────────────────────


def payment_not_approved(c: Anything) -> bool:
    """After a payment that the host does not vouch for."""
    host = c.call.host
    return host.moment is Moment.AFTER_PAYMENT and not (host.payment and host.payment.approved)


def moment_off(c: Anything) -> bool:
    """The policy makes no offer at this moment."""
    return c.call.host.moment not in c.policy.offer.moments and not wants_paper(c)


def type_not_eligible(c: Anything) -> bool:
    """The bill that the host handed over cannot go paperless (R13)."""
    wanted = c.call.host.invoice_type
    return wanted is not None and not wants_paper(c) and not bills.eligible(c, wanted)


def wants_paper(c: Anything) -> bool:
    """The host hands over a caller who wants to go back to paper."""
    return c.call.host.intent is Intent.BACK_TO_PAPER


def paper_not_by_phone(c: Anything) -> bool:
    """Going back to paper is asked for, and the policy does not do it by telephone."""
    return wants_paper(c) and not c.policy.back_to_paper.by_phone


def language_open(c: Anything) -> bool:
    """Several languages, and none chosen yet."""
    return c.call.language is None


def at_start(c: Anything) -> bool:
    """The host's call begins just now."""
    return c.call.host.moment is Moment.START


def person(c: Anything) -> bool:
    """Somebody can take the call."""
    return a_person(c)


# ── keys ─────────────────────────────────────────────────────────────────────────────────


def keyed(c: Crossing[Digits]) -> str:
    """The keys; in an entry, those before a pause too, and only those after the last star."""
    keys = so_far(c) + c.event.keys.reveal()
    return keys if c.call.state in STAR_IS_NO_RESTART else last_star(keys)


def so_far(c: Anything) -> str:
    """The keys of an entry that a pause interrupted."""
    return c.call.entry.so_far.reveal() if c.call.entry.so_far else ""


SPELLED = (State.EMAIL_LOCAL, State.EMAIL_DOMAIN_ENTRY, State.EMAIL_CHARACTER)
"""Entries by the two-key code, in which a star deletes."""
STAR_IS_NO_RESTART = (*SPELLED, State.EMAIL_READBACK, State.OFFER_AT_START)


def unfinished(c: Crossing[Digits]) -> bool:
    """The entry goes on: a pause, or the keys before a star used up the room for those after it."""
    restarted = c.event.ended is Ended.FULL and "*" in c.event.keys.reveal()
    return c.event.ended is Ended.TIMEOUT or (restarted and c.call.state in RESTARTS)


RESTARTS = (
    State.ACCOUNT_ENTRY,
    State.IDENTITY_CHECK,
    State.NUMBER_CHECK,
    State.PHONE_CHECK,
    State.PHONE_CAPTURE,
)
"""Entries of numbers, in which a star starts over."""


def paused(c: Crossing[Digits]) -> bool:
    """The caller stopped in the midst of an entry: nothing was said to be complete.

    Each pause comes after at least one more key, and a star that starts over is counted, so an
    entry cannot be paused for ever.
    """
    if not unfinished(c) or not keyed(c).isdecimal():
        return False
    return "*" not in c.event.keys.reveal() or repeats_left(c)


def chose(choice: Choice) -> Guard[Digits]:
    """The key chooses this from the menu."""

    def guard(c: Crossing[Digits]) -> bool:
        option = pressed(c, c.event.keys.reveal())
        return option is not None and option.choice is choice

    return named(f"chose {choice.value}", guard)


def heard(c: Crossing[Digits]) -> bool:
    """All that must be heard before a yes was spoken to its end (R09)."""
    return c.event.heard is None or c.event.heard > last_to_hear(c)


def pound(c: Crossing[Digits]) -> bool:
    """`#` with nothing keyed."""
    return not c.event.keys and c.event.ended is Ended.END_KEY and not c.call.entry.so_far


def zero(c: Crossing[Digits]) -> bool:
    """0 alone: in a menu the key, in an entry 0 and then `#`, as numbers begin with 0 too (R15)."""
    alone = keyed(c) == "0" and not c.call.entry.so_far
    said = c.event.ended is Ended.END_KEY or c.call.state not in (*RESTARTS, *SPELLED)
    return alone and said and _may_ask_for_person(c)


def _may_ask_for_person(c: Anything) -> bool:
    return c.call.spent.people < c.policy.tries.people


def chose_or_zero(c: Crossing[Digits]) -> bool:
    """A person is wanted: the key of the menu, or 0."""
    return c.event.keys.reveal() in ("1", "0")


def star(c: Crossing[Digits]) -> bool:
    """`*` where it is not data: repeat, or more time in an entry; at most so many times."""
    keys = c.event.keys.reveal()
    return keys.endswith("*") and repeats_left(c)


def wrong_used_up(c: Anything) -> bool:
    """The last wrong key that this question bears."""
    return c.call.tries.wrong >= c.policy.tries.wrong


def silence_used_up(c: Anything) -> bool:
    """The last silence that this question bears."""
    return c.call.tries.silence >= c.policy.tries.silence


def silent_before(c: Crossing[NoInput]) -> bool:
    """This question was met with silence once already."""
    return c.call.tries.silence >= 1


# ── who is calling ───────────────────────────────────────────────────────────────────────


def account_given(c: Anything) -> bool:
    """There is an account number to search by."""
    return c.account is not None


def no_search(c: Anything) -> bool:
    """The service cannot search by account number."""
    return not c.has(SearchByAccountNumber)


def payer_is_known(c: Anything) -> bool:
    """No search is needed: the host vouches for who has just paid, and for which bill."""
    host = c.call.host
    after = host.moment is Moment.AFTER_PAYMENT and host.invoice_type is not None
    known = host.identity >= Identity.ACCOUNT_KEYED and facts.handed_over_paid(c)
    return no_search(c) and after and known


def phone_searchable(c: Anything) -> bool:
    """The number that calls is known, and policy and service search by it."""
    return bool(
        c.call.host.ani and c.policy.proof.search_by_phone and c.has(SearchByCustomerPhoneNumber)
    )


def nobody_found(c: Crossing[CustomersFound]) -> bool:
    """The search found nobody."""
    return not c.event.customers


def number_of_nobody(c: Crossing[CustomersFound]) -> bool:
    """No account that the search found has the number that it was asked for."""
    return not stands_for(c)


def stands_for(c: Crossing[CustomersFound]) -> tuple[Secret, ...]:
    """The accounts found that have the number: not those that the service found with it."""
    wanted = c.account.reveal() if c.account else ""
    found = dict.fromkeys(customer.account for customer in c.event.customers)
    return tuple(a for a in found if c.terms.accounts.same(a.reveal(), wanted))


def keyed_here(c: Anything) -> bool:
    """The account number was keyed in this call, not handed over."""
    return c.call.entry.account is not None


def account_tries_left(c: Anything) -> bool:
    """The account number may be keyed once more."""
    return c.call.spent.accounts + 1 < c.policy.proof.account_tries


def account_shown(c: Anything) -> bool:
    """The account number was keyed in this call, or shown to the host, whole or in part."""
    return keyed_here(c) or c.call.host.identity >= Identity.LAST_FOUR_KEYED


def is_account(c: Crossing[Digits]) -> bool:
    """An account number of the biller's form, and no pause in the midst of it."""
    return not unfinished(c) and c.terms.accounts.read(keyed(c)) is not None


def is_mistyped(c: Crossing[Digits]) -> bool:
    """As long as an account number, and not one of them: some key is wrong."""
    return not unfinished(c) and c.terms.accounts.fits(keyed(c)) and not is_account(c)


def is_card(c: Crossing[Digits]) -> bool:
    """Looks like a payment card, and is no account number: neither sent nor kept.

    A pause in the midst of a number decides nothing, whatever its beginning looks like.
    """
    begun = unfinished(c) and c.terms.accounts.begins(keyed(c))
    return not begun and c.terms.accounts.may_be_card(keyed(c))


def card_before_pause(c: Crossing[Digits]) -> bool:
    """The same before a pause: it is dropped at no try, for it may have been a beginning."""
    return unfinished(c) and is_card(c) and repeats_left(c)


def few_found(c: Crossing[CustomersFound]) -> bool:
    """So few accounts were found that last four digits tell them apart from a guess."""
    accounts = {customer.account for customer in c.event.customers}
    return len(accounts) <= c.policy.proof.last_four_accounts


def four_keys(c: Crossing[Digits]) -> bool:
    """Four digits were keyed."""
    return len(keyed(c)) == 4 and keyed(c).isdecimal()


def _matches(c: Crossing[Digits]) -> int:
    if not four_keys(c):
        return 0
    ending = c.terms.accounts.last_four
    accounts = {customer.account.reveal() for customer in c.call.found}
    return sum(ending(account) == keyed(c) for account in accounts)


def one_match(c: Crossing[Digits]) -> bool:
    """The last four digits of exactly one account that was found."""
    return _matches(c) == 1


def two_match(c: Crossing[Digits]) -> bool:
    """The last four digits of more than one account that was found."""
    return _matches(c) > 1


def last_four_left(c: Anything) -> bool:
    """The last four digits may be keyed once more."""
    return c.call.spent.last_four + 1 < c.policy.proof.last_four_tries


def asked_lately(c: Crossing[Screened]) -> bool:
    """By policy, this caller is not asked again yet (R14)."""
    earlier = c.event.in_this_call
    if any(d is not Disposition.IGNORED for d in earlier) or len(earlier) > 1:
        return True
    if c.event.last is None or earlier:
        return False
    return c.event.days < c.policy.offer.again_after_days.get(c.event.last, 0)


# ── which bill ───────────────────────────────────────────────────────────────────────────


def to_paper(c: Anything) -> bool:
    """The talk is of going back to paper."""
    return c.call.choosing.back_to_paper


def one_bill(c: Anything) -> bool:
    """There is one bill to speak of."""
    return len(bills.choices(c)) == 1


def several_bills(c: Anything) -> bool:
    """There are several bills to choose among."""
    return len(bills.choices(c)) > 1


def a_bill_pending(c: Anything) -> bool:
    """A link for some bill was sent, and not opened yet (R12)."""
    return bool(bills.of_status(c, bills.Status.PENDING))


def a_bill_paperless(c: Anything) -> bool:
    """Some bill is paperless already (R11)."""
    return bool(bills.of_status(c, bills.Status.PAPERLESS))


def paper_by_phone(c: Anything) -> bool:
    """The policy lets a caller go back to paper by telephone."""
    return c.policy.back_to_paper.by_phone


def no_check(c: Anything) -> bool:
    """The bill need not be checked: it was just paid, or the service cannot."""
    return c.call.host.moment is Moment.AFTER_PAYMENT or not c.has(InvoiceExists)


def there(c: Crossing[InvoiceChecked]) -> bool:
    """The invoice is still there."""
    return c.event.exists


def several_paperless(c: Anything) -> bool:
    """More than one bill could go back to paper."""
    return len(bills.of_status(c, bills.Status.PAPERLESS)) > 1


def cancelling(c: Anything) -> bool:
    """A link waits to be opened: it is cancelled, and paper stays."""
    return bills.cancelling(c)


# ── which address ────────────────────────────────────────────────────────────────────────


def next_is(strategy: Strategy) -> Guard[Any]:
    """The next way to an address, in the policy's order, is this one."""

    def guard(c: Anything) -> bool:
        open_to = [s for s in left(c) if possible(c, s)]
        return bool(open_to) and open_to[0] is strategy

    return named(f"next is {strategy.value}", guard)


def spelling(c: Crossing[Digits]) -> str:
    """All keys of the part of an address that is being spelt."""
    return so_far(c) + c.event.keys.reveal()


def spelt_local(c: Crossing[Digits]) -> bool:
    """`#` ends a part that can stand before the at-sign."""
    spelt = c.terms.pad.spell(spelling(c))
    whole = not spelt.rest and not spelt.bad and c.event.ended is Ended.END_KEY
    return whole and c.terms.pad.is_local(spelt.text)


def spelt_domain(c: Crossing[Digits]) -> bool:
    """`#` ends a part that can stand after the at-sign."""
    spelt = c.terms.pad.spell(spelling(c))
    local = c.call.entry.local
    if spelt.rest or spelt.bad or c.event.ended is not Ended.END_KEY or local is None:
        return False
    return c.terms.pad.address(local.reveal(), spelt.text) is not None


def spelling_begun(c: Crossing[Digits]) -> bool:
    """Something is spelt so far."""
    return bool(c.terms.pad.spell(spelling(c)).text)


def spelling_goes_on(c: Crossing[Digits]) -> bool:
    """Silence after keys: what was spelt is kept, and the caller goes on."""
    if c.event.ended is not Ended.TIMEOUT or c.call.spent.pauses >= c.policy.address.pauses:
        return False
    return spelling_begun(c) and not c.terms.pad.spell(spelling(c)).bad


def code_goes_on(c: Crossing[Digits]) -> bool:
    """Silence after half a code, before anything is spelt: it is kept."""
    half = c.event.ended is Ended.TIMEOUT and c.call.spent.pauses < c.policy.address.pauses
    spelt = c.terms.pad.spell(spelling(c))
    return half and bool(spelt.rest) and not spelt.bad


def too_long(c: Crossing[Digits]) -> bool:
    """There is no room for more keys."""
    return len(spelling(c)) >= room(c)


def fixes_used_up(c: Crossing[Digits]) -> bool:
    """The read-back is stopped once more, and no correction is left."""
    used_up = c.call.spent.fixes >= c.policy.address.fixes
    return used_up and c.event.keys.reveal() in ("*", "9")


def repeats_left(c: Anything) -> bool:
    """The question may be heard once more."""
    return c.call.tries.repeats < c.policy.tries.repeats


def nothing_spelt(c: Crossing[Digits]) -> bool:
    """Only stars, which had nothing to delete: the caller wants more time."""
    return set(spelling(c)) == {"*"} and repeats_left(c)


def spelt_character(c: Crossing[Digits]) -> bool:
    """One character, and the address stays one with it."""
    spelt = c.terms.pad.spell(spelling(c))
    if len(spelt.text) != 1 or spelt.rest or spelt.bad:
        return False
    entry = c.call.entry
    local = entry.local.reveal() if entry.local else ""
    skip = 0 if entry.insert else 1
    return c.terms.pad.is_local(local[: entry.at] + spelt.text + local[entry.at + skip :])


def at_domain(c: Crossing[Digits]) -> bool:
    """The star came at the domain, or after the whole address."""
    local = c.call.entry.local
    return stopped_at(c, c.event.heard) >= len(local.reveal() if local else "")


# ── two facts before an address of the caller's own ──────────────────────────────────────


def for_number(c: Anything) -> bool:
    """It is about a number to text to, not an e-mail address."""
    return c.call.contact.purpose is not None


def number_matches(c: Crossing[Digits]) -> bool:
    """The whole number of the customer's account, and no pause in the midst of it."""
    if c.customer is None or not is_account(c):
        return False
    accounts = c.terms.accounts
    return accounts.same(accounts.read(keyed(c)) or "", c.customer.account.reveal())


def phone_matches(c: Crossing[Digits]) -> bool:
    """The last four digits of the customer's phone number."""
    on_file = facts.phone_to_show(c)
    return four_keys(c) and on_file is not None and last_four(on_file.reveal()) == keyed(c)


def facts_left(c: Anything) -> bool:
    """The fact that is missing may be keyed once more."""
    return c.call.spent.facts + 1 < c.policy.proof.last_four_tries


# ── texts ────────────────────────────────────────────────────────────────────────────────


def is_phone(c: Crossing[Digits]) -> bool:
    """A telephone number that texts may go to (R07)."""
    number = national(keyed(c), c.policy.text.region)
    return number is not None and facts.gets_texts(c.policy, number)


def is_other_phone(c: Crossing[Digits]) -> bool:
    """A telephone number, whether texts may go to it or not."""
    return national(keyed(c), c.policy.text.region) is not None


def numbers_left(c: Anything) -> bool:
    """A number may be keyed once more."""
    return c.call.spent.numbers < c.policy.text.other_numbers


def link_is_address(c: Anything) -> bool:
    """The texted link is to be the way to the address, and nothing is agreed yet (R08)."""
    return c.call.contact.source is Source.LINK and not settled_here(c)


# ── consent and enrolment ────────────────────────────────────────────────────────────────


def can_enrol(c: Anything) -> bool:
    """The service has an operation for what was agreed."""
    return by_payment(c) or by_preference(c)


def can_store(c: Anything) -> bool:
    """The service has an operation for going back to paper."""
    return c.has(StoreCustomerPreference)


def by_payment(c: Scene) -> bool:
    """`EnrollInPaperless`: the address is the payment's own, and so is the bill."""
    return (
        c.has(EnrollInPaperless) and c.call.contact.source is Source.PAYMENT and bills.paid_for(c)
    )


def by_preference(c: Scene) -> bool:
    """`StoreCustomerPreference`, with an e-mail or, where policy lets it, with the link alone."""
    with_address = c.call.contact.source is not Source.LINK or not c.policy.address.email_required
    return c.has(StoreCustomerPreference) and with_address


def refused_as(refusal: Refusal) -> Guard[Refused]:
    """The service refused for this reason."""
    return named(f"refused as {refusal.value}", lambda c: _reason(c) is refusal)


def _reason(c: Crossing[Refused]) -> Refusal:
    return c.event.reason


def bad_email_first(c: Crossing[Refused]) -> bool:
    """The address was refused, for the first time."""
    return c.event.reason is Refusal.BAD_EMAIL and not c.call.contact.bad_email


def registered_now(c: Crossing[CustomersFound]) -> bool:
    """The look-up shows the bill pending or paperless: the write was done."""
    return _looked_up(c) in (bills.Status.PENDING, bills.Status.PAPERLESS)


def absent(c: Crossing[CustomersFound]) -> bool:
    """The look-up shows the bill on paper still: the write was not done."""
    return _looked_up(c) is bills.Status.PAPER


def _looked_up(c: Crossing[CustomersFound]) -> bills.Status | None:
    wanted = c.customer
    for customer in c.event.customers:
        if wanted and customer.id == wanted.id:
            there = tuple(i for i in customer.invoices if i.type == c.call.choosing.type)
            return bills.status(there) if there else None
    return None


def refused_as_done(c: Crossing[Refused]) -> bool:
    """Sent again, and refused because it is there already: it was done."""
    return c.event.reason in (Refusal.ALREADY_PAPERLESS, Refusal.PENDING)


def may_send_again(c: Anything) -> bool:
    """A preference carries its key, so it may be sent once more; a payment's enrolment may not."""
    return not by_payment(c)


def link_finishes(c: Anything) -> bool:
    """A texted link can finish what was kept, because the service has no operation for it."""
    return not can_enrol(c) and c.has(SendWebLink)


def hung_up(c: Anything) -> bool:
    """The caller is gone; only what was agreed is still carried out."""
    return c.call.results.hung_up


# ── afterwards ───────────────────────────────────────────────────────────────────────────


def settled(c: Anything) -> bool:
    """Something was agreed and carried out or kept in this call."""
    return bool(c.call.results.outcomes)


def autopay_due(c: Anything) -> bool:
    """AutoPay is to be offered: by policy, after a payment, once (R04)."""
    host = c.call.host
    return (
        c.policy.autopay.offer
        and c.has(StoreCustomerPaymentMethodV2)
        and host.moment is Moment.AFTER_PAYMENT
        and c.call.results.autopay is Sent.NOT_ASKED
        and bills.paid_for(c)
    )


def text_due(c: Anything) -> bool:
    """A text is to be offered: to finish what was kept, else by policy to a number on file."""
    if c.call.results.text is not Sent.NOT_ASKED or not c.has(SendWebLink):
        return False
    by_policy = c.call.host.moment in c.policy.text.after_enrolment and facts.number_known(c)
    return by_policy or (not can_enrol(c) and facts.can_text(c))


def another_due(c: Anything) -> bool:
    """More bills could go paperless, and the policy asks."""
    return (
        c.policy.bills.another
        and c.call.spent.another < c.policy.bills.another_at_most
        and bool(bills.choices(c))
    )


def registered(c: Anything) -> bool:
    """A registration was accepted in this call."""
    return any(
        o.registration in (Registration.PENDING, Registration.ACTIVE)
        for o in c.call.results.outcomes
    )


def text_sent(c: Anything) -> bool:
    """The link was texted."""
    return c.call.results.text is Sent.DONE


def settled_here(c: Anything) -> bool:
    """The bill that is spoken of is settled in this call."""
    choosing = c.call.choosing
    return (choosing.customer, choosing.type) in choosing.done


# ── a person ─────────────────────────────────────────────────────────────────────────────


def taken(c: Crossing[TransferEnded]) -> bool:
    """A person has the call, or the runtime cannot tell."""
    return c.event.result in (TransferResult.ANSWERED, TransferResult.UNKNOWN)


def asked_at(state: State) -> Guard[Any]:
    """The person was asked for at this question."""
    return named(f"asked at {state.name}", lambda c: c.call.ringing.back_to is state)


def otherwise(state: State) -> Guard[Any]:
    """The ending that is due where nobody can be had."""
    return named(f"otherwise {state.name}", lambda c: c.call.ringing.otherwise is state)
