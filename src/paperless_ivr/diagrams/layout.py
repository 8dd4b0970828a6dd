"""The layout of a chapter's page: cards in three columns, with lines in lanes between them.

The states of a chapter are divided, in order, into three columns so that few lines cross and the
page is short. Lines only run forward, in lanes in the gutter next to a column, and all lines to the
same target share a trunk. A line that would cross too many others is left out, since its row names
the target anyway.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, permutations, product

from attrs import define, evolve, field, frozen

from paperless_ivr.diagrams.canvas import Point
from paperless_ivr.diagrams.chapters import Page, ref, usual
from paperless_ivr.diagrams.reading import Card, Entry
from paperless_ivr.diagrams.widths import width, wrapped
from paperless_ivr.flow.blocks import End
from paperless_ivr.flow.states import Kind, Phase, State
from paperless_ivr.flow.table import BLOCKS

COLUMNS = (28.0, 532.0, 1036.0)
CARD = 420.0
PAGE = 1504.0
TOP = 132.0
GAP = 30.0
SOURCES = 24.0
"""The height of the tags above a card."""
ROW = 24.0
LEADING = 16.0
TARGET = 228.0
"""Where a card's targets begin, measured from its left edge."""
WORDS = 50.0
"""Where sentences begin on a card with keys. On a card without keys, they begin at the margin."""
MARGIN = 12.0
LANES_AT_MOST = 5
CROSSINGS_AT_MOST = 2


Piece = tuple[float, float, float, float]
"""A straight piece of a line: x and y of its start, and x and y of its end."""
Span = tuple[float, float, float]
"""A horizontal piece (its y, lower x, and higher x), or a vertical one (x, lower y, higher y)."""
Spans = tuple[list[Span], list[Span]]


@frozen
class Part:
    """A piece of a target: a tag, or words."""

    kind: str
    text: str
    state: State | None = None

    @property
    def width(self) -> float:
        """Its width, including the padding of a tag."""
        if self.kind in ("soft", "title", "far"):
            return width(self.text, 12)
        return max(width(self.text, 11.5, bold=True) + 12, 26)


@frozen
class Placed:
    """A line of a card or of the note, with its position."""

    entry: Entry
    y: float
    height: float
    words: tuple[str, ...]
    words_x: float
    target_x: float
    parts: tuple[tuple[Part, ...], ...]
    """The parts of the target, line by line."""
    green: bool = False

    @property
    def middle(self) -> float:
        """The height at which the line to its target starts."""
        return self.y + self.height / 2

    @property
    def end(self) -> float:
        """Where the line to its target starts: just after the name of the target."""
        return self.target_x + line_width(self.parts[0]) + 8


@frozen
class Box:
    """A card or the note, with its position."""

    card: Card | None
    x: float
    y: float
    height: float
    head: float
    about: tuple[str, ...]
    rows: tuple[Placed, ...]

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height

    @property
    def entered(self) -> float:
        """The height at which lines enter the card."""
        return self.y + 25


@frozen
class Start:
    """Where a line leaves a row."""

    x: float
    y: float
    of: str
    """The name of the state."""
    green: bool


@define
class Trunk:
    """The lines to one card that share a lane and an arrowhead."""

    to: State
    gutter: int
    from_left: bool
    """Whether the lines enter the card on the left. If not, they enter on the right, from above."""
    arrow: tuple[float, float]
    starts: list[Start] = field(factory=list)
    x: float = 0.0
    far: Start | None = None
    """The line that passes a whole column, if there is one."""
    channel: tuple[float, float] | None = None
    """The lane of this line before the column, and the height at which it passes the column."""

    @property
    def green(self) -> bool:
        """Whether the usual path includes one of the lines."""
        return any(start.green for start in (*self.starts, *([self.far] if self.far else ())))

    def straighten(self) -> None:
        """Move the arrow to the height of its only line if the two are almost level."""
        x, y = self.arrow
        if len(self.starts) == 1 and self.from_left and abs(self.starts[0].y - y) < 12:
            self.arrow = x, self.starts[0].y

    def paths(self) -> Iterator[tuple[Start, Sequence[Point]]]:
        """Yield the lines from row to card."""
        x, y = self.arrow
        end = (self.x, y), (x - 1 if self.from_left else x + 1, y)
        for start in self.starts:
            yield start, ((start.x, start.y), (self.x, start.y), *end)
        if self.channel and self.far:
            lane, height = self.channel
            way = (self.far.x, self.far.y), (lane, self.far.y), (lane, height), (self.x, height)
            yield self.far, (*way, *end)

    def segments(self) -> Iterator[Piece]:
        """Yield the straight pieces of the lines. Pieces that lines share are merged."""
        x, y = self.arrow
        ys = [y, *(start.y for start in self.starts)]
        for start in self.starts:
            yield start.x, start.y, self.x, start.y
        if self.channel and self.far:
            lane, height = self.channel
            ys.append(height)
            yield self.far.x, self.far.y, lane, self.far.y
            yield lane, self.far.y, lane, height
            yield lane, height, self.x, height
        yield self.x, min(ys), self.x, max(ys)
        yield self.x, y, x, y


