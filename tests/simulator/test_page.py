"""The simulator's page in a browser: mouse, touch, and keyboard; faults, takes, transcripts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FloatRect, expect

from paperless_ivr import transcripts
from tests.simulator.browser import Caller, chromium
from tests.simulator.conftest import COMMAND, Start, serving
from tests.simulator.test_server import POLICY

pytestmark = [pytest.mark.requirement("R54"), pytest.mark.long]

PHONE = (390, 844)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests of this module."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def caller(browser: Browser, simulator: str) -> Iterator[Caller]:
    """A person at a desk, before the first call. The page must not have raised an error."""
    caller = Caller.at(browser, simulator)
    yield caller
    caller.page.context.close()
    assert caller.errors == []


def test_by_mouse_until_the_bill_is_paperless(caller: Caller) -> None:
    """The caller enrolls, and the link in the e-mail is opened next to the telephone."""
    page = caller.page
    caller.to_consent()
    caller.presses("1")
    caller.asked("May we send one text?")
    caller.says("#messages", "not opened yet")
    caller.says("#overview .current", "Text")
    caller.says("#why-sentence", "The billing service answered “accepted”")
    caller.picture("simulator-text")
    caller.hears()
    caller.presses("2")
    caller.says("#ended", "Enrolled")
    page.get_by_role("button", name="Open link").click()
    linked = page.frame_locator("#sheet-page")
    linked.get_by_role("button", name="Switch to paperless billing").click()
    expect(linked.locator("h1")).to_have_text("You are set up")
    page.click("#sheet-close")
    caller.says("#messages", "opened, done")
    caller.hidden_nowhere("jane.rivera@example.com", "+12175550101")
    caller.shot("simulator-enrolled")


@pytest.mark.requirement("R52")
@pytest.mark.parametrize("size", [(1440, 900), PHONE])
def test_done_before_the_caller_hangs_up(
    browser: Browser, simulator: str, size: tuple[int, int]
) -> None:
    """The texted link is opened next to the call, which notices this by itself and says so."""
    caller = Caller.at(browser, simulator, size)
    page = caller.page
    page.select_option("#caller", "chen")
    page.click("#call")
    for title, keys in (
        ("Offer around a payment", "1"),
        ("Enter the last four digits", "2245"),
        ("May we send one text?", "1"),
        ("Do you agree?", "1"),
    ):
        caller.asked(title)
        caller.hears()
        caller.presses(keys)
    caller.says("#you-are-at", "Wait for the texted link")
    caller.opens("World")
    caller.says("#messages", "not opened yet")
    page.get_by_role("button", name="Open link").click()
    linked = page.frame_locator("#sheet-page")
    expect(linked.locator("h1")).to_be_visible()
    sheet, heard = caller.place("#sheet"), caller.place("#spoken")
    assert apart(sheet, heard)
    assert sheet["width"] >= min(size[0], 500)
    caller.shot(f"simulator-link-{size[0]}")
    linked.get_by_label("E-mail address for your bills").fill("lily.chen@example.com")
    linked.get_by_role("button", name="Switch to paperless billing").click()
    expect(linked.locator("h1")).to_have_text("You are set up")
    caller.says("#ended", "Enrolled")
    caller.says("#spoken", "All done. Your water bill will come by e-mail.")
    page.click("#sheet-close")
    caller.says("#messages", "opened, done")
    caller.hidden_nowhere("lily.chen@example.com")
    assert caller.errors == []
    page.context.close()


def apart(one: FloatRect, other: FloatRect) -> bool:
    """Return whether two boxes do not overlap."""
    beside = one["x"] >= other["x"] + other["width"] or other["x"] >= one["x"] + one["width"]
    return beside or one["y"] >= other["y"] + other["height"]


def test_the_call_goes_on_beside_a_link(caller: Caller) -> None:
    """While the page of a link is open, keys reach the call; Escape closes it."""
    page = caller.page
    caller.to_consent()
    caller.presses("1")
    caller.asked("May we send one text?")
    page.get_by_role("button", name="Open link").click()
    expect(page.locator("#sheet")).to_be_visible()
    caller.hears()
    caller.presses("2")
    caller.says("#ended", "Enrolled")
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()


def test_by_touch_on_a_telephone(browser: Browser, simulator: str) -> None:
    """At a width of 390 pixels, nothing scrolls sideways, and the tabs show the rest."""
    caller = Caller.at(browser, simulator, PHONE)
    page = caller.page
    page.locator("#call").tap()
    for title, keys in (
        ("Offer around a payment", "1"),
        ("Enter the last four digits", "1137"),
        ("Do you agree?", "1"),
    ):
        caller.asked(title)
        caller.hears()
        if title == "Do you agree?":
            caller.picture("simulator-phone")
        caller.presses(keys, touch=True)
    caller.asked("May we send one text?")
    caller.hears()
    caller.presses("2", touch=True)
    caller.says("#ended", "Enrolled")
    world = page.get_by_role("tab", name="World")
    expect(world).to_have_class("new")
    for tab in ("Flow", "So far", "World"):
        page.get_by_role("tab", name=tab).tap()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert caller.axe() == []
    expect(world).not_to_have_class("new")
    assert caller.errors == []
    page.context.close()


def test_by_keyboard_alone(caller: Caller) -> None:
    """The whole call works from the skip link to its end, without a mouse."""
    page = caller.page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#type-keys")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("c")
    for title, keys in (
        ("Offer around a payment", "1"),
        ("Enter the last four digits", "1137"),
        ("Do you agree?", "1"),
    ):
        caller.asked(title)
        page.keyboard.press("j")
        caller.hears()
        page.keyboard.type(keys)
    caller.asked("May we send one text?")
    page.keyboard.press("[")
    caller.asked("Do you agree?")
    page.keyboard.press("1")
    caller.asked("May we send one text?")
    page.keyboard.press("j")
    caller.hears()
    expect(caller.key("2")).to_have_accessible_name("2 no")
    page.keyboard.press("2")
    caller.says("#ended", "Enrolled")
    page.keyboard.press("?")
    expect(page.locator("#help-sheet")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help-sheet")).to_be_hidden()


@pytest.mark.parametrize(
    ("tried", "title", "keys"),
    [
        ("spell", "Key the part before the @", ("1", "2245", "2", "20482245#")),
        ("down", "Service down", ("1",)),
    ],
)
def test_what_is_offered_to_try(
    caller: Caller, tried: str, title: str, keys: tuple[str, ...]
) -> None:
    """Each suggestion sets the scenario, and calls."""
    page = caller.page
    page.click(f'[data-try="{tried}"]')
    for pressed in keys:
        expect(page.locator(".key.shared").first).to_be_attached()
        before = page.locator("#you-are-at").text_content()
        caller.hears()
        caller.presses(pressed)
        expect(page.locator("#you-are-at")).not_to_have_text(before or "")
    caller.says("#you-are-at", title)


@pytest.mark.requirement("R55")
def test_the_picture_of_the_chapter(caller: Caller) -> None:
    """The current state is highlighted in its chapter's picture, and an ending in the overview."""
    page = caller.page
    caller.to_consent()
    lit = page.locator("#chapter .picture .at")
    expect(lit).to_have_attribute("data-state", "CONFIRMATION")
    expect(lit).to_be_in_viewport()
    assert caller.axe() == []
    page.get_by_role("button", name="As a list").click()
    caller.says("#chapter", "Where it can go")
    expect(lit).to_have_count(0)
    page.get_by_role("button", name="As a list").click()
    caller.presses("2")
    caller.says("#ended", "Declined")
    expect(lit).to_have_attribute("id", "DECLINED")
    expect(lit).to_be_in_viewport()
    assert caller.errors == []


