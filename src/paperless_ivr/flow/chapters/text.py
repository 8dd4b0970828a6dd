"""A text message: the number, the consent, and the outcome."""

from collections.abc import Iterable, Iterator

from attrs import evolve

from paperless_ivr.flow import examples
from paperless_ivr.flow.answers import WRITE
from paperless_ivr.flow.blocks import (
    Ask,
    Chapter,
    Do,
    Pass,
    Press,
    number,
)
from paperless_ivr.flow.call import Call, Entry, Purpose, TextPurpose
from paperless_ivr.flow.events import (
    Accepted,
    Arrived,
    Digits,
    OutcomeUnknown,
    RecordUnavailable,
    Refusal,
    Refused,
    Unavailable,
)
from paperless_ivr.flow.facts import (
    Anything,
    all_of,
    can_enroll,
    can_show,
    email_on_file,
    gets_texts,
    given,
    hung_up,
    keyed,
    link_is_address,
    may_wait,
    named,
    not_,
    number_known,
    number_to_text,
    pound,
    refused_as,
    settled,
    wrong_used_up,
)
from paperless_ivr.flow.host import Registration, Sent
from paperless_ivr.flow.lines import (
    Prompts,
    begun,
    key,
    must,
    number_words,
    options,
    prompt,
    say,
    says,
)
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.phrases import Phrase
from paperless_ivr.flow.requests import Request, SendWebLink
from paperless_ivr.flow.rows import REPROMPT, On
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.flow.updates import Keep, count_wrong, leave_contact, spend
from paperless_ivr.flow.view import CallView, Transition
from paperless_ivr.keypad import national
from paperless_ivr.secret import Secret, phone


@Phrase("a valid number")
def is_phone(c: Transition[Digits]) -> bool:
    """Whether the caller keyed a telephone number that texts may be sent to (R07)."""
    number = national(keyed(c), c.policy.text.region)
    return number is not None and gets_texts(c.policy, number)


@Phrase("a number that gets no texts")
def is_other_phone(c: Transition[Digits]) -> bool:
    """Whether the caller keyed a telephone number, even one that texts may not be sent to."""
    return national(keyed(c), c.policy.text.region) is not None


@Phrase("may try another", "no more tries")
def numbers_left(c: Anything) -> bool:
    """Whether the caller may key another number."""
    return c.call.spent.numbers < c.policy.text.other_numbers


def take_number(c: Transition[Digits]) -> Call:
    """Store the keyed phone number, to be read back."""
    number = national(keyed(c), c.policy.text.region) or ""
    return evolve(c.call, entry=Entry(phone=phone(number)))


def confirm_number(c: Anything) -> Call:
    """Use the number that was read back, because the caller confirmed it."""
    contact = evolve(c.call.contact, phone=c.call.entry.phone)
    return evolve(c.call, contact=contact, entry=Entry())


def take_number_on_file(c: Anything) -> Call:
    """Use the keyed number or, if none was keyed, the number on file."""
    return evolve(c.call, contact=evolve(c.call.contact, phone=number_to_text(c)))


def drop_number(c: Anything) -> Call:
    """Drop the number, because the caller wants another one."""
    contact = evolve(c.call.contact, phone=None)
    return spend(evolve(c.call, contact=contact, entry=Entry()), numbers=1)


def drop_refused_number(c: Anything) -> Call:
    """Drop a number that the service cannot text. Texting another number requires new consent."""
    call = drop_number(c)
    return evolve(call, results=evolve(call.results, text=Sent.NOT_ASKED))


def stop_texts(c: Anything) -> Call:
    """Send no more texts in this call, and do not ask for another number."""
    call = note_text(Sent.REFUSED)(c)
    return evolve(call, spent=evolve(call.spent, numbers=c.policy.text.other_numbers))


def leave_link(c: Anything) -> Call:
    """Give up on getting the address by a texted link, and offer no text later."""
    call = leave_contact(c)
    if call.results.text is not Sent.NOT_ASKED:
        return call
    return evolve(call, results=evolve(call.results, text=Sent.DECLINED))


def note_text(outcome: Sent) -> Keep:
    """Return an update that notes the outcome of the text."""
    return named(f"text {outcome.value}", lambda c: _texted(c, outcome))


