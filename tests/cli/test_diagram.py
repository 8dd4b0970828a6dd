"""Diagrams from the command line."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paperless_ivr.diagrams.pictures import chapters, overview
from paperless_ivr.diagrams.text import dot, markdown
from paperless_ivr.flow.states import Phase
from paperless_ivr.flow.table import FLOW

Run = Callable[..., Any]


@pytest.mark.requirement("R44", "R55")
def test_formats(run: Run) -> None:
    """Each format shows the live table."""
    assert run("diagram").stdout == overview(FLOW).svg()
    assert run("diagram", "--chapter", "email").stdout == chapters(FLOW)[Phase.EMAIL].svg()
    assert run("diagram", "--format", "dot").stdout == dot(FLOW)
    table = run("diagram", "--format", "table", "--chapter", "email").stdout
    assert table == markdown(FLOW, Phase.EMAIL)


@pytest.mark.requirement("R55")
def test_a_call_to_light(run: Run) -> None:
    """The page has the rows that a transcript takes. A picture cannot highlight a call."""
    file = "tests/transcripts/declined.call"

    drawn = run("diagram", "--format", "html", "--transcript", file)

    (flow,) = re.findall(r'<script type="application/json" id="flow">(.*?)</script>', drawn.stdout)
    call = json.loads(flow)["call"]
    assert call[0]["state"] == "GREETING"
    assert call[-1]["row"].endswith("→ DECLINED")
    assert run("diagram", "--transcript", file).exit_code == 2


@pytest.mark.requirement("R55")
def test_under_a_policy(run: Run, tmp_path: Path) -> None:
    """Parts that the policy turns off are left out, and a chapter that is off has no picture."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[address]\nstrategies = ["on_file"]\n')

    drawn = run("diagram", "--policy", str(policy))
    assert "E-mail by keypad" not in drawn.stdout
    assert "Which address" in drawn.stdout
    off = run("diagram", "--policy", str(policy), "--chapter", "email")
    assert off.exit_code == 1
    assert "no call reaches this chapter under the policy" in off.stderr
    assert run("diagram", "--policy", str(policy), "--format", "dot").exit_code == 2