@frozen
class Layout:
    """A page with the positions of everything on it."""

    page: Page
    boxes: tuple[Box, ...]
    note: Box | None
    trunks: tuple[Trunk, ...]
    height: float


def line_width(parts: Sequence[Part]) -> float:
    """Return the width of a line of parts."""
    return sum(part.width for part in parts) + 6 * max(len(parts) - 1, 0)


def outcome(state: State) -> str:
    """Return the class of an ending's tag, which is its group."""
    block = BLOCKS[state]
    assert isinstance(block, End)
    return block.group.name.lower()


# ── targets ──────────────────────────────────────────────────────────────────────────────


def _parts(entry: Entry, phase: Phase, back: Sequence[State]) -> list[Part]:
    several = len(entry.targets) > 1
    parts: list[Part] = []
    for n, to in enumerate(entry.targets):
        if n and entry.fork:
            parts.append(Part("soft", "else"))
        if to is None:
            parts.append(Part("soft", entry.here))
        elif to.kind is Kind.END:
            parts.append(Part(outcome(to), BLOCKS[to].title, to))
        elif to.phase is not phase:
            parts.extend(_elsewhere(to, several=several))
        else:
            parts.append(Part("pas", ref(to), to))
            if not several:
                goes_back = to in back
                words = "goes back" if goes_back else BLOCKS[to].title
                parts.append(Part("soft" if goes_back else "title", words))
    return parts


def _elsewhere(to: State, *, several: bool) -> Iterator[Part]:
    if to.phase is Phase.AGENT and to.kind is not Kind.PASS:
        yield Part("agent", "an agent", to)
        return
    yield Part("tag", ref(to), to)
    if not several:
        yield Part("far", BLOCKS[to].title)


def _in_lines(parts: Sequence[Part], entry: Entry) -> tuple[tuple[Part, ...], ...]:
    """Break the parts of targets into lines. One or two targets stay on one line."""
    room = CARD - TARGET - MARGIN
    if len(entry.targets) <= 2:
        return (tuple(parts),)
    lines: list[list[Part]] = [[]]
    for part in parts:
        if lines[-1] and line_width([*lines[-1], part]) > room:
            lines.append([])
        lines[-1].append(part)
    return tuple(map(tuple, lines))


# ── boxes ────────────────────────────────────────────────────────────────────────────────


def _box(card: Card, x: float, y: float, phase: Phase, back: Sequence[State]) -> Box:
    block = BLOCKS[card.state]
    code = width(card.state.name, 9)
    about = wrapped(block.purpose, 12, CARD - WORDS - code - 2 * MARGIN)
    head = 34 + LEADING * len(about)
    green = usual(card)
    rows = tuple(_rows(card.entries, (x, y + head), phase, back, green))
    return Box(card, x, y, rows[-1].y + rows[-1].height + 4 - y, head, about, rows)


def _note(page: Page, x: float, y: float) -> Box:
    rows = tuple(_rows(page.note, (x, y + 34), page.phase, (), None))
    return Box(None, x, y, rows[-1].y + rows[-1].height + 8 - y, 34, (page.note_title,), rows)


def _rows(
    entries: Sequence[Entry], place: Point, phase: Phase, back: Sequence[State], green: Entry | None
) -> Iterator[Placed]:
    x, y = place
    indent = WORDS if any(entry.key for entry in entries) else MARGIN
    for entry in entries:
        parts = _in_lines(_parts(entry, phase, back), entry)
        shift = MARGIN + max(map(line_width, parts))
        left = min(TARGET, CARD - shift)
        words = wrapped(entry.words, 13, left - indent - 8, bold=entry is green)
        height = max(ROW + LEADING * (len(words) - 1), ROW + 23 * (len(parts) - 1))
        yield Placed(entry, y, height, words, x + indent, x + left, parts, entry is green)
        y += height


