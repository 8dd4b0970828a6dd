"""Checks of a policy: the bounds of settings, and settings that contradict one another (R19)."""

import enum
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import attrs
from attrs import Attribute, fields, frozen

from paperless_ivr.flow.host import Disposition, Moment
from paperless_ivr.flow.policy import (
    About,
    CheckDigit,
    Limits,
    OfferReason,
    Policy,
    Proof,
    Strategy,
    Text,
)
from paperless_ivr.keypad import EmailPad, national

Place = tuple[str | int, ...]
"""The path to a setting: keys from the outside in. Numbers are list indexes, and are not shown."""

Languages = tuple[str, ...]
"""The languages offered, in BCP 47 form."""

OFFERED: Place = ("languages", "offered")

WORDS: Place = ("words",)
"""The biller's wording. Only its form is checked here; `prompts` checks the words themselves."""

ITEM = -1
"""A stand-in for any item of a list. It is never the index of a real item."""

LANGUAGES_AT_MOST = 9
DOMAINS_AT_MOST = 8
"""Each language or domain has its own key, from 1 to 9. For domains, 9 means "another one"."""

NUMBER_FOR_TESTS = "2015550123"
"""libphonenumber's own example of a +1 number."""


LAST_FOUR, LONGEST_ACCOUNT = 4, 30
SHORTEST_CARD, LONGEST_CARD = 13, 19
ONLY_LAST_FOUR = "the last four digits would be the whole number, so one fact would count as two"
TAKEN_FOR_CARDS = (
    'with account.check_digit = "luhn", every number that begins like a payment card is '
    "refused; set account.may_look_like_card = true"
)


@frozen
class Finding:
    """A problem: where it is, what to do about it, and which other settings it depends on."""

    at: Place
    says: str
    rests_on: tuple[Place, ...] = ()

    def __str__(self) -> str:
        return f"{dotted(self.at)}: {self.says}"


def problems(policy: Policy) -> list[str]:
    """Return every problem with a policy, apart from its words, each as one line."""
    return lines(findings(policy))


def lines(found: Iterable[Finding]) -> list[str]:
    """Return problems as lines, in the order of the settings."""
    return [str(finding) for finding in sorted(found, key=_order)]


def _order(finding: Finding) -> tuple[int, int]:
    """Return a sort key: the positions of the section and the setting. Unknown places come last."""
    places = [place for place, _, _ in settings(Policy())]
    at = finding.at
    section = next((n for n, place in enumerate(places) if place[0] == at[0]), len(places))
    same = (n for n, place in enumerate(places) if place == at[: len(place)])
    return section, next(same, len(places))


def findings(policy: Policy) -> Iterator[Finding]:
    """Yield every problem with a policy, apart from its words."""
    offered = tuple(_tag(language) or language for language in policy.languages.offered)
    for place, setting, value in settings(policy):
        yield from _bounds(place, setting, value)
        if place != WORDS:
            yield from _blanks(place, value)
            yield from _not_offered(place, setting, value, offered)
        if isinstance(value, tuple) and setting.metadata["least"] is None:
            yield from _twice(place, value)
    for check in CHECKS:
        yield from check(policy, offered)


def settings(policy: Policy) -> Iterator[tuple[Place, "Attribute[Any]", Any]]:
    """Yield each setting with its place and value."""
    for section in fields(Policy):
        inside = getattr(policy, section.name)
        if not attrs.has(type(inside)):
            yield (section.name,), section, inside
            continue
        for setting in fields(type(inside)):
            yield (section.name, setting.name), setting, getattr(inside, setting.name)


def _leaves(place: Place, value: Any) -> Iterator[tuple[Place, Any]]:
    """Yield the innermost values of a setting, with their places."""
    match value:
        case Mapping():
            for key, item in value.items():
                yield from _leaves((*place, str(plain(key))), item)
        case tuple():
            for item in value:
                yield from _leaves((*place, ITEM), item)
        case _:
            yield place, value


def _bounds(place: Place, setting: "Attribute[Any]", value: Any) -> Iterator[Finding]:
    least, most = setting.metadata["least"], setting.metadata["most"]
    if least is None or most is None:
        return
    for at, number in _leaves(place, value):
        if not least <= number <= most:  # this also catches NaN
            yield Finding(at, f"must be from {least} to {most}, not {number}")


