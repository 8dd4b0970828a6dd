"""Real SIP calls through a real Asterisk, with real keys, and what the caller really hears."""

import asyncio
import re
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from numpy.typing import NDArray

from paperless_ivr.backends.demo import customer
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.host import Arrival, Disposition, Handback, Registration
from paperless_ivr.flow.slots import Day, Money
from paperless_ivr.flow.turns import Prompt, Return, Turn
from paperless_ivr.gateways.agi.gateway import AgiGateway
from paperless_ivr.gateways.agi.host import read, reading, setting
from tests.asterisk.audio import decoded, frames, loud, place
from tests.asterisk.conftest import Exchange, With
from tests.asterisk.real import DOCS
from tests.asterisk.sip import SipCaller

pytestmark = [pytest.mark.requirement("R41"), pytest.mark.long, pytest.mark.alone]
DECLINED = Disposition.DECLINED
RIVERA = (customer("rivera").phone or "").reveal().removeprefix("+1")


def heard_all(exchange: Exchange, caller: SipCaller, number: str, recordings: Path) -> list[str]:
    """Assert that these files were heard in this order, and sounded right."""
    heard = decoded(caller.heard)
    wanted = exchange.files[number]
    at = 0
    for name in wanted:
        file = recordings / "/".join(name.split("/")[-2:])
        samples = frames(file.with_suffix(".wav"))
        found, likeness = place(samples, heard, at)
        assert found >= 0, f"{name} was not heard after packet {at} of {len(heard)}"
        assert likeness > 0.99, f"{name} sounds different"
        at = found + len(samples) - 1  # the rest of a frame is not always sent as a packet
    return [name.rpartition("/")[2] for name in wanted]


@pytest.mark.requirement("R01", "R03")
def test_enrolled(exchange: With, recordings: Path) -> None:
    """A caller enrolls by keypad, every one of our prompts is heard, and the payment continues."""

    async def test(live: Exchange) -> None:
        caller = await live.caller("before", RIVERA)
        for state, keys in (("OFFER", "1"), ("IDENTITY_CHECK", "1137"), ("CONFIRMATION", "1")):
            await live.until_asked(RIVERA, state)
            await caller.until_quiet()
            caller.press(keys)
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
    """After a no, nothing is enrolled."""

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
    """Another key at the start of a call goes back to the host at once, along with the key."""

    async def test(live: Exchange) -> None:
        caller = await live.caller("start", RIVERA)
        await caller.until_spoken_to(0.5)
        caller.press("0")
        await caller.to_the_end()
        await caller.close()
        got = await asyncio.to_thread(live.asterisk.told, RIVERA)
        assert (got["disposition"], got["unused_keys"], got["greeted"]) == ("ignored", "0", "yes")

    exchange(test)


def test_hang_up_in_the_middle(exchange: With) -> None:
    """If a caller hangs up during a question, the h extension notices."""

    async def test(live: Exchange) -> None:
        caller = await live.caller("before", RIVERA)
        await caller.until_quiet()
        caller.press("1")
        await caller.until_spoken_to(0.3)
        caller.hang_up()
        got = await asyncio.to_thread(live.asterisk.told, RIVERA, "ended")
        await caller.close()
        assert (got["disposition"], got["reason"]) == ("abandoned", "caller_hung_up")
        while live.server.calls:
            await asyncio.sleep(0.05)

    exchange(test)


@pytest.mark.requirement("R09")
def test_fast_type_ahead(exchange: With) -> None:
    """A caller who keys everything ahead gets to the consent, where these keys do not count."""

    async def test(live: Exchange) -> None:
        caller = await live.caller("before", RIVERA)
        await caller.until_spoken_to(0.2)
        caller.press("1113711", apart=0.2)
        await live.until_asked(RIVERA, "CONFIRMATION")
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
    """Keys pressed while the service is slow answer the next question."""

    async def test(live: Exchange) -> None:
        live.backend.seconds = 2.0
        caller = await live.caller("before", RIVERA)
        await caller.until_spoken_to(0.2)
        caller.press("1")
        await asyncio.to_thread(live.backend.reached.wait, 60)
        assert live.asked[RIVERA][-1] == "PHONE_LOOKUP"
        caller.press("1137", apart=0.15)
        await live.until_asked(RIVERA, "CONFIRMATION")
        assert live.asked[RIVERA].count("IDENTITY_CHECK") == 1
        caller.hang_up()
        await caller.close()
        await asyncio.to_thread(live.asterisk.told, RIVERA, "ended")

    exchange(test)


