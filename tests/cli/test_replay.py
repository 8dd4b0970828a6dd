"""`paperless-ivr replay`: differences are shown, and make it fail."""

from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from paperless_ivr.cli import main

FILE = Path("tests/transcripts/enrolled.call")


def replay(*arguments):
    """Run the command."""
    try:
        return CliRunner().invoke(main, ["replay", *map(str, arguments)])
    finally:
        structlog.reset_defaults()  # otherwise, later tests in this process log like a command


@pytest.mark.requirement("R43")
def test_as_written():
    """If all transcripts match, the exit status is 0."""
    result = replay(FILE)

    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "1 transcript, 0 differ")


@pytest.mark.requirement("R43")
def test_a_difference(tmp_path):
    """A transcript that differs is shown as a diff with status 1, and can be rewritten."""
    text = FILE.read_text(encoding="utf-8")
    other = tmp_path / "other.call"
    other.write_text(text.replace("ends       enrolled", "ends       declined"), encoding="utf-8")
    result = replay(other)

    assert result.exit_code == 1
    assert "-ends       declined" in result.output
    assert "+ends       enrolled" in result.output

    replay(other, "--update")

    assert text == other.read_text(encoding="utf-8")


def test_an_answer_that_is_not_used(tmp_path):
    """Anything left over after the end makes the replay fail."""
    more = tmp_path / "more.call"
    text = FILE.read_text(encoding="utf-8")
    more.write_text(text.replace("ends ", "presses    1\nends "), encoding="utf-8")
    result = replay(more)

    assert result.exit_code == 1
    assert "never used" in result.output
