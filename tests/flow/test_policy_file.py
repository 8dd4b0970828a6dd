"""Policies from TOML."""

import json
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import attrs
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from paperless_ivr.errors import PolicyProblems
from paperless_ivr.flow import policy as p
from paperless_ivr.flow.host import Disposition, Moment
from paperless_ivr.flow.policy import Policy, Strategy
from paperless_ivr.flow.policy_checks import settings
from paperless_ivr.flow.policy_file import digest, parse_policy, problems
from paperless_ivr.prompts.catalog import Catalog
from paperless_ivr.prompts.policies import load_policy

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples/policies").glob("*.toml"))
PLACES = {".".join(map(str, place)): setting for place, setting, _ in settings(Policy())}


# ── a little TOML, and random policies ───────────────────────────────────────────────────


def toml(value: Any) -> str:
    """Return a value in TOML, with inline mappings."""
    match value:
        case Enum():
            return toml(value.value)
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case date():
            return value.isoformat()
        case tuple():
            return f"[{', '.join(map(toml, value))}]"
        case Mapping():
            return f"{{{', '.join(f'{toml(k)} = {toml(v)}' for k, v in value.items())}}}"
    return repr(value)


def written(policy: Policy) -> str:
    """Return a policy in TOML, with every setting that is not unset."""
    lines = [f"words = {toml(policy.words)}"]
    for section in attrs.fields(Policy):
        inside = getattr(policy, section.name)
        if attrs.has(type(inside)):
            named = {a.name: getattr(inside, a.name) for a in attrs.fields(type(inside))}
            lines += [f"[{section.name}]"]
            lines += [f"{key} = {toml(value)}" for key, value in named.items() if value is not None]
    return "\n".join(lines)


