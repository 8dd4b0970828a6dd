"""Catalogs: the library's words, the biller's overrides, and everything wrong with them."""

import pytest

from paperless_ivr.errors import WordsProblems
from paperless_ivr.flow.policy import Address, Languages, Policy
from paperless_ivr.flow.table import PROMPTS
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.prompts import Catalog, said
from paperless_ivr.prompts.catalog import languages, ours
from paperless_ivr.prompts.terms import ENTRIES
from tests.prompts.samples import LANGUAGES, example

CONSENT_PROMPTS = [
    *(name for name in PROMPTS if name.startswith(("confirm_", "text_consent_", "option_"))),
    "autopay_offer",
    "autopay_terms",
]


def problems(*offered: str, **own: dict[str, str]) -> tuple[str, ...]:
    """Return the problems that `load` finds; languages are written with an underscore."""
    overrides = {language.replace("_", "-"): words for language, words in own.items()}
    with pytest.raises(WordsProblems) as caught:
        Catalog.load(offered or ("en-US",), overrides)
    return caught.value.problems


@pytest.mark.requirement("R16")
def test_english_and_spanish_come_with_the_library() -> None:
    """English and Spanish are complete, and each entry is a prompt or a term."""
    assert languages() == LANGUAGES
    wrong = [
        f"{language}, {name}: {'no such prompt' if name in ours(language) else 'no words'}"
        for language in LANGUAGES
        for name in sorted(set(ours(language)) ^ set(ENTRIES))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.requirement("R16")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_library_passes_its_own_checks(language: str) -> None:
    """As a biller's words, the library's own words have no problems."""
    assert Catalog.load([language], {language: ours(language)}).books == {language: ours(language)}


@pytest.mark.requirement("R16")
def test_a_biller_overrides_any_wording() -> None:
    """The biller's words replace the library's, in that language only."""
    catalog = Catalog.load(LANGUAGES, {"en-US": {"one_moment": "Hold on."}})
    spoken = {language: catalog.text("one_moment", language) for language in LANGUAGES}
    assert spoken == {"en-US": "Hold on.", "es-US": "Un momento, por favor."}


@pytest.mark.requirement("R16")
def test_a_biller_adds_a_language_without_code() -> None:
    """A complete set of words, including terms, adds a language."""
    french = {name: text.replace("bill", "facture") for name, text in ours("en-US").items()}
    french = {name: text.replace("{facture", "{bill") for name, text in french.items()}
    catalog = Catalog.load(["fr-CA"], {"fr-CA": french})
    assert said([example("already")], "fr-CA", catalog) == "Your facture already comes by e-mail."


@pytest.mark.requirement("R16")
def test_a_language_without_words_is_told_how_to_be_added() -> None:
    """A language without words is one problem, which says what to do."""
    (problem,) = problems("en-US", "fr-CA")
    assert problem.startswith("fr-CA: there are no words in this language; en-US, es-US come")
    assert f"translate all {len(ENTRIES)} entries" in problem
    assert "words.fr-CA" in problem


@pytest.mark.requirement("R16")
def test_every_missing_prompt_of_a_new_language_is_named() -> None:
    """An incomplete language lacks each of the other entries."""
    found = problems("fr-CA", fr_CA={"one_moment": "Un instant."})
    assert found == tuple(
        f"fr-CA, {name}: the words are missing" for name in ENTRIES if name != "one_moment"
    )


@pytest.mark.requirement("R16")
def test_all_problems_are_told_at_once() -> None:
    """One error has every problem of every language, and says what to do."""
    found = problems(
        "en-US",
        "fr-CA",
        en_US={
            "greting": "Hello.",
            "greeting": "Hello from {biler}.",
            "one_moment": " ",
            "already": "Your {bill is paperless.",
            "option_yes": "For yes, press 1.",
            "confirm_on_file": "To {masked}. Agreed?",
            "end_left": "Goodbye, {name}.",
        },
        es_US={"one_moment": ""},
        es_MX={},
    )
    assert found == (
        problems("en-US", "fr-CA")[0],
        "en-US, greting: there is no such prompt; did you mean greeting?",
        "en-US, greeting: unknown gap {biler}; did you mean {biller}?",
        "en-US, one_moment: the words are empty",
        "en-US, already: a brace is out of place; a gap is a name in braces, such as {key}",
        "en-US, option_yes: the words lack {key}, which the call needs",
        "en-US, confirm_on_file: the words lack {bill}, which the caller must hear before agreeing",
        "en-US, end_left: unknown gap {name}; this entry allows no gaps",
        "es-US, one_moment: the words are empty",
        "es-MX: this language is not offered; the policy offers en-US, fr-CA",
    )


def test_an_unknown_name_that_is_like_no_other_gets_no_suggestion() -> None:
    """If no name is similar, none is suggested."""
    assert problems(en_US={"xyzzy": "Hello."}) == ("en-US, xyzzy: there is no such prompt",)


@pytest.mark.parametrize(
    "text",
    ["{", "}", "{}", "{{biller}}", "{biller!r}", "{biller.text}", "{biller:>9}", "{0}", "{a b}"],
)
def test_words_are_no_format_strings(text: str) -> None:
    """Only a name in braces is a gap; format specifications, attributes, and escapes are not."""
    assert problems(en_US={"greeting": f"Hello {text}."}) == (
        "en-US, greeting: a brace is out of place; a gap is a name in braces, such as {key}",
    )


@pytest.mark.requirement("R09", "R16")
@pytest.mark.parametrize("name", CONSENT_PROMPTS)
def test_words_for_a_consent_keep_what_must_be_heard(name: str) -> None:
    """Words that omit the bill, the address, the number, the terms, or the key are refused."""
    (problem,) = problems(en_US={name: "Do you agree?"})
    assert problem.startswith(f"en-US, {name}: the words lack {{")


def test_words_may_wait_for_a_language_of_the_library_to_be_offered() -> None:
    """Spanish words may be kept while only English is offered; they are checked, too."""
    Catalog.load(["en-US"], {"es-US": {"one_moment": "Espere."}})
    assert problems("en-US", es_US={"one_moment": ""}) == (
        "es-US, one_moment: the words are empty",
    )


@pytest.mark.requirement("R30")
def test_the_digest_names_the_words() -> None:
    """The digest is the same for the same words, and different for others."""
    same = Catalog.load(LANGUAGES).digest, Catalog.load(LANGUAGES, {}).digest
    others = (
        Catalog.load(["en-US"]).digest,
        Catalog.load(LANGUAGES, {"en-US": {"one_moment": "Hold on."}}).digest,
        Catalog.load(LANGUAGES, domains=["gmail.com"]).digest,
    )
    assert len({*same, *others}) == 4
    assert {len(digest) for digest in (*same, *others)} == {12}


def test_a_policy_makes_its_catalog() -> None:
    """Languages, words, and domains come from the policy."""
    policy = Policy(
        languages=Languages(offered=("en-US",)),
        words={"en-US": {"confirm_keyed": "{bill}: {address}"}},
        address=Address(domains=("Smith.com",)),
    )
    catalog = Catalog.of(policy)
    assert list(catalog.books) == ["en-US"]
    assert catalog.domains == {"smith.com"}


def test_a_language_that_was_not_loaded_has_no_words() -> None:
    """Using a language that the policy does not offer is a programming error."""
    with pytest.raises(KeyError, match="es-US"):
        said([Prompt("one_moment")], "es-US", Catalog.load(["en-US"]))
