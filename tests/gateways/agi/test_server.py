"""The port: calls that are handed over and given back, and whatever else connects."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from attrs import evolve, field, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperless_ivr.backends.demo import springfield
from paperless_ivr.drive.aio import AsyncDriver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.events import (
    CallerEvent,
    Digits,
    Ended,
    EndedBy,
    HungUp,
    TransferEnded,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Handback
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.slots import Words
from paperless_ivr.flow.turns import Gather, Prompt, Turn
from paperless_ivr.gateways.agi.channel import ChannelLost
from paperless_ivr.gateways.agi.gateway import AgiGateway
from paperless_ivr.gateways.agi.server import FastAgi, Line, TakenBack
from paperless_ivr.gateways.agi.sounds import Sound
from paperless_ivr.net.connections import DEFAULTS, Limits
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.secret import keys
from paperless_ivr.testing.playback import Playback
from paperless_ivr.testing.virtual_caller import Act, HangUp, Press
from paperless_ivr.transcripts import read
from tests.counts import heavy
from tests.drive.test_loops_agree import FILES, played
from tests.gateways.agi.simulator import Asterisk, recorded

pytestmark = pytest.mark.requirement("R41")
BILLER = "springfield-water"


@frozen
class Port:
    """A running server, and what it reported."""

    server: FastAgi
    number: int
    told: list[tuple[str, Arrival, str]]

    async def call(self, asterisk: Asterisk) -> Asterisk:
        """Run a call by a simulated Asterisk to its end."""
        streams = await asyncio.open_connection("127.0.0.1", self.number)
        await asterisk.serve(*streams)
        return asterisk

    async def idle(self) -> None:
        """Wait until no call is left."""
        while self.server.calls:
            await asyncio.sleep(0.005)


def with_server(
    test: Callable[[Port], Awaitable[None]],
    answer: object = None,
    person: str = "",
    limits: Limits = DEFAULTS,
) -> None:
    """Run a test with a server. Nothing may be left over or reach only asyncio's handler."""

    async def run() -> None:
        unheard: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: unheard.append(told))
        told: list[tuple[str, Arrival, str]] = []
        line = Line(BILLER, recorded(), answer or one_question, person)
        server = FastAgi({BILLER: line}, lambda *what: told.append(what), limits)
        number = await server.start(port=0)
        try:
            await asyncio.wait_for(test(Port(server, number, told)), 60)
        finally:
            await server.close()
        assert unheard == []
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def told_of(port: Port, asterisk: Asterisk) -> list[tuple[str, str]]:
    """Return what was reported about that call, and why, by the names that the dialplan has."""
    names = ("call_id", "handover")
    given_back = [asterisk.variables[f"PAPERLESS_{name.upper()}"] for name in names]
    assert all(given_back)
    for _, of, _ in port.told:
        assert [of.call_id, of.handover, of.biller] == [*given_back, BILLER]
    return [(what, why) for what, _, why in port.told]


async def one_question(gateway: AgiGateway, arrival: Arrival, taken_back: TakenBack) -> Handback:
    """Return a flow with one question."""
    ask = Gather("12", 1, 5.0, 3.0)
    answer = await gateway.perform(Turn(None, (), ask), "en-US")  # type: ignore[arg-type]
    said_yes = answer == Digits(keys("1"))
    return Handback(Disposition.ENROLLED if said_yes else Disposition.DECLINED)


def pressing(*acts: Act, **variables: str) -> Asterisk:
    """Return an Asterisk whose caller does this."""
    given_ = {f"PAPERLESS_{name.upper()}": value for name, value in variables.items()}
    asterisk = Asterisk(variables=given_)
    asterisk.caller.plan(*acts)
    return asterisk


# ── calls ──


@pytest.mark.requirement("R18")
def test_a_call_is_handed_over_and_given_back() -> None:
    """The dialplan finds the disposition in its variables, and the line is released."""

    async def test(port: Port) -> None:
        yes = await port.call(pressing(Press("1")))
        no = await port.call(pressing(Press("2")))
        assert yes.variables["PAPERLESS_DISPOSITION"] == "enrolled"
        assert no.variables["PAPERLESS_DISPOSITION"] == "declined"
        assert port.told == []

    with_server(test)


