"""A connection from Asterisk. Commands run one at a time; a hang-up can come at any moment."""

import asyncio
import socket
from contextlib import suppress

from attrs import define, field

from paperless_ivr.gateways.agi.lines import (
    HangUpNotice,
    Headers,
    Nonsense,
    Reader,
    Reply,
    command,
)
from paperless_ivr.net.connections import DEFAULTS

REPLY_WITHIN = 10.0
"""How many seconds to wait for a reply, in addition to the time that the command takes."""
MOST_COMMANDS = 10_000
"""The limit on commands in one call. A long call needs about 2,000. A check for sounds needs about
700, and up to twice as many if sounds are missing."""
KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""Options that make us notice within two minutes if Asterisk is gone. We need them because it sends
nothing while a caller talks with an agent."""
GONE = 511
"""The reply code if a command needs a caller, and the caller is gone."""


class ChannelLost(Exception):
    """The connection is closed, or the other end does not speak AGI."""


@define
class Channel:
    """A connection. `gone` is set when the caller hangs up, or when the connection is lost."""

    reader: asyncio.StreamReader = field(repr=False)
    writer: asyncio.StreamWriter = field(repr=False)
    headers: dict[str, str] = field(factory=dict, repr=False)
    gone: asyncio.Event = field(factory=asyncio.Event, repr=False)
    lost: bool = False
    """Whether the connection is lost, so that nothing more can be sent."""
    broke: str = ""
    """Why we dropped the connection, or empty if we did not."""
    _commands: int = 0
    _lines: Reader = field(factory=Reader, repr=False)
    _pending: "asyncio.Future[Reply | None] | None" = field(default=None, repr=False)
    _head: "asyncio.Future[bool] | None" = field(default=None, repr=False)
    _pump: "asyncio.Task[None] | None" = field(default=None, repr=False)

    async def open(self, within: float = DEFAULTS.read_seconds) -> None:
        """Read the headers, which Asterisk sends first. Raises ChannelLost if none come."""
        self._keep_alive()
        self._head = asyncio.get_running_loop().create_future()
        self._pump = asyncio.create_task(self._read())
        await asyncio.wait({self._head}, timeout=within)
        if not self._head.done() or not self._head.result():
            self._end()
            raise ChannelLost("no headers")

    def drop(self) -> None:
        """Abort the connection."""
        self._end()
        self.writer.transport.abort()

    async def close(self) -> None:
        """Close the connection and wait until it is closed."""
        self._end()
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait({self._pump})
        self.writer.close()
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(self.writer.wait_closed(), REPLY_WITHIN)

    async def ask(self, text: str, takes: float = 0.0) -> Reply:
        """Send a command that takes up to `takes` seconds to run, and return the reply.

        Raises ChannelLost if there is no reply. If an earlier command's task was canceled, this
        first waits for the reply to that command.
        """
        if self._pending is not None and not self._pending.done():
            await self._replied(self._pending, takes)
        self._commands += 1
        if self._commands > MOST_COMMANDS:
            self._break("too many commands")
        if self.lost:
            raise ChannelLost("closed")
        pending = self._pending = asyncio.get_running_loop().create_future()
        try:
            self.writer.write(command(text))
            await asyncio.wait_for(self.writer.drain(), REPLY_WITHIN)
        except (OSError, TimeoutError) as error:
            self._break("cannot be written to")
            raise ChannelLost("cannot be written to") from error
        return await self._replied(pending, takes)

    async def _replied(self, pending: "asyncio.Future[Reply | None]", takes: float) -> Reply:
        await asyncio.wait({pending}, timeout=takes + REPLY_WITHIN)
        if not pending.done():
            self._break("no reply in time")
        reply = pending.result()
        if reply is None:
            raise ChannelLost("closed")
        if reply.code == GONE:
            self.gone.set()
        return reply

    async def _read(self) -> None:
        """Read and dispatch messages until the connection ends."""
        try:
            while data := await self.reader.read(4096):
                for message in self._lines.feed(data):
                    self._sort(message)
        except Nonsense as nonsense:
            self._break(str(nonsense))
        except OSError:
            pass
        finally:
            self._end()

    def _sort(self, message: Headers | Reply | HangUpNotice) -> None:
        match message:
            case Headers(values):
                self.headers = values
                if self._head is not None and not self._head.done():
                    self._head.set_result(True)
            case HangUpNotice():
                self.gone.set()
            case Reply():
                if self._pending is None or self._pending.done():
                    raise Nonsense("a reply without a command")
                self._pending.set_result(message)

    def _keep_alive(self) -> None:
        """Have the operating system probe a silent Asterisk (TCP keepalive)."""
        sock = self.writer.get_extra_info("socket")
        if sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in KEEPALIVE.items():
                if hasattr(socket, name):  # some systems lack some of these options
                    sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def _break(self, why: str) -> None:
        """Treat the connection as lost, and note why we drop it."""
        if not self.lost:
            self.broke = why
        self._end()

    def _end(self) -> None:
        """Note that the connection is lost, and wake whatever is waiting for a reply."""
        self.lost = True
        self.gone.set()
        if self._pending is not None and not self._pending.done():
            self._pending.set_result(None)
        if self._head is not None and not self._head.done():
            self._head.set_result(False)
