"""What several chapters ask about a call, and about what has just happened to it.

A fact looks at a call under its policy, and serves rows, options and words. A guard looks at
what has just happened as well, and serves rows. A row of a chapter reads as a sentence with them:
"press `NO`, to `PENDING`, when `canceling`".
"""

from collections.abc import Callable
from typing import Any, TypeVar

from paperless_ivr.flow import bills
from paperless_ivr.flow.call import Consent, Purpose, Source, TextPurpose
from paperless_ivr.flow.events import (
    Customer,
    CustomersFound,
    Digits,
    Ended,
    Refusal,
    Refused,
)
from paperless_ivr.flow.host import Identity, Intent
from paperless_ivr.flow.options import Choice, Option
from paperless_ivr.flow.phrases import Phrase, made_of
from paperless_ivr.flow.policy import Policy, Strategy
from paperless_ivr.flow.requests import (
    EnrollInPaperless,
    SearchByAccountNumber,
    SendWebLink,
    StoreCustomerPreference,
)
from paperless_ivr.flow.rows import E
from paperless_ivr.flow.view import CallView, Transition
from paperless_ivr.keypad import last_star, textable
from paperless_ivr.secret import Secret

T = TypeVar("T")
Anything = Transition[Any]
Guard = Callable[[Transition[E]], bool]


def named(name: str, rule: Callable[[Transition[E]], T]) -> Callable[[Transition[E]], T]:
    """A guard or an update that was made by a function, under a name that reads well."""
    rule.__name__ = name
    return rule


def all_of(*guards: Guard[E]) -> Guard[E]:
    """All of the guards."""

    def both(c: Transition[E]) -> bool:
        return all(guard(c) for guard in guards)

    return made_of(named(" and ".join(g.__name__ for g in guards), both), guards)


def not_(guard: Guard[E]) -> Guard[E]:
    """The guard's opposite."""

    def opposite(c: Transition[E]) -> bool:
        return not guard(c)

    return made_of(named(f"not {guard.__name__}", opposite), (guard,), holds=False)


# ── the caller, and what was agreed ──────────────────────────────────────────────────────


@Phrase("an agent is free", fork=True)
def agent(view: CallView) -> bool:
    """Whether somebody can take the call, and may still be asked for."""
    return view.call.host.person_available and (view.call.spent.people < view.policy.tries.people)


@Phrase("wants paper")
def wants_paper(view: CallView) -> bool:
    """The host hands over a caller who wants to go back to paper."""
    return view.call.host.intent is Intent.BACK_TO_PAPER


@Phrase(
    "paper is possible by phone",
    fork=True,
    needs=lambda policy: policy.back_to_paper.by_phone,
    settles=True,
)
def paper_by_phone(view: CallView) -> bool:
    """The policy lets a caller go back to paper by telephone."""
    return view.policy.back_to_paper.by_phone


@Phrase("caller has hung up")
def hung_up(view: CallView) -> bool:
    """The caller is gone; only what was agreed is still carried out."""
    return view.call.results.hung_up


@Phrase("a bill is done already", "nothing done yet")
def settled(view: CallView) -> bool:
    """Something was agreed and carried out or kept in this call."""
    return bool(view.call.results.outcomes)


def settled_here(view: CallView) -> bool:
    """The bill that is spoken of is settled in this call."""
    choosing = view.call.choosing
    return (choosing.customer, choosing.type) in choosing.done


@Phrase("sign-up link", "other text", needs=lambda p: Strategy.TEXT_LINK in p.address.strategies)
def link_is_address(view: CallView) -> bool:
    """The texted link is to be the way to the address, and nothing is agreed yet (R08)."""
    return view.call.contact.source is Source.LINK and not settled_here(view)


def given(view: CallView, purpose: Purpose) -> Consent:
    """The latest consent to something. Only in states that follow such a yes."""
    return next(c for c in reversed(view.call.consents) if c.purpose is purpose)


# ── keys ─────────────────────────────────────────────────────────────────────────────────


def keyed(c: Transition[Digits]) -> str:
    """The keys; in an entry, those before a pause too, and only those after the last star."""
    keys = so_far(c) + c.event.keys.reveal()
    return last_star(keys) if c.question.star_restarts else keys


def so_far(view: CallView) -> str:
    """The keys of an entry that a pause interrupted."""
    return view.call.entry.so_far.reveal() if view.call.entry.so_far else ""