def _blanks(place: Place, value: Any) -> Iterator[Finding]:
    for at, leaf in _leaves(place, value):
        if isinstance(leaf, str) and not leaf.strip():
            yield Finding(at, "is empty; write something, or leave it out")


def _twice(place: Place, items: tuple[Any, ...]) -> Iterator[Finding]:
    for item in dict.fromkeys(items):
        if items.count(item) > 1:
            yield Finding((*place, ITEM), f"{shown(plain(item))} is listed twice; once is enough")


def _not_offered(
    place: Place, setting: "Attribute[Any]", value: Any, offered: Languages
) -> Iterator[Finding]:
    """Yield a finding for each text in a language that no caller can choose."""
    if "language" not in setting.metadata["keys"]:
        return
    depth = setting.metadata["keys"].index("language")
    within = [((*place, key), inner) for key, inner in value.items()] if depth else [(place, value)]
    for at, by_language in within:
        for language in by_language:
            if language not in offered:
                yield Finding(
                    (*at, language),
                    "this language is not offered; add it to languages.offered, or leave this out",
                    (OFFERED,),
                )


def _about(policy: Policy, _: Languages) -> Iterator[Finding]:
    about = policy.about
    if about.approved_on is None:
        return
    if about.approved_by == About().approved_by:
        yield Finding(("about", "approved_by"), f"say who approved it on {about.approved_on}")
    if about.in_force_from is not None and about.in_force_from < about.approved_on:
        yield Finding(
            ("about", "in_force_from"),
            f"{about.in_force_from} is before the approval date, {about.approved_on}; "
            "choose that date or a later one",
            (("about", "approved_on"),),
        )


_LANGUAGE = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?", re.IGNORECASE)


def _tag(language: str) -> str | None:
    """Return a language tag in BCP 47 form (RFC 5646, section 2.1.1), such as `zh-Hant-TW`."""
    match = _LANGUAGE.fullmatch(language.replace("_", "-"))
    if not match:
        return None
    tongue, script, region = match.groups(default="")
    return "-".join(filter(None, (tongue.lower(), script.title(), region.upper())))


def _languages(policy: Policy, offered: Languages) -> Iterator[Finding]:
    listed, default = policy.languages.offered, policy.languages.default
    if not 1 <= len(listed) <= LANGUAGES_AT_MOST:
        yield Finding(OFFERED, f"list 1 to {LANGUAGES_AT_MOST} languages, not {len(listed)}")
    for language in listed:
        tag = _tag(language)
        if language.strip() and tag != language:
            meant = f"; write {shown(tag)}" if tag else ' such as "en-US"'
            yield Finding((*OFFERED, ITEM), f"{shown(language)} is not a language tag{meant}")
    if default not in offered:
        yield Finding(
            ("languages", "default"),
            f"{shown(default)} is not offered; choose one of languages.offered",
            (OFFERED,),
        )


def _offer(policy: Policy, offered: Languages) -> Iterator[Finding]:
    if Disposition.NOT_OFFERED in policy.offer.again_after_days:
        yield Finding(
            ("offer", "again_after_days", Disposition.NOT_OFFERED.value),
            "no offer was made in that case, so there is nothing to wait for; leave it out",
        )
    if Moment.START in policy.offer.one_question:
        yield Finding(
            ("offer", "one_question", ITEM),
            '"start" is not possible, because the offer at the start has fixed wording; leave it '
            "out",
        )
    yield from _reasons(policy, offered)


def _reasons(policy: Policy, offered: Languages) -> Iterator[Finding]:
    """Yield findings for settings that the reason requires, or that belong to another reason."""
    offer = policy.offer
    for reason, name in (
        (OfferReason.REMINDER, "reminder_by"),
        (OfferReason.REMINDER, "reminder_days"),
        (OfferReason.INCENTIVE, "incentive"),
        (OfferReason.INCENTIVE, "incentive_until"),
    ):
        value, at = getattr(offer, name), ("offer", name)
        if offer.reason is not reason and value:
            yield Finding(
                at,
                f'is used only with offer.reason = "{reason.value}"; set that, or leave this out',
                (("offer", "reason"),),
            )
        elif offer.reason is reason and not value and name in REASON_NEEDS:
            yield Finding(at, f"is missing; {REASON_NEEDS[name]}", (("offer", "reason"),))
    if offer.reason is OfferReason.INCENTIVE:
        for language in offered:
            if language not in offer.incentive:
                yield Finding(
                    ("offer", "incentive", language),
                    "is missing; say in one sentence what you offer",
                    (("offer", "reason"), OFFERED),
                )


