"""The examples run, and end as they should."""

import doctest
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree as ET

import pytest
from attrs import field, frozen

from paperless_ivr.flow.host import Handback, Reason
from paperless_ivr.flow.host_strings import arrival_from_strings
from paperless_ivr.gateways.web import handed_back

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

LAST_LINES = {
    "day_of_calls.py": "100 hand-overs, and ... unfinished items handled later",
    "drive_by_hand.py": "disposition: enrolled",
    "enroll_in_paperless.py": "Error code: 401",
    "flask_app.py": "after_payment: not_offered",
    "json_gateway.py": "  report the result of a transfer (G27): met",
    "own_gateway.py": "the gateway meets the contract",
    "own_policy.py": "after: Get your bills by e-mail? For yes, press 1. For no, press 2.",
    "replay_transcripts.py": "all as written",
    "twilio_host.py": (
        "<Response><Redirect>https://ivr.example.com/twilio/begin?moment=after_payment"
        "&amp;language=en-US&amp;greeted=yes&amp;account=20481137&amp;identity=account_keyed"
        "&amp;payment_guid=p-1&amp;payment_approved=yes&amp;payment_account=20481137</Redirect></Response>"
    ),
}


def test_each_example_is_here() -> None:
    """A new example has to be added here, with its last line."""
    assert {file.name for file in EXAMPLES.glob("*.py")} == set(LAST_LINES)


@pytest.mark.parametrize(("name", "last"), LAST_LINES.items())
def test_an_example_runs(name: str, last: str) -> None:
    """Each example exits with 0, and its last line is as expected; `...` matches anything."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.splitlines()[-1]
    assert doctest.OutputChecker().check_output(last, printed, doctest.ELLIPSIS), printed


def test_the_sample_says_success_and_failure() -> None:
    """The sample prints the service's message, and if the enrollment fails, the error code, too."""
    program = [sys.executable, str(EXAMPLES / "enroll_in_paperless.py")]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "Enrollment successful: Done.",
        "Enrollment failed: A registration is pending: its link has not been opened yet.",
        "Error code: 401",
    ]


# ── a host that follows the docs, while everything of ours fails ──


@frozen
class Host:
    """The host of the example. Each of its hand-overs comes back as failed."""

    module: ModuleType = field(factory=lambda: example("twilio_host"))
    heard: list[str] = field(factory=list)
    handed_over: list[str] = field(factory=list)

    def takes(self, document: str) -> None:
        """Run a call from one of the host's documents to its end."""
        for _ in range(20):
            said = ET.fromstring(document)
            self.heard.extend(verb.text or "" for verb in said.iter("Say"))
            if said.find("Hangup") is not None:
                return
            document = self.goes(urlsplit(said.findtext("Redirect") or ""))
        raise AssertionError("the call goes round in circles")

    def goes(self, url: SplitResult) -> str:
        """Follow a redirect: to the host itself, or to us, who fail."""
        if url.path == "/paid":
            return str(self.module.paid("p-1", url.query))
        told = dict(parse_qsl(url.query))
        self.handed_over.append(told["moment"])
        arrival = arrival_from_strings({**told, "call_id": "CA1", "biller": "b"})
        back = Handback.unfinished(arrival, Reason.RECORD_DOWN)
        where = handed_back("https://host.example.com/back", back, self.module.HOST_KEY)
        return str(self.module.call_comes_back(urlsplit(where).query))


def example(name: str) -> ModuleType:
    """Return an example as a module."""
    spec = spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CALL = {"offer_again": "yes", "greeted": "yes", "language": "es-US"}


@pytest.mark.requirement("R48")
@pytest.mark.parametrize(
    ("fails_from", "cards", "greetings"), [("start", 1, 1), ("before", 1, 0), ("after", 0, 0)]
)
def test_a_host_whose_every_hand_over_fails(fails_from: str, cards: int, greetings: int) -> None:
    """The host hands over once, asks for one card, greets at most once, and ends the call."""
    host = Host()
    begin = {
        "start": host.module.call_comes_in,
        "before": lambda: host.module.main_menu("1", CALL),
        "after": lambda: host.module.paid("p-1", urlencode(CALL)),
    }
    host.takes(begin[fails_from]())
    assert len(host.handed_over) == 1
    assert host.heard.count("Please enter your card number.") == cards
    assert host.heard.count("Thank you for calling.") == greetings
    assert host.heard[-1] == "Goodbye."
