"""Draws the page of a chapter."""

from collections.abc import Callable, Sequence

from paperless_ivr.diagrams.canvas import Canvas, Point
from paperless_ivr.diagrams.chapters import LETTERS, Page, ref
from paperless_ivr.diagrams.layout import CARD, COLUMNS, PAGE, Box, Layout, Part, Placed, line_width
from paperless_ivr.flow.states import EndingGroup, Kind, Phase, State
from paperless_ivr.flow.table import BLOCKS

Link = Callable[[Phase | None, State | None], str]
"""A function that returns the address of a chapter's picture, or of a state in it. If both
arguments are None, it returns the address of the overview.
"""

ANYWHERE = "any question"
"""The label above a state that is reached from shared rows of several chapters."""
KINDS = {Kind.ASK: "ask", Kind.DO: "do", Kind.PASS: "pas"}
WAITS = {
    Kind.ASK: "asks the caller",
    Kind.DO: "waits for an answer",
    Kind.PASS: "decides immediately",
}


def files(phase: Phase | None, state: State | None) -> str:
    """Return the address of a picture or a state if each picture is a separate file."""
    if phase is None:
        return "overview.svg"
    return f"{file_name(phase)}{'#' + ref(state) if state else ''}"


def file_name(phase: Phase) -> str:
    """Return the file name of a chapter's picture."""
    return f"{phase.name.lower()}.svg"


def paint(layout: Layout, shown: Sequence[Phase], link: Link = files) -> Canvas:
    """Draw a chapter; `shown` are the chapters that have a picture."""
    phase = layout.page.phase
    title = f"{LETTERS[phase]}: {phase.value}"
    canvas = Canvas(title, phase.about, PAGE, layout.height)
    _top(canvas, phase, shown, link)
    for box in layout.boxes:
        _card(canvas, layout, box, link)
    if layout.note:
        _note(canvas, layout.note, layout.page.note_title, link, phase)
    _lines(canvas, layout)
    return canvas


def _top(canvas: Canvas, phase: Phase, shown: Sequence[Phase], link: Link) -> None:
    canvas.text(28, 46, LETTERS[phase], "usual", 30, bold=True)
    canvas.text(62, 45, phase.value, "ink", 26, bold=True)
    canvas.text(62, 72, phase.about, "soft", 14)
    left = PAGE - 30 - 34 * len(shown)
    with canvas.link(link(None, None)):
        canvas.rect(left - 84, 27, 76, 22, "tag")
        canvas.text(left - 46, 42, "overview", "tagt", 12, anchor="middle")
    for n, other in enumerate(shown):
        kind = "hot" if other is phase else "tag"
        with canvas.link(link(other, None)), canvas.group():
            canvas.tooltip(other.value)
            canvas.rect(left + 34 * n, 27, 28, 22, kind)
            letter = LETTERS[other]
            canvas.text(left + 34 * n + 14, 43, letter, f"{kind}t", 13, bold=True, anchor="middle")
    x = 62.0
    legend = (
        *((KINDS[kind], WAITS[kind]) for kind in KINDS),
        ("tag", "another chapter"),
        *((outcome.name.lower(), outcome.value.lower()) for outcome in EndingGroup),
    )
    for kind, words in legend:
        part = Part(kind, words)
        tag(canvas, x, 88, part, bold=False)
        x += part.width + 6
    with canvas.group(class_="usual-key"):
        canvas.text(x + 5, 102, "green: the usual way", "usual", 11.5, bold=True)


def tag(canvas: Canvas, x: float, y: float, part: Part, *, bold: bool = True) -> None:
    """Draw a tag."""
    border = " nob" if part.kind == "no" else ""
    canvas.rect(x, y, part.width, 19, f"{part.kind}{border}")
    middle = x + part.width / 2
    canvas.text(middle, y + 13.3, part.text, f"{part.kind}t", 11.5, bold=bold, anchor="middle")


def key(canvas: Canvas, x: float, y: float, keys: str) -> None:
    """Draw a telephone key."""
    wide = 22.0 if len(keys) == 1 else 34.0
    canvas.rect(x + 23 - wide / 2, y, wide, 18, "cap capb")
    canvas.text(x + 23, y + 13.6, keys, "capt", 13, bold=True, anchor="middle")


def _card(canvas: Canvas, layout: Layout, box: Box, link: Link) -> None:
    assert box.card
    state = box.card.state
    _sources(canvas, layout.page, box, link)
    with (
        canvas.group(id=ref(state), data_state=state.name, class_="state"),
        canvas.within(box.x, box.y, CARD, box.height),
    ):
        canvas.tooltip(f"{state.name}: {BLOCKS[state].purpose}")
        canvas.rect(box.x, box.y, CARD, box.height, "card cardb", radius=8)
        _head(canvas, box, state)
        for row in box.rows:
            _row(canvas, box.x, row, link, layout.page.phase)


