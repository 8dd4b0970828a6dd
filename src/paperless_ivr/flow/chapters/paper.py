"""Bills whose link has not been opened, and going back to paper."""

from collections.abc import Iterable

from attrs import evolve

from paperless_ivr.flow import bills
from paperless_ivr.flow.answers import KEEP, NOT_KEPT, WRITE
from paperless_ivr.flow.blocks import Ask, Chapter, Do, Press
from paperless_ivr.flow.call import Call, Choosing, Purpose, TextPurpose
from paperless_ivr.flow.events import (
    Accepted,
    NoInput,
    OutcomeUnknown,
    RecordUnavailable,
    Refused,
    RequestDeferred,
    Unavailable,
)
from paperless_ivr.flow.facts import (
    Anything,
    agent,
    another_address_left,
    can_text,
    given,
    paper_by_phone,
)
from paperless_ivr.flow.host import Reason, Registration, Sent
from paperless_ivr.flow.lines import Prompts, key, options, prompt, say, says, which_bill
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.phrases import Phrase
from paperless_ivr.flow.requests import DeferRequest, Request, SendWebLink, StoreCustomerPreference
from paperless_ivr.flow.rows import On
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.flow.updates import (
    leave_address,
    note_lost_answer,
    settle,
    settle_bill,
    want_agent,
)
from paperless_ivr.flow.view import CallView


@Phrase("several bills", "one bill")
def several_paperless(c: Anything) -> bool:
    """Whether more than one bill could go back to paper."""
    return len(bills.of_status(c, bills.Status.PAPERLESS)) > 1


@Phrase("link not opened yet", "already paperless")
def canceling(c: Anything) -> bool:
    """Whether the link has not been opened, so that canceling it keeps the bill on paper."""
    return bills.canceling(c)


@Phrase("", "service cannot do it")
def can_store(c: Anything) -> bool:
    """Whether the service has an operation for going back to paper."""
    return c.has(StoreCustomerPreference)


def turn_to_paper(c: Anything) -> Call:
    """Change the goal of the call to going back to paper."""
    before = c.call.choosing
    return evolve(c.call, choosing=Choosing(back_to_paper=True, gone=before.gone, done=before.done))


def cancel_link(c: Anything) -> Call:
    """Choose to cancel the link that has not been opened."""
    return evolve(c.call, choosing=evolve(c.call.choosing, cancelling=True))


def resend(c: Anything) -> Call:
    """Choose to text the link again."""
    return evolve(c.call, contact=evolve(c.call.contact, purpose=TextPurpose.REVIEW))


def settle_paper(c: Anything) -> Call:
    """Settle the bill, because the record has saved the request for paper."""
    return settle_bill(c, Registration.UNKNOWN if c.call.results.lost else Registration.KEPT)


def settle_paper_for_agent(c: Anything) -> Call:
    """Settle the bill, and offer an agent, who can switch it now."""
    call = settle_paper(c)
    return want_agent(Reason.NO_OPERATION, S.OPT_OUT_REQUESTED)(evolve(c, call=call))


@says(confirm_cancel="the link has not been opened", confirm_paper="the bill is paperless")
def back_to_paper_question(view: CallView) -> Iterable[Prompt]:
    """Ask about going back to paper or, if the link has not been opened, staying on paper."""
    name = "confirm_cancel" if bills.canceling(view) else "confirm_paper"
    yield prompt(view, name, must_hear=True)


@Phrase()
def link_to_send(view: CallView) -> bool:
    """Whether the link can be texted, and no text has been requested in this call."""
    unasked = view.call.results.text is Sent.NOT_ASKED
    return view.has(SendWebLink) and unasked and can_text(view)


def store_paper(view: CallView) -> Request:
    """Ask the service to store the preference for paper."""
    return StoreCustomerPreference.of(given(view, Purpose.BACK_TO_PAPER))


def defer_request(view: CallView) -> Request:
    """Ask the record to save the request that the caller agreed to."""
    return DeferRequest.of(given(view, Purpose.BACK_TO_PAPER))


