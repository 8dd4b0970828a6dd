"""Identification: find the account, and have the caller prove that it is theirs."""

from collections.abc import Iterator

from attrs import evolve

from paperless_ivr.flow import bills, examples
from paperless_ivr.flow.answers import (
    DOWN_BEFORE_CONSENT,
    NO_TRY_LEFT,
    RESERVE,
    SEARCH,
    SEARCHING,
    reserve,
)
from paperless_ivr.flow.blocks import ACCOUNT_NUMBER, Ask, Chapter, Do, Pass, number
from paperless_ivr.flow.call import Call, Shown
from paperless_ivr.flow.events import (
    Arrived,
    Customer,
    CustomersFound,
    Digits,
    LimitReached,
    OutcomeUnknown,
    RecordUnavailable,
    Refused,
    TryReserved,
    Unavailable,
)
from paperless_ivr.flow.facts import (
    Anything,
    agent,
    all_of,
    calls_from,
    four_keys,
    handed_over_paid,
    handed_over_vouched,
    is_account,
    keyed,
    not_,
    wants_paper,
)
from paperless_ivr.flow.host import Identity, Moment, Reason
from paperless_ivr.flow.lines import Prompts, account_number_line, begun, say
from paperless_ivr.flow.phrases import Phrase
from paperless_ivr.flow.requests import (
    Guess,
    Request,
    SearchByAccountNumber,
    SearchByCustomerPhoneNumber,
)
from paperless_ivr.flow.rows import On, nothing
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.updates import (
    because,
    give_back_tries,
    hold_try,
    miss_try,
    spend,
    unanswered,
    want_agent,
)
from paperless_ivr.flow.view import CallView, Transition
from paperless_ivr.secret import Secret
from paperless_ivr.secret import account as account_number


@Phrase(
    "wants paper, not possible by phone", needs=lambda policy: not policy.back_to_paper.by_phone
)
def paper_not_by_phone(c: Anything) -> bool:
    """Whether the caller wants paper, but the policy does not allow that change by telephone."""
    return wants_paper(c) and not c.policy.back_to_paper.by_phone


@Phrase("found before the offer")
def known_ahead(c: Anything) -> bool:
    """Whether the account was found before the offer."""
    return bool(c.call.found)


@Phrase("no account found before the offer")
def nobody_ahead(c: Anything) -> bool:
    """Whether the search before the offer found no account, so repeating it is pointless."""
    return c.call.nobody_ahead


@Phrase("host knows payer and bill")
def payer_is_known(c: Anything) -> bool:
    """Whether the host vouches for the payer and names the bill, and the service cannot search."""
    host = c.call.host
    after = host.moment is Moment.AFTER_PAYMENT and host.invoice_type is not None
    known = host.identity >= Identity.ACCOUNT_KEYED and handed_over_paid(c)
    return no_search(c) and after and known


@Phrase("service cannot search")
def no_search(c: Anything) -> bool:
    """Whether the service cannot search by account number."""
    return not c.has(SearchByAccountNumber)


@Phrase("account number known")
def account_given(c: Anything) -> bool:
    """Whether there is an account number to search by."""
    return c.account is not None


@Phrase("caller's number known", needs=lambda policy: policy.proof.search_by_phone)
def phone_searchable(c: Anything) -> bool:
    """Whether a search by the caller's number is possible and allowed by the policy."""
    return bool(
        c.call.host.ani and c.policy.proof.search_by_phone and c.has(SearchByCustomerPhoneNumber)
    )


@Phrase("no account found", "found")
def nobody_found(c: Transition[CustomersFound]) -> bool:
    """Whether the search found no account."""
    return not c.event.customers


@Phrase("no account found", "found")
def number_of_nobody(c: Transition[CustomersFound]) -> bool:
    """Whether none of the accounts found has the number that was searched for."""
    return not stands_for(c)


def stands_for(c: Transition[CustomersFound]) -> tuple[Secret, ...]:
    """Return the accounts found, leaving out those without the number that was searched for."""
    wanted = c.account.reveal() if c.account else ""
    found = dict.fromkeys(customer.account for customer in c.event.customers)
    return tuple(a for a in found if c.terms.accounts.same(a.reveal(), wanted))


@Phrase("", "host's number")
def keyed_here(c: Anything) -> bool:
    """Whether the account number was keyed in this call, not handed over by the host."""
    return c.call.entry.account is not None


@Phrase("tries left", "no tries left")
def account_tries_left(c: Anything) -> bool:
    """Whether the caller may key the account number again."""
    return c.call.spent.accounts + 1 < c.policy.proof.account_tries