@pytest.mark.requirement("R15")
def test_a_person(exchange: With) -> None:
    """0 reaches a person, and after their conversation, the dialplan knows that it took place."""

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
    """If the dialplan has no Answer(), the gateway answers: the caller can hear and press keys."""

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
    """In a language whose core sounds are not installed, a number that was not said is reported."""

    async def test(live: Exchange) -> None:
        unplayable: list[str] = []
        said: list[object] = []
        amount = (("amount", Money(Decimal(21))), ("due", Day(date(2026, 12, 3))))
        turn = Turn(
            Call(Arrival("", "")), (Prompt("which_amount", amount),), Return(Handback(DECLINED))
        )

        async def answer(gateway: AgiGateway, *_: object) -> Handback:
            gateway.sounds = evolve(gateway.sounds, names={})  # "es", which is not installed
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
    """Each of the page's three hand-overs gets the call back, and continues, as the page says."""

    async def test(live: Exchange) -> None:
        caller = await live.caller("docs", RIVERA)
        await caller.until_spoken_to(0.5)
        caller.press("1")  # English
        await caller.until_spoken_to(0.5)
        caller.press("2")
        await caller.until_quiet()
        caller.press("20481137#")
        await caller.until_spoken_to(0.5)
        caller.press("2")
        await caller.to_the_end()
        await caller.close()
        paid = await asyncio.to_thread(live.asterisk.told, RIVERA, "paying")
        got = await asyncio.to_thread(live.asterisk.told, RIVERA, "ended")
        assert paid["account"] == "20481137"
        asked = live.asked[RIVERA]
        assert (
            asked.index("OFFER_AT_START") < asked.index("OFFER_IN_FULL") < asked.index("DECLINED")
        )
        assert (got["disposition"], got["reason"]) == ("not_offered", "asked_lately")

    exchange(test)


@pytest.mark.requirement("R09")
def test_a_call_in_spanish(exchange: With, recordings: Path) -> None:
    """Digits, amounts, and days use Debian's Spanish sounds, and no English ones."""

    async def test(live: Exchange) -> None:
        numbers = (("amount", Money(Decimal("2100.21"))), ("due", Day(date(2026, 12, 3))))
        said = (Prompt("which_amount", numbers), Prompt("last_four", ()))
        turn = Turn(Call(Arrival("", "")), said, Return(Handback(DECLINED)))
        unplayable: list[str] = []

        async def answer(gateway: AgiGateway, *_: object) -> Handback:
            gateway.unplayable = unplayable.append
            await gateway.perform(turn, "es-US")
            return Handback(DECLINED)

        (biller, line), *_ = live.server.lines.items()
        live.server.lines[biller] = evolve(line, answer=answer)
        caller = await live.caller("before", RIVERA)
        await caller.to_the_end()
        await caller.close()
        spanish = {
            name: decoded_core(live, f"es_MX_f_Allison/digits/{name}")
            for name in ("2", "thousand", "21", "3", "es-de", "mon-11")
        }
        heard = decoded(caller.heard)
        missed = [name for name, sound in spanish.items() if place(sound, heard, 0)[1] < 0.9]
        assert (missed, unplayable) == ([], [])
        hundred = frames(recordings / "es-US" / "term_hundred.wav")
        assert times(hundred, heard) == 1
        assert place(decoded_core(live, "en/digits/2"), heard, 0)[0] == -1

    exchange(test)


def decoded_core(live: Exchange, name: str) -> NDArray[np.int_]:
    """Return the samples of one of Asterisk's own sounds, as decoded by Asterisk."""
    to = live.asterisk.run / f"{name.replace('/', '-')}.wav"
    inside = f"/{to.relative_to(live.asterisk.root)}"
    live.asterisk.cli(f"file convert /usr/share/asterisk/sounds/{name}.gsm {inside}")
    return frames(to)