@pytest.mark.requirement("R47")
def test_a_no_of_a_withheld_caller_is_nobody_else_s() -> None:
    """Whatever means "no number", a caller's no does not silence the offer for the next one."""
    backend, record = springfield(), MemoryRecord()
    store = SeparateStores(record, MemoryLiveCalls())
    driver = AsyncDriver(Setup(Flow(), Catalog.of(Policy()), backend, store))
    numbers = ["0000000000", "9999999999", "+266696687", "+10000000000", "user-12345-67890"]
    withheld = ("2175550101", "35")

    async def test(port: Port) -> None:
        for n, (number, pres) in enumerate([*((x, "0") for x in numbers), withheld] * 2):
            asterisk = pressing(Press("2"), moment="before_payment", language="en-US")
            told = {"agi_uniqueid": str(n), "agi_callerid": number, "agi_callingpres": pres}
            asterisk.headers |= told
            await port.call(asterisk)
            assert asterisk.variables["PAPERLESS_DISPOSITION"] == "declined"

    with_server(test, driver.converse)


def test_a_line_that_is_not_up_is_answered() -> None:
    """Without Answer() in the dialplan, no one would hear anything."""

    async def test(port: Port) -> None:
        ringing = pressing(Press("1"))
        ringing.up = False
        await port.call(ringing)
        assert ringing.commands.count("ANSWER") == 1
        assert "ANSWER" not in (await port.call(pressing(Press("1")))).commands

    with_server(test)


def test_variables_are_set_after_a_hang_up() -> None:
    """The dialplan's h extension also finds the disposition."""

    async def test(port: Port) -> None:
        gone = await port.call(pressing(HangUp()))
        assert gone.variables["PAPERLESS_DISPOSITION"] == "declined"

    with_server(test)


@pytest.mark.requirement("R48")
def test_what_means_nothing_goes_on() -> None:
    """A dialplan that hands over nonsense gets it all back at once, marked, with the reason."""

    async def test(port: Port) -> None:
        paying = {"language": "es-US", "payment_guid": "p", "payment_approved": "yes"}
        wrong = await port.call(pressing(moment="20481137", greeted="TRUE", **paying))
        other = await port.call(pressing(moment="after_payment", biller="nobody", **paying))
        for asterisk, moment, greeted in (
            (wrong, "20481137", "yes"),
            (other, "after_payment", "no"),
        ):
            assert (
                got(asterisk).items()
                >= {
                    "disposition": "not_offered",
                    "reason": "call_lost",
                    "failed": "yes",
                    "offer_again": "no",
                    "call_id": asterisk.headers["agi_uniqueid"],
                    "moment": moment,
                    "language": "es-US",
                    "greeted": greeted,
                    "paid": "yes",
                }.items()
            )
        assert "moment: must be one of start" in wrong.variables["PAPERLESS_ERROR"]
        assert "must be one of springfield-water" in other.variables["PAPERLESS_ERROR"]
        assert [what for what, _, _ in port.told] == ["call.refused"] * 2
        assert "20481137" not in str(port.told)

    with_server(test)


def test_a_mistyped_argument() -> None:
    """A mistyped argument is named, with the one that was meant. Its value is not shown."""

    async def test(port: Port) -> None:
        asterisk = pressing(Press("1"))
        asterisk.headers |= {"agi_arg_1": "acount=20481137", "agi_arg_2": "20481137"}
        await port.call(asterisk)
        error = asterisk.variables["PAPERLESS_ERROR"]
        assert "argument 1: unknown name 'acount'; did you mean account?" in error
        assert "argument 2: must be name=value" in error
        assert "20481137" not in error + str(port.told)

    with_server(test)


def got(asterisk: Asterisk) -> dict[str, str]:
    """Return what the dialplan finds, by the names of the contract."""
    return {
        name.removeprefix("PAPERLESS_").lower(): value for name, value in asterisk.variables.items()
    }


PAID = {
    "moment": "after_payment",
    "language": "es-US",
    "account": "20481137",
    "payment_guid": "p",
    "payment_approved": "yes",
}
LOST = {
    "disposition": "incomplete",
    "reason": "call_lost",
    "failed": "yes",
    "offer_again": "no",
    "call_id": "1795386573.1",
    "moment": "after_payment",
    "language": "es-US",
    "greeted": "no",
    "paid": "yes",
    "account": "20481137",
    "unused_keys": "",
    "outcomes": "0",
    "error": "",
}
"""The dialplan's variables if nothing comes back from us."""


