"""Facts about a call, and guards on what has just happened to it, shared by several chapters.

A fact depends on a call and its policy, and is used by rows, options, and prompts. A guard also
depends on what has just happened, and is used only by rows. With these names, a row of a chapter
reads like a sentence: "press `NO`, to `PENDING`, when `canceling`".
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
    """Give a generated guard or update a readable name."""
    rule.__name__ = name
    return rule


def all_of(*guards: Guard[E]) -> Guard[E]:
    """Return a guard that holds if all of these guards hold."""

    def both(c: Transition[E]) -> bool:
        return all(guard(c) for guard in guards)

    return made_of(named(" and ".join(g.__name__ for g in guards), both), guards)


def not_(guard: Guard[E]) -> Guard[E]:
    """Return the opposite of a guard."""

    def opposite(c: Transition[E]) -> bool:
        return not guard(c)

    return made_of(named(f"not {guard.__name__}", opposite), (guard,), holds=False)


# ── the caller, and what they agreed to ──────────────────────────────────────────────────


@Phrase("an agent is free", fork=True)
def agent(view: CallView) -> bool:
    """Whether an agent can take the call, and the caller may still ask for one."""
    return view.call.host.person_available and (view.call.spent.people < view.policy.tries.people)


@Phrase("wants paper")
def wants_paper(view: CallView) -> bool:
    """Whether the host handed over a caller who wants to go back to paper."""
    return view.call.host.intent is Intent.BACK_TO_PAPER


@Phrase(
    "paper is possible by phone",
    fork=True,
    needs=lambda policy: policy.back_to_paper.by_phone,
    settles=True,
)
def paper_by_phone(view: CallView) -> bool:
    """Whether the policy allows callers to go back to paper by telephone."""
    return view.policy.back_to_paper.by_phone


@Phrase("caller has hung up")
def hung_up(view: CallView) -> bool:
    """Whether the caller hung up, or the call was taken back.

    Only requests that the caller already agreed to are still carried out.
    """
    return view.call.results.hung_up


@Phrase("a bill is already settled", "no bill is settled yet")
def settled(view: CallView) -> bool:
    """Whether something that the caller agreed to was carried out or saved in this call."""
    return bool(view.call.results.outcomes)


def settled_here(view: CallView) -> bool:
    """Whether the current bill has been settled in this call."""
    choosing = view.call.choosing
    return (choosing.customer, choosing.type) in choosing.done


@Phrase("sign-up link", "other text", needs=lambda p: Strategy.TEXT_LINK in p.address.strategies)
def link_is_address(view: CallView) -> bool:
    """Whether a texted link replaces the address, and the bill has not been settled yet (R08)."""
    return view.call.contact.source is Source.LINK and not settled_here(view)


def given(view: CallView, purpose: Purpose) -> Consent:
    """Return the latest consent for a purpose. Use it only in states that follow that consent."""
    return next(c for c in reversed(view.call.consents) if c.purpose is purpose)


# ── keys ─────────────────────────────────────────────────────────────────────────────────


def keyed(c: Transition[Digits]) -> str:
    """Return the keys pressed, including those before a pause.

    If a star restarts the entry, only the keys after the last star are returned.
    """
    keys = so_far(c) + c.event.keys.reveal()
    return last_star(keys) if c.question.star_restarts else keys


def so_far(view: CallView) -> str:
    """Return the keys of an entry that were pressed before a pause."""
    return view.call.entry.so_far.reveal() if view.call.entry.so_far else ""


def spelled_so_far(view: CallView) -> str:
    """Return the keys of an exact spelling, beginning with those for the part that was kept."""
    return view.terms.pad.code(view.call.entry.before) + so_far(view)


def unfinished(c: Transition[Digits]) -> bool:
    """Whether an entry is unfinished.

    The caller paused, or the gather ended early because it also counted the keys before a star.
    """
    is_number = c.question.takes_several_keys and c.question.star_restarts
    restarted = c.event.ended is Ended.FULL and "*" in c.event.keys.reveal()
    return c.event.ended is Ended.TIMEOUT or (restarted and is_number)


@Phrase("pauses: the entry goes on")
def paused(c: Transition[Digits]) -> bool:
    """Whether the caller paused during an entry without completing it.

    At least one more key comes before each pause, and stars that start the entry over are counted,
    so the number of pauses in an entry is limited.
    """
    if not unfinished(c) or not keyed(c).isdecimal():
        return False
    return "*" not in c.event.keys.reveal() or repeats_left(c)


def pressed(c: Transition[Digits]) -> Option | None:
    """Return the option chosen by the pressed key."""
    key = c.event.keys.reveal()
    return next((option for option in c.options if option.key == key), None)


def chose(choice: Choice) -> Guard[Digits]:
    """Return a guard that holds if the pressed key stands for this choice in the menu."""

    def guard(c: Transition[Digits]) -> bool:
        option = pressed(c)
        return option is not None and option.choice is choice

    return Phrase(choice=choice)(named(f"chose {choice.value}", guard))


@Phrase()
def heard(c: Transition[Digits]) -> bool:
    """Whether everything that must be heard before a yes was played to the end (R09)."""
    last_to_hear = max((n for n, p in enumerate(c.said) if p.must_hear), default=-1)
    return c.event.interrupted is None or c.event.interrupted > last_to_hear


@Phrase(key="#")
def pound(c: Transition[Digits]) -> bool:
    """Whether the caller pressed only `#`."""
    return not c.event.keys and c.event.ended is Ended.END_KEY and not c.call.entry.so_far


@Phrase(key="0")
def zero(c: Transition[Digits]) -> bool:
    """Whether the caller pressed only 0, and may still ask for an agent (R15).

    In an entry, `#` must follow the 0, because numbers can begin with 0.
    """
    alone = keyed(c) == "0" and not c.call.entry.so_far
    said = c.event.ended is Ended.END_KEY or not c.question.takes_several_keys
    return alone and said and _may_ask_for_agent(c)


def _may_ask_for_agent(c: Anything) -> bool:
    return c.call.spent.people < c.policy.tries.people


@Phrase("hears it again", key="*")
def star(c: Transition[Digits]) -> bool:
    """Whether the caller pressed `*` to repeat the question or get more time, up to a limit.

    Not used where `*` is part of the input.
    """
    keys = c.event.keys.reveal()
    return keys.endswith("*") and repeats_left(c)


@Phrase()
def repeats_left(c: Anything) -> bool:
    """Whether the question can be repeated again."""
    return c.call.tries.repeats < c.policy.tries.repeats


@Phrase("too many wrong keys")
def wrong_used_up(c: Anything) -> bool:
    """Whether another wrong key at this question would be one too many."""
    return c.call.tries.wrong >= c.policy.tries.wrong


@Phrase("too often")
def silence_used_up(c: Anything) -> bool:
    """Whether another silence at this question would be one too many."""
    return c.call.tries.silence >= c.policy.tries.silence


@Phrase("an account number")
def is_account(c: Transition[Digits]) -> bool:
    """Whether the caller keyed a complete account number in the biller's form, without a pause."""
    return not unfinished(c) and c.terms.accounts.read(keyed(c)) is not None