PROMPTS: Prompts = {
    "paper_kept": (),
    "already": ("bill",),
    "pending": ("bill",),
    "option_back_to_paper": ("key",),
    "option_leave_it": ("key",),
    "option_text_link": ("key",),
    "option_cancel": ("key",),
    "confirm_paper": ("bill", "bills_on_paper"),
    "confirm_cancel": ("bill",),
    "back_to_paper": (),
}
"""The prompts of this chapter, with the gaps that their wording can contain."""

# fmt: off
# Formatted by hand, to keep each transition on one line.
CHAPTER: Chapter = {
    S.ALREADY_MENU: Ask(
        "The bill is paperless already.",
        title="Paperless: back to paper?",
        say=[say("already"), options],
        keys=[key("1", Choice.CANCEL, "option_back_to_paper", words="back to paper"), key("2", Choice.NO, "option_leave_it", words="leave it")],
        ways=[
            Press(Choice.CANCEL, S.INVOICE, when=several_paperless, keep=turn_to_paper),
            Press(Choice.CANCEL, S.OPT_OUT_CONFIRM),
            Press(Choice.NO, S.ALREADY_PAPERLESS),
            On(NoInput, S.ALREADY_PAPERLESS),
        ],
    ),
    S.PENDING_MENU: Ask(
        "The caller can get the link again, change the address, or cancel.",
        title="A link is not opened yet",
        say=[say("pending"), options],
        keys=[
            key("1", Choice.TEXT, "option_text_link", words="text the link again", when=link_to_send),
            key("2", Choice.OTHER, "option_other_address", words="another address", when=another_address_left),
            key("3", Choice.CANCEL, "option_cancel", words="cancel it", when=paper_by_phone),
            key("4", Choice.NO, "option_leave_it", words="leave it"),
        ],
        ways=[
            Press(Choice.TEXT, S.TEXT_NUMBER, keep=resend),
            Press(Choice.OTHER, S.ADDRESS, keep=leave_address),
            Press(Choice.CANCEL, S.OPT_OUT_CONFIRM, keep=cancel_link),
            Press(Choice.NO, S.PENDING),
            On(NoInput, S.PENDING),
        ],
    ),
    S.OPT_OUT_CONFIRM: Ask(
        "Says which bill goes back to paper.",
        title="Back to paper: do you agree?",
        say=[back_to_paper_question, which_bill, options],
        consent=Purpose.BACK_TO_PAPER,
        keys=[key("1", Choice.YES, "option_agree", words="agrees"), key("2", Choice.NO, "option_if_not", words="does not agree")],
        ways=[
            Press(Choice.YES, S.OPT_OUT, when=can_store),
            Press(Choice.YES, S.OPT_OUT_KEEPING),
            Press(Choice.NO, S.PENDING, when=canceling),
            Press(Choice.NO, S.ALREADY_PAPERLESS),
        ],
    ),
    S.OPT_OUT: Do(
        "The service stores the preference for paper.",
        title="Switch back to paper",
        say=[say("back_to_paper")],
        ask=store_paper,
        answers=WRITE,
        finish=True,
        ways=[
            On(Accepted, S.OPTED_OUT, keep=settle(Registration.PAPER)),
            On(OutcomeUnknown, S.OPT_OUT_KEEPING, keep=note_lost_answer),
            On((Refused, Unavailable, RecordUnavailable), S.OPT_OUT_KEEPING),
        ],
    ),
    S.OPT_OUT_KEEPING: Do(
        "The record saves the request, to be completed later.",
        title="Save the request for paper",
        say=[say("keeping")],
        ask=defer_request,
        answers=KEEP,
        finish=True,
        ways=[
            On(RequestDeferred, S.AGENT_OFFER, when=agent, keep=settle_paper_for_agent, say="paper_kept"),
            On(RequestDeferred, S.OPT_OUT_REQUESTED, keep=settle_paper),
            *NOT_KEPT,
        ],
    ),
}