@pytest.mark.requirement("R48")
@pytest.mark.parametrize("outcomes", ["0", "2"])
def test_the_dialplan_has_a_hand_back_before_anything_is_played(outcomes: str) -> None:
    """A complete hand-back is set before the first sound, without anything from an earlier one."""
    seen: list[dict[str, str]] = []
    asterisk = pressing(
        unused_keys="7",
        error="old",
        outcomes=outcomes,
        outcome_1_consent="old" * int(outcomes),
        outcome_2_account="old" * int(outcomes),
        **PAID,
    )

    async def looks(*_: object) -> Handback:
        seen.append(got(asterisk))
        return Handback(Disposition.DECLINED)

    async def test(port: Port) -> None:
        await port.call(pressing())  # finds that every sound exists
        seen.clear()
        await port.call(asterisk)
        (before,) = seen
        assert before.items() >= LOST.items()
        assert "old" not in before.values()
        assert got(asterisk)["disposition"] == "declined"
        assert len(asterisk.commands) == (4 if outcomes == "0" else 5), "read, set, status, set"

    with_server(test, looks)


@pytest.mark.requirement("R48")
def test_a_process_that_dies() -> None:
    """If our process dies during a call, the dialplan has what it handed over, marked."""

    async def dies(gateway: AgiGateway, *_: object) -> Handback:
        gateway.channel.writer.transport.abort()
        await asyncio.sleep(0)
        raise ChannelLost("dead")

    async def test(port: Port) -> None:
        asterisk = await port.call(pressing(**PAID))
        assert got(asterisk).items() >= LOST.items()

    with_server(test, dies)


@pytest.mark.requirement("R48")
@pytest.mark.parametrize("sends_hangup", [True, False])
def test_a_hang_up_notice_or_none(sends_hangup: bool) -> None:
    """With or without AGISIGHUP=no, the dialplan finds how the call ended after a hang-up."""

    async def test(port: Port) -> None:
        asterisk = pressing(HangUp(), **PAID)
        asterisk.sends_hangup = sends_hangup
        await port.call(asterisk)
        assert got(asterisk)["disposition"] == "declined"

    with_server(test)


@pytest.mark.requirement("R48")
def test_a_connection_that_ends_with_the_call() -> None:
    """With AGIEXITONHANGUP=yes, nothing can be set anymore, and the first values remain."""

    async def test(port: Port) -> None:
        asterisk = pressing(HangUp(), **PAID)
        asterisk.exits = True
        await port.call(asterisk)
        await port.idle()
        assert got(asterisk).items() >= LOST.items()

    with_server(test)


def played_for(prompt: Prompt) -> list[Sound]:
    """Return what is played for a prompt."""
    return list(recorded().prompt(prompt, "en-US"))


GREETING = Prompt("greeting", (("biller", Words(Policy().biller.name)),))


@pytest.mark.requirement("R48")
@pytest.mark.parametrize(
    ("acts", "missing", "greeted"),
    [
        ((), False, "yes"),
        ((Press("2", at=0, after=0.1),), False, "yes"),
        ((), True, "no"),
        ((Press("2", at=1, after=0.1),), True, "no"),
    ],
)
def test_greeted_when_the_greeting_was_played(
    acts: tuple[Act, ...], missing: bool, greeted: str
) -> None:
    """The greeting counts once it was played, or interrupted, but not if its sound is missing."""
    at_the_offer: list[str] = []
    asterisk = pressing(*acts)
    if missing:  # since the first call
        asterisk.missing |= {s.command.split('"')[1] for s in played_for(GREETING) if s.is_file}

    async def asks(gateway: AgiGateway, *_: object) -> Handback:
        turn = Turn(None, (GREETING, Prompt("offer")), Gather("12", 1, 5.0, 3.0))  # type: ignore[arg-type]
        await gateway.perform(turn, "en-US")
        at_the_offer.append(got(asterisk)["greeted"])
        return Handback(Disposition.DECLINED, greeted=True)

    async def test(port: Port) -> None:
        await port.call(pressing())
        at_the_offer.clear()
        await port.call(asterisk)
        assert at_the_offer == [greeted], "it is set as soon as it has been played"
        assert got(asterisk)["greeted"] == greeted

    with_server(test, asks)