@Phrase("mistyped account number")
def is_mistyped(c: Transition[Digits]) -> bool:
    """Whether the input has the form or length of an account number, but some key is wrong."""
    return not unfinished(c) and c.terms.accounts.fits(keyed(c)) and not is_account(c)


@Phrase("looks like a card number")
def is_card(c: Transition[Digits]) -> bool:
    """Whether the input looks like a card number. A card number is neither sent nor kept.

    If the caller paused partway through an account number, it is too early to know.
    """
    begun = unfinished(c) and c.terms.accounts.begins(keyed(c))
    return not begun and c.terms.accounts.may_be_card(keyed(c))


@Phrase("looks like a card, then a pause")
def card_before_pause(c: Transition[Digits]) -> bool:
    """Whether the keys before a pause look like a card number.

    They are dropped, but not counted as wrong.
    """
    return unfinished(c) and is_card(c) and repeats_left(c)


@Phrase("no match")
def four_keys(c: Transition[Digits]) -> bool:
    """Whether the caller keyed four digits."""
    return len(keyed(c)) == 4 and keyed(c).isdecimal()


@Phrase("one bill")
def one_bill(view: CallView) -> bool:
    """Whether there is only one bill to choose."""
    return len(bills.choices(view)) == 1


# ── ways to get an address ───────────────────────────────────────────────────────────────


