"""The cost of calls as a picture: a bar for each path, by how the caller is identified."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from paperless_ivr.cli.report_picture import BAR, GHOST, GRAY, INK, save
from paperless_ivr.flow.call import Source
from paperless_ivr.proof.effort import Way

WIDE, BAR_HIGH, AROUND = 9.0, 0.3, 1.5
"""Inches across, of one bar, and of the space above and below all of them."""
ADDRESSES = {
    Source.ON_FILE: "address on file",
    Source.LINK: "by texted link",
    Source.KEYED: "spelled by keypad",
}


def draw(found: Sequence[Way], language: str, file: Path) -> None:
    """Draw the paths that reach a registration to a file, whose extension sets the format."""
    bars = {(way.start, way.address): way for way in reversed(found) if way.registered}
    ways = list(reversed(bars.values()))
    figure = Figure(figsize=(WIDE, BAR_HIGH * len(ways) + AROUND), layout="constrained")
    place = figure.add_subplot()
    for at, way in enumerate(ways):
        cost = way.registered
        assert cost is not None
        place.barh(at, cost.slow, color=GHOST, label="waits before each key" if not at else None)
        place.barh(at, cost.hears, color=BAR, label="hears every prompt" if not at else None)
        keys = "1 key" if cost.keys == 1 else f"{cost.keys} keys"
        place.annotate(
            f"{keys}, {cost.hears:.0f} s",
            (cost.slow, at),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=INK,
        )
    named = (f"{way.start}: {ADDRESSES[way.address]}" for way in ways if way.address)
    place.set_yticks(range(len(ways)), list(named), fontsize=9)
    place.invert_yaxis()
    place.set_xlim(0, max((way.registered.slow for way in ways if way.registered), default=1) * 1.2)
    place.set_xlabel("Seconds until the service has accepted", fontsize=9, color=GRAY)
    place.tick_params(length=0, labelsize=9)
    place.spines[["top", "right", "left"]].set_visible(False)
    place.legend(loc="upper right", fontsize=9, frameon=False)
    figure.suptitle(f"What a call costs its caller ({language})", x=0.01, ha="left", fontsize=13)
    save(figure, file)
