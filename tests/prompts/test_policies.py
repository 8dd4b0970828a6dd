"""Policies from files: settings and words are checked in one pass."""

from pathlib import Path

import pytest

from paperless_ivr import load_policy
from paperless_ivr.errors import PolicyProblems
from paperless_ivr.prompts.catalog import ours
from paperless_ivr.prompts.terms import ENTRIES

pytestmark = pytest.mark.requirement("R16", "R19")


def told(tmp_path: Path, text: str) -> list[str]:
    """Return where each problem of a policy is."""
    file = tmp_path / "policy.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyProblems) as caught:
        load_policy(file)
    return list(caught.value.problems)


def places(problems: list[str]) -> list[str]:
    """Return the places of some problems."""
    return [problem.partition(":")[0] for problem in problems]


def test_a_policy_and_its_words_at_once(tmp_path: Path) -> None:
    """One error has misfits, contradictions, and words that cannot be spoken."""
    text = """
    [tries]
    silnce = 1
    [waits]
    offer = 5
    [words.en-US]
    greting = "Hello."
    offer = ""
    confirm_on_file = "Agreed?"
    one_moment = 3
    """
    problems = told(tmp_path, text)
    assert places(problems) == [
        "tries.silnce",
        "waits.offer",
        "words.en-US.one_moment",
        "words.en-US.greting",
        "words.en-US.offer",
        "words.en-US.confirm_on_file",
    ]
    assert "did you mean greeting?" in problems[3]


def test_every_entry_that_a_new_language_lacks(tmp_path: Path) -> None:
    """An incomplete language lacks each of the other entries, along with other problems."""
    text = """
    [languages]
    offered = ["en-US", "fr-CA"]
    [waits]
    offer = 5
    [words.fr-CA]
    one_moment = "Un instant."
    """
    lacking = [f"words.fr-CA.{name}" for name in ENTRIES if name != "one_moment"]
    assert places(told(tmp_path, text)) == ["waits.offer", *lacking]


@pytest.mark.parametrize("written", ["fr_CA", "french"])
def test_a_language_that_is_none_is_told_once(tmp_path: Path, written: str) -> None:
    """A malformed tag is not reported as a missing language as well."""
    text = f"""
    [languages]
    offered = ["en-US", "{written}"]
    """
    assert places(told(tmp_path, text)) == ["languages.offered"]


def test_a_language_without_words_and_words_without_a_language(tmp_path: Path) -> None:
    """Both errors say what to do."""
    text = """
    [languages]
    offered = ["en-US", "fr-CA"]
    [words.de-DE]
    """
    problems = told(tmp_path, text)
    assert places(problems) == ["words.fr-CA", "words.de-DE"]
    assert f"translate all {len(ENTRIES)} entries" in problems[0]


def test_words_that_can_be_said(tmp_path: Path) -> None:
    """A complete language in a file is accepted."""
    file = tmp_path / "policy.toml"
    lines = [f"{name} = '''{text}'''" for name, text in ours("en-US").items()]
    head = '[languages]\noffered = ["en-US", "fr-CA"]\n[words.fr-CA]\n'
    file.write_text(head + "\n".join(lines), encoding="utf-8")
    assert load_policy(file).words["fr-CA"] == ours("en-US")
