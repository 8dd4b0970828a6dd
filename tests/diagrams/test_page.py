"""The page of the whole flow, in Chromium: by mouse and keyboard, and without a script."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from paperless_ivr.diagrams.page import page
from paperless_ivr.flow.table import FLOW, PROMPTS
from paperless_ivr.prompts.catalog import ours
from paperless_ivr.transcripts import read, rows_taken
from tests.simulator.browser import AXE, PATIENCE, chromium

pytestmark = [pytest.mark.requirement("R55"), pytest.mark.long]

WORDS = {name: ours("en-US")[name] for name in PROMPTS}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests of this module."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page as a file."""
    file = tmp_path_factory.mktemp("page") / "flow.html"
    file.write_text(page(FLOW, words=WORDS), encoding="utf-8")
    return file.as_uri()


def opened(browser: Browser, address: str, **options: object) -> Page:
    """The page. An error in its script fails the test."""
    context = browser.new_context(
        viewport={"width": 1600, "height": 1000},
        reduced_motion="reduce",
        **options,  # type: ignore[arg-type]
    )
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    tab.on("pageerror", lambda error: pytest.fail(str(error)))
    tab.goto(address)
    return tab


def test_no_network(address: str) -> None:
    """The page is one file, and fetches nothing."""
    text = Path(address.removeprefix("file://")).read_text(encoding="utf-8")

    assert re.findall(r'(?:src|href)="(?!#)[^"]*"|url\((?!#)', text) == []


def test_click_through(browser: Browser, address: str) -> None:
    """Clicks lead from the overview to a chapter, to a card, along a tag, and back."""
    tab = opened(browser, address)
    expect(tab.locator("section:visible")).to_have_count(1)
    tab.locator('#overview g.chapter[data-phase="CONSENT"] text').nth(1).click()
    expect(tab.locator("section#G")).to_be_visible()
    tab.locator("#G2").click(position={"x": 100, "y": 20})
    panel = tab.locator("#panel")
    expect(panel).to_contain_text("G2 Enroll")
    expect(panel).to_contain_text(WORDS["enrolling"])
    expect(panel).to_contain_text("Accepted → AFTERWARDS")
    panel.get_by_role("link", name="G3 Did it go through?").first.click()
    expect(panel).to_contain_text("G3 Did it go through?")
    tab.go_back()
    expect(panel.locator("h2")).to_have_text("G2 Enroll")
    tab.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    tab.keyboard.press("Escape")
    expect(tab.locator("section#overview")).to_be_visible()


def test_by_address_and_keyboard(browser: Browser, address: str) -> None:
    """An address opens its card; cards are opened by keyboard."""
    tab = opened(browser, f"{address}#F4")
    expect(tab.locator("#panel h2")).to_have_text("F4 May we send one text?")
    tab.locator("#F1 > .top").focus()
    expect(tab.locator("section#F svg")).to_have_class(re.compile("dim"))
    tab.keyboard.press("Enter")
    expect(tab.locator("#panel h2")).to_have_text("F1 Is there a number to text?")


def test_a_row_lights_its_line(browser: Browser, address: str) -> None:
    """The row's target stays visible, and everything unrelated fades."""
    tab = opened(browser, f"{address}#F")
    tab.locator('.state[data-state="TEXT_CONSENT"] .row').nth(2).hover(force=True)

    expect(tab.locator("#F5")).to_have_class(re.compile("lit"))
    expect(tab.locator("#F6")).not_to_have_class(re.compile("lit"))
    lit = tab.locator('section#F path.lit[data-from="TEXT_CONSENT"]')
    expect(lit).to_have_attribute("data-to", "TEXT_DECLINED")


def test_search(browser: Browser, address: str) -> None:
    """Titles, words, code names, prompts, and endings are found."""
    tab = opened(browser, address)
    field = tab.get_by_label("Search")
    for asked, first in (
        ("did it go", "G3 Did it go through?"),
        ("spelled by keypad", "D1 How to get an e-mail address?"),
        ("ENROLLMENT_AGAIN", "G4 Send it once more"),
        ("checking_again", "G3 Did it go through?"),
        ("left with", "Left with #"),
    ):
        field.fill(asked)
        expect(tab.locator("#found a").first).to_be_visible()
        expect(tab.locator("#found")).to_contain_text(first)
    field.fill("no such thing")
    expect(tab.locator("#found")).to_have_text("Nothing found.")
    field.fill("did it go")
    tab.keyboard.press("Enter")
    expect(tab.locator("#panel h2")).to_have_text("G3 Did it go through?")


def test_how_a_call_can_end(browser: Browser, address: str) -> None:
    """An ending lists every row that leads to it."""
    tab = opened(browser, address)
    tab.get_by_label("How can a call end as").select_option("Service down")

    panel = tab.locator("#panel")
    expect(panel).to_contain_text("B6 Search by account number: service is down or no clear answer")


