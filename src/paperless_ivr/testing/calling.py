"""A caller who takes a whole transcript through a document gateway.

The gateway runs on a simulator of its runtime. What the transcript says the caller does is done
on hearing the document of that turn.
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
"""Of one call; more is a call that never ends."""


class Runtime(Protocol):
    """A document gateway on a simulator of its runtime, for one call.

    The call's identifier is the runtime's own, and need not be that of the arrival.
    """

    caller: VirtualCaller
    call_id: str

    @property
    def gateway(self) -> DocumentGateway:
        """The gateway under test."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the gateway claims."""
        ...

    @property
    def handed_back(self) -> Mapping[str, str] | None:
        """What the host got back, by the names of `handback_to_strings`; None until then."""
        ...

    def begins(self, arrival: Arrival) -> WebRequest:
        """The request with which the host hands the call over; it names `ani` and `dnis`."""
        ...

    def follow(self, document: str) -> WebRequest | None:
        """Does what a document says, with the caller; gives the request that comes of it.

        None where the host has the call again; the same as `ends` where the caller hung up.
        """
        ...

    def hold(self, seconds: float) -> None:
        """Lets time pass between two documents, as while a request runs."""
        ...

    def ends(self) -> WebRequest:
        """The request that tells that the call is over."""
        ...

    def news(self) -> tuple[WebRequest, ...]:
        """Status reports of a call in progress: it rings, the agent's leg has ended."""
        ...

    def signed(self, request: WebRequest) -> WebRequest:
        """The request with a valid signature; unchanged if the runtime signs nothing."""
        ...

    def forged(self, request: WebRequest) -> WebRequest:
        """The same request from somebody who is not the runtime."""
        ...

    def utterance(self, prompt: Prompt, language: str) -> str:
        """What `VirtualCaller.begins` is told where a prompt is spoken in a language."""
        ...

    def agent(self, result: TransferResult) -> None:
        """What becomes of the next transfer."""
        ...


Post = Callable[[WebRequest], Reply]
"""Brings a request to a worker, and gives its reply."""


@define
class Calling:
    """A call of a transcript, on a document gateway."""

    playback: Playback
    runtime: Runtime
    driver: WebDriver
    """Any of the workers: the store is looked at through it."""
    _heard: Call | None = field(init=False, default=None)

    def hold(self, post: Post) -> None:
        """Takes the call from its beginning to its end."""
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
        """Plans what the caller does in the present turn; None where the call is over."""
        try:
            call = read(self.driver.setup.store.calls.load(self.runtime.call_id)).call
        except UnknownCall:
            return None
        if call == self._heard:  # it is being waited for
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
