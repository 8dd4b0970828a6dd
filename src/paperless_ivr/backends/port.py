"""What a billing service has to answer."""

from typing import Protocol

from paperless_ivr.flow.events import ServiceAnswer
from paperless_ivr.flow.requests import ServiceRequest

NO_ACCESS = "access was refused"
"""How `Unavailable.why` begins where the service does not accept our credentials."""


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
