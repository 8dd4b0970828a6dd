"""The library's own words, checked against the requirements: what they must and must not say."""

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
from paperless_ivr.prompts.terms import ENTRIES, NEEDED
from paperless_ivr.proof.effort import WORDS_A_MINUTE
from tests.prompts.samples import LANGUAGES, example

CATALOG = Catalog.load(LANGUAGES)

each_language = pytest.mark.parametrize("language", LANGUAGES)
each_prompt = pytest.mark.parametrize("name", PROMPTS)

HELP = {block.help for block in BLOCKS.values() if block.help}
OF_MENUS = {"menu_help", "readback_help"}
ONE_PRESS = {"email_local_help", "email_domain_entry_help"}
"""Help for entries in which a star is a sign: there, the keys are kept without a star."""
DELETES = {"email_exact_help"}
"""Help for entries in which a star deletes the last letter."""
MORE_THAN_30_WORDS = HELP - OF_MENUS
"""Prompts that are heard only after two silences, or two wrong keys."""

PROMISES = re.compile(
    r"no more (paper|mail|bills)|never .*(paper|mail)|paper (ends|is gone)|last paper|all paper"
    r"|for good|forever|shut-?off|disconnect"
    r"|(no|nunca|jamás) .*(más|otra vez).*(papel|correo)|sin más papel|ya no .*papel"
    r"|último.* papel|todo el papel|para siempre|corte de servicio",
    re.IGNORECASE,
)

KEY_FIRST = {"en-US": r"(^|[.?:] )Press\b", "es-US": r"(^|[.?:] )(Oprima|Pulse|Presione)\b"}
QUOTED = ("offer_at_start", "en-US")
"""The one prompt that has the key first, because its words are the source's."""


def spoken(name: str, language: str) -> str:
    """Return the text of a prompt as in a real call."""
    return said([example(name)], language, CATALOG)


@pytest.mark.requirement("R01")
def test_the_offer_at_the_start_is_the_source_s() -> None:
    """Greeting and offer are, word for word, those that were requested."""
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
    """Bill, address, what happens, and the way back are heard before the yes."""
    names = ("confirm_on_file", "next_email", "back_any_time", "option_agree")
    assert said([example(name) for name in names], "en-US", CATALOG) == (
        "If you agree, your bill will come by e-mail, to the address starting with J, ending in "
        "gmail dot com. We'll e-mail you a link. Nothing changes until you open it. You may still "
        "get one or two bills on paper. You can go back to paper any time. To agree, press 1."
    )


@each_language
@each_prompt
def test_nothing_promises_that_paper_ends(language: str, name: str) -> None:
    """No wording promises "no more paper", or mentions notices that stay on paper by law."""
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
    """The search for promises works."""
    assert PROMISES.search(promise)


@pytest.mark.requirement("R10")
@each_language
@each_prompt
def test_nothing_speaks_of_the_payment(language: str, name: str) -> None:
    """The payment is never mentioned, unless AutoPay would use the same method."""
    speaks = re.search(r"\b(payments?|paid|pagos?|pagado)\b", spoken(name, language), re.IGNORECASE)
    assert bool(speaks) == (name == "autopay_offer")


@each_language
@each_prompt
def test_what_a_key_does_is_said_before_the_key(language: str, name: str) -> None:
    """First the function, then the key; only the quoted offer has it the other way around."""
    key_first = re.search(KEY_FIRST[language], spoken(name, language))
    assert bool(key_first) == ((name, language) == QUOTED)


each_option = pytest.mark.parametrize("name", [n for n in PROMPTS if "key" in PROMPTS[n]])


@each_option
def test_an_english_option_ends_with_press_and_its_key(name: str) -> None:
    """An option is one sentence, with "press" before its key: "If not, 2" sounds like "too"."""
    assert re.fullmatch(r"[^.?!]+, press \{key\}\.", CATALOG.text(name, "en-US"))


@each_option
def test_a_spanish_option_ends_with_its_key(name: str) -> None:
    """An option is one sentence. An article marks the key if "oprima" was said before."""
    assert re.fullmatch(r"[^.?!]+, (oprima )?el \{key\}\.", CATALOG.text(name, "es-US"))


NUMBER = {
    "en-US": r"\b(one|two|three|four|five|six|seven|eight|nine|zero|[0-9])\b",
    "es-US": r"\b(una?|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|cero|[0-9])\b",
}


@each_language
@each_option
def test_no_other_number_is_near_a_key(language: str, name: str) -> None:
    """The words of an option contain no number that could be taken for the key.

    In Spanish, "una" is also the article.
    """
    found = re.findall(NUMBER[language], CATALOG.text(name, language).lower())
    assert set(found) <= ({"una"} if language == "es-US" else set())


@pytest.mark.parametrize("name", ENTRIES)
def test_no_sentence_begins_with_for_or_to_after_a_code(name: str) -> None:
    """The ear hears 4 and 2 after other digits: "Dash is 1, then 2. To erase" has a third one."""
    assert (name, "en-US") == QUOTED or not re.search(
        r"[0-9][.,]? (for|to|too)\b", CATALOG.text(name, "en-US").lower()
    )


