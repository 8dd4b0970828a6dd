"""The examples run, and end as they say."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

LAST_LINES = {
    "day_of_calls.py": "100 hand-overs, and 35 things done after them",
    "drive_by_hand.py": "disposition: enrolled",
    "enroll_in_paperless.py": "ErrorCode: 401",
    "flask_app.py": "after_payment: not_offered",
    "own_gateway.py": "every promise that it claims is kept",
    "own_policy.py": "after: Get your bills by e-mail? For yes, press 1. For no, 2.",
    "replay_transcripts.py": "all as written",
    "twilio_host.py": (
        "<Response><Redirect>https://ivr.example.com/twilio/begin?moment=after_payment"
        "&amp;language=en-US&amp;identity=account_keyed&amp;payment_guid=p-1"
        "&amp;payment_approved=yes</Redirect></Response>"
    ),
}


def test_each_example_is_here() -> None:
    """A new example is given its last line."""
    assert {file.name for file in EXAMPLES.glob("*.py")} == set(LAST_LINES)


@pytest.mark.parametrize(("name", "last"), LAST_LINES.items())
def test_an_example_runs(name: str, last: str) -> None:
    """It exits with 0, and its last line is the one it promises."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == last
