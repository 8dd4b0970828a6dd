"""The whole flow as one HTML page that can be zoomed, searched, and clicked through.

It needs no network. Without JavaScript, it shows the pictures one after another.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib import resources

from paperless_ivr.diagrams.canvas import Canvas
from paperless_ivr.diagrams.chapters import LETTERS, Page, pages, ref
from paperless_ivr.diagrams.pictures import chapters, overview
from paperless_ivr.diagrams.reading import Card, Entry, cards
from paperless_ivr.diagrams.theme import FILLS, STROKES, style
from paperless_ivr.flow.blocks import Ask, Block
from paperless_ivr.flow.lines import Keys
from paperless_ivr.flow.phrases import conditions
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.rows import Row, Table, nothing
from paperless_ivr.flow.states import ENDS, Phase, State
from paperless_ivr.flow.table import BLOCKS

FOLDER = resources.files("paperless_ivr.diagrams") / "page"
TITLE = "Paperless billing by telephone"

CONTROLS = """
<span class="search" hidden><label>Search <input id="search" type="search"></label>
<ul id="found" hidden></ul></span>
<label hidden>How can a call end as <select id="ending"><option value="">…</option>
{endings}</select></label>
<label hidden><input id="code" type="checkbox"> Code names</label>
<nav hidden><a href="#overview">Overview</a> <a href="#whole">Whole flow</a></nav>
<span hidden><button type="button" data-zoom="0.8" aria-label="Smaller">&minus;</button>
<button type="button" data-zoom="1.25" aria-label="Larger">+</button>
<button type="button" data-zoom="0">Fit</button></span>
"""

CALL = """
<span hidden><button type="button" data-step="-1" aria-label="Back">&lsaquo;</button>
<button type="button" data-step="1" aria-label="Next">&rsaquo;</button>
<output id="step">The highlighted call, step by step</output></span>
"""


def page(
    table: Table,
    policy: Policy | None = None,
    words: Mapping[str, str] | None = None,
    call: Sequence[str] = (),
) -> str:
    """Return the page; `words` contains the wording of the prompts, by name.

    `call` contains the rows that a call took. The page highlights them.
    """
    read = cards(table, policy)
    of_chapters = pages(read)
    ends = "".join(f'<option value="{e.name}">{escape(BLOCKS[e].title)}</option>' for e in ENDS)
    pictures = {"overview": ("The whole call", overview(table, policy, anchor))}
    for phase, canvas in chapters(table, policy, anchor).items():
        pictures[LETTERS[phase]] = (f"{LETTERS[phase]} {phase.value}", canvas)
    sections = "\n".join(_section(i, name, canvas) for i, (name, canvas) in pictures.items())
    known = {
        "states": list(_states(read, of_chapters, words or {})),
        "notes": {
            LETTERS[phase]: [[_code(State.GREETING, row) for row in e.rows] for e in chapter.note]
            for phase, chapter in of_chapters.items()
        },
        "call": [_step(row) for row in call],
    }
    data = json.dumps(known).replace("<", "\\u003c")
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{TITLE}</title>",
            f"<style>{_variables()}{_file('flow.css')}{style('.picture ')}</style>",
            "</head>\n<body>",
            '<a class="skip" href="#main">To the picture</a>',
            f"<header><h1>{TITLE}</h1>{CONTROLS.format(endings=ends)}",
            f"{CALL if call else ''}</header>",
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
    """Return the colors of the pictures, for use in the page around them."""
    colors = {**FILLS, **STROKES}
    light, dark = ("".join(f"--{n}:{pair[i]};" for n, pair in colors.items()) for i in (0, 1))
    return f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def _section(name: str, title: str, canvas: Canvas) -> str:
    return f'<section id="{name}" aria-label="{escape(title)}">\n{canvas.element()}\n</section>'


# ── data for the script ──────────────────────────────────────────────────────────────────


def _states(
    read: Mapping[State, Card], of_chapters: Mapping[Phase, Page], words: Mapping[str, str]
) -> Iterator[dict[str, object]]:
    painted = {card.state: card for chapter in of_chapters.values() for card in chapter.cards}
    for state, block in BLOCKS.items():
        if state not in read and state not in ENDS:
            continue
        rows = (*painted[state].entries, *painted[state].shared) if state in painted else ()
        told = {
            "code": state.name,
            "ref": "" if state in ENDS else ref(state),
            "title": block.title,
            "purpose": block.purpose,
            "heard": [
                {"when": when, "words": words[name]}
                for name, when in _prompts(block).items()
                if name in words
            ],
            "rows": [_row(state, entry, words) for entry in rows],
            "exact": [_exact(state, row) for row in block.rows],
        }
        searched = (*_texts(told), *_prompts(block))
        yield {**told, "search": " ".join(searched).lower()}


def _row(state: State, entry: Entry, words: Mapping[str, str]) -> dict[str, object]:
    """Return a line of a card, with the prompts that callers hear on its transitions."""
    to = [target.name if target else None for target in entry.targets]
    return {
        "key": entry.key,
        "words": entry.words,
        "codes": [_code(state, row) for row in entry.rows],
        "to": to,
        "says": _said(entry, words),
        "else": entry.fork,
        "here": entry.here,
    }


def _said(entry: Entry, words: Mapping[str, str]) -> list[str]:
    """Return the prompts that callers hear on the transitions of a line."""
    names = dict.fromkeys(row.say for row in entry.rows if row.say)
    return [words[name] for name in names if name in words]


def _code(state: State, row: Row) -> str:
    """Return a row as text: its event, its guard, and its target."""
    return row.name(state).partition(" · ")[2]


def _exact(state: State, row: Row) -> str:
    """Return a row as text, with its update and the prompt that is heard on the transition."""
    keep = "" if row.keep is nothing else f", remembers {row.keep.__name__}"
    return f"{_code(state, row)}{keep}{f', says {row.say}' if row.say else ''}"


def _step(row: str) -> dict[str, str]:
    state, _, code = row.partition(" · ")
    return {"state": state, "row": code}


def _texts(value: object) -> Iterator[str]:
    """Yield all texts in a nested value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _prompts(block: Block) -> dict[str, str]:
    """Return the prompts of a state (lines, options, and longer help), and when each is heard."""
    prompts = {name: line.when.get(name, "") for line in block.say for name in line.names}
    if isinstance(block, Ask):
        prompts |= {name: _offered(keys) for keys in block.keys for name in keys.names}
    if block.help:
        prompts[block.help] = "asked the third time"
    return prompts


def _offered(keys: Keys) -> str:
    """Return when keys are offered; "" if they always are."""
    return ", ".join(c.words for c in conditions(keys.when) if c.words)
