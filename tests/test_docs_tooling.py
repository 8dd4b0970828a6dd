"""The docs' own tools: blocks that run, and pages that are generated."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from unittest import SkipTest

import pytest
from sybil.example import SybilFailure

import paperless_ivr
from docs import blocks, generate
from docs.generate import DocsError, Page


def run_page(folder: Path, *lines: str) -> None:
    """Run every block of a page made of these lines."""
    page = folder / "page.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for example in blocks.sybil().parse(page):
        example.evaluate()


class TestBlocks:
    """Fenced blocks in Markdown pages."""

    def test_python_blocks_share_their_names(self, tmp_path: Path) -> None:
        """A later block sees what an earlier one defined."""
        run_page(tmp_path, "```python", "key = 1", "```", "", "```python", "assert key == 1", "```")

    def test_broken_python_block_fails(self, tmp_path: Path) -> None:
        """A block with a wrong assertion fails."""
        with pytest.raises(AssertionError):
            run_page(tmp_path, "```python", "assert 1 == 2", "```")

    def test_broken_doctest_fails(self, tmp_path: Path) -> None:
        """A doctest block is compared with its expected output."""
        run_page(tmp_path, "```python", ">>> 1 + 1", "2", "```")
        with pytest.raises(SybilFailure, match="Expected"):
            run_page(tmp_path, "```python", ">>> 1 + 1", "3", "```")

    @pytest.mark.parametrize(
        "block",
        [
            ["$ echo one", "one", "$ echo two; echo three", "two", "three"],
            ["$ printf 'a\\n\\nb\\n'", "a", "", "b"],
            ["$ seq 9", "1", "...", "9"],
            ["$ echo took 12 ms", "took ... ms"],
            ["$ echo a \\", "    b", "a b"],
            ["$ echo wrong >&2", "wrong"],
            ["$ cat", "$ true"],
        ],
    )
    def test_console_block_passes(self, tmp_path: Path, block: list[str]) -> None:
        """Commands print what the page shows; `...` matches anything."""
        run_page(tmp_path, "```console", *block, "```")

    @pytest.mark.parametrize(
        ("block", "told"),
        [
            (["$ echo one", "two"], "should print"),
            (["$ echo one"], "should print"),
            (["$ true", "silence"], "should print"),
            (["$ echo one; exit 3", "one"], "exited with 3"),
            (["echo one"], "starts with"),
        ],
    )
    def test_broken_console_block_fails(self, tmp_path: Path, block: list[str], told: str) -> None:
        """A difference, a failure, and a block without a command are reported."""
        with pytest.raises(SybilFailure, match=told):
            run_page(tmp_path, "```console", *block, "```")

    def test_console_runs_at_the_root_with_our_own_python(self, tmp_path: Path) -> None:
        """Commands of the project are found, whatever environment is active."""
        run_page(
            tmp_path,
            "```console",
            "$ test -f pyproject.toml && python -c 'import paperless_ivr'",
            "```",
        )

    def test_endless_command_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A command that does not end is reported."""
        monkeypatch.setattr(blocks, "TIME_LIMIT_S", 0.1)
        with pytest.raises(SybilFailure, match="still running"):
            run_page(tmp_path, "```console", "$ exec sleep 9", "```")

    @pytest.mark.parametrize(
        "block",
        [
            ["```python", "1 / 0", "```"],
            ["```python", ">>> 1", ">>> 2", "```"],
            ["```console", "$ false", "```"],
        ],
    )
    def test_block_marked_as_not_run_is_skipped(self, tmp_path: Path, block: list[str]) -> None:
        """The reason in the mark is given as the reason for skipping."""
        with pytest.raises(SkipTest, match="needs a telephone"):
            run_page(tmp_path, "<!-- not run: needs a telephone -->", *block)

    def test_blocks_of_a_page_stay_together(self, tmp_path: Path) -> None:
        """A page runs in order, even if the tests run in several processes."""
        (tmp_path / "docs").mkdir()
        for name in ("conftest.py", "docs/__init__.py", "docs/blocks.py"):
            shutil.copy(blocks.ROOT / name, tmp_path / name)
        page = ["```python", "n = 0", "```"]
        for n in range(1, 20):
            page += ["", "```python", "n += 1", f"assert n == {n}", "```"]
        (tmp_path / "docs/page.md").write_text("\n".join(page))

        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "2", "-o", "pythonpath=.", "docs"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stdout + done.stderr
        assert "20 passed" in done.stdout

    def test_mark_holds_for_one_block_only(self, tmp_path: Path) -> None:
        """The block after the skipped one runs."""
        mark = ["<!-- not run: it is long -->", "```toml", "a = 1", "```"]
        with pytest.raises(ZeroDivisionError):
            run_page(tmp_path, *mark, "", "```python", "1 / 0", "```")