@Phrase(needs=lambda policy: policy.address.changes > 0)
def another_address_left(view: CallView) -> bool:
    """Whether the caller may ask for another address, and there is still a way to get one."""
    if view.call.spent.addresses >= view.policy.address.changes:
        return False
    return any(possible(view, strategy) for strategy in left(view))


def left(view: CallView) -> tuple[Strategy, ...]:
    """Return the policy's strategies in order, without those in use or already tried.

    `KEYPAD` stays in the list until the caller gives up on keying an address.
    """
    contact = view.call.contact
    used = set(contact.used)
    if contact.source in (Source.ON_FILE, Source.PAYMENT):
        used.add(Strategy.ON_FILE)
    if contact.source is Source.LINK:
        used.add(Strategy.TEXT_LINK)
    return tuple(s for s in view.policy.address.strategies if s not in used)


def next_strategy(view: CallView) -> Strategy | None:
    """Return the next way to get an address, in the policy's order."""
    return next((strategy for strategy in left(view) if possible(view, strategy)), None)


def possible(view: CallView, strategy: Strategy) -> bool:
    """Whether a strategy can be used now, given the customer and the service."""
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
    """Whether the customer's file or a payment for this bill includes an e-mail address."""
    customer = view.customer
    by_payment = view.payment_email and bills.paid_for(view)
    return bool(by_payment or (customer and customer.email))


# ── two facts required before the caller can give an address or number (R17, R47) ────────
#
# The first is the whole account number, not just its last four digits. The second is caller ID
# that matches the phone number on file, or the last four digits of that number. If the host
# vouches for the caller, or the policy does not require two facts, neither is needed.


@Phrase("account number proved", "not proved yet")
def number_shown(view: CallView) -> bool:
    """Whether the caller has proved that they know the customer's whole account number.

    Knowing another account found by the same search does not count, and neither does an account
    number of only four digits.
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
    """Return the customer's phone number, unless so many people share it that it proves nothing."""
    phone = view.customer.phone if view.customer else None
    return None if view.call.crowded and phone == view.call.host.ani else phone


def calls_from(view: CallView, phone: Secret | None) -> bool:
    """Whether caller ID matches this number, and does not match too many accounts.

    Both numbers are always in E.164 form (`flow.known`).
    """
    return phone is not None and phone == view.call.host.ani and not view.call.crowded


def vouched(view: CallView) -> bool:
    """Whether the host verified the caller as this customer, or took a payment for the account."""
    customer = view.customer
    if customer is None:
        return False
    verified = view.call.identity_of(customer.account) is Identity.VERIFIED
    return verified or bills.paid_by(view, customer)


@Phrase("host vouches", "not vouched for")
def handed_over_vouched(view: CallView) -> bool:
    """Whether the host vouches that the account it handed over is the caller's."""
    return view.call.host.identity is Identity.VERIFIED or handed_over_paid(view)


def handed_over_paid(view: CallView) -> bool:
    """Whether the host's approved payment was for the account that it handed over."""
    account = view.account
    return account is not None and bills.paid_by(view, Customer(id=account, account=account))


@Phrase("both proofs given")
def both_shown(view: CallView) -> bool:
    """Whether the caller may give an address or a number."""
    if vouched(view) or not view.policy.proof.two_facts:
        return True
    return number_shown(view) and phone_shown(view)


@Phrase("proof is possible", "no proof is possible")
def can_show(view: CallView) -> bool:
    """Whether the caller may give an address or number, or can still provide the missing proof."""
    if both_shown(view):
        return True
    customer = view.customer
    if customer is None or view.call.shown.gave_up or phone_to_show(view) is None:
        return False
    return number_shown(view) or view.terms.accounts.is_long(customer.account.reveal())