REASON_NEEDS = {
    "reminder_by": 'write "email" or "text"',
    "reminder_days": "say how many days before the due date you remind customers",
    "incentive_until": "say when it ends, such as 2026-12-31",
}


def _bills(policy: Policy, offered: Languages) -> Iterator[Finding]:
    if policy.bills.eligible == ():
        yield Finding(
            ("bills", "eligible"),
            "lists no types; leave it out to allow every type, or set offer.moments = [] to make "
            "no offer",
        )
    for invoice_type, by_language in policy.bills.names.items():
        for language in offered:
            if language not in by_language:
                yield Finding(
                    ("bills", "names", invoice_type, language),
                    "is missing; say what the bill is called in this language too",
                    (OFFERED,),
                )


def _proof(policy: Policy, _: Languages) -> Iterator[Finding]:
    at: Place = ("proof", "account_keys")
    fewest, most = policy.proof.account_keys
    if fewest > most:
        yield Finding(at, f"put the smaller number first: [{most}, {fewest}]")
    elif policy.account.forms:
        yield from _other_lengths(policy)
    elif most <= LAST_FOUR:
        yield Finding(at, f"{ONLY_LAST_FOUR}; allow at least {LAST_FOUR + 1} keys")
    elif _cards_refused(policy) and SHORTEST_CARD <= fewest <= most <= LONGEST_CARD:
        yield Finding(at, TAKEN_FOR_CARDS, CARD_SETTINGS)


def _other_lengths(policy: Policy) -> Iterator[Finding]:
    """Check that `proof.account_keys` fits the forms, which set the number of keys."""
    fewest, most = policy.proof.account_keys
    if policy.proof.account_keys == Proof().account_keys:
        return
    for form in policy.account.forms:
        if not fewest <= _keys(form) <= most:
            yield Finding(
                ("proof", "account_keys"),
                f"{shown(form)} in account.forms takes {_keys(form)} keys; leave this out, "
                "because the forms set the number of keys",
                (("account", "forms"),),
            )


def _keys(form: str) -> int:
    """Return how many keys it takes to enter a number of this form."""
    return form.count("#") + 2 * form.count("?")


def _cards_refused(policy: Policy) -> bool:
    """Whether every number has a card's check digit, and card-like numbers are refused."""
    account = policy.account
    return account.check_digit is CheckDigit.LUHN and not account.may_look_like_card


CARD_SETTINGS: tuple[Place, ...] = (
    ("account", "check_digit"),
    ("account", "may_look_like_card"),
)


def _account(policy: Policy, _: Languages) -> Iterator[Finding]:
    """Check that forms are distinguishable by keypad, and that other settings fit them."""
    at: Place = ("account", "forms")
    forms, (_fewest, most) = policy.account.forms, policy.proof.account_keys
    sizes: dict[int, str] = {}
    for form in forms:
        digits, letters = form.count("#"), form.count("?")
        if not form.isascii() or not form.isprintable() or any(c.islower() for c in form):
            yield Finding(
                (*at, ITEM), f"{shown(form)}: use only capital letters, digits, and symbols"
            )
        elif not (digits >= LAST_FOUR and digits + letters <= LONGEST_ACCOUNT):
            says = (
                f"must have at least {LAST_FOUR} digits (#), and at most {LONGEST_ACCOUNT} digits "
                "and letters"
            )
            yield Finding((*at, ITEM), f"{shown(form)}: {says}")
        elif digits + letters == LAST_FOUR:
            says = f"{ONLY_LAST_FOUR}; write a form that takes more keys"
            yield Finding((*at, ITEM), f"{shown(form)}: {says}")
        only_keyed = not letters and not any(sign.isdigit() for sign in form)
        if _cards_refused(policy) and only_keyed and SHORTEST_CARD <= digits <= LONGEST_CARD:
            yield Finding((*at, ITEM), f"{shown(form)}: {TAKEN_FOR_CARDS}", CARD_SETTINGS)
        other = sizes.setdefault(_keys(form), form)
        if other != form:
            says = f"{shown(other)} and {shown(form)} both take {_keys(form)} keys"
            yield Finding(
                (*at, ITEM),
                f"{says}, so a caller cannot indicate which one is meant; keep only one of them",
            )
    single = len(forms) == 1 and "?" not in forms[0]
    if policy.account.add_leading_zeros and not single:
        yield Finding(
            ("account", "add_leading_zeros"),
            'needs exactly one form with only digits, such as forms = ["##########"]',
            (at,),
        )
    longest = max(map(_keys, forms), default=most)
    if policy.account.may_look_like_card and longest < SHORTEST_CARD:
        yield Finding(
            ("account", "may_look_like_card"),
            f"account numbers never take as many keys as a card number ({SHORTEST_CARD}); leave it "
            "out",
            (at, ("proof", "account_keys")),
        )
    for sign in policy.account.dropped:
        if len(sign) != 1 or sign.isalnum():
            yield Finding(("account", "dropped", ITEM), f"{shown(sign)} is not a single symbol")


