"""The folders of tests mirror the packages, as tests/README.md says."""

import ast
import re
from pathlib import Path

import pytest

import paperless_ivr

TESTS = Path(__file__).parent
PACKAGE = Path(paperless_ivr.__file__).parent
ROOMS = sorted(room.parent.name for room in PACKAGE.glob("*/__init__.py"))
TESTED_BY_OTHERS = ["net", "testing"]
"""Packages that the tests of others run: their servers, and all users of the kit."""


def imports(file: Path) -> set[str]:
    """Return the packages, and the helpers, that a file imports from."""
    found = (node for node in ast.walk(ast.parse(file.read_text("utf-8"))))
    names = {
        f"{node.module}.{name.name}"
        for node in found
        if isinstance(node, ast.ImportFrom) and node.module
        for name in node.names
    }
    return {name.split(".")[1] for name in names if name.startswith("paperless_ivr.")}


def test_rooms_have_tests() -> None:
    """Each package has its own folder, except those listed above."""
    folders = {folder.name for folder in TESTS.iterdir() if any(folder.glob("**/test_*.py"))}
    assert [room for room in ROOMS if room not in folders] == TESTED_BY_OTHERS


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in TESTED_BY_OTHERS])
def test_a_folder_tests_its_room(room: str) -> None:
    """Each test file imports from its package, or from a helper that its folder shares."""
    folder = TESTS / room
    shared = folder / "conftest.py"
    if shared.exists() and room in imports(shared):
        return
    strangers = [file.name for file in folder.glob("test_*.py") if room not in imports(file)]
    assert strangers == []


def test_what_tests_one_room_stands_in_its_folder() -> None:
    """Tests at the top cover several packages, or none at all."""
    of_one = {
        file.name: rooms
        for file in TESTS.glob("test_*.py")
        if len(rooms := imports(file) & {*ROOMS}) == 1
    }
    assert of_one == {"test_packaging.py": {"cli"}}


def test_files_that_are_scheduled_are_there() -> None:
    """The files and folders that `conftest.py` names exist, even after they were moved."""
    named = re.findall(r'"(tests/[^":]+)', (TESTS.parent / "conftest.py").read_text("utf-8"))
    assert named
    assert [path for path in named if not (TESTS.parent / path).exists()] == []
