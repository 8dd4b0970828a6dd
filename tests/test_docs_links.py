"""Links in the Markdown pages."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
ADDRESS = re.compile(r"https://(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/[\w./%#?&=~+-]*)?")
SOURCE = re.compile(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`")
"""A folder or a module, named in code: `drive/` or `drive/web.py`."""
ROOMS = (ROOT, ROOT / "src/paperless_ivr", ROOT / "docs")
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})


@pytest.mark.requirement("R56")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """Every file of the repository that a page links to exists."""
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    inside = [target.partition("#")[0] for target in targets if "://" not in target]
    assert [target for target in inside if not (page.parent / target).exists()] == []


@pytest.mark.requirement("R56")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_to_other_sites_are_well_formed(page: Path) -> None:
    """Links are not fetched: each is https, to a named host, and is on its page only once."""
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    outside = [target for target in targets if "://" in target]
    assert [target for target in outside if not ADDRESS.fullmatch(target)] == []
    assert len(set(outside)) == len(outside)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_module_that_is_named_is_there(page: Path) -> None:
    """A module that was moved or renamed is mentioned by its new name."""
    if page.name == "CHANGELOG.md" or page.parent.name == "decisions":
        return  # they describe the past
    named = SOURCE.findall(page.read_text(encoding="utf-8"))
    assert [name for name in named if not any((room / name).exists() for room in ROOMS)] == []
