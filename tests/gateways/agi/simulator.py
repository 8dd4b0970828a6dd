"""A small Asterisk: takes AGI commands, with a caller at the far end. No real time passes.

Its answers are those in the recordings in this folder.
"""

import asyncio
import re
import shlex
import socket
from collections.abc import Callable
from pathlib import Path

from attrs import define, field

from paperless_ivr.flow.events import CallerEvent, TransferResult
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.turns import Prompt, Turn
from paperless_ivr.gateways.agi.channel import Channel
from paperless_ivr.gateways.agi.gateway import CAPABILITIES, AgiGateway
from paperless_ivr.gateways.agi.sounds import Sounds
from paperless_ivr.gateways.capabilities import Capabilities
from paperless_ivr.prompts import Catalog
from paperless_ivr.prompts.recorded import Recordings, bare, phrases
from paperless_ivr.testing.virtual_caller import ON_HOOK, VirtualCaller

A_FILE, A_CHARACTER = 2.0, 0.5
"""The seconds that a file takes, and a spoken character."""
RINGING = 5.0
HEADERS = {
    "agi_network": "yes",
    "agi_request": "agi://127.0.0.1/",
    "agi_channel": "PJSIP/caller-00000001",
    "agi_language": "en",
    "agi_uniqueid": "1795386573.1",
    "agi_callerid": "2175550101",
    "agi_calleridname": "Test Caller",
    "agi_dnid": "8005550100",
    "agi_context": "default",
    "agi_extension": "200",
}
DIALSTATUS = {
    TransferResult.ANSWERED: "ANSWER",
    TransferResult.BUSY: "BUSY",
    TransferResult.NO_ANSWER: "NOANSWER",
    TransferResult.FAILED: "CHANUNAVAIL",
    TransferResult.UNKNOWN: "",
}
NEEDS_CALLER = ("STREAM", "WAIT", "SAY", "ANSWER", "CHANNEL", "GET DATA", "HANGUP")


