"""The gateway to Asterisk, on a simulated one."""

import asyncio
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import groupby

import pytest
from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import (
    Digits,
    Ended,
    HungUp,
    NoInput,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Handback, Reason
from paperless_ivr.flow.requests import SearchByAccountNumber
from paperless_ivr.flow.slots import Day, Money, Spelled
from paperless_ivr.flow.slots import Digits as DigitsSlot
from paperless_ivr.flow.turns import Gather, Prompt, Return, Then, Transfer, Turn
from paperless_ivr.gateways.agi.gateway import CAPABILITIES
from paperless_ivr.gateways.capabilities import How, check
from paperless_ivr.secret import keys
from paperless_ivr.testing.contracts import check_session_gateway
from paperless_ivr.testing.virtual_caller import HangUp, Press
from tests.gateways.agi.simulator import AgiRig

pytestmark = pytest.mark.requirement("R41")
OFFER = Prompt("offer")
ENTRY = Gather("0123456789*", 4, 12.0, 3.0)
MENU = Gather("12", 1, 5.0, 3.0)
REQUEST = SearchByAccountNumber(secret.account("20481137"))


def turn(then: Then, *say: Prompt) -> Turn:
    """Return a turn that says something and waits."""
    return Turn(Call(Arrival("call", "biller")), say, then)


@pytest.fixture
def rig() -> Iterator[AgiRig]:
    """A call."""
    rig = AgiRig()
    yield rig
    rig.close()


@pytest.mark.requirement("R09", "R45")
def test_it_keeps_the_contract() -> None:
    """The gateway keeps every promise of a session gateway, and claims all of them."""
    assert CAPABILITIES.languages is None
    check_session_gateway(AgiRig)


def test_nothing_is_degraded() -> None:
    """Every need of the flow is fully met."""
    report = check(Flow(), CAPABILITIES)
    assert report.having(How.DEGRADED) == ()
    assert {f.need for f in report.having(How.EMULATED)} == {
        "drop an end key after a complete entry",
        "keep keys pressed while a request runs",
    }


def test_the_key_0_is_a_key(rig: AgiRig) -> None:
    """48 is the key 0, not silence."""
    rig.caller.plan(Press("0"))
    assert rig.perform(turn(MENU), "en-US") == Digits(keys("0"))


def test_letters_are_no_keys(rig: AgiRig) -> None:
    """A to D, which few telephones have, neither count nor end the wait."""
    rig.caller.plan(Press("A1"))
    assert rig.perform(turn(MENU), "en-US") == Digits(keys("1"))


@pytest.mark.parametrize("sends_hangup", [True, False])
def test_hang_up_is_noticed_without_notice(rig: AgiRig, sends_hangup: bool) -> None:
    """With AGISIGHUP=no, only -1 and 511 show a hang-up, even while the gateway listens."""
    rig.asterisk.sends_hangup = sends_hangup
    rig.caller.plan(HangUp())
    rig.hold(2.0)
    assert rig.gateway.channel.gone.is_set()
    assert rig.perform(turn(MENU, OFFER), "en-US") == HungUp()
    assert rig.caller.heard == []


def test_a_missing_file_is_no_hang_up(rig: AgiRig) -> None:
    """-1 with the caller still there means a missing sound. It is reported; the call goes on."""
    told: list[str] = []
    rig.gateway.unplayable = told.append
    rig.lose(OFFER)
    assert rig.perform(turn(MENU, OFFER), "en-US") == NoInput()
    assert told == ["offer"]


@pytest.mark.requirement("R09")
@pytest.mark.parametrize(
    ("kind", "slot"),
    [
        ("NUMBER", Money(Decimal("48.20"))),
        ("DATETIME", Day(date(2026, 12, 3))),
        ("DIGITS", DigitsSlot(secret.account("20481137"))),
    ],
)
def test_a_number_that_was_not_said_was_not_heard(
    rig: AgiRig, kind: str, slot: Money | Day | DigitsSlot
) -> None:
    """Asterisk returns 0 at once if its own sounds are missing; a yes after that does not count."""
    name, gap = ("account_not_found", "account") if kind == "DIGITS" else ("which_amount", "amount")
    slots = ((gap, slot),) if kind == "DIGITS" else (("amount", slot), ("due", slot))
    rig.asterisk.missing.add(kind)
    rig.caller.plan(Press("1", after=30.0, at=0))
    asked = evolve(MENU, first_key_wait=60.0)
    assert rig.perform(turn(asked, Prompt(name, slots)), "en-US") == Digits(
        keys("1"), interrupted=0
    )


def test_a_late_end_key_does_not_cut_a_sound(rig: AgiRig) -> None:
    """A sound that a late end key interrupted continues from there."""
    rig.caller.plan(Press("1137#"))
    assert rig.perform(turn(ENTRY), "en-US") == Digits(keys("1137"))
    assert rig.perform(turn(REQUEST, OFFER), "en-US") is None
    streams = [c for c in rig.asterisk.commands if c.startswith("STREAM")]
    assert [stream.rpartition('"')[2].strip() for stream in streams] == ["", "2400"]
    assert rig.caller.heard == [rig.utterance(OFFER, "en-US")]


def test_an_end_key_that_is_too_late_counts(rig: AgiRig) -> None:
    """After the wait for the next key, an end key is a key for the next question."""
    rig.caller.plan(Press("1137"), Press("#", after=3.5))
    assert rig.perform(turn(ENTRY), "en-US") == Digits(keys("1137"))
    assert rig.perform(turn(evolve(MENU, end_key="")), "en-US") == Digits(keys("#"))


def test_channel_language_follows_what_is_spoken(rig: AgiRig) -> None:
    """Asterisk's own digits are in the language of the prompt around them."""
    account = (("account", DigitsSlot(secret.account("20481137"))),)
    found = Prompt("account_not_found", account)
    rig.perform(turn(MENU, found, evolve(found, language="es-US")), "en-US")
    sent = [command for command in rig.asterisk.commands if not command.startswith("WAIT")]
    kinds = [command.split()[-1 if "CHANNEL(" in command else 0] for command in sent]
    assert [kind for kind, _ in groupby(kinds)] == ["en", "STREAM", "SAY", "es", "STREAM", "SAY"]
    digits = "".join(command.split('"')[1] for command in sent if command.startswith("SAY DIGITS"))
    assert digits == "20481137" * 2


def test_any_key_stops_a_number(rig: AgiRig) -> None:
    """A key in the middle of a composed prompt ends all of it, and counts for that prompt."""
    spelled = Prompt("readback_piece", (("piece", Spelled(secret.email("j"))),), must_hear=True)
    rig.caller.plan(Press("*", at=1, after=0.2))
    assert rig.perform(turn(MENU, spelled, spelled, OFFER), "en-US") == Digits(
        keys("*"), interrupted=1
    )
    assert rig.utterance(OFFER, "en-US") not in rig.caller.heard


def test_the_last_words_are_not_cut(rig: AgiRig) -> None:
    """When the call is given back, a key does not interrupt the last words: it is for the host."""
    rig.caller.plan(Press("1", at=0), prompts=1)
    assert rig.perform(turn(Return(Handback(Disposition.DECLINED)), OFFER), "en-US") is None
    assert rig.asterisk.commands[-1].endswith('""')


def test_a_key_in_one_moment_is_kept(rig: AgiRig) -> None:
    """A key cuts "one moment" short, and is the first one of the next entry."""
    rig.caller.plan(Press("1137", at=0), prompts=1)
    assert rig.perform(turn(REQUEST, Prompt("one_moment")), "en-US") is None
    rig.hold(3.0)
    assert rig.perform(turn(ENTRY, OFFER), "en-US") == Digits(keys("1137"), Ended.FULL, 0)


def test_listening_is_short(rig: AgiRig) -> None:
    """A turn waits at most a tenth of a second for the listening command before it."""
    rig.hold(5.0)
    waits = [int(c.split()[-1]) for c in rig.asterisk.commands]
    assert waits[:3] == [20, 50, 100]
    assert max(waits) == 100


def test_nobody_to_dial() -> None:
    """Without a number to dial, a transfer fails."""
    rig = AgiRig(person_at="")
    assert rig.perform(turn(Transfer(Reason.CALLER_ASKED)), "en-US") == TransferEnded(
        TransferResult.FAILED
    )
    rig.close()


def test_hanging_up_after_a_talk_is_an_answered_transfer(rig: AgiRig) -> None:
    """A caller who hangs up after talking with a person has reached the person."""
    rig.agent(TransferResult.ANSWERED)
    ringing = rig.asterisk._dials

    def talked() -> str:
        ringing()
        rig.caller.gone = True
        return "200 result=-1"

    rig.asterisk._dials = talked
    told = rig.perform(turn(Transfer(Reason.CALLER_ASKED)), "en-US")
    assert told == TransferEnded(TransferResult.ANSWERED)


def test_a_turn_that_is_broken_off(rig: AgiRig) -> None:
    """After a canceled turn, the next command waits for the reply still to come."""

    async def broken_off() -> object:
        performing = asyncio.create_task(rig.gateway.perform(turn(MENU, OFFER), "en-US"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        performing.cancel()
        await asyncio.wait({performing})
        return await rig.gateway.channel.ask("CHANNEL STATUS")

    reply = rig._loop.run_until_complete(broken_off())
    assert reply.number == 6


def test_a_key_in_the_last_listening_command_is_kept(rig: AgiRig) -> None:
    """A turn that comes while a listening command is in progress waits for its key."""

    async def cut_short() -> object:
        rig.caller.plan(Press("1", after=0.01))
        listening = asyncio.create_task(rig.gateway.listen())
        while not rig.asterisk.commands:
            await asyncio.sleep(0)
        listening.cancel()
        await asyncio.wait({listening})
        return await rig.gateway.perform(turn(MENU, OFFER), "en-US")

    assert rig._loop.run_until_complete(cut_short()) == Digits(keys("1"), interrupted=0)
    assert rig.caller.heard == []


def test_a_caller_who_hangs_up_while_it_rings(rig: AgiRig) -> None:
    """Without a notice, DIALSTATUS shows the hang-up."""
    rig.asterisk.sends_hangup = False
    rig.agent(TransferResult.NO_ANSWER)
    rig.caller.plan(HangUp(after=1.0))
    assert rig.perform(turn(Transfer(Reason.CALLER_ASKED)), "en-US") == HungUp()


def test_a_hang_up_is_no_missing_file(rig: AgiRig) -> None:
    """-1 with the caller gone is a hang-up, and no sound is reported as missing."""
    told: list[str] = []
    rig.gateway.unplayable = told.append
    rig.asterisk.sends_hangup = False
    rig.caller.plan(HangUp(at=0), prompts=1)
    assert rig.perform(turn(MENU, OFFER), "en-US") == HungUp()
    assert told == []
