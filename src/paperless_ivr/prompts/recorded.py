"""Speech as recorded files: every phrase that calls under a policy can play, and its file.

    phrases(policy)              every phrase, for a voice studio or a synthesizer
    Recordings.read(folder)      the existing files, by the words in them

A prompt with gaps consists of several phrases. Its gaps are filled with other phrases, or with
numbers, letters, amounts, and dates, which a runtime assembles from its own sounds. A list next to
the files (`phrases.csv`) contains the words in each file. If the words of a prompt change, its
recording therefore counts as missing, and the old words are not played.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from attrs import field, frozen

from paperless_ivr.flow.policy import Policy
from paperless_ivr.prompts.catalog import GAP, Catalog
from paperless_ivr.prompts.terms import ENTRIES

LIST = "phrases.csv"
COLUMNS = ("language", "file", "text")
EXTENSIONS = ("wav", "ulaw", "alaw", "gsm", "sln", "g722", "sln16", "wav49", "WAV")
"""The extensions of recordings: some of those that Asterisk can play (formats/ in its source)."""

EDGES = " \t\n.,;:!?¡¿"
"""Characters that are not spoken at the edges of a phrase."""


def bare(text: str) -> str:
    """Return the spoken part of a text, without the symbols and spaces around it."""
    return " ".join(text.split()).strip(EDGES)


@frozen
class Phrase:
    """Words recorded in one piece."""

    language: str
    name: str
    """The name of the phrase's file, without the folder and the extension."""
    text: str

    @property
    def file(self) -> str:
        """The path of the phrase's file in the folder of recordings, without the extension."""
        return f"{self.language}/{self.name}"


def phrases(policy: Policy) -> tuple[Phrase, ...]:
    """Return every phrase that calls under a policy can play, in order and without duplicates."""
    catalog = Catalog.of(policy)
    found: dict[tuple[str, str], Phrase] = {}
    files: set[tuple[str, str]] = set()
    for language in policy.languages.offered:
        for name, text in _named(policy, catalog, language):
            said = bare(text)
            if not said or (language, said) in found:
                continue
            file = name
            while (language, file) in files:  # two names can differ only in a symbol
                file += "-x"
            files.add((language, file))
            found[language, said] = Phrase(language, file, text.strip())
    return tuple(found.values())


def _named(policy: Policy, catalog: Catalog, language: str) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of phrases, possibly with duplicates."""
    book = catalog.books[language]
    for name in ENTRIES:
        parts = GAP.split(book[name])[::2]
        for number, part in enumerate(parts):
            yield (name if len(parts) == 1 else f"{name}-{number + 1}"), part
    for key in "0123456789":
        yield f"key-{key}", key
    yield "biller", policy.biller.name
    for kind, names in policy.bills.names.items():
        yield f"bill-{_filed(kind)}", names.get(language, "")
    yield "autopay-terms", policy.autopay.terms.get(language, "")
    yield "offer-incentive", policy.offer.incentive.get(language, "")
    for domain in policy.address.domains:
        for part in re.split(r"[.-]", domain):
            yield f"domain-{_filed(part)}", part


def _filed(text: str) -> str:
    """Return a form of a text that can be part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"


@frozen
class Recordings:
    """The files in a folder, by the words in them."""

    folder: Path
    files: Mapping[tuple[str, str], str] = field(repr=False)
    """The path of each file in the folder, without the extension, by language and spoken text."""

    @classmethod
    def read(cls, folder: Path) -> "Recordings":
        """Return the files that exist in a folder and are on its list."""
        there = {
            (phrase.language, bare(phrase.text)): phrase.file
            for phrase in listed(folder)
            if any((folder / f"{phrase.file}.{extension}").is_file() for extension in EXTENSIONS)
        }
        return cls(folder, there)

    def file(self, language: str, text: str) -> str | None:
        """Return the recording of a text, or None if there is none."""
        return self.files.get((language, bare(text)))

    def missing(self, wanted: Iterable[Phrase]) -> tuple[Phrase, ...]:
        """Return the phrases that have no recording."""
        return tuple(p for p in wanted if self.file(p.language, p.text) is None)


def listed(folder: Path) -> tuple[Phrase, ...]:
    """Return the phrases on a folder's list. Empty if the folder has no list."""
    if not (folder / LIST).is_file():
        return ()
    with (folder / LIST).open(encoding="utf-8", newline="") as lines:
        rows = [[row.get(column) or "" for column in COLUMNS] for row in csv.DictReader(lines)]
    return tuple(Phrase(language, file.rpartition("/")[2], text) for language, file, text in rows)


def table(wanted: Iterable[Phrase]) -> str:
    """Return phrases as CSV (RFC 4180), for a voice studio or as a folder's list."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows((phrase.language, phrase.file, phrase.text) for phrase in wanted)
    return out.getvalue()
