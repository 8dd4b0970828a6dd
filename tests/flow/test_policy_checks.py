"""Contradictions and values that are not allowed in a policy."""

from datetime import date
from typing import Any

import pytest
from attrs import evolve

from paperless_ivr.flow.host import Disposition, Moment
from paperless_ivr.flow.policy import (
    About,
    Account,
    Address,
    AutoPay,
    Biller,
    Bills,
    Budgets,
    CheckDigit,
    Languages,
    Limits,
    Offer,
    OfferReason,
    Policy,
    Proof,
    Reminder,
    Retention,
    Strategy,
    Text,
    Waits,
)
from paperless_ivr.flow.policy_checks import Place, dotted, problems, settings

BOUNDED = {
    dotted(place): (place, setting.metadata["least"], setting.metadata["most"], value)
    for place, setting, value in settings(Policy())
    if setting.metadata["least"] is not None
}


def policy_with(place: Place, value: Any) -> Policy:
    """Return the default policy with one setting changed."""
    section, name = map(str, place)
    return evolve(Policy(), **{section: evolve(getattr(Policy(), section), **{name: value})})


def test_defaults_have_no_problems() -> None:
    """An empty policy can be used."""
    assert problems(Policy()) == []


@pytest.mark.requirement("R01", "R10", "R15")
@pytest.mark.parametrize("name", BOUNDED)
def test_bounds(name: str) -> None:
    """A number may be exactly as low and as high as its bounds, but no lower or higher."""
    place, least, most, default = BOUNDED[name]

    def told(number: float) -> list[str]:
        value: Any = number
        if isinstance(default, tuple):
            value = (number, number)
        elif not isinstance(default, int | float):
            value = dict.fromkeys(default, number)
        found = problems(policy_with(place, value))
        return sorted({line.partition(": ")[2] for line in found if line.startswith(name)})

    outside = f"must be from {least} to {most}, not"

    assert not [line for number in (least, most) for line in told(number) if outside in line]
    for number in (least - 1, most + 1, least - 0.01, most + 0.01, float("nan"), float("inf")):
        assert f"{outside} {number}" in told(number)


@pytest.mark.requirement("R01")
def test_offer_at_the_start_is_short() -> None:
    """No policy keeps a silent caller longer than three seconds at the start."""
    assert BOUNDED["waits.offer"][2] == 3


@pytest.mark.requirement("R10")
def test_something_is_heard_soon() -> None:
    """If nothing is said during a wait, it is shorter than three seconds."""
    assert BOUNDED["budgets.record"][2] < 3
    assert BOUNDED["budgets.read"][2] <= 10
    assert BOUNDED["budgets.write"][2] <= 20


@pytest.mark.requirement("R15")
@pytest.mark.parametrize("promised", ["tries.repeats", "tries.people", "tries.pages"])
def test_promised_keys_work_once_at_least(promised: str) -> None:
    """Star, 0, and 9 are promised to the caller, so no policy can disable them."""
    assert BOUNDED[promised][1] == 1


TERMS = {"en-US": "On the due date.", "es-US": "En la fecha."}
NAMES = {"en-US": "water bill", "es-US": "factura del agua"}

