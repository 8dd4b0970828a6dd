"""The port to a billing service."""

from typing import Protocol

from paperless_ivr.flow.events import OutcomeUnknown, ServiceAnswer, Unavailable
from paperless_ivr.flow.requests import Read, ServiceRequest

NO_ACCESS = "access was refused"
"""The beginning of `Unavailable.why` if the service does not accept our credentials."""


def without_answer(
    request: ServiceRequest, why: str = "", *, answered: bool = False
) -> ServiceAnswer:
    """Return the outcome of a request that got no answer. A write may have been carried out.

    `answered` means that a response was received, but it was not a valid answer.
    """
    if isinstance(request, Read):
        return Unavailable(why, answered=answered)
    return OutcomeUnknown(why)


class Backend(Protocol):
    """A biller's billing service.

    Every operation has one of four outcomes (R23): done (`CustomersFound`, `InvoiceChecked`,
    `Accepted`), refused for a business reason (`Refused`), certainly not done (`Unavailable`), or
    possibly done (`OutcomeUnknown`).
    """

    @property
    def operations(self) -> frozenset[str]:
        """The names of the service's operations (`flow.requests.OPERATIONS`)."""
        ...

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer within `budget` seconds. Never raises: every failure is an answer.

        A write has a key. If the service takes keys, repeating the write with the same key changes
        nothing. `EnrollInPaperless` is sent without its key.
        """
        ...