def spelled_so_far(view: CallView) -> str:
    """The keys that spell an address exactly: of what is kept of it, then those so far."""
    return view.terms.pad.code(view.call.entry.before) + so_far(view)


def unfinished(c: Transition[Digits]) -> bool:
    """The entry goes on: a pause, or the keys before a star used up the room for those after it."""
    is_number = c.question.takes_several_keys and c.question.star_restarts
    restarted = c.event.ended is Ended.FULL and "*" in c.event.keys.reveal()
    return c.event.ended is Ended.TIMEOUT or (restarted and is_number)


@Phrase("pauses: the entry goes on")
def paused(c: Transition[Digits]) -> bool:
    """The caller stopped in the midst of an entry: nothing was said to be complete.

    Each pause comes after at least one more key, and a star that starts over is counted, so an
    entry cannot be paused for ever.
    """
    if not unfinished(c) or not keyed(c).isdecimal():
        return False
    return "*" not in c.event.keys.reveal() or repeats_left(c)


def pressed(c: Transition[Digits]) -> Option | None:
    """The option that the key chooses."""
    key = c.event.keys.reveal()
    return next((option for option in c.options if option.key == key), None)


def chose(choice: Choice) -> Guard[Digits]:
    """The key chooses this from the menu."""

    def guard(c: Transition[Digits]) -> bool:
        option = pressed(c)
        return option is not None and option.choice is choice

    return Phrase(choice=choice)(named(f"chose {choice.value}", guard))


@Phrase()
def heard(c: Transition[Digits]) -> bool:
    """All that must be heard before a yes was spoken to its end (R09)."""
    last_to_hear = max((n for n, p in enumerate(c.said) if p.must_hear), default=-1)
    return c.event.interrupted is None or c.event.interrupted > last_to_hear


@Phrase("alone", key="#")
def pound(c: Transition[Digits]) -> bool:
    """`#` with nothing keyed."""
    return not c.event.keys and c.event.ended is Ended.END_KEY and not c.call.entry.so_far


@Phrase(key="0")
def zero(c: Transition[Digits]) -> bool:
    """0 alone: in a menu the key, in an entry 0 and then `#`, as numbers begin with 0 too (R15)."""
    alone = keyed(c) == "0" and not c.call.entry.so_far
    said = c.event.ended is Ended.END_KEY or not c.question.takes_several_keys
    return alone and said and _may_ask_for_agent(c)


def _may_ask_for_agent(c: Anything) -> bool:
    return c.call.spent.people < c.policy.tries.people


@Phrase("hears it again", key="*")
def star(c: Transition[Digits]) -> bool:
    """`*` where it is not data: repeat, or more time in an entry; at most so many times."""
    keys = c.event.keys.reveal()
    return keys.endswith("*") and repeats_left(c)


@Phrase()
def repeats_left(c: Anything) -> bool:
    """The question may be heard once more."""
    return c.call.tries.repeats < c.policy.tries.repeats


@Phrase("too many wrong keys")
def wrong_used_up(c: Anything) -> bool:
    """The last wrong key that this question bears."""
    return c.call.tries.wrong >= c.policy.tries.wrong


@Phrase("too often")
def silence_used_up(c: Anything) -> bool:
    """The last silence that this question bears."""
    return c.call.tries.silence >= c.policy.tries.silence


@Phrase("an account number")
def is_account(c: Transition[Digits]) -> bool:
    """An account number of the biller's form, and no pause in the midst of it."""
    return not unfinished(c) and c.terms.accounts.read(keyed(c)) is not None


@Phrase("mistyped account number")
def is_mistyped(c: Transition[Digits]) -> bool:
    """As long as an account number, and not one of them: some key is wrong."""
    return not unfinished(c) and c.terms.accounts.fits(keyed(c)) and not is_account(c)


@Phrase("looks like a card number")
def is_card(c: Transition[Digits]) -> bool:
    """Looks like a payment card, and is no account number: neither sent nor kept.

    A pause in the midst of a number decides nothing, whatever its beginning looks like.
    """
    begun = unfinished(c) and c.terms.accounts.begins(keyed(c))
    return not begun and c.terms.accounts.may_be_card(keyed(c))


@Phrase("looks like a card, then a pause")
def card_before_pause(c: Transition[Digits]) -> bool:
    """The same before a pause: it is dropped at no try, for it may have been a beginning."""
    return unfinished(c) and is_card(c) and repeats_left(c)


