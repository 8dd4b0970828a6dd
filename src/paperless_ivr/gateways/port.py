"""What an adapter to an IVR runtime has to do for a call (R41).

A session gateway holds a channel; a document gateway answers web requests. What both promise
stands in docs/gateway-contract.md.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from attrs import field, frozen

from paperless_ivr.flow.events import CallerEvent, EndedBy, HungUp
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.turns import Turn


class SessionGateway(Protocol):
    """An adapter to a runtime that holds a channel: AGI, an event socket, a terminal."""

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Speaks the prompts of a turn in a language, then does what it waits for.

        - `Gather`: `Digits`, `NoInput` or `HungUp`. Where `type_ahead` is False, keys pressed
          before the turn began are thrown away. `Digits.interrupted` is the number of the prompt
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
        """Does what `SessionGateway.perform` does. May be canceled at any moment."""
        ...

    async def listen(self) -> HungUp:
        """Minds the channel while a request runs: keys pressed meanwhile are kept.

        Comes to an end only where the caller is gone; canceled when the answer has come.
        """
        ...


@frozen
class WebRequest:
    """A request of a runtime, as it came."""

    path: str
    """Below the address that the gateway is reached at: "/keys"."""
    query: str = field(default="", repr=False)
    """As it came, not decoded, without the question mark."""
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    """By their names in small letters."""
    method: str = "POST"


@frozen
class Begins:
    """The host hands a call over."""

    arrival: Arrival


@frozen
class Answers:
    """A call comes back for its next document.

    `event` is what the caller did; None where the runtime only does what its document said:
    it comes back for the answer to a request. `Digits.interrupted` is left to the token.
    """

    call_id: str
    token: str = field(repr=False)
    event: CallerEvent | None = None


@frozen
class Ends:
    """The runtime reports that a call is over, whatever it was waiting for."""

    call_id: str
    by: EndedBy = EndedBy.CALLER


@frozen
class Nothing:
    """A request that has no news for a call."""


Visit = Begins | Answers | Ends | Nothing

Sign = Callable[[int | None], str]
"""The token of a turn, for answers that come while a prompt of that number is spoken; None
where all were. It is safe in a URL."""


class DocumentGateway(Protocol):
    """An adapter to a runtime that asks by web request: TwiML, VoiceXML. Two pure functions."""

    @property
    def media_type(self) -> str:
        """The media type of what `write` gives."""
        ...

    @property
    def patience(self) -> float:
        """Seconds that the runtime waits for a document: more than `drive.web.MARGIN`."""
        ...

    def read(self, request: WebRequest) -> Visit:
        """What came. Raises `errors.Rejected` where the runtime cannot have sent it.

        Who sent it is checked before anything in it is believed.
        """
        ...

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        """A turn as a document: what is spoken, then what is waited for.

        - `Gather`: its answer comes back with the token `sign(n)` of the prompt that was being
          spoken; prompts that the runtime cannot tell apart are asked run by run
          (`flow.turns.barge_in_runs`).
        - `Transfer`: its result comes back with `sign(None)`.
        - a request: comes back at once, with `sign(None)` and no event.
        - `Return`: gives the call back to the host.
        """
        ...
