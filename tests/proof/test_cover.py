"""The covering set: every row of the table is taken, and every call goes as before."""

from pathlib import Path

import pytest

from paperless_ivr.proof.cases import rows
from paperless_ivr.transcripts import differences, read, rows_taken
from tests.tracing import COVER, TRACES, traces

CALLS = sorted(COVER.glob("*.call"))
pytestmark = pytest.mark.requirement("R42", "R43")


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
def test_goes_as_written(path: Path) -> None:
    """Compares what is heard, and how the call ends."""
    assert differences(read(path)) == ""


def test_traces_are_as_kept() -> None:
    """Compares waits, requests, and hand-backs, and a digest of the call at every turn."""
    now, kept = (text.splitlines() for text in (traces(), TRACES.read_text("utf-8")))
    assert now == kept, "if this is meant: .venv/bin/python -m tests.tracing"


def test_every_row_is_taken() -> None:
    """A row that no call takes needs one: make cover."""
    took = {row for path in CALLS for row in rows_taken(read(path))}
    missing = sorted(rows() - took)
    assert not missing, "no call takes these rows: make cover\n" + "\n".join(missing)