def test_whole_flow(browser: Browser, address: str) -> None:
    """All pictures can be shown at once; a chosen chapter is shown with all of its cards."""
    tab = opened(browser, address)
    tab.get_by_role("link", name="Whole flow").click()
    expect(tab.locator("section:visible")).to_have_count(11)
    tab.locator("#B7 > .top").click()
    expect(tab.locator("section:visible")).to_have_count(1)
    expect(tab.locator("#panel h2")).to_have_text("B7 Search by the caller's number")
    tab.get_by_role("link", name="Overview", exact=True).click()
    tab.locator('#overview g.chapter[data-phase="IDENTITY"] text').nth(1).click()
    for card in tab.locator("section#B .state").all():
        expect(card).to_be_in_viewport(ratio=0.99)


def test_code_names(browser: Browser, address: str) -> None:
    """A switch shows the code names of states and guards instead of their words, and back."""
    tab = opened(browser, f"{address}#G2")
    switch = tab.get_by_label("Code names")
    title, row = tab.locator("#G2 > .top"), tab.locator("#G2 .row").nth(4)
    words, code = "refused: link already sent", "Refused · refused as pending"
    expect(row.get_by_text(words)).to_be_visible()
    switch.check()
    expect(title.get_by_text("ENROLLMENT", exact=True).first).to_be_visible()
    expect(row.get_by_text(code)).to_be_visible()
    expect(row.get_by_text("PENDING_MENU")).to_be_visible()
    expect(row.get_by_text(words)).to_be_hidden()
    expect(tab.locator("#panel li", has_text=code).first).to_be_visible()
    switch.uncheck()
    expect(row.get_by_text(words)).to_be_visible()
    expect(row.get_by_text(code)).to_be_hidden()


def test_a_call_is_lit(browser: Browser, tmp_path: Path) -> None:
    """The path of a transcript is highlighted, and can be followed step by step."""
    rows = rows_taken(read("tests/transcripts/enrolled.call"))
    file = tmp_path / "flow.html"
    file.write_text(page(FLOW, words=WORDS, call=rows), encoding="utf-8")
    tab = opened(browser, f"{file.as_uri()}#whole")
    lit = tab.locator(".state.taken").evaluate_all("all => all.map((c) => c.dataset.state)")
    assert set(lit) == {row.partition(" · ")[0] for row in rows}
    assert tab.locator(".row.taken").count() == len(set(rows))
    expect(tab.locator("#ENROLLED")).to_have_class(re.compile("taken"))
    following = tab.get_by_role("button", name="Next", exact=True)
    for number, row in enumerate(rows, 1):
        following.click()
        expect(tab.locator("#step")).to_contain_text(f"Step {number} of {len(rows)} at ")
        expect(tab.locator("#panel code").first).to_have_text(row.partition(" · ")[0])
    tab.get_by_role("button", name="Back", exact=True).click()
    expect(tab.locator("#step")).to_contain_text(f"Step {len(rows) - 1} of")


def test_when_an_ending_says_what(browser: Browser, address: str) -> None:
    """Each closing prompt is below the words that say when it is heard."""
    tab = opened(browser, f"{address}#ENROLLED")
    panel = tab.locator("#panel")

    for when, name in (
        ("A texted link has not been opened:", "end_link_sent"),
        ("An e-mailed link has not been opened:", "end_enrolled"),
        ("No link is left to open:", "end_active"),
    ):
        said = panel.locator("h4", has_text=when).locator("+ blockquote")
        expect(said).to_have_text(" ".join(WORDS[name].split()))
    tab.goto(f"{address}#LEFT")
    expect(panel.locator("h4")).to_have_count(0)


def test_what_is_heard_on_the_way(browser: Browser, address: str) -> None:
    """A prompt heard on the way is shown below its row, at both ends, and with its code name."""
    tab = opened(browser, f"{address}#NOT_OFFERED")
    row = tab.locator("#panel li", has_text="B4 How to find the account?")

    expect(row.locator("blockquote")).to_have_text(WORDS["paper_not_by_phone"])
    tab.goto(f"{address}#B4")
    expect(tab.locator("#panel ol.rows")).to_contain_text(
        "says paper_not_by_phone", use_inner_text=True
    )


def test_without_a_script(browser: Browser, address: str) -> None:
    """Without a script, the page has all pictures, one below the other, with links between them."""
    tab = opened(browser, address, java_script_enabled=False)

    expect(tab.locator("section:visible")).to_have_count(11)
    expect(tab.get_by_label("Search")).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible(browser: Browser, address: str, theme: str) -> None:
    """axe-core finds no problem on the overview, or next to an open card."""
    tab = opened(browser, address, color_scheme=theme)
    for part in ("#overview", "#G2"):
        tab.goto(address + part)
        tab.add_script_tag(path=AXE)
        found = tab.evaluate("axe.run().then((r) => r.violations.map((v) => `${v.id}: ${v.help}`))")
        assert found == [], found
