"""Real SIP calls through a real Asterisk, with real keys, and what the caller really hears."""

import asyncio
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

from paperless_ivr.backends.demo import customer
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.host import Arrival, Disposition, Handback, Registration
from paperless_ivr.flow.slots import Day, Money
from paperless_ivr.flow.turns import Prompt, Return, Turn
from paperless_ivr.gateways.agi.gateway import AgiGateway
from tests.asterisk.audio import decoded, frames, loud, place
from tests.asterisk.conftest import Exchange, With
from tests.asterisk.sip import SipCaller

pytestmark = pytest.mark.requirement("R41")
DECLINED = Disposition.DECLINED
RIVERA = (customer("rivera").phone or "").reveal().removeprefix("+1")


def heard_all(exchange: Exchange, caller: SipCaller, number: str, recordings: Path) -> list[str]:
    """Files that should have been heard, in order; each was, and sounded as it should."""
    heard = [decoded(packet.ljust(160, b"\xff")) for packet in caller.heard]
    wanted = exchange.files[number]
    at = 0
    for name in wanted:
        file = recordings / "/".join(name.split("/")[-2:])
        samples = frames(file.with_suffix(".wav"))
        found, likeness = place(samples, heard, at)
        assert found >= 0, f"{name} was not heard after packet {at} of {len(heard)}"
        assert likeness > 0.99, f"{name} sounds otherwise"
        at = found + len(samples) - 1  # what is left of a frame is not always a packet
    return [name.rpartition("/")[2] for name in wanted]


@pytest.mark.requirement("R01", "R03")
def test_enrolled(exchange: With, recordings: Path) -> None:
    """A caller enrols by keys; every word of ours is heard, and the payment goes on."""

    async def test(live: Exchange) -> None:
        caller = await live.caller("before", RIVERA)
        await caller.until_quiet()
        caller.press("1")
        await caller.until_quiet()
        caller.press("1137")
        await caller.until_quiet()
        caller.press("1")
        await caller.to_the_end()
        await caller.close()
        got = await asyncio.to_thread(live.asterisk.told, RIVERA)
        assert (got["disposition"], got["registration"]) == ("enrolled", "pending")
        assert got["agistatus"] == "SUCCESS"
        assert live.service.registration(customer("rivera").id, "WATER") is Registration.PENDING
        names = heard_all(live, caller, RIVERA, recordings)
        assert {"offer", "last_four", "confirm_on_file-1", "end_enrolled"} <= set(names)

    exchange(test)


def test_declined(exchange: With, recordings: Path) -> None:
    """A no is a no, and nothing is enrolled."""

    async def test(live: Exchange) -> None:
        caller = await live.caller("before", RIVERA)
        await caller.until_quiet()
        caller.press("2")
        await caller.to_the_end()
        await caller.close()
        got = await asyncio.to_thread(live.asterisk.told, RIVERA)
        assert got["disposition"] == "declined"
        assert live.service.registration(customer("rivera").id, "WATER") is Registration.NONE
        assert "end_declined" in heard_all(live, caller, RIVERA, recordings)

    exchange(test)


@pytest.mark.requirement("R01")
def test_ignored_at_the_start(exchange: With, recordings: Path) -> None:
    """Another key at the start of a call goes back to the host at once, with the key."""

    async def test(live: Exchange) -> None:
        caller = await live.caller("start", RIVERA)
        await caller.until_spoken_to(1.0)
        caller.press("0")
        await caller.to_the_end()
        await caller.close()
        got = await asyncio.to_thread(live.asterisk.told, RIVERA)
        assert (got["disposition"], got["unused_keys"], got["greeted"]) == ("ignored", "0", "yes")

    exchange(test)


def test_hang_up_in_the_middle(exchange: With) -> None:
    """A caller who hangs up while a question is spoken is gone; the h extension knows."""

    async def test(live: Exchange) -> None:
        caller = await live.caller("before", RIVERA)
        await caller.until_quiet()
        caller.press("1")
        await caller.until_spoken_to(1.0)
        caller.hang_up()
        got = await asyncio.to_thread(live.asterisk.told, RIVERA, "ended")
        await caller.close()
        assert (got["disposition"], got["reason"]) == ("abandoned", "caller_hung_up")
        while live.server.calls:
            await asyncio.sleep(0.05)

    exchange(test)


@pytest.mark.requirement("R09")
def test_fast_type_ahead(exchange: With) -> None:
    """A caller who keys everything ahead gets to the consent, which no key pressed before is."""

    async def test(live: Exchange) -> None:
        caller = await live.caller("before", RIVERA)
        await caller.until_spoken_to(0.2)
        caller.press("1113711", apart=0.2)
        await caller.until_quiet()
        assert live.asked[RIVERA][-1] == "CONFIRMATION"
        assert live.service.registration(customer("rivera").id, "WATER") is Registration.NONE
        caller.press("1")
        await caller.to_the_end()
        await caller.close()
        got = await asyncio.to_thread(live.asterisk.told, RIVERA)
        assert got["disposition"] == "enrolled"

    exchange(test)