WRONG: list[tuple[Policy, list[str]]] = [
    (
        Policy(about=About(version=" ", owner="", approved_by="\n")),
        [
            "about.version: is empty; write something, or leave it out",
            "about.owner: is empty; write something, or leave it out",
            "about.approved_by: is empty; write something, or leave it out",
        ],
    ),
    (
        Policy(about=About(approved_on=date(2026, 11, 2), in_force_from=date(2026, 11, 1))),
        [
            "about.approved_by: say who approved it on 2026-11-02",
            (
                "about.in_force_from: 2026-11-01 is before the approval date, 2026-11-02; choose "
                "that "
                "date or a later one"
            ),
        ],
    ),
    (
        Policy(biller=Biller("", "")),
        [
            "biller.id: is empty; write something, or leave it out",
            "biller.name: is empty; write something, or leave it out",
        ],
    ),
    (
        Policy(languages=Languages((), "en-US")),
        [
            "languages.offered: list 1 to 9 languages, not 0",
            'languages.default: "en-US" is not offered; choose one of languages.offered',
        ],
    ),
    (
        Policy(languages=Languages(("en-US", "en-us", "Spanish!", "en-US"), "fr-CA")),
        [
            'languages.offered: "en-US" is listed twice; once is enough',
            'languages.offered: "en-us" is not a language tag; write "en-US"',
            'languages.offered: "Spanish!" is not a language tag such as "en-US"',
            'languages.default: "fr-CA" is not offered; choose one of languages.offered',
        ],
    ),
    (
        Policy(languages=Languages(tuple(f"x{c}-US" for c in "abcdefghij"), "xa-US")),
        ["languages.offered: list 1 to 9 languages, not 10"],
    ),
    (
        Policy(offer=Offer((Moment.START, Moment.START), {Disposition.NOT_OFFERED: 1})),
        [
            'offer.moments: "start" is listed twice; once is enough',
            (
                "offer.again_after_days.not_offered: no offer was made in that case, so there is "
                "nothing to wait for; leave it out"
            ),
        ],
    ),
    (
        Policy(
            offer=Offer(
                one_question=(Moment.START,),
                reason=OfferReason.REMINDER,
                incentive_until=date(2026, 12, 31),
            )
        ),
        [
            (
                'offer.one_question: "start" is not possible, because the offer at the start '
                "has fixed wording; leave it out"
            ),
            'offer.reminder_by: is missing; write "email" or "text"',
            (
                "offer.reminder_days: is missing; say how many days before the due date you remind "
                "customers"
            ),
            (
                'offer.incentive_until: is used only with offer.reason = "incentive"; set that, or '
                "leave this out"
            ),
        ],
    ),
    (
        Policy(
            offer=Offer(
                reason=OfferReason.INCENTIVE,
                incentive={"en-US": "A dollar.", "fr-CA": "Un dollar."},
                reminder_by=Reminder.TEXT,
                reminder_days=3,
            )
        ),
        [
            (
                'offer.reminder_by: is used only with offer.reason = "reminder"; set that, or '
                "leave this out"
            ),
            (
                'offer.reminder_days: is used only with offer.reason = "reminder"; set that, or '
                "leave this out"
            ),
            (
                "offer.incentive.fr-CA: this language is not offered; add it to languages.offered, "
                "or leave this out"
            ),
            "offer.incentive.es-US: is missing; say in one sentence what you offer",
            "offer.incentive_until: is missing; say when it ends, such as 2026-12-31",
        ],
    ),
    (
        Policy(budgets=Budgets(record=1)),
        [
            (
                "budgets.before_offer: leaves no time for the search: budgets.record counts twice "
                "before the offer. Allow more than 2 seconds, or set offer.one_question = []"
            )
        ],
    ),
    (
        Policy(bills=Bills(eligible=(), names={"W": {"en-US": "", "fr-CA": "eau"}})),
        [
            (
                "bills.eligible: lists no types; leave it out to allow every type, or set "
                "offer.moments = [] to make no offer"
            ),
            "bills.names.W.en-US: is empty; write something, or leave it out",
            (
                "bills.names.W.fr-CA: this language is not offered; add it to languages.offered, "
                "or leave this out"
            ),
            "bills.names.W.es-US: is missing; say what the bill is called in this language too",
        ],
    ),
    (
        Policy(bills=Bills(eligible=("W", "W", ""))),
        [
            "bills.eligible: is empty; write something, or leave it out",
            'bills.eligible: "W" is listed twice; once is enough',
        ],
    ),
    (
        Policy(proof=Proof(account_keys=(10, 9))),
        ["proof.account_keys: put the smaller number first: [9, 10]"],
    ),
    (
        Policy(address=Address(strategies=(), email_required=False)),
        [
            "address.strategies: list at least one way to get an address",
            (
                "address.email_required: only a texted link can replace an e-mail address: add "
                '"text_link" to address.strategies, or set it to true'
            ),
        ],
    ),
    (
        Policy(address=Address(strategies=(Strategy.KEYPAD, Strategy.ON_FILE, Strategy.KEYPAD))),
        [
            'address.strategies: "keypad" is listed twice; once is enough',
            (
                "address.strategies: callers do not key an address that is already known: "
                'put "on_file" before "keypad", or leave it out'
            ),
        ],
    ),
    (
        Policy(address=Address(domains=())),
        ["address.domains: list 1 to 8 domains, not 0"],
    ),
    (
        Policy(address=Address(domains=tuple(f"{c}.example" for c in "abcdefghi"))),
        ["address.domains: list 1 to 8 domains, not 9"],
    ),
    (
        Policy(address=Address(domains=("GMail.com", "gmail", "mail.local", "@a.com", "a.com"))),
        [
            f'address.domains: "{domain}" cannot receive mail; write the part after the at sign, '
            "in lowercase"
            for domain in ("GMail.com", "gmail", "mail.local", "@a.com")
        ],
    ),
    *(
        (
            Policy(text=Text(region=region)),
            [
                (
                    f'text.region: "{region}" is not a country that uses +1 and ten digits; '
                    'write its code in capitals, such as "US", "CA" or "PR"'
                )
            ],
        )
        for region in ("GB", "us", "XX")
    ),
    (
        Policy(text=Text(wait_for_link=False, wait_seconds=60)),
        [
            (
                "text.wait_seconds: callers do not wait for the link; set text.wait_for_link = "
                "true, or leave this out"
            )
        ],
    ),
    (
        Policy(text=Text(wait_seconds=5)),
        ["text.wait_seconds: must be from 15 to 300, not 5"],
    ),
    (
        Policy(offer=Offer((Moment.START,)), autopay=AutoPay(True, {"en-US": " ", "fr-CA": "x"})),
        [
            (
                'autopay.offer: applies only after a payment: add "after_payment" to '
                "offer.moments, or "
                "set it to false"
            ),
            "autopay.terms.en-US: is empty; write something, or leave it out",
            (
                "autopay.terms.fr-CA: this language is not offered; add it to languages.offered, "
                "or leave this out"
            ),
            (
                "autopay.terms.es-US: is missing; say when payments are drawn and how to stop "
                "them, or "
                "do not offer AutoPay"
            ),
        ],
    ),
    (
        Policy(waits=Waits(first_key=20, next_key=9, entry_first_key=15, email_next_key=8)),
        [
            "waits.entry_first_key: must not be shorter than waits.first_key, which is 20",
            "waits.email_next_key: must not be shorter than waits.next_key, which is 9",
        ],
    ),
    (
        Policy(waits=Waits(entry_first_key=50)),
        ["waits.more_time: must not be shorter than waits.entry_first_key, which is 50"],
    ),
    (
        Policy(limits=Limits(tries_per_account=(1, 9), texts_per_number=(4, 15))),
        [
            "limits.tries_per_account: a single call may use 2 tries; allow at least as many",
            (
                "limits.texts_per_account: must not be lower than limits.texts_per_number, which "
                "is [4, 15]"
            ),
        ],
    ),
    (
        Policy(limits=Limits(tries_per_account=(11, 20), tries_without_ani=(30, 20))),
        [
            (
                "limits.tries_per_ani: must not be lower than limits.tries_per_account, "
                "which is [11, 20]"
            ),
            (
                "limits.tries_without_ani: the 24-hour limit comes first and must not exceed "
                "the one for window_days: [20, 30]"
            ),
        ],
    ),
    (
        Policy(limits=Limits(tries_without_ani=(2, 300), tries_per_ani=(2, 40))),
        [
            "limits.tries_per_ani: a single call may use 3 tries; allow at least as many",
            (
                "limits.tries_per_ani: must not be lower than limits.tries_per_account, "
                "which is [6, 20]"
            ),
            "limits.tries_without_ani: a single call may use 3 tries; allow at least as many",
        ],
    ),
    (
        Policy(limits=Limits(texts_per_biller=(5, 15))),
        [
            (
                "limits.texts_per_biller: must not be lower than limits.texts_per_ani, which is "
                "[6, 20]"
            ),
        ],
    ),
    (
        Policy(limits=Limits(texts_per_number=(9, 90), texts_per_biller=(8, 80))),
        [
            f"limits.texts_per_{wider}: must not be lower than limits.texts_per_number, which is "
            "[9, 90]"
            for wider in ("account", "ani", "biller")
        ],
    ),
    *(
        (
            Policy(account=Account(forms=(form,), check_digit=CheckDigit.LUHN)),
            [
                (
                    f'account.forms: "{form}": with account.check_digit = "luhn", every number '
                    "that begins like a payment card is refused; set "
                    "account.may_look_like_card = true"
                )
            ],
        )
        for form in ("#" * 16, "####-####-####-####", "#" * 13, "A" + "#" * 19)
    ),
    (
        Policy(account=Account(check_digit=CheckDigit.LUHN), proof=Proof(account_keys=(13, 16))),
        [
            (
                'proof.account_keys: with account.check_digit = "luhn", every number that begins '
                "like a payment card is refused; set account.may_look_like_card = true"
            )
        ],
    ),
    *(
        (
            Policy(account=Account(forms=(form,))),
            [
                (
                    f'account.forms: "{form}": the last four digits would be the whole number, so '
                    "one fact would count as two; write a form that takes more keys"
                )
            ],
        )
        for form in ("####", "AB-####", "12####", "##-##")
    ),
    (
        Policy(proof=Proof(account_keys=(4, 4))),
        [
            (
                "proof.account_keys: the last four digits would be the whole number, so one "
                "fact would count as two; allow at least 5 keys"
            )
        ],
    ),
    (
        Policy(
            account=Account(forms=("########", "?#######", "##########")),
            proof=Proof(account_keys=(9, 9)),
        ),
        [
            (
                f'proof.account_keys: "{form}" in account.forms takes {keys} keys; leave this out, '
                "because the forms set the number of keys"
            )
            for form, keys in (("########", 8), ("##########", 10))
        ],
    ),
    (
        Policy(text=Text(also_to=("CA", "GB"))),
        [
            (
                'text.also_to: "GB" is not a country that uses +1 and ten digits; write its '
                'code in capitals, such as "US", "CA" or "PR"'
            )
        ],
    ),
    (
        Policy(
            limits=Limits(window_days=60),
            retention=Retention(activity_days=50),
            offer=Offer(again_after_days={}),
        ),
        ["retention.activity_days: tries and texts count for 60 days; keep them at least as long"],
    ),
    (
        Policy(offer=Offer(again_after_days={Disposition.DECLINED: 500})),
        [
            (
                "retention.activity_days: the wait before asking again can be 500 days; keep "
                "activity at least as long"
            )
        ],
    ),
    (
        Policy(retention=Retention(activity_days=700, consent_days=600)),
        ["retention.consent_days: keep a consent at least as long as its call: 700 days"],
    ),
]


