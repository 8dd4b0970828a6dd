"""The words of every prompt in each language. A biller's own words override the library's."""

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
"""The words in one language: the text of each entry, by name."""

GAP = re.compile(r"\{([a-z_]+)\}")
"""The pattern of a gap: a name in braces. Words are never used as format strings."""


@frozen
class Catalog:
    """The words in the languages that a policy offers. Create a catalog with `load` or `of`.

    `domains` are lowercase e-mail domains that are said as words when an address is read out
    ("gmail dot com").
    """

    books: Mapping[str, Book]
    domains: frozenset[str]

    @classmethod
    def of(cls, policy: Policy) -> "Catalog":
        """Return the catalog of a policy. Raises WordsProblems, as `load` does."""
        return cls.load(policy.languages.offered, policy.words, policy.address.domains)

    @classmethod
    def load(
        cls,
        languages: Iterable[str],
        overrides: Mapping[str, Book] | None = None,
        domains: Iterable[str] = Address().domains,
    ) -> "Catalog":
        """Return the catalog for some languages. The biller's `overrides` take precedence.

        A complete set of overrides adds a language without new code (R16). Raises WordsProblems,
        which lists every problem.
        """
        offered, own = tuple(languages), overrides or {}
        found = [str(problem) for problem in problems(offered, own)]
        if found:
            raise WordsProblems("these words cannot be used", found)
        books = {language: {**ours(language), **own.get(language, {})} for language in offered}
        return cls(books, frozenset(domain.lower() for domain in domains))

    def text(self, name: str, language: str) -> str:
        """Return an entry's words, including gaps. Raises KeyError if `language` is not loaded."""
        return self.books[language][name]

    def texts(self, names: Iterable[str], language: str) -> dict[str, str]:
        """Return the words of several entries, by name."""
        return {name: self.text(name, language) for name in names}

    @property
    def digest(self) -> str:
        """A digest of the words (the first 12 digits of their SHA-256), for `Release.words`."""
        content = json.dumps([self.books, sorted(self.domains)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def languages() -> tuple[str, ...]:
    """Return the languages that come with the library."""
    files = (file.name for file in resources.files("paperless_ivr.prompts").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


@cache
def ours(language: str) -> Book:
    """Return the library's words in a language. Empty if the library has none."""
    if language not in languages():
        return {}
    file = resources.files("paperless_ivr.prompts") / f"{language}.toml"
    return tomllib.loads(file.read_text("utf-8"))


# ── problems ─────────────────────────────────────────────────────────────────────────────


@frozen
class Problem:
    """A problem with the words of a language, or of one of its entries."""

    language: str
    says: str
    name: str = ""
    """The name of the entry. Empty if the problem is with the language as a whole."""

    def __str__(self) -> str:
        return f"{', '.join(filter(None, (self.language, self.name)))}: {self.says}"


def problems(offered: Collection[str], own: Mapping[str, Book]) -> Iterator[Problem]:
    """Yield every problem with the words in some languages, including the biller's `own` words."""
    for language in offered:
        yield from missing(language, {**ours(language), **own.get(language, {})})
    for language, book in own.items():
        yield from wrong(language, book)
    yield from unoffered(offered, own)


def unoffered(offered: Collection[str], own: Iterable[str]) -> Iterator[Problem]:
    """Yield a problem for words in a language that is neither offered nor one of the library's.

    A biller can keep words for one of the library's languages even while it is not offered.
    """
    for language in own:
        if language not in offered and language not in languages():
            yield Problem(
                language, f"this language is not offered; the policy offers {', '.join(offered)}"
            )


def missing(language: str, book: Book) -> Iterator[Problem]:
    """Yield a problem for each entry that a language lacks."""
    if not book:
        yield Problem(
            language,
            f"there are no words in this language; {', '.join(languages())} come "
            f"with the library. To add it, translate all {len(ENTRIES)} entries of en-US.toml, "
            f"and put them under words.{language} in the policy",
        )
        return
    for name in ENTRIES:
        if name not in book:
            yield Problem(language, "the words are missing", name)


def wrong(language: str, book: Book) -> Iterator[Problem]:
    """Yield the problems with the words of a language, except missing words."""
    for name, text in book.items():
        said = flaws(name, text) if name in ENTRIES else unknown(name)
        yield from (Problem(language, says, name) for says in said)


def unknown(name: str) -> Iterable[str]:
    """Yield the problem with a name that does not match any entry."""
    close = get_close_matches(name, ENTRIES, n=1)
    yield "there is no such prompt" + (f"; did you mean {close[0]}?" if close else "")


def flaws(name: str, text: str) -> Iterable[str]:
    """Yield the problems with the words of an entry."""
    if not text.strip():
        yield "the words are empty"
        return
    if re.search(r"[{}]", GAP.sub("", text)):
        yield "a brace is out of place; a gap is a name in braces, such as {key}"
    gaps = set(GAP.findall(text))
    may = ENTRIES[name]
    for gap in sorted(gaps.difference(may)):
        close = get_close_matches(gap, may, n=1)
        hint = f"did you mean {{{close[0]}}}?" if close else f"this entry allows {_list(may)}"
        yield f"unknown gap {{{gap}}}; {hint}"
    lacking = [gap for gap in NEEDED.get(name, ()) if gap not in gaps]
    if lacking:
        why = "the caller must hear before agreeing" if name in CONSENT else "the call needs"
        yield f"the words lack {_list(lacking)}, which {why}"


def _list(gaps: Iterable[str]) -> str:
    return ", ".join(f"{{{gap}}}" for gap in gaps) or "no gaps"
