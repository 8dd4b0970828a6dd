"""The port that `AGI(agi://…)` calls: one connection is one call that is handed over."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from attrs import define, field, frozen

from paperless_ivr.errors import Problems
from paperless_ivr.flow.host import Arrival, Disposition, Handback
from paperless_ivr.gateways.agi.channel import Channel, ChannelLost
from paperless_ivr.gateways.agi.gateway import AgiGateway
from paperless_ivr.gateways.agi.host import (
    HANDED_OVER,
    PREFIX,
    HostProblems,
    arguments,
    given_back,
    handed_over,
)
from paperless_ivr.gateways.agi.lines import quoted
from paperless_ivr.gateways.agi.sounds import Sounds

PORT = 4573
"""FastAGI's own (Asterisk, res_agi.c, AGI_PORT)."""
UP = 6
"""CHANNEL STATUS of a line that is up."""
LAST_WORD = 20.0
"""Seconds that a call which the host takes away has to come to its end."""

Answer = Callable[[AgiGateway, Arrival, asyncio.Event], Awaitable[Handback]]
"""Takes a call to its end; the event is set when the call is taken away."""
Tell = Callable[[str, str, str], None]
"""Told of what went wrong: what, in which call, and why. Nothing in it is personal."""


@frozen
class Line:
    """What the calls of a biller are answered with."""

    biller: str
    sounds: Sounds
    answer: Answer
    person: str = ""


@define
class FastAgi:
    """A FastAGI server. `lines` are by the biller's identifier; the first is the default."""

    lines: dict[str, Line]
    tell: Tell = lambda *_: None
    _calls: "dict[asyncio.Task[None], asyncio.Event]" = field(factory=dict, repr=False)
    _server: asyncio.Server | None = field(default=None, repr=False)

    @property
    def calls(self) -> int:
        """How many calls are being taken."""
        return len(self._calls)

    async def start(self, host: str = "127.0.0.1", port: int = PORT) -> int:
        """Listens; gives the port, which the system chooses where 0 is asked for."""
        self._server = await asyncio.start_server(self._connected, host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Takes no more calls, and takes away those that are under way."""
        if self._server is not None:
            self._server.close()
        for taken_away in self._calls.values():
            taken_away.set()
        if self._calls:
            _, late = await asyncio.wait(set(self._calls), timeout=LAST_WORD)
            for call in late:
                call.cancel()
            if late:
                await asyncio.wait(late)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One call, in a task of our own: streams log those of theirs that are cancelled."""
        taken_away = asyncio.Event()
        task = asyncio.create_task(self._served(Channel(reader, writer), taken_away))
        self._calls[task] = taken_away
        task.add_done_callback(self._calls.pop)

    async def _served(self, channel: Channel, taken_away: asyncio.Event) -> None:
        """One call. Nothing that goes wrong in it goes further."""
        try:
            await self._call(channel, taken_away)
        except ChannelLost as error:
            self.tell("channel.lost", channel.headers.get("agi_uniqueid", ""), str(error))
        except Exception as error:  # noqa: BLE001 - the dialplan goes on, whatever it was
            self.tell("call.failed", channel.headers.get("agi_uniqueid", ""), type(error).__name__)
        finally:
            await channel.close()

    async def _call(self, channel: Channel, taken_away: asyncio.Event) -> None:
        await channel.open()
        call_id = channel.headers.get("agi_uniqueid", "")
        try:
            line, gateway, arrival = await self._taken(channel)
        except Problems as problems:
            self.tell("call.refused", call_id, str(problems))
            await _set(channel, "DISPOSITION", Disposition.NOT_OFFERED.value)
            await _set(channel, "ERROR", "; ".join([problems.title, *problems.problems])[:1000])
            return
        handback = await line.answer(gateway, arrival, taken_away)
        with suppress(ChannelLost):
            for name, value in given_back(handback):
                await _set(channel, name, value)
            before = channel.headers.get("agi_language", "")
            if gateway.language not in ("", before):
                await channel.ask(f"SET VARIABLE CHANNEL(language) {quoted(before)}")

    async def _taken(self, channel: Channel) -> tuple[Line, AgiGateway, Arrival]:
        """The call as it is handed over, answered; Problems where that means nothing."""
        given = await _variables(channel) | arguments(channel.headers)
        line = self._line(given.get("biller", "").strip())
        over = handed_over(channel.headers, given, line.biller, line.person)
        if (await channel.ask("CHANNEL STATUS")).number != UP:
            await channel.ask("ANSWER")
        call_id = over.arrival.call_id

        def unplayable(prompt: str) -> None:
            self.tell("prompt.unplayable", call_id, prompt)

        return line, AgiGateway(channel, line.sounds, over.person, unplayable), over.arrival

    def _line(self, biller: str) -> Line:
        if not biller:
            return next(iter(self.lines.values()))
        if biller not in self.lines:
            known = ", ".join(self.lines)
            raise HostProblems("there is no such biller", [f"biller: it is one of {known}"])
        return self.lines[biller]


async def _variables(channel: Channel) -> dict[str, str]:
    """The variables that the dialplan has set. One with line breaks or the like is not taken."""
    found: dict[str, str] = {}
    for name in HANDED_OVER:
        value = (await channel.ask(f"GET VARIABLE {PREFIX}{name.upper()}")).value
        if value is not None and value.isprintable():
            found[name] = value
    return found


async def _set(channel: Channel, name: str, value: str) -> None:
    await channel.ask(f"SET VARIABLE {PREFIX}{name} {quoted(value)}")
