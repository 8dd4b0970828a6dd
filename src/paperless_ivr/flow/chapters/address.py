"""Getting an e-mail address: the ways that the policy lists, and proofs for a new address."""

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import evolve

from paperless_ivr.flow import examples
from paperless_ivr.flow.answers import RESERVE, reserve
from paperless_ivr.flow.blocks import ACCOUNT_NUMBER, Ask, Chapter, Do, Pass, number
from paperless_ivr.flow.call import Call, Entry, Shown, Source, TextPurpose
from paperless_ivr.flow.events import (
    Arrived,
    Digits,
    LimitReached,
    RecordUnavailable,
    TryReserved,
)
from paperless_ivr.flow.facts import (
    Anything,
    Guard,
    all_of,
    both_shown,
    can_show,
    four_keys,
    hung_up,
    is_account,
    keyed,
    named,
    next_strategy,
    number_shown,
    phone_to_show,
    pound,
)
from paperless_ivr.flow.host import Reason, Sent
from paperless_ivr.flow.lines import Prompts, account_number_line, begun
from paperless_ivr.flow.phrases import Phrase
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.requests import Guess, Request
from paperless_ivr.flow.rows import On, Row
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.updates import (
    because,
    give_back_tries,
    hold_try,
    leave_keypad,
    miss_try,
    spend,
    use_address_on_file,
    want_agent,
)
from paperless_ivr.flow.view import CallView, Transition
from paperless_ivr.keypad import last_four

WAYS = {
    Strategy.ON_FILE: "e-mail address on file",
    Strategy.TEXT_LINK: "a texted link",
    Strategy.KEYPAD: "spelled by keypad",
    Strategy.AGENT: "an agent takes it down",
}
"""The ways to get an address, in words."""


def next_is(strategy: Strategy) -> Guard[Any]:
    """Return a guard that holds if this is the next way to get an address."""
    words = Phrase(
        WAYS[strategy],
        needs=lambda policy: strategy in policy.address.strategies,
        order=lambda policy: policy.address.strategies.index(strategy),
    )
    return words(named(f"next is {strategy.value}", lambda c: next_strategy(c) is strategy))


@Phrase("for a text", "for an e-mail")
def for_number(c: Anything) -> bool:
    """Whether the call needs a number for a text, not an e-mail address."""
    return c.call.contact.purpose is not None


@Phrase("this account's number")
def number_matches(c: Transition[Digits]) -> bool:
    """Whether the caller keyed the whole number of the customer's account, without a pause."""
    if c.customer is None or not is_account(c):
        return False
    accounts = c.terms.accounts
    return accounts.same(accounts.read(keyed(c)) or "", c.customer.account.reveal())


@Phrase("the right four digits")
def phone_matches(c: Transition[Digits]) -> bool:
    """Whether the caller keyed the last four digits of the customer's phone number."""
    on_file = phone_to_show(c)
    return four_keys(c) and on_file is not None and last_four(on_file.reveal()) == keyed(c)


@Phrase("tries left", "no tries left")
def facts_left(c: Anything) -> bool:
    """Whether the caller has another try at the missing proof."""
    return c.call.spent.facts + 1 < c.policy.proof.last_four_tries


def use_text_link(c: Anything) -> Call:
    """Choose a texted link as the way to get the address."""
    required = c.policy.address.email_required
    purpose = TextPurpose.TYPE_EMAIL if required else TextPurpose.ENROLL
    contact = evolve(c.call.contact, source=Source.LINK, email=None, purpose=purpose)
    return evolve(c.call, contact=contact, results=evolve(c.call.results, text=Sent.NOT_ASKED))


def use_keypad(c: Anything) -> Call:
    """Choose the keypad as the way to get the address."""
    contact = evolve(c.call.contact, source=Source.KEYED, email=None, purpose=None)
    return evolve(c.call, contact=contact, entry=Entry())


def try_agent(c: Anything) -> Call:
    """Choose an agent as the way to get the address."""
    contact = evolve(c.call.contact, used=(*c.call.contact.used, Strategy.AGENT))
    return want_agent(Reason.NO_ADDRESS_LEFT, S.ADDRESS)(
        evolve(c, call=evolve(c.call, contact=contact))
    )


def show_number(c: Anything) -> Call:
    """Note that the caller keyed the whole account number."""
    theirs = (c.customer.account,) if c.customer else ()
    return _fact(c, evolve(c.call.shown, numbers=(*c.call.shown.numbers, *theirs)))


def show_phone(c: Anything) -> Call:
    """Note that the caller keyed the last four digits of the phone number on file."""
    return _fact(c, evolve(c.call.shown, phone=c.customer.phone if c.customer else None))


def _fact(c: Anything, shown: Shown) -> Call:
    call = evolve(c.call, shown=shown)
    return give_back_tries(call) if both_shown(CallView(call, c.terms)) else call


def miss_fact(c: Anything) -> Call:
    """Count one try for a wrong answer."""
    return spend(miss_try(c.call), facts=1)


