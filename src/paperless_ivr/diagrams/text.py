"""The live table as text: a raw graph for Graphviz, and tables in Markdown.

A drawing shows the whole flow, or one phase and the states that its transitions lead to. Unlike the
tables, drawings leave out transitions back to the same state and, in the whole flow, hang-ups. A
single dashed arrow to a note replaces the many transitions back from an unanswered transfer.
"""

from collections.abc import Iterable, Iterator

from attrs import frozen

from paperless_ivr.flow.events import Arrived, HungUp
from paperless_ivr.flow.rows import Row, Table, always
from paperless_ivr.flow.states import Kind, Phase, State
from paperless_ivr.flow.table import BLOCKS

BACK = "back to the question where 0 was pressed"
"""The note that stands for all questions that a transfer can return to."""

STYLES = {
    Kind.ASK: ("#e7f0fd", "#2b6cb0"),
    Kind.DO: ("#fdf3e0", "#b7791f"),
    Kind.PASS: ("#f4f4f5", "#71717a"),
    Kind.END: ("#e6f6ea", "#2f855a"),
}
"""The fill and line colors of each kind of state."""

DOT_SHAPES = {
    Kind.ASK: "box",
    Kind.DO: "box3d",
    Kind.PASS: "hexagon",
    Kind.END: "box",
}


@frozen
class Arrow:
    """An arrow from one state to another, with the rows that lead there, one per line."""

    source: State
    to: State
    labels: tuple[str, ...]


def label(row: Row) -> str:
    """Return a row's condition in words: its events and its guard."""
    events = " or ".join(e.__name__ for e in row.events if e is not Arrived)
    guard = "" if row.when is always else row.when.__name__.replace("_", " ")
    return " · ".join(part for part in (events, guard) if part) or "otherwise"


def arrows(table: Table, phase: Phase | None = None) -> tuple[Arrow, ...]:
    """Return the arrows that are drawn between states, in the table's order."""
    found: dict[tuple[State, State], dict[str, None]] = {}
    for source, rows in table.items():
        if phase is not None and source.phase is not phase:
            continue
        for row in rows:
            if row.to is None or row.to is source or _returns(source, row):
                continue
            if phase is None and row.events == (HungUp,):
                continue
            found.setdefault((source, row.to), {})[label(row)] = None
    return tuple(Arrow(source, to, tuple(labels)) for (source, to), labels in found.items())


def _returns(source: State, row: Row) -> bool:
    """Whether a row leads from a transfer back to the question before it."""
    return source is State.TRANSFERRING and row.to is not None and row.to.kind is Kind.ASK


def _drawn(table: Table, phase: Phase | None) -> dict[Phase, list[State]]:
    """Return the states that are drawn, by phase, in the order of the table."""
    met = {state for arrow in arrows(table, phase) for state in (arrow.source, arrow.to)}
    met |= {state for state in table if phase in (None, state.phase)}
    grouped = ((of, [s for s in State if s in met and s.phase is of]) for of in Phase)
    return {of: states for of, states in grouped if states}


def _notes(table: Table, phase: Phase | None) -> bool:
    """Whether the note on transfers is drawn."""
    if phase not in (None, Phase.AGENT):
        return False
    return any(_returns(State.TRANSFERRING, row) for row in table.get(State.TRANSFERRING, ()))


# ── Graphviz ─────────────────────────────────────────────────────────────────────────────


def dot(table: Table, phase: Phase | None = None) -> str:
    """Return a Graphviz drawing of the whole table, or of a phase."""
    return "\n".join(_dot(table, phase)) + "\n"


def _dot(table: Table, phase: Phase | None) -> Iterator[str]:
    yield "digraph call {"
    yield '    graph [rankdir=TB, fontname="Helvetica", newrank=true];'
    yield '    node [fontname="Helvetica", fontsize=11, style="filled"];'
    yield '    edge [fontname="Helvetica", fontsize=9];'
    for of, states in _drawn(table, phase).items():
        yield f"    subgraph cluster_{of.name} {{"
        yield f"        label={_dot_text(of.value)};"
        for state in states:
            yield f"        {state.name} [{_dot_style(state)}];"
        yield "    }"
    for arrow in arrows(table, phase):
        yield f"    {arrow.source.name} -> {arrow.to.name} [label={_dot_text(*arrow.labels)}];"
    if _notes(table, phase):
        yield f"    BACK [label={_dot_text(BACK)}, shape=note, fillcolor=white];"
        yield f"    {State.TRANSFERRING.name} -> BACK [style=dashed];"
    yield "}"


def _dot_style(state: State) -> str:
    fill, line = STYLES[state.kind]
    style = "filled,rounded,bold" if state.kind is Kind.END else "filled"
    return (
        f'shape={DOT_SHAPES[state.kind]}, style="{style}", fillcolor="{fill}", color="{line}", '
        f"tooltip={_dot_text(BLOCKS[state].purpose)}"
    )


def _dot_text(*lines: str) -> str:
    return '"' + "\\n".join(i.replace("\\", "\\\\").replace('"', '\\"') for i in lines) + '"'


# ── Markdown ─────────────────────────────────────────────────────────────────────────────


def markdown(table: Table, phase: Phase | None = None) -> str:
    """Return every state and its transitions as Markdown tables, with one section per phase."""
    sections = (_section(table, of) for of in Phase if phase in (None, of))
    return "\n".join(line for section in sections for line in section)


def _section(table: Table, phase: Phase) -> Iterator[str]:
    states = [state for state in State if state.phase is phase]
    yield f"## {phase.value}"
    yield ""
    if phase is Phase.END:
        yield from _rows(
            ("Ending", "Meaning"), ((f"`{s.name}`", BLOCKS[s].purpose) for s in states)
        )
        return
    for state in states:
        yield f"### {state.name}"
        yield ""
        yield f"{BLOCKS[state].purpose} *({state.kind.value})*"
        yield ""
        heads = ("On", "When", "To", "Remembered", "Said")
        yield from _rows(heads, map(_cells, table.get(state, ())))


def _cells(row: Row) -> tuple[str, ...]:
    return (
        " or ".join(event.__name__ for event in row.events),
        "" if row.when is always else row.when.__name__,
        f"`{row.to.name}`" if row.to else "*here*",
        "" if row.keep.__name__ == "nothing" else row.keep.__name__,
        f"`{row.say}`" if row.say else "",
    )


def _rows(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _line(heads)
    yield _line(["---"] * len(heads))
    yield from map(_line, rows)
    yield ""


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