def _texted(c: Anything, outcome: Sent) -> Call:
    """Note the outcome of the text, and whether its link will complete the last request."""
    results = evolve(c.call.results, text=outcome)
    if outcome is Sent.DONE and c.call.contact.purpose is TextPurpose.ENROLL and results.outcomes:
        last = evolve(results.outcomes[-1], registration=Registration.LINK)
        results = evolve(results, outcomes=(*results.outcomes[:-1], last))
    return evolve(c.call, results=results)


FOR = {
    TextPurpose.TYPE_EMAIL: "the link is for typing the address",
    TextPurpose.ENROLL: "the link is for going paperless",
    TextPurpose.CONFIRM: "the text confirms what was done",
    TextPurpose.REVIEW: "the text repeats a link that has not been opened",
}
NUMBERS = {
    "": "the last digits of the number may be said",
    "_on_file": "the last digits of the number are not said",
}
TEXT_QUESTIONS = {
    f"text_consent_{purpose}{number}": f"{FOR[purpose]}; {words}"
    for purpose in TextPurpose
    for number, words in NUMBERS.items()
}


@says("text_rates", no_email="a sign-up link, no e-mail on file", **TEXT_QUESTIONS)
def text_question(view: CallView) -> Iterable[Prompt]:
    """Ask for consent to a text, stating the number, the purpose, and the cost."""
    purpose = view.call.contact.purpose or TextPurpose.CONFIRM
    if link_is_address(view) and not email_on_file(view):
        yield prompt(view, "no_email")
    yield prompt(view, f"text_consent_{purpose}{number_words(view)}", must_hear=True)
    yield prompt(view, "text_rates", must_hear=True)


@Phrase(needs=lambda policy: policy.text.other_numbers > 0)
def another_number_left(view: CallView) -> bool:
    """Whether the caller may key another number, and can provide the proof that it requires."""
    return view.call.spent.numbers < view.policy.text.other_numbers and can_show(view)


def send_link(view: CallView) -> Request:
    """Text the link that the caller agreed to."""
    yes = given(view, Purpose.TEXT)
    purpose = view.call.contact.purpose or ""
    number = yes.phone or Secret("")
    return SendWebLink(
        yes.customer,
        yes.account,
        yes.invoice_type,
        number,
        str(purpose),
        yes.reference,
        language=yes.language,
    )


def _phone_numbers(view: CallView, _: examples.Known) -> Iterator[Digits]:
    return examples.entry(view, examples.PHONE, examples.NO_PHONE, examples.COSTLY)


PROMPTS: Prompts = {
    "number_unclear": (),
    "number_not_texted": (),
    "text_sent": (),
    "text_not_sent": (),
    "text_unknown": (),
    "text_refused": (),
    "text_limit": (),
    "no_email": (),
    "phone_entry": (),
    "phone_entry_help": (),
    "phone_readback": ("number",),
    "option_number_right": ("key",),
    "option_number_wrong": ("key",),
    "text_consent_type_email": ("biller", "ending"),
    "text_consent_enrol": ("biller", "ending"),
    "text_consent_confirm": ("biller", "ending"),
    "text_consent_review": ("biller", "ending"),
    "text_consent_type_email_on_file": ("biller",),
    "text_consent_enrol_on_file": ("biller",),
    "text_consent_confirm_on_file": ("biller",),
    "text_consent_review_on_file": ("biller",),
    "text_rates": (),
    "option_other_number": ("key",),
    "sending_text": (),
}
"""The prompts of this chapter, with the gaps that their wording can contain."""

