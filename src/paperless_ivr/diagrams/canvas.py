"""An SVG under construction. It also records where its texts and lines are, for the tests."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from xml.sax.saxutils import escape, quoteattr

from attrs import define, field, frozen

from paperless_ivr.diagrams.theme import FILLS, STROKES, size_class, style
from paperless_ivr.diagrams.widths import width

Point = tuple[float, float]

BEND = 7.0
"""The radius of a line's rounded corners."""


@frozen
class Text:
    """A text with its box, and the box that it must stay in."""

    words: str
    left: float
    top: float
    right: float
    bottom: float
    inside: tuple[float, float, float, float]


@frozen
class Drawn:
    """A line that was drawn, and the name of its target."""

    points: tuple[Point, ...]
    to: str


@define
class Canvas:
    """An SVG of a given size, in pixels."""

    title: str
    about: str
    width: float
    height: float
    texts: list[Text] = field(factory=list)
    lines: list[Drawn] = field(factory=list)
    _parts: list[str] = field(factory=list)
    _inside: list[tuple[float, float, float, float]] = field(factory=list)

    def text(  # noqa: PLR0913 - the attributes of an SVG text
        self,
        x: float,
        y: float,
        words: str,
        tone: str,
        size: float,
        *,
        bold: bool = False,
        anchor: str = "start",
    ) -> float:
        """Draw a text with its baseline at `y`, and return where it ends."""
        assert tone in FILLS, tone
        wide = width(words, size, bold=bold)
        left = {"start": x, "middle": x - wide / 2, "end": x - wide}[anchor]
        inside = self._inside[-1] if self._inside else (0.0, 0.0, self.width, self.height)
        self.texts.append(Text(words, left, y - size * 0.74, left + wide, y + size * 0.22, inside))
        fitted = f' textLength="{wide:.0f}" lengthAdjust="spacingAndGlyphs"' if wide > 14 else ""
        place = f' text-anchor="{anchor}"' if anchor != "start" else ""
        kind = f"{tone} {size_class(size)}{' b' if bold else ''}"
        self._parts.append(
            f'<text x="{_number(x)}" y="{_number(y)}" class="{kind}"{place}{fitted}>'
            f"{escape(words)}</text>"
        )
        return left + wide

    def rect(  # noqa: PLR0913 - the attributes of an SVG rectangle
        self, x: float, y: float, wide: float, high: float, kind: str, *, radius: float = 4
    ) -> None:
        """Draw a box with rounded corners; `kind` names a fill, and a stroke if it has one."""
        assert all(name in FILLS or name in STROKES for name in kind.split()), kind
        dashed = ' stroke-dasharray="5 4"' if "dash" in kind.split() else ""
        self._parts.append(
            f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(wide)}" '
            f'height="{_number(high)}" rx="{radius:g}" class="{kind}"{dashed}/>'
        )

    def head(self, x: float, y: float, wide: float, high: float, kind: str) -> None:
        """Draw the upper part of a card."""
        assert kind in FILLS
        self._parts.append(
            f'<path d="M{_number(x)} {_number(y + high)}v{_number(8 - high)}q0 -8 8 -8'
            f'h{_number(wide - 16)}q8 0 8 8v{_number(high - 8)}z" class="{kind}"/>'
        )

    def rule(self, x: float, y: float, wide: float) -> None:
        """Draw the thin line above a row."""
        path = f"M{_number(x)} {_number(y)}h{_number(wide)}"
        self._parts.append(f'<path d="{path}" class="rule"/>')

    def line(self, points: Sequence[Point], *, green: bool, of: str, to: str) -> None:
        """Draw a line with an arrowhead, from a row of a card to a card."""
        kept = [points[0], *(p for p, q in zip(points[1:], points, strict=False) if p != q)]
        self.lines.append(Drawn(tuple(kept), to))
        kind = "happy" if green else "edge"
        self._parts.append(
            f'<path d="{_path(kept)}" class="{kind}" marker-end="url(#{kind}-head)" '
            f'data-from="{of}" data-to="{to}"/>'
        )

    @contextmanager
    def group(self, **attributes: str) -> Iterator[None]:
        """Group everything in the `with` block. Underscores in attribute names become hyphens."""
        told = "".join(
            f" {n.rstrip('_').replace('_', '-')}={quoteattr(v)}" for n, v in attributes.items()
        )
        self._parts.append(f"<g{told}>")
        yield
        self._parts.append("</g>")

    @contextmanager
    def within(self, x: float, y: float, wide: float, high: float) -> Iterator[None]:
        """Set the box that texts in the `with` block must stay in. A test checks that they do."""
        self._inside.append((x, y, x + wide, y + high))
        yield
        self._inside.pop()

    @contextmanager
    def link(self, href: str) -> Iterator[None]:
        """Make everything drawn in the `with` block a link, unless the address is ""."""
        if href:
            self._parts.append(f"<a href={quoteattr(href)}>")
        yield
        if href:
            self._parts.append("</a>")

    def tooltip(self, words: str) -> None:
        """Add a tooltip to the current group."""
        self._parts.append(f"<title>{escape(words)}</title>")

    def inner(self) -> str:
        """Return what was drawn, without the SVG element around it."""
        return "\n".join(self._parts)

    def element(self) -> str:
        """Return the SVG as an element for a page that contains the style sheet."""
        wide, high = _number(self.width), _number(self.height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" width="{wide}" '
            f'height="{high}" viewBox="0 0 {wide} {high}">\n{HEADS}\n{self.inner()}\n</svg>'
        )

    def svg(self) -> str:
        """Return the SVG as a standalone file."""
        wide, high = _number(self.width), _number(self.height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" '
            f'viewBox="0 0 {wide} {high}" role="img" aria-labelledby="t d">\n'
            f'<title id="t">{escape(self.title)}</title>\n'
            f'<desc id="d">{escape(self.about)}</desc>\n'
            f"<style>{style()}</style>\n{HEADS}\n"
            f'<rect width="100%" height="100%" class="paper"/>\n{self.inner()}\n</svg>\n'
        )


HEADS = "<defs>{}{}</defs>".format(
    *(
        f'<marker id="{kind}-head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="{size}" '
        f'markerHeight="{size}" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path d="M0 0L10 5L0 10z" class="{kind}-f"/></marker>'
        for kind, size in (("edge", 10), ("happy", 17))
    )
)
"""The arrowheads."""


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _path(points: Sequence[Point]) -> str:
    """Return the path of a line with rounded corners."""
    told = [f"M{_number(points[0][0])} {_number(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        bend = min(BEND, _far(before, corner) / 2, _far(corner, after) / 2)
        ax, ay = _toward(corner, before, bend)
        bx, by = _toward(corner, after, bend)
        told.append(f"L{_number(ax)} {_number(ay)}")
        told.append(f"Q{_number(corner[0])} {_number(corner[1])} {_number(bx)} {_number(by)}")
    told.append(f"L{_number(points[-1][0])} {_number(points[-1][1])}")
    return "".join(told)


def _far(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _toward(corner: Point, other: Point, by: float) -> Point:
    whole = _far(corner, other)
    return (
        corner[0] + (other[0] - corner[0]) * by / whole,
        corner[1] + (other[1] - corner[1]) * by / whole,
    )
