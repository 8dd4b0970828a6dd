"""What each state says: names of prompts, never words (those are in `prompts/`).

`SCRIPT` is read beside the table: for each state the prompts in order, those that must be heard
marked with `must`. Words, gathers and requests are told from the call alone.
"""

from collections.abc import Callable, Iterable, Mapping

from attrs import frozen

from paperless_ivr.flow import bills, facts
from paperless_ivr.flow.call import GREETING, Source, TextPurpose
from paperless_ivr.flow.host import Registration, Sent
from paperless_ivr.flow.menu import bill_name, marked, menu
from paperless_ivr.flow.policy import Notifier
from paperless_ivr.flow.requests import StoreCustomerPreference
from paperless_ivr.flow.scene import Scene, once
from paperless_ivr.flow.slots import (
    Count,
    Digits,
    Ending,
    Masked,
    Slot,
    Spelt,
    Words,
)
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Prompt, Turn
from paperless_ivr.secret import Secret

Tell = Callable[[Scene], Iterable[Prompt]]


@frozen
class Line:
    """A line of the script, with the names of all prompts that it may say, for `checks`."""

    names: tuple[str, ...]
    tell: Tell


def says(*names: str) -> Callable[[Tell], Line]:
    """Declares which prompts a function of the call may say."""
    return lambda tell: Line(names, tell)


# ── slots: one meaning for each name ─────────────────────────────────────────────────────


def _biller(scene: Scene) -> Slot:
    return Words(scene.policy.biller.name)


def _bill(scene: Scene) -> Slot:
    return bill_name(scene, scene.call.choosing.type)


def _account(scene: Scene) -> Slot:
    return Digits(scene.call.entry.account or Secret(""))


def _email(scene: Scene) -> Secret:
    return scene.call.contact.email or Secret("")


def _number(scene: Scene) -> Secret:
    return facts.number_to_text(scene) or Secret("")


def _spelt(scene: Scene) -> Slot:
    entry = scene.call.entry
    keys = entry.so_far.reveal() if entry.so_far else ""
    return Spelt(Secret(scene.terms.pad.spell(keys).text))


def _character(scene: Scene) -> Slot:
    local = scene.call.entry.local
    at = scene.call.entry.at
    return Spelt(Secret((local.reveal() if local else "")[at : at + 1]))


SLOTS: Mapping[str, Callable[[Scene], Slot]] = {
    "biller": _biller,
    "bill": _bill,
    "account": _account,
    "address": lambda scene: Spelt(_email(scene)),
    "masked": lambda scene: Masked(_email(scene)),
    "number": lambda scene: Digits(scene.call.entry.phone or Secret("")),
    "ending": lambda scene: Ending(_number(scene)),
    "spelt": _spelt,
    "character": _character,
    "bills_on_paper": lambda scene: Count(scene.policy.notification.bills_still_on_paper),
    "terms": lambda scene: Words(scene.policy.autopay.terms.get(scene.language, "")),
}
"""How a gap of a prompt is filled, by the gap's name. Options bring their own slots."""

PERSONAL = frozenset({"bill", "address", "masked", "ending", "bill_ending", "amount", "due"})
"""Slots that tell what the biller holds: never spoken below `Identity.LAST_FOUR_KEYED` (R17)."""