@Phrase("entered or vouched for", "not proved yet")
def account_shown(c: Anything) -> bool:
    """Whether the number was keyed in this call, or the host already has proof of it."""
    return keyed_here(c) or c.call.host.identity >= Identity.LAST_FOUR_KEYED


@Phrase("a few accounts found", "too many")
def few_found(c: Transition[CustomersFound]) -> bool:
    """Whether few enough accounts were found for the last four digits to be meaningful proof."""
    accounts = {customer.account for customer in c.event.customers}
    return len(accounts) <= c.policy.proof.last_four_accounts


def _matches(c: Transition[Digits]) -> int:
    if not four_keys(c):
        return 0
    ending = c.terms.accounts.last_four
    accounts = {customer.account.reveal() for customer in c.call.found}
    return sum(ending(account) == keyed(c) for account in accounts)


@Phrase("they match one account")
def one_match(c: Transition[Digits]) -> bool:
    """Whether the digits are the last four of exactly one account that was found."""
    return _matches(c) == 1


@Phrase("they match several")
def two_match(c: Transition[Digits]) -> bool:
    """Whether the digits are the last four of more than one account that was found."""
    return _matches(c) > 1


@Phrase("tries left", "no tries left")
def last_four_left(c: Anything) -> bool:
    """Whether the caller may key the last four digits again."""
    return c.call.spent.last_four + 1 < c.policy.proof.last_four_tries


def take_account(c: Transition[Digits]) -> Call:
    """Save the account number that was keyed. It has not been looked up yet."""
    number = c.terms.accounts.read(keyed(c)) or ""
    entry = evolve(c.call.entry, account=account_number(number), more_time=False)
    return evolve(c.call, entry=entry)


def miss_account(c: Anything) -> Call:
    """Count one try for an account number that does not exist."""
    return spend(miss_try(evolve(c.call, found=())), accounts=1)


def accept_customers(c: Transition[CustomersFound]) -> Call:
    """Accept the accounts found by a number that was keyed here or vouched for by the host.

    This alone does not give the try back, because a caller could then try one account number after
    another. The try is given back if the caller calls from the phone on file, or has just paid.
    """
    found = c.event.customers
    call = evolve(c.call, found=found, shown=_searched_by_account(c))
    theirs = any(calls_from(c, who.phone) or bills.paid_by(c, who) for who in found)
    return give_back_tries(call) if theirs else call


def _searched_by_account(c: Transition[CustomersFound]) -> Shown:
    """Return the proof that the account number gives, which depends on who provided it."""
    shown = stands_for(c)
    return Shown(numbers=shown) if keyed_here(c) else Shown(by_host=shown)


def take_payer(c: Anything) -> Call:
    """Use the payer from the host, because the service cannot search."""
    account = c.account or Secret("")
    found = (Customer(id=account, account=account),)
    return evolve(c.call, found=found, shown=Shown(by_host=(account,)))


def note_customers(c: Transition[CustomersFound]) -> Call:
    """Note the accounts found. They only suggest who is calling, so nothing is proved yet (R17)."""
    by_account = c.call.state is S.ACCOUNT_LOOKUP
    shown = _searched_by_account(c) if by_account else Shown(caller_id=True)
    return evolve(c.call, found=c.event.customers, shown=shown)


def match_customer(c: Transition[Digits]) -> Call:
    """Keep only the customers whose account ends in the four digits that were keyed.

    Someone who guessed the number at the host's own question already knows its last four digits, so
    the try for that number still counts.
    """
    ending = c.terms.accounts.last_four
    theirs = tuple(x for x in c.call.found if ending(x.account.reveal()) == keyed(c))
    shown = evolve(c.call.shown, last_four=theirs[0].account)
    call = evolve(c.call, found=theirs, shown=shown)
    calls = any(calls_from(c, who.phone) for who in theirs)
    return give_back_tries(call, latest=bool(shown.by_host) and not calls)


def note_crowd(c: Anything) -> Call:
    """Note that caller ID matches too many accounts to prove anything."""
    return evolve(c.call, crowded=True)


def drop_account(c: Anything) -> Call:
    """Count the try for the host's account number, which matches no account or too many.

    The caller must then key an account number.
    """
    return miss_try(c.call)


def miss_last_four(c: Anything) -> Call:
    """Count one try for the wrong last four digits."""
    return spend(miss_try(c.call), last_four=1)


def forget_customers(c: Anything) -> Call:
    """Forget the accounts found, so that the caller must key the whole account number.

    Tries at those accounts still count, no matter who the caller is.
    """
    return evolve(c.call, found=(), shown=Shown(), reserved=evolve(c.call.reserved, held=()))


