"""After enrollment: the texted link, AutoPay, a text, another bill, and the ending."""

from collections.abc import Iterable

from attrs import evolve

from paperless_ivr.flow import bills
from paperless_ivr.flow.answers import SEARCH, WRITE
from paperless_ivr.flow.blocks import AGENT, NUMBER_KEYS, Ask, By, Chapter, Do, Pass, Press
from paperless_ivr.flow.call import Call, Choosing, Contact, Purpose, TextPurpose
from paperless_ivr.flow.events import (
    Accepted,
    Arrived,
    CustomersFound,
    Digits,
    NoInput,
    OutcomeUnknown,
    RecordUnavailable,
    Refused,
    Unavailable,
)
from paperless_ivr.flow.facts import (
    Anything,
    all_of,
    can_enroll,
    can_text,
    given,
    hung_up,
    link_finishes,
    looked_up,
    looks_left,
    may_wait,
    named,
    number_known,
    settled,
    star,
)
from paperless_ivr.flow.host import BillOutcome, Moment, Reason, Registration, Sent
from paperless_ivr.flow.lines import Prompts, key, must, options, prompt, say, says, which_bill
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.phrases import Phrase
from paperless_ivr.flow.requests import (
    Request,
    SearchByAccountNumber,
    SendWebLink,
    StoreCustomerPaymentMethodV2,
)
from paperless_ivr.flow.rows import REPROMPT, On
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Gather, Prompt
from paperless_ivr.flow.updates import Keep, hear_again, spend
from paperless_ivr.flow.view import CallView, Transition
from paperless_ivr.secret import Secret


@Phrase("AutoPay can be offered", needs=lambda policy: policy.autopay.offer)
def autopay_due(c: Anything) -> bool:
    """Whether AutoPay should be offered: by policy, after a payment, and only once (R04)."""
    host = c.call.host
    return (
        c.policy.autopay.offer
        and c.has(StoreCustomerPaymentMethodV2)
        and host.moment is Moment.AFTER_PAYMENT
        and c.call.results.autopay is Sent.NOT_ASKED
        and bills.paid_for(c)
    )


@Phrase("a text can be offered")
def text_due(c: Anything) -> bool:
    """Whether to offer a text, because it finishes a saved request or the policy calls for it."""
    if c.call.results.text is not Sent.NOT_ASKED or not c.has(SendWebLink):
        return False
    by_policy = c.call.host.moment in c.policy.text.after_enrolment and number_known(c)
    return by_policy or (not can_enroll(c) and can_text(c))


@Phrase("more bills could switch", needs=lambda policy: policy.bills.another)
def another_due(c: Anything) -> bool:
    """Whether more bills could go paperless, and the policy allows asking about them."""
    return (
        c.policy.bills.another
        and c.call.spent.another < c.policy.bills.another_at_most
        and bool(bills.choices(c))
    )


@Phrase("accepted in this call")
def registered(c: Anything) -> bool:
    """Whether the service accepted a registration in this call, or showed that a link was opened."""
    return any(
        o.registration in (Registration.PENDING, Registration.ACTIVE)
        for o in c.call.results.outcomes
    )


@Phrase("the link was texted")
def text_sent(c: Anything) -> bool:
    """Whether the link was texted."""
    return c.call.results.text is Sent.DONE


@Phrase("it was opened")
def link_opened(c: Transition[CustomersFound]) -> bool:
    """Whether the service lists the bill as paperless, so the link must have been opened."""
    return looked_up(c) is bills.Status.PAPERLESS


def count_look(c: Anything) -> Call:
    """Count one more look-up."""
    contact = c.call.contact
    return evolve(c.call, contact=evolve(contact, looks=contact.looks + 1))


def stop_waiting(c: Anything) -> Call:
    """Stop waiting for the texted link, which still works."""
    return evolve(c.call, contact=evolve(c.call.contact, purpose=None, looks=0))