PROMPTS: Mapping[str, tuple[str, ...]] = {
    # on the way
    GREETING: ("biller",),
    "no_input": (),
    "no_match": (),
    "listen_first": (),
    "nobody_free": (),
    "take_your_time": (),
    "not_a_card": (),
    "account_length": (),
    "account_mistyped": (),
    "account_not_found": ("account",),
    "account_instead": (),
    "last_four_missed": (),
    "too_many_tries": (),
    "on_file_only": (),
    "service_down": (),
    "service_refused": (),
    "paper_not_by_phone": (),
    "all_on_paper": (),
    "bill_gone": (),
    "address_refused": (),
    "person_for_address": (),
    "keypad_left": (),
    "spelling_so_far": ("spelt",),
    "spelling_unclear": ("spelt",),
    "spelling_too_long": (),
    "character_unclear": (),
    "number_unclear": (),
    "number_not_texted": (),
    "text_sent": (),
    "text_not_sent": (),
    "text_unknown": (),
    "text_refused": (),
    "text_limit": (),
    "autopay_on": (),
    "autopay_not_on": (),
    "autopay_unknown": (),
    "agreed": (),
    "paper_kept": (),
    "connecting": (),
    # arrival
    "option_language": ("key",),
    "offer_at_start": (),
    "offer": (),
    "offer_help": (),
    # who is calling
    "one_moment": (),
    "still_working": (),
    "looking_up": (),
    "account_entry": (),
    "account_entry_help": (),
    "account_letters": (),
    "account_signs": (),
    "entry_go_on": (),
    "last_four": (),
    "last_four_help": (),
    "number_check": (),
    "number_check_help": (),
    "phone_check": (),
    "phone_check_help": (),
    # which bill
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
    "checking_bill": (),
    # e-mail by keypad
    "email_local": (),
    "email_local_help": (),
    "email_go_on": (),
    "email_domain": (),
    "option_domain": ("domain", "key"),
    "option_other_domain": ("key",),
    "email_domain_entry": (),
    "email_domain_entry_help": (),
    "readback": (),
    "readback_character": ("character",),
    "readback_domain": ("domain",),
    "option_address_right": ("key",),
    "option_spell_again": ("key",),
    "fix": ("character",),
    "option_change": ("key",),
    "option_insert": ("key",),
    "option_remove": ("key",),
    "option_back": ("key",),
    "one_character": (),
    "one_character_help": (),
    # texts
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
    # consent
    "confirm_on_file": ("bill", "masked"),
    "confirm_keyed": ("bill", "address"),
    "confirm_link": ("bill", "ending"),
    "confirm_link_on_file": ("bill",),
    "next_email": ("bills_on_paper",),
    "next_link": ("bills_on_paper",),
    "next_kept": ("biller", "bills_on_paper"),
    "back_any_time": (),
    "back_by_request": ("biller",),
    "option_agree": ("key",),
    "option_if_not": ("key",),
    "option_other_address": ("key",),
    "enrolling": (),
    "checking_again": (),
    "keeping": (),
    # afterwards
    "autopay_offer": ("bill",),
    "autopay_terms": ("terms",),
    "storing_autopay": (),
    "another": (),
    # pending, and back to paper
    "already": ("bill",),
    "pending": ("bill",),
    "option_back_to_paper": ("key",),
    "option_leave_it": ("key",),
    "option_text_link": ("key",),
    "option_cancel": ("key",),
    "confirm_paper": ("bill", "bills_on_paper"),
    "confirm_cancel": ("bill",),
    "which_amount": ("amount", "due"),
    "which_account": ("ending",),
    "which_number": ("bill_ending",),
    "back_to_paper": (),
    # a person
    "person_offer": (),
    "option_person": ("key",),
    # yes and no
    "option_yes": ("key",),
    "option_no": ("key",),
    # endings
    "end_enrolled": ("bills_on_paper",),
    "end_link_sent": (),
    "end_deferred": ("biller",),
    "end_deferred_unknown": (),
    "end_declined": (),
    "end_left": (),
    "end_ineligible": (),
    "end_already": (),
    "end_pending": (),
    "end_not_identified": (),
    "end_no_contact": (),
    "end_incomplete": (),
    "end_unavailable": (),
    "end_failed": (),
    "end_failed_unknown": (),
    "end_opted_out": ("bills_on_paper",),
    "end_cancelled": (),
    "end_opt_out_requested": ("biller",),
}
"""Every prompt, and the gaps that its words may fill. The catalogues are held against it."""


# ── lines ────────────────────────────────────────────────────────────────────────────────


def prompt(scene: Scene, name: str, *, must_hear: bool = False) -> Prompt:
    """A prompt with its gaps filled from the call."""
    if not PROMPTS[name]:
        return FIXED[name, must_hear]
    slots = tuple((slot, SLOTS[slot](scene)) for slot in PROMPTS[name])
    return Prompt(name, slots, must_hear)


FIXED = {
    (name, must_hear): Prompt(name, (), must_hear)
    for name, gaps in PROMPTS.items()
    if not gaps
    for must_hear in (True, False)
}
"""Prompts without gaps are made once."""


def say(name: str) -> Line:
    """Says a prompt."""
    return Line((name,), lambda scene: (prompt(scene, name),))


def must(name: str) -> Line:
    """Says a prompt that must be heard before a yes counts (R09)."""
    return Line((name,), lambda scene: (prompt(scene, name, must_hear=True),))


@says()
def options(scene: Scene) -> Iterable[Prompt]:
    """Says the menu: each option with its key."""
    return (
        Prompt(option.prompt, option.spoken, language=option.language)
        for option in menu(scene)
        if option.prompt
    )


WHICH = tuple(f"which_{mark.value}" for mark in bills.Mark)
TEXT_QUESTIONS = tuple(
    f"text_consent_{purpose}{number}" for purpose in TextPurpose for number in ("", "_on_file")
)


