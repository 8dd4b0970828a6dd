"""Consent and enrollment: the caller hears what will happen, agrees, and is enrolled once."""

from collections.abc import Iterable

from attrs import evolve

from paperless_ivr.flow import bills
from paperless_ivr.flow.answers import (
    KEEP,
    NOT_KEPT,
    NOT_RECORDED,
    REFUSED_FOR_GOOD,
    SEARCH,
    WRITE,
)
from paperless_ivr.flow.blocks import Ask, Chapter, Do, Press
from paperless_ivr.flow.call import Call, Purpose, Source
from paperless_ivr.flow.events import (
    Accepted,
    CustomersFound,
    OutcomeUnknown,
    RecordUnavailable,
    Refusal,
    Refused,
    RequestDeferred,
    Unavailable,
)
from paperless_ivr.flow.facts import (
    Anything,
    all_of,
    another_address_left,
    by_payment,
    can_enroll,
    given,
    link_finishes,
    link_is_address,
    looked_up,
    paper_by_phone,
    refused_as,
)
from paperless_ivr.flow.host import Reason, Registration, Sent
from paperless_ivr.flow.lines import (
    Means,
    Prompts,
    key,
    number_words,
    offers,
    options,
    prompt,
    say,
    says,
    what_happens,
    which_bill,
)
from paperless_ivr.flow.options import Choice, Option
from paperless_ivr.flow.phrases import Phrase
from paperless_ivr.flow.requests import (
    DeferRequest,
    EnrollInPaperless,
    Request,
    SearchByAccountNumber,
    StoreCustomerPreference,
)
from paperless_ivr.flow.rows import On
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.flow.updates import (
    leave_address,
    leave_contact,
    note_lost_answer,
    settle,
    settle_bill,
)
from paperless_ivr.flow.view import CallView, Transition


@Phrase("bad e-mail, first time", "other reason")
def bad_email_first(c: Transition[Refused]) -> bool:
    """Whether the service refused an address for the first time."""
    return c.event.reason is Refusal.BAD_EMAIL and not c.call.contact.bad_email


@Phrase("it did")
def registered_now(c: Transition[CustomersFound]) -> bool:
    """Whether the look-up shows the bill as pending or paperless, so the write went through."""
    return looked_up(c) in (bills.Status.PENDING, bills.Status.PAPERLESS)


@Phrase("it did not")
def absent(c: Transition[CustomersFound]) -> bool:
    """Whether the look-up shows the bill as still on paper, so the write did not go through."""
    return looked_up(c) is bills.Status.PAPER


@Phrase("it is already done", "other reason")
def refused_as_done(c: Transition[Refused]) -> bool:
    """Whether the second attempt was refused because the first one had worked."""
    return c.event.reason in (Refusal.ALREADY_PAPERLESS, Refusal.PENDING)


@Phrase("may be sent again")
def may_send_again(c: Anything) -> bool:
    """Whether the write can be sent again. Enrollment by payment cannot, because it has no key."""
    return not by_payment(c)


def drop_refused_address(c: Anything) -> Call:
    """Drop the address that the service refused."""
    call = leave_contact(c)
    return evolve(call, contact=evolve(call.contact, bad_email=True))


def settle_after_all(c: Anything) -> Call:
    """Settle the bill, because a look-up or a second attempt showed that the write went through."""
    call = settle_bill(c, Registration.PENDING)
    return evolve(call, results=evolve(call.results, reason=Reason.NONE, lost=False))


def settle_as_kept(c: Anything) -> Call:
    """Settle the bill with a request that the texted link or the relay will complete later.

    If the answer to a write was lost, the registration is `UNKNOWN`.
    """
    if c.call.results.lost:
        return settle_bill(c, Registration.UNKNOWN)
    by_link = c.call.contact.source is Source.LINK and c.call.results.text is Sent.DONE
    return settle_bill(c, Registration.LINK if by_link else Registration.KEPT)


@says(
    confirm_on_file="the address is on file",
    confirm_keyed="the address was spelled",
    confirm_link="the link is texted; the last digits of the number may be said",
    confirm_link_on_file="the link is texted; the last digits of the number are not said",
)
def bill_and_address(view: CallView) -> Iterable[Prompt]:
    """Say the bill, and the address (in full if keyed, masked if on file) or the texted link."""
    name = {
        Source.PAYMENT: "confirm_on_file",
        Source.ON_FILE: "confirm_on_file",
        Source.KEYED: "confirm_keyed",
        Source.LINK: f"confirm_link{number_words(view)}",
    }[view.call.contact.source or Source.ON_FILE]
    yield prompt(view, name, must_hear=True)


@offers(
    "option_other_address",
    "option_other_way",
    means={Choice.OTHER: Means("3", "another address")},
)
def another_way(view: CallView) -> tuple[Option, ...]:
    """Offer another address or, instead of a texted link, another way to get the address."""
    if not another_address_left(view):
        return ()
    texted = view.call.contact.source is Source.LINK
    name = "option_other_way" if texted else "option_other_address"
    return (Option("3", Choice.OTHER, name),)


