"""A text message: to which number, may it be sent, and what became of it."""

from collections.abc import Iterable, Iterator

from attrs import evolve

from paperless_ivr.flow import bills, examples
from paperless_ivr.flow.answers import SEARCH, WRITE
from paperless_ivr.flow.blocks import (
    AGENT,
    NUMBER_KEYS,
    Ask,
    By,
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
    CustomersFound,
    Digits,
    NoInput,
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
    looked_up,
    looks_left,
    may_wait,
    named,
    not_,
    number_known,
    number_to_text,
    pound,
    refused_as,
    settled,
    star,
    wrong_used_up,
)
from paperless_ivr.flow.host import Outcome, Registration, Sent
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
from paperless_ivr.flow.requests import Request, SearchByAccountNumber, SendWebLink
from paperless_ivr.flow.rows import REPROMPT, On
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Gather, Prompt
from paperless_ivr.flow.updates import Keep, count_wrong, hear_again, leave_contact, spend
from paperless_ivr.flow.view import CallView, Transition
from paperless_ivr.keypad import national
from paperless_ivr.secret import Secret, phone


@Phrase("a valid number")
def is_phone(c: Transition[Digits]) -> bool:
    """A telephone number that texts may go to (R07)."""
    number = national(keyed(c), c.policy.text.region)
    return number is not None and gets_texts(c.policy, number)


@Phrase("a number that gets no texts")
def is_other_phone(c: Transition[Digits]) -> bool:
    """A telephone number, whether texts may go to it or not."""
    return national(keyed(c), c.policy.text.region) is not None


@Phrase("may try another", "no more tries")
def numbers_left(c: Anything) -> bool:
    """A number may be keyed once more."""
    return c.call.spent.numbers < c.policy.text.other_numbers


def take_number(c: Transition[Digits]) -> Call:
    """A telephone number, to be read back."""
    number = national(keyed(c), c.policy.text.region) or ""
    return evolve(c.call, entry=Entry(phone=phone(number)))


def confirm_number(c: Anything) -> Call:
    """The number was read back and found right."""
    contact = evolve(c.call.contact, phone=c.call.entry.phone)
    return evolve(c.call, contact=contact, entry=Entry())


def take_number_on_file(c: Anything) -> Call:
    """The number on file, unless one was keyed."""
    return evolve(c.call, contact=evolve(c.call.contact, phone=number_to_text(c)))


def drop_number(c: Anything) -> Call:
    """Another number is wanted."""
    contact = evolve(c.call.contact, phone=None)
    return spend(evolve(c.call, contact=contact, entry=Entry()), numbers=1)


def drop_refused_number(c: Anything) -> Call:
    """The service cannot text that number: another one, with its own yes."""
    call = drop_number(c)
    return evolve(call, results=evolve(call.results, text=Sent.NOT_ASKED))


def stop_texts(c: Anything) -> Call:
    """No more texts: no other number is asked for either."""
    call = note_text(Sent.REFUSED)(c)
    return evolve(call, spent=evolve(call.spent, numbers=c.policy.text.other_numbers))


def leave_link(c: Anything) -> Call:
    """The texted link is no way to the address, and no text is offered later."""
    call = leave_contact(c)
    if call.results.text is not Sent.NOT_ASKED:
        return call
    return evolve(call, results=evolve(call.results, text=Sent.DECLINED))


def note_text(outcome: Sent) -> Keep:
    """What became of the text."""
    return named(f"text {outcome.value}", lambda c: _texted(c, outcome))


def _texted(c: Anything, outcome: Sent) -> Call:
    """A link that was texted finishes a wish that is kept for want of an operation."""
    results = evolve(c.call.results, text=outcome)
    if outcome is Sent.DONE and c.call.contact.purpose is TextPurpose.ENROLL and results.outcomes:
        last = evolve(results.outcomes[-1], registration=Registration.LINK)
        results = evolve(results, outcomes=(*results.outcomes[:-1], last))
    return evolve(c.call, results=results)


@Phrase("it was opened")
def link_opened(c: Transition[CustomersFound]) -> bool:
    """The service says that the bill is paperless: the link was opened, and all is done."""
    return looked_up(c) is bills.Status.PAPERLESS


def count_look(c: Anything) -> Call:
    """The service was asked once more, and it is not done yet."""
    contact = c.call.contact
    return evolve(c.call, contact=evolve(contact, looks=contact.looks + 1))


def stop_waiting(c: Anything) -> Call:
    """The text is no longer spoken of; its link still works."""
    return evolve(c.call, contact=evolve(c.call.contact, purpose=None, looks=0))