def test_only_the_way_taken_is_green(browser: Browser, simulator: str) -> None:
    """Only the way taken is solid green. Where the call has not been, the usual way is gray."""
    for theme in ("light", "dark"):
        caller = Caller.at(browser, simulator, theme=theme)
        caller.to_consent()
        expect(caller.page.locator("#chapter .at")).to_have_count(1)
        found = caller.page.evaluate(GREEN_SHAPES)
        assert found["solid"] == {"overview": ["CONSENT"], "chapter": ["CONFIRMATION"]}
        assert found["lines"] == found["taken"]
        assert found["gray"]
        caller.page.context.close()


GREEN_SHAPES = """() => {
  const way = document.createElement("i");
  way.style.color = "var(--way)";
  document.body.append(way);
  const green = getComputedStyle(way).color;
  const style = (one) => getComputedStyle(one);
  const chapter = document.querySelector("#chapter svg");
  const solid = {
    overview: [...document.querySelectorAll("#overview .box")]
      .filter((one) => style(one).backgroundColor === green)
      .map((one) => one.closest("li").dataset.chapter),
    chapter: [...chapter.querySelectorAll("g rect, g path")]
      .filter((one) => style(one).fill === green)
      .map((one) => one.closest("[data-state]").dataset.state),
  };
  const lines = [...chapter.querySelectorAll("path[data-from]")];
  const names = (some) => some.map((one) => `${one.dataset.from} ${one.dataset.to}`);
  return {
    solid,
    lines: names(lines.filter((one) => style(one).stroke === green)),
    taken: names(lines.filter((one) => one.classList.contains("took"))),
    gray: names(
      lines.filter((one) => one.classList.contains("happy") && style(one).stroke !== green),
    ),
  };
}"""