# ── columns ──────────────────────────────────────────────────────────────────────────────


def lay_out(page: Page) -> Layout:
    """Return the best layout of a page."""
    best: tuple[float, Layout] | None = None
    for layout in sorted((_arranged(page, cut) for cut in _cuts(page.cards)), key=_least):
        if best is not None and _least(layout) >= best[0]:
            break
        drawn = evolve(layout, trunks=tuple(_trunks(layout)))
        if best is None or _badness(drawn) < best[0]:
            best = _badness(drawn), drawn
    assert best
    return best[1]


def _least(layout: Layout) -> float:
    """Return the part of a layout's cost that does not depend on its lines."""
    return 0.4 * layout.height


def _badness(layout: Layout) -> float:
    """Return the cost of a layout: height, crossings, omitted lines, and green lines going down."""
    drawn = sum(len(trunk.starts) + bool(trunk.far) for trunk in layout.trunks)
    wanted = sum(
        to is not None and to.phase is layout.page.phase
        for box in layout.boxes
        for row in box.rows
        for to in row.entry.targets
    )
    down = sum(trunk.green and not trunk.from_left for trunk in layout.trunks)
    return _least(layout) + 30 * crossings(layout.trunks) + 45 * (wanted - drawn) + 60 * down


def _cuts(cards: Sequence[Card]) -> Iterator[tuple[Sequence[Card], ...]]:
    """Yield all divisions of cards into three columns. With enough cards, no column is empty."""
    if len(cards) < 3:
        yield (*((card,) for card in cards), *((),) * (3 - len(cards)))
        return
    for first, second in combinations(range(1, len(cards)), 2):
        yield cards[:first], cards[first:second], cards[second:]


def _arranged(page: Page, columns: Sequence[Sequence[Card]]) -> Layout:
    at = {card.state: (c, n) for c, cards in enumerate(columns) for n, card in enumerate(cards)}
    boxes: list[Box] = []
    bottoms = []
    for c, cards in enumerate(columns):
        y = TOP
        for card in cards:
            y += SOURCES if page.sources[card.state] or card.state in page.everywhere else 0
            back = [to for to, place in at.items() if place < at[card.state]]
            box = _box(card, COLUMNS[c], y, page.phase, back)
            boxes.append(box)
            y = box.bottom + GAP
        bottoms.append(y)
    note = None
    if page.note:
        lowest = min(range(3), key=lambda c: bottoms[c])
        note = _note(page, COLUMNS[lowest], bottoms[lowest])
        bottoms[lowest] = note.bottom + GAP
    return Layout(page, tuple(boxes), note, (), max(bottoms) - GAP + 30)


# ── lines ────────────────────────────────────────────────────────────────────────────────


def _trunks(layout: Layout) -> list[Trunk]:
    """Return the lines of a page, with their lanes."""
    at = {box.card.state: box for box in layout.boxes if box.card}
    column = {state: COLUMNS.index(box.x) for state, box in at.items()}
    near: dict[tuple[State, bool], Trunk] = {}
    far: list[tuple[State, Start]] = []
    for source, box in at.items():
        for row in box.rows:
            to = row.entry.targets[0]
            if to is None or to not in at or len(row.entry.targets) > 1:
                continue
            start = Start(row.end, row.middle, source.name, row.green)
            steps = column[to] - column[source]
            if steps == 2:
                far.append((to, start))
            elif steps == 1 or (steps == 0 and at[to].y > box.y):
                trunk = near.setdefault((to, steps == 1), _trunk(to, column, at[to], steps == 1))
                trunk.starts.append(start)
    trunks = list(near.values())
    for trunk in trunks:
        trunk.straighten()
    for gutter in range(3):
        own = [trunk for trunk in trunks if trunk.gutter == gutter]
        for trunk in own[LANES_AT_MOST:]:
            trunks.remove(trunk)
        own = own[:LANES_AT_MOST]
        choose_lanes(own, _lanes(gutter, len(own)))
    middle = [box for box in (*layout.boxes, layout.note) if box and box.x == COLUMNS[1]]
    for to, start in far:
        trunks = _with_far(trunks, at[to], start, middle)
    while crossings(trunks) > CROSSINGS_AT_MOST:
        trunks.remove(max(trunks, key=lambda trunk: (not trunk.green, _crossed(trunk, trunks))))
    return trunks


