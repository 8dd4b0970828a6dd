"""The proof from the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paperless_ivr.cli.verify import HELD, told
from paperless_ivr.flow.policy import Policy
from paperless_ivr.proof.cases import Proof, cases
from paperless_ivr.proof.exploration import Counterexample, Walk

Run = Callable[..., Any]


def test_a_proof_names_what_holds_and_what_is_not_covered() -> None:
    """The proof lists invariants by name, counts rows, and lists rows that it should have taken."""
    proof = Proof(Walk(1200, 3400, took={"a"}), 1.5, frozenset({"a", "b"}))
    lines = told(proof, whole=True)
    assert lines[0] == "1,200 calls, 3,400 moves, 1.5 seconds"
    assert [line.removeprefix("  holds   ") for line in lines[1:-2]] == list(HELD)
    assert lines[-2:] == ["rows of the table taken: 1/2", "  not taken: b"]
    assert told(proof, whole=False)[-1] == "rows of the table taken: 1/2"


def test_what_is_broken_is_named_with_its_case() -> None:
    """The invariant, the case, and the problem are named."""
    found = Counterexample("promised keys work", "1 does nothing", ())
    case = cases()[0]
    proof = Proof(Walk(found=[found]), 0.1, frozenset(), ((case, found),))
    lines = told(proof, whole=True)
    at = lines.index("  BROKEN  promised keys work")
    assert lines[at + 1].strip() == f"{case.name}: 1 does nothing"


@pytest.mark.requirement("R19")
def test_a_bad_policy_is_told_before_the_proof(run: Run, tmp_path: Path) -> None:
    """A bad policy is reported with status 2."""
    file = tmp_path / "policy.toml"
    file.write_text("[tries]\nsilence = 9\n")
    done = run("verify", "--policy", str(file))
    assert done.exit_code == 2
    assert "tries.silence" in done.stderr


@pytest.mark.requirement("R42")
@pytest.mark.long
def test_a_policy_is_proved(run: Run, tmp_path: Path) -> None:
    """The processes exchange no calls, because personal data cannot be pickled."""
    file = tmp_path / "policy.toml"
    file.write_text(
        "[tries]\nsilence = 0\nwrong = 0\nrepeats = 1\n[text]\nafter_enrolment = []\n"
        '[address]\nstrategies = ["on_file"]\n[bills]\nanother = false\n'
    )
    done = run("verify", "--policy", str(file), "--write", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count(" calls, holds") == len(cases(Policy()))