@pytest.mark.requirement("R48")
def test_spanish_that_is_not_installed(exchange: With) -> None:
    """The first call goes back before anything is heard, and names the missing sounds."""

    async def test(live: Exchange) -> None:
        (biller, line), *_ = live.server.lines.items()
        live.server.lines[biller] = evolve(line, sounds=evolve(line.sounds, names={}))
        caller = await live.caller("paid", RIVERA)
        await caller.to_the_end()
        await caller.close()
        got = await asyncio.to_thread(live.asterisk.told, RIVERA)
        assert lost(got | {"disposition": "incomplete"})
        assert got["disposition"] == "not_offered"
        ((what, _, why),) = live.told
        assert what == "sounds.missing"
        assert why.startswith("es-US: Asterisk has no es/digits/0, es/digits/1")
        assert not any(map(loud, caller.heard))
        live.told.clear()

    exchange(test)


@pytest.mark.parametrize(("name", "status"), [("es_MX_f_Allison", 0), ("es", 2)])
def test_the_probe_of_the_docs(exchange: With, recordings: Path, name: str, status: int) -> None:
    """`agi --probe`, and Asterisk's own command to call it, work as shown on the page."""

    async def test(live: Exchange) -> None:
        await live.server.close()  # the probe takes its port
        prefix = f"/{(live.asterisk.run / recordings.name).relative_to(live.asterisk.root)}"
        code = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
        options = ["--port", str(live.asterisk.agi), "--sounds", str(recordings)]
        options += ["--sounds-in-asterisk", prefix, "--asterisk-language", f"es-US={name}"]
        probe = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, "agi", "--probe", *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert probe.stdout is not None
        assert (await probe.stdout.readline()).startswith(b"listening on")
        (command,) = re.findall(r"asterisk -rx '(.*)'", DOCS.read_text("utf-8"))
        await asyncio.to_thread(live.asterisk.cli, command)
        said = (await asyncio.wait_for(probe.communicate(), 60))[0].decode()
        assert probe.returncode == status, said
        found = "Asterisk has every sound for en-US, es-US", f"es-US: {name}/digits/0"
        assert found[status // 2] in said

    exchange(test)


@pytest.mark.requirement("R02")
def test_every_key_at_the_host_s_own_menu(exchange: With) -> None:
    """In either language, no key and no silence drops a caller: each pays, or reaches an agent.

    Each key is pressed at our offer, which hands it back, and then whenever the menu waits.
    """

    async def test(live: Exchange) -> None:
        callers: dict[str, tuple[str, SipCaller]] = {}

        async def one(number: str, key: str, language: str) -> None:
            caller = await live.caller(f"docs-{language}", number)
            callers[number] = key, caller
            if key != "1":  # which means yes to our offer
                await caller.until_spoken_to(0.2)
                caller.press(key)
            await live.until_asked(number, "IGNORED")
            await caller.until_quiet()
            while not caller.ended.is_set() and key != "2":
                caller.press(key)
                await caller.until_quiet()
            await caller.close()

        cases = [(key, language) for language in ("en", "es") for key in ["", *"0123456789*#"]]
        await asyncio.gather(*(one(f"21755597{n:02}", *case) for n, case in enumerate(cases)))
        menu, wrong, account = (
            frames(live.asterisk.host_sound(f"our-{name}"))
            for name in ("menu", "wrong-key", "account-number")
        )
        for number, (key, caller) in callers.items():
            packets = decoded(caller.heard)
            heard = [times(sound, packets) for sound in (menu, wrong, account)]
            if key == "2":
                assert heard == [0, 0, 1]
                continue
            await asyncio.to_thread(live.asterisk.told, number, "agent")
            tries = 0 if key == "0" else 3
            assert heard[0] == tries, key
            assert heard[1] in ([0] if key in ("", "0") else [3] if key == "1" else [3, 4]), key

    exchange(test)


def times(wanted: NDArray[np.int_], heard: NDArray[np.int_]) -> int:
    """Return how often a sound, or its beginning, was heard."""
    found = at = 0
    while (start := place(wanted[:10], heard, at)[0]) >= 0:
        found, at = found + 1, start + 10
    return found


NASTY = (
    "a,b",
    'a"b"',
    "back\\slash\\",
    "(one",
    "two)]",
    "[x",
    "${EXTEN} $[1+1]",
    "a=b=c",
    " spaces ",
    "semi;colon|bar&and",
    "ñandú ☎",
    "'quotes'",
    "",
)


@pytest.mark.requirement("R48")
def test_any_value_in_one_command(exchange: With) -> None:
    """Variables that are set with one command, and read with one, keep their values."""

    async def test(live: Exchange) -> None:
        found: list[object] = []
        values = {f"try_{number}": value for number, value in enumerate(NASTY * 4)}
        names = tuple(values)[: len(NASTY)]

        async def answer(gateway: AgiGateway, *_: object) -> Handback:
            sets = setting(values)
            found.extend([(await gateway.channel.ask(command)).number for command in sets])
            gets = [f"GET VARIABLE PAPERLESS_{name.upper()}" for name in values]
            found.extend([(await gateway.channel.ask(get)).value for get in gets])
            bars = await gateway.channel.ask(reading(names))
            found.append(read(names, bars.value))
            plain = tuple(name for name in names if "|" not in values[name])
            found.append(read(plain, (await gateway.channel.ask(reading(plain))).value))
            return Handback(DECLINED)

        (biller, line), *_ = live.server.lines.items()
        live.server.lines[biller] = evolve(line, answer=answer)
        caller = await live.caller("before", RIVERA)
        await caller.to_the_end()
        await caller.close()
        commands = len(list(setting(values)))
        assert found[:commands] == [0] * commands
        assert found[commands:-2] == list(values.values())
        assert found[-2] is None
        assert found[-1] == {n: values[n] for n in names if "|" not in values[n]}

    exchange(test)


@pytest.mark.requirement("R48")
def test_a_call_that_fails_goes_back_as_it_came(exchange: With) -> None:
    """After an exception in a call, the dialplan has its moment and payment back, and the mark."""

    async def test(live: Exchange) -> None:
        async def broken(*_: object) -> Handback:
            raise RuntimeError

        (biller, line), *_ = live.server.lines.items()
        live.server.lines[biller] = evolve(line, answer=broken)
        caller = await live.caller("paid", RIVERA)
        await caller.to_the_end()
        await caller.close()
        assert lost(await asyncio.to_thread(live.asterisk.told, RIVERA))
        assert [what for what, _, _ in live.told] == ["call.failed"]
        live.told.clear()

    exchange(test)


def lost(got: dict[str, str]) -> bool:
    """Return whether the dialplan has what it handed over after a payment, marked as a failure."""
    return (
        got.items()
        >= {
            "disposition": "incomplete",
            "reason": "call_lost",
            "failed": "yes",
            "offer_again": "no",
            "moment": "after_payment",
            "paid": "yes",
            "greeted": "no",
        }.items()
    )


@pytest.mark.requirement("R48")
@pytest.mark.parametrize(("how", "disposition"), [("exits", "incomplete"), ("silent", "abandoned")])
def test_a_hang_up_under_other_settings(exchange: With, how: str, disposition: str) -> None:
    """With AGIEXITONHANGUP, the first values remain. With AGISIGHUP=no, the end is noticed too."""

    async def test(live: Exchange) -> None:
        caller = await live.caller(how, RIVERA)
        await caller.until_spoken_to(0.3)
        caller.hang_up()
        got = await asyncio.to_thread(live.asterisk.told, RIVERA, "ended")
        await caller.close()
        assert (got["disposition"], got["moment"], got["paid"]) == (
            disposition,
            "after_payment",
            "yes",
        )
        assert lost(got) == (how == "exits")
        while live.server.calls:
            await asyncio.sleep(0.05)

    exchange(test)


@pytest.mark.requirement("R48")
def test_the_dialplan_of_the_docs_where_every_call_fails(exchange: With) -> None:
    """The line takes one payment and hands over once, although each hand-over would fail."""

    async def test(live: Exchange) -> None:
        handed: list[Arrival] = []

        async def broken(_: AgiGateway, arrival: Arrival, *__: object) -> Handback:
            handed.append(arrival)
            raise RuntimeError

        (biller, line), *_ = live.server.lines.items()
        live.server.lines[biller] = evolve(line, answer=broken)
        caller = await live.caller("docs", RIVERA)
        await caller.until_quiet()  # the host's own greeting and menu
        caller.press("2")
        await caller.until_quiet()
        caller.press("20481137#")
        await caller.to_the_end()
        await caller.close()
        got = await asyncio.to_thread(live.asterisk.told, RIVERA, "ended")
        assert live.asterisk.log.count(f"NOTICE,paying {RIVERA} account=20481137") == 1
        assert len(handed) == 1
        assert (got["offer_again"], got["greeted"]) == ("no", "yes")
        live.told.clear()

    exchange(test)


def test_twenty_calls_at_once(exchange: With) -> None:
    """Each of twenty callers at once gets the result of their own keys."""

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