def enroll(view: CallView) -> Request:
    """Enroll by payment if the address came with the payment. Otherwise, store a preference."""
    payment = view.call.host.payment
    if by_payment(view) and payment:
        yes = given(view, Purpose.ENROLL)
        return EnrollInPaperless(
            payment.guid, yes.customer, yes.account, yes.invoice_type, yes.reference
        )
    return StoreCustomerPreference.of(given(view, Purpose.ENROLL))


def look_again(view: CallView) -> Request:
    """Look up the customer to find out whether the write went through."""
    return SearchByAccountNumber(given(view, Purpose.ENROLL).account)


def defer_request(view: CallView) -> Request:
    """Ask the record to save the request that the caller agreed to."""
    return DeferRequest.of(given(view, Purpose.ENROLL))


BAD_EMAIL = On(
    Refused, S.ADDRESS, when=bad_email_first, keep=drop_refused_address, say="address_refused"
)


PROMPTS: Prompts = {
    "address_refused": (),
    "agreed": (),
    "confirm_on_file": ("bill", "masked"),
    "confirm_keyed": ("bill", "address"),
    "confirm_link": ("bill", "ending"),
    "confirm_link_on_file": ("bill",),
    "option_other_way": ("key",),
    "enrolling": (),
    "checking_again": (),
    "checking_longer": (),
}
"""The prompts of this chapter, with the gaps that their wording can contain."""

# fmt: off
# Formatted by hand, to keep each transition on one line.
CHAPTER: Chapter = {
    S.CONFIRMATION: Ask(
        "Names the bill, the address, and the next step.",
        title="Do you agree?",
        say=[bill_and_address, which_bill, what_happens, options],
        consent=Purpose.ENROLL,
        keys=[
            key("1", Choice.YES, "option_agree", words="agrees"),
            key("2", Choice.NO, "option_if_not", words="does not agree"),
            another_way,
        ],
        ways=[
            Press(Choice.YES, S.WEB_LINK, when=link_is_address, words="agrees to a sign-up link"),
            Press(Choice.YES, S.ENROLLMENT, when=can_enroll),
            Press(Choice.YES, S.KEEPING, words="agrees, service cannot enroll"),
            Press(Choice.NO, S.DECLINED),
            Press(Choice.OTHER, S.ADDRESS, keep=leave_address),
        ],
    ),
    S.ENROLLMENT: Do(
        "The service enrolls the customer, or stores the preference.",
        title="Enroll",
        say=[say("enrolling")],
        ask=enroll,
        answers=WRITE,
        finish=True,
        ways=[
            On(Accepted, S.AFTERWARDS, keep=settle(Registration.PENDING), say="agreed"),
            On(OutcomeUnknown, S.ENROLLMENT_CHECK, keep=note_lost_answer),
            On(Unavailable, S.KEEPING),
            On(Refused, S.ALREADY_MENU, when=all_of(refused_as(Refusal.ALREADY_PAPERLESS), paper_by_phone)),
            On(Refused, S.ALREADY_PAPERLESS, when=refused_as(Refusal.ALREADY_PAPERLESS)),
            On(Refused, S.PENDING_MENU, when=refused_as(Refusal.PENDING)),
            BAD_EMAIL,
            *REFUSED_FOR_GOOD,
            *NOT_RECORDED,
        ],
    ),
    S.ENROLLMENT_CHECK: Do(
        "There was no answer, so the customer is looked up.",
        title="Did it go through?",
        say=[say("checking_again")],
        ask=look_again,
        answers=SEARCH,
        finish=True,
        ways=[
            On(CustomersFound, S.AFTERWARDS, when=registered_now, keep=settle_after_all, say="agreed"),
            On(CustomersFound, S.ENROLLMENT_AGAIN, when=all_of(absent, may_send_again)),
            On((CustomersFound, Unavailable, OutcomeUnknown, Refused), S.KEEPING, words="unclear, or cannot be sent again"),
        ],
    ),
    S.ENROLLMENT_AGAIN: Do(
        "The bill is still on paper, so the preference is sent again.",
        title="Send it once more",
        say=[say("checking_longer")],
        ask=enroll,
        answers=WRITE,
        finish=True,
        ways=[
            On(Accepted, S.AFTERWARDS, keep=settle_after_all, say="agreed"),
            On(Refused, S.AFTERWARDS, when=refused_as_done, keep=settle_after_all, say="agreed"),
            On((OutcomeUnknown, Unavailable, RecordUnavailable), S.KEEPING),
            BAD_EMAIL,
            *REFUSED_FOR_GOOD,
        ],
    ),
    S.KEEPING: Do(
        "The record saves the request, to be completed later.",
        title="Save the request",
        say=[say("keeping")],
        ask=defer_request,
        answers=KEEP,
        finish=True,
        ways=[
            On(RequestDeferred, S.AFTERWARDS, when=link_finishes, keep=settle_as_kept),
            On(RequestDeferred, S.DEFERRED, keep=settle_as_kept),
            *NOT_KEPT,
        ],
    ),
}