def number_to_text(view: CallView) -> Secret | None:
    """Return the number to text: the one keyed, or the one on file if it may get texts.

    A number on file that cannot get texts can still prove who the caller is.
    """
    on_file = view.customer.phone if view.customer else None
    to_file = on_file and gets_texts(view.policy, on_file.reveal())
    return view.call.contact.phone or (on_file if to_file else None)


@Phrase("a number is known", "no number is known")
def number_known(view: CallView) -> bool:
    """Whether there is a number to text."""
    return number_to_text(view) is not None


def gets_texts(policy: Policy, number: str) -> bool:
    """Whether the policy allows texts to a number (E.164) (R07)."""
    return textable(number, policy.text.regions, toll_free=policy.text.to_toll_free)


def can_text(view: CallView) -> bool:
    """Whether there is a number to text, or the caller may key one."""
    return number_known(view) or can_show(view)


# ── what the service can do ──────────────────────────────────────────────────────────────


@Phrase("", "service cannot enroll")
def can_enroll(view: CallView) -> bool:
    """Whether the service has an operation for what the caller agreed to."""
    return by_payment(view) or by_preference(view)


def by_payment(view: CallView) -> bool:
    """Whether `EnrollInPaperless` can be used, which requires the payment's address and bill."""
    return (
        view.has(EnrollInPaperless)
        and view.call.contact.source is Source.PAYMENT
        and bills.paid_for(view)
    )


def by_preference(view: CallView) -> bool:
    """Whether `StoreCustomerPreference` can be used.

    It needs an address or, if the policy does not require one, only a texted link.
    """
    with_address = (
        view.call.contact.source is not Source.LINK or not view.policy.address.email_required
    )
    return view.has(StoreCustomerPreference) and with_address


REFUSALS = {
    Refusal.ALREADY_PAPERLESS: "paperless already",
    Refusal.PENDING: "link already sent",
    Refusal.BAD_EMAIL: "bad e-mail",
    Refusal.BAD_PHONE: "bad number",
    Refusal.LIMIT: "no more texts today",
    Refusal.OTHER: "other reason",
}
"""The reasons for a refusal, in words."""


def refused_as(refusal: Refusal) -> Guard[Refused]:
    """Return a guard that holds if the service refused for this reason."""

    def guard(c: Transition[Refused]) -> bool:
        return c.event.reason is refusal

    return Phrase(REFUSALS[refusal], "other reason")(named(f"refused as {refusal.value}", guard))


@Phrase("a text can finish it", "completed later")
def link_finishes(view: CallView) -> bool:
    """Whether a texted link can complete a saved request that the service has no operation for."""
    return not can_enroll(view) and view.has(SendWebLink)


def looked_up(c: Transition[CustomersFound]) -> bills.Status | None:
    """Return the current bill's status from a look-up, or None if the bill is not listed."""
    wanted = c.customer
    for customer in c.event.customers:
        if wanted and customer.id == wanted.id:
            there = tuple(i for i in customer.invoices if i.type == c.call.choosing.type)
            return bills.status(there) if there else None
    return None


# ── staying on the line until the texted link is opened (R52) ────────────────────────────

LOOK_S = 4.0
"""The approximate number of seconds between two look-ups, including prompts."""
FINISHING = (TextPurpose.TYPE_EMAIL, TextPurpose.ENROLL, TextPurpose.REVIEW)
"""The purposes for which opening the texted link makes the bill paperless."""


@Phrase("can wait on the line")
def may_wait(view: CallView) -> bool:
    """Whether opening the texted link finishes the enrollment, and the caller may wait for that."""
    finishes = view.call.contact.purpose in FINISHING and view.has(SearchByAccountNumber)
    return view.policy.text.wait_for_link and finishes


@Phrase("not yet, checks left", "not yet, no checks left")
def looks_left(view: CallView) -> bool:
    """Whether the policy allows enough time for another look-up after this one."""
    return (view.call.contact.looks + 2) * LOOK_S <= view.policy.text.wait_seconds