# ── sounds that Asterisk lacks ──

OFFER_ES = "/sounds/es-US/offer"


@pytest.mark.requirement("R48")
@pytest.mark.parametrize(
    ("lacking", "named"),
    [
        ({OFFER_ES}, f"es-US: Asterisk has no {OFFER_ES}"),
        ({"es/digits/7"}, "es-US: Asterisk has no es/digits/7"),
        ({"en/letters/q", "letters/q"}, "en-US: Asterisk has no en/letters/q"),
    ],
)
def test_sounds_that_asterisk_lacks(lacking: set[str], named: str) -> None:
    """The first call goes back before anything is played, whatever its language."""

    async def never(*_: object) -> Handback:
        raise AssertionError

    async def test(port: Port) -> None:
        ringing = pressing(Press("1"), **PAID)
        ringing.up = False
        ringing.missing |= lacking
        await port.call(ringing)
        wanted = LOST | {"disposition": "not_offered", "error": named}
        assert got(ringing).items() >= wanted.items()
        assert ringing.variables["CHANNEL(language)"] == "en"
        assert ringing.caller.heard == []
        assert "ANSWER" not in ringing.commands
        assert told_of(port, ringing) == [("sounds.missing", named)]

    with_server(test, never)


@pytest.mark.requirement("R48")
def test_a_language_that_is_not_installed() -> None:
    """The log names some of many sounds, and calls are taken once they exist."""
    spanish = [f"es/{sound}" for sound in recorded().core("es-US")]

    async def test(port: Port) -> None:
        without = pressing(Press("1"))
        without.missing |= set(spanish)
        await port.call(without)
        ((_, _, why),) = port.told
        assert why.startswith("es-US: Asterisk has no es/digits/0, es/digits/1, ")
        assert why.endswith(f" and {len(spanish) - 20} more")
        assert got(without)["error"] == why[:500]
        now = await port.call(pressing(Press("1")))
        assert got(now)["disposition"] == "enrolled"

    with_server(test)


def test_sounds_are_looked_for_once() -> None:
    """The second call begins at once. Each biller's sounds are checked."""

    async def test(port: Port) -> None:
        first = await port.call(pressing(Press("1")))
        second = await port.call(pressing(Press("1")))
        assert len(first.commands) > 500
        assert len(second.commands) <= 10
        other = evolve(port.server.lines[BILLER], biller="other")
        port.server.lines["other"] = other
        third = await port.call(pressing(Press("1"), biller="other"))
        assert len(third.commands) > 500

    with_server(test)


def test_calls_at_once_share_one_search() -> None:
    """Of twenty first calls, one checks the sounds; if some are missing, all go back."""

    async def test(port: Port) -> None:
        for missing in ({OFFER_ES}, set()):
            callers = [pressing(Press("1")) for _ in range(20)]
            for caller in callers:
                caller.missing |= missing
            await asyncio.gather(*(port.call(caller) for caller in callers))
            assert sum(len(caller.commands) > 500 for caller in callers) == 1
            ended = {got(caller)["disposition"] for caller in callers}
            assert ended == {"not_offered" if missing else "enrolled"}
        assert len(port.told) == 20

    with_server(test)


def test_english_sounds_without_a_folder_of_their_own() -> None:
    """Asterisk uses sounds without a language for English, and only for English."""
    core = {f"en/{sound}" for sound in recorded().core("en-US")}

    async def test(port: Port) -> None:
        bare = pressing(Press("1"))
        bare.missing |= core
        assert got(await port.call(bare))["disposition"] == "enrolled"

    with_server(test)


def test_a_caller_who_hangs_up_while_sounds_are_looked_for() -> None:
    """If the caller is gone, that does not show whether sounds are missing."""

    async def test(port: Port) -> None:
        gone = pressing(HangUp())
        gone.caller.gone = True
        await port.call(gone)
        assert port.told == []
        assert len((await port.call(pressing(Press("1")))).commands) > 500

    with_server(test)


@pytest.mark.requirement("R48")
def test_the_host_s_own_greeting_comes_back() -> None:
    """A host that has greeted the caller itself gets that back."""

    async def test(port: Port) -> None:
        assert got(await port.call(pressing(greeted="on")))["greeted"] == "yes"

    with_server(test)


