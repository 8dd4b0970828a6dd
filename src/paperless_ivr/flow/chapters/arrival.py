"""The start of the call: the language, and the offer."""

from collections.abc import Iterable
from datetime import date

from attrs import evolve

from paperless_ivr.flow import bills
from paperless_ivr.flow.blocks import ANY_KEY, Ask, Chapter, Do, Pass, Press
from paperless_ivr.flow.call import GREETING, Call, Purpose
from paperless_ivr.flow.events import Arrived, Digits, NoInput, RecordUnavailable, Screened
from paperless_ivr.flow.facts import (
    Anything,
    another_address_left,
    can_enroll,
    next_strategy,
    one_bill,
    pressed,
    wants_paper,
)
from paperless_ivr.flow.host import Disposition, Identity, Moment, Reason
from paperless_ivr.flow.lines import (
    Means,
    Prompts,
    key,
    must,
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
from paperless_ivr.flow.policy import OfferReason, Strategy
from paperless_ivr.flow.requests import Request, Screen
from paperless_ivr.flow.rows import REPROMPT, On
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.flow.updates import (
    because,
    count_silence,
    leave_address,
    take_only_bill,
    use_address_on_file,
)
from paperless_ivr.flow.view import CallView, Transition
from paperless_ivr.secret import Secret


@Phrase("payment not approved")
def payment_not_approved(c: Anything) -> bool:
    """Whether the hand-over comes after a payment that the host did not report as approved."""
    host = c.call.host
    return host.moment is Moment.AFTER_PAYMENT and not (host.payment and host.payment.approved)


@Phrase("no offer at this moment")
def moment_off(c: Anything) -> bool:
    """Whether the policy allows no offer at this moment. Callers who want paper are exempt."""
    return c.call.host.moment not in c.policy.offer.moments and not wants_paper(c)


@Phrase("bill cannot go paperless")
def type_not_eligible(c: Anything) -> bool:
    """Whether the bill that the host handed over cannot go paperless (R13)."""
    wanted = c.call.host.invoice_type
    return wanted is not None and not wants_paper(c) and not bills.eligible(c, wanted)


@Phrase("no language chosen yet", needs=lambda policy: len(policy.languages.offered) > 1)
def language_open(c: Anything) -> bool:
    """Whether the policy offers several languages, and none has been chosen."""
    return c.call.language is None


@Phrase("at the start of a call", "around a payment")
def at_start(c: Anything) -> bool:
    """Whether the host handed the call over at its start."""
    return c.call.host.moment is Moment.START


@Phrase("asked recently")
def asked_lately(c: Transition[Screened]) -> bool:
    """Whether it is too soon, according to the policy, to ask this caller again (R14)."""
    earlier = c.event.in_this_call
    if any(d is not Disposition.IGNORED for d in earlier) or len(earlier) > 1:
        return True
    if c.event.last is None or earlier:
        return False
    return c.event.days < c.policy.offer.again_after_days.get(c.event.last, 0)


@Phrase("host vouches for the caller", needs=lambda policy: bool(policy.offer.one_question))
def asked_in_full(c: Anything) -> bool:
    """Whether the host vouches for the caller, and the policy allows naming the bill (R51)."""
    host = c.call.host
    vouched = host.identity >= Identity.ACCOUNT_KEYED and c.account is not None
    return vouched and host.moment in c.policy.offer.one_question


@Phrase("one bill, e-mail on file", "several bills, or no e-mail")
def bill_is_known(c: Anything) -> bool:
    """Whether only one bill can go paperless, and the first way to get its address is the file."""
    if not one_bill(c):
        return False
    return next_strategy(CallView(take_only_bill(c), c.terms)) is Strategy.ON_FILE


@Phrase("for the second time")
def silent_before(c: Transition[NoInput]) -> bool:
    """Whether the caller has already been silent once at this question."""
    return c.call.tries.silence >= 1


def greet(c: Anything) -> Call:
    """Thank the caller at the start of a call, unless the host has already done so."""
    if c.call.host.greeted or c.call.host.moment is not Moment.START:
        return c.call
    return evolve(c.call, lead=(GREETING,))


def take_language(c: Transition[Digits]) -> Call:
    """Set the call's language to the one that the caller chose."""
    option = pressed(c)
    return evolve(c.call, language=str(option.value) if option else c.language)


def take_default_language(c: Anything) -> Call:
    """Set the call's language to the policy's default, because the caller chose none."""
    return evolve(c.call, language=c.policy.languages.default)


def return_key(c: Transition[Digits]) -> Call:
    """Give the key back to the host, because it was meant for the host's menu."""
    key = c.event.keys or Secret("#")
    return evolve(c.call, results=evolve(c.call.results, unused=key))


def take_bill_on_file(c: Anything) -> Call:
    """Choose the only bill, and use the address on file."""
    return use_address_on_file(evolve(c, call=take_only_bill(c)))


@says(
    offer_reminder_email="the policy's reason: reminders by e-mail",
    offer_reminder_text="the policy's reason: reminders by text",
    offer_incentive="the policy's reason: an incentive, until its last day",
    offer_source="the policy's reason: less paper",
)
def why(view: CallView) -> Iterable[Prompt]:
    """Say the policy's reason to go paperless, if any. Skip an incentive after its last day."""
    offer = view.policy.offer
    match offer.reason:
        case OfferReason.REMINDER if offer.reminder_by is not None:
            yield prompt(view, f"offer_reminder_{offer.reminder_by.value}")
        case OfferReason.INCENTIVE if _in_time(view.call.host.today, offer.incentive_until):
            yield prompt(view, "offer_incentive")
        case OfferReason.SOURCE:
            yield prompt(view, "offer_source")


def _in_time(today: date | None, last: date | None) -> bool:
    return today is not None and last is not None and today <= last


@offers("option_language", means={Choice.LANGUAGE: Means("1–9", "a language")})
def languages(view: CallView) -> tuple[Option, ...]:
    """Return the policy's languages, each with its own key."""
    return tuple(
        Option(str(n), Choice.LANGUAGE, "option_language", value=language, language=language)
        for n, language in enumerate(view.policy.languages.offered, 1)
    )


def screen(view: CallView) -> Request:
    """Ask the record about earlier offers."""
    host = view.call.host
    return Screen(host.call_id, host.biller, host.moment, host.ani, view.account)


GOES_ON = (
    On(NoInput, S.IGNORED, when=silent_before),
    On(NoInput, REPROMPT, keep=count_silence, words="stays silent once"),
)
"""The transitions for silence: ask again once, and then return the call to the host."""

PROMPTS: Prompts = {
    "option_language": ("key",),
    "offer_at_start": (),
    "offer": (),
    "offer_in_full": ("bill", "masked"),
    "offer_reminder_email": ("days_before",),
    "offer_reminder_text": ("days_before",),
    "offer_incentive": ("incentive",),
    "offer_source": (),
}
"""The prompts of this chapter, with the gaps that their wording can contain."""

# fmt: off
# Formatted by hand, to keep each transition on one line.
CHAPTER: Chapter = {
    S.GREETING: Pass(
        "The call arrives from the host.",
        title="Is an offer allowed?",
        ways=[
            On(Arrived, S.NOT_OFFERED, when=payment_not_approved, keep=because(Reason.PAYMENT_NOT_APPROVED)),
            On(Arrived, S.NOT_OFFERED, when=moment_off, keep=because(Reason.MOMENT_NOT_OFFERED)),
            On(Arrived, S.NOT_OFFERED, when=type_not_eligible, keep=because(Reason.TYPE_NOT_ELIGIBLE)),
            On(Arrived, S.LANGUAGE, when=language_open, keep=greet),
            On(Arrived, S.ACCOUNT, when=wants_paper, keep=greet),
            On(Arrived, S.SCREENING, keep=greet),
        ],
    ),
    S.LANGUAGE: Ask(
        "Offers each language in that language.",
        title="Choose a language",
        say=[options],
        keys=[languages],
        ways=[
            Press(Choice.LANGUAGE, S.ACCOUNT, when=wants_paper, keep=take_language),
            Press(Choice.LANGUAGE, S.SCREENING, keep=take_language),
            On(NoInput, S.ACCOUNT, when=wants_paper, keep=take_default_language),
            On(NoInput, S.SCREENING, keep=take_default_language),
        ],
    ),
    S.SCREENING: Do(
        "Asks the record about earlier offers.",
        title="Asked recently?",
        say=[],
        ask=screen,
        answers=[Screened, RecordUnavailable],
        ways=[
            On(Screened, S.NOT_OFFERED, when=asked_lately, keep=because(Reason.ASKED_LATELY)),
            On((Screened, RecordUnavailable), S.OFFER_AT_START, when=at_start, words="not asked recently, or record down: start of a call"),
            On(Screened, S.BEFORE_OFFER, when=asked_in_full, words="not asked recently: host vouches for the caller"),
            On((Screened, RecordUnavailable), S.OFFER, words="not asked recently, or record down: around a payment"),
        ],
    ),
    S.OFFER_AT_START: Ask(
        "The caller presses 1, or the call goes on as usual.",
        title="Offer at the start",
        say=[say("offer_at_start")],
        by=ANY_KEY,
        keys=[key("1", Choice.YES, words="yes")],
        ways=[
            Press(Choice.YES, S.ACCOUNT),
            On(Digits, S.IGNORED, keep=return_key, words="any other key: back to the host"),
            On(NoInput, S.IGNORED),
        ],
    ),
    S.WHICH_OFFER: Pass(
        "Can the offer name the bill and the address?",
        title="One question or plain offer?",
        ways=[
            On(Arrived, S.OFFER_IN_FULL, when=bill_is_known, keep=take_bill_on_file),
            On(Arrived, S.OFFER),
        ],
    ),
    S.OFFER_IN_FULL: Ask(
        "Names the bill, the address, and the next step. A yes is consent.",
        title="This bill, to this address?",
        say=[why, must("offer_in_full"), which_bill, what_happens, options],
        consent=Purpose.ENROLL,
        keys=[
            key("1", Choice.YES, "option_agree", words="agrees"),
            key("2", Choice.NO, "option_if_not", words="does not agree"),
            key("3", Choice.OTHER, "option_other_address", when=another_address_left, words="another address"),
        ],
        ways=[
            Press(Choice.YES, S.ENROLLMENT, when=can_enroll),
            Press(Choice.YES, S.KEEPING),
            Press(Choice.NO, S.DECLINED),
            Press(Choice.OTHER, S.ADDRESS, keep=leave_address),
            *GOES_ON,
        ],
    ),
    S.OFFER: Ask(
        "The offer before or after a payment: yes or no.",
        title="Offer around a payment",
        say=[why, say("offer"), options],
        keys=[key("1", Choice.YES, "option_yes", words="yes"), key("2", Choice.NO, "option_no", words="no")],
        ways=[
            Press(Choice.YES, S.ACCOUNT),
            Press(Choice.NO, S.DECLINED),
            *GOES_ON,
        ],
    ),
}
