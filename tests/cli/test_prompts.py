"""`paperless-ivr prompts`: the list and the files."""

import csv
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paperless_ivr.cli.setups import demo_policy
from paperless_ivr.prompts.listening import PAGE
from paperless_ivr.prompts.recorded import phrases

Run = Callable[..., Any]
POLICY = Path(__file__).parents[2] / "examples" / "policies" / "english-only.toml"
pytestmark = pytest.mark.requirement("R41")


def test_the_list(run: Run) -> None:
    """Every phrase in every language, as CSV on stdout."""
    rows = list(csv.DictReader(io.StringIO(run("prompts").stdout)))
    assert len(rows) == len(phrases(demo_policy()))
    assert {row["language"] for row in rows} == {"en-US", "es-US"}


def test_one_language(run: Run) -> None:
    """Only the phrases of that language."""
    rows = list(csv.DictReader(io.StringIO(run("prompts", "--language", "es-US").stdout)))
    assert {row["language"] for row in rows} == {"es-US"}


def test_a_policy_s_own_words(run: Run) -> None:
    """The list is that of the policy, with its languages and names."""
    done = run("prompts", "--policy", str(POLICY))
    assert "es-US" not in done.stdout
    assert done.exit_code == 0


def test_a_policy_that_is_not_in_force_yet(run: Run, tmp_path: Path) -> None:
    """A policy's phrases are recorded before the first day on which calls say them."""
    file = tmp_path / "next.toml"
    file.write_text("[about]\nin_force_from = 2999-01-01\n", encoding="utf-8")
    done = run("prompts", "--policy", str(file))
    assert (done.exit_code, done.stderr) == (0, "")
    assert "en-US,en-US/offer,Would you like" in done.stdout


def test_a_language_that_is_not_offered(run: Run) -> None:
    """The error says which ones are."""
    done = run("prompts", "--language", "fr-CA")
    assert done.exit_code == 2
    assert "en-US, es-US" in done.stderr


def test_the_help_names_the_page(run: Run) -> None:
    """The help names the page for listening."""
    assert PAGE in " ".join(run("prompts", "--help").stdout.split())


@pytest.mark.long
@pytest.mark.skipif(
    shutil.which("espeak-ng") is None and os.environ.get("CI") != "true",
    reason="espeak-ng is not installed",
)
def test_rendering(run: Run, tmp_path: Path) -> None:
    """All phrases get files, once."""
    short = tmp_path / "policy.toml"
    short.write_text(POLICY.read_text("utf-8"), encoding="utf-8")
    to = tmp_path / "sounds"
    first = run("prompts", "--policy", str(short), "--render", str(to))
    again = run("prompts", "--policy", str(short), "--render", str(to))
    assert first.exit_code == 0, first.stderr
    number = len(list(to.rglob("*.wav")))
    assert first.stdout.endswith(f", {number} of them newly rendered\n")
    assert again.stdout.endswith(", 0 of them newly rendered\n")
