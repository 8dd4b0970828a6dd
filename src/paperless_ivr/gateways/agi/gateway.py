"""Plays turns on Asterisk piece by piece, and gathers keys one at a time.

The gateway contract is met as follows (docs/asterisk.md has the sources). Asterisk reports each key
in a separate reply, so that all five outcomes of a gather can be distinguished; with its GET DATA
command, some of them look the same. Each prompt is played separately, so that we know which prompt
a key interrupts. Asterisk discards keys while no command is running (res_agi.c, run_agi), so
`listen` keeps one running.
"""

import asyncio
from collections.abc import Awaitable, Callable

from attrs import define, field

from paperless_ivr.flow.events import (
    CallerEvent,
    Digits,
    Ended,
    HungUp,
    NoInput,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.flow.turns import Gather, Prompt, Return, Transfer, Turn
from paperless_ivr.gateways.agi.channel import Channel, ChannelLost
from paperless_ivr.gateways.agi.lines import Reply, quoted
from paperless_ivr.gateways.agi.sounds import Sound, Sounds
from paperless_ivr.gateways.capabilities import Capabilities, Claim, How
from paperless_ivr.secret import keys

CAPABILITIES = Capabilities(
    "Asterisk (FastAGI)",
    interrupted=Claim(How.MET, "a separate STREAM FILE or SAY for each piece"),
    flush=Claim(How.MET, "the adapter stores the keys and can discard them"),
    once=Claim(How.MET, "each key is the reply to a single command"),
    end_key_alone=Claim(How.MET, "WAIT FOR DIGIT returns every key, one at a time"),
    end_key_alone_in_entries=Claim(How.MET, "WAIT FOR DIGIT returns every key, one at a time"),
    no_end_key=Claim(How.MET, "WAIT FOR DIGIT has no end key"),
    late_end_key=Claim(How.EMULATED, "the adapter drops it, and resumes the sound at its offset"),
    too_few=Claim(How.MET, "the adapter counts the keys"),
    two_waits=Claim(How.MET, "WAIT FOR DIGIT takes a timeout for each key"),
    keys_while_waiting=Claim(How.EMULATED, "short WAIT FOR DIGIT commands while nothing else runs"),
    transfer=Claim(How.MET, "EXEC Dial, and its DIALSTATUS"),
)

EVERY_KEY = "0123456789*#"
LONGEST_SOUND = 300.0
"""The maximum length of one sound, in seconds."""
GREETING = "greeting"
"""The prompt that thanks the caller for calling."""
LISTEN = (0.02, 0.05, 0.1)
"""How many seconds each listening command lasts. The last value repeats. A turn cannot begin
until the current command ends."""
RING = 30
"""How many seconds an agent's phone rings."""
LONGEST_TALK = 4 * 3600.0
"""The maximum length of a conversation with an agent, in seconds. Asterisk sends nothing during the
conversation."""

RESULTS = {
    "ANSWER": TransferResult.ANSWERED,
    "BUSY": TransferResult.BUSY,
    "NOANSWER": TransferResult.NO_ANSWER,
    "CHANUNAVAIL": TransferResult.FAILED,
    "CONGESTION": TransferResult.FAILED,
    "INVALIDARGS": TransferResult.FAILED,
    "DONTCALL": TransferResult.FAILED,
    "TORTURE": TransferResult.FAILED,
}
"""The meaning of each DIALSTATUS (app_dial). CANCEL is omitted, because it means a hang-up."""


@define
class AgiGateway:
    """The gateway for one call."""

    channel: Channel
    sounds: Sounds
    person: str = ""
    """What Dial should dial to reach an agent, such as "PJSIP/agents". Empty if there is none."""
    unplayable: Callable[[str], None] = lambda _: None
    """Called with the name of a prompt that Asterisk could not play."""
    on_greeted: Callable[[], Awaitable[None]] | None = None
    """Called as soon as the greeting has been played, or interrupted by a key."""
    greeted: bool = False
    """Whether the greeting was played, or interrupted by a key."""
    clock: Callable[[], float] = field(default=lambda: asyncio.get_running_loop().time())
    _ahead: str = field(default="", repr=False)
    _late: tuple[str, float] = ("", 0.0)
    """The end key of a gather that is complete, and the time until which that key is dropped."""
    language: str = ""
    """The language that the channel is set to."""
    _listening: "asyncio.Task[str] | None" = field(default=None, repr=False)

    # ── called by the driver ──

    async def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Play a turn's prompts, and then do what the turn requires."""
        try:
            await self._heard_so_far()
            event = await self._perform(turn, language)
        except ChannelLost:
            return HungUp()
        answered = event == TransferEnded(TransferResult.ANSWERED)
        return HungUp() if self.channel.gone.is_set() and not answered else event

    async def listen(self) -> HungUp:
        """Keep the keys that are pressed while a request runs."""
        try:
            for number in range(10**9):
                await self._heard_so_far()
                if self.channel.gone.is_set():
                    return HungUp()
                seconds = LISTEN[min(number, len(LISTEN) - 1)]
                self._listening = asyncio.create_task(self._key(seconds))
                await asyncio.wait({self._listening})
        except ChannelLost:
            pass
        return HungUp()

    async def _heard_so_far(self) -> None:
        """Wait for the listening command that is still in progress, and keep its key."""
        listening = self._listening
        if listening is not None:
            await asyncio.wait({listening})
            self._listening = None
            self._ahead += "" if self._is_late(key := listening.result()) else key

    async def _perform(self, turn: Turn, language: str) -> CallerEvent | None:
        match turn.then:
            case Gather() as gather:
                return await self._gather(gather, turn, language)
            case Transfer():
                await self._speak(turn, language, "")
                self._ahead = ""
                return await self._transfer()
            case Return():
                await self._speak(turn, language, "")
                return None
            case _:
                key, _, _ = await self._speak(turn, language, EVERY_KEY)
                self._ahead += key
                return None

    # ── speaking ──

    async def _speak(self, turn: Turn, language: str, escape: str) -> tuple[str, int, int | None]:
        """Play the prompts until a key interrupts them.

        Return the key, the index of the prompt that it interrupted, and the index of the first
        prompt that could not be played.
        """
        unheard: int | None = None
        for number, prompt in enumerate(turn.say):
            key, played = await self._play_prompt(prompt, language, escape)
            if self.channel.gone.is_set():
                return "", number, unheard
            if prompt.name == GREETING and played:
                await self._greeted()
            if not played:
                self.unplayable(prompt.name)
                unheard = number if unheard is None else unheard
            if key:
                return key, number, unheard
        return "", 0, unheard

    async def _play_prompt(self, prompt: Prompt, language: str, escape: str) -> tuple[str, bool]:
        """Play a prompt. Return the key that interrupted it, and whether all sounds played."""
        played = True
        for sound in self.sounds.prompt(prompt, language):
            key, there = await self._play(sound, escape)
            played = played and there
            if key or self.channel.gone.is_set():
                return key, played
        return "", played

    async def _greeted(self) -> None:
        if not self.greeted:
            self.greeted = True
            if self.on_greeted is not None:
                await self.on_greeted()

    async def _play(self, sound: Sound, escape: str) -> tuple[str, bool]:
        """Play a sound. Return the key that interrupted it, and whether it could be played."""
        if sound.language != self.language:
            await self.channel.ask(f"SET VARIABLE CHANNEL(language) {sound.language}")
            self.language = sound.language
        offset = 0
        while True:
            began = self.clock()
            reply = await self.channel.ask(sound.to(escape, offset), LONGEST_SOUND)
            key = _key_of(reply)
            if not key:
                ended = reply.code == 200 and (reply.number == 0 or not await self._there())
                return "", ended and self.clock() - began >= sound.least
            if key in escape and not self._is_late(key):
                return key, True
            if not sound.is_file:
                return "", True
            offset = reply.endpos

    async def _there(self) -> bool:
        """Whether the caller is still there. The reply -1 means a hang-up or a missing sound."""
        await self.channel.ask("CHANNEL STATUS")
        return not self.channel.gone.is_set()

    # ── keys ──

    async def _gather(self, gather: Gather, turn: Turn, language: str) -> CallerEvent:
        if not gather.type_ahead:
            self._ahead = ""
        interrupted: int | None = 0
        if not self._ahead:
            escape = EVERY_KEY if gather.barge_in else ""
            key, number, unheard = await self._speak(turn, language, escape)
            self._ahead = key
            interrupted = number if key and unheard is None else unheard
        taken = ""
        while len(taken) < gather.max_keys:
            key = await self._next(gather.next_key_wait if taken else gather.first_key_wait)
            if self.channel.gone.is_set():
                return HungUp()
            if not key:
                return Digits(keys(taken), Ended.TIMEOUT, interrupted) if taken else NoInput()
            if key == gather.end_key:
                return Digits(keys(taken), Ended.END_KEY, interrupted)
            taken += key
        self._late = (gather.end_key, self.clock() + gather.next_key_wait)
        return Digits(keys(taken), Ended.FULL, interrupted)

    async def _next(self, wait: float) -> str:
        """Return the next key, which may have been pressed ahead, or "" if none comes."""
        if self._ahead:
            key, self._ahead = self._ahead[0], self._ahead[1:]
            return key
        key = await self._key(wait)
        return await self._next(wait) if key and self._is_late(key) else key

    async def _key(self, seconds: float) -> str:
        """Return a key that is pressed in time, or "" if there is none. Ignores the keys A to D."""
        until = self.clock() + seconds
        while True:
            milliseconds = max(0, round((until - self.clock()) * 1000))
            try:
                reply = await self.channel.ask(f"WAIT FOR DIGIT {milliseconds}", seconds)
            except ChannelLost:
                return ""
            if reply.code != 200 or reply.number < 0:
                self.channel.gone.set()
            key = _key_of(reply)
            if key or self.channel.gone.is_set() or self.clock() >= until or reply.number == 0:
                return key

    def _is_late(self, key: str) -> bool:
        """Whether a key is the end key of a complete gather, pressed right after that gather."""
        if not key:
            return False
        (end_key, until), self._late = self._late, ("", 0.0)
        return key == end_key and self.clock() < until

    # ── a person ──

    async def _transfer(self) -> CallerEvent:
        if not self.person:
            return TransferEnded(TransferResult.FAILED)
        await self.channel.ask(f"EXEC Dial {quoted(f'{self.person},{RING}')}", RING + LONGEST_TALK)
        status = (await self.channel.ask("GET VARIABLE DIALSTATUS")).value or ""
        if status == "CANCEL":
            return HungUp()
        return TransferEnded(RESULTS.get(status, TransferResult.UNKNOWN))


def _key_of(reply: Reply) -> str:
    """Return the key with the ASCII code in a reply. 48 means the key 0, and 0 means no key."""
    key = chr(reply.number) if reply.code == 200 and 0 < reply.number < 128 else ""
    return key if key in EVERY_KEY else ""