# ── one word per thing, and nothing that sounds translated ───────────────────────────────

NEVER = {
    "en-US": {
        r"\bmail\b(?<!e-mail)|\bemail\b": "e-mail",
        r"\bmobile\b": "cell phone",
        r"\bagents?\b|\brepresentatives?\b|\bsomeone\b|\boperators?\b": "a person",
        r"\bhash\b": "pound",
        r"\binvoices?\b": "bill",
        r"\bI\b": "we",
        r"\bwould (come|get|go|be|cancel|stay)\b": "if you agree, … will",
        r"\bcharacters?\b": "letter or number",
        r"\bopen bill": "bill",
    },
    "es-US": {
        r"\bcorreos?\b(?! electrónico)": "correo electrónico",
        r"\bm[óo]vil\b": "celular",
        r"\bagentes?\b|\brepresentantes?\b|\boperador(a|es)?\b": "una persona",
        r"\bnumeral\b|\balmohadilla\b": "la tecla de gato",
        r"\brecibos?\b": "factura",
        r"\b(pulse|presione|teclee)\b": "oprima",
        r"\bes sin papel\b|\bsolicitud sin papel\b": "le llega por correo electrónico",
        r"\b(usemos|empecemos|dejemos)\b": "vamos a",
        r"\bpuede \{biller\}": "autoriza que",
        r"\bpara s[íi]\b|\bpara no,": "para decir que sí",
        r"\bsuspende": "tal vez todavía reciba",
    },
}
"""Words that callers never hear, and the words used instead."""
GAP_BUT_BILLER = r"\{(?!biller)[a-z_]+\}"


@each_language
@pytest.mark.parametrize("name", ENTRIES)
def test_one_word_for_one_thing(language: str, name: str) -> None:
    """There are no different words for the same thing, or words that no one says on a telephone."""
    if language == "en-US" and name in (QUOTED[0], "offer_source"):
        return  # the source's own sentence
    text = re.sub(GAP_BUT_BILLER, "", CATALOG.text(name, language))
    flags = 0 if language == "en-US" else re.IGNORECASE
    assert [word for word in NEVER[language] if re.search(word, text, flags)] == []


@pytest.mark.parametrize("name", PROMPTS)
def test_spanish_has_no_conditional_without_a_condition(name: str) -> None:
    """Not "le llegaría", but "si acepta, le llegará"; "le gustaría" is how one asks."""
    text = CATALOG.text(name, "es-US")
    assert re.findall(r"\b\w+r[íi]a(?:n|s|mos)?\b", text.replace("gustaría", "")) == []


@each_prompt
def test_what_is_agreed_to_is_said_with_if_you_agree(name: str) -> None:
    """A question of consent says what happens if the caller agrees."""
    if name.startswith("confirm_"):
        assert CATALOG.text(name, "en-US").startswith("If you agree, ")
        assert CATALOG.text(name, "es-US").startswith("Si acepta, ")


@each_language
@each_prompt
def test_there_is_one_sorry_at_most(language: str, name: str) -> None:
    """There is at most one apology per prompt."""
    assert len(re.findall("sorry|disculpe", spoken(name, language), re.IGNORECASE)) <= 1


@each_language
@each_prompt
def test_prompts_are_short(language: str, name: str) -> None:
    """A prompt has at most 30 words, counting a gap as one; a few that are rare are longer."""
    words = CATALOG.text(name, language).split()
    assert len(words) <= (65 if name in MORE_THAN_30_WORDS else 30)


@each_language
@pytest.mark.parametrize("name", ["no_input", "no_match"])
def test_the_first_reprompt_is_a_few_words(language: str, name: str) -> None:
    """After silence or a wrong key, three to six words come before the question."""
    assert 3 <= len(spoken(name, language).split()) <= 6


@each_language
@pytest.mark.parametrize("name", [name for name in PROMPTS if name.startswith("end_")])
def test_an_ending_is_one_short_sentence(language: str, name: str) -> None:
    """An ending is one sentence of at most 15 words, counting a gap as one."""
    text = CATALOG.text(name, language)
    assert re.fullmatch(r"[^.?!]+\.", text)
    assert len(text.split()) <= 15


@pytest.mark.requirement("R10")
@each_language
@pytest.mark.parametrize("name", PROMPTS)
def test_that_nothing_was_changed_is_said_where_it_is_so(language: str, name: str) -> None:
    """The prompts that say that nothing was changed are those that the proof checks."""
    unchanged = {
        "en-US": "othing was changed|keep coming as before",
        "es-US": "o se cambió nada|seguirán llegando como hasta ahora",
    }
    said_so = re.search(unchanged[language], spoken(name, language))
    assert bool(said_so) == (name in UNCHANGED)