def number(section: type, name: str) -> st.SearchStrategy[Any]:
    """Draw any number within the bounds of a setting."""
    setting = getattr(attrs.fields(section), name)
    least, most = setting.metadata["least"], setting.metadata["most"]
    whole = st.integers(-(-least // 1), most // 1)
    return whole | st.floats(least, most) if setting.type is float else whole


def numbers(section: type) -> dict[str, st.SearchStrategy[Any]]:
    """Draw the numbers of a section."""
    kinds = {a.name: a.type for a in attrs.fields(section)}
    return {name: number(section, name) for name, kind in kinds.items() if kind in (int, float)}


def pairs(section: type) -> dict[str, st.SearchStrategy[Any]]:
    """Draw the pairs of numbers of a section, in any order."""
    kinds = {a.name: a.type for a in attrs.fields(section)}
    return {
        name: st.tuples(number(section, name), number(section, name))
        for name, kind in kinds.items()
        if kind not in (int, float)
    }


def some(items: Any, least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    """Draw some of the items, each once, in any order."""
    return st.lists(st.sampled_from(items), min_size=least, unique=True).map(tuple)


def by_language(languages: tuple[str, ...]) -> st.SearchStrategy[Mapping[str, str]]:
    """Draw a text in each language."""
    return st.fixed_dictionaries(dict.fromkeys(languages, TEXT))


def in_order(strategies: tuple[Strategy, ...]) -> tuple[Strategy, ...]:
    """Put what is on file first."""
    return tuple(sorted(strategies, key=lambda s: s is not Strategy.ON_FILE))


def patient(waits: p.Waits) -> p.Waits:
    """Make the wait no shorter where callers have more to fetch."""
    entry = max(waits.first_key, waits.entry_first_key)
    return evolve(
        waits,
        entry_first_key=entry,
        email_next_key=max(waits.next_key, waits.email_next_key),
        more_time=max(entry, waits.more_time),
    )


def short(budgets: p.Budgets) -> p.Budgets:
    """Shorten the record's budget so that the search before the offer has some time."""
    return evolve(
        budgets,
        record=min(budgets.record, 0.7),
        before_offer=max(budgets.before_offer, min(2 * budgets.record + 0.1, 1.5)),
    )


def strict(limits: p.Limits) -> p.Limits:
    """Allow an ANI at least what one account, number, or call may do, and the biller even more."""
    per_account = _wider((3, 3), limits.tries_per_account)
    texts = _sorted(limits.texts_per_number)
    of_account = _wider(texts, limits.texts_per_account)
    of_ani = _wider(of_account, limits.texts_per_ani)
    return evolve(
        limits,
        tries_per_account=per_account,
        tries_per_ani=_wider(_wider((5, 5), per_account), limits.tries_per_ani),
        tries_without_ani=_wider((5, 5), limits.tries_without_ani),
        texts_per_number=texts,
        texts_per_account=of_account,
        texts_per_ani=of_ani,
        texts_per_biller=_wider(of_ani, limits.texts_per_biller),
    )


def _sorted(pair: tuple[int, int]) -> tuple[int, int]:
    return (min(pair), max(pair))


def _wider(least: tuple[int, int], pair: tuple[int, int]) -> tuple[int, int]:
    """Return an ordered pair that is no lower than another."""
    day = max(least[0], min(pair))
    return (day, max(least[1], day, *pair))


def retained(offer: p.Offer, limits: p.Limits, retention: p.Retention) -> p.Retention:
    """Keep answers as long as they are respected, tries as long as they count, consents longer."""
    days = (*offer.again_after_days.values(), limits.window_days)
    activity = max(retention.activity_days, *days)
    return p.Retention(activity, max(activity, retention.consent_days))


WORD = st.text(max_size=5)
TEXT = st.text(min_size=1, max_size=9).filter(str.strip)
BOOLS = st.booleans()
MOMENTS = some(list(Moment))
DAYS = (
    st.tuples(st.dates(), st.dates()).map(sorted)
    | st.tuples(st.none(), st.dates())
    | st.tuples(st.dates(), st.none())
)
LANGUAGES: tuple[tuple[str, ...], ...] = (
    ("en-US", "es-US"),
    ("fr-CA",),
    ("vi", "zh-Hant", "en-US"),
)
NAMES = {each: by_language(each) for each in LANGUAGES}
MANY_NAMES = {each: st.dictionaries(WORD, NAMES[each], max_size=2) for each in LANGUAGES}
SECTIONS: dict[str, st.SearchStrategy[Any]] = {
    "about": DAYS.flatmap(lambda days: st.builds(p.About, TEXT, TEXT, TEXT, *map(st.just, days))),
    "biller": st.builds(p.Biller, TEXT, TEXT),
    "proof": st.builds(
        p.Proof,
        BOOLS,
        st.tuples(st.integers(4, 30), st.integers(5, 30)).map(sorted).map(tuple),
        **numbers(p.Proof),
    ),
    "address": st.builds(
        p.Address,
        some(list(Strategy), 1).map(in_order),
        domains=some(("gmail.com", "prairietel.net", "mail.example", "a-b.co.uk", "x.test"), 1),
        **numbers(p.Address),
    ),
    "text": st.builds(
        p.Text, st.sampled_from(("US", "CA")), some(("PR", "JM")), MOMENTS, **numbers(p.Text)
    ),
    "back_to_paper": st.builds(p.BackToPaper, BOOLS),
    "notification": st.builds(
        p.Notification, st.sampled_from(p.Notifier), **numbers(p.Notification)
    ),
    "tries": st.builds(p.Tries, **numbers(p.Tries)),
    "waits": st.builds(p.Waits, **numbers(p.Waits)).map(patient),
    "budgets": st.builds(p.Budgets, **numbers(p.Budgets)).map(short),
    "limits": st.builds(p.Limits, **numbers(p.Limits), **pairs(p.Limits)).map(strict),
    "retention": st.builds(p.Retention, **numbers(p.Retention)),
    "words": st.dictionaries(WORD, st.dictionaries(WORD, WORD, max_size=2), max_size=2),
}
OFFERS = st.builds(
    p.Offer,
    MOMENTS,
    st.dictionaries(
        st.sampled_from(list(p.Offer().again_after_days)), number(p.Offer, "again_after_days")
    ).map(lambda days: {**p.Offer().again_after_days, **days}),
    some([Moment.BEFORE_PAYMENT, Moment.AFTER_PAYMENT]),
)
REASONS = {
    p.OfferReason.REMINDER: {
        "reminder_by": st.sampled_from(p.Reminder),
        "reminder_days": st.integers(1, 30),
    },
    p.OfferReason.INCENTIVE: {"incentive_until": st.dates()},
}


def with_reason(draw: st.DrawFn, offer: p.Offer, languages: tuple[str, ...]) -> p.Offer:
    """Draw an offer with some reason, and what that needs."""
    reason = draw(st.sampled_from(p.OfferReason))
    more = {name: draw(values) for name, values in REASONS.get(reason, {}).items()}
    if reason is p.OfferReason.INCENTIVE:
        more["incentive"] = draw(by_language(languages))
    return evolve(offer, reason=reason, **more)


TYPES = st.none() | st.lists(TEXT, min_size=1, max_size=3, unique=True).map(tuple)
PARTS = st.fixed_dictionaries(SECTIONS)
BILLS = {
    each: st.builds(p.Bills, TYPES, MANY_NAMES[each], another=BOOLS, **numbers(p.Bills))
    for each in LANGUAGES
}


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Draw any policy that can be used."""
    languages = draw(st.sampled_from(LANGUAGES))
    parts, free = draw(PARTS), draw(BOOLS)
    offer = with_reason(draw, draw(OFFERS), languages)
    address, retention = parts.pop("address"), parts.pop("retention")
    linked = Strategy.TEXT_LINK in address.strategies
    return Policy(
        languages=p.Languages(languages, languages[-1]),
        offer=offer,
        bills=draw(BILLS[languages]),
        address=evolve(address, email_required=not (free and linked)),
        retention=retained(offer, parts["limits"], retention),
        autopay=p.AutoPay(free and Moment.AFTER_PAYMENT in offer.moments, draw(NAMES[languages])),
        **parts,
    )


@pytest.mark.requirement("R19")
@given(policies())
def test_round_trip(policy: Policy) -> None:
    """Any usable policy can be written as TOML, and is read as the same policy."""
    read = parse_policy(written(policy))

    assert problems(policy) == []
    assert policy == read
    assert digest(policy) == digest(read)


def changed(value: Any) -> Any:
    """Return a different value to replace one."""
    match value:
        case bool():
            return not value
        case Enum():
            return next(member for member in type(value) if member is not value)
        case str():
            return f"{value}!"
        case int() | float():
            return value + 1
        case tuple():
            return tuple(reversed(value)) or ("CA",)
        case Mapping():
            return {Disposition.LEFT: 9} if value else {"a": {"b": "c"}}
    return date(2026, 11, 22)


@pytest.mark.parametrize("name", PLACES)
def test_digest_tells_policies_apart(name: str) -> None:
    """A different value in any setting results in a different digest."""
    section, _, key = name.rpartition(".")
    inside = getattr(Policy(), section) if section else Policy()
    other: Any = evolve(inside, **{key: changed(getattr(inside, key))})
    sections: dict[str, Any] = {section: other} if section else {key: getattr(other, key)}

    assert digest(Policy()) != digest(evolve(Policy(), **sections))


def test_digest_is_of_content() -> None:
    """Neither the order of a mapping nor the form of a number makes a different policy."""
    days = dict(reversed([*p.Offer().again_after_days.items()]))
    same = Policy(offer=p.Offer(again_after_days=days), waits=p.Waits(offer=3))

    assert digest(Policy()) == digest(same)
    assert re.fullmatch("[0-9a-f]{12}", digest(same))


# ── what is left out ─────────────────────────────────────────────────────────────────────


def test_empty_file_is_the_default() -> None:
    """An empty file is the default policy."""
    assert Policy() == parse_policy("")


@pytest.mark.requirement("R14")
def test_days_that_are_not_named_keep_their_default() -> None:
    """Changing when to ask again after one outcome changes nothing else."""
    policy = parse_policy("[offer.again_after_days]\ndeclined = 365")

    expected = {**p.Offer().again_after_days, Disposition.DECLINED: 365}

    assert expected == policy.offer.again_after_days


# ── what fits no setting ─────────────────────────────────────────────────────────────────

VALUES: tuple[Any, ...] = (
    True,
    3,
    2.5,
    "no",
    "3",
    "",
    date(2026, 11, 22),
    datetime(2026, 11, 22, 10, 0),  # noqa: DTZ001
    (),
    ("a", 1),
    (1, 2, 3),
    ((),),
    {},
    {"x": True},
    {"x": {"y": 1}},
)


def fits(kind: Any, value: Any) -> bool:
    """Return whether a value has the type of a setting."""
    arguments = get_args(kind)
    if get_origin(kind) is Mapping:
        return isinstance(value, dict) and all(
            fits(arguments[0], k) and fits(arguments[1], v) for k, v in value.items()
        )
    if get_origin(kind) is tuple and isinstance(value, tuple):
        each = arguments[:1] * len(value) if arguments[-1] is ... else arguments
        return len(each) == len(value) and all(map(fits, each, value))
    if type(None) in arguments:
        return fits(arguments[0], value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return value in [member.value for member in kind]
    return type(value) is kind or (kind is float and type(value) is int)


@pytest.mark.parametrize("name", PLACES)
def test_values_of_other_types(name: str) -> None:
    """No value of another type is accepted for a setting, however similar it looks."""
    for value in VALUES:
        assert fits(PLACES[name].type, value) == (not misfits(name, value)), value


def misfits(name: str, value: object) -> list[str]:
    """Return what is reported about the type of a setting's value."""
    section, _, key = name.rpartition(".")
    text = f"[{section}]\n{key} = {toml(value)}" if section else f"{key} = {toml(value)}"

    lines: tuple[str, ...] = ()
    try:
        parse_policy(text)
    except PolicyProblems as error:
        lines = error.problems

    misfit = re.compile(r"must be (?!from|not shorter)|is none of")
    return [line for line in lines if line.startswith(name) and misfit.search(line)]


@given(st.text())
def test_any_text(text: str) -> None:
    """Any text is a policy, or its problems are reported."""
    with suppress(PolicyProblems):
        parse_policy(text)


TREES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(
            st.text() | st.sampled_from(sorted(Disposition, key=str)), inner, max_size=3
        )
    ),
    max_leaves=6,
)
ENTRIES = st.dictionaries(
    st.sampled_from([a.name for a in attrs.fields(Policy)]) | st.text(),
    TREES
    | st.dictionaries(st.sampled_from([n.rpartition(".")[2] for n in PLACES]), TREES, max_size=4),
)


@given(ENTRIES)
def test_any_tables(tables: dict[str, Any]) -> None:
    """Any TOML is a policy, or its problems are reported; nothing else is raised."""
    text = "\n".join(f"{toml(key)} = {toml(value)}" for key, value in tables.items())
    with suppress(PolicyProblems):
        parse_policy(text)


EVERYTHING_WRONG = """
silence = 3
[offr]
moments = ["start"]
[about]
version = 2
approved_on = "2026-01-01"
in_force_from = 2026-01-01T10:00:00
[languages]
offered = ["en_us", "es-US"]
[offer]
moments = ["begin", 3, "start", "start"]
again_after_days = { declind = 3, ignored = -1, left = "x", not_offered = 3 }
[bills]
eligible = []
per_page = 5
another = "no"
[bills.names.WATER]
en-US = "water bill"
fr-CA = "eau"
es-US = " "
[bills.names."Water & Sewer"]
en-US = 3
[proof]
account_keys = [20, 4]
[address]
strategies = ["keypad", "on_file", "keypd"]
email_required = false
domains = ["gmail.com", 3, "nonsense"]
[text]
region = "GB"
[autopay]
offer = true
[tries]
silence = 9
repeats = true
wrongs = 3
[waits]
offer = 5
first_key = 10
entry_first_key = 6
[words]
en-US = "Hello."
"""

TOLD = """\
about.version: must be text in quotes, not 2
about.approved_on: must be a date such as 2026-11-22, without quotes or a time, not "2026-01-01"
about.in_force_from: must be a date such as 2026-11-22, without quotes or a time, not 2026-01-01 \
10:00:00
languages.offered: "en_us" is not a language tag; write "en-US"
offer.moments: must be one of start, before_payment, after_payment, not "begin"
offer.moments: must be one of start, before_payment, after_payment, not 3
offer.moments: "start" is listed twice; once is enough
offer.again_after_days.declind: must be one of {dispositions}, not "declind"; did you mean \
declined?
offer.again_after_days.left: must be a whole number, not "x"
offer.again_after_days.ignored: must be from 0 to 3650, not -1
offer.again_after_days.not_offered: no offer was made in that case, so there is nothing to \
wait for; leave it out
bills.eligible: lists no types; leave it out to allow every type, or set offer.moments = [] to \
make no offer
bills.names."Water & Sewer".en-US: must be text in quotes, not 3
bills.names.WATER.es-US: is empty; write something, or leave it out
bills.names.WATER.fr-CA: this language is not offered; add it to languages.offered, or leave this \
out
bills.names."Water & Sewer".es-US: is missing; say what the bill is called in this language too
bills.per_page: must be from 1 to 4, not 5
bills.another: must be true or false, not "no"
proof.account_keys: put the smaller number first: [4, 20]
address.strategies: must be one of on_file, text_link, keypad, person, not \
"keypd"; did you mean keypad?
address.domains: must be text in quotes, not 3
address.domains: "nonsense" cannot receive mail; write the part after the at sign, in lowercase
text.region: "GB" is not a country that uses +1 and ten digits; write its code in capitals, \
such as "US", "CA" or "PR"
autopay.terms.en-US: is missing; say when payments are drawn and how to stop them, or do not \
offer AutoPay
autopay.terms.es-US: is missing; say when payments are drawn and how to stop them, or do not \
offer AutoPay
tries.silence: must be from 0 to 5, not 9
tries.repeats: must be a whole number, not true
tries.wrongs: there is no such setting; did you mean tries.wrong?
waits.offer: must be from 1 to 3, not 5
waits.entry_first_key: must not be shorter than waits.first_key, which is 10
words.en-US: must be a section, not "Hello."
offr: there is no such section; did you mean offer?
silence: there is no such section; did you mean tries.silence?
"""


@pytest.mark.requirement("R19")
def test_every_problem_at_once(tmp_path: Path) -> None:
    """An invalid policy is refused with everything that is wrong, in order, and the file's name."""
    file = tmp_path / "wrong.toml"
    file.write_text(EVERYTHING_WRONG, encoding="utf-8")

    with pytest.raises(PolicyProblems) as caught:
        load_policy(file)

    dispositions = ", ".join(each.value for each in Disposition)
    told = TOLD.replace("{dispositions}", dispositions)
    assert told.splitlines() == list(caught.value.problems)
    assert str(caught.value).startswith(f"{file}: this policy cannot be used:\n  - about.version: ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[ofer]\nmoments = []", ["ofer: there is no such section; did you mean offer?"]),
        ("[xyz]", ["xyz: there is no such section"]),
        ("offer = 3", ["offer: must be a section, not 3"]),
        ("[[offer]]\nmoments = []", ["offer: must be a section, not a list"]),
        ("[tries]\nxyz = 1", ["tries.xyz: there is no such setting"]),
        (
            "[tries]\nper_page = 1",
            ["tries.per_page: there is no such setting; did you mean bills.per_page?"],
        ),
        ("[tries]\nsilence = {}", ["tries.silence: must be a whole number, not a section"]),
        ("[proof]\naccount_keys = [8]", ["proof.account_keys: must be a list of 2 items, not 1"]),
        (
            "[proof]\naccount_keys = [8, '9']",
            ['proof.account_keys: must be a whole number, not "9"'],
        ),
        (
            "[bills]\neligible = 'WATER'",
            ['bills.eligible: must be a list in square brackets, not "WATER"'],
        ),
        (f"[biller]\nname = ['{'n' * 99}']", ["biller.name: must be text in quotes, not a list"]),
        (
            f"[tries]\nwrong = '{'n' * 99}'",
            [f'tries.wrong: must be a whole number, not "{"n" * 59}…"'],
        ),
    ],
)
def test_misfits(text: str, told: list[str]) -> None:
    """A misfit is reported with what was meant, and has no further effect."""
    with pytest.raises(PolicyProblems) as caught:
        parse_policy(text)

    assert told == list(caught.value.problems)


