"""A report as a picture: a funnel for each group, from left to right and from top to bottom."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paperless_ivr.cli.report_forms import Report
from paperless_ivr.records.funnel import Funnel, Group, Stage

ACROSS = 3
WIDE, HIGH = 4.4, 2.8
"""Inches of one funnel."""
BAR, GHOST = "#1f5a8a", "#d9e2ea"
"""Reached, and lost on the way from the stage before: they differ in brightness, too."""


def draw(report: Report, file: Path) -> None:
    """Draws the funnels to a file; its name says in which form."""
    number = max(len(report.funnels), 1)
    across = min(number, ACROSS)
    down = -(-number // across)
    figure = Figure(figsize=(WIDE * across, HIGH * down), layout="constrained")
    places = figure.subplots(down, across, squeeze=False).flat
    for place in places:
        place.set_axis_off()
    for place, (group, funnel) in zip(figure.axes, report.funnels.items(), strict=False):
        _draw(place, group, funnel)
    # text stays text, to be searched and read aloud; the same report is the same file
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "paperless_ivr"}):
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def _draw(place: Axes, group: Group, funnel: Funnel) -> None:
    place.set_axis_on()
    stages = list(Stage)
    reached = [funnel.reached[stage] for stage in stages]
    before = [reached[0], *reached[:-1]]
    place.barh([stage.label.replace("_", " ") for stage in stages], before, color=GHOST)
    place.barh(range(len(stages)), reached, color=BAR)
    offered = funnel.reached[Stage.OFFERED]
    for at, (stage, number) in enumerate(zip(stages, reached, strict=True)):
        share = f" · {number / offered:.0%}" if offered and stage >= Stage.OFFERED else ""
        place.annotate(
            f"{number:,}{share}",
            (before[at], at),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    place.set_xlim(0, max(reached[0], 1) * 1.35)
    place.invert_yaxis()
    place.set_xticks([])
    place.tick_params(length=0, labelsize=8)
    place.spines[:].set_visible(False)
    named = (group.biller, group.day, group.moment, group.language)
    place.set_title(" · ".join(name for name in named if name), fontsize=9, loc="left")
