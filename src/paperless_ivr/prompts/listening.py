"""An HTML page for listening to every phrase in a folder of recordings, language by language."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from paperless_ivr.prompts.recorded import EXTENSIONS, Phrase

PAGE = "index.html"

HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Listen to every phrase</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-top: 1px solid #8886; padding: .5rem; text-align: left; vertical-align: top; }
audio { width: 16rem; max-width: 40vw; }
</style>
<h1>Listen to every phrase</h1>
"""


def page(folder: Path, wanted: Iterable[Phrase]) -> str:
    """Return the page for a folder, to be saved in it. Files that cannot be played become links."""
    parts = [HEAD]
    for language, phrases in groupby(wanted, lambda phrase: phrase.language):
        parts.append(_table(folder, language, list(phrases)))
    return "\n".join(parts) + "</html>\n"


def _table(folder: Path, language: str, phrases: Sequence[Phrase]) -> str:
    rows = [
        f"<tr><td><code>{escape(phrase.name)}</code></td>"
        f'<td lang="{escape(language)}">{escape(phrase.text)}</td>'
        f"<td>{_player(folder, phrase)}</td></tr>"
        for phrase in phrases
    ]
    head = "<tr><th>File</th><th>Words</th><th>Sound</th></tr>"
    return "\n".join([f"<h2>{escape(language)}</h2>", "<table>", head, *rows, "</table>", ""])


def _player(folder: Path, phrase: Phrase) -> str:
    files = [f"{phrase.file}.{extension}" for extension in EXTENSIONS]
    file = escape(next((file for file in files if (folder / file).is_file()), ""))
    if file.lower().endswith(".wav"):
        label = escape(phrase.name)
        return f'<audio controls preload="none" src="{file}" aria-label="{label}"></audio>'
    return f'<a href="{file}">{file}</a>' if file else "missing"