def note_paperless(c: Transition[CustomersFound]) -> Call:
    """Note that the bill is paperless, whether the caller agreed in this call or earlier."""
    call, yes = stop_waiting(c), given(c, Purpose.TEXT)
    new = BillOutcome(
        yes.customer, yes.account, yes.invoice_type, Registration.ACTIVE, yes.reference
    )
    outcomes = {(o.customer, o.invoice_type): o for o in call.results.outcomes}
    bill = (yes.customer, yes.invoice_type)
    outcomes[bill] = evolve(outcomes.get(bill, new), registration=Registration.ACTIVE)
    settled_bill = (call.choosing.customer or 0, call.choosing.type)
    done = dict.fromkeys((*call.choosing.done, settled_bill))
    return evolve(
        call,
        results=evolve(call.results, outcomes=tuple(outcomes.values())),
        choosing=evolve(call.choosing, done=tuple(done)),
    )


def note_autopay(outcome: Sent) -> Keep:
    """Return an update that notes the outcome of AutoPay."""
    return named(
        f"autopay {outcome.value}",
        lambda c: evolve(c.call, results=evolve(c.call.results, autopay=outcome)),
    )


def offer_text(c: Anything) -> Call:
    """Offer a text, to finish a saved request or to confirm what was done."""
    purpose = TextPurpose.ENROLL if link_finishes(c) else TextPurpose.CONFIRM
    return evolve(c.call, contact=evolve(c.call.contact, purpose=purpose))


def start_another_bill(c: Anything) -> Call:
    """Start over for another bill, which needs its own address and consent."""
    choosing = Choosing(gone=c.call.choosing.gone, done=c.call.choosing.done)
    results = evolve(c.call.results, reason=Reason.NONE, lost=False)
    call = evolve(c.call, choosing=choosing, contact=Contact(), results=results)
    return spend(call, another=1)


def store_payment_method(view: CallView) -> Request:
    """Ask the service to turn on AutoPay, with the payment method just used."""
    yes = given(view, Purpose.AUTOPAY)
    payment = view.call.host.payment
    return StoreCustomerPaymentMethodV2(
        payment.guid if payment else Secret(""),
        yes.customer,
        yes.account,
        yes.invoice_type,
        yes.reference,
    )


FIRST_WORDS = ("link_texted", "link_open_now", "link_will_tell", "link_go_on")
"""The prompts before the first look-ups, in order.

The service is asked after each prompt, so a caller who opens the link immediately soon hears that
it worked.
"""
AFTER_WORDS_S, SILENT_S = 0.5, 3.0
"""The seconds to wait before the next look-up, with and without a prompt before it."""


def _words_of_look(view: CallView) -> tuple[str, ...]:
    """Return the prompts before a look-up.

    At first, each look-up has its own prompt. Later, a reminder is played about every 10 seconds.
    """
    looks = view.call.contact.looks
    if view.call.tries.repeats:
        return FIRST_WORDS
    if looks < len(FIRST_WORDS):
        return (FIRST_WORDS[looks],)
    return ("link_waiting",) if (looks - len(FIRST_WORDS)) % 3 == 2 else ()


@says(*FIRST_WORDS, link_waiting="about every 10 seconds after that")
def waiting_for_link(view: CallView) -> Iterable[Prompt]:
    """Say that the link can be opened now, how to go on without it, and that we are still here."""
    return (prompt(view, name) for name in _words_of_look(view))


def _until_next_look(view: CallView, _: Ask) -> Gather:
    wait = AFTER_WORDS_S if _words_of_look(view) else SILENT_S
    return Gather(NUMBER_KEYS, 1, first_key_wait=wait, next_key_wait=wait)


NEXT_LOOK = By(_until_next_look, lambda _: (), takes_several_keys=False)
"""Gathers any single key, until it is time to ask the service again."""


def look_up_link(view: CallView) -> Request:
    """Look up the customer to see whether the link has been opened."""
    return SearchByAccountNumber(given(view, Purpose.TEXT).account)


PROMPTS: Prompts = {
    "link_texted": (),
    "link_open_now": (),
    "link_will_tell": (),
    "link_go_on": (),
    "link_waiting": (),
    "link_done": ("bill",),
    "link_not_yet": (),
    "link_unclear": (),
    "autopay_on": (),
    "autopay_not_on": (),
    "autopay_unknown": (),
    "autopay_offer": ("bill",),
    "autopay_terms": ("terms",),
    "option_autopay": ("key",),
    "option_no_autopay": ("key",),
    "storing_autopay": (),
    "another": (),
}
"""The prompts of this chapter, with the gaps that their wording can contain."""

