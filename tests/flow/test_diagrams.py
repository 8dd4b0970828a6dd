"""Diagrams are drawn from the live table, and are what their tools read."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from paperless_ivr.flow.diagrams import arrows, dot, markdown, mermaid
from paperless_ivr.flow.events import Digits
from paperless_ivr.flow.rows import On
from paperless_ivr.flow.states import Kind, Phase, State
from paperless_ivr.flow.table import FLOW

WAYS = (None, *(phase for phase in Phase))


@pytest.mark.requirement("R44", "R40")
def test_every_state_is_drawn_and_every_row_tabled() -> None:
    """The whole shows every state; the table has a line for every way out."""
    for text in (mermaid(FLOW), dot(FLOW)):
        assert all(re.search(rf"^ +{state.name}\b", text, re.MULTILINE) for state in FLOW)
        assert all(re.search(rf"^ +{state.name}\b", text, re.MULTILINE) for state in State)
    lines = markdown(FLOW).splitlines()
    ways = [line for line in lines if line.startswith("| ") and not line.startswith("| ---")]
    heads = len([state for state in State if state.kind is not Kind.END]) + 1
    endings = len([state for state in State if state.kind is Kind.END])
    assert len(ways) == sum(map(len, FLOW.values())) + heads + endings


@pytest.mark.requirement("R44")
def test_a_changed_table_is_another_diagram() -> None:
    """A row that is added is drawn."""
    more = {**FLOW, State.OFFER: (*FLOW[State.OFFER], On(Digits, State.FAILED))}
    for draw in (mermaid, dot, markdown):
        assert draw(more) != draw(FLOW)
        assert draw(more, Phase.ARRIVAL) != draw(FLOW, Phase.ARRIVAL)
        assert draw(more, Phase.EMAIL) == draw(FLOW, Phase.EMAIL)


def test_the_same_table_is_the_same_text() -> None:
    """Nothing depends on the hashes of a process."""
    command = (
        "from paperless_ivr.flow.diagrams import dot, markdown, mermaid\n"
        "from paperless_ivr.flow.table import FLOW\n"
        "print(dot(FLOW), markdown(FLOW), mermaid(FLOW))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", command],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_transfers_that_nobody_takes_are_one_note() -> None:
    """TRANSFERRING has one dashed way back, not one to each question."""
    for drawn in (mermaid(FLOW), mermaid(FLOW, Phase.AGENT)):
        assert drawn.count("TRANSFERRING -.-> BACK") == 1
    back = [arrow for arrow in arrows(FLOW) if arrow.source is State.TRANSFERRING]
    assert {arrow.to for arrow in back} == {State.TRANSFERRED, State.GO_ON}
    assert "-.->" not in mermaid(FLOW, Phase.EMAIL)


@pytest.mark.parametrize("phase", WAYS, ids=str)
def test_mermaid_is_well_formed(phase: Phase | None) -> None:
    """Every line is one of a flowchart's; every end of an arrow is declared."""
    text = mermaid(FLOW, phase)
    head, *lines = text.splitlines()
    assert head == "flowchart TD"
    node = r'(\w+)(?:\[\[|\[|\{\{|\(\[)"[^"]*"(?:\]\]|\]|\}\}|\]\))'
    shapes = (
        r'    subgraph PHASE_\w+\["[^"]*"\]',
        r"    end",
        rf" +{node}",
        r'    \w+ -->\|"[^"|]*"\| \w+',
        r"    \w+ -\.-> BACK",
        r"    classDef \w+ [\w#:,]+",
        r"    class [\w,]+ \w+State",
    )
    assert [line for line in lines if not any(re.fullmatch(s, line) for s in shapes)] == []
    declared = set(re.findall(rf"^ +{node}$", text, re.MULTILINE))
    for source, to in re.findall(r"^ +(\w+) -->\|.*\| (\w+)$", text, re.MULTILINE):
        assert {source, to} <= declared


def test_mermaid_escapes_what_it_would_read_as_markup() -> None:
    """A guard's name cannot break the drawing."""

    def guard(_: object) -> bool:
        return True

    guard.__name__ = 'a "b" | <c>; #d'
    table = {State.OFFER: (On(Digits, State.LEFT, when=guard),)}
    assert "a #34;b#34; #124; #60;c#62;#59; #35;d" in mermaid(table)
    assert '\\"b\\"' in dot(table)
    assert "\\|" in markdown(table)


@pytest.mark.requirement("R44")
@pytest.mark.parametrize("phase", WAYS, ids=str)
def test_graphviz_reads_the_drawing(phase: Phase | None) -> None:
    """`dot` takes it without a word."""
    program = shutil.which("dot")
    if program is None:
        assert not os.environ.get("CI"), "CI needs Graphviz: install the package graphviz"
        pytest.skip("Graphviz is not installed")
    drawn = subprocess.run(
        [program, "-Tcanon"], input=dot(FLOW, phase), capture_output=True, text=True, check=True
    )
    assert drawn.stdout
    assert drawn.stderr == ""
