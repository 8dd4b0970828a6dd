"""A call seen under the terms that it runs on: what guards, keeps and the script look at."""

from typing import Generic, TypeVar

from attrs import frozen

from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import Customer, Event
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.requests import OPERATIONS
from paperless_ivr.keypad import EmailPad
from paperless_ivr.secret import Secret

E_co = TypeVar("E_co", bound=Event, covariant=True)


@frozen
class Terms:
    """What a flow is built with: the policy, the operations that the service has, the keypad."""

    policy: Policy = Policy()
    operations: frozenset[str] = OPERATIONS
    pad: EmailPad = EmailPad()


@frozen
class Scene:
    """A call and its terms."""

    call: Call
    terms: Terms

    @property
    def policy(self) -> Policy:
        """The biller's policy."""
        return self.terms.policy

    @property
    def language(self) -> str:
        """The language that is spoken."""
        return self.call.language or self.policy.languages.default

    def has(self, operation: type[object]) -> bool:
        """Whether the biller's service has an operation."""
        return operation.__name__ in self.terms.operations

    @property
    def customer(self) -> Customer | None:
        """The customer whose bill is spoken of."""
        chosen = self.call.choosing.customer
        return None if chosen is None else self.call.found[chosen]

    @property
    def account(self) -> Secret | None:
        """The account number to search by: the one keyed in the call, else the host's."""
        host = self.call.host
        given = host.account or (host.payment.account if host.payment else None)
        return self.call.entry.account or given

    @property
    def payment_email(self) -> Secret | None:
        """The e-mail address of the host's payment."""
        return self.call.host.payment.email if self.call.host.payment else None


@frozen
class Crossing(Scene, Generic[E_co]):
    """A call, its terms, and what has just happened to it."""

    event: E_co
