"""Faults of the program that drives a flow (the tree is in `paperless_ivr.errors`)."""

from paperless_ivr.errors import PaperlessIVRError
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import Event


class FlowError(PaperlessIVRError):
    """The flow was driven wrongly: a fault of the program around it."""

    def __init__(self, call: Call, event: Event) -> None:
        super().__init__(call, event)
        self.call = call
        self.event = event

    def __str__(self) -> str:
        return f"{type(self.event).__name__} cannot happen in {self.call.state.name}"


class UnexpectedEvent(FlowError):
    """The event cannot happen in the state of the call."""


class CallFinished(FlowError):
    """The call has ended. Only `HungUp` may still come."""