def test_the_line_of_travel(caller: Caller) -> None:
    """The overview draws the way between chapters, and other chapters can be viewed."""
    page = caller.page
    caller.to_consent()
    taken = page.locator("#travel .taken")
    assert travel(caller) == [
        "ARRIVAL IDENTITY",
        "IDENTITY BILL",
        "BILL ADDRESS",
        "ADDRESS CONSENT",
    ]
    for line in taken.all():
        assert line.evaluate("line => line.getTotalLength()") > 4
    caller.presses("1")
    caller.asked("May we send one text?")
    assert travel(caller)[-2:] == ["CONSENT AFTER", "AFTER TEXT"]
    page.get_by_role("button", name="Caller, passed").click()
    caller.says("#chapter-title", "Caller")
    expect(page.locator("#chapter .been").first).to_be_attached()
    expect(page.locator("#chapter .at")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Which bill, passed")).to_be_focused()
    page.get_by_role("button", name="Back to the call").click()
    expect(page.locator("#chapter .at")).to_have_attribute("data-state", "TEXT_CONSENT")
    page.click("#dock-back")
    caller.asked("Do you agree?")
    expect(page.locator("#travel .other")).to_have_count(2)
    assert caller.axe() == []


def travel(caller: Caller) -> list[str]:
    """Return the lines of the way taken, in the order of the chapters."""
    lines = caller.page.locator("#travel .taken")
    expect(lines.first).to_be_attached()
    found = lines.evaluate_all("all => all.map((one) => `${one.dataset.from} ${one.dataset.to}`)")
    return list(reversed(found))


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (768, 1024), PHONE, (320, 640)])
def test_nothing_is_cut_off(browser: Browser, simulator: str, size: tuple[int, int]) -> None:
    """Columns of Why wrap, stations show whole labels, and controls and text are large enough."""
    caller = Caller.at(browser, simulator, size)
    page = caller.page
    assert small(caller) == []
    page.click("#settings")
    assert small(caller) == []
    page.click("#settings")
    caller.to_consent()
    caller.presses("1")
    caller.asked("May we send one text?")
    for tab in ("Phone", "Flow", "So far", "World"):
        caller.opens(tab)
        assert small(caller) == []
        assert page.evaluate(SMALL_TEXT) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert caller.page.locator("#timeline").evaluate(CUT_LABELS) == []
    caller.opens("Flow")
    page.click("#details")
    why = page.locator(".columns")
    assert why.evaluate("box => box.scrollWidth <= box.clientWidth")
    for column in page.locator(".column").all():
        column.scroll_into_view_if_needed()
        expect(column).to_be_in_viewport()
    page.get_by_role("button", name="Help and keys").click()
    assert small(caller) == []
    assert caller.errors == []
    page.context.close()


