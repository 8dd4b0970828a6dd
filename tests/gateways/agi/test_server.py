"""The port: calls that are handed over and given back, and whatever else connects."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from attrs import evolve, field, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperless_ivr.backends.demo import springfield
from paperless_ivr.drive.aio import AsyncDriver
from paperless_ivr.drive.attendant import utc_now
from paperless_ivr.flow.events import CallerEvent, Digits, Ended, HungUp, TransferEnded
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Handback
from paperless_ivr.flow.turns import Gather, Turn
from paperless_ivr.gateways.agi import channel as agi_channel
from paperless_ivr.gateways.agi.gateway import AgiGateway
from paperless_ivr.gateways.agi.server import FastAgi, Line
from paperless_ivr.prompts import Catalogue
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.secret import keys
from paperless_ivr.testing.playback import Playback
from paperless_ivr.testing.transcripts import read
from paperless_ivr.testing.virtual_caller import Act, HangUp, Press
from tests.drive.test_loops_agree import FILES, played
from tests.gateways.agi.simulator import Asterisk, recorded

pytestmark = pytest.mark.requirement("R41")
BILLER = "springfield-water"


@frozen
class Port:
    """A server that is up, and what it told."""

    server: FastAgi
    number: int
    told: list[tuple[str, str, str]]

    async def call(self, asterisk: Asterisk) -> Asterisk:
        """A call by a simulated Asterisk, to its end."""
        streams = await asyncio.open_connection("127.0.0.1", self.number)
        await asterisk.serve(*streams)
        return asterisk

    async def idle(self) -> None:
        """Waits until no call is left."""
        while self.server.calls:
            await asyncio.sleep(0.005)


def with_server(
    test: Callable[[Port], Awaitable[None]], answer: object = None, person: str = ""
) -> None:
    """Runs a test with a server; nothing may be left over or be heard of by asyncio alone."""

    async def run() -> None:
        unheard: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: unheard.append(told))
        told: list[tuple[str, str, str]] = []
        line = Line(BILLER, recorded(), answer or one_question, person)
        server = FastAgi({BILLER: line}, lambda *what: told.append(what))
        number = await server.start(port=0)
        try:
            await asyncio.wait_for(test(Port(server, number, told)), 60)
        finally:
            await server.close()
        assert unheard == []
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


async def one_question(
    gateway: AgiGateway, arrival: Arrival, taken_away: asyncio.Event
) -> Handback:
    """A flow of one question."""
    ask = Gather("12", 1, 5.0, 3.0)
    answer = await gateway.perform(Turn(None, (), ask), "en-US")  # type: ignore[arg-type]
    said_yes = answer == Digits(keys("1"))
    return Handback(Disposition.ENROLLED if said_yes else Disposition.DECLINED)


def pressing(*acts: Act, **variables: str) -> Asterisk:
    """An Asterisk whose caller does that."""
    given_ = {f"PAPERLESS_{name.upper()}": value for name, value in variables.items()}
    asterisk = Asterisk(variables=given_)
    asterisk.caller.plan(*acts)
    return asterisk


# ── calls ──


@pytest.mark.requirement("R18")
def test_a_call_is_handed_over_and_given_back() -> None:
    """The dialplan finds the disposition in its variables, and the line is let go."""

    async def test(port: Port) -> None:
        yes = await port.call(pressing(Press("1")))
        no = await port.call(pressing(Press("2")))
        assert yes.variables["PAPERLESS_DISPOSITION"] == "enrolled"
        assert no.variables["PAPERLESS_DISPOSITION"] == "declined"
        assert port.told == []

    with_server(test)


def test_a_line_that_is_not_up_is_answered() -> None:
    """Without Answer() in the dialplan nobody would hear anything."""

    async def test(port: Port) -> None:
        ringing = pressing(Press("1"))
        ringing.up = False
        await port.call(ringing)
        assert ringing.commands.count("ANSWER") == 1
        assert "ANSWER" not in (await port.call(pressing(Press("1")))).commands

    with_server(test)


def test_variables_are_set_after_a_hang_up() -> None:
    """The dialplan's h extension finds the disposition too."""

    async def test(port: Port) -> None:
        gone = await port.call(pressing(HangUp()))
        assert gone.variables["PAPERLESS_DISPOSITION"] == "declined"

    with_server(test)


def test_what_means_nothing_goes_on() -> None:
    """A dialplan that hands over nonsense gets its call back at once, and is told why."""

    async def test(port: Port) -> None:
        wrong = await port.call(pressing(moment="20481137", greeted="20481137"))
        other = await port.call(pressing(biller="nobody"))
        assert wrong.variables["PAPERLESS_DISPOSITION"] == "not_offered"
        assert "moment: it is one of start" in wrong.variables["PAPERLESS_ERROR"]
        assert "it is one of springfield-water" in other.variables["PAPERLESS_ERROR"]
        assert [what for what, _, _ in port.told] == ["call.refused"] * 2
        assert "20481137" not in str(port.told)

    with_server(test)


def test_the_language_is_set_back() -> None:
    """The channel has the language that it came with."""

    async def in_spanish(gateway: AgiGateway, *_: object) -> Handback:
        await gateway.channel.ask("SET VARIABLE CHANNEL(language) es")
        gateway.language = "es"
        return Handback(Disposition.DECLINED)

    async def test(port: Port) -> None:
        asterisk = await port.call(pressing())
        assert asterisk.variables["CHANNEL(language)"] == "en"

    with_server(test, in_spanish)