@Phrase("no match")
def four_keys(c: Transition[Digits]) -> bool:
    """Four digits were keyed."""
    return len(keyed(c)) == 4 and keyed(c).isdecimal()


@Phrase("one bill")
def one_bill(view: CallView) -> bool:
    """There is one bill to speak of."""
    return len(bills.choices(view)) == 1


# ── which way to an address ──────────────────────────────────────────────────────────────


@Phrase(needs=lambda policy: policy.address.changes > 0)
def another_address_left(view: CallView) -> bool:
    """Another address may be asked for, and there is a way to one beside the one in use."""
    if view.call.spent.addresses >= view.policy.address.changes:
        return False
    return any(possible(view, strategy) for strategy in left(view))


def left(view: CallView) -> tuple[Strategy, ...]:
    """The strategies of the policy, in order, less those used up and the one in use."""
    contact = view.call.contact
    used = set(contact.used)
    if contact.source in (Source.ON_FILE, Source.PAYMENT):
        used.add(Strategy.ON_FILE)
    if contact.source is Source.LINK:
        used.add(Strategy.TEXT_LINK)
    return tuple(s for s in view.policy.address.strategies if s not in used)


def next_strategy(view: CallView) -> Strategy | None:
    """The next way to an address, in the policy's order."""
    return next((strategy for strategy in left(view) if possible(view, strategy)), None)


def possible(view: CallView, strategy: Strategy) -> bool:
    """Whether a strategy can be taken for this customer, with this service, now."""
    match strategy:
        case Strategy.ON_FILE:
            return email_on_file(view)
        case Strategy.TEXT_LINK:
            return view.has(SendWebLink) and can_text(view)
        case Strategy.KEYPAD:
            return can_show(view)
        case Strategy.AGENT:
            return agent(view)


def email_on_file(view: CallView) -> bool:
    """Whether the customer, or the payment where it was for this bill, has an e-mail address."""
    customer = view.customer
    by_payment = view.payment_email and bills.paid_for(view)
    return bool(by_payment or (customer and customer.email))


# ── two facts before an address of the caller's own (R17, R47) ───────────────────────────
#
# The first is the whole account number; its last four digits are not. The second is caller ID
# that equals the phone number on file, or the last four digits of that number. Where the host
# vouches for the caller, neither is asked for.


@Phrase("account number shown", "not shown yet")
def number_shown(view: CallView) -> bool:
    """Whether the caller has shown the whole account number of the customer.

    That of another account which the search found with it does not count, nor does one that
    is no longer than its last four digits.
    """
    customer = view.customer
    if customer is None or not view.terms.accounts.is_long(customer.account.reveal()):
        return False
    return view.call.identity_of(customer.account) >= Identity.ACCOUNT_KEYED


def phone_shown(view: CallView) -> bool:
    """Whether the caller calls from the phone on file, or has keyed its last four digits."""
    phone = phone_to_show(view)
    return phone is not None and (phone == view.call.shown.phone or calls_from(view, phone))


def phone_to_show(view: CallView) -> Secret | None:
    """The customer's phone number, where it tells them from others: not one that many share."""
    phone = view.customer.phone if view.customer else None
    return None if view.call.crowded and phone == view.call.host.ani else phone


def calls_from(view: CallView, phone: Secret | None) -> bool:
    """Whether caller ID is this number; both are E.164 wherever they come from (`flow.known`)."""
    return phone is not None and phone == view.call.host.ani and not view.call.crowded


def vouched(view: CallView) -> bool:
    """Whether the host vouches for the caller as this customer: verified, or has just paid."""
    customer = view.customer
    if customer is None:
        return False
    verified = view.call.identity_of(customer.account) is Identity.VERIFIED
    return verified or bills.paid_by(view, customer)


@Phrase("host vouches", "not vouched for")
def handed_over_vouched(view: CallView) -> bool:
    """Whether the host vouches for the caller as who has the account that it hands over."""
    return view.call.host.identity is Identity.VERIFIED or handed_over_paid(view)


def handed_over_paid(view: CallView) -> bool:
    """Whether the host's payment names the account that it hands over."""
    account = view.account
    return account is not None and bills.paid_by(view, Customer(id=account, account=account))