def _address(policy: Policy, _: Languages) -> Iterator[Finding]:
    address, at = policy.address, ("address", "strategies")
    order = address.strategies
    if not order:
        yield Finding(at, "list at least one way to get an address")
    if not address.email_required and Strategy.TEXT_LINK not in order:
        yield Finding(
            ("address", "email_required"),
            'only a texted link can replace an e-mail address: add "text_link" to '
            "address.strategies, or set it to true",
            (at,),
        )
    if Strategy.ON_FILE in order[1:] and Strategy.KEYPAD in order[: order.index(Strategy.ON_FILE)]:
        yield Finding(
            at,
            'callers do not key an address that is already known: put "on_file" before "keypad", '
            "or leave it out",
        )
    yield from _domains(address.domains)


def _domains(domains: tuple[str, ...]) -> Iterator[Finding]:
    at: Place = ("address", "domains")
    if not 1 <= len(domains) <= DOMAINS_AT_MOST:
        yield Finding(at, f"list 1 to {DOMAINS_AT_MOST} domains, not {len(domains)}")
    for domain in domains:
        if EmailPad().address("a", domain) == f"a@{domain}" or not domain.strip():
            continue
        says = "cannot receive mail; write the part after the at sign, in lowercase"
        yield Finding((*at, ITEM), f"{shown(domain)} {says}")


def _text(policy: Policy, _: Languages) -> Iterator[Finding]:
    places: list[tuple[Place, str]] = [(("text", "region"), policy.text.region)]
    places += [(("text", "also_to", ITEM), region) for region in policy.text.also_to]
    for at, region in places:
        if region.strip() and national(NUMBER_FOR_TESTS, region) != f"+1{NUMBER_FOR_TESTS}":
            yield Finding(
                at,
                f"{shown(region)} is not a country that uses +1 and ten digits; "
                'write its code in capitals, such as "US", "CA" or "PR"',
            )
    if not policy.text.wait_for_link and policy.text.wait_seconds != Text().wait_seconds:
        yield Finding(
            ("text", "wait_seconds"),
            "callers do not wait for the link; set text.wait_for_link = true, or leave this out",
            (("text", "wait_for_link"),),
        )


def _autopay(policy: Policy, offered: Languages) -> Iterator[Finding]:
    if not policy.autopay.offer:
        return
    at: Place = ("autopay", "offer")
    if Moment.AFTER_PAYMENT not in policy.offer.moments:
        yield Finding(
            at,
            'applies only after a payment: add "after_payment" to offer.moments, or set it to '
            "false",
            (("offer", "moments"),),
        )
    for language in offered:
        if language not in policy.autopay.terms:
            yield Finding(
                ("autopay", "terms", language),
                "is missing; say when payments are drawn and how to stop them, or do not offer "
                "AutoPay",
                (at, OFFERED),
            )


def _waits(policy: Policy, _: Languages) -> Iterator[Finding]:
    """Check that waits are not shorter at questions where callers have to find something first."""
    for longer, shorter in (
        ("entry_first_key", "first_key"),
        ("email_next_key", "next_key"),
        ("more_time", "entry_first_key"),
    ):
        least = getattr(policy.waits, shorter)
        if getattr(policy.waits, longer) < least:
            yield Finding(
                ("waits", longer),
                f"must not be shorter than waits.{shorter}, which is {least}",
                (("waits", shorter),),
            )


