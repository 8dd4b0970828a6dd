"""Diagrams from the command line."""

import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from paperless_ivr.flow.diagrams import dot, markdown, mermaid
from paperless_ivr.flow.states import Phase
from paperless_ivr.flow.table import FLOW

Run = Callable[..., Any]


@pytest.mark.requirement("R44")
def test_formats(run: Run) -> None:
    """Each is of the live table."""
    assert run("diagram").stdout == mermaid(FLOW)
    assert run("diagram", "--format", "dot").stdout == dot(FLOW)
    assert run("diagram", "--format", "table", "--phase", "email").stdout == markdown(
        FLOW, Phase.EMAIL
    )


def test_svg(run: Run) -> None:
    """Graphviz draws it; CI has Graphviz."""
    done = run("diagram", "--format", "svg", "--phase", "person")
    if shutil.which("dot") is None and not os.environ.get("CI"):
        assert done.exit_code == 1
        return
    assert done.exit_code == 0
    assert "<svg" in done.stdout


def test_svg_without_graphviz(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setenv("PATH", "")
    done = run("diagram", "--format", "svg")
    assert done.exit_code == 1
    assert "apt-get install graphviz" in done.stderr
