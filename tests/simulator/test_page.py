"""The simulator's page in a browser: by mouse, touch and keyboard; faults, takes, transcripts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from paperless_ivr import transcripts
from tests.simulator.browser import Caller, chromium
from tests.simulator.conftest import Start, serving
from tests.simulator.test_server import POLICY

pytestmark = pytest.mark.requirement("R54")

PHONE = (390, 844)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests of this module."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def caller(browser: Browser, simulator: str) -> Iterator[Caller]:
    """Somebody at a desk, before the first call; the page has raised nothing in the end."""
    caller = Caller.at(browser, simulator)
    yield caller
    caller.page.context.close()
    assert caller.errors == []


def test_by_mouse_until_the_bill_is_paperless(caller: Caller) -> None:
    """The caller enrolls, and the link in the e-mail is opened beside the telephone."""
    page = caller.page
    caller.to_consent()
    caller.presses("1")
    caller.asked("May we send one text?")
    caller.says("#messages", "not opened yet")
    caller.says("#overview .current", "Text")
    caller.says("#why-sentence", "The billing service answered “accepted”")
    caller.shot("simulator-text")
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
def test_done_before_the_caller_hangs_up(caller: Caller) -> None:
    """The texted link is opened beside the call, which waits by itself and then says so."""
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
    caller.says("#messages", "not opened yet")
    caller.shot("simulator-link")
    page.get_by_role("button", name="Open link").click()
    linked = page.frame_locator("#sheet-page")
    linked.get_by_label("E-mail address for your bills").fill("lily.chen@example.com")
    linked.get_by_role("button", name="Switch to paperless billing").click()
    expect(linked.locator("h1")).to_have_text("You are set up")
    caller.says("#ended", "Enrolled")
    page.click("#sheet-close")
    caller.says("body", "Done. Your water bill is paperless.")
    caller.says("#messages", "opened, done")
    caller.hidden_nowhere("lily.chen@example.com")


def test_by_touch_on_a_telephone(browser: Browser, simulator: str) -> None:
    """At 390 pixels nothing scrolls sideways, and the tabs show the rest."""
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
            caller.shot("simulator-phone")
        caller.presses(keys, touch=True)
    caller.asked("May we send one text?")
    caller.hears()
    caller.presses("2", touch=True)
    caller.says("#ended", "Enrolled")
    for tab in ("Flow", "So far", "World"):
        page.get_by_role("tab", name=tab).tap()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert caller.axe() == []
    assert caller.errors == []
    page.context.close()


def test_by_keyboard_alone(caller: Caller) -> None:
    """From the skip link to the end of the call, without a mouse."""
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
    """Each sets the scene and calls."""
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
    """The present state is lit in its chapter's picture, and an ending in the overview."""
    page = caller.page
    caller.to_consent()
    lit = page.locator("#chapter .picture .at")
    expect(lit).to_have_attribute("data-state", "CONFIRMATION")
    expect(lit).to_be_in_viewport()
    assert caller.axe() == []
    page.get_by_role("button", name="As a list").click()
    caller.says("#chapter", "Ways from here")
    expect(lit).to_have_count(0)
    page.get_by_role("button", name="As a list").click()
    caller.presses("2")
    caller.says("#ended", "Declined")
    expect(lit).to_have_attribute("id", "DECLINED")
    expect(lit).to_be_in_viewport()
    assert caller.errors == []


def test_typed_keys_and_arrows(caller: Caller) -> None:
    """Digits reach the line from a field, too; arrows move on the keypad."""
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
    """The key is locked until the underlined words were heard; pressed, it is answered."""
    page = caller.page
    caller.to_consent()
    page.click("#again")
    expect(caller.key("1")).to_have_accessible_name("1 agree, locked until heard")
    caller.says("#hint", "Yes counts after the underlined words.")
    caller.presses("1")
    caller.says("#so-far", "Before you choose, please listen to the whole message.")
    caller.says("#messages", "will arrive here")


def test_a_key_delivered_twice_at_the_consent_question(caller: Caller) -> None:
    """It changes nothing, and the page says why."""
    page = caller.page
    caller.to_consent()
    page.select_option("#fault-key", "twice")
    caller.presses("1")
    caller.asked("May we send one text?")
    caller.says("#so-far", "1 again: ignored, it answers an earlier question.")
    expect(page.locator("#messages .message")).to_have_count(1)
    expect(page.locator("#fault-key")).to_have_value("once")


def test_a_fault_in_mid_call(browser: Browser, start: Start, tmp_path: Path) -> None:
    """Seen in the dock and in what happened; the message arrives while the caller waits."""
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
    caller.shot("simulator-fault")
    page.click("#normal")  # from the next request on
    caller.says("#so-far .fault", "Billing service: does not answer")
    caller.says("#ended", "Enrolled")
    assert caller.axe() == []
    assert caller.errors == []
    page.context.close()


def test_rewind_and_another_way(caller: Caller, tmp_path: Path) -> None:
    """Take 2 is declined; both takes are saved as transcripts that replay as they are."""
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
    """Idle, asked, and ended; nothing scrolls sideways."""
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
    """By V, and again by V: what is hidden again is gone from the page."""
    page = caller.page
    caller.to_consent()
    caller.presses("1")
    caller.asked("May we send one text?")
    caller.hidden_nowhere("jane.rivera@example.com")
    page.keyboard.press("v")
    caller.says("#messages", "jane.rivera@example.com")
    page.keyboard.press("v")
    caller.says("#messages", "j•••@e•••.com")
    caller.hidden_nowhere("jane.rivera@example.com")


def test_a_policy_that_cannot_be_used(browser: Browser, start: Start, tmp_path: Path) -> None:
    """Its problems are shown, and calls keep the version before."""
    policy = tmp_path / "own.toml"
    policy.write_text(POLICY.format(version="7", name="Acme Water"))
    caller = Caller.at(browser, start(policy))
    policy.write_text(POLICY.format(version="8", name="Acme Water") + "[tries]\nwrong = -1\n")
    caller.says("#problems", "tries.wrong")
    caller.says("#policy-state", "1 problem. Calls keep version 7")
    caller.page.context.close()


def test_the_simulator_stops(browser: Browser) -> None:
    """The page says what happened, and gives the command."""
    with serving() as url:
        caller = Caller.at(browser, url)
    caller.says("#problems", "paperless-ivr simulator")
    caller.page.context.close()