# fmt: off
# Formatted by hand, to keep each transition on one line.
CHAPTER: Chapter = {
    S.AFTERWARDS: Pass(
        "The bill is settled: what else can be offered?",
        title="What else to offer?",
        ways=[
            On(Arrived, S.DONE, when=hung_up),
            On(Arrived, S.LINK_WAIT, when=all_of(text_sent, may_wait)),
            On(Arrived, S.AUTOPAY_OFFER, when=autopay_due),
            On(Arrived, S.TEXT_NUMBER, when=text_due, keep=offer_text),
            On(Arrived, S.ANOTHER, when=another_due),
            On(Arrived, S.DONE),
        ],
    ),
    S.LINK_WAIT: Ask(
        "The caller can open the link while staying on the line.",
        title="Wait for the texted link",
        say=[waiting_for_link],
        keys=[key("1", Choice.NO, words="goes on")],
        by=NEXT_LOOK,
        ways=[
            On(NoInput, S.LINK_CHECK),
            On(Digits, REPROMPT, when=star, keep=hear_again),
            *AGENT,
            On(Digits, S.AFTERWARDS, keep=stop_waiting),
        ],
    ),
    S.LINK_CHECK: Do(
        "Asks the billing service whether the link was opened.",
        title="Was the link opened?",
        say=[],
        ask=look_up_link,
        answers=SEARCH,
        ways=[
            On(CustomersFound, S.AFTERWARDS, when=link_opened, keep=note_paperless, say="link_done"),
            On(CustomersFound, S.LINK_WAIT, when=looks_left, keep=count_look),
            On(CustomersFound, S.AFTERWARDS, keep=stop_waiting, say="link_not_yet"),
            On((Unavailable, OutcomeUnknown, Refused), S.AFTERWARDS, keep=stop_waiting, say="link_unclear"),
        ],
    ),
    S.AUTOPAY_OFFER: Ask(
        "Says which bill is paid, when, and how to stop. Requires separate consent.",
        title="AutoPay too?",
        say=[must("autopay_offer"), which_bill, must("autopay_terms"), options],
        consent=Purpose.AUTOPAY,
        keys=[
            key("1", Choice.YES, "option_autopay", words="agrees"),
            key("2", Choice.NO, "option_no_autopay", words="does not agree"),
        ],
        ways=[
            Press(Choice.YES, S.AUTOPAY),
            Press(Choice.NO, S.AFTERWARDS, keep=note_autopay(Sent.DECLINED)),
        ],
    ),
    S.AUTOPAY: Do(
        "The service stores the payment method.",
        title="Turn on AutoPay",
        say=[say("storing_autopay")],
        ask=store_payment_method,
        answers=WRITE,
        finish=True,
        ways=[
            On(Accepted, S.AFTERWARDS, keep=note_autopay(Sent.DONE), say="autopay_on"),
            On(OutcomeUnknown, S.AFTERWARDS, keep=note_autopay(Sent.UNKNOWN), say="autopay_unknown"),
            On(Refused, S.AFTERWARDS, keep=note_autopay(Sent.REFUSED), say="autopay_not_on"),
            On((Unavailable, RecordUnavailable), S.AFTERWARDS, keep=note_autopay(Sent.UNAVAILABLE), say="autopay_not_on"),
        ],
    ),
    S.ANOTHER: Ask(
        "At least one more bill can go paperless.",
        title="Another bill?",
        say=[say("another"), options],
        keys=[key("1", Choice.YES, "option_yes", words="yes"), key("2", Choice.NO, "option_no", words="no")],
        ways=[
            Press(Choice.YES, S.INVOICE, keep=start_another_bill),
            Press(Choice.NO, S.DONE),
            On(NoInput, S.DONE),
        ],
    ),
    S.DONE: Pass(
        "The ending depends on what the caller agreed to.",
        title="How does the call end?",
        ways=[
            On(Arrived, S.ABANDONED, when=hung_up),
            On(Arrived, S.ENROLLED, when=registered),
            On(Arrived, S.LINK_SENT, when=text_sent),
            On(Arrived, S.DEFERRED, when=settled),
            On(Arrived, S.PENDING),
        ],
    ),
}