@pytest.mark.requirement("R24")
def test_a_call_that_fails_goes_on() -> None:
    """Whatever fails in a call is told by its class; the dialplan goes on, and others too."""

    async def broken(*_: object) -> Handback:
        raise RuntimeError("20481137")

    async def test(port: Port) -> None:
        asterisk = await port.call(pressing())
        await port.idle()
        assert "PAPERLESS_DISPOSITION" not in asterisk.variables
        assert port.told == [("call.failed", asterisk.headers["agi_uniqueid"], "RuntimeError")]

    with_server(test, broken)


def test_closing_takes_calls_away() -> None:
    """A server that closes tells its calls, and waits for them."""
    seen: list[str] = []

    async def patient(gateway: AgiGateway, arrival: Arrival, taken: asyncio.Event) -> Handback:
        seen.append("began")
        await taken.wait()
        seen.append("taken")
        return Handback(Disposition.ABANDONED)

    async def test(port: Port) -> None:
        asterisk = pressing()
        call = asyncio.create_task(port.call(asterisk))
        while not seen:
            await asyncio.sleep(0.005)
        await port.server.close()
        await call
        assert asterisk.variables["PAPERLESS_DISPOSITION"] == "abandoned"

    with_server(test, patient)
    assert seen == ["began", "taken"]


# ── whole calls ──


@frozen
class Planned:
    """A gateway whose simulated caller does, turn by turn, what a transcript says."""

    gateway: AgiGateway
    asterisk: Asterisk
    playback: Playback

    async def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Plans a turn and performs it; what comes of it is what was planned."""
        event = self.playback.does(turn)
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
            case Digits(pressed, ended, heard):
                assert isinstance(turn.then, Gather)
                end = turn.then.end_key if ended is Ended.END_KEY else ""
                at = None if heard is None else sum(sounds[:heard])
                return [Press(pressed.reveal() + end, at=at, after=0.1)]
            case HungUp():
                return [HangUp(at=0 if sounds else None)]
            case TransferEnded(result):
                self.asterisk.dial = result
        return []

    async def listen(self) -> HungUp:
        """Listens; the caller of a transcript does nothing meanwhile."""
        await asyncio.Event().wait()
        raise AssertionError


BY_CALLERS = [path for path in FILES if "host cancels" not in path.read_text("utf-8")]
"""A host cancels by closing the server, which has a test of its own."""


@pytest.mark.requirement("R43")
@pytest.mark.parametrize("path", BY_CALLERS, ids=lambda path: path.stem)
def test_every_transcript_goes_the_same_way(path) -> None:
    """Through Asterisk a call takes the same rows to the same disposition as in a terminal."""
    expected, disposition = played(path, "blocking")
    playback = Playback(read(path))
    policy = playback.transcript.terms.policy
    asterisk = Asterisk()
    driver = AsyncDriver(
        playback.flow, playback.words, playback, playback, MemoryLiveCalls(), watch=playback.watch
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


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2_000), st.booleans(), st.binary(max_size=40))
def test_a_connection_that_is_cut_at_any_byte(place: int, reset: bool, after: bytes) -> None:
    """Wherever Asterisk's side is cut, and whatever follows, the call ends and nothing is left."""

    async def test(port: Port) -> None:
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
    """A writer that lets so many bytes through, then something else, then nothing."""

    writer: asyncio.StreamWriter
    left: int
    after: bytes
    sent: list[int] = field(factory=list)
    over: asyncio.Event = field(factory=asyncio.Event)

    def write(self, data: bytes) -> None:
        """Writes what is still let through."""
        room = max(0, self.left - sum(self.sent))
        self.sent.append(len(data))
        self.writer.write(data[:room])
        if len(data) > room and not self.over.is_set():
            self.writer.write(self.after)
            self.over.set()

    async def drain(self) -> None:
        """Waits."""

    def close(self) -> None:
        """The other end has let go."""
        self.over.set()


def test_many_that_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peers that connect and are silent are let go, and calls are taken meanwhile."""
    monkeypatch.setattr(agi_channel, "HEADERS_WITHIN", 0.5)

    async def test(port: Port) -> None:
        idle = [await asyncio.open_connection("127.0.0.1", port.number) for _ in range(50)]
        idle[0][1].write(b"agi_network: yes\n")
        yes = await port.call(pressing(Press("1")))
        assert yes.variables["PAPERLESS_DISPOSITION"] == "enrolled"
        await port.idle()
        assert [what for what, _, _ in port.told] == ["channel.lost"] * 50
        for _, writer in idle:
            writer.close()

    with_server(test)


def test_twenty_calls_at_once() -> None:
    """Each call has its own caller, keys and variables."""

    async def test(port: Port) -> None:
        callers = [pressing(Press("1" if n % 2 else "2")) for n in range(20)]
        await asyncio.gather(*(port.call(caller) for caller in callers))
        got = [caller.variables["PAPERLESS_DISPOSITION"] for caller in callers]
        assert got == ["declined", "enrolled"] * 10

    with_server(test)


def test_it_listens_on_loopback() -> None:
    """Nobody else reaches it unless told so."""

    async def test(port: Port) -> None:
        assert port.server._server is not None
        (bound,) = port.server._server.sockets
        assert bound.getsockname()[0] == "127.0.0.1"

    with_server(test)


def test_the_driver_takes_a_call() -> None:
    """The default driver takes a call that is handed over, to its end."""
    record = MemoryRecord(utc_now)
    flow = Flow()
    words = Catalogue.of(flow.terms.policy)
    driver = AsyncDriver(flow, words, springfield(), record, MemoryLiveCalls())

    async def test(port: Port) -> None:
        ignored = await port.call(pressing(language="en-US"))
        assert ignored.variables["PAPERLESS_DISPOSITION"] == "ignored"
        assert ignored.variables["PAPERLESS_GREETED"] == "yes"

    with_server(test, driver.converse)
    assert record.activities
