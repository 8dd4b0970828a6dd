"""A gateway that keeps the contract, written directly on a virtual caller, for tests to break."""

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
from paperless_ivr.gateways.capabilities import Capabilities
from paperless_ivr.secret import keys
from paperless_ivr.testing.virtual_caller import ON_HOOK, VirtualCaller

UTTERANCE = 2.0
"""The seconds that every prompt takes."""


@define
class Model:
    """A runtime, its gateway, and its caller in one."""

    caller: VirtualCaller = field(factory=VirtualCaller)
    capabilities: Capabilities = Capabilities("a model")
    ahead: str = ""
    gone: bool = False
    lost: set[str] = field(factory=set)
    result: TransferResult = TransferResult.UNKNOWN
    log: str = ""
    ended_at: tuple[str, float] | None = None
    """The end key of a gather that was complete, and when it ended."""

    # ── what the kit needs ──

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Perform a turn."""
        if self.gone:
            return HungUp()
        event = self.turn(turn, language)
        self.gone = isinstance(event, HungUp)
        return event

    def hold(self, seconds: float) -> None:
        """Let time pass while a request runs."""
        until = self.caller.now + seconds
        while self.caller.now < until and not self.gone:
            self.gone = self.waiting(self.caller.next(until - self.caller.now))

    def utterance(self, prompt: Prompt, language: str) -> str:
        """Return what is heard when a prompt is spoken."""
        return f"{prompt.name} in {prompt.language or language}"

    def lose(self, prompt: Prompt) -> bool:
        """Make a prompt unplayable."""
        self.lost.add(prompt.name)
        return True

    def cut(self) -> bool:
        """Cut the line."""
        self.gone = True
        return True

    def agent(self, result: TransferResult) -> None:
        """Set the result of the next transfer."""
        self.result = result

    def shown(self) -> str:
        """Return what was logged."""
        return self.log

    def close(self) -> None:
        """Do nothing: nothing was started."""

    # ── the gateway ──

    def waiting(self, key: str) -> bool:
        """Keep what comes while a request runs. Return whether the caller is gone."""
        if key != ON_HOOK:
            self.ahead += key
        return key == ON_HOOK

    def turn(self, turn: Turn, language: str) -> CallerEvent | None:
        """Return the result of a turn that begins with the caller on the line."""
        gather = turn.then if isinstance(turn.then, Gather) else None
        if gather and not gather.type_ahead:
            self.flush()
        stops = gather.barge_in if gather else not isinstance(turn.then, Transfer | Return)
        ahead = bool(self.ahead) and gather is not None
        key, interrupted = ("", 0) if ahead else self.speak(turn, language, stops=stops)
        if key == ON_HOOK:
            return HungUp()
        match turn.then:
            case Gather() as gather:
                if key:
                    self.ahead = key + self.ahead
                return self.gather(gather, interrupted if key or ahead else self.unheard(turn))
            case Transfer():
                return self.transfer()
            case Return():
                return self.back()
            case _:
                self.keep(key)
                return self.request()

    def keep(self, key: str) -> None:
        """Keep a key that interrupted the words of a request."""
        self.ahead += key

    def flush(self) -> None:
        """Discard keys pressed ahead."""
        self.ahead = ""

    def request(self) -> CallerEvent | None:
        """Return the result of a turn that waits for an answer."""
        return None

    def back(self) -> CallerEvent | None:
        """Return the result of a turn that gives the call back."""
        return None

    def unheard(self, turn: Turn) -> int | None:
        """Return the first prompt that could not be played."""
        names = [prompt.name for prompt in turn.say]
        return next((n for n, name in enumerate(names) if name in self.lost), None)

    def speak(self, turn: Turn, language: str, *, stops: bool) -> tuple[str, int]:
        """Speak. Return the key that interrupted, or ON_HOOK, and the number of its prompt."""
        for number, prompt in enumerate(turn.say):
            if prompt.name in self.lost:
                continue
            self.caller.begins(self.utterance(prompt, language))
            until = self.caller.now + UTTERANCE
            while self.caller.now < until:
                key = self.caller.next(until - self.caller.now)
                if key == ON_HOOK or (key and stops and not self.is_late(key)):
                    return key, number
            self.caller.ends()
        return "", 0

    def is_late(self, key: str) -> bool:
        """Return whether this is the end key of the previous gather."""
        end_key, since = self.ended_at or ("", 0.0)
        self.ended_at = None
        return key == end_key and self.caller.now - since < 3.0

    def gather(self, gather: Gather, interrupted: int | None) -> CallerEvent:
        """Gather keys until there are enough."""
        self.log += f"gathering {gather!r}"
        taken = ""
        while len(taken) < gather.max_keys:
            key = self.key(gather.next_key_wait if taken else gather.first_key_wait)
            if key == ON_HOOK:
                return HungUp()
            if not key:
                return self.silence(gather, taken, interrupted)
            if key == gather.end_key:
                return self.digits(gather, taken, Ended.END_KEY, interrupted)
            taken += key
        self.ended_at = (gather.end_key, self.caller.now)
        return self.digits(gather, taken, Ended.FULL, interrupted)

    def key(self, wait: float) -> str:
        """Return the next key, pressed ahead or not."""
        if self.ahead:
            key, self.ahead = self.ahead[0], self.ahead[1:]
            return key
        key = self.caller.next(wait)
        return self.key(wait) if key and self.is_late(key) else key

    def silence(self, gather: Gather, taken: str, interrupted: int | None) -> CallerEvent:
        """Return the event when no more keys come."""
        return self.digits(gather, taken, Ended.TIMEOUT, interrupted) if taken else NoInput()

    def digits(
        self, gather: Gather, taken: str, ended: Ended, interrupted: int | None
    ) -> CallerEvent:
        """Return the event for keys."""
        return Digits(keys(taken), ended, interrupted)

    def transfer(self) -> CallerEvent:
        """Dial an agent."""
        self.ahead = ""
        until = self.caller.now + 5.0
        while self.caller.now < until:
            if self.caller.next(until - self.caller.now) == ON_HOOK:
                return HungUp()
        return TransferEnded(self.result)