def note_paperless(c: Transition[CustomersFound]) -> Call:
    """The bill is paperless: what was agreed in the call is finished, or what waited before it."""
    call, yes = stop_waiting(c), given(c, Purpose.TEXT)
    new = Outcome(yes.customer, yes.account, yes.invoice_type, Registration.ACTIVE, yes.reference)
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


TEXT_QUESTIONS = tuple(
    f"text_consent_{purpose}{number}" for purpose in TextPurpose for number in ("", "_on_file")
)


@says("no_email", *TEXT_QUESTIONS, "text_rates")
def text_question(view: CallView) -> Iterable[Prompt]:
    """Why a text is spoken of, the number, what the text is for, and what it may cost."""
    purpose = view.call.contact.purpose or TextPurpose.CONFIRM
    if link_is_address(view) and not email_on_file(view):
        yield prompt(view, "no_email")
    yield prompt(view, f"text_consent_{purpose}{number_words(view)}", must_hear=True)
    yield prompt(view, "text_rates", must_hear=True)


@Phrase(needs=lambda policy: policy.text.other_numbers > 0)
def another_number_left(view: CallView) -> bool:
    """Another number may be keyed, and what it takes can be shown."""
    return view.call.spent.numbers < view.policy.text.other_numbers and can_show(view)


def send_link(view: CallView) -> Request:
    """Texts the link that was agreed to."""
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


FIRST_WORDS = ("link_texted", "link_open_now", "link_will_tell", "link_go_on")
"""What is said first, a sentence a look: whoever opens the link meanwhile hears "done" soon."""
AFTER_WORDS_S, SILENT_S = 0.5, 3.0
"""Seconds until the next look: after words, and where nothing was said."""


def _words_of_look(view: CallView) -> tuple[str, ...]:
    """After the first words a reminder at every third look, which is every 10 seconds or so."""
    looks = view.call.contact.looks
    if view.call.tries.repeats:
        return FIRST_WORDS
    if looks < len(FIRST_WORDS):
        return (FIRST_WORDS[looks],)
    return ("link_waiting",) if (looks - len(FIRST_WORDS)) % 3 == 2 else ()


@says(*FIRST_WORDS, "link_waiting")
def waiting_for_link(view: CallView) -> Iterable[Prompt]:
    """That the link can be opened now, how to go on without, and that we are still there."""
    return (prompt(view, name) for name in _words_of_look(view))


def _until_next_look(view: CallView, _: Ask) -> Gather:
    wait = AFTER_WORDS_S if _words_of_look(view) else SILENT_S
    return Gather(NUMBER_KEYS, 1, first_key_wait=wait, next_key_wait=wait)


NEXT_LOOK = By(_until_next_look, lambda _: (), takes_several_keys=False)
"""Any key, for as long as the service is not asked again."""


def look_up_link(view: CallView) -> Request:
    """Looks the customer up, to see whether the link was opened."""
    return SearchByAccountNumber(given(view, Purpose.TEXT).account)


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
    "link_texted": (),
    "link_open_now": (),
    "link_will_tell": (),
    "link_go_on": (),
    "link_waiting": (),
    "link_done": ("bill",),
    "link_not_yet": (),
    "link_unclear": (),
}
"""What only this chapter says, with the gaps that the words may fill."""

# fmt: off
# Set by hand: a way out is one line.
CHAPTER: Chapter = {
    S.TEXT_NUMBER: Pass(
        "On file, or entered earlier in the call.",
        title="Is there a number to text to?",
        ways=[
            On(Arrived, S.TEXT_CONSENT, when=number_known, keep=take_number_on_file),
            On(Arrived, S.NEW_CONTACT),
        ],
    ),
    S.PHONE_CAPTURE: Ask(
        "Ten digits, then pound.",
        title="Enter a mobile number",
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
        "A yes to one text, to this number.",
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
        "The caller wants no text, or gives no number.",
        title="No text: what now?",
        ways=[
            On(Arrived, S.ADDRESS, when=link_is_address, keep=leave_link),
            On(Arrived, S.AFTERWARDS, when=settled, keep=note_text(Sent.DECLINED)),
            On(Arrived, S.PENDING, keep=note_text(Sent.DECLINED)),
        ],
    ),
    S.WEB_LINK: Do(
        "The service sends one text with a link.",
        title="Text the link",
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
        "The service does not text this number.",
        title="Text refused: what now?",
        ways=[
            On(Arrived, S.KEEPING, when=all_of(link_is_address, hung_up)),
            On(Arrived, S.NEW_CONTACT, when=all_of(link_is_address, numbers_left, can_show), keep=drop_refused_number),
            On(Arrived, S.ADDRESS, when=link_is_address, keep=leave_link),
            On(Arrived, S.AFTERWARDS),
        ],
    ),
    S.LINK_WAIT: Ask(
        "On the line, while the caller opens it.",
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
        "Asks the billing service.",
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
}
