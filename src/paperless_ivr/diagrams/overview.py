"""Draws the overview: the chapters, the main ways between them, and the meaning of each ending."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from attrs import frozen

from paperless_ivr.diagrams.canvas import Canvas, Point
from paperless_ivr.diagrams.chapters import LETTERS, USUAL
from paperless_ivr.diagrams.layout import Part, Start, Trunk, choose_lanes, outcome
from paperless_ivr.diagrams.painting import Link, files, key, tag
from paperless_ivr.diagrams.reading import Card
from paperless_ivr.diagrams.widths import wrapped
from paperless_ivr.flow.blocks import End
from paperless_ivr.flow.states import ENDS, EndingGroup, Phase, State
from paperless_ivr.flow.table import BLOCKS

WAYS: Mapping[tuple[Phase, Phase], str] = {
    (Phase.ARRIVAL, Phase.IDENTITY): "presses 1: yes",
    (Phase.ARRIVAL, Phase.CONSENT): "agrees right away: one key",
    (Phase.IDENTITY, Phase.BILL): "proves the account",
    (Phase.IDENTITY, Phase.AGENT): "no match, or service down",
    (Phase.BILL, Phase.ADDRESS): "one bill is picked",
    (Phase.BILL, Phase.PAPER): "paperless, or link not opened",
    (Phase.ADDRESS, Phase.CONSENT): "e-mail address on file",
    (Phase.ADDRESS, Phase.TEXT): "a texted link",
    (Phase.ADDRESS, Phase.EMAIL): "spelled by keypad",
    (Phase.ADDRESS, Phase.AGENT): "an agent takes it down",
    (Phase.CONSENT, Phase.AFTER): "agrees, and is enrolled",
    (Phase.CONSENT, Phase.TEXT): "agrees: the link goes out",
    (Phase.CONSENT, Phase.ADDRESS): "another address",
    (Phase.CONSENT, Phase.AGENT): "refused, or record down",
    (Phase.AFTER, Phase.BILL): "another bill",
    (Phase.AFTER, Phase.TEXT): "a text to confirm",
    (Phase.AGENT, Phase.AFTER): "a bill is already settled",
    (Phase.PAPER, Phase.TEXT): "text the link again",
    (Phase.PAPER, Phase.ADDRESS): "another address",
    (Phase.PAPER, Phase.AGENT): "paper asked for, or refused",
    (Phase.EMAIL, Phase.CONSENT): "the address is right",
    (Phase.EMAIL, Phase.ADDRESS): "too many corrections",
    (Phase.TEXT, Phase.CONSENT): "yes to a sign-up link",
    (Phase.TEXT, Phase.AFTER): "other text: sent or not",
    (Phase.TEXT, Phase.ADDRESS): "wants no text",
}
"""The main ways from chapter to chapter, in words. The first of each chapter is the usual one."""

NAMED_AFTER = {(Phase.ADDRESS, Phase.TEXT): (State.ADDRESS, State.TEXT_NUMBER)}
"""Ways labeled with one specific step. They are not shown under a policy without that step."""

RARE: Mapping[tuple[Phase, Phase], str] = {
    (Phase.ARRIVAL, Phase.ADDRESS): "another address",
    (Phase.IDENTITY, Phase.ARRIVAL): "found: the offer",
    (Phase.BILL, Phase.AFTER): "nothing is left",
    (Phase.ADDRESS, Phase.AFTER): "hung up after a yes",
    (Phase.CONSENT, Phase.PAPER): "paperless already",
    (Phase.AFTER, Phase.AGENT): "0 during the wait",
    (Phase.PAPER, Phase.BILL): "which one goes back",
    (Phase.AGENT, Phase.ADDRESS): "no agent: next way",
}
"""Ways that few calls take, in words. They appear in a note, not in the boxes."""

USED_UP = (
    "Silence or a wrong key repeats the question; too many lead to an agent. If no agent is free "
    "after 0, the question is repeated. Changes agreed to before a hang-up are still made."
)

LINES = (
    (Phase.BILL, Phase.PAPER),
    (Phase.ADDRESS, Phase.EMAIL),
    (Phase.ADDRESS, Phase.TEXT),
    (Phase.EMAIL, Phase.CONSENT),
    (Phase.TEXT, Phase.CONSENT),
    (Phase.TEXT, Phase.AFTER),
)
"""Ways that are also drawn as lines to a neighboring box."""

TRAVEL = (*pairwise(dict.fromkeys(state.phase for state in USUAL)), *LINES)
"""The usual way from chapter to chapter, and the lines to neighboring chapters."""

WIDE, HIGH = 1600.0, 1000.0
COLUMNS = (28.0, 278.0, 528.0, 790.0, 1074.0, 1340.0)
BOX = 214.0
TOP = 104.0
ROW = 25.0
UNDER: Mapping[Phase, int] = {Phase.AGENT: 1, Phase.PAPER: 2, Phase.EMAIL: 3, Phase.TEXT: 4}
"""The columns of the chapters in the second row."""

BELOW: Mapping[EndingGroup, tuple[int, int]] = {
    EndingGroup.NO: (0, 0),
    EndingGroup.CANNOT: (1, 2),
    EndingGroup.AGENT: (3, 3),
    EndingGroup.LATER: (4, 4),
    EndingGroup.DONE: (5, 5),
    EndingGroup.LINK: (5, 5),
}
"""The first and last columns of each group of endings. Groups in the same columns are stacked."""


@frozen
class Chapter:
    """A chapter as a box in the overview."""

    phase: Phase
    column: int
    about: tuple[str, ...]
    ways: tuple[tuple[Phase, str], ...]
    endings: tuple[tuple[Part, ...], ...]
    """The endings of the chapter, as lines of tags."""
    last: bool
    """Whether the usual way ends in this chapter."""

    @property
    def head(self) -> float:
        """The height of the part above the rows."""
        return 48 + 16 * len(self.about) + 3

    @property
    def height(self) -> float:
        """The height of the box."""
        rows = len(self.ways) + self.last
        return self.head + ROW * rows + 24 * len(self.endings) + 14


def pairs(cards: Mapping[State, Card]) -> set[tuple[Phase, Phase]]:
    """Return the pairs of chapters where the first leads to the second, ignoring shared lines."""
    return {
        (state.phase, to.phase)
        for state, card in cards.items()
        for entry in card.entries
        if len(entry.targets) <= 2
        for to in entry.targets
        if to is not None and to.phase not in (state.phase, Phase.END)
    }


def paint_overview(cards: Mapping[State, Card], link: Link = files) -> Canvas:
    """Draw the overview."""
    chapters = _chapters(cards)
    title = "Paperless billing by telephone: the whole call"
    ends = len(_reached(cards))
    about = (
        f"{len(chapters)} chapters, {ends} endings. A letter names the chapter in which the call "
        "continues; a tag is an ending, explained below."
    )
    canvas = Canvas(title, about, WIDE, HIGH)
    canvas.text(28, 48, title, "ink", 26, bold=True)
    end = canvas.text(28, 76, about, "soft", 14)
    with canvas.group(class_="usual-key"):
        canvas.text(end + 6, 76, "The green line is the usual way.", "usual", 14, bold=True)
    upper = [chapter for chapter in chapters if chapter.phase not in UNDER]
    lower = TOP + max(chapter.height for chapter in upper) + 34
    at = {c.phase: (COLUMNS[c.column], lower if c.phase in UNDER else TOP) for c in chapters}
    for chapter in chapters:
        _box(canvas, chapter, *at[chapter.phase], link)
    _everywhere(canvas, COLUMNS[0], lower + 4, link)
    _rarely(canvas, COLUMNS[-1], lower + 4, _told(cards, RARE), link)
    bottom = max(at[c.phase][1] + c.height for c in chapters)
    canvas.text(
        28,
        bottom + 34,
        "How a call can end: the host gets it back with one of these dispositions",
        "ink",
        14,
        bold=True,
    )
    canvas.height = _endings(canvas, bottom + 48, _reached(cards)) + 22
    _usual(canvas, upper, bottom + 48)
    _lines(canvas, chapters, at)
    return canvas


def _reached(cards: Mapping[State, Card]) -> list[State]:
    entries = [e for card in cards.values() for e in (*card.entries, *card.shared)]
    return [end for end in ENDS if any(end in entry.targets for entry in entries)]


# ── chapters ─────────────────────────────────────────────────────────────────────────────


def _chapters(cards: Mapping[State, Card]) -> list[Chapter]:
    shown = [phase for phase in LETTERS if any(state.phase is phase for state in cards)]
    ways = _told(cards, WAYS)
    upper = [phase for phase in shown if phase not in UNDER]
    return [
        Chapter(
            phase,
            UNDER[phase] if phase in UNDER else upper.index(phase),
            wrapped(phase.about, 12.5, BOX - 24),
            tuple((to, words) for (of, to), words in ways.items() if of is phase),
            _ends_of(phase, cards),
            phase is USUAL[-2].phase,
        )
        for phase in shown
    ]


def _told(
    cards: Mapping[State, Card], words: Mapping[tuple[Phase, Phase], str]
) -> dict[tuple[Phase, Phase], str]:
    """Return the listed ways that calls can take."""
    live = pairs(cards)
    return {way: words[way] for way in words if way in live and _still_so(way, cards)}


def _still_so(way: tuple[Phase, Phase], cards: Mapping[State, Card]) -> bool:
    """Whether the words of a way are correct for these cards."""
    if way not in NAMED_AFTER:
        return True
    here, there = NAMED_AFTER[way]
    return here in cards and any(there in entry.targets for entry in cards[here].entries)


def _ends_of(phase: Phase, cards: Mapping[State, Card]) -> tuple[tuple[Part, ...], ...]:
    """Return the endings of a chapter, as lines of tags.

    Hanging up is left out, because it is possible in every chapter.
    """
    found = {
        to
        for state, card in cards.items()
        if state.phase is phase
        for entry in card.entries
        if len(entry.targets) <= 2
        for to in entry.targets
        if to in ENDS and to is not State.ABANDONED
    }
    if phase is USUAL[-2].phase:
        found.discard(USUAL[-1])
    lines: list[list[Part]] = []
    for end in sorted(found, key=_rank):
        part = Part(outcome(end), BLOCKS[end].title, end)
        if not lines or sum(p.width + 5 for p in (*lines[-1], part)) > BOX - 17:
            lines.append([])
        lines[-1].append(part)
    return tuple(map(tuple, lines))


def _rank(end: State) -> tuple[int, int]:
    """Return a sort key for an ending: its group first."""
    return list(EndingGroup).index(_group(end)), ENDS.index(end)


def _group(end: State) -> EndingGroup:
    block = BLOCKS[end]
    assert isinstance(block, End)
    return block.group


def _fill(phase: Phase) -> str:
    if phase is Phase.AGENT:
        return "agent"
    return "pas" if phase in UNDER else "ask"


def _box(canvas: Canvas, chapter: Chapter, x: float, y: float, link: Link) -> None:
    phase, fill = chapter.phase, _fill(chapter.phase)
    with (
        canvas.group(data_letter=LETTERS[phase], data_phase=phase.name, class_="chapter"),
        canvas.within(x, y, BOX, chapter.height),
    ):
        canvas.rect(x, y, BOX, chapter.height, "card cardb", radius=8)
        with canvas.link(link(phase, None)):
            canvas.head(x, y, BOX, 36, fill)
            canvas.text(x + 12, y + 25, LETTERS[phase], f"{fill}t", 19, bold=True)
            canvas.text(x + 34, y + 24, phase.value, f"{fill}t", 15, bold=True)
        for n, words in enumerate(chapter.about):
            canvas.text(x + 12, y + 55 + 16 * n, words, "soft", 12.5)
        row = y + chapter.head
        if chapter.last:
            _row(canvas, x, row, "all is done", green=True)
            part = Part("done", BLOCKS[USUAL[-1]].title)
            tag(canvas, x + BOX - 8 - part.width, row + 3, part)
            row += ROW
        for to, words in chapter.ways:
            green = _is_usual(phase, to)
            _row(canvas, x, row, words, green=green)
            with canvas.group(data_way=f"{phase.name} {to.name}"):
                _letter(canvas, (x + BOX - 28, row + 3), to, link, green=green)
            row += ROW
        for n, parts in enumerate(chapter.endings):
            left = x + 10
            for part in parts:
                tag(canvas, left, row + 6 + 24 * n, part)
                left += part.width + 5


def _is_usual(here: Phase, there: Phase) -> bool:
    """Whether the usual way goes from one chapter to another."""
    phases = list(dict.fromkeys(state.phase for state in USUAL))
    return here in phases and there is phases[phases.index(here) + 1]


def _row(canvas: Canvas, x: float, y: float, words: str, *, green: bool) -> None:
    canvas.rule(x + 8, y, BOX - 16)
    canvas.text(x + 12, y + 17, words, "usual" if green else "ink", 13, bold=green)


def _letter(canvas: Canvas, at: Point, to: Phase, link: Link, *, green: bool) -> None:
    x, y = at
    kind = "hot" if green else "tag"
    with canvas.link(link(to, None)):
        canvas.rect(x, y, 20, 20, kind)
        canvas.text(x + 10, y + 14.5, LETTERS[to], f"{kind}t", 13, bold=True, anchor="middle")


def _everywhere(canvas: Canvas, x: float, y: float, link: Link) -> None:
    """Draw the keys that almost all questions have in common."""
    canvas.text(x, y + 12, "At almost every question", "ink", 14, bold=True)
    y += 24
    for pressed, words in (("0", "an agent"), ("*", "hear it again"), ("#", "leave")):
        key(canvas, x - 12, y + 1, pressed)
        canvas.text(x + 32, y + 15, words, "ink", 13)
        if pressed == "0":
            _letter(canvas, (x + BOX - 28, y), Phase.AGENT, link, green=False)
        if pressed == "#":
            _end_tag(canvas, x + BOX - 8, y, State.LEFT)
        y += 27
    canvas.text(x + 32, y + 15, "hang up", "ink", 13)
    _end_tag(canvas, x + BOX - 8, y, State.ABANDONED)
    for n, words in enumerate(wrapped(USED_UP, 12.5, BOX - 20)):
        canvas.text(x, y + 42 + 17 * n, words, "soft", 12.5)


def _rarely(
    canvas: Canvas, x: float, y: float, ways: Mapping[tuple[Phase, Phase], str], link: Link
) -> None:
    """Draw the note with the ways from chapter to chapter that few calls take."""
    if not ways:
        return
    canvas.text(x, y + 12, "A few calls also go", "ink", 14, bold=True)
    for n, ((of, to), words) in enumerate(ways.items()):
        row = y + 24 + ROW * n
        with canvas.group(data_way=f"{of.name} {to.name}"):
            _letter(canvas, (x, row), of, link, green=False)
            canvas.text(x + 28, row + 14.5, words, "ink", 13)
            _letter(canvas, (x + BOX - 28, row), to, link, green=False)


def _end_tag(canvas: Canvas, right: float, y: float, end: State) -> None:
    part = Part(outcome(end), BLOCKS[end].title)
    tag(canvas, right - part.width, y, part)


# ── endings ──────────────────────────────────────────────────────────────────────────────


def _endings(canvas: Canvas, y: float, ends: Sequence[State]) -> float:
    """Draw the endings in their boxes, and return the bottom edge of the boxes."""
    grouped = {kind: [end for end in ends if _group(end) is kind] for kind in BELOW}
    columns = {
        kind: _split(of_kind, 1 + BELOW[kind][1] - BELOW[kind][0])
        for kind, of_kind in grouped.items()
        if of_kind
    }
    heights = {
        kind: 46 + max(sum(map(_end_height, column)) for column in split)
        for kind, split in columns.items()
    }
    stacks = [
        [kind for kind in columns if BELOW[kind] == place]
        for place in dict.fromkeys(BELOW.values())
    ]
    bottom = y + max(sum(heights[kind] + 12 for kind in stack) - 12 for stack in stacks if stack)
    for stack in stacks:
        top = y
        for kind in stack:
            high = bottom - top if kind is stack[-1] else heights[kind]
            _group_box(canvas, kind, (top, high), columns[kind])
            top += high + 12
    return bottom


def _group_box(
    canvas: Canvas, kind: EndingGroup, at: tuple[float, float], split: Sequence[Sequence[State]]
) -> None:
    """Draw the box of one group of endings, in its columns; `at` is its top and its height."""
    y, high = at
    first, last = BELOW[kind]
    x, wide = COLUMNS[first], COLUMNS[last] + BOX - COLUMNS[first]
    fill = kind.name.lower()
    with canvas.group(class_="outcome"), canvas.within(x, y, wide, high):
        canvas.rect(
            x, y, wide, high, f"card {'nob' if kind is EndingGroup.NO else 'cardb'}", radius=8
        )
        if kind is EndingGroup.NO:
            canvas.rule(x + 8, y + 30, wide - 16)
        else:
            canvas.head(x, y, wide, 30, fill)
        canvas.text(x + 12, y + 20, kind.value, f"{fill}t", 14, bold=True)
        for n, column in enumerate(split):
            _column(canvas, COLUMNS[first + n], y + 40, column)


def _split(ends: Sequence[State], columns: int) -> list[Sequence[State]]:
    each = -(-len(ends) // columns)
    return [ends[n * each : (n + 1) * each] for n in range(columns)]


def _about(end: State) -> tuple[str, ...]:
    return wrapped(BLOCKS[end].purpose, 12.5, BOX - 24)


def _end_height(end: State) -> float:
    return 28 + 16 * len(_about(end))


def _column(canvas: Canvas, x: float, y: float, ends: Sequence[State]) -> None:
    for end in ends:
        part = Part(outcome(end), BLOCKS[end].title, end)
        with canvas.group(id=end.name, class_="ending"):
            tag(canvas, x + 10, y, part)
            code = end.disposition.value
            if code.replace("_", " ") != part.text.lower():
                canvas.text(x + 16 + part.width, y + 13, code, "soft", 11)
            for n, words in enumerate(_about(end)):
                canvas.text(x + 12, y + 34 + 16 * n, words, "ink", 12.5)
        y += _end_height(end)


# ── lines ────────────────────────────────────────────────────────────────────────────────


def _usual(canvas: Canvas, upper: Sequence[Chapter], endings: float) -> None:
    """Draw the green line from chapter to chapter and on to its ending."""
    for here, there in pairwise(upper):
        y = TOP + here.head + ROW / 2
        points = [(COLUMNS[here.column] + BOX, y), (COLUMNS[there.column] - 1, y)]
        canvas.line(points, green=True, of=here.phase.name, to=there.phase.name)
    last = upper[-1]
    x, y = COLUMNS[last.column] + BOX, TOP + last.head + ROW / 2
    middle = x - BOX / 2
    turn = endings - 32
    points = [(x, y), (x + 16, y), (x + 16, turn), (middle, turn), (middle, endings - 1)]
    canvas.line(points, green=True, of=last.phase.name, to=USUAL[-1].name)


def _lines(
    canvas: Canvas, chapters: Sequence[Chapter], at: Mapping[Phase, tuple[float, float]]
) -> None:
    of = {chapter.phase: chapter for chapter in chapters}
    trunks: dict[tuple[Phase, bool, int], Trunk] = {}
    names: dict[int, str] = {}
    for here, there in LINES:
        if here not in of or there not in [to for to, _ in of[here].ways]:
            continue
        source, box = of[here], of[there]
        n = [to for to, _ in source.ways].index(there) + source.last
        x, y = at[here]
        start = Start(x + BOX, y + source.head + ROW * (n + 0.5), here.name, green=False)
        from_left = box.column > source.column
        gutter = source.column
        arrow = _arrow(box, at[there], from_left=from_left)
        trunk = trunks.setdefault(
            (there, from_left, gutter), Trunk(State.GREETING, gutter, from_left, arrow)
        )
        names[id(trunk)] = there.name
        trunk.starts.append(start)
    for gutter in range(len(COLUMNS) - 1):
        own = [trunk for trunk in trunks.values() if trunk.gutter == gutter]
        left, right = COLUMNS[gutter] + BOX, COLUMNS[gutter + 1]
        step = min(12.0, (right - left - 30) / max(len(own) - 1, 1))
        choose_lanes(own, [left + 12 + step * n for n in range(len(own))])
        for trunk in own:
            for start, points in trunk.paths():
                canvas.line(points, green=False, of=start.of, to=names[id(trunk)])


def _arrow(box: Chapter, at: tuple[float, float], *, from_left: bool) -> tuple[float, float]:
    """Return where a line enters a box.

    In the second row, that is next to the title; in the first, below the green line on the left, or
    near the bottom on the right.
    """
    x, y = at
    if box.phase in UNDER:
        return (x if from_left else x + BOX), y + 18
    return (x, y + box.head + ROW + 5) if from_left else (x + BOX, y + box.height - 16)
