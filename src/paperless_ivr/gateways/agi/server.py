"""The server that `AGI(agi://…)` connects to. Each connection is one hand-over of a call."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from secrets import token_hex

from attrs import define, evolve, field, frozen

from paperless_ivr.errors import HostProblems
from paperless_ivr.flow.events import EndedBy
from paperless_ivr.flow.host import Arrival, Disposition, Handback, Reason
from paperless_ivr.flow.host_strings import (
    YES_OR_NO,
    handback_to_strings,
    unreadable_to_strings,
)
from paperless_ivr.gateways.agi.channel import Channel, ChannelLost
from paperless_ivr.gateways.agi.gateway import AgiGateway
from paperless_ivr.gateways.agi.host import (
    HANDED_OVER,
    HandedOver,
    arguments,
    cleared,
    handed_over,
    read,
    reading,
    setting,
)
from paperless_ivr.gateways.agi.lines import quoted
from paperless_ivr.gateways.agi.probe import described, missing
from paperless_ivr.gateways.agi.sounds import Sounds
from paperless_ivr.net.connections import DEFAULTS, Connections, Limits

BACKLOG = 2_048
"""The maximum number of connections waiting to be accepted."""
PORT = 4573
"""FastAGI's default port (Asterisk, res_agi.c, AGI_PORT)."""
UP = 6
"""The CHANNEL STATUS of an answered line."""
LAST_WORD = 20.0
"""How many seconds a call has to finish after the server takes it back."""

MOST_OF_ERROR = 500
"""The maximum length of PAPERLESS_ERROR, because Asterisk limits the length of a command."""

TakenBack = asyncio.Future[EndedBy]
"""A future that is resolved when a call is taken back from the flow."""
Answer = Callable[[AgiGateway, Arrival, TakenBack], Awaitable[Handback]]
"""A function that runs a call to its end, or until it is taken back."""
Tell = Callable[[str, Arrival, str], None]
"""A function that reports a problem, given its name, the hand-over, and the reason.

The reason contains no personal data.
"""


@frozen
class Line:
    """Everything needed to answer one biller's calls."""

    biller: str
    sounds: Sounds
    answer: Answer
    person: str = ""


@define
class _Call:
    """A connection, and what is known about its hand-over so far."""

    channel: Channel
    arrival: Arrival