def _trunk(to: State, column: Mapping[State, int], box: Box, from_left: bool) -> Trunk:
    gutter = column[to] - 1 if from_left else column[to]
    edge = box.x if from_left else box.x + CARD
    return Trunk(to, gutter, from_left, (edge, box.entered))


def _lanes(gutter: int, count: int) -> list[float]:
    left = COLUMNS[gutter] + CARD
    if gutter == 2:
        return [left + 14 + 8 * n for n in range(count)]
    room = COLUMNS[gutter + 1] - left - 36
    step = min(48.0, room / max(count - 1, 1))
    return [left + 14 + step * n for n in range(count)]


def choose_lanes(trunks: Sequence[Trunk], lanes: Sequence[float]) -> None:
    """Assign lanes to trunks for the fewest crossings, and then for the shortest lines."""
    spans: dict[tuple[int, float], Spans] = {}
    for (n, trunk), x in product(enumerate(trunks), lanes):
        trunk.x = x
        spans[n, x] = _spans(trunk)
    length = {at: sum(right - left for _, left, right in flat) for at, (flat, _) in spans.items()}
    crossed = {
        (one, other): _cross(spans[one], spans[other])
        for one, other in combinations(spans, 2)
        if one[0] != other[0]
    }

    def cost(chosen: Sequence[float]) -> tuple[float, float]:
        at = list(enumerate(chosen))
        return sum(crossed[pair] for pair in combinations(at, 2)), sum(length[one] for one in at)

    best = min(permutations(lanes), key=cost)
    for trunk, x in zip(trunks, best, strict=True):
        trunk.x = x


def _with_far(trunks: list[Trunk], box: Box, start: Start, middle: Sequence[Box]) -> list[Trunk]:
    """Add a line past the middle column if it adds no crossing; a green line may add one."""
    assert box.card
    to = box.card.state
    found = next((trunk for trunk in trunks if trunk.to is to and trunk.from_left), None)
    if found is not None and found.channel is not None:
        return trunks
    trunk = found or Trunk(to, 1, True, (box.x, box.entered))
    others = [other for other in trunks if other is not trunk]
    most = crossings(trunks) - crossings(others) + start.green
    trunk.far = start
    heights = {other.channel[1] for other in others if other.channel}
    below = sorted((under.bottom + 12 for under in middle), key=lambda y: abs(y - start.y))
    for height in (y for y in below if y not in heights):
        for lane, x in product(_free(0, others), [trunk.x] if found else _free(1, others)):
            trunk.channel, trunk.x = (lane, height), x
            if _crossed(trunk, others) <= most:
                return [*others, trunk]
    trunk.far = trunk.channel = None
    return trunks


def _free(gutter: int, trunks: Sequence[Trunk]) -> list[float]:
    """Return the free lanes of a gutter."""
    taken = [trunk.x for trunk in trunks if trunk.gutter == gutter]
    taken += [trunk.channel[0] for trunk in trunks if trunk.channel and gutter == 0]
    left = COLUMNS[gutter] + CARD
    places = (left + 14 + 6 * n for n in range(9))
    return [x for x in places if all(abs(x - other) >= 6 for other in taken)]


def crossings(trunks: Sequence[Trunk]) -> int:
    """Return how often lines of different trunks cross, or run on top of each other."""
    return sum(_cross(one, other) for one, other in combinations(map(_spans, trunks), 2))


def _crossed(trunk: Trunk, trunks: Sequence[Trunk]) -> int:
    own = _spans(trunk)
    return sum(_cross(own, _spans(other)) for other in trunks if other is not trunk)


def _cross(one: Spans, other: Spans) -> int:
    """Return how many pairs of straight pieces cross, or run on top of each other."""
    (flat, upright), (other_flat, other_upright) = one, other
    return sum(
        abs(at - other_at) < 4 and max(low, other_low) < min(high, other_high)
        for own, others in ((flat, other_flat), (upright, other_upright))
        for at, low, high in own
        for other_at, other_low, other_high in others
    ) + sum(
        left < x < right and top < y < bottom
        for own, others in ((flat, other_upright), (other_flat, upright))
        for y, left, right in own
        for x, top, bottom in others
    )


def _spans(trunk: Trunk) -> Spans:
    """Return the horizontal and the vertical pieces of a trunk's lines."""
    pieces = list(trunk.segments())
    flat = [(y, min(x, to), max(x, to)) for x, y, to, end in pieces if y == end]
    upright = [(x, min(y, end), max(y, end)) for x, y, _, end in pieces if y != end]
    return flat, upright