@define(slots=False)
class Asterisk:
    """One call in a simulated Asterisk."""

    caller: VirtualCaller = field(factory=VirtualCaller)
    variables: dict[str, str] = field(factory=dict)
    headers: dict[str, str] = field(factory=lambda: dict(HEADERS))
    missing: set[str] = field(factory=set)
    """Files, and kinds of SAY, that are missing."""
    dial: TransferResult = TransferResult.UNKNOWN
    up: bool = True
    sends_hangup: bool = True
    """AGISIGHUP."""
    exits: bool = False
    """AGIEXITONHANGUP: the connection ends with the call (recordings 21 and 22)."""
    commands: list[str] = field(factory=list)
    ticked: Callable[[], None] = lambda: None
    """Called after each command."""
    _told: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take commands until the connection is closed."""
        head = "".join(f"{name}: {value}\n" for name, value in self.headers.items())
        writer.write(f"{head}\n".encode())
        try:
            while line := await reader.readline():
                text = line.decode().removesuffix("\n")
                self.commands.append(text)
                writer.write(f"{await self.replied(text)}\n".encode())
                if self.caller.gone and self.sends_hangup and not self._told:
                    self._told = True
                    writer.write(b"HANGUP\n")
                await writer.drain()
                self.ticked()
                if self.caller.gone and self.exits:
                    break
        except OSError:
            pass
        finally:
            writer.close()

    async def replied(self, text: str) -> str:
        """Return the reply to a command, at the right time."""
        return self.answer(text)

    def answer(self, text: str) -> str:  # noqa: PLR0912 - a case for each command
        """Return the reply to a command."""
        words = shlex.split(text)
        if self.caller.gone and text.startswith(NEEDS_CALLER):
            return "511 Command Not Permitted on a dead channel or intercept routine"
        match words:
            case ["STREAM", "FILE", file, escape, *offset]:
                return self._stream(file, escape, *offset)
            case ["SAY", kind, *_] if kind in self.missing:
                return "200 result=0"
            case ["SAY", _, what, escape, *_]:
                return f"200 result={self._plays(what, escape, A_CHARACTER * len(what))[0]}"
            case ["WAIT", "FOR", "DIGIT", milliseconds]:
                key = self.caller.next(int(milliseconds) / 1000)
                return f"200 result={_code(key)}"
            case ["SET", "VARIABLE", name, value]:
                self.variables[name] = value
                return "200 result=1"
            case ["GET", "VARIABLE", name]:
                value = self.variables.get(name)
                return "200 result=0" if value is None else f"200 result=1 ({value})"
            case ["GET", "FULL", "VARIABLE", expression]:
                value = re.sub(
                    r"\$\{(\w+)\}", lambda name: self.variables.get(name[1], ""), expression
                )
                return f"200 result=1 ({value})" if value else "200 result=0"
            case ["EXEC", "MSet", pairs]:
                for pair in re.findall(r"(?:\\.|[^,\\])+", pairs):
                    name, _, value = pair.partition("=")
                    self.variables[name] = re.sub(r"\\(.)", r"\1", value)
                return "200 result=0"
            case ["CHANNEL", "STATUS"]:
                return f"200 result={6 if self.up else 4}"
            case ["ANSWER"]:
                self.up = True
                return "200 result=0"
            case ["EXEC", "Dial", _]:
                return self._dials()
            case _:
                return "510 Invalid or unknown command"

    def _stream(self, file: str, escape: str, offset: str = "0") -> str:
        if file in self.missing:
            return "200 result=-1 endpos=0"
        left = A_FILE - int(offset) / 8000
        if left <= 0:
            return f"200 result=0 endpos={round(A_FILE * 8000)}"
        code, played = self._plays(file, escape, left, again=offset != "0")
        return f"200 result={code} endpos={int(offset) + round(played * 8000)}"

    def _plays(
        self, what: str, escape: str, seconds: float, *, again: bool = False
    ) -> tuple[int, float]:
        """Return the code of the key that interrupts, and how long the sound was played."""
        if not again:
            self.caller.begins(what)
        began = self.caller.now
        until = began + seconds
        while self.caller.now < until:
            key = self.caller.next(until - self.caller.now)
            if key == ON_HOOK or (key and key in escape):
                return _code(key), self.caller.now - began
        self.caller.ends()
        return 0, seconds

    def _dials(self) -> str:
        until = self.caller.now + RINGING
        while self.caller.now < until:
            if self.caller.next(until - self.caller.now) == ON_HOOK:
                self.variables["DIALSTATUS"] = "CANCEL"
                return "200 result=-1"
        self.variables["DIALSTATUS"] = DIALSTATUS[self.dial]
        return "200 result=0"


def _code(key: str) -> int:
    return -1 if key == ON_HOOK else ord(key or "\0")


def recorded(policy: Policy | None = None) -> Sounds:
    """Return sounds as if every phrase were recorded."""
    policy = policy or Policy()
    files = {(p.language, bare(p.text)): p.file for p in phrases(policy)}
    return Sounds(Catalog.of(policy), Recordings(Path(), files), "/sounds")


@define
class AgiRig:
    """The gateway on a simulated Asterisk."""

    sounds: Sounds = field(factory=recorded)
    person_at: str = "PJSIP/agents"
    asterisk: Asterisk = field(factory=Asterisk)
    gateway: AgiGateway = field(init=False)
    capabilities: Capabilities = CAPABILITIES
    _loop: asyncio.AbstractEventLoop = field(init=False, factory=asyncio.new_event_loop)
    _serving: "asyncio.Task[None]" = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Have Asterisk connect."""
        self.gateway = self._loop.run_until_complete(self._connected())

    async def _connected(self) -> AgiGateway:
        ours, theirs = socket.socketpair()
        self._serving = asyncio.create_task(
            self.asterisk.serve(*await asyncio.open_connection(sock=theirs))
        )
        channel = Channel(*await asyncio.open_connection(sock=ours))
        await channel.open()
        clock = self.asterisk.caller
        return AgiGateway(channel, self.sounds, self.person_at, clock=lambda: clock.now)

    @property
    def caller(self) -> VirtualCaller:
        """The caller at the far end."""
        return self.asterisk.caller

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Perform a turn."""
        return self._loop.run_until_complete(self.gateway.perform(turn, language))

    def hold(self, seconds: float) -> None:
        """Listen until this much time has passed."""
        self._loop.run_until_complete(self._held(self.caller.now + seconds))

    async def _held(self, until: float) -> None:
        over = asyncio.Event()
        self.asterisk.ticked = lambda: over.set() if self.caller.now >= until else None
        listening = asyncio.create_task(self.gateway.listen())
        waiting = asyncio.create_task(over.wait())
        await asyncio.wait({listening, waiting}, return_when=asyncio.FIRST_COMPLETED)
        for task in (listening, waiting):
            task.cancel()
        await asyncio.wait({listening, waiting})
        self.asterisk.ticked = lambda: None

    def utterance(self, prompt: Prompt, language: str) -> str:
        """Return the file of a prompt."""
        (sound,) = self.sounds.prompt(prompt, language)
        return sound.command.split('"')[1]

    def lose(self, prompt: Prompt) -> bool:
        """Delete the prompt's file."""
        for language in self.sounds.catalog.books:
            self.asterisk.missing.add(self.utterance(prompt, language))
        return True

    def cut(self) -> bool:
        """Cut the connection."""
        self._serving.cancel()
        self._loop.run_until_complete(asyncio.wait({self._serving}))
        self.gateway.channel.writer.transport.abort()
        return True

    def agent(self, result: TransferResult) -> None:
        """Set the result of Dial."""
        self.asterisk.dial = result

    def shown(self) -> str:
        """Return everything that is printed about the gateway."""
        return repr(self.gateway)

    def close(self) -> None:
        """End the call."""
        self._loop.run_until_complete(self._closed())
        self._loop.close()

    async def _closed(self) -> None:
        await self.gateway.channel.close()
        await asyncio.wait({self._serving}, timeout=5)
        await asyncio.sleep(0)
