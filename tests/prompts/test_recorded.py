"""Recorded phrases: which ones there are, and which file says each."""

import csv
import io
from pathlib import Path

import pytest
from attrs import evolve

from paperless_ivr.flow.policy import Biller, Policy
from paperless_ivr.prompts import Catalog, speech
from paperless_ivr.prompts.pieces import InLanguage, Piece, Text
from paperless_ivr.prompts.recorded import LIST, Recordings, bare, listed, phrases, table
from paperless_ivr.prompts.terms import ENTRIES
from tests.prompts.samples import LANGUAGES, PROMPTS, example

POLICY = evolve(Policy(), biller=Biller("springfield-water", "Springfield Water"))
ALL = phrases(POLICY)
pytestmark = pytest.mark.requirement("R16", "R41")


POLICYS_WORDS = {"autopay_terms", "offer_incentive"}
"""Prompts that only say what the policy provides."""


def texts(pieces: tuple[Piece, ...]) -> list[str]:
    """Return the words in pieces that are not composed."""
    found: list[str] = []
    for piece in pieces:
        match piece:
            case Text(text):
                found.append(bare(text))
            case InLanguage(_, inner):
                found += texts(inner)
    return [text for text in found if text]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(PROMPTS.keys() - POLICYS_WORDS))
def test_every_prompt_is_made_of_phrases(language: str, name: str) -> None:
    """All words of a prompt are recorded, except for the test's own values in its gaps."""
    known = {phrase.text for phrase in ALL if phrase.language == language}
    bared = {bare(text) for text in known}
    prompt = example(name)
    pieces = speech(prompt, language, Catalog.of(POLICY))
    own = {  # the example's values
        "water bill",
        "factura del agua",
    }
    assert [text for text in texts(pieces) if text not in bared | own and " " in text] == []


def test_each_file_says_one_thing() -> None:
    """No two phrases share a file, and none occurs twice."""
    assert len({phrase.file for phrase in ALL}) == len(ALL)
    assert len({(p.language, bare(p.text)) for p in ALL}) == len(ALL)


def test_bills_that_differ_in_a_sign_have_files_of_their_own() -> None:
    """Types WATER-1 and WATER 1 do not share a file."""
    names = {"WATER-1": {"en-US": "first bill"}, "WATER 1": {"en-US": "second bill"}}
    policy = evolve(POLICY, bills=evolve(POLICY.bills, names=names))
    files = {p.text: p.file for p in phrases(policy) if p.name.startswith("bill-")}
    assert len(set(files.values())) == len(files) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" For your ", "For your"),
        (", press ", "press"),
        ("¿Quiere\n otra?", "Quiere otra"),
        (". ", ""),
        ("We'll e-mail you.", "We'll e-mail you"),
    ],
)
def test_what_is_said(text: str, said: str) -> None:
    """Signs at the edges are written, but not spoken."""
    assert bare(text) == said


def test_the_list_is_csv() -> None:
    """Every phrase is a row, whatever signs it contains."""
    rows = list(csv.DictReader(io.StringIO(table(ALL))))
    assert [(row["language"], row["file"], row["text"]) for row in rows] == [
        (phrase.language, phrase.file, phrase.text) for phrase in ALL
    ]
    assert len(ENTRIES) < len(ALL)


def test_a_file_that_says_something_else_is_missing(tmp_path: Path) -> None:
    """A phrase counts as recorded if the list has its words and the file exists."""
    first, second, third = ALL[:3]
    (tmp_path / LIST).write_text(table([first, evolve(second, text="Something else"), third]))
    for phrase in (first, second):
        file = tmp_path / f"{phrase.file}.gsm"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
    recordings = Recordings.read(tmp_path)
    assert recordings.missing([first, second, third]) == (second, third)
    assert recordings.file(first.language, f"{first.text}, ") == first.file
    assert listed(tmp_path)[0] == first


def test_no_list_no_recordings(tmp_path: Path) -> None:
    """A folder without a list has nothing."""
    assert Recordings.read(tmp_path).missing(ALL) == ALL
