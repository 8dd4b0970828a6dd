"""The whole flow as one page of HTML: to zoom, to search, and to click through.

It needs no network. Without a script it is the pictures, one below the other.
"""

import json
from collections.abc import Iterator, Mapping
from html import escape
from importlib import resources

from paperless_ivr.diagrams.canvas import Canvas
from paperless_ivr.diagrams.chapters import LETTERS, ref
from paperless_ivr.diagrams.pictures import chapters, overview
from paperless_ivr.diagrams.reading import Card, Entry, cards
from paperless_ivr.diagrams.theme import FILLS, STROKES, style
from paperless_ivr.flow.blocks import Ask, Block
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.rows import Table
from paperless_ivr.flow.states import ENDS, Phase, State
from paperless_ivr.flow.table import BLOCKS

FOLDER = resources.files("paperless_ivr.diagrams") / "page"
TITLE = "Paperless billing by telephone"

CONTROLS = """
<span class="search" hidden><label>Search <input id="search" type="search"></label>
<ul id="found" hidden></ul></span>
<label hidden>How can a call end as <select id="ending"><option value="">…</option>
{endings}</select></label>
<span hidden><button type="button" data-zoom="0.8" aria-label="Smaller">&minus;</button>
<button type="button" data-zoom="1.25" aria-label="Larger">+</button>
<button type="button" data-zoom="0">Fit</button></span>
"""


def page(table: Table, policy: Policy | None = None, words: Mapping[str, str] | None = None) -> str:
    """Return the page; `words` are those of the prompts, by name."""
    read = cards(table, policy)
    ends = "".join(f'<option value="{e.name}">{escape(BLOCKS[e].title)}</option>' for e in ENDS)
    pictures = {"overview": ("The whole call", overview(table, policy, anchor))}
    for phase, canvas in chapters(table, policy, anchor).items():
        pictures[LETTERS[phase]] = (f"{LETTERS[phase]} {phase.value}", canvas)
    sections = "\n".join(_section(i, name, canvas) for i, (name, canvas) in pictures.items())
    data = json.dumps({"states": list(_states(read, words or {}))}).replace("<", "\\u003c")
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{TITLE}</title>",
            f"<style>{_variables()}{_file('flow.css')}{style('.picture ')}</style>",
            "</head>\n<body>",
            '<a class="skip" href="#main">To the picture</a>',
            f"<header><h1>{TITLE}</h1>{CONTROLS.format(endings=ends)}</header>",
            f'<div id="body">\n<main id="main">\n{sections}\n</main>',
            '<aside id="panel" aria-live="polite" aria-label="Details" hidden></aside>\n</div>',
            f'<script type="application/json" id="flow">{data}</script>',
            f"<script>{_file('flow.js')}</script>\n</body>\n</html>\n",
        )
    )


def anchor(phase: Phase | None, state: State | None) -> str:
    """Return the address of a chapter or a state within the page."""
    if phase is None:
        return f"#{state.name}" if state else "#overview"
    return f"#{ref(state)}" if state else f"#{LETTERS[phase]}"


def _file(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _variables() -> str:
    """The colors of the pictures, for the page around them."""
    colors = {**FILLS, **STROKES}
    light, dark = ("".join(f"--{n}:{pair[i]};" for n, pair in colors.items()) for i in (0, 1))
    return f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def _section(name: str, title: str, canvas: Canvas) -> str:
    return f'<section id="{name}" aria-label="{escape(title)}">\n{canvas.element()}\n</section>'


# ── what the script knows ────────────────────────────────────────────────────────────────


def _states(read: Mapping[State, Card], words: Mapping[str, str]) -> Iterator[dict[str, object]]:
    for state, block in BLOCKS.items():
        card = read.get(state)
        if card is None and state not in ENDS:
            continue
        told = {
            "code": state.name,
            "ref": "" if state in ENDS else ref(state),
            "title": block.title,
            "purpose": block.purpose,
            "heard": [words[name] for name in _prompts(block) if name in words],
            "rows": [_row(e) for e in (*card.entries, *card.shared)] if card else [],
            "exact": [row.name(state).partition(" · ")[2] for row in block.rows],
        }
        searched = (*_texts(told), *_prompts(block))
        yield {**told, "search": " ".join(searched).lower()}


def _row(entry: Entry) -> dict[str, object]:
    to = [target.name if target else None for target in entry.targets]
    return {
        "key": entry.key,
        "words": entry.words,
        "to": to,
        "else": entry.fork,
        "here": entry.here,
    }


def _texts(value: object) -> Iterator[str]:
    """All texts in something."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _prompts(block: Block) -> Iterator[str]:
    """The prompts that a state may say: its lines, its options, and its longer help."""
    for line in block.say:
        yield from line.names
    if isinstance(block, Ask):
        for keys in block.keys:
            yield from keys.names
    if block.help:
        yield block.help
