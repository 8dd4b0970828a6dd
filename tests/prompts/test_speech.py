"""From prompts to speech: every kind of gap, and what is not revealed."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperless_ivr.flow.slots import (
    Count,
    Day,
    Digits,
    Ending,
    Key,
    Masked,
    Money,
    Slot,
    Spelled,
    Word,
    Words,
)
from paperless_ivr.flow.table import PROMPTS
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.prompts import (
    Catalog,
    Characters,
    InLanguage,
    Pause,
    Text,
    plain,
    said,
    speech,
    speech_of,
)
from paperless_ivr.prompts.speech import Teller
from paperless_ivr.prompts.terms import LETTERS, SIGNS
from paperless_ivr.secret import Secret
from tests.prompts.samples import ATEXT, LANGUAGES, PLAIN_SLOTS, SLOTS, prompts

CATALOG = Catalog.load(LANGUAGES)


def filled(gap: str, slot: Slot, language: str = "en-US") -> str:
    """Return how a slot is said, in words that consist only of its gap."""
    name = next(name for name, gaps in PROMPTS.items() if gap in gaps)
    only = Catalog({language: {**CATALOG.books[language], name: f"{{{gap}}}"}}, DOMAINS)
    return plain(speech(Prompt(name, ((gap, slot),)), language, only))


DOMAINS = CATALOG.domains
FORMS = ("{}", "{}.com", "my-{}.example", "jane@{}.com", "{}@gmail.com", "jo@a-{}.org", "jo@x.{}")
"""Where a personal text can be in a secret."""


def test_there_is_a_sample_for_every_gap() -> None:
    """The tests can fill every gap of every prompt."""
    assert set(SLOTS) == {gap for gaps in PROMPTS.values() for gap in gaps}


@pytest.mark.parametrize("language", LANGUAGES)
@given(prompt=prompts())
def test_every_prompt_is_said(language: str, prompt: Prompt) -> None:
    """Every prompt in every language, with anything in its gaps, is one line of text."""
    text = plain(speech(prompt, language, CATALOG))
    assert text.splitlines() == [text][: bool(text)]


@pytest.mark.parametrize("language", LANGUAGES)
@given(prompt=prompts(PLAIN_SLOTS))
def test_no_gap_stays_open(language: str, prompt: Prompt) -> None:
    """Nothing that is said contains a brace, unless a value did."""
    assert not {"{", "}"} & set(plain(speech(prompt, language, CATALOG)))


@pytest.mark.parametrize(
    ("gap", "slot", "english", "spanish"),
    [
        ("biller", Words("Acme & Sons"), "Acme & Sons", "Acme & Sons"),
        ("biller", Words("{key} Water"), "{key} Water", "{key} Water"),
        ("bill", Words("water bill"), "water bill", "water bill"),
        ("bill", Words(""), "bill", "factura"),
        ("key", Key("1"), "1", "1"),
        ("key", Key("*"), "star", "asterisco"),
        ("key", Key("#"), "pound", "gato"),
        ("account", Digits(Secret("123456")), "1 2 3, 4 5 6", "1 2 3, 4 5 6"),
        ("account", Digits(Secret("1234567")), "1 2 3, 4 5 6 7", "1 2 3, 4 5 6 7"),
        ("account", Digits(Secret("")), "", ""),
        (
            "number",
            Digits(Secret("+12125550123")),
            "2 1 2, 5 5 5, 0 1 2 3",
            "2 1 2, 5 5 5, 0 1 2 3",
        ),
        ("ending", Ending(Secret("+12125550123")), "0 1 2 3", "0 1 2 3"),
        ("amount", Money(Decimal("48.2")), "$48.20", "$48.20"),
        ("amount", Money(Decimal("1234.5")), "$1,234.50", "$1,234.50"),
        ("amount", Money(Decimal(-3)), "a credit of $3.00", "un saldo a favor de $3.00"),
        ("amount", Money(Decimal("48.2"), "CAD"), "48.20 CAD", "48.20 CAD"),
        ("due", Day(date(2026, 12, 3)), "December 3", "3 de diciembre"),
        ("due", Day(date(2027, 1, 1)), "January 1", "primero de enero"),
        ("bills_on_paper", Count(1), "one bill", "una factura"),
        ("bills_on_paper", Count(2), "one or two bills", "una o dos facturas"),
        ("bills_on_paper", Count(3), "up to 3 bills", "hasta 3 facturas"),
        ("domain", Words("gmail.com"), "gmail dot com", "gmail punto com"),
        ("domain", Words("AOL.com"), "A O L dot com", "A O L punto com"),
        ("domain", Words("my-town.example.org"), "my dash town dot example dot org", None),
        (
            "masked",
            Masked(Secret("jane.doe@gmail.com")),
            "the address starting with J, ending in gmail dot com",
            "la dirección que empieza con J y termina en gmail punto com",
        ),
        (
            "masked",
            Masked(Secret("4jane@example.com")),
            "the address starting with the number 4, ending in example dot com",
            "la dirección que empieza con el número 4 y termina en example punto com",
        ),
        (
            "masked",
            Masked(Secret("jo@smith-family.example")),
            "the address starting with J, ending in smith dash family dot example",
            "la dirección que empieza con J y termina en smith guion medio family punto example",
        ),
        (
            "masked",
            Masked(Secret("jo@niño.example")),
            "the address on file",
            "la dirección registrada",
        ),
        (
            "masked",
            Masked(Secret("mary@gmail.com")),
            "the address starting with m as in Mary, ending in gmail dot com",
            "la dirección que empieza con eme de mamá y termina en gmail punto com",
        ),
        ("masked", Masked(Secret("ñ@gmail.com")), "the address on file", "la dirección registrada"),
        ("masked", Masked(Secret("jane")), "the address on file", "la dirección registrada"),
        ("masked", Masked(Secret("@jane.com")), "the address on file", "la dirección registrada"),
        (
            "address",
            Spelled(Secret("jane.smith@gmail.com")),
            "j, a, n as in Nancy, e, dot, s as in Sam, m as in Mary, i, t, h, at gmail dot com",
            (
                "j, a, ene de noche, e, punto, ese de sol, eme de mamá, i, t, h, "
                "arroba gmail punto com"
            ),
        ),
        (
            "address",
            Spelled(Secret("j4-b@xy.org")),
            "j, the number 4, dash, b as in boy, at, x, y, dot, o, r, g",
            "j, el número 4, guion medio, be de burro, arroba, x, y, punto, o, r, g",
        ),
        ("spelt", Spelled(Secret("jake_")), "j, a, k, e, underscore", "j, a, k, e, guion bajo"),
        ("spelt", Spelled(Secret("")), "nothing", "nada todavía"),
        ("piece", Spelled(Secret("+")), "plus", "signo más"),
    ],
)
def test_each_kind_of_gap(gap: str, slot: Slot, english: str, spanish: str | None) -> None:
    """Each kind of slot is said correctly, in either language."""
    assert filled(gap, slot) == english
    if spanish is not None:
        assert filled(gap, slot, "es-US") == spanish


@pytest.mark.requirement("R07")
def test_a_number_is_read_back_in_groups() -> None:
    """The keyed number is heard in full, in groups, before it is confirmed."""
    prompt = Prompt("phone_readback", (("number", Digits(Secret("+12125550123"))),))
    assert speech(prompt, "en-US", CATALOG) == (
        Text("The number we have is "),
        Characters(("212", "555", "0123")),
        Text("."),
    )


@given(text=st.text(ATEXT, min_size=1))
def test_what_is_spelt_can_be_written_down(text: str) -> None:
    """From what is said of a spelled text, a listener can write down exactly that text."""
    book = CATALOG.books["en-US"]
    names = {book[name]: said for said, name in {**SIGNS, **LETTERS}.items()}
    heard = filled("spelt", Spelled(Secret(text))).split(", ")
    assert "".join(names.get(word, word.removeprefix("the number ")) for word in heard) == text


@pytest.mark.requirement("R24")
@given(local=st.text("zqx", min_size=3))
def test_of_an_address_on_file_only_the_first_letter_is_said(local: str) -> None:
    """Nothing else in the local part is said."""
    assert filled("masked", Masked(Secret(f"{local}@aol.com"))) == (
        f"the address starting with {local[0].upper()}, ending in A O L dot com"
    )


@pytest.mark.requirement("R24")
@given(number=st.from_regex(r"[0-9]{5,20}", fullmatch=True))
def test_of_a_number_on_file_only_four_digits_are_said(number: str) -> None:
    """Nothing before the last four digits is said."""
    assert filled("ending", Ending(Secret(number))) == " ".join(number[-4:])


@pytest.mark.requirement("R24")
@pytest.mark.parametrize(
    ("name", "slots"),
    [
        ("account_not_found", (("account", Digits(Secret("4711081506"))),)),
        ("confirm_keyed", (("bill", Words("")), ("address", Spelled(Secret("zq47@zq.net"))))),
        ("confirm_link", (("bill", Words("")), ("ending", Ending(Secret("4711"))))),
        (
            "option_bill_amount",
            (
                ("bill", Words("")),
                ("key", Key("1")),
                ("amount", Money(Decimal("47.11"))),
                ("due", Day(date(2026, 4, 7))),
            ),
        ),
    ],
)
def test_speech_prints_nothing_personal(name: str, slots: tuple[tuple[str, Slot], ...]) -> None:
    """A repr of speech, in a log or a traceback, shows no number, address, amount, or day."""
    shown = repr(speech(Prompt(name, slots), "en-US", CATALOG))
    assert not [value for value in ("4711", "471", "zq", "47", "April") if value in shown]


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("kind", [Digits, Ending, Spelled, Word, Masked])
@given(text=st.from_regex(r"zq[zq0-9]{4,8}", fullmatch=True), form=st.sampled_from(FORMS))
def test_no_kind_of_slot_prints_its_secret(
    kind: Callable[[Secret], Slot], text: str, form: str
) -> None:
    """Neither a name nor a private domain is in the repr of what is said of a secret."""
    slot = kind(Secret(form.format(text)))
    teller = Teller(CATALOG.books["en-US"], DOMAINS | {f"{text}.com"})
    shown = repr(teller.slot("address", slot)).lower()
    assert "zq" not in shown
    assert not set("0123456789") & set(shown)


@pytest.mark.requirement("R16")
def test_a_language_is_offered_in_its_own() -> None:
    """The prompt's own language is spoken, and marked if it differs from the call's."""
    offers = [
        Prompt("option_language", (("key", Key(key)),), language=language)
        for key, language in zip("12", LANGUAGES, strict=True)
    ]
    assert said(offers, "en-US", CATALOG) == ("For English, press 1. Para español, oprima el 2.")
    assert speech_of(offers, "en-US", CATALOG) == (
        Text("For English, press "),
        Text("1"),
        Text("."),
        Pause(),
        InLanguage("es-US", (Text("Para español, oprima el "), Text("2"), Text("."))),
    )