class TestPages:
    """Generated pages and regions."""

    def test_page_out_of_date_is_named_with_what_mends_it(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """--check exits with 1 and writes nothing. Without it, the page is written."""
        pages = [Page("docs/keys.md", lambda _: "1 means yes")]

        assert generate.main(["--check"], pages, tmp_path) == 1
        assert capsys.readouterr().out == "docs/keys.md: out of date\nTo update: make docs\n"
        assert not (tmp_path / "docs/keys.md").exists()

        assert generate.main([], pages, tmp_path) == 0
        assert (tmp_path / "docs/keys.md").read_text() == "1 means yes\n"
        assert generate.main(["--check"], pages, tmp_path) == 0

    def test_region_leaves_the_rest_alone(self, tmp_path: Path) -> None:
        """Only what is between the marks is written."""
        page = tmp_path / "keys.md"
        marked = "By hand.\n<!-- generated: keys -->\n{}<!-- end: keys -->\nBy hand too.\n"
        page.write_text(marked.format("old\n"))
        pages = [Page("keys.md", lambda _: "new", region="keys")]

        assert generate.main(["--check"], pages, tmp_path) == 1
        assert generate.main([], pages, tmp_path) == 0
        assert page.read_text() == marked.format("\nnew\n\n")
        assert generate.main(["--check"], pages, tmp_path) == 0

    def test_two_regions_of_a_file_are_both_written(self, tmp_path: Path) -> None:
        """Writing one region does not undo the other."""
        page = tmp_path / "keys.md"
        page.write_text("".join(f"<!-- generated: {n} -->\n<!-- end: {n} -->\n" for n in "ab"))
        pages = [Page("keys.md", lambda _, n=n: f"new {n}", region=n) for n in "ab"]

        assert generate.main([], pages, tmp_path) == 0
        assert generate.main(["--check"], pages, tmp_path) == 0

    def test_missing_marks_are_told(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A page without the region's marks is an error, and does not pass silently."""
        assert generate.main([], [Page("keys.md", lambda _: "", region="keys")], tmp_path) == 1
        assert "keys.md: needs one <!-- generated: keys -->" in capsys.readouterr().err

    def test_api_page_has_every_name(self) -> None:
        """The page of the Python API lists each exported name once."""
        listed = re.findall(
            r"\.\. auto\w+:: paperless_ivr\.(\w+)", generate.python_api(generate.ROOT)
        )
        assert sorted(listed) == sorted(paperless_ivr.__all__)

    @pytest.mark.long  # `make check` finds the same
    def test_generated_pages_are_current(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The generated pages are current, as `make check` requires."""
        assert generate.main(["--check"]) == 0, capsys.readouterr().out


class TestTraceability:
    """The page of requirements and the tests that prove them."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        """A project with three requirements."""
        for folder in ("docs", "tests/deep", "tests/transcripts"):
            (tmp_path / folder).mkdir(parents=True)
        rows = "".join(f"| R0{n} | Text {n}. |\n" for n in (1, 2, 3))
        (tmp_path / "docs/requirements.md").write_text(f"| # | Requirement |\n|---|---|\n{rows}")
        return tmp_path

    def write_test(self, root: Path, text: str) -> None:
        """Write a test file in the project."""
        (root / "tests/deep/test_it.py").write_text(dedent(text))

    def test_open_until_something_proves_it(self, root: Path) -> None:
        """Without a test, a requirement is open."""
        assert generate.traceability(root).count("**open**") == 3

    def test_marks_are_found(self, root: Path) -> None:
        """Marks are found on functions, methods, classes, parameters, and whole files."""
        self.write_test(
            root,
            """
            import pytest
            pytestmark = [pytest.mark.requirement("R01")]

            @pytest.mark.requirement("R01", "R02")
            async def test_a(): ...

            @pytest.mark.requirement("R02")
            class TestB:
                @pytest.mark.parametrize(
                    "key", [pytest.param("1", marks=pytest.mark.requirement("R03"))]
                )
                def test_c(self, key): ...

            def test_d(): ...
            """,
        )

        found = {proof.name: proof.numbers for proof in generate.marked_tests(root)}

        assert found == {
            "test_it": ("R01",),
            "test_a": ("R01", "R02"),
            "TestB": ("R02",),
            "test_c": ("R03",),
        }
        assert "| R03 | Text 3. | [test_c](../tests/deep/test_it.py) |" in (
            generate.traceability(root)
        )

    def test_transcripts_are_found(self, root: Path) -> None:
        """Transcripts are found by their header line."""
        (root / "tests/transcripts/silence.call").write_text("# proves: R01, R03\n\nhears: hello\n")
        (root / "tests/transcripts/other.call").write_text("hears: hello\n")

        row = "| R03 | Text 3. | [silence.call](../tests/transcripts/silence.call) |"

        assert row in generate.traceability(root)

    @pytest.mark.parametrize(
        ("mark", "told"),
        [('"R99"', "R99, which is not a requirement"), ("NUMBER", "test_it.py:2: write")],
    )
    def test_wrong_marks_are_told(self, root: Path, mark: str, told: str) -> None:
        """A number that does not exist, or is not written out, stops the page."""
        self.write_test(root, f"\n@pytest.mark.requirement({mark})\ndef test_a(): ...\n")

        with pytest.raises(DocsError, match=told):
            generate.traceability(root)

    def test_every_requirement_of_this_project_is_read(self) -> None:
        """The real list is numbered without duplicates."""
        listed = generate.ROOT.joinpath("docs/requirements.md").read_text().count("\n| R")

        assert len(generate.requirements(generate.ROOT)) == listed > 0