def fail_fact(c: Anything) -> Call:
    """Count the last try, which failed, and give up on the missing proof."""
    return give_up_proof(evolve(c, call=miss_fact(c)))


def give_up_proof(c: Anything) -> Call:
    """Give up on the missing proof, so that only contact data on file is used."""
    return evolve(c.call, shown=evolve(c.call.shown, gave_up=True))


def reserve_fact(view: CallView) -> Request:
    """Ask the record to reserve a try at the missing proof."""
    customer = view.customer
    guess = Guess.PHONE if number_shown(view) else Guess.NUMBER
    return reserve(view, guess, (customer.account,) if customer else ())


def _phones(view: CallView, known: examples.Known) -> Iterator[Digits]:
    """Yield the last four digits of each phone number on file, and other digits."""
    theirs = dict.fromkeys(last_four(c.phone.reveal()) for c in known.customers if c.phone)
    return examples.entry(view, *theirs, "0009", examples.SHORT)


CANNOT_SHOW = On(
    Digits,
    S.NEW_CONTACT,
    when=pound,
    keep=give_up_proof,
    say="on_file_only",
    words="alone: does not know it",
)
"""The transition for `#` alone: the caller does not know the answer and continues without it."""


def missed_fact(keyed: Guard[Digits]) -> Sequence[Row]:
    """Return the rows for a complete but wrong answer."""
    return (
        On(
            Digits,
            S.FACT_LIMIT,
            when=all_of(keyed, facts_left),
            keep=miss_fact,
            say="last_four_missed",
            words="not the right one, tries left",
        ),
        On(
            Digits,
            S.NEW_CONTACT,
            when=keyed,
            keep=fail_fact,
            say="on_file_only",
            words="not the right one, no tries left",
        ),
    )


PROMPTS: Prompts = {
    "on_file_only": (),
    "person_for_address": (),
    "number_check": (),
    "number_check_help": (),
    "phone_check": (),
    "phone_check_help": (),
}
"""The prompts of this chapter, with the gaps that their wording can contain."""

# fmt: off
# Formatted by hand, to keep each transition on one line.
CHAPTER: Chapter = {
    S.ADDRESS: Pass(
        "Tries the ways to get an address, in the biller's order.",
        title="How to get an e-mail address?",
        ways=[
            On(Arrived, S.DONE, when=hung_up),
            On(Arrived, S.CONFIRMATION, when=next_is(Strategy.ON_FILE), keep=use_address_on_file),
            On(Arrived, S.TEXT_NUMBER, when=next_is(Strategy.TEXT_LINK), keep=use_text_link),
            On(Arrived, S.NEW_CONTACT, when=next_is(Strategy.KEYPAD), keep=use_keypad),
            On(Arrived, S.AGENT_OFFER, when=next_is(Strategy.AGENT), keep=try_agent, say="person_for_address"),
            On(Arrived, S.NO_CONTACT, keep=because(Reason.NO_ADDRESS_LEFT)),
        ],
    ),
    S.NEW_CONTACT: Pass(
        "A new address or number requires two proofs: account number and phone on file.",
        title="Both proofs given?",
        ways=[
            On(Arrived, S.PHONE_CAPTURE, when=all_of(both_shown, for_number)),
            On(Arrived, S.EMAIL_LOCAL, when=both_shown),
            On(Arrived, S.FACT_LIMIT, when=can_show),
            On(Arrived, S.TEXT_DECLINED, when=for_number, words="no proof is possible, for a text"),
            On(Arrived, S.ADDRESS, keep=leave_keypad, words="no proof is possible, for an e-mail"),
        ],
    ),
    S.FACT_LIMIT: Do(
        "Asks the record whether any tries are left.",
        title="Missing proof: tries left?",
        say=[],
        ask=reserve_fact,
        answers=RESERVE,
        ways=[
            On(TryReserved, S.PHONE_CHECK, when=number_shown, keep=hold_try),
            On(TryReserved, S.NUMBER_CHECK, keep=hold_try),
            On((LimitReached, RecordUnavailable), S.NEW_CONTACT, keep=give_up_proof, say="on_file_only"),
        ],
    ),
    S.NUMBER_CHECK: Ask(
        "The first proof: the whole account number.",
        title="Enter the whole account number",
        say=[account_number_line("number_check")],
        help="number_check_help",
        by=ACCOUNT_NUMBER,
        examples=examples.account_numbers,
        ways=[On(Digits, S.NEW_CONTACT, when=number_matches, keep=show_number), *missed_fact(is_account), CANNOT_SHOW],
    ),
    S.PHONE_CHECK: Ask(
        "The second proof: the phone number on file.",
        title="Last four digits of the phone",
        say=[begun("phone_check")],
        help="phone_check_help",
        by=number(4, "last_four_short"),
        examples=_phones,
        ways=[On(Digits, S.NEW_CONTACT, when=phone_matches, keep=show_phone), *missed_fact(four_keys), CANNOT_SHOW],
    ),
}
