"""Every prompt with its gaps, and the lines that states say: names, never words.

The words are in `prompts/`. What is said is told from the call alone.
"""

from collections.abc import Callable, Iterable, Mapping

from attrs import frozen

from paperless_ivr.flow import bills, facts
from paperless_ivr.flow.call import GREETING
from paperless_ivr.flow.facts import both_shown, phone_shown
from paperless_ivr.flow.options import Choice, Option
from paperless_ivr.flow.rows import always
from paperless_ivr.flow.scene import Scene
from paperless_ivr.flow.slots import Count, Digits, Ending, Masked, Money, Slot, Spelt, Words
from paperless_ivr.flow.slots import Day as DaySlot
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.secret import Secret, account

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


def number_to_say(scene: Scene) -> Secret:
    """The number that a text goes to."""
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
    "ending": lambda scene: Ending(number_to_say(scene)),
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


# ── lines ──────────────────────────────────────────────────────────────────────────────


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


# ── bills in words ───────────────────────────────────────────────────────────────────────


def marked(scene: Scene, bill: bills.Bill, mark: bills.Mark) -> tuple[tuple[str, Slot], ...]:
    """The slots that say a mark of a bill."""
    match mark:
        case bills.Mark.AMOUNT:
            assert bill.amount is not None
            assert bill.due is not None
            return ("amount", Money(bill.amount)), ("due", DaySlot(bill.due))
        case bills.Mark.NUMBER:
            assert bill.invoice is not None
            return (("bill_ending", Ending(bill.invoice)),)
        case bills.Mark.ACCOUNT:
            number = scene.call.found[bill.customer].account.reveal()
            return (("ending", Ending(account(scene.terms.accounts.last_four(number)))),)


def bill_name(scene: Scene, invoice_type: str) -> Words:
    """What a bill is called, in the language that is spoken; "" where the policy is silent."""
    return Words(scene.policy.bills.names.get(invoice_type, {}).get(scene.language, ""))


WHICH = tuple(f"which_{mark.value}" for mark in bills.Mark)


def which_bill(scene: Scene) -> Iterable[Prompt]:
    """Which of several bills of one name: without it a yes would not know its subject (R09)."""
    bill = bills.chosen(scene)
    for mark in bills.marks(scene, bill, bills.listed(scene)):
        yield Prompt(f"which_{mark.value}", marked(scene, bill, mark), must_hear=True)


def number_words(scene: Scene) -> str:
    """The end of the name of the prompt: which words name the number that a text goes to.

    How the number on file ends may be the fact that the caller has yet to show: it is said only
    where nothing depends on it any more (R47).
    """
    on_file = scene.customer is not None and number_to_say(scene) == scene.customer.phone
    shown = both_shown(scene) or phone_shown(scene)
    return "_on_file" if on_file and not shown else ""


# ── menus and entries ────────────────────────────────────────────────────────────────────


options = Line((), lambda _: ())
"""Stands for the options of a menu: each is said with its key. `Ask` fills it in."""


Offer = Callable[[Scene], tuple[Option, ...]]


@frozen
class Keys:
    """Keys of a menu, with the names of all prompts that may say them, for `checks`."""

    names: tuple[str, ...]
    offer: Offer


def offers(*names: str) -> Callable[[Offer], Keys]:
    """Declares which prompts may say the options of a function of the call."""
    return lambda offer: Keys(names, offer)


def key(
    digit: str, choice: Choice, prompt: str = "", *, when: Callable[[Scene], bool] = always
) -> Keys:
    """A key that is offered when a fact holds; `prompt` is "" where another one promises it."""
    option = (Option(digit, choice, prompt),)
    return Keys((prompt,) if prompt else (), lambda scene: option if when(scene) else ())


def begun(name: str) -> Line:
    """What to key; after a pause in the midst of it, only that the caller goes on."""
    go_on = "entry_go_on"
    return says(name, go_on)(
        lambda scene: (prompt(scene, go_on if scene.call.entry.so_far else name),)
    )


def account_number_line(name: str) -> Line:
    """The account number; where it has letters or signs, how they are keyed."""
    entry = begun(name)

    @says(*entry.names, "account_letters", "account_signs")
    def line(scene: Scene) -> Iterable[Prompt]:
        yield from entry.tell(scene)
        accounts = scene.terms.accounts
        if not scene.call.entry.so_far and (accounts.any_letter or accounts.fixed_signs):
            yield prompt(scene, "account_letters" if accounts.any_letter else "account_signs")

    return line