def test_the_language_is_set_back() -> None:
    """The channel gets the language that it came with."""

    async def in_spanish(gateway: AgiGateway, *_: object) -> Handback:
        await gateway.channel.ask("SET VARIABLE CHANNEL(language) es")
        gateway.language = "es"
        return Handback(Disposition.DECLINED)

    async def test(port: Port) -> None:
        asterisk = await port.call(pressing())
        assert asterisk.variables["CHANNEL(language)"] == "en"

    with_server(test, in_spanish)


@pytest.mark.requirement("R24", "R48")
def test_a_call_that_fails_goes_on() -> None:
    """Any exception in a call is reported by its class. The dialplan and other calls continue."""

    async def broken(gateway: AgiGateway, *_: object) -> Handback:
        gateway.language = "es"
        raise RuntimeError("20481137")

    async def test(port: Port) -> None:
        asterisk = await port.call(pressing(**PAID))
        await port.idle()
        assert got(asterisk).items() >= LOST.items()
        assert asterisk.variables["CHANNEL(language)"] == "en"
        assert told_of(port, asterisk) == [("call.failed", "RuntimeError")]

    with_server(test, broken)


def test_closing_takes_calls_away() -> None:
    """A server that closes ends its calls as taken back, and waits for them."""
    seen: list[str] = []

    async def patient(gateway: AgiGateway, arrival: Arrival, taken: TakenBack) -> Handback:
        seen.append("began")
        assert await taken is EndedBy.SERVER
        seen.append("taken")
        return Handback(Disposition.TAKEN_BACK)

    async def test(port: Port) -> None:
        asterisk = pressing()
        call = asyncio.create_task(port.call(asterisk))
        while not seen:
            await asyncio.sleep(0.005)
        await port.server.close()
        await call
        assert asterisk.variables["PAPERLESS_DISPOSITION"] == "taken_back"

    with_server(test, patient)
    assert seen == ["began", "taken"]


# ── whole calls ──


@frozen
class Planned:
    """A gateway whose simulated caller follows a transcript, turn by turn."""

    gateway: AgiGateway
    asterisk: Asterisk
    playback: Playback

    async def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Plan a turn and perform it. The result is as planned."""
        event = self.playback.caller(turn)
        sounds = [
            sum(not sound.is_pause for sound in self.gateway.sounds.prompt(prompt, language))
            for prompt in turn.say
        ]
        self.asterisk.caller.plan(*self._acts(event, turn, sounds), prompts=sum(sounds))
        told = await self.gateway.perform(turn, language)
        assert told == event
        return told

    def _acts(self, event: CallerEvent | None, turn: Turn, sounds: list[int]) -> list[Act]:
        match event:
            case Digits(pressed, ended, interrupted):
                assert isinstance(turn.then, Gather)
                end = turn.then.end_key if ended is Ended.END_KEY else ""
                at = None if interrupted is None else sum(sounds[:interrupted])
                return [Press(pressed.reveal() + end, at=at, after=0.1)]
            case HungUp():
                return [HangUp(at=0 if sounds else None)]
            case TransferEnded(result):
                self.asterisk.dial = result
        return []

    async def listen(self) -> HungUp:
        """Listen, while the caller of a transcript does nothing."""
        await asyncio.Event().wait()
        raise AssertionError


BY_CALLERS = [path for path in FILES if "host cancels" not in path.read_text("utf-8")]
"""A host cancels by closing the server, which has a separate test."""


@pytest.mark.requirement("R43")
@pytest.mark.parametrize("path", BY_CALLERS, ids=lambda path: path.stem)
def test_every_transcript_goes_the_same_way(path) -> None:
    """Through Asterisk, a call takes the same rows to the same disposition as in a terminal."""
    expected, disposition = played(path, "blocking")
    playback = Playback(read(path))
    policy = playback.transcript.terms.policy
    asterisk = Asterisk()
    store = SeparateStores(playback, MemoryLiveCalls())
    driver = AsyncDriver(
        Setup(playback.flow, playback.words, playback, store, observers=(playback.moved,))
    )

    async def answer(gateway: AgiGateway, _: Arrival, taken: asyncio.Event) -> Handback:
        heard = evolve(gateway, sounds=recorded(policy), clock=lambda: asterisk.caller.now)
        planned = Planned(heard, asterisk, playback)
        return await driver.converse(planned, playback.transcript.arrival, taken)

    async def test(port: Port) -> None:
        await port.call(asterisk)
        assert port.told == []

    with_server(test, answer, "PJSIP/agents")

    assert playback.rows == expected.rows
    assert asterisk.variables["PAPERLESS_DISPOSITION"] == disposition
    assert not asterisk.missing


# ── whatever connects ──


@pytest.mark.prove
@settings(max_examples=heavy(20, 60), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2_000), st.booleans(), st.binary(max_size=40))
def test_a_connection_that_is_cut_at_any_byte(place: int, reset: bool, after: bytes) -> None:
    """Wherever Asterisk's side is cut, and whatever follows, the call ends, and nothing is left."""

    async def test(port: Port) -> None:
        if place % 2:
            await port.call(pressing())  # otherwise, the connection is cut while sounds are checked
        reader, writer = await asyncio.open_connection("127.0.0.1", port.number)
        asterisk = pressing(Press("1"))
        ours, theirs = Cut(writer, place, after), asyncio.StreamReader()

        async def feed() -> None:
            while data := await reader.read(4096):
                theirs.feed_data(data)
            theirs.feed_eof()

        feeding = asyncio.create_task(feed())
        serving = asyncio.create_task(asterisk.serve(theirs, ours))  # type: ignore[arg-type]
        await ours.over.wait()
        if reset:
            writer.transport.abort()
        writer.close()
        for task in (feeding, serving):
            task.cancel()
            await asyncio.wait({task})
            task.cancelled() or task.exception()
        await port.idle()

    with_server(test)