def small(caller: Caller) -> list[str]:
    """Return the controls that are smaller than 44 pixels. A checkbox counts with its label."""
    return caller.page.evaluate(SMALL_CONTROLS)


SMALL_CONTROLS = """() => [...document.querySelectorAll("a[href], button, select, input, summary")]
  .map((one) => (one.type === "checkbox" ? one.closest("label") : one))
  .filter((one) => one.checkVisibility() && !one.closest(".skip, .type-keys"))
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([, box]) => box.width < 44 || box.height < 44)
  .map(([one, box]) => `${one.id || one.textContent} ${box.width} ${box.height}`)"""

SMALL_TEXT = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const small = new Set();
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !one.checkVisibility()) continue;
    const size = parseFloat(getComputedStyle(one).fontSize) * one.currentCSSZoom;
    if (size < (one.closest("svg") ? 12 : 12.5)) small.add(`${one.textContent} ${size}`);
  }
  return [...small];
}"""

CUT_LABELS = """list => {
  const frame = list.parentElement.getBoundingClientRect();
  const seen = [...list.querySelectorAll("span")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.right > frame.left + 1 && box.left < frame.right - 1;
  });
  return seen
    .filter((one) => {
      const box = one.getBoundingClientRect();
      const over = one.scrollWidth > one.clientWidth || box.bottom > frame.bottom + 8;
      return over || box.left < frame.left - 1 || box.right > frame.right + 1;
    })
    .map((one) => one.textContent);
}"""


def test_letters_as_they_are_spelled(caller: Caller) -> None:
    """Letters are masked until asked for. An eye button shows what was keyed, and nothing else."""
    page = caller.page
    page.click('[data-try="spell"]')
    for pressed in ("1", "2245", "2", "20482245#"):
        expect(page.locator(".key.shared").first).to_be_attached()
        before = page.locator("#you-are-at").text_content()
        caller.hears()
        caller.presses(pressed)
        expect(page.locator("#you-are-at")).not_to_have_text(before or "")
    caller.says("#you-are-at", "Key the part before the @")
    caller.hears()
    caller.presses("545")
    expect(page.locator("#entry")).to_have_text("So far: • • • · 3 keyed")
    page.get_by_role("button", name="Show what is keyed").click()
    expect(page.locator("#entry")).to_have_text("So far: l i l · 3 keyed")
    caller.says("#reveal", "Personal data hidden")
    caller.hidden_nowhere("20482245")
    caller.presses("9")
    expect(page.locator("#entry")).to_have_text("So far: l i l y · 4 keyed")
    page.get_by_role("button", name="Show what is keyed").click()
    expect(page.locator("#entry")).to_have_text("So far: • • • • · 4 keyed")


def test_typed_keys_and_arrows(caller: Caller) -> None:
    """Digits typed into the field reach the line, too, and arrow keys move on the keypad."""
    page = caller.page
    page.click("#call")
    caller.asked("Offer around a payment")
    caller.hears()
    page.focus("#type-keys")
    page.keyboard.type("1")
    caller.asked("Enter the last four digits")
    expect(page.locator("#type-keys")).to_have_attribute("type", "password")
    expect(page.locator("#type-keys")).to_have_value("")
    caller.key("1").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(caller.key("5")).to_be_focused()


def test_a_yes_too_early(caller: Caller) -> None:
    """The key is locked until the underlined words were heard. Pressing it early gets a reply."""
    page = caller.page
    caller.to_consent()
    page.click("#again")
    expect(caller.key("1")).to_have_accessible_name("1 agree, locked until heard")
    caller.says("#hint", "Yes counts after the underlined words.")
    caller.presses("1")
    caller.says("#so-far", "Before you choose, please listen to the whole message.")
    caller.says("#messages", "will arrive here")


def test_a_key_delivered_twice_at_the_consent_question(caller: Caller) -> None:
    """The second delivery changes nothing, and the page says why."""
    page = caller.page
    caller.to_consent()
    page.select_option("#fault-key", "twice")
    caller.presses("1")
    caller.asked("May we send one text?")
    caller.says("#so-far", "1 again: ignored, because it answers an earlier question.")
    expect(page.locator("#messages .message")).to_have_count(1)
    expect(page.locator("#fault-key")).to_have_value("once")


def test_a_fault_in_mid_call(browser: Browser, start: Start, tmp_path: Path) -> None:
    """A fault shows in the dock and among the events, and the message arrives during the wait."""
    policy = tmp_path / "quick.toml"
    quick = "[text]\nafter_enrolment = []\n"
    policy.write_text(POLICY.format(version="1", name="Springfield Water") + quick)
    caller = Caller.at(browser, start(policy), theme="dark")
    page = caller.page
    caller.to_consent()
    page.select_option("#fault-service", "done")
    expect(page.locator(".faults label.on")).to_have_count(1)
    caller.presses("1")
    caller.says("#speaking", "Waiting for the billing service")
    expect(page.locator("#messages .message")).to_have_count(1)
    caller.picture("simulator-fault")
    page.click("#normal")  # from the next request on
    caller.says("#so-far .fault", "Billing service: no answer")
    caller.says("#ended", "Enrolled")
    assert caller.axe() == []
    assert caller.errors == []
    page.context.close()


@pytest.mark.parametrize(
    ("fault", "then"), [("slow", ""), ("slow", "as a list"), ("slow", "hangs up"), ("down", "")]
)
def test_a_fault_is_seen_at_once(
    browser: Browser, start: Start, tmp_path: Path, fault: str, then: str
) -> None:
    """A fault shows when it is switched on, and while the service is asked, not only afterward.

    A slow service answers after 18 s. `axe` takes seconds, so nothing that has to happen meanwhile
    comes after it.
    """
    policy = tmp_path / "patient.toml"
    policy.write_text(
        POLICY.format(version="1", name="Springfield Water") + "[budgets]\nwrite = 20\n"
    )
    caller = Caller.at(browser, start(policy))
    page = caller.page
    caller.to_consent()
    page.select_option("#fault-service", fault)
    caller.says("#trouble", f"Billing service: {fault}")
    caller.says("#world-trouble", f"Billing service: {fault}")
    caller.says("#so-far .switch", f"The billing service is {fault}")
    caller.presses("1")
    if fault == "down":
        caller.says("#ended", "Saved for later")
        page.context.close()
        return
    caller.says("#trouble", "Waiting for the billing service: Enroll")
    waits = page.locator("#so-far .switch", has_text="Waiting for the billing service: Enroll")
    expect(waits).to_be_visible()
    caller.says("#why-sentence", "The billing service is slow, so the call waits at “Enroll”.")
    caller.says("#speaking", "Waiting for the billing service")
    expect(page.locator("#budget")).to_be_visible()
    expect(page.locator("#exchanges li:last-child")).to_be_in_viewport(ratio=0.9)
    expect(page.locator("#chapter .hit")).to_have_attribute("data-state", "ENROLLMENT")
    if then == "as a list":
        page.get_by_role("button", name="As a list").click()
        expect(page.locator("#chapter .here.hit")).to_be_visible()
    if then == "hangs up":
        page.keyboard.press("h")
        caller.says("#hint", "A request in progress is being completed.")
    assert caller.axe() == []
    page.context.close()


def test_rewind_and_another_way(caller: Caller, tmp_path: Path) -> None:
    """Take 2 is declined. Both takes are saved as transcripts that replay unchanged."""
    page = caller.page
    caller.to_consent()
    caller.presses("1")
    caller.asked("May we send one text?")
    caller.hears()
    caller.presses("2")
    caller.says("#ended", "Enrolled")
    saved(caller, tmp_path, "enrolled")
    page.get_by_role("button", name="Do you agree?,").click()
    caller.asked("Do you agree?")
    caller.says("#messages", "Only in take 1")
    caller.says("#so-far", "Take 2 starts here")
    caller.says("#so-far", "What came next in take 1")
    caller.shot("simulator-rewound")
    caller.presses("2")
    caller.says("#ended", "Declined")
    saved(caller, tmp_path, "declined")
    page.select_option("#takes", "1")
    caller.says("#ended", "Enrolled")
    saved(caller, tmp_path, "enrolled")


def saved(caller: Caller, folder: Path, disposition: str) -> None:
    """Saves the take that is shown, and replays it."""
    with caller.page.expect_download() as download:
        caller.page.click("#save")
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    assert f"ends       {disposition}" in file.read_text(encoding="utf-8")
    assert transcripts.differences(transcripts.read(file)) == ""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), PHONE, (320, 640)])
def test_axe_finds_nothing(
    browser: Browser, simulator: str, size: tuple[int, int], theme: str
) -> None:
    """The page has no problems when idle, asked, and ended, and nothing scrolls sideways."""
    caller = Caller.at(browser, simulator, size, theme)
    page = caller.page
    name = f"simulator-{size[0]}-{theme}"
    assert caller.axe() == []
    caller.shot(f"{name}-idle")
    page.click("#call")
    caller.asked("Offer around a payment")
    assert caller.axe() == []
    caller.shot(f"{name}-asked")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("h")
    caller.says("#ended", "Hung up")
    assert caller.axe() == []
    page.keyboard.press("?")
    assert caller.axe() == []
    assert caller.errors == []
    page.context.close()


def test_personal_data_is_shown_and_hidden(caller: Caller) -> None:
    """V shows personal data. After V is pressed again, the data is gone from the page."""
    page = caller.page
    caller.to_consent()
    caller.presses("1")
    caller.asked("May we send one text?")
    caller.hidden_nowhere("jane.rivera@example.com")
    page.get_by_role("button", name="Show this address").click()
    caller.says("#messages", "jane.rivera@example.com")
    caller.says("#reveal", "Personal data hidden")
    caller.hidden_nowhere("1137")
    page.get_by_role("button", name="Show this address").click()
    caller.says("#messages", "j•••@e•••.com")
    page.locator("#exchanges summary", has_text="StoreCustomerPreference").click()
    shows = page.get_by_role("button", name="Show these fields")
    shows.focus()
    page.keyboard.press("Enter")
    caller.says("#exchanges details[open]", "jane.rivera@example.com")
    expect(shows.and_(page.locator('[aria-pressed="true"]'))).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#exchanges details[open]")).not_to_contain_text("jane.rivera")
    page.keyboard.press("v")
    caller.says("#messages", "jane.rivera@example.com")
    page.keyboard.press("v")
    caller.says("#messages", "j•••@e•••.com")
    caller.hidden_nowhere("jane.rivera@example.com")


def test_a_policy_that_cannot_be_used(browser: Browser, start: Start, tmp_path: Path) -> None:
    """The problems of a policy are shown, and calls keep the previous version."""
    policy = tmp_path / "own.toml"
    policy.write_text(POLICY.format(version="7", name="Acme Water"))
    caller = Caller.at(browser, start(policy))
    policy.write_text(POLICY.format(version="8", name="Acme Water") + "[tries]\nwrong = -1\n")
    caller.says("#problems", "tries.wrong")
    caller.says("#policy-state", "1 problem. Calls still use version 7")
    caller.page.context.close()


def test_the_simulator_stops(browser: Browser) -> None:
    """The page says what happened, and shows the command."""
    with serving() as url:
        caller = Caller.at(browser, url)
    caller.says("#problems", COMMAND)
    caller.page.context.close()
