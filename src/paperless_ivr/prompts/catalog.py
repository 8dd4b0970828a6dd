"""The words of every prompt, per language: those of the library, and the biller's own over them."""

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import resources

from attrs import frozen

from paperless_ivr.errors import WordsProblems
from paperless_ivr.flow.policy import Address, Policy
from paperless_ivr.prompts.terms import CONSENT, ENTRIES, NEEDED

Book = Mapping[str, str]
"""One language: the text of every entry, by its name."""

GAP = re.compile(r"\{([a-z_]+)\}")
"""A gap: its name in braces, and nothing else. Words are never format strings."""


@frozen
class Catalog:
    """The words of the languages that a policy offers. Made by `load` or `of`, never by hand.

    `domains` are e-mail domains in small letters that are said as words when an address is
    spelled ("gmail dot com").
    """

    books: Mapping[str, Book]
    domains: frozenset[str]

    @classmethod
    def of(cls, policy: Policy) -> "Catalog":
        """The catalog of a policy; WordsProblems as for `load`."""
        return cls.load(policy.languages.offered, policy.words, policy.address.domains)

    @classmethod
    def load(
        cls,
        languages: Iterable[str],
        overrides: Mapping[str, Book] | None = None,
        domains: Iterable[str] = Address().domains,
    ) -> "Catalog":
        """The words of these languages, with the biller's own in `overrides` over them.

        Overrides that are complete make a whole language, without code (R16). Raises
        WordsProblems that names every problem at once.
        """
        offered, own = tuple(languages), overrides or {}
        found = [str(problem) for problem in problems(offered, own)]
        if found:
            raise WordsProblems("these words cannot be used", found)
        books = {language: {**ours(language), **own.get(language, {})} for language in offered}
        return cls(books, frozenset(domain.lower() for domain in domains))

    def text(self, name: str, language: str) -> str:
        """The words of an entry, with its gaps; KeyError where the language was not loaded."""
        return self.books[language][name]

    def texts(self, names: Iterable[str], language: str) -> dict[str, str]:
        """Return the words of several entries, by name."""
        return {name: self.text(name, language) for name in names}

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change with the words (SHA-256), for `Release.words`."""
        content = json.dumps([self.books, sorted(self.domains)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def languages() -> tuple[str, ...]:
    """The languages that come with the library."""
    files = (file.name for file in resources.files("paperless_ivr.prompts").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


@cache
def ours(language: str) -> Book:
    """The library's words of a language; empty where it has none."""
    if language not in languages():
        return {}
    file = resources.files("paperless_ivr.prompts") / f"{language}.toml"
    return tomllib.loads(file.read_text("utf-8"))


# ── problems ─────────────────────────────────────────────────────────────────────────────


@frozen
class Problem:
    """What is wrong with the words of a language, or with those of one entry of it."""

    language: str
    says: str
    name: str = ""
    """The entry; empty where it is the language as such."""

    def __str__(self) -> str:
        return f"{', '.join(filter(None, (self.language, self.name)))}: {self.says}"


def problems(offered: Collection[str], own: Mapping[str, Book]) -> Iterator[Problem]:
    """Everything that is wrong with the words of some languages, the biller's `own` over ours."""
    for language in offered:
        yield from missing(language, {**ours(language), **own.get(language, {})})
    for language, book in own.items():
        yield from wrong(language, book)
    yield from unoffered(offered, own)


def unoffered(offered: Collection[str], own: Iterable[str]) -> Iterator[Problem]:
    """Words in a language that nobody can choose, and that is none of the library's: a slip.

    The library's languages may keep the biller's words while they are not offered.
    """
    for language in own:
        if language not in offered and language not in languages():
            yield Problem(language, f"no such language is offered; offered: {', '.join(offered)}")


def missing(language: str, book: Book) -> Iterator[Problem]:
    """Entries that a language lacks."""
    if not book:
        yield Problem(
            language,
            f"there are no words in this language; {', '.join(languages())} come "
            f"with the library. To add it, give all {len(ENTRIES)} entries of en-US.toml in "
            f"it, under words.{language} in the policy",
        )
        return
    for name in ENTRIES:
        if name not in book:
            yield Problem(language, "the words are missing", name)


def wrong(language: str, book: Book) -> Iterator[Problem]:
    """What is wrong with the words of a language, missing ones apart."""
    for name, text in book.items():
        said = flaws(name, text) if name in ENTRIES else unknown(name)
        yield from (Problem(language, says, name) for says in said)


def unknown(name: str) -> Iterable[str]:
    """A name that nothing is called by."""
    close = get_close_matches(name, ENTRIES, n=1)
    yield "there is no such prompt" + (f"; did you mean {close[0]}?" if close else "")


def flaws(name: str, text: str) -> Iterable[str]:
    """What is wrong with the words of an entry."""
    if not text.strip():
        yield "the words are empty"
        return
    if re.search(r"[{}]", GAP.sub("", text)):
        yield "the braces are broken; a gap is a name in braces, as in {key}"
    gaps = set(GAP.findall(text))
    may = ENTRIES[name]
    for gap in sorted(gaps.difference(may)):
        close = get_close_matches(gap, may, n=1)
        hint = f"did you mean {{{close[0]}}}?" if close else f"it may have {_list(may)}"
        yield f"nothing fills {{{gap}}}; {hint}"
    lacking = [gap for gap in NEEDED.get(name, ()) if gap not in gaps]
    if lacking:
        why = "a yes counts only after it was heard" if name in CONSENT else "the call needs it"
        yield f"the words leave out {_list(lacking)}; {why}"


def _list(gaps: Iterable[str]) -> str:
    return ", ".join(f"{{{gap}}}" for gap in gaps) or "no gaps"