def _budgets(policy: Policy, _: Languages) -> Iterator[Finding]:
    """Check that the two record requests before the offer leave enough time for the search."""
    budgets = policy.budgets
    if policy.offer.one_question and budgets.before_offer <= 2 * budgets.record:
        yield Finding(
            ("budgets", "before_offer"),
            "leaves no time for the search: budgets.record counts twice before the offer. Allow "
            f"more than {2 * budgets.record:g} seconds, or set offer.one_question = []",
            (("budgets", "record"), ("offer", "one_question")),
        )


def _limits(policy: Policy, _: Languages) -> Iterator[Finding]:
    limits = policy.limits
    for setting in fields(Limits):
        most = getattr(limits, setting.name)
        if isinstance(most, tuple) and most[0] > most[1]:
            yield Finding(
                ("limits", setting.name),
                "the 24-hour limit comes first and must not exceed the one for window_days: "
                f"[{most[1]}, {most[0]}]",
            )
    for limit, tries in (
        ("tries_per_account", "last_four_tries"),
        ("tries_per_ani", "account_tries"),
        ("tries_without_ani", "account_tries"),
    ):
        least = getattr(policy.proof, tries)
        if getattr(limits, limit)[0] < least:
            yield Finding(
                ("limits", limit),
                f"a single call may use {least} tries; allow at least as many",
                (("proof", tries),),
            )
    for wider, each in (
        ("tries_per_ani", "tries_per_account"),
        ("texts_per_account", "texts_per_number"),
        ("texts_per_ani", "texts_per_number"),
        ("texts_per_biller", "texts_per_number"),
        ("texts_per_biller", "texts_per_account"),
        ("texts_per_biller", "texts_per_ani"),
    ):
        least = getattr(limits, each)
        if any(a < b for a, b in zip(getattr(limits, wider), least, strict=True)):
            yield Finding(
                ("limits", wider),
                f"must not be lower than limits.{each}, which is {list(least)}",
                (("limits", each),),
            )


def _retention(policy: Policy, _: Languages) -> Iterator[Finding]:
    retention = policy.retention
    longest = max(policy.offer.again_after_days.values(), default=0)
    if retention.activity_days < longest:
        yield Finding(
            ("retention", "activity_days"),
            f"the wait before asking again can be {longest} days; keep activity at least as long",
            (("offer", "again_after_days"),),
        )
    if retention.activity_days < policy.limits.window_days:
        yield Finding(
            ("retention", "activity_days"),
            f"tries and texts count for {policy.limits.window_days} days; keep them at least as "
            "long",
            (("limits", "window_days"),),
        )
    if retention.consent_days < retention.activity_days:
        yield Finding(
            ("retention", "consent_days"),
            f"keep a consent at least as long as its call: {retention.activity_days} days",
            (("retention", "activity_days"),),
        )


CHECKS: tuple[Callable[[Policy, Languages], Iterator[Finding]], ...] = (
    _about,
    _languages,
    _offer,
    _bills,
    _proof,
    _account,
    _address,
    _text,
    _autopay,
    _waits,
    _budgets,
    _limits,
    _retention,
)
"""Checks beyond the bounds of a single setting."""


# ── as text ─────────────────────────────────────────────────────────────────────────────


def dotted(place: Place) -> str:
    """Return a place in TOML form: `bills.names."Water & Sewer".en-US`."""
    keys = (key for key in place if isinstance(key, str))
    return ".".join(key if _BARE.fullmatch(key) else json.dumps(key) for key in keys)


_BARE = re.compile(r"[A-Za-z0-9_-]+")


def shown(value: object) -> str:
    """Return a value in TOML form, or just its kind if it is a list or a section."""
    match value:
        case str():
            return json.dumps(value if len(value) <= 60 else value[:59] + "…", ensure_ascii=False)
        case bool():
            return str(value).lower()
        case list():
            return "a list"
        case dict():
            return "a section"
    return str(value)


def plain(value: Any) -> Any:
    """Return a policy, or part of one, as JSON types. 3.0 becomes 3, because they are equal."""
    match value:
        case enum.Enum():
            return value.value
        case date():
            return value.isoformat()
        case tuple():
            return [plain(item) for item in value]
        case Mapping():
            return {plain(key): plain(item) for key, item in value.items()}
        case float() if value.is_integer():
            return int(value)
        case _ if attrs.has(type(value)):
            return {a.name: plain(getattr(value, a.name)) for a in fields(type(value))}
    return value