@pytest.mark.parametrize(
    "text",
    [
        "[languages]\noffered = 3\n[autopay]\noffer = true\nterms = {en-US = 'x', es-US = 'x'}",
        "[languages]\noffred = ['en-US']\ndefault = 'fr-CA'",
        (
            "[offer]\nmoment = ['start']\nmoments = ['start', 'befor_payment']\n"
            "[autopay]\noffer = true\nterms = {en-US = 'x', es-US = 'x'}"
        ),
        "[address]\nemail_required = false\nstrategies = ['text-link']",
        "[waits]\nfirst_key = '20'\nentry_first_key = 12",
    ],
)
def test_nothing_is_told_that_may_come_of_another_problem(text: str) -> None:
    """Settings that depend on an unreadable one are not judged."""
    with pytest.raises(PolicyProblems) as caught:
        parse_policy(text)

    misfit = ("must be", "is none of", "there is no such")
    assert all(any(words in line for words in misfit) for line in caught.value.problems)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[about]\nowner = Bob\n", "(at line 2, column 9)"),
        ("[about]\n[about]\n", "(at line 2, column 7)"),
        ("[about]\nowner = ", "(at the end, line 2)"),
        (f"[tries]\nsilence = {'9' * 5000}", "5000 digits"),
    ],
)
def test_syntax(text: str, line: str) -> None:
    """Invalid TOML is one problem, with its line."""
    with pytest.raises(PolicyProblems) as caught:
        parse_policy(text, "mine")

    (told,) = caught.value.problems
    assert told.startswith("not TOML: ")
    assert line in told


