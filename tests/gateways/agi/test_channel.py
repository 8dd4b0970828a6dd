"""One connection: plays recorded sessions against it, and everything that can go wrong with it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import HungUp
from paperless_ivr.flow.host import Arrival, Reason
from paperless_ivr.flow.turns import Transfer, Turn
from paperless_ivr.gateways.agi import channel as agi_channel
from paperless_ivr.gateways.agi import gateway as agi_gateway
from paperless_ivr.gateways.agi.channel import Channel, ChannelLost
from paperless_ivr.gateways.agi.gateway import AgiGateway
from paperless_ivr.gateways.agi.lines import Reply
from tests.gateways.agi.recorded import ALL, Recording
from tests.gateways.agi.simulator import recorded

pytestmark = pytest.mark.requirement("R41")
Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"agi_network: yes\nagi_uniqueid: 1\n\n"

WORDS = [
    recording
    for recording in ALL
    if recording.sent and all("\r" not in c and c for c in recording.commands)
]
"""Sessions in which the server spoke as we do: whole lines, without Windows line breaks."""


def with_peer(peer: Peer, test: Callable[[Channel], Awaitable[None]]) -> None:
    """Run a test with a channel to this peer. Nothing may be left over or go unnoticed."""

    async def run() -> None:
        unheard: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: unheard.append(told))

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await peer(reader, writer)
            finally:
                writer.close()

        serving: list[asyncio.Task[None]] = []
        server = await asyncio.start_server(
            lambda *streams: serving.append(asyncio.create_task(serve(*streams))), "127.0.0.1", 0
        )
        address = server.sockets[0].getsockname()
        channel = Channel(*await asyncio.open_connection(*address[:2]))
        try:
            await asyncio.wait_for(test(channel), 30)
        finally:
            await channel.close()
            server.close()
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert unheard == []

    asyncio.run(run())


async def opened_and_asked(channel: Channel) -> None:
    """Do the minimum with a channel."""
    await channel.open(within=0.3)
    await channel.ask("NOOP")


@pytest.mark.parametrize("recording", WORDS, ids=str)
def test_a_recorded_session_is_understood(recording: Recording) -> None:
    """Each command gets the reply in the recording, and the hang-up is noticed."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for who, data in recording.events:
            if who == "AST":
                writer.write(data)
                await writer.drain()
            elif who == "SRV":
                await reader.readexactly(len(data))

    async def test(channel: Channel) -> None:
        await channel.open()
        assert channel.headers["agi_network"] == "yes"
        codes: list[int] = []
        try:
            for command in recording.commands:
                reply = await channel.ask(command)
                codes.append(reply.code)
        except ChannelLost:
            assert recording.path.stem.partition("-")[0] in ("21", "22", "25", "26")
        assert set(codes) <= {200, 510, 511, 520}
        hung_up = b"HANGUP" in recording.sent or 511 in codes
        assert channel.gone.is_set() or not hung_up

    with_peer(peer, test)


def test_replies_find_their_commands() -> None:
    """A reply belongs to the command before it, and a hang-up notice is not a reply."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        for reply in (b"200 result=1\n", b"HANGUP\n200 result=2\n", b"200 result=3\nHANGUP\n"):
            await reader.readline()
            writer.write(reply)

    async def test(channel: Channel) -> None:
        await channel.open()
        assert [(await channel.ask("NOOP")).result for _ in range(3)] == ["1", "2", "3"]
        await asyncio.wait_for(channel.gone.wait(), 5)

    with_peer(peer, test)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\n",
        b"agi_network: yes\n",
        b"GET / HTTP/1.1\r\n\r\n",
        HEAD + b"200 result=1\n",
        HEAD + b"HANGUP\n",
        HEAD + b"200 resu",
        HEAD + b"520-usage\n",
        HEAD + b"200 result=1 (x\n",
        HEAD + b"x" * 100_000,
        HEAD + b"\xff\xfe\n",
    ],
)
def test_nonsense_and_silence_are_a_lost_channel(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that sends nonsense, too much, too early, or nothing is given up in time."""
    monkeypatch.setattr(agi_channel, "REPLY_WITHIN", 0.3)

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await reader.read()

    async def test(channel: Channel) -> None:
        with pytest.raises(ChannelLost):
            await opened_and_asked(channel)
        assert channel.gone.is_set()
        with pytest.raises(ChannelLost):
            await channel.ask("NOOP")

    with_peer(peer, test)


def test_a_peer_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that reads nothing is given up."""
    monkeypatch.setattr(agi_channel, "REPLY_WITHIN", 0.3)

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        await asyncio.sleep(60)

    async def test(channel: Channel) -> None:
        await channel.open()
        with pytest.raises(ChannelLost):
            await channel.ask("NOOP")

    with_peer(peer, test)


@pytest.mark.requirement("R49")
def test_silence_after_dial(monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversation with an agent is not waited for longer than one can last."""
    monkeypatch.setattr(agi_channel, "REPLY_WITHIN", 0.1)
    monkeypatch.setattr(agi_gateway, "LONGEST_TALK", 0.2)
    monkeypatch.setattr(agi_gateway, "RING", 0)

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        await reader.read()

    async def test(channel: Channel) -> None:
        await channel.open()
        gateway = AgiGateway(channel, recorded(), "PJSIP/agents")
        turn = Turn(Call(Arrival("call", "biller")), (), Transfer(Reason.CALLER_ASKED))
        assert await gateway.perform(turn, "en-US") == HungUp()
        assert channel.broke == "no reply in time"

    with_peer(peer, test)


def test_a_peer_that_half_closes() -> None:
    """A peer that sends no more counts as gone, even if it would still read."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        writer.write_eof()
        await reader.read()

    async def test(channel: Channel) -> None:
        await channel.open()
        await asyncio.wait_for(channel.gone.wait(), 5)
        with pytest.raises(ChannelLost):
            await channel.ask("NOOP")

    with_peer(peer, test)


def test_an_asker_who_is_cancelled() -> None:
    """A reply that no one waits for anymore is not mistaken for that of the next command."""
    asked = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        await reader.readline()
        asked.set()
        await asyncio.sleep(0.1)
        writer.write(b"200 result=49\n")
        await reader.readline()
        writer.write(b"200 result=50\n")

    async def test(channel: Channel) -> None:
        await channel.open()
        first = asyncio.create_task(channel.ask("WAIT FOR DIGIT 100"))
        await asked.wait()
        first.cancel()
        await asyncio.wait({first})
        assert await channel.ask("WAIT FOR DIGIT 100") == Reply(200, "50")

    with_peer(peer, test)