@says("choose_bill", "choose_paper_bill")
def _choose_bill(scene: Scene) -> Iterable[Prompt]:
    name = "choose_paper_bill" if scene.call.choosing.back_to_paper else "choose_bill"
    return (prompt(scene, name),)


@says("confirm_on_file", "confirm_keyed", "confirm_link", "confirm_link_on_file", *WHICH)
def _confirm(scene: Scene) -> Iterable[Prompt]:
    """The bill and the address: in full where just keyed, masked where on file."""
    name = {
        Source.PAYMENT: "confirm_on_file",
        Source.ON_FILE: "confirm_on_file",
        Source.KEYED: "confirm_keyed",
        Source.LINK: f"confirm_link{_where(scene)}",
    }[scene.call.contact.source or Source.ON_FILE]
    yield prompt(scene, name, must_hear=True)
    yield from _which(scene)


def _where(scene: Scene) -> str:
    """Which words name the number that a text goes to.

    How the number on file ends may be the fact that the caller has yet to show: it is said only
    where nothing depends on it any more (R47).
    """
    on_file = scene.customer is not None and _number(scene) == scene.customer.phone
    shown = facts.both_shown(scene) or facts.phone_shown(scene)
    return "_on_file" if on_file and not shown else ""


def _which(scene: Scene) -> Iterable[Prompt]:
    """Which of several bills of one name: without it a yes would not know its subject (R09)."""
    bill = bills.chosen(scene)
    for mark in bills.marks(scene, bill, bills.listed(scene)):
        yield Prompt(f"which_{mark.value}", marked(scene, bill, mark), must_hear=True)


@says("next_link", "next_kept", "next_email", "back_any_time", "back_by_request")
def _what_happens(scene: Scene) -> Iterable[Prompt]:
    """What comes next: by e-mail, by the texted link, or kept until the biller does it."""
    if scene.call.contact.source is Source.LINK:
        name = "next_link"
    elif scene.policy.notification.sent_by is Notifier.BILLER:
        name = "next_kept"
    elif scene.has(StoreCustomerPreference) or scene.call.contact.source is Source.PAYMENT:
        name = "next_email"
    else:
        name = "next_kept"
    yield prompt(scene, name, must_hear=True)
    by_phone = scene.policy.back_to_paper.by_phone
    yield prompt(scene, "back_any_time" if by_phone else "back_by_request", must_hear=True)


@says(*TEXT_QUESTIONS, "text_rates")
def _text_question(scene: Scene) -> Iterable[Prompt]:
    purpose = scene.call.contact.purpose or TextPurpose.CONFIRM
    yield prompt(scene, f"text_consent_{purpose}{_where(scene)}", must_hear=True)
    yield prompt(scene, "text_rates", must_hear=True)


READ_OUT = "readback_character"
"""A character of an address that is read back: the caller may stop at it."""


@says("readback", READ_OUT, "readback_domain")
def _readback(scene: Scene) -> Iterable[Prompt]:
    """The address piece by piece, from the character where it was last mended."""
    yield prompt(scene, "readback", must_hear=True)
    entry = scene.call.entry
    local = entry.local.reveal() if entry.local else ""
    for character in local[entry.at :]:
        spelt = (("character", Spelt(Secret(character))),)
        yield Prompt(READ_OUT, spelt, must_hear=True)
    domain = entry.domain.reveal() if entry.domain else ""
    slot = Words(domain) if domain in scene.policy.address.domains else Spelt(Secret(domain))
    yield Prompt("readback_domain", (("domain", slot),), must_hear=True)


def _spell(name: str) -> Line:
    """How to spell, in full once; then only that the caller goes on."""
    go_on = "email_go_on"
    return says(name, go_on)(
        lambda scene: (prompt(scene, go_on if scene.call.entry.so_far else name),)
    )


def _begun(name: str) -> Line:
    """What to key; after a pause in the midst of it, only that the caller goes on."""
    go_on = "entry_go_on"
    return says(name, go_on)(
        lambda scene: (prompt(scene, go_on if scene.call.entry.so_far else name),)
    )


def _account_number(name: str) -> Line:
    """The account number; where it has letters or signs, how they are keyed."""
    begun = _begun(name)

    @says(*begun.names, "account_letters", "account_signs")
    def line(scene: Scene) -> Iterable[Prompt]:
        yield from begun.tell(scene)
        accounts = scene.terms.accounts
        if not scene.call.entry.so_far and (accounts.any_letter or accounts.fixed_signs):
            yield prompt(scene, "account_letters" if accounts.any_letter else "account_signs")

    return line


