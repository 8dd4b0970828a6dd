"""Speech as recorded files: every phrase that a policy's calls can say, and its file.

    phrases(policy)              every phrase, for a voice studio or a synthesiser
    Recordings.read(folder)      the files that there are, by what they say

A prompt with gaps is several phrases; what fills its gaps are phrases too, or numbers, letters,
amounts and days, which a runtime composes of sounds of its own. What a file says is on record
beside it (`phrases.csv`), so that a prompt whose words have changed is missing, not wrong.
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
"""Names of files that Asterisk plays, by its formats (formats/ in its source)."""

EDGES = " \t\n.,;:!?¡¿"
"""Written, not said, at the edges of a phrase."""


def bare(text: str) -> str:
    """A text by what is said of it: without the signs and blanks at its edges."""
    return " ".join(text.split()).strip(EDGES)


@frozen
class Phrase:
    """Words that are recorded in one piece."""

    language: str
    name: str
    """Of its file, without folder and extension."""
    text: str

    @property
    def file(self) -> str:
        """Its file in the folder of recordings, without extension."""
        return f"{self.language}/{self.name}"


def phrases(policy: Policy) -> tuple[Phrase, ...]:
    """Every phrase that calls under a policy can say, each once, in order."""
    catalog = Catalog.of(policy)
    found: dict[tuple[str, str], Phrase] = {}
    files: set[tuple[str, str]] = set()
    for language in policy.languages.offered:
        for name, text in _named(policy, catalog, language):
            said = bare(text)
            if not said or (language, said) in found:
                continue
            file = name
            while (language, file) in files:  # two bills may differ in a sign only
                file += "-x"
            files.add((language, file))
            found[language, said] = Phrase(language, file, text.strip())
    return tuple(found.values())


def _named(policy: Policy, catalog: Catalog, language: str) -> Iterator[tuple[str, str]]:
    """Names and texts, some twice."""
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
    for domain in policy.address.domains:
        for part in re.split(r"[.-]", domain):
            yield f"domain-{_filed(part)}", part


def _filed(text: str) -> str:
    """A text as part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"


@frozen
class Recordings:
    """The files of a folder, by what they say."""

    folder: Path
    files: Mapping[tuple[str, str], str] = field(repr=False)
    """By language and bare text: the file in the folder, without extension."""

    @classmethod
    def read(cls, folder: Path) -> "Recordings":
        """The files that the folder's list names and that are there."""
        there = {
            (phrase.language, bare(phrase.text)): phrase.file
            for phrase in listed(folder)
            if any((folder / f"{phrase.file}.{extension}").is_file() for extension in EXTENSIONS)
        }
        return cls(folder, there)

    def file(self, language: str, text: str) -> str | None:
        """The file that says a text; None where there is none."""
        return self.files.get((language, bare(text)))

    def missing(self, wanted: Iterable[Phrase]) -> tuple[Phrase, ...]:
        """The phrases that no file says."""
        return tuple(p for p in wanted if self.file(p.language, p.text) is None)


def listed(folder: Path) -> tuple[Phrase, ...]:
    """The phrases on a folder's list; none where it has no list."""
    if not (folder / LIST).is_file():
        return ()
    with (folder / LIST).open(encoding="utf-8", newline="") as lines:
        rows = [[row.get(column) or "" for column in COLUMNS] for row in csv.DictReader(lines)]
    return tuple(Phrase(language, file.rpartition("/")[2], text) for language, file, text in rows)


def table(wanted: Iterable[Phrase]) -> str:
    """Phrases as CSV (RFC 4180): what a voice studio gets, and what a folder's list is."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows((phrase.language, phrase.file, phrase.text) for phrase in wanted)
    return out.getvalue()