class TestFiles:
    """Files that are not policies."""

    def test_missing(self, tmp_path: Path) -> None:
        """A missing file is reported as such."""
        with pytest.raises(PolicyProblems, match=r"nowhere\.toml.*\n.*No such file"):
            load_policy(tmp_path / "nowhere.toml")

    def test_other_encoding(self, tmp_path: Path) -> None:
        """A file in Latin-1 is reported as such."""
        (tmp_path / "p.toml").write_bytes('[biller]\nname = "Cañada"'.encode("latin-1"))

        with pytest.raises(PolicyProblems, match="save it as UTF-8"):
            load_policy(tmp_path / "p.toml")

    def test_byte_order_mark(self, tmp_path: Path) -> None:
        """The mark that some editors put first does no harm."""
        (tmp_path / "p.toml").write_bytes('[biller]\nname = "Cañada"'.encode("utf-8-sig"))

        assert load_policy(str(tmp_path / "p.toml")).biller.name == "Cañada"


# ── the examples and the docs ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_examples(file: Path) -> None:
    """Each example can be used, including its words, and says for whom it is."""
    policy = load_policy(file)
    intro = "".join(re.findall(r"\A(?:#.*\n)+", file.read_text(encoding="utf-8")))

    assert problems(policy) == []
    assert set(Catalog.of(policy).books) == set(policy.languages.offered)
    assert re.search(r"\bFor (a biller|whoever)\b", intro)
    assert file.name in (ROOT / "docs/policy.md").read_text(encoding="utf-8")
    assert len({digest(load_policy(other)) for other in EXAMPLES}) == len(EXAMPLES)