@says("confirm_cancel", "confirm_paper", *WHICH)
def _confirm_paper(scene: Scene) -> Iterable[Prompt]:
    """Back to paper, or, where no link was opened yet, paper as before."""
    name = "confirm_cancel" if bills.cancelling(scene) else "confirm_paper"
    yield prompt(scene, name, must_hear=True)
    yield from _which(scene)


@says("end_cancelled", "end_opted_out")
def _opted_out(scene: Scene) -> Iterable[Prompt]:
    return (prompt(scene, "end_cancelled" if bills.cancelling(scene) else "end_opted_out"),)


@says("end_link_sent", "end_enrolled")
def _enrolled(scene: Scene) -> Iterable[Prompt]:
    """Which link to open: the one e-mailed, or the one texted."""
    by_text = scene.call.contact.source is Source.LINK and scene.call.results.text is Sent.DONE
    return (prompt(scene, "end_link_sent" if by_text else "end_enrolled"),)


@says("end_deferred", "end_deferred_unknown")
def _deferred(scene: Scene) -> Iterable[Prompt]:
    """It says less where the answer to a write was lost."""
    lost = scene.call.results.lost
    return (prompt(scene, "end_deferred_unknown" if lost else "end_deferred"),)


def _ending(name: str, otherwise: str = "service_refused") -> Line:
    """An ending that says that nothing was changed.

    Where something was, `otherwise`, and what is left to do for that.
    """

    @says(name, otherwise, *_enrolled.names, *_deferred.names)
    def line(scene: Scene) -> Iterable[Prompt]:
        results = scene.call.results
        reached = {outcome.registration for outcome in results.outcomes}
        if not reached:
            yield prompt(scene, name)
            return
        yield prompt(scene, otherwise)
        if reached & {Registration.PENDING, Registration.ACTIVE}:
            yield from _enrolled.tell(scene)
        elif results.text is Sent.DONE:
            yield prompt(scene, "end_link_sent")
        else:
            yield from _deferred.tell(scene)

    return line


_not_done = _ending("end_failed")


@says("end_failed_unknown", *_not_done.names)
def _failed(scene: Scene) -> Iterable[Prompt]:
    if scene.call.results.lost:
        return (prompt(scene, "end_failed_unknown"),)
    return _not_done.tell(scene)


UNCHANGED = frozenset(
    {
        "service_down",
        "end_left",
        "end_not_identified",
        "end_no_contact",
        "end_incomplete",
        "end_unavailable",
        "end_failed",
    }
)
"""What says that nothing was changed: never said in a call in which something was."""

SCRIPT: Mapping[S, tuple[Line, ...]] = {
    S.LANGUAGE: (options,),
    S.SCREENING: (),
    S.OFFER_AT_START: (say("offer_at_start"),),
    S.OFFER: (say("offer"), options),
    S.HANDED_OVER_LIMIT: (),
    S.ACCOUNT_LOOKUP: (say("looking_up"),),
    S.PHONE_LOOKUP: (say("one_moment"),),
    S.ACCOUNT_LIMIT: (),
    S.ACCOUNT_ENTRY: (_account_number("account_entry"),),
    S.LAST_FOUR_LIMIT: (),
    S.IDENTITY_CHECK: (_begun("last_four"),),
    S.INVOICE_SELECTION: (_choose_bill, options),
    S.INVOICE_CHECK: (say("checking_bill"),),
    S.FACT_LIMIT: (),
    S.NUMBER_CHECK: (_account_number("number_check"),),
    S.PHONE_CHECK: (_begun("phone_check"),),
    S.EMAIL_LOCAL: (_spell("email_local"),),
    S.EMAIL_DOMAIN: (say("email_domain"), options),
    S.EMAIL_DOMAIN_ENTRY: (_spell("email_domain_entry"),),
    S.EMAIL_READBACK: (_readback, options),
    S.EMAIL_FIX: (say("fix"), options),
    S.EMAIL_CHARACTER: (_begun("one_character"),),
    S.PHONE_CAPTURE: (_begun("phone_entry"),),
    S.PHONE_CONFIRM: (must("phone_readback"), options),
    S.TEXT_CONSENT: (_text_question, options),
    S.WEB_LINK: (say("sending_text"),),
    S.CONFIRMATION: (_confirm, _what_happens, options),
    S.ENROLLMENT: (say("enrolling"),),
    S.ENROLLMENT_CHECK: (say("checking_again"),),
    S.ENROLLMENT_AGAIN: (say("checking_again"),),
    S.KEEPING: (say("keeping"),),
    S.AUTOPAY_OFFER: (must("autopay_offer"), must("autopay_terms"), options),
    S.AUTOPAY: (say("storing_autopay"),),
    S.ANOTHER: (say("another"), options),
    S.ALREADY_MENU: (say("already"), options),
    S.PENDING_MENU: (say("pending"), options),
    S.OPT_OUT_CONFIRM: (_confirm_paper, options),
    S.OPT_OUT: (say("back_to_paper"),),
    S.OPT_OUT_KEEPING: (say("keeping"),),
    S.PERSON_OFFER: (options, say("person_offer")),
    S.TRANSFERRING: (say("connecting"),),
    S.ENROLLED: (_enrolled,),
    S.LINK_SENT: (say("end_link_sent"),),
    S.DEFERRED: (_deferred,),
    S.DECLINED: (_ending("end_declined", "end_declined"),),
    S.IGNORED: (),
    S.LEFT: (say("end_left"),),
    S.NOT_OFFERED: (),
    S.INELIGIBLE: (say("end_ineligible"),),
    S.ALREADY_PAPERLESS: (say("end_already"),),
    S.PENDING: (say("end_pending"),),
    S.NOT_IDENTIFIED: (say("end_not_identified"),),
    S.NO_CONTACT: (_ending("end_no_contact"),),
    S.INCOMPLETE: (_ending("end_incomplete"),),
    S.UNAVAILABLE: (_ending("end_unavailable"),),
    S.FAILED: (_failed,),
    S.OPTED_OUT: (_opted_out,),
    S.OPT_OUT_REQUESTED: (say("end_opt_out_requested"),),
    S.TRANSFERRED: (),
    S.ABANDONED: (),
}
"""For each state that waits or ends, what it says."""

