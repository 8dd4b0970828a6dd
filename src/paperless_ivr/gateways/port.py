"""What an IVR runtime has to do for a call, where it holds the channel (R41).

What each of these means, sentence by sentence, is in docs/gateway-contract.md.
"""

from typing import Protocol

from paperless_ivr.flow.events import CallerEvent, HungUp
from paperless_ivr.flow.turns import Turn


class SessionGateway(Protocol):
    """An adapter to a runtime that holds a channel: AGI, an event socket, a terminal."""

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Speaks the prompts of a turn in a language, then does what it waits for.

        - `Gather`: `Digits`, `NoInput` or `HungUp`. Where `type_ahead` is False, keys pressed
          before the turn began are thrown away. `Digits.heard` is the number of the prompt
          that was being spoken when the first key came.
        - `Transfer`: `TransferEnded`, or `HungUp`.
        - a request: only speaks; `HungUp` where the caller is gone, else None.
        - `Return`: speaks the last words and gives the call back; None.

        Never raises for what a caller does. A channel that is lost is `HungUp`.
        """
        ...


class AsyncSessionGateway(Protocol):
    """An adapter to a runtime that holds a channel, run by an event loop."""

    async def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Does what `SessionGateway.perform` does. May be cancelled at any moment."""
        ...

    async def listen(self) -> HungUp:
        """Minds the channel while a request runs: keys pressed meanwhile are kept.

        Comes to an end only where the caller is gone; cancelled when the answer has come.
        """
        ...
