"""The library's own words, held against the requirements: what they must and must not say."""

import re

import pytest

from paperless_ivr.flow.call import Call, TextPurpose
from paperless_ivr.flow.host import Arrival, Disposition, Handback
from paperless_ivr.flow.lines import UNCHANGED
from paperless_ivr.flow.slots import Words
from paperless_ivr.flow.table import BLOCKS, PROMPTS
from paperless_ivr.flow.turns import Prompt, Return, Turn
from paperless_ivr.keypad import EmailPad
from paperless_ivr.prompts import Catalog, said
from paperless_ivr.prompts.catalog import GAP
from paperless_ivr.prompts.terms import NEEDED
from tests.prompts.samples import LANGUAGES, example

CATALOG = Catalog.load(LANGUAGES)

each_language = pytest.mark.parametrize("language", LANGUAGES)
each_prompt = pytest.mark.parametrize("name", PROMPTS)

HELP = {block.help for block in BLOCKS.values() if block.help}
MORE_THAN_30_WORDS = HELP - {"offer_help"}
"""Heard only after two silences, or two wrong keys."""

PROMISES = re.compile(
    r"no more (paper|mail|bills)|never .*(paper|mail)|paper (ends|is gone)|last paper|all paper"
    r"|for good|forever|shut-?off|disconnect"
    r"|(no|nunca|jamás) .*(más|otra vez).*(papel|correo)|sin más papel|ya no .*papel"
    r"|último.* papel|todo el papel|para siempre|corte de servicio",
    re.IGNORECASE,
)

KEY_FIRST = {"en-US": r"(^|[.?:] )Press\b", "es-US": r"(^|[.?:] )(Oprima|Pulse|Presione)\b"}
QUOTED = ("offer_at_start", "en-US")
"""The one prompt that has the key first: its words are the source's."""


def spoken(name: str, language: str) -> str:
    """The text of a prompt as in a real call."""
    return said([example(name)], language, CATALOG)


@pytest.mark.requirement("R01")
def test_the_offer_at_the_start_is_the_source_s() -> None:
    """Greeting and offer are, word for word, those that were asked for."""
    turn = Turn(
        Call(Arrival("call", "biller")),
        (example("greeting"), example("offer_at_start")),
        Return(Handback(Disposition.IGNORED)),
    )
    assert said(turn, "en-US", CATALOG) == (
        "Thank you for calling the Springfield Water Phone System. Did you know you can now "
        "receive your invoices digitally and reduce paper waste? Press 1 to enrol in Paperless "
        "Billing."
    )


def test_the_confirmation_is_short_and_whole() -> None:
    """Bill, address, what happens and the way back are heard before the yes."""
    names = ("confirm_on_file", "next_email", "back_any_time", "option_agree")
    assert said([example(name) for name in names], "en-US", CATALOG) == (
        "If you agree, your bill will come by e-mail, to the address starting with J, ending in "
        "gmail dot com. We'll e-mail you a link. Nothing changes until you open it. You may still "
        "get one or two bills on paper. You can go back to paper any time. To agree, press 1."
    )


@each_language
@each_prompt
def test_nothing_promises_that_paper_ends(language: str, name: str) -> None:
    """No wording promises "no more paper", or speaks of notices that stay on paper by law."""
    assert PROMISES.search(spoken(name, language)) is None


@pytest.mark.parametrize(
    "promise",
    [
        "No more paper bills.",
        "You'll never get paper.",
        "No recibirá más papel.",
        "Ya no hay papel.",
    ],
)
def test_a_promise_would_be_found(promise: str) -> None:
    """The search for promises finds some."""
    assert PROMISES.search(promise)


@pytest.mark.requirement("R10")
@each_language
@each_prompt
def test_nothing_speaks_of_the_payment(language: str, name: str) -> None:
    """The payment is never spoken of, but where AutoPay would use the same method."""
    speaks = re.search(r"\b(payments?|paid|pagos?|pagado)\b", spoken(name, language), re.IGNORECASE)
    assert bool(speaks) == (name == "autopay_offer")


@each_language
@each_prompt
def test_what_a_key_does_is_said_before_the_key(language: str, name: str) -> None:
    """Function, then key; only the quoted offer has it the other way round."""
    key_first = re.search(KEY_FIRST[language], spoken(name, language))
    assert bool(key_first) == ((name, language) == QUOTED)


@each_language
@pytest.mark.parametrize("name", [name for name in PROMPTS if "key" in PROMPTS[name]])
def test_a_key_is_pressed(language: str, name: str) -> None:
    """Before every key comes "press", and nothing else that sounds like a number."""
    press = {"en-US": r"\bpress \{key\}", "es-US": r"\b(oprima )?el \{key\}"}
    assert re.search(press[language], CATALOG.text(name, language))


@each_language
@each_prompt
def test_prompts_are_short(language: str, name: str) -> None:
    """At most 30 words, a gap counted as one; a few that are rarely heard are longer."""
    words = CATALOG.text(name, language).split()
    assert len(words) <= (65 if name in MORE_THAN_30_WORDS else 30)


@each_language
@pytest.mark.parametrize("name", ["no_input", "no_match"])
def test_the_first_reprompt_is_a_few_words(language: str, name: str) -> None:
    """After silence or a wrong key three to six words come before the question."""
    assert 3 <= len(spoken(name, language).split()) <= 6