@pytest.mark.requirement("R15")
@each_language
@pytest.mark.parametrize("name", sorted(HELP))
def test_a_help_tells_of_star_and_promises_nobody(language: str, name: str) -> None:
    """It says what star does; a person is mentioned only if one can take the call."""
    text = spoken(name, language)
    star = {
        "en-US": "If you need more time, press star.",
        "es-US": "Si necesita más tiempo, oprima asterisco.",
    }
    mistake = {
        "en-US": "If you make a mistake, press star.",
        "es-US": "Si se equivoca, oprima asterisco.",
    }
    kept = {"en-US": "We won't lose what you've entered", "es-US": "guardamos lo que marque"}
    assert (star[language] in text) == (name not in OF_MENUS | ONE_PRESS | DELETES)
    assert (mistake[language] in text) == (name in DELETES)
    assert (kept[language] in text) == (name in ONE_PRESS)
    assert re.search(r"\b(press star|oprima asterisco)\b", text)
    assert not re.search(r"\bperson(a)?\b|\b(press|el) 0\b", text)


@pytest.mark.requirement("R15")
def test_how_to_reach_a_person() -> None:
    """0 in a menu; in an entry, 0 and then pound, because numbers can begin with 0."""
    texts = {n: [spoken(n, each) for each in LANGUAGES] for n in ("menu_person", "entry_person")}
    assert texts == {
        "menu_person": [
            "To talk to a person, press 0.",
            "Para hablar con una persona, oprima el 0.",
        ],
        "entry_person": [
            "To talk to a person, press 0, then pound.",
            "Para hablar con una persona, oprima el 0 y luego la tecla de gato.",
        ],
    }


@each_language
@pytest.mark.parametrize(
    "name",
    [
        "account_entry",
        "phone_entry",
        "email_local",
        "email_domain_entry",
        "email_exact",
        "email_exact_domain",
        "email_go_on",
    ],
)
def test_an_entry_says_how_it_ends(language: str, name: str) -> None:
    """The last word of an entry is the key that ends it."""
    ends = {"en-US": "pound.", "es-US": "la tecla de gato."}
    assert spoken(name, language).endswith(ends[language])


@pytest.mark.requirement("R08")
@each_language
def test_the_code_for_letters_is_told_as_it_is(language: str) -> None:
    """The keys that the prompts name for signs and letters are those of the keypad."""
    texts = spoken("email_exact", language) + spoken("email_exact_help", language)
    pad = EmailPad()
    told = {
        "c": "press 2, then 3|2 y luego 3",
        ".": "A dot is 1 twice|Punto es dos veces el 1",
        "-": "A dash is 1, then 2|Guion medio es 1 y luego 2",
        "_": "An underscore is 1, then 3|Guion bajo es 1 y luego 3",
        "+": "A plus is 1, then 4|Más es 1 y luego 4",
    }
    for character, words in told.items():
        (found,) = {found.group() for found in re.finditer(words, texts)}  # one, if it occurs twice
        code = "".join(re.findall("[0-9]", found))
        twice = re.search("twice|dos veces", found)
        assert pad.spell(code * 2 if twice else code).text == character
    assert re.search("Q (is on|está en el) 7.*Z (is on|en el) 9", texts)
    assert (pad.code("q")[0], pad.code("z")[0]) == ("7", "9")


@pytest.mark.requirement("R53")
@each_language
def test_how_to_spell_is_said_in_eight_seconds(language: str) -> None:
    """The instruction before the first key takes at most 8 s; the help says where Q and Z are."""
    assert len(spoken("email_local", language).split()) * 60 / WORDS_A_MINUTE <= 8
    help_ = spoken("email_local_help", language)
    assert re.search("Q (is on|está en el) 7.*Z (is on|en el) 9", help_)


@pytest.mark.requirement("R07")
@each_language
@pytest.mark.parametrize("purpose", TextPurpose)
def test_a_text_is_asked_for_by_name_and_number(language: str, purpose: TextPurpose) -> None:
    """The question names the biller, says that it is one text, and gives the number's end."""
    text = spoken(f"text_consent_{purpose}", language)
    assert "Springfield Water" in text
    assert "0 1 2 3" in text
    assert re.search("send one text|un solo mensaje de texto", text)
    assert text.rstrip().endswith("?")


@pytest.mark.requirement("R07")
def test_what_a_text_may_cost_is_said() -> None:
    """The carriers' words are heard before the yes to a text."""
    assert spoken("text_rates", "en-US") == "Message and data rates may apply."
    assert spoken("text_rates", "es-US") == "Pueden aplicarse tarifas de mensajes y datos."


@pytest.mark.requirement("R09", "R16")
@pytest.mark.parametrize("name", NEEDED)
def test_what_a_yes_needs_is_in_both_languages(name: str) -> None:
    """Prompts that consent depends on fill the same gaps in either language."""
    english, spanish = (set(GAP.findall(CATALOG.text(name, each))) for each in LANGUAGES)
    assert english == spanish


@pytest.mark.requirement("R16")
def test_a_bill_is_spoken_of_by_its_name() -> None:
    """A bill's name in a policy fits into the sentence in its language."""
    assert said([Prompt("already", _bill("water bill"))], "en-US", CATALOG) == (
        "Your water bill already comes by e-mail."
    )
    assert said([Prompt("already", _bill("factura del agua"))], "es-US", CATALOG) == (
        "Su factura del agua ya le llega por correo electrónico."
    )


def _bill(name: str) -> tuple[tuple[str, Words], ...]:
    return (("bill", Words(name)),)
