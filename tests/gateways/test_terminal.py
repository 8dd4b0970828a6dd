"""The terminal as a channel: what is typed, and which events the flow gets."""

import io

import pytest
from attrs import evolve

from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import (
    CallerEvent,
    Digits,
    Ended,
    HungUp,
    NoInput,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.flow.host import Arrival, Reason
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.requests import SearchByAccountNumber
from paperless_ivr.flow.turns import Gather, Prompt, Then, Transfer, Turn
from paperless_ivr.gateways.port import SessionGateway
from paperless_ivr.gateways.terminal import TerminalGateway, tokens
from paperless_ivr.prompts import Catalog
from paperless_ivr.secret import account, keys

WORDS = Catalog.of(Policy())
ENTRY = Gather("0123456789", 8, 5, 3)
MENU = Gather("12", 1, 5, 3)


def scripted(script: str) -> TerminalGateway:
    """Return a gateway that plays a script."""
    return TerminalGateway(WORDS, io.StringIO(), script=tokens(script))


def typed(text: str) -> TerminalGateway:
    """Return a gateway that reads what was typed."""
    return TerminalGateway(WORDS, io.StringIO(), io.StringIO(text))


def does(gateway: SessionGateway, then: Then) -> CallerEvent | None:
    """Return what the caller does in a turn that waits for this."""
    return gateway.perform(Turn(Call(Arrival("c", "b")), (), then), "en-US")


@pytest.mark.requirement("R41")
@pytest.mark.parametrize(
    ("token", "gather", "event"),
    [
        ("1", MENU, Digits(keys("1"), Ended.FULL)),
        ("#", MENU, Digits(keys(""), Ended.END_KEY)),
        ("1137#", ENTRY, Digits(keys("1137"), Ended.END_KEY)),
        ("1137", ENTRY, Digits(keys("1137"), Ended.TIMEOUT)),
        ("20481137", ENTRY, Digits(keys("20481137"), Ended.FULL)),
        ("*@3", MENU, Digits(keys("*"), Ended.FULL, interrupted=3)),
        ("h", MENU, HungUp()),
        ("-", ENTRY, NoInput()),
        ("", MENU, HungUp()),
    ],
)
def test_what_a_token_is(token: str, gather: Gather, event: CallerEvent) -> None:
    """Each token is one action of the caller; no more tokens means a hang-up."""
    assert does(scripted(token), gather) == event


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("\n", NoInput()),
        ("", HungUp()),
        ("H\n", HungUp()),
        (" 1 1 3 7 #\n", Digits(keys("1137"), Ended.END_KEY)),
        ("what?\n12\n", Digits(keys("12"), Ended.TIMEOUT)),
    ],
)
def test_what_a_line_is(line: str, event: CallerEvent) -> None:
    """An empty line is silence, the end is a hang-up, and nonsense is asked for again."""
    assert does(typed(line), ENTRY) == event


def test_more_keys_than_asked_for_are_pressed_ahead() -> None:
    """Additional keys answer the next question, unless it discards them."""
    gateway = typed("112\n2\n")
    assert does(gateway, MENU) == Digits(keys("1"))
    assert does(gateway, MENU) == Digits(keys("1"), interrupted=0)
    assert does(gateway, evolve(MENU, type_ahead=False)) == Digits(keys("2"))


def test_ahead_keys_are_thrown_away() -> None:
    """A question that must be heard does not accept keys pressed before it (R09)."""
    gateway = typed("11\n")
    assert does(gateway, MENU) == Digits(keys("1"))
    assert does(gateway, evolve(MENU, type_ahead=False)) == HungUp()


def test_an_end_key_after_a_full_entry_answers_nothing() -> None:
    """Four digits and # are four digits."""
    gateway = typed("1137#\n2\n")
    assert does(gateway, evolve(ENTRY, max_keys=4)) == Digits(keys("1137"), Ended.FULL)
    assert does(gateway, MENU) == Digits(keys("2"))


def test_transfers() -> None:
    """A result is reported as it is. A script without one continues at the next question."""
    transfer = Transfer(Reason.CALLER_ASKED)
    assert does(scripted("busy"), transfer) == TransferEnded(TransferResult.BUSY)
    assert does(typed("2\nanswered\n"), transfer) == TransferEnded(TransferResult.ANSWERED)
    assert does(scripted("h"), transfer) == HungUp()
    gateway = scripted("2")
    assert does(gateway, transfer) == TransferEnded(TransferResult.NO_ANSWER)
    assert does(gateway, MENU) == Digits(keys("2"))


def test_a_request_only_speaks() -> None:
    """Requests to the service are not the terminal's business."""
    gateway = scripted("1")
    turn = Turn(
        Call(Arrival("c", "b")),
        (Prompt("one_moment"),),
        SearchByAccountNumber(account("20481137")),
    )
    assert gateway.perform(turn, "en-US") is None
    assert gateway.out.getvalue() == "Just a moment, please.\n"  # type: ignore[attr-defined]


def test_what_is_personal_is_not_shown() -> None:
    """Keys of a private entry appear as dots, and the gateway's repr has none of them."""
    gateway = scripted("1137#")
    does(gateway, evolve(ENTRY, private=True))
    assert gateway.out.getvalue() == "  (presses ••••#)\n"  # type: ignore[attr-defined]
    assert "1137" not in repr(gateway)


def test_a_script_says_every_token_that_means_nothing() -> None:
    """A token that means nothing is reported before the call, not during it."""
    with pytest.raises(ValueError, match="x, 1=2: not understood"):
        tokens("1 x 1=2 busy *@3")
