"""The prompts that chapters share, with their gaps, and the lines that are built from prompts.

Prompts are only named here; their wording is in `prompts/`. The choice of prompts depends only on
the call and its terms.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from attrs import field, frozen

from paperless_ivr.flow import bills, facts
from paperless_ivr.flow.call import GREETING, Source
from paperless_ivr.flow.facts import both_shown, phone_shown
from paperless_ivr.flow.options import Choice, Option
from paperless_ivr.flow.policy import Notifier
from paperless_ivr.flow.requests import StoreCustomerPreference
from paperless_ivr.flow.rows import always
from paperless_ivr.flow.slots import Count, Digits, Ending, Masked, Money, Slot, Spelled, Words
from paperless_ivr.flow.slots import Day as DaySlot
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.flow.view import CallView
from paperless_ivr.secret import Secret, account

Tell = Callable[[CallView], Iterable[Prompt]]


@frozen
class Line:
    """A line of the script, with the names of all prompts that it can contain, for `checks`."""

    names: tuple[str, ...]
    tell: Tell
    when: Mapping[str, str] = field(factory=dict)
    """When each prompt is played, in words. Prompts that are always played are left out."""
    must_hear: bool = False
    """Whether the whole line must be heard before a yes counts (`must`)."""


def says(*names: str, **when: str) -> Callable[[Tell], Line]:
    """Declare the prompts that a function can return, and describe when it returns each of them."""
    return lambda tell: Line((*names, *when), tell, when)


# ── slots, each with a single meaning ─────────────────────────────────────────────────────


def _biller(view: CallView) -> Slot:
    return Words(view.policy.biller.name)


def _bill(view: CallView) -> Slot:
    return bill_name(view, view.call.choosing.type)


def _account(view: CallView) -> Slot:
    return Digits(view.call.entry.account or Secret(""))


def _email(view: CallView) -> Secret:
    return view.call.contact.email or Secret("")


def number_to_say(view: CallView) -> Secret:
    """Return the number to text, or an empty `Secret` if there is none."""
    return facts.number_to_text(view) or Secret("")


def _spelled(view: CallView) -> Slot:
    return Spelled(Secret(view.terms.pad.spell(facts.spelled_so_far(view)).text))


SLOTS: Mapping[str, Callable[[CallView], Slot]] = {
    "biller": _biller,
    "bill": _bill,
    "account": _account,
    "address": lambda view: Spelled(_email(view)),
    "masked": lambda view: Masked(_email(view)),
    "number": lambda view: Digits(view.call.entry.phone or Secret("")),
    "ending": lambda view: Ending(number_to_say(view)),
    "spelt": _spelled,
    "wrong": lambda view: Spelled(view.call.entry.ruled_out[-1]),
    "bills_on_paper": lambda view: Count(view.policy.notification.bills_still_on_paper),
    "terms": lambda view: Words(view.policy.autopay.terms.get(view.language, "")),
    "days_before": lambda view: Count(view.policy.offer.reminder_days),
    "incentive": lambda view: Words(view.policy.offer.incentive.get(view.language, "")),
}
"""The functions that fill the gaps in prompts, by name. Options have their own slots."""

PERSONAL = frozenset({"bill", "address", "masked", "ending", "bill_ending", "amount", "due"})
"""Slots with the biller's data about a customer.

They are never spoken to a caller identified below `Identity.LAST_FOUR_KEYED` (R17).
"""

Prompts = Mapping[str, tuple[str, ...]]
"""Names of prompts, each with the gaps that its wording may contain."""

SHARED: Prompts = {
    GREETING: ("biller",),
    "no_input": (),
    "no_match": (),
    "menu_help": (),
    "menu_person": (),
    "entry_person": (),
    "listen_first": (),
    "nobody_free": (),
    "take_your_time": (),
    "not_a_card": (),
    "account_length": (),
    "account_mistyped": (),
    "last_four_missed": (),
    "last_four_short": (),
    "too_many_tries": (),
    "service_down": (),
    "service_refused": (),
    "still_working": (),
    "account_letters": (),
    "account_signs": (),
    "entry_go_on": (),
    "option_agree": ("key",),
    "option_if_not": ("key",),
    "option_other_address": ("key",),
    "keeping": (),
    "which_amount": ("amount", "due"),
    "which_account": ("ending",),
    "which_number": ("bill_ending",),
    "next_email": ("bills_on_paper",),
    "next_link": ("bills_on_paper",),
    "next_kept": ("biller", "bills_on_paper"),
    "back_any_time": (),
    "back_by_request": ("biller",),
    "option_yes": ("key",),
    "option_no": ("key",),
}
"""Prompts that several chapters use. Each chapter also has prompts of its own."""

_registered = dict(SHARED)


def register(*chapters: Prompts) -> Prompts:
    """Register the prompts of chapters, so that `prompt` can find them. Returns all prompts."""
    for prompts in chapters:
        _registered.update(prompts)
    return _registered


UNCHANGED = frozenset(
    {
        "service_down",
        "end_left",
        "end_ineligible",
        "end_not_identified",
        "end_no_contact",
        "end_incomplete",
        "end_unavailable",
        "end_failed",
    }
)
"""Prompts that say that nothing was changed, or that bills will keep coming as before.