def _head(canvas: Canvas, box: Box, state: State) -> None:
    """Draw the upper part of a card: its title and its purpose."""
    kind = KINDS[state.kind]
    with canvas.group(class_="top"):
        canvas.head(box.x, box.y, CARD, box.head, kind)
        canvas.text(box.x + 12, box.y + 22, ref(state), f"{kind}t", 17, bold=True)
        with canvas.group(class_="title"):
            canvas.text(box.x + 50, box.y + 22, BLOCKS[state].title, f"{kind}t", 16, bold=True)
        for n, words in enumerate(box.about):
            canvas.text(box.x + 50, box.y + 40 + 16 * n, words, f"{kind}s", 12)
        right = box.x + CARD - 12
        canvas.text(right, box.y + 20, WAITS[state.kind], f"{kind}s", 11, anchor="end")
        canvas.text(right, box.y + 40, state.name, f"{kind}s", 9, anchor="end")


def _sources(canvas: Canvas, page: Page, box: Box, link: Link) -> None:
    assert box.card
    sources, everywhere = page.sources[box.card.state], box.card.state in page.everywhere
    if not sources and not everywhere:
        return
    y = box.y - 11
    x = canvas.text(box.x + 2, y, "from", "soft", 11.5) + 6
    if everywhere:
        x = canvas.text(x, y, ANYWHERE, "soft", 11.5) + 8
    for phase, words in zip(sources, _fitting(sources), strict=True):
        with canvas.link(link(phase, None)), canvas.group():
            canvas.tooltip(phase.value)
            wide = _source_width(words)
            canvas.rect(x, y - 13, wide, 18, "tag")
            canvas.text(x + 6, y, LETTERS[phase], "tagt", 11.5, bold=True)
            if words:
                canvas.text(x + 20, y, words, "tagt", 11.5)
        x += wide + 5


def _fitting(sources: Sequence[Phase]) -> Sequence[str]:
    """Return the names of chapters, or empty names if they do not all fit above a card."""
    room = COLUMNS[1] - COLUMNS[0] - 45
    names = [phase.value for phase in sources], [phase.short for phase in sources]
    fit = (words for words in names if sum(_source_width(each) + 5 for each in words) <= room)
    return next(fit, [""] * len(sources))


def _source_width(words: str) -> float:
    return Part("far", words).width * 11.5 / 12 + 27 if words else 20


def _note(canvas: Canvas, box: Box, title: str, link: Link, phase: Phase) -> None:
    with canvas.group(class_="note"), canvas.within(box.x, box.y, CARD, box.height):
        canvas.rect(box.x, box.y, CARD, box.height, "paper dash", radius=8)
        canvas.text(box.x + 12, box.y + 22, title, "ink", 14, bold=True)
        for row in box.rows:
            _row(canvas, box.x, row, link, phase)


def _row(canvas: Canvas, x: float, row: Placed, link: Link, phase: Phase) -> None:
    to = " ".join(target.name for target in row.entry.targets if target)
    with canvas.group(class_="row", data_to=to):
        canvas.rule(x + 8, row.y, CARD - 16)
        if row.entry.key:
            key(canvas, x, row.middle - 9, row.entry.key)
        tone = "usual" if row.green else "ink"
        if all(target is None for target in row.entry.targets):
            tone = "soft"
        top = row.y + (row.height - 16 * len(row.words)) / 2 + 12
        with canvas.group(class_="words"):
            for n, words in enumerate(row.words):
                canvas.text(row.words_x, top + 16 * n, words, tone, 13, bold=row.green)
        top = row.y + (row.height - 23 * len(row.parts)) / 2 + 2.5
        for n, parts in enumerate(row.parts):
            _target(canvas, (row.target_x, top + 23 * n), parts, link, phase)


def _target(canvas: Canvas, at: Point, parts: Sequence[Part], link: Link, phase: Phase) -> None:
    x, y = at
    for n, part in enumerate(parts):
        left = x + (line_width(parts[:n]) + 6 if n else 0)
        if part.kind in ("soft", "title", "far"):
            tone = {"soft": "soft", "title": "ink", "far": "tagt"}[part.kind]
            with canvas.group(class_="soft" if part.kind == "soft" else "title"):
                canvas.text(left, y + 13.5, part.text, tone, 12)
            continue
        assert part.state
        with canvas.link(_address(part.state, link, phase)):
            tag(canvas, left, y, part)


def _address(state: State, link: Link, phase: Phase) -> str:
    if state.kind is Kind.END:
        return link(None, state)
    address = link(state.phase, state)
    return f"#{ref(state)}" if address and state.phase is phase else address


def _lines(canvas: Canvas, layout: Layout) -> None:
    """Draw the lines, gray ones first, so that the green ones are on top."""
    lines = [(start, trunk, points) for trunk in layout.trunks for start, points in trunk.paths()]
    for start, trunk, points in sorted(lines, key=lambda line: line[0].green):
        canvas.line(points, green=start.green, of=start.of, to=trunk.to.name)
