"""Errors in how a program uses a flow. Other errors for callers are in `paperless_ivr.errors`."""

from paperless_ivr.errors import PaperlessIVRError
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import Event


class FlowError(PaperlessIVRError):
    """An error in how a program uses a flow."""

    def __init__(self, call: Call, event: Event) -> None:
        super().__init__(call, event)
        self.call = call
        self.event = event

    def __str__(self) -> str:
        return f"{type(self.event).__name__} cannot happen in {self.call.state.name}"


class UnexpectedEvent(FlowError):
    """The event is not possible in the call's state."""


class CallFinished(FlowError):
    """The call has ended, so no event except `HungUp` is allowed."""
