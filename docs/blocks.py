"""Runs the fenced blocks of Markdown pages as tests; the root `conftest.py` plugs it in.

- ```` ```python ```` runs. The blocks of a page share their names, from top to bottom; one that
  starts with `>>>` is a doctest.
- ```` ```console ```` runs each line after `$ ` in a shell at the root of the repository, and
  compares its output, including errors, with the lines that follow. `...` matches anything,
  on a line or across lines. The command must exit with 0.
- A block right after `<!-- not run: why -->` is skipped, for that reason.
"""

import doctest
import os
import re
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import SkipTest

from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer
from sybil.typing import Parser

ROOT = Path(__file__).resolve().parent.parent
TIME_LIMIT_S = 120

_COMMAND = re.compile(r"^\$ ", re.MULTILINE)
_NOT_RUN = re.compile(r"<!-- not run: (?P<why>.+?) -->\s*\Z")


def run_console(block: str, cwd: Path = ROOT) -> str | None:
    """Run a console block. Return an error message, or None if all went well."""
    before, *parts = _COMMAND.split(block)
    if before.strip() or not parts:
        return f"A console block starts with '$ ' and a command, not with {before!r}."
    for part in parts:
        command, expected = _command_and_output(part)
        if wrong := _run(command, expected, cwd):
            return wrong
    return None


def _command_and_output(part: str) -> tuple[str, str]:
    """Return the command, including lines continued with a backslash, and its expected output."""
    lines = part.splitlines()
    last = next((i for i, line in enumerate(lines) if not line.endswith("\\")), len(lines))
    return "\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :])


def _run(command: str, expected: str, cwd: Path) -> str | None:
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    plain = {"PATH": path, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=cwd,
            env=os.environ | plain,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"$ {command}\nwas still running after {TIME_LIMIT_S} s"
    printed = _trimmed(done.stdout)
    if done.returncode:
        return f"$ {command}\nexited with {done.returncode}:\n{printed}"
    if not doctest.OutputChecker().check_output(_trimmed(expected), printed, doctest.ELLIPSIS):
        return f"$ {command}\nshould print:\n{_trimmed(expected)}\nbut prints:\n{printed}"
    return None


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()) + "\n"


def _console(example: Example) -> str | None:
    return run_console(example.parsed)


def _unless_not_run(parser: Parser) -> Parser:
    """Return the parser, without blocks that are marked as not run."""

    def parse(document: Document) -> Iterator[Region]:
        not_run = list(_not_run(document))
        for region in parser(document):
            for block, why in not_run:
                if block.start <= region.start < block.end:
                    region.evaluator = _skipper(why)
            yield region

    return parse


def _not_run(document: Document) -> Iterator[tuple[Region, str]]:
    for block in FencedCodeBlockLexer(".+")(document):
        if marked := _NOT_RUN.search(document.text[: block.start]):
            yield block, marked["why"]


def _skipper(why: str) -> Callable[[Example], None]:
    def skip(_: Example) -> None:
        raise SkipTest(f"not run: {why}")

    return skip


def sybil() -> Sybil:
    """Find and run the blocks of every Markdown page that pytest collects."""
    python = PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS)
    console = CodeBlockParser("console", _console)
    return Sybil(
        parsers=[_unless_not_run(python), _unless_not_run(console)],
        pattern="*.md",
        path=str(ROOT),
    )