def fail_last_four(c: Anything) -> Call:
    """Count the last try, which was wrong, and forget the accounts found."""
    return spend(forget_customers(c), last_four=1)


def note_nobody_ahead(c: Anything) -> Call:
    """Count the try for the host's account number, which matches no account."""
    return evolve(miss_try(c.call), nobody_ahead=True)


def search_ahead(view: CallView) -> Request:
    """Search by the host's account number, but only for as long as the offer can wait."""
    return SearchByAccountNumber(view.account or Secret(""), ahead=True)


def search_by_account(view: CallView) -> Request:
    """Search by the account number that was keyed or handed over."""
    return SearchByAccountNumber(view.account or Secret(""))


def search_by_phone(view: CallView) -> Request:
    """Search by the caller's number."""
    return SearchByCustomerPhoneNumber(view.call.host.ani or Secret(""))


def reserve_account(view: CallView) -> Request:
    """Ask the record to reserve a try at an account number."""
    return reserve(view, Guess.ACCOUNT, ())


def reserve_last_four(view: CallView) -> Request:
    """Ask the record to reserve a try at the accounts found."""
    return reserve(view, Guess.LAST_FOUR, tuple(c.account for c in view.call.found))


def _one_account(view: CallView, known: examples.Known) -> Iterator[Digits]:
    """Yield examples of account numbers. One existing number stands for all of them."""
    return examples.account_numbers(view, known, 1)


def _last_fours(view: CallView, known: examples.Known) -> Iterator[Digits]:
    """Yield the last four digits of each account, and other digits."""
    ending = view.terms.accounts.last_four
    theirs = dict.fromkeys(ending(who.account.reveal()) for who in known.customers)
    return examples.entry(view, *theirs, "0009", examples.SHORT)


PROMPTS: Prompts = {
    "account_not_found": ("account",),
    "account_instead": (),
    "paper_not_by_phone": (),
    "one_moment": (),
    "looking_up": (),
    "account_entry": (),
    "account_entry_help": (),
    "last_four": (),
    "last_four_help": (),
}
"""The prompts of this chapter, with the gaps that their wording can contain."""

