"""A gateway to your own runtime, checked against the contract with the kit.

The runtime is an invented device called a Bell. It can speak a text, wait for a key, and dial an
agent, and it keeps any keys pressed at other times. `BellGateway` is the adapter. The rest of the
file is a small simulator of the runtime, and the rig that the kit uses to run both.
"""

from attrs import define, field

from paperless_ivr import (
    Capabilities,
    Catalog,
    Digits,
    Ended,
    Flow,
    Gather,
    HungUp,
    NoInput,
    Policy,
    Prompt,
    Return,
    Transfer,
    TransferEnded,
    TransferResult,
    Turn,
    check,
    keys,
)
from paperless_ivr.flow.events import CallerEvent
from paperless_ivr.gateways.capabilities import Claim, How
from paperless_ivr.prompts import said
from paperless_ivr.testing.contracts import check_session_gateway
from paperless_ivr.testing.virtual_caller import ON_HOOK, VirtualCaller

WORDS = Catalog.of(Policy())
CAPABILITIES = Capabilities(
    "a Bell",
    keys_while_waiting=Claim(How.MET, "the Bell keeps them"),
    late_end_key=Claim(How.DEGRADED, "a # after a complete entry answers the next question"),
    transfer_results=frozenset({TransferResult.ANSWERED, TransferResult.UNKNOWN}),
)


# ── the adapter ──


@define
class BellGateway:
    """A call on a Bell."""

    bell: "Bell"
    _ahead: str = field(default="", repr=False)

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Speak a turn, and return what the caller did."""
        try:
            self._ahead += self.bell.kept()
            match turn.then:
                case Gather() as gather:
                    return self._gather(gather, turn, language)
                case Transfer():
                    self._speak(turn, language, stops=False)
                    self._ahead = ""
                    answered = self.bell.ring()
                    return TransferEnded(
                        TransferResult.ANSWERED if answered else TransferResult.UNKNOWN
                    )
                case then:
                    key, _ = self._speak(turn, language, stops=not isinstance(then, Return))
                    self._ahead += key
                    return None
        except ConnectionError:
            return HungUp()

    def _speak(self, turn: Turn, language: str, *, stops: bool) -> tuple[str, int | None]:
        """Speak prompts. Return the key that interrupted, if any, and the prompt it interrupted."""
        for number, prompt in enumerate(turn.say):
            key = self.bell.say(said([prompt], language, WORDS), stops=stops)
            if key:
                return key, number
        return "", None

    def _gather(self, gather: Gather, turn: Turn, language: str) -> CallerEvent:
        interrupted: int | None = 0
        if not gather.type_ahead:
            self._ahead = ""
        if not self._ahead:
            self._ahead, interrupted = self._speak(turn, language, stops=gather.barge_in)
        taken = ""
        while len(taken) < gather.max_keys:
            key = self._next(gather.next_key_wait if taken else gather.first_key_wait)
            if not key:
                return Digits(keys(taken), Ended.TIMEOUT, interrupted) if taken else NoInput()
            if key == gather.end_key:
                return Digits(keys(taken), Ended.END_KEY, interrupted)
            taken += key
        return Digits(keys(taken), Ended.FULL, interrupted)

    def _next(self, wait: float) -> str:
        if not self._ahead:
            return self.bell.key(wait)
        key, self._ahead = self._ahead[0], self._ahead[1:]
        return key


# ── the runtime, simulated ──


@define
class Bell:
    """One telephone line. The caller can act while the line speaks, waits, or dials."""

    caller: VirtualCaller = field(factory=VirtualCaller)
    answers: bool = False
    buffer: str = field(default="", repr=False)

    def say(self, text: str, *, stops: bool) -> str:
        """Speak a text, which takes two seconds. Return the key that interrupted it, if any."""
        if self.caller.gone:
            raise ConnectionError
        self.caller.begins(text)
        key = self._until(2.0, stops=stops)
        self.caller.ends()
        return key

    def key(self, seconds: float) -> str:
        """Return a key pressed within this many seconds, or an empty text."""
        return self._until(seconds, stops=True)

    def ring(self) -> bool:
        """Ring an agent for five seconds. Return whether the agent answered."""
        self._until(5.0, stops=False)
        return self.answers

    def idle(self, seconds: float) -> None:
        """Let time pass without waiting for a key, but keep any keys pressed in that time."""
        until = self.caller.now + seconds
        while self.caller.now < until and not self.caller.gone:
            self.buffer += self.caller.next(until - self.caller.now).replace(ON_HOOK, "")

    def kept(self) -> str:
        """Return the keys that were kept, and clear them."""
        pressed, self.buffer = self.buffer, ""
        return pressed

    def _until(self, seconds: float, *, stops: bool) -> str:
        until = self.caller.now + seconds
        while self.caller.now < until:
            key = self.caller.next(until - self.caller.now)
            if key == ON_HOOK:
                raise ConnectionError
            if key and stops:
                return key
        return ""


# ── the rig ──


@define
class BellRig:
    """The rig that the kit runs: a gateway and its runtime, for one call."""

    bell: Bell = field(factory=Bell)
    gateway: BellGateway = field(init=False)
    capabilities: Capabilities = CAPABILITIES

    @gateway.default
    def _adapt(self) -> BellGateway:
        return BellGateway(self.bell)

    @property
    def caller(self) -> VirtualCaller:
        """The caller on the line."""
        return self.bell.caller

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Perform a turn."""
        return self.gateway.perform(turn, language)

    def hold(self, seconds: float) -> None:
        """Let time pass between two turns."""
        self.bell.idle(seconds)

    def utterance(self, prompt: Prompt, language: str) -> str:
        """Return what the caller hears for a prompt."""
        return said([prompt], language, WORDS)

    def lose(self, prompt: Prompt) -> bool:
        """Return False, because a Bell can speak every prompt."""
        return False

    def cut(self) -> bool:
        """Cut the line."""
        self.caller.gone = True
        return True

    def agent(self, result: TransferResult) -> None:
        """Set the result of the next transfer."""
        self.bell.answers = result is TransferResult.ANSWERED

    def shown(self) -> str:
        """Return any text that could reveal keys."""
        return repr(self.gateway)

    def close(self) -> None:
        """Do nothing, because nothing was started."""


if __name__ == "__main__":
    check_session_gateway(BellRig)
    print(check(Flow(), CAPABILITIES))
    print("the gateway meets the contract")
