"""The choice of a bill. A customer has one bill for each invoice type."""

from collections.abc import Iterable
from itertools import combinations

from attrs import evolve

from paperless_ivr.flow import bills
from paperless_ivr.flow.blocks import Ask, Chapter, Do, Pass, Press
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import (
    Arrived,
    Digits,
    InvoiceChecked,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from paperless_ivr.flow.facts import (
    Anything,
    all_of,
    one_bill,
    paper_by_phone,
    pressed,
    settled,
)
from paperless_ivr.flow.host import Moment
from paperless_ivr.flow.lines import (
    Means,
    Prompts,
    bill_name,
    marked,
    offers,
    options,
    prompt,
    say,
    says,
)
from paperless_ivr.flow.options import Choice, Option
from paperless_ivr.flow.phrases import Phrase
from paperless_ivr.flow.requests import InvoiceExists, Request
from paperless_ivr.flow.rows import REPROMPT, On
from paperless_ivr.flow.slots import Slot
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.flow.updates import speak_of, spend, take_only_bill
from paperless_ivr.flow.view import CallView, Transition
from paperless_ivr.secret import Secret


@Phrase("back to paper", needs=lambda policy: policy.back_to_paper.by_phone)
def to_paper(c: Anything) -> bool:
    """Whether the caller wants to go back to paper."""
    return c.call.choosing.back_to_paper


@Phrase("several bills")
def several_bills(c: Anything) -> bool:
    """Whether there are several bills to choose from."""
    return len(bills.choices(c)) > 1


@Phrase("link not opened yet")
def a_bill_pending(c: Anything) -> bool:
    """Whether a link for one of the bills was sent, but has not been opened (R12)."""
    return bool(bills.of_status(c, bills.Status.PENDING))


@Phrase("paperless already")
def a_bill_paperless(c: Anything) -> bool:
    """Whether one of the bills is already paperless (R11)."""
    return bool(bills.of_status(c, bills.Status.PAPERLESS))


@Phrase("no check needed", "to be checked")
def no_check(c: Anything) -> bool:
    """Whether no check is possible, or none is needed because the bill was just paid."""
    return c.call.host.moment is Moment.AFTER_PAYMENT or not c.has(InvoiceExists)


@Phrase("still there", "gone")
def there(c: Transition[InvoiceChecked]) -> bool:
    """Whether the invoice still exists."""
    return c.event.exists


def take_bill(c: Transition[Digits]) -> Call:
    """Select the bill that the caller chose."""
    option = pressed(c)
    return speak_of(c, bills.choices(c)[int(option.value) if option else 0])


def take_pending_bill(c: Anything) -> Call:
    """Select the first bill with a link that has not been opened."""
    return speak_of(c, bills.of_status(c, bills.Status.PENDING)[0])


def take_paperless_bill(c: Anything) -> Call:
    """Select the first paperless bill."""
    return speak_of(c, bills.of_status(c, bills.Status.PAPERLESS)[0])


def turn_page(c: Anything) -> Call:
    """Turn to the next page of bills, or from the last page back to the first."""
    choosing, size = c.call.choosing, c.policy.bills.per_page
    pages = -(-len(bills.choices(c)) // size)
    turned = evolve(choosing, page=(choosing.page + 1) % pages)
    return spend(evolve(c.call, choosing=turned), pages=1)


def drop_bill(c: Anything) -> Call:
    """Drop a bill whose invoice no longer exists."""
    bill = bills.chosen(c)
    choosing = evolve(
        c.call.choosing,
        gone=(*c.call.choosing.gone, bill.invoice or Secret("")),
        customer=None,
        type="",
    )
    return evolve(c.call, choosing=choosing)


@says(choose_bill="for bills on paper", choose_paper_bill="for paperless bills")
def choose_bill(view: CallView) -> Iterable[Prompt]:
    """Ask the caller to choose a bill: one on paper or, to go back to paper, a paperless one."""
    name = "choose_paper_bill" if view.call.choosing.back_to_paper else "choose_bill"
    return (prompt(view, name),)


def _bill_option(marks: Iterable[bills.Mark]) -> str:
    """Return the name of the prompt that describes a bill with these details."""
    return "_".join(("option_bill", *(mark.value for mark in marks)))


BILL_OPTIONS = tuple(
    _bill_option(marks) for n in range(len(bills.Mark) + 1) for marks in combinations(bills.Mark, n)
)


@offers(
    *BILL_OPTIONS,
    "option_more_bills",
    "option_first_bills",
    means={Choice.BILL: Means("1–4", "one of the bills"), Choice.MORE: Means("9", "more bills")},
)
def bills_to_choose(view: CallView) -> tuple[Option, ...]:
    """Return a page of bills, each with its own key, and a key for the next page."""
    offered, size = bills.choices(view), view.policy.bills.per_page
    start = view.call.choosing.page * size
    page = offered[start : start + size]
    options = []
    for n, bill in enumerate(page, 1):
        prompt, slots = _bill_words(view, bill)
        options.append(Option(str(n), Choice.BILL, prompt, start + n - 1, slots))
    if len(offered) > size and view.call.spent.pages < view.policy.tries.pages:
        more = start + size < len(offered)
        name = "option_more_bills" if more else "option_first_bills"
        options.append(Option("9", Choice.MORE, name))
    return tuple(options)


def _bill_words(view: CallView, bill: bills.Bill) -> tuple[str, tuple[tuple[str, Slot], ...]]:
    """Return the prompt for a bill's option, and slots with the bill's name and details."""
    marks = bills.marks(view, bill, bills.choices(view))
    told = (slot for mark in marks for slot in marked(view, bill, mark))
    return _bill_option(marks), (("bill", bill_name(view, bill.type)), *told)


def check_invoice(view: CallView) -> Request:
    """Ask the service whether the invoice still exists."""
    bill = bills.chosen(view)
    account = view.call.found[bill.customer].account
    return InvoiceExists(account, bill.invoice or Secret(""))


PROMPTS: Prompts = {
    "bill_gone": (),
    "choose_bill": (),
    "choose_paper_bill": (),
    "option_bill": ("bill", "key"),
    "option_bill_amount": ("bill", "amount", "due", "key"),
    "option_bill_account": ("bill", "ending", "key"),
    "option_bill_number": ("bill", "bill_ending", "key"),
    "option_bill_amount_account": ("bill", "amount", "due", "ending", "key"),
    "option_bill_amount_number": ("bill", "amount", "due", "bill_ending", "key"),
    "option_bill_account_number": ("bill", "ending", "bill_ending", "key"),
    "option_bill_amount_account_number": ("bill", "amount", "due", "ending", "bill_ending", "key"),
    "option_more_bills": ("key",),
    "option_first_bills": ("key",),
    "checking_bill": (),
}
"""The prompts of this chapter, with the gaps that their wording can contain."""

# fmt: off
# Formatted by hand, to keep each transition on one line.
CHAPTER: Chapter = {
    S.INVOICE: Pass(
        "Looks at the bills that were found.",
        title="Which bills can switch?",
        ways=[
            On(Arrived, S.INVOICE_SELECTION, when=several_bills),
            On(Arrived, S.OPT_OUT_CONFIRM, when=all_of(one_bill, to_paper), keep=take_only_bill),
            On(Arrived, S.ADDRESS, when=all_of(one_bill, no_check), keep=take_only_bill),
            On(Arrived, S.INVOICE_CHECK, when=one_bill, keep=take_only_bill),
            On(Arrived, S.DONE, when=settled),
            On(Arrived, S.PENDING_MENU, when=a_bill_pending, keep=take_pending_bill),
            On(Arrived, S.ALREADY_MENU, when=all_of(a_bill_paperless, paper_by_phone), keep=take_paperless_bill),
            On(Arrived, S.ALREADY_PAPERLESS, when=a_bill_paperless, keep=take_paperless_bill),
            On(Arrived, S.INELIGIBLE),
        ],
    ),
    S.INVOICE_SELECTION: Ask(
        "Each bill has its own key.",
        title="Choose one of several bills",
        say=[choose_bill, options],
        keys=[bills_to_choose],
        ways=[
            Press(Choice.BILL, S.OPT_OUT_CONFIRM, when=to_paper, keep=take_bill),
            Press(Choice.BILL, S.ADDRESS, when=no_check, keep=take_bill),
            Press(Choice.BILL, S.INVOICE_CHECK, keep=take_bill),
            Press(Choice.MORE, REPROMPT, keep=turn_page),
        ],
    ),
    S.INVOICE_CHECK: Do(
        "Asks the billing service.",
        title="Is the bill still there?",
        say=[say("checking_bill")],
        ask=check_invoice,
        answers=[InvoiceChecked, Unavailable, OutcomeUnknown, Refused],
        ways=[
            On(InvoiceChecked, S.ADDRESS, when=there),
            On(InvoiceChecked, S.INVOICE, keep=drop_bill, say="bill_gone"),
            On((Unavailable, OutcomeUnknown, Refused), S.ADDRESS),
        ],
    ),
}