# fmt: off
# Formatted by hand, to keep each transition on one line.
CHAPTER: Chapter = {
    S.BEFORE_OFFER: Pass(
        "Decides whether to look up the account before the offer.",
        title="Search before the offer?",
        ways=[
            On(Arrived, S.WHICH_OFFER, when=payer_is_known, keep=take_payer),
            On(Arrived, S.OFFER, when=no_search),
            On(Arrived, S.BEFORE_OFFER_LOOKUP, when=handed_over_vouched),
            On(Arrived, S.BEFORE_OFFER_LIMIT),
        ],
    ),
    S.BEFORE_OFFER_LIMIT: Do(
        "Asks the record whether any tries are left.",
        title="Before the offer: tries left?",
        say=[],
        ask=reserve_account,
        answers=RESERVE,
        ways=[
            On(TryReserved, S.BEFORE_OFFER_LOOKUP, keep=hold_try),
            On((LimitReached, RecordUnavailable), S.OFFER),
        ],
    ),
    S.BEFORE_OFFER_LOOKUP: Do(
        "Asks the billing service without saying anything.",
        title="Look it up before the offer",
        say=[],
        ask=search_ahead,
        answers=SEARCH,
        ways=[
            On(CustomersFound, S.OFFER, when=number_of_nobody, keep=note_nobody_ahead),
            On(CustomersFound, S.WHICH_OFFER, keep=accept_customers),
            On((Unavailable, OutcomeUnknown, Refused), S.OFFER, keep=unanswered(nothing)),
        ],
    ),
    S.ACCOUNT: Pass(
        "Uses what the host already knows.",
        title="How to find the account?",
        ways=[
            On(Arrived, S.AGENT_OFFER, when=all_of(paper_not_by_phone, agent),
               keep=want_agent(Reason.OPT_OUT_NOT_BY_PHONE, S.NOT_OFFERED), say="paper_not_by_phone"),
            On(Arrived, S.NOT_OFFERED, when=paper_not_by_phone,
               keep=because(Reason.OPT_OUT_NOT_BY_PHONE), say="paper_not_by_phone"),
            On(Arrived, S.INVOICE, when=known_ahead),
            On(Arrived, S.ACCOUNT_LIMIT, when=nobody_ahead),
            On(Arrived, S.INVOICE, when=payer_is_known, keep=take_payer),
            On(Arrived, S.UNAVAILABLE, when=no_search, keep=because(Reason.NO_OPERATION)),
            On(Arrived, S.ACCOUNT_LOOKUP, when=all_of(account_given, handed_over_vouched)),
            On(Arrived, S.HANDED_OVER_LIMIT, when=account_given),
            On(Arrived, S.PHONE_LOOKUP, when=phone_searchable),
            On(Arrived, S.ACCOUNT_LIMIT),
        ],
    ),
    S.HANDED_OVER_LIMIT: Do(
        "Asks the record whether any tries are left.",
        title="Host's number: tries left?",
        say=[],
        ask=reserve_account,
        answers=RESERVE,
        ways=[On(TryReserved, S.ACCOUNT_LOOKUP, keep=hold_try), *NO_TRY_LEFT],
    ),
    S.ACCOUNT_LOOKUP: Do(
        "Asks the billing service.",
        title="Search by account number",
        say=[say("looking_up")],
        ask=search_by_account,
        answers=SEARCH,
        ways=[
            On(CustomersFound, S.ACCOUNT_LIMIT, when=all_of(number_of_nobody, not_(keyed_here)), keep=drop_account),
            On(CustomersFound, S.ACCOUNT_LIMIT, when=all_of(number_of_nobody, account_tries_left),
               keep=miss_account, say="account_not_found"),
            On(CustomersFound, S.AGENT_OFFER, when=all_of(number_of_nobody, agent),
               keep=want_agent(Reason.ACCOUNT_NOT_FOUND, S.NOT_IDENTIFIED), say="account_not_found"),
            On(CustomersFound, S.NOT_IDENTIFIED, when=number_of_nobody, keep=because(Reason.ACCOUNT_NOT_FOUND)),
            On(CustomersFound, S.INVOICE, when=account_shown, keep=accept_customers),
            On(CustomersFound, S.LAST_FOUR_LIMIT, when=few_found, keep=note_customers),
            On(CustomersFound, S.ACCOUNT_LIMIT, keep=drop_account),
            *SEARCHING,
        ],
    ),
    S.PHONE_LOOKUP: Do(
        "Asks the billing service.",
        title="Search by the caller's number",
        say=[say("one_moment")],
        ask=search_by_phone,
        answers=SEARCH,
        ways=[
            On(CustomersFound, S.ACCOUNT_LIMIT, when=nobody_found),
            On(CustomersFound, S.LAST_FOUR_LIMIT, when=few_found, keep=note_customers),
            On(CustomersFound, S.ACCOUNT_LIMIT, keep=note_crowd),
            On(Refused, S.ACCOUNT_LIMIT),
            *DOWN_BEFORE_CONSENT,
        ],
    ),
    S.ACCOUNT_LIMIT: Do(
        "Asks the record whether any tries are left.",
        title="Account number: tries left?",
        say=[],
        ask=reserve_account,
        answers=RESERVE,
        ways=[On(TryReserved, S.ACCOUNT_ENTRY, keep=hold_try), *NO_TRY_LEFT],
    ),
    S.ACCOUNT_ENTRY: Ask(
        "The caller enters the number, then pound.",
        title="Enter the account number",
        say=[account_number_line("account_entry")],
        help="account_entry_help",
        by=ACCOUNT_NUMBER,
        examples=_one_account,
        ways=[On(Digits, S.ACCOUNT_LOOKUP, when=is_account, keep=take_account)],
    ),
    S.LAST_FOUR_LIMIT: Do(
        "Asks the record whether any tries are left.",
        title="Last four digits: tries left?",
        say=[],
        ask=reserve_last_four,
        answers=RESERVE,
        ways=[
            On(TryReserved, S.IDENTITY_CHECK, keep=hold_try),
            On((LimitReached, RecordUnavailable), S.ACCOUNT_LIMIT, keep=forget_customers, say="account_instead"),
        ],
    ),
    S.IDENTITY_CHECK: Ask(
        "The caller enters the last four digits of the account that was found.",
        title="Enter the last four digits",
        say=[begun("last_four")],
        help="last_four_help",
        by=number(4, "last_four_short"),
        examples=_last_fours,
        ways=[
            On(Digits, S.INVOICE, when=one_match, keep=match_customer),
            On(Digits, S.ACCOUNT_LIMIT, when=two_match, keep=forget_customers, say="account_instead"),
            On(Digits, S.LAST_FOUR_LIMIT, when=all_of(four_keys, last_four_left),
               keep=miss_last_four, say="last_four_missed"),
            On(Digits, S.ACCOUNT_LIMIT, when=four_keys, keep=fail_last_four, say="account_instead"),
        ],
    ),
}