@Phrase("both proofs given")
def both_shown(view: CallView) -> bool:
    """Whether an address of the caller's own may be used."""
    if vouched(view) or not view.policy.proof.two_facts:
        return True
    return number_shown(view) and phone_shown(view)


@Phrase("proof is possible", "no proof is possible")
def can_show(view: CallView) -> bool:
    """Whether it may be used, or the caller can still show what is missing."""
    if both_shown(view):
        return True
    customer = view.customer
    if customer is None or view.call.shown.gave_up or phone_to_show(view) is None:
        return False
    return number_shown(view) or view.terms.accounts.is_long(customer.account.reveal())


def number_to_text(view: CallView) -> Secret | None:
    """The number to text to: the one that was keyed, or the one on file if it may get texts.

    One that gets none is a fact all the same.
    """
    on_file = view.customer.phone if view.customer else None
    to_file = on_file and gets_texts(view.policy, on_file.reveal())
    return view.call.contact.phone or (on_file if to_file else None)


@Phrase("a number is known", "no number is known")
def number_known(view: CallView) -> bool:
    """There is a number to text to."""
    return number_to_text(view) is not None


def gets_texts(policy: Policy, number: str) -> bool:
    """Whether texts may go to a number (E.164), by the policy (R07)."""
    return textable(number, policy.text.regions, toll_free=policy.text.to_toll_free)


def can_text(view: CallView) -> bool:
    """There is a number to text to, or the caller may key one."""
    return number_known(view) or can_show(view)


# ── what the service can do ──────────────────────────────────────────────────────────────


@Phrase("", "service cannot enroll")
def can_enroll(view: CallView) -> bool:
    """The service has an operation for what was agreed."""
    return by_payment(view) or by_preference(view)


def by_payment(view: CallView) -> bool:
    """`EnrollInPaperless`: the address is the payment's own, and so is the bill."""
    return (
        view.has(EnrollInPaperless)
        and view.call.contact.source is Source.PAYMENT
        and bills.paid_for(view)
    )


def by_preference(view: CallView) -> bool:
    """`StoreCustomerPreference`, with an e-mail or, where policy lets it, with the link alone."""
    with_address = (
        view.call.contact.source is not Source.LINK or not view.policy.address.email_required
    )
    return view.has(StoreCustomerPreference) and with_address


REFUSALS = {
    Refusal.ALREADY_PAPERLESS: "paperless already",
    Refusal.PENDING: "a link waits already",
    Refusal.BAD_EMAIL: "bad e-mail",
    Refusal.BAD_PHONE: "bad number",
    Refusal.LIMIT: "no more texts today",
    Refusal.OTHER: "other reason",
}
"""Why the service refused, in words."""


def refused_as(refusal: Refusal) -> Guard[Refused]:
    """The service refused for this reason."""

    def guard(c: Transition[Refused]) -> bool:
        return c.event.reason is refusal

    return Phrase(REFUSALS[refusal], "other reason")(named(f"refused as {refusal.value}", guard))


@Phrase("a text can finish it", "completed later")
def link_finishes(view: CallView) -> bool:
    """A texted link can finish what was kept, because the service has no operation for it."""
    return not can_enroll(view) and view.has(SendWebLink)


def looked_up(c: Transition[CustomersFound]) -> bills.Status | None:
    """How the bill that is spoken of comes, by a look-up; None where it is not listed."""
    wanted = c.customer
    for customer in c.event.customers:
        if wanted and customer.id == wanted.id:
            there = tuple(i for i in customer.invoices if i.type == c.call.choosing.type)
            return bills.status(there) if there else None
    return None


# ── staying on the line until the texted link is opened (R52) ────────────────────────────

LOOK_S = 4.0
"""About so many seconds pass from one look at the service to the next, words included."""
FINISHING = (TextPurpose.TYPE_EMAIL, TextPurpose.ENROLL, TextPurpose.REVIEW)
"""What a texted link is for where opening it makes the bill paperless."""


@Phrase("can wait on the line")
def may_wait(view: CallView) -> bool:
    """The texted link finishes it, and the caller may stay on the line until then."""
    finishes = view.call.contact.purpose in FINISHING and view.has(SearchByAccountNumber)
    return view.policy.text.wait_for_link and finishes


@Phrase("not yet, looks left", "not yet, no looks left")
def looks_left(view: CallView) -> bool:
    """After the present look at the service there may be another."""
    return (view.call.contact.looks + 2) * LOOK_S <= view.policy.text.wait_seconds