@each_language
@pytest.mark.parametrize("name", [name for name in PROMPTS if name.startswith("end_")])
def test_an_ending_is_one_short_sentence(language: str, name: str) -> None:
    """An ending is one sentence of at most 15 words, a gap counted as one."""
    text = CATALOG.text(name, language)
    assert re.fullmatch(r"[^.?!]+\.", text)
    assert len(text.split()) <= 15


@pytest.mark.requirement("R10")
@each_language
@pytest.mark.parametrize("name", PROMPTS)
def test_that_nothing_was_changed_is_said_where_it_is_so(language: str, name: str) -> None:
    """What says so is what the proof holds against what was settled in the call."""
    unchanged = {"en-US": "othing was changed", "es-US": "o se cambió nada"}
    assert (unchanged[language] in spoken(name, language)) == (name in UNCHANGED)


@pytest.mark.requirement("R15")
@each_language
@pytest.mark.parametrize("name", sorted(MORE_THAN_30_WORDS))
def test_help_tells_of_more_time_and_of_a_person(language: str, name: str) -> None:
    """The help of an entry names star for more time, and 0 then pound for a person."""
    text = spoken(name, language)
    time = {
        "en-US": "If you need more time, press star.",
        "es-US": "Si necesita más tiempo, oprima asterisco.",
    }
    person = {
        "en-US": "To talk to a person, press 0, then pound.",
        "es-US": "Para hablar con una persona, oprima el 0 y luego la tecla de gato.",
    }
    assert time[language] in text
    assert person[language] in text


@pytest.mark.requirement("R15")
@each_language
def test_the_help_of_the_offer_tells_of_star_and_zero(language: str) -> None:
    """Star repeats and 0 reaches a person in the question before or after a payment."""
    text = spoken("offer_help", language)
    assert re.search("star|asterisco", text)
    assert re.search(r"person.*\b0\.", text)
    assert text.endswith(("press pound.", "la tecla de gato."))


@each_language
@pytest.mark.parametrize(
    "name", ["account_entry", "phone_entry", "one_character", "email_go_on", "email_domain_entry"]
)
def test_an_entry_says_how_it_ends(language: str, name: str) -> None:
    """The last word of an entry is the key that ends it; of a spelling, at the first pause."""
    ends = {"en-US": "pound.", "es-US": "la tecla de gato."}
    assert spoken(name, language).endswith(ends[language])


@pytest.mark.requirement("R08")
@each_language
def test_the_code_for_letters_is_told_as_it_is(language: str) -> None:
    """The keys that the prompts name for signs and letters are those of the keypad."""
    texts = spoken("email_local", language) + spoken("email_local_help", language)
    pad = EmailPad()
    told = {
        "c": "2,? (then|y luego) 3",
        ".": "(Dot is|Punto,) 1, 1",
        "-": "(Dash is|Guion medio,) 1, 2",
        "_": "(Underscore is|Guion bajo,) 1, 3",
        "+": "(Plus is|Más,) 1, 4",
    }
    for character, words in told.items():
        (found,) = {found.group() for found in re.finditer(words, texts)}  # one, if twice
        assert pad.spell("".join(re.findall("[0-9]", found))).text == character
    assert re.search("Q (is on|está en el) 7.*Z (is on|en el) 9", texts)
    assert (pad.code("q")[0], pad.code("z")[0]) == ("7", "9")


@pytest.mark.requirement("R07")
@each_language
@pytest.mark.parametrize("purpose", TextPurpose)
def test_a_text_is_asked_for_by_name_and_number(language: str, purpose: TextPurpose) -> None:
    """The question names the biller, that it is one text, and the end of the number."""
    text = spoken(f"text_consent_{purpose}", language)
    assert "Springfield Water" in text
    assert "0 1 2 3" in text
    assert re.search("send one text|un solo mensaje de texto", text)
    assert text.rstrip().endswith("?")


@pytest.mark.requirement("R07")
def test_what_a_text_may_cost_is_said() -> None:
    """The carriers' words are said before the yes to a text."""
    assert spoken("text_rates", "en-US") == "Message and data rates may apply."
    assert spoken("text_rates", "es-US") == "Pueden aplicarse tarifas de mensajes y datos."


@pytest.mark.requirement("R09", "R16")
@pytest.mark.parametrize("name", NEEDED)
def test_what_a_yes_needs_is_in_both_languages(name: str) -> None:
    """Prompts that consent rests on fill the same gaps in either language."""
    english, spanish = (set(GAP.findall(CATALOG.text(name, each))) for each in LANGUAGES)
    assert english == spanish


@pytest.mark.requirement("R16")
def test_a_bill_is_spoken_of_by_its_name() -> None:
    """A bill's name, as a policy gives it, fits into the sentence of its language."""
    assert said([Prompt("already", _bill("water bill"))], "en-US", CATALOG) == (
        "Your water bill already comes by e-mail."
    )
    assert said([Prompt("already", _bill("factura del agua"))], "es-US", CATALOG) == (
        "Su factura del agua ya le llega por correo electrónico."
    )


def _bill(name: str) -> tuple[tuple[str, Words], ...]:
    return (("bill", Words(name)),)