# fmt: off
# Formatted by hand, to keep each transition on one line.
CHAPTER: Chapter = {
    S.TEXT_NUMBER: Pass(
        "Looks for a number on file, or one entered earlier in the call.",
        title="Is there a number to text?",
        ways=[
            On(Arrived, S.TEXT_CONSENT, when=number_known, keep=take_number_on_file),
            On(Arrived, S.NEW_CONTACT),
        ],
    ),
    S.PHONE_CAPTURE: Ask(
        "The caller enters ten digits, then pound.",
        title="Enter a cell phone number",
        say=[begun("phone_entry")],
        help="phone_entry_help",
        by=number(11, "number_unclear"),
        examples=_phone_numbers,
        ways=[
            On(Digits, S.PHONE_CONFIRM, when=is_phone, keep=take_number),
            On(Digits, REPROMPT, when=all_of(is_other_phone, not_(wrong_used_up)), keep=count_wrong, say="number_not_texted"),
            On(Digits, S.TEXT_DECLINED, when=pound, words="alone: no text"),
        ],
    ),
    S.PHONE_CONFIRM: Ask(
        "The number is read back to be confirmed.",
        title="Hear the number",
        say=[must("phone_readback"), options],
        hear=True,
        keys=[key("1", Choice.YES, "option_number_right", words="the number is right"), key("2", Choice.NO, "option_number_wrong", words="it is not right")],
        ways=[
            Press(Choice.YES, S.TEXT_CONSENT, keep=confirm_number),
            Press(Choice.NO, S.PHONE_CAPTURE, when=numbers_left, keep=drop_number),
            Press(Choice.NO, S.TEXT_DECLINED),
        ],
    ),
    S.TEXT_CONSENT: Ask(
        "Asks for consent to one text to this number.",
        title="May we send one text?",
        say=[text_question, options],
        consent=Purpose.TEXT,
        keys=[
            key("1", Choice.YES, "option_yes", words="yes"),
            key("2", Choice.NO, "option_no", words="no"),
            key("3", Choice.OTHER, "option_other_number", words="another number", when=another_number_left),
        ],
        ways=[
            Press(Choice.YES, S.CONFIRMATION, when=link_is_address, words="yes to a sign-up link"),
            Press(Choice.YES, S.WEB_LINK, words="yes to any other text"),
            Press(Choice.NO, S.TEXT_DECLINED),
            Press(Choice.OTHER, S.NEW_CONTACT, keep=drop_number),
        ],
    ),
    S.TEXT_DECLINED: Pass(
        "The caller does not want a text, or does not enter a number.",
        title="No text: what now?",
        ways=[
            On(Arrived, S.ADDRESS, when=link_is_address, keep=leave_link),
            On(Arrived, S.AFTERWARDS, when=settled, keep=note_text(Sent.DECLINED)),
            On(Arrived, S.PENDING, keep=note_text(Sent.DECLINED)),
        ],
    ),
    S.WEB_LINK: Do(
        "A sign-up link replaces the e-mail address. Other texts confirm a change, complete it, or repeat a link.",
        title="Send the text",
        say=[say("sending_text")],
        ask=send_link,
        answers=WRITE,
        finish=True,
        ways=[
            On(Accepted, S.ENROLLMENT, when=all_of(link_is_address, can_enroll), keep=note_text(Sent.DONE)),
            On(Accepted, S.KEEPING, when=link_is_address, keep=note_text(Sent.DONE)),
            On(Accepted, S.AFTERWARDS, when=may_wait, keep=note_text(Sent.DONE)),
            On(Accepted, S.AFTERWARDS, keep=note_text(Sent.DONE), say="text_sent"),
            On(OutcomeUnknown, S.KEEPING, when=link_is_address, keep=note_text(Sent.UNKNOWN)),
            On(OutcomeUnknown, S.AFTERWARDS, keep=note_text(Sent.UNKNOWN), say="text_unknown"),
            On(Refused, S.LINK_FAILED, when=refused_as(Refusal.LIMIT), keep=stop_texts, say="text_limit"),
            On(Refused, S.LINK_FAILED, keep=note_text(Sent.REFUSED), say="text_refused"),
            On((Unavailable, RecordUnavailable), S.KEEPING, when=link_is_address, keep=note_text(Sent.UNAVAILABLE)),
            On((Unavailable, RecordUnavailable), S.AFTERWARDS, keep=note_text(Sent.UNAVAILABLE), say="text_not_sent"),
        ],
    ),
    S.LINK_FAILED: Pass(
        "The service or a limit refused the text.",
        title="Text refused: what now?",
        ways=[
            On(Arrived, S.KEEPING, when=all_of(link_is_address, hung_up)),
            On(Arrived, S.NEW_CONTACT, when=all_of(link_is_address, numbers_left, can_show), keep=drop_refused_number),
            On(Arrived, S.ADDRESS, when=link_is_address, keep=leave_link),
            On(Arrived, S.AFTERWARDS),
        ],
    ),
}