They are never played in a call that has changed something.
"""


# ── lines ──────────────────────────────────────────────────────────────────────────────


@cache
def _without_gaps(name: str, must_hear: bool) -> Prompt:
    return Prompt(name, (), must_hear)


def prompt(view: CallView, name: str, *, must_hear: bool = False) -> Prompt:
    """Return a prompt with its gaps filled from the call."""
    gaps = _registered[name]
    if not gaps:
        return _without_gaps(name, must_hear)
    return Prompt(name, tuple((gap, SLOTS[gap](view)) for gap in gaps), must_hear)


def say(name: str) -> Line:
    """Return a line with a single prompt."""
    return Line((name,), lambda view: (prompt(view, name),))


def must(name: str) -> Line:
    """Return a line with a prompt that must be heard before a yes counts (R09)."""
    return Line((name,), lambda view: (prompt(view, name, must_hear=True),), must_hear=True)


# ── names of bills ───────────────────────────────────────────────────────────────────────


def marked(view: CallView, bill: bills.Bill, mark: bills.Mark) -> tuple[tuple[str, Slot], ...]:
    """Return the slots for one detail of a bill."""
    match mark:
        case bills.Mark.AMOUNT:
            assert bill.amount is not None
            assert bill.due is not None
            return ("amount", Money(bill.amount)), ("due", DaySlot(bill.due))
        case bills.Mark.NUMBER:
            assert bill.invoice is not None
            return (("bill_ending", Ending(bill.invoice)),)
        case bills.Mark.ACCOUNT:
            number = view.call.found[bill.customer].account.reveal()
            return (("ending", Ending(account(view.terms.accounts.last_four(number)))),)


def bill_name(view: CallView, invoice_type: str) -> Words:
    """Return the name of a bill in the language of the call, or "" if the policy has none."""
    return Words(view.policy.bills.names.get(invoice_type, {}).get(view.language, ""))


@says(**{f"which_{mark.value}": "several bills have that name" for mark in bills.Mark})
def which_bill(view: CallView) -> Iterable[Prompt]:
    """Say which of several bills with the same name is meant, to make a yes unambiguous (R09)."""
    bill = bills.chosen(view)
    for mark in bills.marks(view, bill, bills.listed(view)):
        yield Prompt(f"which_{mark.value}", marked(view, bill, mark), must_hear=True)


@says(
    next_link="the link is texted",
    next_kept="the biller completes the request",
    next_email="the service e-mails a link",
    back_any_time="back to paper is possible by phone",
    back_by_request="back to paper is not possible by phone",
)
def what_happens(view: CallView) -> Iterable[Prompt]:
    """Say what happens next: an e-mail, a texted link, or a request that the biller completes."""
    if view.call.contact.source is Source.LINK:
        name = "next_link"
    elif view.policy.notification.sent_by is Notifier.BILLER:
        name = "next_kept"
    elif view.has(StoreCustomerPreference) or view.call.contact.source is Source.PAYMENT:
        name = "next_email"
    else:
        name = "next_kept"
    yield prompt(view, name, must_hear=True)
    by_phone = view.policy.back_to_paper.by_phone
    yield prompt(view, "back_any_time" if by_phone else "back_by_request", must_hear=True)


def number_words(view: CallView) -> str:
    """Return a suffix for the names of prompts, depending on how they refer to the number to text.

    If the caller still has to prove that they know the last digits of the number on file, the
    prompts must not contain those digits (R47).
    """
    on_file = view.customer is not None and number_to_say(view) == view.customer.phone
    shown = both_shown(view) or phone_shown(view)
    return "_on_file" if on_file and not shown else ""


# ── menus and entries ────────────────────────────────────────────────────────────────────


options = Line((), lambda _: ())
"""The place for the options of a menu, each with its key. `Ask` fills it in."""


Offer = Callable[[CallView], tuple[Option, ...]]


@frozen
class Means:
    """A choice as diagrams show it: its keys, and words for what the caller does."""

    key: str
    words: str


@frozen
class Keys:
    """Keys of a menu, with the names of all prompts that mention them, for `checks`."""

    names: tuple[str, ...]
    offer: Offer
    means: Mapping[Choice, Means]
    """The choices, with their keys and their words in diagrams."""
    when: Callable[[CallView], bool] = always


def offers(*names: str, means: Mapping[Choice, Means]) -> Callable[[Offer], Keys]:
    """Declare the prompts that mention a function's options, and the meanings of the options."""
    return lambda offer: Keys(names, offer, means)


def key(
    digit: str,
    choice: Choice,
    prompt: str = "",
    *,
    words: str,
    when: Callable[[CallView], bool] = always,
) -> Keys:
    """Return a key that is offered if a fact holds.

    `prompt` is "" if another prompt mentions the key.
    """
    option = (Option(digit, choice, prompt),)
    means = {choice: Means(digit, words)}
    names = (prompt,) if prompt else ()
    return Keys(names, lambda view: option if when(view) else (), means, when)


def begun(name: str) -> Line:
    """Return a line that says what to key or, after a pause, asks the caller to continue."""
    go_on = "entry_go_on"
    return says(**{name: "at first", go_on: "after a pause in the entry"})(
        lambda view: (prompt(view, go_on if view.call.entry.so_far else name),)
    )


def account_number_line(name: str) -> Line:
    """Return a line that asks for the account number, and says how to key letters or symbols."""
    entry = begun(name)

    @says(
        **entry.when,
        account_letters="account numbers have letters",
        account_signs="account numbers have symbols, and no letters",
    )
    def line(view: CallView) -> Iterable[Prompt]:
        yield from entry.tell(view)
        accounts = view.terms.accounts
        if not view.call.entry.so_far and (accounts.any_letter or accounts.fixed_signs):
            yield prompt(view, "account_letters" if accounts.any_letter else "account_signs")

    return line