@frozen
class Cut:
    """A writer that passes on a number of bytes, then something else, then nothing."""

    writer: asyncio.StreamWriter
    left: int
    after: bytes
    sent: list[int] = field(factory=list)
    over: asyncio.Event = field(factory=asyncio.Event)

    def write(self, data: bytes) -> None:
        """Write what may still pass."""
        room = max(0, self.left - sum(self.sent))
        self.sent.append(len(data))
        self.writer.write(data[:room])
        if len(data) > room and not self.over.is_set():
            self.writer.write(self.after)
            self.over.set()

    async def drain(self) -> None:
        """Wait."""

    def close(self) -> None:
        """The other end has closed."""
        self.over.set()


def test_many_that_say_nothing() -> None:
    """Peers that connect and stay silent are dropped, while calls are taken."""

    async def test(port: Port) -> None:
        idle = [await asyncio.open_connection("127.0.0.1", port.number) for _ in range(50)]
        idle[0][1].write(b"agi_network: yes\n")
        yes = await port.call(pressing(Press("1")))
        assert yes.variables["PAPERLESS_DISPOSITION"] == "enrolled"
        await port.idle()
        assert [what for what, _, _ in port.told] == ["channel.lost"] * 50
        for _, writer in idle:
            writer.close()

    with_server(test, limits=Limits(read_seconds=0.5))


def test_twenty_calls_at_once() -> None:
    """Each call has its own caller, keys, and variables."""

    async def test(port: Port) -> None:
        callers = [pressing(Press("1" if n % 2 else "2")) for n in range(20)]
        await asyncio.gather(*(port.call(caller) for caller in callers))
        got = [caller.variables["PAPERLESS_DISPOSITION"] for caller in callers]
        assert got == ["declined", "enrolled"] * 10

    with_server(test)


def test_it_listens_on_loopback() -> None:
    """The server can be reached from elsewhere only if configured."""

    async def test(port: Port) -> None:
        assert port.server._server is not None
        (bound,) = port.server._server.sockets
        assert bound.getsockname()[0] == "127.0.0.1"

    with_server(test)


def test_the_driver_takes_a_call() -> None:
    """The default driver runs a call that is handed over, to its end."""
    record = MemoryRecord()
    flow = Flow()
    words = Catalog.of(flow.terms.policy)
    store = SeparateStores(record, MemoryLiveCalls())
    driver = AsyncDriver(Setup(flow, words, springfield(), store))

    async def test(port: Port) -> None:
        ignored = await port.call(pressing(language="en-US"))
        assert ignored.variables["PAPERLESS_DISPOSITION"] == "ignored"
        assert ignored.variables["PAPERLESS_GREETED"] == "yes"

    with_server(test, driver.converse)
    assert record.activities