@pytest.mark.requirement("R08", "R11", "R13", "R14", "R16", "R19")
def test_examples_say_what_they_promise() -> None:
    """Together, the examples change what a biller is most likely to change."""
    by_name = {file.stem: load_policy(file) for file in EXAMPLES}
    water, strict = by_name["springfield-water"], by_name["strict"]

    assert (water.about.version, water.about.owner, water.about.approved_by) == (
        "2026-11",
        "Customer Service, Springfield Water",
        "City Attorney's office",
    )
    assert water.about.in_force_from == date(2026, 12, 1)
    assert set(water.words) == set(water.languages.offered) == {"en-US", "es-US"}
    assert not by_name["text-link-only"].address.email_required
    assert by_name["keypad-first"].address.strategies[1] is Strategy.KEYPAD
    assert by_name["english-only"].languages.offered == ("en-US",)
    assert by_name["autopay"].autopay.offer
    assert strict.bills.eligible == ("WATER",)
    assert strict.offer.again_after_days[Disposition.DECLINED] == 365
    assert not (strict.back_to_paper.by_phone)
    assert not (strict.bills.another)
    assert not strict.proof.search_by_phone


def test_docs_show_policies_that_can_be_used() -> None:
    """Each TOML block on the page is a policy."""
    blocks = re.findall(r"```toml\n(.+?)```", (ROOT / "docs/policy.md").read_text(), re.DOTALL)

    assert blocks
    for block in blocks:
        assert tomllib.loads(block)
        assert parse_policy(block) != Policy()
