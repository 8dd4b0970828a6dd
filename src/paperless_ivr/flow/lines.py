"""Every prompt with its gaps, and the lines that states say: names, never words.

The words are in `prompts/`. What is said is told from the call alone.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache

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

Prompts = Mapping[str, tuple[str, ...]]
"""Prompts by name, with the gaps that their words may fill."""

SHARED: Prompts = {
    GREETING: ("biller",),
    "no_input": (),
    "no_match": (),
    "listen_first": (),
    "nobody_free": (),
    "take_your_time": (),
    "not_a_card": (),
    "account_length": (),
    "account_mistyped": (),
    "last_four_missed": (),
    "too_many_tries": (),
    "service_down": (),
    "service_refused": (),
    "still_working": (),
    "account_letters": (),
    "account_signs": (),
    "entry_go_on": (),
    "option_agree": ("key",),
    "option_if_not": ("key",),
    "option_other_address": ("key",),
    "keeping": (),
    "which_amount": ("amount", "due"),
    "which_account": ("ending",),
    "which_number": ("bill_ending",),
    "option_yes": ("key",),
    "option_no": ("key",),
}
"""What several chapters say. The rest stands in the chapters."""

_registered = dict(SHARED)


def register(*chapters: Prompts) -> Prompts:
    """Adds the prompts of chapters, so that `prompt` knows them, and gives all that there are."""
    for prompts in chapters:
        _registered.update(prompts)
    return _registered


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


@cache
def _without_gaps(name: str, must_hear: bool) -> Prompt:
    return Prompt(name, (), must_hear)


def prompt(scene: Scene, name: str, *, must_hear: bool = False) -> Prompt:
    """A prompt with its gaps filled from the call."""
    gaps = _registered[name]
    if not gaps:
        return _without_gaps(name, must_hear)
    return Prompt(name, tuple((gap, SLOTS[gap](scene)) for gap in gaps), must_hear)


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
class Means:
    """How a choice stands in pictures: its key or keys, and what the caller does."""

    key: str
    words: str


@frozen
class Keys:
    """Keys of a menu, with the names of all prompts that may say them, for `checks`."""

    names: tuple[str, ...]
    offer: Offer
    means: Mapping[Choice, Means]
    """What may be chosen, with its key and its words in pictures."""
    when: Callable[[Scene], bool] = always


def offers(*names: str, means: Mapping[Choice, Means]) -> Callable[[Offer], Keys]:
    """Declares which prompts may say the options of a function of the call, and what they mean."""
    return lambda offer: Keys(names, offer, means)


def key(
    digit: str,
    choice: Choice,
    prompt: str = "",
    *,
    words: str,
    when: Callable[[Scene], bool] = always,
) -> Keys:
    """A key that is offered when a fact holds; `prompt` is "" where another one promises it."""
    option = (Option(digit, choice, prompt),)
    means = {choice: Means(digit, words)}
    names = (prompt,) if prompt else ()
    return Keys(names, lambda scene: option if when(scene) else (), means, when)


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
