"""A caller at the simulator's page, in Chromium. It waits for what it expects, and never sleeps."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import frozen
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect, sync_playwright

from tests.simulator.tab import without_chance

HERE = Path(__file__).parent
AXE = HERE / "node_modules/axe-core/axe.min.js"
PATIENCE = 60_000
"""Milliseconds after which a test gives up on a busy machine."""
PROGRAMS = ("chromium-headless-shell", "chromium")
"""Chromium without its windows, which takes a third less CPU, or else with them."""
MISSING = f"needs Chromium and npm's axe-core: install {PROGRAMS[0]} and npm, then run make prove"
SHOTS = os.environ.get("PAPERLESS_IVR_SCREENSHOTS")
"""A folder for screenshots."""
PICTURES = HERE.parents[1] / "docs/simulator"
WORDS = "#spoken, #overview, #you-are-at, #why-sentence, #so-far .what, #messages, #keypad"
"""The parts of a picture in the docs that do not depend on when it was taken."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; without it a test is skipped, or fails in CI."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not program or not AXE.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@frozen
class Caller:
    """A person at the page."""

    page: Page
    errors: list[str]

    @classmethod
    def at(
        cls, browser: Browser, url: str, size: tuple[int, int] = (1440, 900), theme: str = "light"
    ) -> "Caller":
        """Opens the page, without a voice and at high speed."""
        narrow = size[0] < 720
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if theme == "dark" else "light",
            has_touch=narrow,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        context.add_init_script(
            "localStorage.setItem('simulator-who-speaks', 'nobody');"
            "localStorage.setItem('simulator-speed', '3');"
        )
        page, errors = context.new_page(), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: said.type == "error" and errors.append(said.text))
        page.goto(url)
        page.wait_for_selector("body[data-version]")
        return cls(page, errors)

    def key(self, key: str) -> Locator:
        """Returns a key of the telephone."""
        return self.page.locator(f'[data-digit="{key}"]')

    def asked(self, title: str) -> None:
        """Waits until the caller is asked something."""
        expect(self.page.locator("#you-are-at")).to_have_text(f"You are at “{title}”")
        expect(self.page.locator(".key.shared").first).to_be_attached()

    def hears(self) -> None:
        """Hears a question to its end, at once."""
        self.page.evaluate("document.getElementById('skip').click()")
        self.page.wait_for_function(
            "() => document.getElementById('speaking').textContent === 'Waiting for you'"
        )

    def presses(self, keys: str, *, touch: bool = False) -> None:
        """Presses keys, by mouse or by touch."""
        for key in keys:
            if touch:
                self.key(key).tap()
            else:
                self.key(key).click()

    def says(self, place: str, text: str) -> None:
        """Waits until some text is seen in a place."""
        expect(self.page.locator(place)).to_contain_text(text)

    def to_consent(self) -> None:
        """Calls, by mouse, and hears the question whose yes enrolls."""
        self.page.click("#call")
        for title, keys in (
            ("Offer around a payment", "1"),
            ("Enter the last four digits", "1137"),
        ):
            self.asked(title)
            self.hears()
            self.presses(keys)
        self.asked("Do you agree?")
        self.hears()

    def opens(self, tab: str) -> None:
        """Opens a panel, if panels are in tabs."""
        found = self.page.get_by_role("tab", name=tab)
        if found.is_visible():
            found.click()

    def place(self, selector: str) -> FloatRect:
        """Returns where something is on the page."""
        box = self.page.locator(selector).bounding_box()
        assert box is not None
        return box

    def axe(self) -> list[str]:
        """Returns the problems that axe finds with the current page, in words."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("async () => (await axe.run(document)).violations")
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found
            for node in one["nodes"]
        ]

    def shot(self, name: str) -> None:
        """Takes a picture, if pictures are wanted."""
        if SHOTS:
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png")

    def picture(self, name: str) -> None:
        """Take a picture for the docs, or check that the one there still shows what the page says.

        Words are compared, not pixels: fonts differ from machine to machine.
        """
        words = "\n".join(self.page.locator(WORDS).all_text_contents()) + "\n"
        if SHOTS:
            self.shot(name)
            (Path(SHOTS) / f"{name}.txt").write_text(words, encoding="utf-8")
        else:
            kept = (PICTURES / f"{name}.txt").read_text(encoding="utf-8")
            assert kept == words, f"{name}.png is out of date: run make screenshots"

    def hidden_nowhere(self, *values: str) -> None:
        """Asserts that nothing hidden is in the page, its storage, or its address."""
        held = self.page.evaluate(
            "() => document.documentElement.outerHTML + JSON.stringify({...localStorage})"
            " + JSON.stringify({...sessionStorage}) + location.href"
        )
        shown = without_chance(held)
        assert not [value for value in values if value in shown], json.dumps(shown)[:2000]
