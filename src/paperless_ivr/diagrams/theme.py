"""Light and dark colors. Text on a fill named `x` has the color `xt`, or `xs` if it is small."""

from collections.abc import Iterator, Mapping

FILLS: Mapping[str, tuple[str, str]] = {
    "paper": ("#fcfcfa", "#12171d"),
    "card": ("#ffffff", "#1b222a"),
    "ink": ("#1d2733", "#e6ebf0"),
    "soft": ("#5a6472", "#a3afbb"),
    "ask": ("#1f4e79", "#2a6399"),
    "askt": ("#ffffff", "#ffffff"),
    "asks": ("#d5e4f2", "#e4f0fa"),
    "do": ("#f6dca6", "#6b4f12"),
    "dot": ("#3a2a06", "#fff1cf"),
    "dos": ("#5c4a1e", "#f0dcae"),
    "pas": ("#e1e6eb", "#37424e"),
    "past": ("#25303b", "#eef2f6"),
    "pass": ("#4a5562", "#c3ccd6"),
    "tag": ("#e6eef6", "#233445"),
    "tagt": ("#1f4e79", "#bcd9f2"),
    "done": ("#006b52", "#2fbf95"),
    "donet": ("#ffffff", "#04231a"),
    "link": ("#adc25f", "#b4f0a0"),
    "linkt": ("#242b06", "#0f2a08"),
    "later": ("#a9d3f2", "#1d5c8c"),
    "latert": ("#08324f", "#e6f4ff"),
    "no": ("#ffffff", "#1b222a"),
    "not": ("#4a4334", "#ddd6c8"),
    "cannot": ("#f9c39c", "#8f4415"),
    "cannott": ("#5c2100", "#fff1e6"),
    "agent": ("#6d3b7d", "#cda3dc"),
    "agentt": ("#ffffff", "#2a0d35"),
    "cap": ("#fff4c4", "#4b431b"),
    "capt": ("#2f2a10", "#fff2b5"),
    "usual": ("#006b52", "#4fd6ad"),
    "hot": ("#007a5e", "#2fbf95"),
    "hott": ("#ffffff", "#06241b"),
}
STROKES: Mapping[str, tuple[str, str]] = {
    "rule": ("#d9dee4", "#323c47"),
    "edge": ("#6f7b88", "#8f9ba8"),
    "happy": ("#007a5e", "#2fbf95"),
    "cardb": ("#b9c2cc", "#42505d"),
    "capb": ("#b39b34", "#a8953f"),
    "dash": ("#8d97a3", "#6d7985"),
    "nob": ("#8a8378", "#8f8878"),
}
HEADS = {"edge-f": STROKES["edge"], "happy-f": STROKES["happy"]}
"""Fills of arrowheads."""

SIZES = (9, 11, 11.5, 12, 12.5, 13, 14, 15, 16, 17, 19, 26, 30)
FONTS = 'Arial,Helvetica,"Liberation Sans",Arimo,"Nimbus Sans",sans-serif'


def size_class(size: float) -> str:
    """Return the class of a font size."""
    return f"s{size:g}".replace(".", "_")


def style(scope: str = "", dark: str = "") -> str:
    """Return the style sheet for an SVG, or for the SVGs in a page, given a scope such as "svg ".

    `dark` is the selector that matches when a page is switched to dark mode. If it is empty, the
    colors follow the system's setting.
    """
    colors = _colors(f"{dark} {scope}" if dark else scope, 1)
    rules = [
        f"{scope}text{{font-family:{FONTS}}}{scope}.b{{font-weight:700}}",
        f"{scope}.edge,{scope}.happy{{fill:none}}{scope}.edge{{stroke-width:1.5}}",
        f"{scope}.happy{{stroke-width:4}}{scope}.rule{{stroke-width:1}}",
        f"{scope}a:hover text{{text-decoration:underline}}",
        *(f"{scope}.{size_class(size)}{{font-size:{size:g}px}}" for size in SIZES),
        *_colors(scope, 0),
        *(colors if dark else ("@media (prefers-color-scheme:dark){", *colors, "}")),
    ]
    return "".join(rules)


def _colors(scope: str, theme: int) -> Iterator[str]:
    for name, colors in {**FILLS, **HEADS}.items():
        yield f"{scope}.{name}{{fill:{colors[theme]}}}"
    for name, colors in STROKES.items():
        yield f"{scope}.{name}{{stroke:{colors[theme]}}}"
