"""`paperless-ivr transcripts`: the set is complete, reproducible, and overwrites nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paperless_ivr.transcripts import differences, read, rows_taken
from tests.counts import heavy
from tests.tracing import COVER

Run = Callable[..., Any]

CLOSED = """[offer]
moments = []

[back_to_paper]
by_phone = false
"""
"""A policy under which little can happen."""


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """The file of that policy, next to the folder of the calls."""
    file = tmp_path / "closed.toml"
    file.write_text(CLOSED)
    return file


def texts(folder: Path) -> dict[str, bytes]:
    """Return the contents of a folder."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.requirement("R43")
def test_calls_of_a_policy(run: Run, tmp_path: Path, closed: Path) -> None:
    """Each call replays, and takes a row that no other does. Repeating gives the same bytes."""
    folder = tmp_path / "calls"
    done = run("transcripts", "--cover", str(folder), "--policy", str(closed))
    assert done.exit_code == 0, done.output
    calls = [read(file) for file in folder.iterdir()]
    assert [differences(call) for call in calls] == [""] * len(calls)
    taken = [rows_taken(call) for call in calls]
    whole = set().union(*taken)
    for rows in taken:
        assert set().union(*(other for other in taken if other is not rows)) < whole
    assert f"{len(whole)} of " in done.output
    assert "offer: chose yes; then account\n" in done.output  # rows that cannot be taken
    first = texts(folder)
    run("transcripts", "--cover", str(folder), "--policy", str(closed))
    assert texts(folder) == first


@pytest.mark.requirement("R42", "R43")
@pytest.mark.prove
def test_the_kept_set(run: Run, tmp_path: Path, closed: Path) -> None:
    """The set in tests/cover is what the command writes for the policies of the proof."""
    which = heavy(("--policy", str(closed)), ())
    done = run("transcripts", "--cover", str(tmp_path / "calls"), *which)
    assert done.exit_code == 0, done.output
    if not which:
        assert texts(tmp_path / "calls") == texts(COVER), "make cover"


def test_what_was_left_over_is_removed(run: Run, tmp_path: Path, closed: Path) -> None:
    """A call of an earlier run that is no longer in the set is removed."""
    folder = tmp_path / "calls"
    folder.mkdir()
    old = next(COVER.glob("*.call"))
    (folder / "old.call").write_bytes(old.read_bytes())
    run("transcripts", "--cover", str(folder), "--policy", str(closed))
    assert not (folder / "old.call").exists()


@pytest.mark.parametrize("name", ["mine.call", "mine.toml"])
def test_files_of_others_are_not_touched(run: Run, tmp_path: Path, name: str) -> None:
    """A folder with a transcript or policy that the command did not write is refused."""
    (tmp_path / name).write_text("# Mine.\n")
    done = run("transcripts", "--cover", str(tmp_path))
    assert done.exit_code == 2
    assert name in done.stderr
    assert texts(tmp_path) == {name: b"# Mine.\n"}
