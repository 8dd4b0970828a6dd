"""Keys and what they choose: the one source for wording, gather, guards and proof.

`menu(scene)` is a function of the call, so a menu may depend on it (bills, pages, budgets). What
is offered here is spoken with its key, and leads somewhere: the proof presses every one.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations

from attrs import frozen

from paperless_ivr.flow import bills
from paperless_ivr.flow.call import Source
from paperless_ivr.flow.facts import can_show, can_text
from paperless_ivr.flow.host import Sent
from paperless_ivr.flow.lines import bill_name, marked
from paperless_ivr.flow.options import Choice, Option
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.requests import SendWebLink
from paperless_ivr.flow.scene import Scene, once
from paperless_ivr.flow.slots import Slot, Words
from paperless_ivr.flow.states import State as S

Offer = Callable[[Scene], tuple[Option, ...]]


@frozen
class Menu:
    """The options of a state, with the names of all prompts that may say them, for `checks`."""

    names: tuple[str, ...]
    offer: Offer


def offers(*names: str) -> Callable[[Offer], Menu]:
    """Declares which prompts may say the options of a function of the call."""
    return lambda offer: Menu(names, offer)


@once
def menu(scene: Scene) -> tuple[Option, ...]:
    """The options of the present state; empty where it has none."""
    menu = MENUS.get(scene.call.state)
    return menu.offer(scene) if menu else ()


def pressed(scene: Scene, key: str) -> Option | None:
    """The option that a key chooses now."""
    return next((option for option in menu(scene) if option.key == key), None)


@offers("option_language")
def _languages(scene: Scene) -> tuple[Option, ...]:
    return tuple(
        Option(str(n), Choice.LANGUAGE, "option_language", value=language, language=language)
        for n, language in enumerate(scene.policy.languages.offered, 1)
    )


def _yes(prompt: str = "") -> Menu:
    options = (Option("1", Choice.YES, prompt),)
    return Menu((prompt,) if prompt else (), lambda _: options)


def _yes_no(yes: str, no: str) -> Menu:
    options = (Option("1", Choice.YES, yes), Option("2", Choice.NO, no))
    return Menu((yes, no), lambda _: options)


def _bill_option(marks: Iterable[bills.Mark]) -> str:
    """The prompt of a bill that is told from others by some marks."""
    return "_".join(("option_bill", *(mark.value for mark in marks)))


BILL_OPTIONS = tuple(
    _bill_option(marks) for n in range(len(bills.Mark) + 1) for marks in combinations(bills.Mark, n)
)


@offers(*BILL_OPTIONS, "option_more_bills")
def _bills(scene: Scene) -> tuple[Option, ...]:
    offered, size = bills.choices(scene), scene.policy.bills.per_page
    start = scene.call.choosing.page * size
    page = offered[start : start + size]
    options = []
    for n, bill in enumerate(page, 1):
        prompt, slots = _bill_words(scene, bill)
        options.append(Option(str(n), Choice.BILL, prompt, start + n - 1, slots))
    if len(offered) > size and scene.call.spent.pages < scene.policy.tries.pages:
        options.append(Option("9", Choice.MORE, "option_more_bills"))
    return tuple(options)


def _bill_words(scene: Scene, bill: bills.Bill) -> tuple[str, tuple[tuple[str, Slot], ...]]:
    """A choice in words: its name, and what tells it from others of the same name."""
    marks = bills.marks(scene, bill, bills.choices(scene))
    told = (slot for mark in marks for slot in marked(scene, bill, mark))
    return _bill_option(marks), (("bill", bill_name(scene, bill.type)), *told)


@offers("option_yes", "option_no", "option_other_number")
def _text_consent(scene: Scene) -> tuple[Option, ...]:
    options = [Option("1", Choice.YES, "option_yes"), Option("2", Choice.NO, "option_no")]
    if scene.call.spent.numbers < scene.policy.text.other_numbers and can_show(scene):
        options.append(Option("3", Choice.OTHER, "option_other_number"))
    return tuple(options)


@offers("option_agree", "option_if_not", "option_other_address")
def _confirmation(scene: Scene) -> tuple[Option, ...]:
    options = [Option("1", Choice.YES, "option_agree"), Option("2", Choice.NO, "option_if_not")]
    if scene.call.spent.addresses < scene.policy.address.changes and another_address(scene):
        options.append(Option("3", Choice.OTHER, "option_other_address"))
    return tuple(options)


def another_address(scene: Scene) -> bool:
    """Whether some way to an address is left beside the one that is spoken of."""
    return any(possible(scene, strategy) for strategy in left(scene))


def left(scene: Scene) -> tuple[Strategy, ...]:
    """The strategies of the policy, in order, less those used up and the one in use."""
    contact = scene.call.contact
    used = set(contact.used)
    if contact.source in (Source.ON_FILE, Source.PAYMENT):
        used.add(Strategy.ON_FILE)
    if contact.source is Source.LINK:
        used.add(Strategy.TEXT_LINK)
    return tuple(s for s in scene.policy.address.strategies if s not in used)


def possible(scene: Scene, strategy: Strategy) -> bool:
    """Whether a strategy can be taken for this customer, with this service, now."""
    match strategy:
        case Strategy.ON_FILE:
            return email_on_file(scene)
        case Strategy.TEXT_LINK:
            return scene.has(SendWebLink) and can_text(scene)
        case Strategy.KEYPAD:
            return can_show(scene)
        case Strategy.PERSON:
            return person(scene)


def email_on_file(scene: Scene) -> bool:
    """Whether the customer, or the payment where it was for this bill, has an e-mail address."""
    customer = scene.customer
    by_payment = scene.payment_email and bills.paid_for(scene)
    return bool(by_payment or (customer and customer.email))


def person(scene: Scene) -> bool:
    """Whether somebody can take the call, and may still be asked for."""
    return scene.call.host.person_available and (
        scene.call.spent.people < scene.policy.tries.people
    )


@offers("option_domain", "option_other_domain")
def _domains(scene: Scene) -> tuple[Option, ...]:
    listed = tuple(
        Option(str(n), Choice.DOMAIN, "option_domain", domain, (("domain", Words(domain)),))
        for n, domain in enumerate(scene.policy.address.domains, 1)
    )
    return (*listed, Option("9", Choice.OTHER, "option_other_domain"))


@offers("option_address_right", "option_spell_again")
def _readback(scene: Scene) -> tuple[Option, ...]:
    right = Option("1", Choice.YES, "option_address_right")
    if scene.call.spent.fixes >= scene.policy.address.fixes:
        return (right,)
    return (right, Option("*", Choice.STOP, ""), Option("9", Choice.AGAIN, "option_spell_again"))


@offers("option_change", "option_insert", "option_remove", "option_back")
def _fix(scene: Scene) -> tuple[Option, ...]:
    entry, pad = scene.call.entry, scene.terms.pad
    local = entry.local.reveal() if entry.local else ""
    options = [
        Option("1", Choice.CHANGE, "option_change"),
        Option("2", Choice.INSERT, "option_insert"),
    ]
    if pad.is_local(local[: entry.at] + local[entry.at + 1 :]):
        options.append(Option("3", Choice.REMOVE, "option_remove"))
    if entry.at > 0:
        options.append(Option("8", Choice.BACK, "option_back"))
    return tuple(options)


@offers("option_back_to_paper", "option_leave_it")
def _already(_: Scene) -> tuple[Option, ...]:
    return (
        Option("1", Choice.CANCEL, "option_back_to_paper"),
        Option("2", Choice.NO, "option_leave_it"),
    )


@offers("option_text_link", "option_other_address", "option_cancel", "option_leave_it")
def _pending(scene: Scene) -> tuple[Option, ...]:
    options = []
    unasked = scene.call.results.text is Sent.NOT_ASKED
    if scene.has(SendWebLink) and unasked and can_text(scene):
        options.append(Option("1", Choice.TEXT, "option_text_link"))
    if scene.call.spent.addresses < scene.policy.address.changes and another_address(scene):
        options.append(Option("2", Choice.OTHER, "option_other_address"))
    if scene.policy.back_to_paper.by_phone:
        options.append(Option("3", Choice.CANCEL, "option_cancel"))
    options.append(Option("4", Choice.NO, "option_leave_it"))
    return tuple(options)


MENUS: Mapping[S, Menu] = {
    S.LANGUAGE: _languages,
    S.OFFER_AT_START: _yes(),
    S.OFFER: _yes_no("option_yes", "option_no"),
    S.INVOICE_SELECTION: _bills,
    S.PHONE_CONFIRM: _yes_no("option_number_right", "option_number_wrong"),
    S.TEXT_CONSENT: _text_consent,
    S.CONFIRMATION: _confirmation,
    S.EMAIL_DOMAIN: _domains,
    S.EMAIL_READBACK: _readback,
    S.EMAIL_FIX: _fix,
    S.AUTOPAY_OFFER: _yes_no("option_agree", "option_if_not"),
    S.ANOTHER: _yes_no("option_yes", "option_no"),
    S.ALREADY_MENU: _already,
    S.PENDING_MENU: _pending,
    S.OPT_OUT_CONFIRM: _yes_no("option_agree", "option_if_not"),
    S.PERSON_OFFER: _yes("option_person"),
}
