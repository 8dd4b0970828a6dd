"""A call seen under the terms that it runs on: what facts, guards and updates look at."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Generic, Protocol, TypeVar, cast

from attrs import field, frozen

from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import Customer, Event
from paperless_ivr.flow.options import Option
from paperless_ivr.flow.policy import CheckDigit, Policy
from paperless_ivr.flow.requests import OPERATIONS
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.keypad import AccountPad, EmailDecoder, EmailPad
from paperless_ivr.secret import Secret

T = TypeVar("T")
E_co = TypeVar("E_co", bound=Event, covariant=True)


@frozen
class Terms:
    """What a flow is built with: the policy, the operations that the service has, the keypad."""

    policy: Policy = Policy()
    operations: frozenset[str] = OPERATIONS
    pad: EmailPad = EmailPad()
    decoder: EmailDecoder = EmailDecoder()
    """What an address by one press a character means. A domain of one key is no matter of it."""
    accounts: AccountPad = field(init=False, eq=False, repr=False)
    """How an account number is keyed, by the policy."""

    @accounts.default
    def _make_accounts(self) -> AccountPad:
        account, (fewest, most) = self.policy.account, self.policy.proof.account_keys
        return AccountPad(
            account.forms,
            fewest,
            most,
            add_zeros=account.add_leading_zeros,
            luhn=account.check_digit is CheckDigit.LUHN,
            cards=account.may_look_like_card,
            dropped=account.dropped,
        )


@frozen
class CallView:
    """A call and its terms."""

    call: Call
    terms: Terms
    _known: dict[Any, Any] = field(init=False, factory=dict, repr=False, eq=False)
    """What `once` has worked out."""

    def known(self, name: object, tell: Callable[["CallView"], T]) -> T:
        """What a function says of the scene, worked out once under a name."""
        if name not in self._known:
            self._known[name] = tell(self)
        return cast(T, self._known[name])

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


class Question(Protocol):
    """What the block of a state says and offers, for those who look at what was keyed there."""

    @property
    def help(self) -> str | None:
        """The longer help of the second reprompt."""

    @property
    def takes_several_keys(self) -> bool:
        """A number or a spelling is asked for, not one key."""

    @property
    def star_restarts(self) -> bool:
        """Only the keys after the last star count."""

    def words(self, view: CallView, /) -> tuple[Prompt, ...]:
        """What is said."""

    def menu(self, view: CallView, /) -> tuple[Option, ...]:
        """What is offered."""


@frozen
class Transition(CallView, Generic[E_co]):
    """A call, its terms, what has just happened to it, and the question at which it happened."""

    event: E_co
    question: Question

    @property
    def said(self) -> tuple[Prompt, ...]:
        """What was said at the question."""
        return self.known("said", self.question.words)

    @property
    def options(self) -> tuple[Option, ...]:
        """What was offered at the question."""
        return self.question.menu(self)


def once(tell: Callable[[CallView], T]) -> Callable[[CallView], T]:
    """A function of a scene that is worked out once for each: the guards of a state share it."""

    @wraps(tell)
    def known(view: CallView) -> T:
        return view.known(tell, tell)

    return known
