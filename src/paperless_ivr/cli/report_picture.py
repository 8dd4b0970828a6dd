"""A picture of a report: all calls of a biller and where they were lost, then each group."""

import textwrap
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.layout_engine import ConstrainedLayoutEngine

from paperless_ivr.cli.report_forms import Report
from paperless_ivr.cli.report_words import MOMENTS, STAGES, lost_by
from paperless_ivr.flow.host import Moment
from paperless_ivr.records.funnel import By, Funnel, Group, Stage, total

ACROSS = 3
WIDE, HIGH, AROUND = 4.4, 2.8, 1.0
"""In inches: the width and height of one funnel, and the space above and below all of them."""
BAR, GHOST, INK, GRAY = "#1f5a8a", "#d9e2ea", "#18181b", "#52525b"
"""The colors of calls that reached a step, calls lost since the step before, text, and minor text.

The first two also differ in brightness.
"""
CAUSES_AT = 1.25
"""Where the text about the causes of losses begins, as a multiple of the longest bar."""
LINES, LETTERS = 2, 105
"""The space for the causes of losses: lines, and letters per line. Causes that do not fit are only
counted."""


def draw(report: Report, names: Mapping[str, str], file: Path) -> None:
    """Draw the funnels. The file's extension sets the format. `names` maps biller IDs to names."""
    billers = {group.biller: names.get(group.biller, group.biller) for group in report.funnels}
    rows = list(_rows(report, billers))
    height = HIGH * max(len(rows), 1) + AROUND
    room = ConstrainedLayoutEngine(rect=(0, 0.3 / height, 1, 1 - AROUND / height))
    figure = Figure(figsize=(WIDE * ACROSS, height), layout=room)
    grid = GridSpec(max(len(rows), 1), ACROSS, figure)
    for at, row in enumerate(rows):
        for column, (title, funnel) in enumerate(row):
            whole = title in billers.values()
            place = figure.add_subplot(grid[at, :] if whole else grid[at, column])
            _draw(place, title, funnel, with_causes=whole)
    figure.text(0.01, 1 - 0.08 / height, "Paperless billing by telephone", fontsize=14, va="top")
    figure.text(0.01, 1 - 0.36 / height, _told(report), fontsize=9, va="top", color=GRAY)
    _explain(figure, 0.12 / height)
    save(figure, file)


def save(figure: Figure, file: Path) -> None:
    """Save a figure. Saving the same figure again writes an identical file."""
    # keep text as text, for searching and screen readers
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "paperless_ivr"}):
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def _rows(report: Report, billers: Mapping[str, str]) -> Iterator[list[tuple[str, Funnel]]]:
    """Yield the contents of each row: all calls of a biller, then its groups, several per row."""
    for biller, name in billers.items():
        of_it = {g: f for g, f in report.funnels.items() if g.biller == biller}
        yield [(name, total(of_it.values()))]
        groups = [(_name(group, report.by), one) for group, one in of_it.items() if report.by]
        for first in range(0, len(groups), ACROSS):
            yield groups[first : first + ACROSS]


def _name(group: Group, by: Collection[By]) -> str:
    moment = MOMENTS[Moment(group.moment)] if group.moment else ""
    day = _day(date.fromisoformat(group.day)) if group.day else ""
    language = group.language or ("no offer" if By.LANGUAGE in by else "")
    return " · ".join(name for name in (day, moment, language) if name)


def _told(report: Report) -> str:
    """Return the days, the number of calls, and their outcome."""
    today = _day(report.at.date())
    if report.days is None:
        return f"No calls are on record. Drawn on {today}."
    whole = total(report.funnels.values())
    first, last = report.days
    days = f"on {_day(first)}" if first == last else f"from {_day(first)} to {_day(last)}"
    begun, offered, agreed, done = (
        f"{whole.reached[stage]:,}"
        for stage in (Stage.HANDED_OVER, Stage.OFFERED, Stage.CONFIRMED, Stage.COMPLETED)
    )
    return (
        f"{begun} calls {days}: {offered} were offered paperless billing, {agreed} agreed, and "
        f"{done} had a paperless bill by {today}. The last number grows as links are opened."
    )


def _day(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"


def _explain(figure: Figure, low: float) -> None:
    """Draw the legend, at the bottom."""
    boxes = [mpl.patches.Patch(color=color) for color in (BAR, GHOST)]
    words = ["calls that reached the step", "calls lost since the step above"]
    figure.legend(
        boxes, words, loc="lower left", ncols=2, fontsize=8, frameon=False, bbox_to_anchor=(0, 0)
    )
    words_at = "Percentages are shares of the calls that were offered paperless billing."
    figure.text(0.99, low, words_at, fontsize=8, ha="right", va="center", color=GRAY)


def _draw(place: Axes, title: str, funnel: Funnel, *, with_causes: bool) -> None:
    stages = list(Stage)
    reached = [funnel.reached[stage] for stage in stages]
    before = [reached[0], *reached[:-1]]
    place.barh([STAGES[stage] for stage in stages], before, color=GHOST)
    place.barh(range(len(stages)), reached, color=BAR)
    offered = funnel.reached[Stage.OFFERED]
    for at, (stage, number) in enumerate(zip(stages, reached, strict=True)):
        share = f" · {number / offered:.0%}" if offered and stage >= Stage.OFFERED else ""
        write_next_to(place, before[at], at, f"{number:,}{share}", INK)
        if with_causes and at:
            write_next_to(place, reached[0] * CAUSES_AT, at, causes(funnel, stages[at - 1]), GRAY)
    place.set_xlim(0, max(reached[0], 1) * (3 if with_causes else 1.35))
    place.invert_yaxis()
    place.set_xticks([])
    place.tick_params(length=0, labelsize=8)
    place.spines[:].set_visible(False)
    place.set_title(title, fontsize=11 if with_causes else 10, loc="left")
    if with_causes:
        write_next_to(
            place, reached[0] * CAUSES_AT, 0, "Why calls were lost since the step above", INK
        )


def write_next_to(place: Axes, across: float, down: int, text: str, color: str) -> None:
    """Write text to the right of a bar's end."""
    place.annotate(
        text,
        (across, down),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=color,
    )


def causes(funnel: Funnel, stage: Stage) -> str:
    """Return the reasons why hand-overs got no further than a stage, most frequent first."""
    causes: Counter[str] = Counter()
    for loss, count in funnel.lost.items():
        if loss.stage is stage:
            causes[lost_by(loss)] += count
    named = [f"{words}\N{NO-BREAK SPACE}({count:,})" for words, count in causes.most_common()]
    for kept in range(len(named), 0, -1):
        rest = causes.total() - sum(count for _, count in causes.most_common(kept))
        rarer = [f"rarer causes ({rest:,}), named in the table"] if rest else []
        lines = textwrap.wrap(", ".join([*named[:kept], *rarer]), LETTERS)
        if len(lines) <= LINES:
            return "\n".join(lines)
    return ""
