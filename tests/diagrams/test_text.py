"""The table as a raw graph and as Markdown."""

import os
import re
import shutil
import subprocess

import pytest

from paperless_ivr.diagrams.text import arrows, dot, markdown
from paperless_ivr.flow.events import Digits
from paperless_ivr.flow.rows import On
from paperless_ivr.flow.states import Kind, Phase, State
from paperless_ivr.flow.table import FLOW

WAYS = (None, *(phase for phase in Phase))


@pytest.mark.requirement("R44", "R40")
def test_every_state_is_drawn_and_every_row_tabled() -> None:
    """The graph has every state; the table has a line for every transition."""
    assert all(re.search(rf"^ +{state.name}\b", dot(FLOW), re.MULTILINE) for state in State)
    lines = markdown(FLOW).splitlines()
    ways = [line for line in lines if line.startswith("| ") and not line.startswith("| ---")]
    heads = len([state for state in State if state.kind is not Kind.END]) + 1
    endings = len([state for state in State if state.kind is Kind.END])
    assert len(ways) == sum(map(len, FLOW.values())) + heads + endings


@pytest.mark.requirement("R44")
def test_a_changed_table_is_another_text() -> None:
    """An added row appears in the text."""
    more = {**FLOW, State.OFFER: (*FLOW[State.OFFER], On(Digits, State.FAILED))}
    for draw in (dot, markdown):
        assert draw(more) != draw(FLOW)
        assert draw(more, Phase.ARRIVAL) != draw(FLOW, Phase.ARRIVAL)
        assert draw(more, Phase.EMAIL) == draw(FLOW, Phase.EMAIL)


def test_transfers_that_nobody_takes_are_one_note() -> None:
    """TRANSFERRING has one dashed way back, not one to each question."""
    back = [arrow for arrow in arrows(FLOW) if arrow.source is State.TRANSFERRING]
    assert {arrow.to for arrow in back} == {State.TRANSFERRED, State.GO_ON}
    assert dot(FLOW).count("TRANSFERRING -> BACK") == 1


def test_names_are_escaped() -> None:
    """A guard's name cannot break the text."""

    def guard(_: object) -> bool:
        return True

    guard.__name__ = 'a "b" | c'
    table = {State.OFFER: (On(Digits, State.LEFT, when=guard),)}
    assert '\\"b\\"' in dot(table)
    assert "\\|" in markdown(table)


@pytest.mark.requirement("R44")
@pytest.mark.parametrize("phase", WAYS, ids=str)
def test_graphviz_reads_the_graph(phase: Phase | None) -> None:
    """`dot` accepts the graph without a message."""
    program = shutil.which("dot")
    if program is None:
        assert not os.environ.get("CI"), "CI needs Graphviz: install the package graphviz"
        pytest.skip("Graphviz is not installed")
    drawn = subprocess.run(
        [program, "-Tcanon"], input=dot(FLOW, phase), capture_output=True, text=True, check=True
    )
    assert drawn.stdout
    assert drawn.stderr == ""
