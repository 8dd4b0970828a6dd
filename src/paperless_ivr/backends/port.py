"""What a billing service has to answer."""

from typing import Protocol

from paperless_ivr.flow.events import OutcomeUnknown, ServiceAnswer, Unavailable
from paperless_ivr.flow.requests import Read, ServiceRequest

NO_ACCESS = "access was refused"
"""How `Unavailable.why` begins where the service does not accept our credentials."""


def without_answer(
    request: ServiceRequest, why: str = "", *, answered: bool = False
) -> ServiceAnswer:
    """The outcome of a request that got no answer: a read did nothing, a write may have.

    `answered`: something came back, which does not count.
    """
    if isinstance(request, Read):
        return Unavailable(why, answered=answered)
    return OutcomeUnknown(why)


class Backend(Protocol):
    """A biller's billing service.

    Every operation ends as one of four (R23): done (`CustomersFound`, `InvoiceChecked`,
    `Accepted`), `Refused` for a reason of business, `Unavailable` (never got there, or surely did
    nothing), `OutcomeUnknown` (maybe done).
    """

    @property
    def operations(self) -> frozenset[str]:
        """Names of the operations that the service has (`flow.requests.OPERATIONS`)."""
        ...

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answers within `budget` seconds. Never raises: what goes wrong is an answer.

        A write carries a key. Sending the same key again changes nothing more.
        """
        ...
