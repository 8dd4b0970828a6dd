"""A picture of what calls cost, with a bar for each path, grouped by how callers are identified."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from paperless_ivr.cli.report_picture import BAR, GHOST, GRAY, INK, save, write_next_to
from paperless_ivr.flow.call import Source
from paperless_ivr.proof.effort import Cost, Way

WIDE, BAR_HIGH, AROUND = 9.0, 0.3, 1.5
"""In inches: the width, the height of one bar, and the space above and below all bars."""
ADDRESSES = {
    Source.ON_FILE: "address on file",
    Source.LINK: "by texted link",
    Source.KEYED: "spelled by keypad",
}


def draw(found: Sequence[Way], language: str, file: Path) -> None:
    """Draw the paths that reach a registration. The file's extension sets the format."""
    costs: dict[str, Cost] = {}
    for way in found:
        if way.registered and way.address:
            costs.setdefault(f"{way.start}: {ADDRESSES[way.address]}", way.registered)
    longest = [cost.slow for cost in costs.values()]
    figure = Figure(figsize=(WIDE, BAR_HIGH * len(costs) + AROUND), layout="constrained")
    place = figure.add_subplot()
    place.barh(list(costs), longest, color=GHOST, label="waits before each key")
    place.barh(
        list(costs), [c.hears for c in costs.values()], color=BAR, label="hears every prompt"
    )
    for at, cost in enumerate(costs.values()):
        keys = "1 key" if cost.keys == 1 else f"{cost.keys} keys"
        write_next_to(place, cost.slow, at, f"{keys}, {cost.hears:.0f} s", INK)
    place.invert_yaxis()
    place.set_xlim(0, max(longest, default=1) * 1.2)
    place.set_xlabel("Seconds until the service has accepted the request", fontsize=9, color=GRAY)
    place.tick_params(length=0, labelsize=9)
    place.spines[["top", "right", "left"]].set_visible(False)
    place.legend(loc="upper right", fontsize=9, frameon=False)
    figure.suptitle(f"What a call costs its caller ({language})", x=0.01, ha="left", fontsize=13)
    save(figure, file)
