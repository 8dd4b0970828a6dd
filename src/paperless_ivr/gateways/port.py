"""The ports that an adapter to an IVR runtime implements (R41).

A session gateway holds a channel; a document gateway answers web requests. Both must meet
docs/gateway-contract.md.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from attrs import field, frozen

from paperless_ivr.flow.events import CallerEvent, EndedBy, HungUp
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.turns import Turn


class SessionGateway(Protocol):
    """An adapter to a runtime that holds a channel, such as AGI, an event socket, or a terminal."""

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Speak a turn's prompts in a language, and then do what the turn requires.

        - `Gather`: returns `Digits`, `NoInput`, or `HungUp`. If `type_ahead` is False, keys
          pressed before the turn began are discarded. `Digits.interrupted` is the index of the
          prompt that was being spoken when the first key was pressed.
        - `Transfer`: returns `TransferEnded` or `HungUp`.
        - a request: only speaks. Returns `HungUp` if the caller is gone; otherwise, None.
        - `Return`: speaks the last prompts and gives the call back. Returns None, or HungUp if the
          caller is gone.

        Never raises an error for anything that a caller does. A lost channel counts as `HungUp`.
        """
        ...


class AsyncSessionGateway(Protocol):
    """An adapter to a runtime that holds a channel, run by an event loop."""

    async def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Perform a turn like `SessionGateway.perform`. May be canceled at any moment."""
        ...

    async def listen(self) -> HungUp:
        """Watch the channel while a request runs, and keep the keys pressed during that time.

        Returns only if the caller is gone. It is canceled when the answer arrives.
        """
        ...


@frozen
class WebRequest:
    """A runtime's request, as received."""

    path: str
    """The path below the gateway's own URL, such as "/keys"."""
    query: str = field(default="", repr=False)
    """The query as received, before decoding and without the question mark."""
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    """The headers, with lowercase names."""
    method: str = "POST"


@frozen
class Begins:
    """A hand-over by the host."""

    arrival: Arrival


@frozen
class Answers:
    """A request for a call's next document.

    `event` is what the caller did. It is None if the runtime only followed a redirect to get the
    answer to a request. The value of `Digits.interrupted` is taken from the token, not from here.
    """

    call_id: str
    token: str = field(repr=False)
    event: CallerEvent | None = None


@frozen
class Ends:
    """A report that a call is over, whatever it was waiting for."""

    call_id: str
    by: EndedBy = EndedBy.CALLER


@frozen
class Nothing:
    """A web request that does not affect any call."""


Visit = Begins | Answers | Ends | Nothing

Sign = Callable[[int | None], str]
"""A function that returns a URL-safe token of the turn, for an answer during the prompt with this
index. If the index is None, the token is for an answer after all prompts."""


class DocumentGateway(Protocol):
    """An adapter to a runtime that sends web requests (TwiML, VoiceXML): two pure functions."""

    @property
    def media_type(self) -> str:
        """The media type of the documents from `write`."""
        ...

    @property
    def patience(self) -> float:
        """How many seconds the runtime waits for a document. Must exceed `drive.web.MARGIN`."""
        ...

    def read(self, request: WebRequest) -> Visit:
        """Interpret a request. Raises `errors.Rejected` if the runtime could not have sent it.

        The sender is verified before anything in the request is trusted.
        """
        ...

    def write(self, turn: Turn, sign: Sign, language: str) -> str:
        """Return a turn as a document with the prompts, and then what the turn requires.

        - `Gather`: the answer comes back with the token `sign(n)`, where `n` is the index of the
          prompt that was being spoken. If the runtime does not report which prompt a key
          interrupted, each run of prompts has its own gather (`flow.turns.barge_in_runs`).
        - `Transfer`: the result comes back with `sign(None)`.
        - a request: the document makes the runtime immediately send another web request, with
          `sign(None)` and no event.
        - `Return`: the document gives the call back to the host.
        """
        ...
