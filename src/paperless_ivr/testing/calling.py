"""A simulated call that plays an entire transcript through a document gateway.

The gateway runs on a simulated runtime. At each turn, the caller hears the document and does what
the transcript specifies.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from attrs import define, field

from paperless_ivr.drive.session import read
from paperless_ivr.drive.web import Reply, WebDriver
from paperless_ivr.errors import UnknownCall
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import (
    CallerEvent,
    Digits,
    Ended,
    EndedBy,
    HungUp,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.gateways.capabilities import Capabilities
from paperless_ivr.gateways.port import DocumentGateway, WebRequest
from paperless_ivr.testing.playback import Playback
from paperless_ivr.testing.virtual_caller import HangUp, Press, VirtualCaller

DOCUMENTS_AT_MOST = 500
"""The maximum number of documents in a call. A call that needs more would probably never end."""


class Runtime(Protocol):
    """A document gateway and a simulator of its runtime, for one call.

    The runtime assigns the call ID, so it can differ from the one in the arrival.
    """

    caller: VirtualCaller
    call_id: str

    @property
    def gateway(self) -> DocumentGateway:
        """The gateway under test."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities that the gateway claims."""
        ...

    @property
    def handed_back(self) -> Mapping[str, str] | None:
        """The fields of the hand-back, named as in `handback_to_strings`, or None before it."""
        ...

    def begins(self, arrival: Arrival) -> WebRequest:
        """Return the request that hands over the call, including its `ani` and `dnis`."""
        ...

    def follow(self, document: str) -> WebRequest | None:
        """Execute a document while the caller acts, and return the next request.

        Returns None if the call was handed back to the host. If the caller hung up, returns the
        same request as `ends`.
        """
        ...

    def hold(self, seconds: float) -> None:
        """Let time pass between two documents, as if a request were running."""
        ...

    def ends(self) -> WebRequest:
        """Return the request that reports the end of the call."""
        ...

    def news(self) -> tuple[WebRequest, ...]:
        """Return status reports about a call in progress, such as the end of an agent's leg."""
        ...

    def signed(self, request: WebRequest) -> WebRequest:
        """Return the request with a valid signature, or unchanged if the runtime signs nothing."""
        ...

    def forged(self, request: WebRequest) -> WebRequest:
        """Return the request as an impostor would send it."""
        ...

    def utterance(self, prompt: Prompt, language: str) -> str:
        """Return the text that `VirtualCaller.begins` receives when a prompt is spoken."""
        ...

    def agent(self, result: TransferResult) -> None:
        """Set the result of the next transfer."""
        ...


Post = Callable[[WebRequest], Reply]
"""A function that sends a request to a worker and returns the reply."""


@define
class Calling:
    """A transcript that is played as a call through a document gateway."""

    playback: Playback
    runtime: Runtime
    driver: WebDriver
    """The driver of one of the workers, used to inspect the store."""
    _heard: Call | None = field(init=False, default=None)

    def hold(self, post: Post) -> None:
        """Run the call from beginning to end."""
        reply = post(self.runtime.begins(self.playback.transcript.arrival))
        for _ in range(DOCUMENTS_AT_MOST):
            if self._does_what_is_next() is None:
                return
            request = self.runtime.follow(reply.document)
            if request is None:
                return
            reply = post(request)
        message = "the call does not end"
        raise AssertionError(message)

    def _does_what_is_next(self) -> Call | None:
        """Plan the caller's actions in this turn, and return the call, or None if it is over."""
        try:
            call = read(self.driver.setup.store.calls.load(self.runtime.call_id)).call
        except UnknownCall:
            return None
        if call == self._heard:  # a request is still running
            return call
        self._heard = call
        turn = self.driver.setup.flow.turn(call)
        self.playback.hears(turn.say, call.language)
        event = self.playback.caller(turn)
        if isinstance(event, HungUp) and event.by is not EndedBy.CALLER:
            self.driver.hang_up(self.runtime.call_id, by=event.by)
            return None
        self._plans(event, len(turn.say))
        return call

    def _plans(self, event: CallerEvent | None, prompts: int) -> None:
        caller = self.runtime.caller
        match event:
            case Digits(keys, ended, interrupted):
                end = "#" if ended is Ended.END_KEY else ""
                caller.plan(Press(keys.reveal() + end, at=interrupted), prompts=prompts)
            case HungUp():
                caller.plan(HangUp(at=0 if prompts else None), prompts=prompts)
            case TransferEnded(result):
                self.runtime.agent(result)
                caller.plan(prompts=prompts)
            case _:
                caller.plan(prompts=prompts)