@pytest.mark.requirement("R04", "R08", "R13", "R16", "R17", "R19")
@pytest.mark.parametrize(("policy", "told"), WRONG, ids=[told[0] for _, told in WRONG])
def test_contradictions(policy: Policy, told: list[str]) -> None:
    """Each contradiction is reported once, with what to do, in the order of the settings."""
    assert told == problems(policy)


RIGHT = {
    "a slow record": Policy(offer=Offer(one_question=()), budgets=Budgets(record=2)),
    "the least said": Policy(offer=Offer((), {}), text=Text(after_enrolment=())),
    "one day": Policy(
        about=About("1", "me", "you", date(2026, 11, 1), date(2026, 11, 1)),
    ),
    "AutoPay with terms": Policy(autopay=AutoPay(True, TERMS)),
    "terms without AutoPay": Policy(offer=Offer(()), autopay=AutoPay(False, TERMS)),
    "names": Policy(bills=Bills(("WATER",), {"WATER": NAMES, "TRASH": NAMES})),
    "text link alone": Policy(address=Address((Strategy.TEXT_LINK,), False)),
    "keypad alone": Policy(address=Address((Strategy.KEYPAD,))),
    "script and region": Policy(languages=Languages(("zh-Hant-TW", "es-419", "en"), "en")),
    "one length": Policy(proof=Proof(account_keys=(8, 8))),
    "five keys": Policy(proof=Proof(account_keys=(4, 5))),
    "forms within the lengths": Policy(
        account=Account(forms=("?####", "#####")), proof=Proof(account_keys=(5, 6))
    ),
    "a form longer than the default": Policy(account=Account(forms=("#" * 24,))),
    "a check digit, and some as long as a card": Policy(
        account=Account(check_digit=CheckDigit.LUHN)
    ),
    **{
        f"luhn: {form}": Policy(account=Account(forms=(form,), check_digit=CheckDigit.LUHN))
        for form in ("#" * 12, "#" * 20, "?" + "#" * 14)
    },
    "cards allowed": Policy(
        account=Account(forms=("#" * 16,), check_digit=CheckDigit.LUHN, may_look_like_card=True)
    ),
    "cards allowed, because a letter takes two keys": Policy(
        account=Account(forms=("?" + "#" * 12, "######"), may_look_like_card=True)
    ),
    "as few as one call may miss": Policy(limits=Limits(tries_without_ani=(3, 3))),
    "words of a language that is not offered": Policy(words={"fr-CA": {"offer": " "}}),
    **{region: Policy(text=Text(region=region)) for region in ("US", "CA", "PR")},
}


@pytest.mark.parametrize("policy", RIGHT.values(), ids=RIGHT)
def test_no_contradictions(policy: Policy) -> None:
    """Allowed combinations have no problems."""
    assert problems(policy) == []


@pytest.mark.parametrize(
    ("place", "written"),
    [
        (("bills", "names", "Water & Sewer", "en-US"), 'bills.names."Water & Sewer".en-US'),
        (("address", "domains", 3), "address.domains"),
    ],
)
def test_places_are_written_as_in_toml(place: Place, written: str) -> None:
    """A place can be found in the file, and is quoted if TOML requires it."""
    assert written == dotted(place)