def test_keys_while_a_request_runs(exchange: With) -> None:
    """Keys pressed while the service is slow are the answer to the next question."""

    async def test(live: Exchange) -> None:
        live.backend.seconds = 2.0
        caller = await live.caller("before", RIVERA)
        await caller.until_spoken_to(0.2)
        caller.press("1")
        await caller.until_quiet()
        assert live.asked[RIVERA][-1] == "PHONE_LOOKUP"
        caller.press("1137", apart=0.15)
        while "CONFIRMATION" not in live.asked[RIVERA]:
            await asyncio.sleep(0.1)
        assert live.asked[RIVERA].count("IDENTITY_CHECK") == 1
        caller.hang_up()
        await caller.close()
        await asyncio.to_thread(live.asterisk.told, RIVERA, "ended")

    exchange(test)


@pytest.mark.requirement("R15")
def test_a_person(exchange: With) -> None:
    """0 reaches a person; when they have talked, the dialplan knows that they have."""

    async def test(live: Exchange) -> None:
        caller = await live.caller("before", RIVERA)
        await caller.until_spoken_to(0.5)
        caller.press("0")
        await caller.to_the_end()
        await caller.close()
        got = await asyncio.to_thread(live.asterisk.told, RIVERA)
        assert got["disposition"] == "transferred"

    exchange(test)


def test_a_line_that_was_not_answered(exchange: With) -> None:
    """Without Answer() in the dialplan the gateway answers: the caller hears and can press."""

    async def test(live: Exchange) -> None:
        caller = await live.caller("unanswered", RIVERA)
        await caller.until_quiet()
        caller.press("2")
        await caller.to_the_end()
        await caller.close()
        assert (await asyncio.to_thread(live.asterisk.told, RIVERA))["disposition"] == "declined"
        assert any(map(loud, caller.heard))

    exchange(test)


@pytest.mark.requirement("R09")
def test_numbers_without_sounds_are_not_heard(exchange: With) -> None:
    """In a language whose core sounds are not installed, a number that is not said is told."""

    async def test(live: Exchange) -> None:
        unplayable: list[str] = []
        said: list[object] = []
        amount = (("amount", Money(Decimal(21))), ("due", Day(date(2026, 12, 3))))
        turn = Turn(
            Call(Arrival("", "")), (Prompt("which_amount", amount),), Return(Handback(DECLINED))
        )

        async def answer(gateway: AgiGateway, *_: object) -> Handback:
            gateway.unplayable = unplayable.append
            for language in ("en-US", "es-US"):
                said.append(await gateway.perform(turn, language))
                said.append(list(unplayable))
            return Handback(DECLINED)

        (biller, line), *_ = live.server.lines.items()
        live.server.lines[biller] = evolve(line, answer=answer)
        caller = await live.caller("before", RIVERA)
        await caller.to_the_end()
        await caller.close()
        assert said[:2] == [None, []]
        assert said[3] == ["which_amount"] * len(unplayable) != []

    exchange(test)


@pytest.mark.requirement("R02", "R14")
def test_the_dialplan_of_the_docs(exchange: With) -> None:
    """Start, payment and after: each hands over, gets back and goes on, as the page says."""

    async def test(live: Exchange) -> None:
        caller = await live.caller("docs", RIVERA)
        await caller.until_spoken_to(1.0)
        caller.press("1")  # English
        await caller.until_spoken_to(1.0)
        caller.press("2")
        await caller.until_quiet()
        caller.press("20481137#")
        await caller.until_spoken_to(1.0)
        caller.press("2")
        await caller.to_the_end()
        await caller.close()
        paid = await asyncio.to_thread(live.asterisk.told, RIVERA, "paying")
        got = await asyncio.to_thread(live.asterisk.told, RIVERA, "ended")
        assert paid["account"] == "20481137"
        asked = live.asked[RIVERA]
        assert asked.index("OFFER_AT_START") < asked.index("OFFER") < asked.index("DECLINED")
        assert (got["disposition"], got["reason"]) == ("not_offered", "asked_lately")

    exchange(test)


def test_twenty_calls_at_once(exchange: With) -> None:
    """Twenty callers at once each get what they pressed."""

    async def test(live: Exchange) -> None:
        numbers = [f"21755598{n:02}" for n in range(20)]

        async def one(number: str, key: str) -> None:
            caller = await live.caller("start", number)
            await caller.until_spoken_to(int(number) % 5 / 5)
            caller.press(key)
            await caller.to_the_end()
            await caller.close()

        keys = [str(2 + n % 8) for n in range(20)]
        await asyncio.gather(*(one(n, k) for n, k in zip(numbers, keys, strict=True)))
        for number, key in zip(numbers, keys, strict=True):
            got = await asyncio.to_thread(live.asterisk.told, number)
            assert (got["disposition"], got["unused_keys"]) == ("ignored", key)
        assert live.server.calls == 0

    exchange(test)
