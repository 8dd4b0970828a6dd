"""What each state says: names of prompts, never words (those are in `prompts/`).

`SCRIPT` is read beside the table: for each state the prompts in order, those that must be heard
marked with `must`. Words, gathers and requests are told from the call alone.
"""

from collections.abc import Iterable, Mapping

from paperless_ivr.flow import bills, facts
from paperless_ivr.flow.call import Source, TextPurpose
from paperless_ivr.flow.host import Registration, Sent
from paperless_ivr.flow.lines import Line, marked, must, number_to_say, prompt, say, says
from paperless_ivr.flow.menu import menu
from paperless_ivr.flow.policy import Notifier
from paperless_ivr.flow.requests import StoreCustomerPreference
from paperless_ivr.flow.scene import Scene, once
from paperless_ivr.flow.slots import (
    Spelt,
    Words,
)
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import READ_OUT, Prompt
from paperless_ivr.secret import Secret


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
    on_file = scene.customer is not None and number_to_say(scene) == scene.customer.phone
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


def room(scene: Scene) -> int:
    """How many keys a part of an address may take, deletions included; beyond it starts over."""
    return KEYS_PER_CHARACTER * scene.terms.pad.max_local


KEYS_PER_CHARACTER = 4
"""Two keys a character, three for the rare ones; the rest is room for corrections."""
