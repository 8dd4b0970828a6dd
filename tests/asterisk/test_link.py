"""A texted link while the caller stays on a real line, with its real page in a real browser."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import define, evolve, field
from playwright.sync_api import expect

from paperless_ivr.backends.demo import customer
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cli.setups import demo_connection
from paperless_ivr.cloudivr.serving import Service, running
from paperless_ivr.cloudivr.tables import Registered
from paperless_ivr.drive.relay import Relay
from paperless_ivr.flow.requests import SearchByAccountNumber
from paperless_ivr.prompts.recorded import phrases
from paperless_ivr.records.funnel import Link, Stage, hand_overs
from tests.asterisk.audio import decoded, frames, noise, place
from tests.asterisk.conftest import POLICY, Exchange, With
from tests.asterisk.sip import SipCaller
from tests.simulator.browser import chromium

pytestmark = [pytest.mark.requirement("R52"), pytest.mark.long]

CHEN = customer("chen")
NUMBER = (CHEN.phone or "").reveal().removeprefix("+1")
ADDRESS = "lily.chen@example.com"
SHORT = evolve(POLICY, text=evolve(POLICY.text, wait_seconds=15.0))
SPOKEN = ("link_texted", "link_open_now", "link_will_tell", "link_go_on", "link_waiting")
"""The prompts during the wait for the link, which take as long as they really would."""
FRAMES_A_WORD = 20
"""150 words a minute."""
WITHIN_S = 5.0


@define
class Billing:
    """The reference service, which can be stopped and restarted."""

    folder: Path
    port: int = 0
    service: Service = field(init=False)
    _runs: ExitStack = field(factory=ExitStack)

    def start(self) -> None:
        """Start it at the same address as before."""
        url = f"sqlite:///{self.folder / 'cloudivr.db'}"
        self.service = self._runs.enter_context(running(url, port=self.port))
        self.port = int(self.service.url.rpartition(":")[2])

    def stop(self) -> None:
        """Stop it."""
        self._runs.close()

    @property
    def link(self) -> str:
        """Return the link that was texted last."""
        return self.service.outbox().texts[-1].link

    @property
    def status(self) -> Registered | None:
        """Return the status of the registration."""
        return self.service.registration(CHEN.id.reveal(), "WATER")

    def open(self) -> float:
        """Open the link in a browser, and finish. Returns when the page says that it is done."""
        with chromium() as browser:
            page = browser.new_page()
            page.goto(self.link)
            page.get_by_label("E-mail address for your bills").fill(ADDRESS)
            page.get_by_role("button", name="Switch to paperless billing").click()
            expect(page.locator("h1")).to_have_text("You are set up")
            return time.monotonic()


@pytest.fixture
def billing(tmp_path: Path) -> Iterator[Billing]:
    """A separate reference service."""
    billing = Billing(tmp_path)
    billing.start()
    yield billing
    billing.stop()


@pytest.fixture(scope="session")
def recordings(recordings: Path) -> Path:
    """The recordings. Those during the wait have their real length."""
    folder = shutil.copytree(recordings, recordings.with_name("spoken"))
    for phrase in phrases(POLICY):
        if phrase.file.rpartition("/")[2] in SPOKEN:
            file = folder / f"{phrase.file}.wav"
            assert file.exists()
            noise(file, FRAMES_A_WORD * len(phrase.text.split()))
    return folder


async def to_the_wait(live: Exchange) -> SipCaller:
    """Return a caller without an address on file who has agreed to a texted link, and waits."""
    caller = await live.caller("before", NUMBER)
    for state, keys in (
        ("OFFER", "1"),
        ("IDENTITY_CHECK", "2245"),
        ("TEXT_CONSENT", "1"),
        ("CONFIRMATION", "1"),
    ):
        await live.until_asked(NUMBER, state)
        await caller.until_quiet()
        caller.press(keys)
    await live.until_asked(NUMBER, "LINK_WAIT")
    return caller


def heard(live: Exchange) -> list[str]:
    """Return what was said to the end."""
    return [name.rpartition("/")[2].partition("-")[0] for name in live.files[NUMBER]]


def when_heard(live: Exchange, caller: SipCaller, recordings: Path, name: str) -> float:
    """Return when the caller had heard the first recording of a prompt."""
    file = next(f for f in live.files[NUMBER] if f.rpartition("/")[2].startswith(name))
    samples = frames((recordings / "/".join(file.split("/")[-2:])).with_suffix(".wav"))
    found, likeness = place(samples, decoded(caller.heard), 0)
    assert likeness > 0.99
    return caller.heard_at[found + len(samples) - 1]


def test_opened_during_the_call(exchange: With, billing: Billing, recordings: Path) -> None:
    """The caller hears that it is done within 5 seconds of the page saying so."""

    async def test(live: Exchange) -> None:
        caller = await to_the_wait(live)
        opened = await asyncio.to_thread(billing.open)
        await caller.to_the_end()
        await caller.close()
        assert when_heard(live, caller, recordings, "link_done") - opened < WITHIN_S
        got = await asyncio.to_thread(live.asterisk.told, NUMBER)
        assert (got["disposition"], got["registration"]) == ("enrolled", "active")
        assert billing.status is Registered.ACTIVE
        assert {"link_texted", "link_done", "end_active"} <= set(heard(live))
        (one,) = hand_overs(live.record.activity(POLICY.biller.id))
        assert (one.link, one.stage) == (Link.ON_LINE, Stage.COMPLETED)

    exchange(test, SoapBackend(demo_connection(billing.service.endpoint)))


@pytest.mark.requirement("R32")
def test_opened_later(exchange: With, billing: Billing) -> None:
    """If a caller goes on and opens the link after the call, the relay notices."""

    async def test(live: Exchange) -> None:
        caller = await to_the_wait(live)
        caller.press("1")
        await caller.to_the_end()
        await caller.close()
        got = await asyncio.to_thread(live.asterisk.told, NUMBER)
        assert (got["disposition"], got["registration"]) == ("link_sent", "link")
        assert "end_link_sent" in heard(live)
        relay = Relay(live.setup, live.record)
        await asyncio.to_thread(relay.round)  # it also checks before the link is opened
        (one,) = hand_overs(live.record.activity(POLICY.biller.id))
        assert (one.link, billing.status) != (Link.LATER, Registered.ACTIVE)
        await asyncio.to_thread(billing.open)
        live.clock.ahead = timedelta(hours=7)  # its longest pause is over
        await asyncio.to_thread(relay.round)
        (one,) = hand_overs(live.record.activity(POLICY.biller.id))
        assert (one.link, one.stage) == (Link.LATER, Stage.COMPLETED)

    exchange(test, SoapBackend(demo_connection(billing.service.endpoint)))


def test_never_opened(exchange: With, billing: Billing) -> None:
    """The wait ends by itself, the caller hears that the link still works, and it does."""

    async def test(live: Exchange) -> None:
        caller = await to_the_wait(live)
        await caller.to_the_end()
        await caller.close()
        got = await asyncio.to_thread(live.asterisk.told, NUMBER)
        assert (got["disposition"], got["registration"]) == ("link_sent", "link")
        assert heard(live)[-2:] == ["link_not_yet", "end_link_sent"]
        (one,) = hand_overs(live.record.activity(POLICY.biller.id))
        assert one.link is Link.NOT_OPENED
        await asyncio.to_thread(billing.open)

    exchange(test, SoapBackend(demo_connection(billing.service.endpoint)), SHORT)


@pytest.mark.requirement("R10")
def test_service_down_while_waiting(exchange: With, billing: Billing) -> None:
    """The caller hears about it, nothing is lost, and the link works once the service is back."""

    async def test(live: Exchange) -> None:
        caller = await to_the_wait(live)
        await asyncio.to_thread(billing.stop)
        await caller.to_the_end()
        await caller.close()
        got = await asyncio.to_thread(live.asterisk.told, NUMBER)
        assert (got["disposition"], got["registration"]) == ("link_sent", "link")
        assert heard(live)[-2:] == ["link_unclear", "end_link_sent"]
        await asyncio.to_thread(billing.start)
        await asyncio.to_thread(billing.open)
        assert billing.status is Registered.ACTIVE
        found = live.setup.backend.answer(SearchByAccountNumber(CHEN.account), 10.0)
        assert found.customers[0].email.reveal() == ADDRESS
        relay = Relay(live.setup, live.record)
        assert (await asyncio.to_thread(relay.round))["completed"] == 1

    exchange(test, SoapBackend(demo_connection(billing.service.endpoint)))