HELP: Mapping[S, str] = {
    S.OFFER: "offer_help",
    S.ACCOUNT_ENTRY: "account_entry_help",
    S.IDENTITY_CHECK: "last_four_help",
    S.NUMBER_CHECK: "number_check_help",
    S.PHONE_CHECK: "phone_check_help",
    S.EMAIL_LOCAL: "email_local_help",
    S.EMAIL_DOMAIN_ENTRY: "email_domain_entry_help",
    S.EMAIL_CHARACTER: "one_character_help",
    S.PHONE_CAPTURE: "phone_entry_help",
}
"""The longer help of the second reprompt, where a question has one."""


@once
def words(scene: Scene) -> tuple[Prompt, ...]:
    """All that is said now: what was met on the way, then the words of the state."""
    if scene.call.results.hung_up:
        return ()
    lead = tuple(prompt(scene, name) for name in scene.call.lead)
    return lead + tuple(p for line in SCRIPT[scene.call.state] for p in line.tell(scene))


def last_to_hear(scene: Scene) -> int:
    """The number of the last prompt of the turn that must be heard; -1 where none must."""
    return max((n for n, p in enumerate(words(scene)) if p.must_hear), default=-1)


def stopped_at(scene: Scene, heard: int | None) -> int:
    """The character of the local part that was being read back when the key came.

    The end of the local part where the domain was being read, or all had been heard.
    """
    entry = scene.call.entry
    end = len(entry.local.reveal() if entry.local else "")
    if heard is None:
        return end
    first = next((n for n, p in enumerate(words(scene)) if p.name == READ_OUT), None)
    if first is None:
        return end
    return min(max(entry.at + heard - first, entry.at), end)


def stretches(turn: Turn) -> tuple[range, ...]:
    """The prompts of a turn in runs: within a run it makes no difference where a key comes.

    A runtime that cannot tell the prompt in which a key came asks run by run. Nothing in the
    last run must be heard; it may be empty. An address that is read back is stopped at a
    character, so there each is a run; else all up to the last that must be heard are one.
    """
    names = [p.name for p in turn.say]
    last = max((n for n, p in enumerate(turn.say) if p.must_hear), default=-1)
    if last < 0:
        return (range(len(names)),)
    first = names.index(READ_OUT) if READ_OUT in names else last
    runs = [range(first + 1), *(range(n, n + 1) for n in range(first + 1, last + 1))]
    return (*runs, range(last + 1, len(names)))


def room(scene: Scene) -> int:
    """How many keys a part of an address may take, deletions included; beyond it starts over."""
    return KEYS_PER_CHARACTER * scene.terms.pad.max_local


KEYS_PER_CHARACTER = 4
"""Two keys a character, three for the rare ones; the rest is room for corrections."""