@define
class FastAgi:
    """A FastAGI server. `lines` are keyed by the biller's identifier; the first is the default."""

    lines: dict[str, Line]
    tell: Tell = lambda *_: None
    limits: Limits = DEFAULTS
    _open: Connections = field(init=False, repr=False)
    _calls: "dict[asyncio.Task[None], TakenBack]" = field(factory=dict, repr=False)
    _server: asyncio.Server | None = field(default=None, repr=False)
    _probes: "dict[tuple[str, str], asyncio.Future[str | None]]" = field(factory=dict, repr=False)
    """Results of checks for missing sounds, by Asterisk's address and the biller.

    A result is kept only if nothing is missing.
    """

    @_open.default
    def _none_open(self) -> Connections:
        return Connections(self.limits.connections)

    @property
    def calls(self) -> int:
        """The number of calls in progress."""
        return len(self._calls)

    async def start(self, host: str = "127.0.0.1", port: int = PORT) -> int:
        """Start listening, and return the port. The system chooses one if `port` is 0."""
        self._server = await asyncio.start_server(self._connected, host, port, backlog=BACKLOG)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def drain(self, seconds: float) -> None:
        """Stop taking calls, and wait up to this many seconds for calls in progress."""
        if self._server is not None:
            self._server.close()
        if self._calls and seconds:
            await asyncio.wait(set(self._calls), timeout=seconds)

    async def close(self) -> None:
        """Stop taking calls, and give calls in progress back to the dialplan."""
        if self._server is not None:
            self._server.close()
        for taken_back in self._calls.values():
            if not taken_back.done():
                taken_back.set_result(EndedBy.SERVER)
        if self._calls:
            _, late = await asyncio.wait(set(self._calls), timeout=LAST_WORD)
            for call in late:
                call.cancel()
            if late:
                await asyncio.wait(late)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Run a call in a task of our own, because asyncio streams log their own canceled tasks."""
        taken_back = asyncio.get_running_loop().create_future()
        channel = Channel(reader, writer)
        task = asyncio.create_task(self._served(channel, taken_back))
        self._calls[task] = taken_back
        task.add_done_callback(self._calls.pop)
        task.add_done_callback(lambda _: self._open.closed(task))
        self._open.opened(task, channel.drop)

    async def _served(self, channel: Channel, taken_back: TakenBack) -> None:
        """Serve one call, and handle every error that occurs in it."""
        lost, call = "", _Call(channel, Arrival("", self._line("").biller))
        try:
            await channel.open(self.limits.read_seconds)
            self._open.busy(asyncio.current_task())
            await self._call(call, taken_back)
        except ChannelLost as error:
            lost = str(error)
        except Exception as error:  # noqa: BLE001 - the dialplan continues after any error
            self.tell("call.failed", call.arrival, type(error).__name__)
        finally:
            if why := channel.broke or lost:
                self.tell("channel.lost", call.arrival, why)
            await channel.close()

    async def _call(self, call: "_Call", taken_back: TakenBack) -> None:
        channel, call_id = call.channel, call.channel.headers.get("agi_uniqueid", "")
        call.arrival = evolve(call.arrival, call_id=call_id)
        given, before = await _variables(channel)
        try:
            given |= arguments(channel.headers)
            line = self._line(given.get("biller", "").strip())
            over = handed_over(channel.headers, given, line.biller, line.person)
        except HostProblems as problems:
            self.tell("call.refused", call.arrival, str(problems))
            error = "; ".join([problems.title, *problems.problems])[:MOST_OF_ERROR]
            back = unreadable_to_strings({"call_id": call_id} | given)
            await _set(channel, cleared(before) | back | {"error": error})
            return
        arrival = call.arrival = evolve(over.arrival, handover=token_hex(4))
        # From here on, the dialplan has a complete hand-back, even if this process crashes (R48).
        lost = Handback.unfinished(arrival, Reason.CALL_LOST)
        await _set(channel, cleared(before) | handback_to_strings(lost))
        if lacking := await self._lacking(channel, line):
            self.tell("sounds.missing", arrival, lacking)
            refused = handback_to_strings(evolve(lost, disposition=Disposition.NOT_OFFERED))
            await _set(channel, refused | {"error": lacking[:MOST_OF_ERROR]})
            return
        gateway = await self._answered(call, line, over)
        try:
            handback = await line.answer(gateway, arrival, taken_back)
            greeted = arrival.greeted or gateway.greeted
            with suppress(ChannelLost):  # with AGIEXITONHANGUP, any hang-up closes the channel
                await _set(channel, handback_to_strings(evolve(handback, greeted=greeted)))
        finally:
            spoken = channel.headers.get("agi_language", "")
            if gateway.language not in ("", spoken) and not channel.lost:
                await channel.ask(f"SET VARIABLE CHANNEL(language) {quoted(spoken)}")

    async def _lacking(self, channel: Channel, line: Line) -> str:
        """Describe the sounds that Asterisk lacks. Calls that arrive during a check wait for it."""
        address, *_ = channel.writer.get_extra_info("peername") or [""]
        key = (str(address), line.biller)
        while (probe := self._probes.get(key)) is not None:
            await asyncio.wait({probe})
            if (found := probe.result()) is not None:
                return found
        probe = self._probes[key] = asyncio.get_running_loop().create_future()
        lacking = None
        try:
            found = described(await missing(channel, line.sounds))
            lacking = None if channel.gone.is_set() else found
        finally:
            if lacking != "":
                del self._probes[key]
            probe.set_result(lacking)
        return lacking or ""

    async def _answered(self, call: "_Call", line: Line, over: HandedOver) -> AgiGateway:
        """Answer the line if necessary, and return the call's gateway."""
        channel = call.channel
        if (await channel.ask("CHANNEL STATUS")).number != UP:
            await channel.ask("ANSWER")

        def unplayable(prompt: str) -> None:
            self.tell("prompt.unplayable", call.arrival, prompt)

        async def greeted() -> None:
            await _set(channel, {"greeted": YES_OR_NO.write(True)})

        return AgiGateway(channel, line.sounds, over.person, unplayable, greeted)

    def _line(self, biller: str) -> Line:
        if not biller:
            return next(iter(self.lines.values()))
        if biller not in self.lines:
            known = ", ".join(self.lines)
            raise HostProblems("there is no such biller", [f"biller: must be one of {known}"])
        return self.lines[biller]


async def _variables(channel: Channel) -> tuple[dict[str, str], str]:
    """Return the variables set by the dialplan, and the outcome count of an earlier hand-back.

    Omits empty values, and values with line breaks or other control characters.
    """
    names = (*HANDED_OVER, "outcomes")
    found = read(names, (await channel.ask(reading(names))).value)
    if found is None:
        found = {}
        for name in names:
            value = (await channel.ask(reading((name,)))).value
            if value is not None and value.isprintable():
                found[name] = value
    before = found.pop("outcomes", "")
    return {name: value.strip() for name, value in found.items() if value.strip()}, before


async def _set(channel: Channel, values: Mapping[str, str]) -> None:
    for command in setting(values):
        await channel.ask(command)
