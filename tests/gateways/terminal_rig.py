"""A person at a terminal, who hears what is printed, and types keys line by line."""

import io

from attrs import define, field

from paperless_ivr.flow.events import CallerEvent, TransferResult
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.turns import Prompt, Turn
from paperless_ivr.gateways.capabilities import Capabilities
from paperless_ivr.gateways.terminal import CAPABILITIES, TerminalGateway
from paperless_ivr.prompts import Catalog, said
from paperless_ivr.testing.virtual_caller import ON_HOOK, VirtualCaller

WORDS = Catalog.of(Policy())
A_LINE = 1.0
"""Keys closer together than this are typed in one line."""
AT_A_LOSS = 60.0
"""After this time, the person just presses Enter."""


@define(slots=False)
class Screen(io.StringIO):
    """The text that the caller reads. Requests for keys, and remarks in brackets, are silent."""

    caller: VirtualCaller
    text: str = ""

    def write(self, text: str) -> int:
        """Show a line, or a request for one."""
        self.text += text
        if text.endswith("\n") and text.strip() and not text.startswith("  ("):
            self.caller.begins(text.strip())
            self.caller.ends()
        return len(text)


@define(slots=False)
class Keyboard(io.StringIO):
    """The lines that the caller types."""

    caller: VirtualCaller
    screen: Screen
    result: TransferResult | None = None

    def readline(self, size: int = -1, /) -> str:
        """Return a line, typed when the caller gets to it."""
        if self.screen.text.endswith("busy, …> "):
            assert self.result is not None
            while (key := self.caller.next(5.0)) not in ("", ON_HOOK):
                pass
            return "h\n" if key == ON_HOOK else f"{self.result.value}\n"
        key = self.caller.next(AT_A_LOSS)
        heard = "" if self.caller.at is None else f"@{self.caller.at}"
        line = ""
        while key not in ("", ON_HOOK):
            line += key
            key = self.caller.next(A_LINE)
        return "" if key == ON_HOOK else f"{line}{heard if line else ''}\n"

    def isatty(self) -> bool:
        """Return False: it only stands in for one."""
        return False


@define
class TerminalRig:
    """A terminal, with a person at it."""

    caller: VirtualCaller = field(factory=VirtualCaller)
    screen: Screen = field(init=False)
    keyboard: Keyboard = field(init=False)
    gateway: TerminalGateway = field(init=False)
    capabilities: Capabilities = CAPABILITIES

    def __attrs_post_init__(self) -> None:
        """Set up the terminal."""
        self.screen = Screen(self.caller)
        self.keyboard = Keyboard(self.caller, self.screen)
        self.gateway = TerminalGateway(WORDS, self.screen, self.keyboard)

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Perform a turn."""
        return self.gateway.perform(turn, language)

    def hold(self, seconds: float) -> None:
        """Let time pass while no one types."""
        self.caller.now += seconds

    def utterance(self, prompt: Prompt, language: str) -> str:
        """Return a prompt as printed."""
        return said([prompt], language, WORDS)

    def lose(self, prompt: Prompt) -> bool:
        """Return False: every prompt can be printed."""
        return False

    def cut(self) -> bool:
        """Close the terminal."""
        self.caller.gone = True
        return True

    def agent(self, result: TransferResult) -> None:
        """Set what is typed when a person is rung."""
        self.keyboard.result = result

    def shown(self) -> str:
        """Return everything that was printed."""
        return self.screen.text + repr(self.gateway)

    def close(self) -> None:
        """Do nothing: nothing was started."""
