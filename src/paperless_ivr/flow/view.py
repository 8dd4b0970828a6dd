"""A call with its terms, for facts, guards, and updates."""

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
    """The terms of a flow: the policy, the service's operations, and the keypad codes."""

    policy: Policy = Policy()
    operations: frozenset[str] = OPERATIONS
    pad: EmailPad = EmailPad()
    decoder: EmailDecoder = EmailDecoder()
    """Decodes addresses spelled with one press per character. It is not used for domains chosen
    with one key."""
    accounts: AccountPad = field(init=False, eq=False, repr=False)
    """The keypad form of account numbers, according to the policy."""

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
    """The results computed so far, by name."""

    def known(self, name: object, tell: Callable[["CallView"], T]) -> T:
        """Return the result of a function of this view, computed once per name."""
        if name not in self._known:
            self._known[name] = tell(self)
        return cast(T, self._known[name])

    @property
    def policy(self) -> Policy:
        """The biller's policy."""
        return self.terms.policy

    @property
    def language(self) -> str:
        """The language of the call."""
        return self.call.language or self.policy.languages.default

    def has(self, operation: type[object]) -> bool:
        """Whether the biller's service has an operation."""
        return operation.__name__ in self.terms.operations

    @property
    def customer(self) -> Customer | None:
        """The customer of the current bill."""
        chosen = self.call.choosing.customer
        return None if chosen is None else self.call.found[chosen]

    @property
    def account(self) -> Secret | None:
        """The account number to search for: the one keyed or, if none was keyed, the host's."""
        host = self.call.host
        given = host.account or (host.payment.account if host.payment else None)
        return self.call.entry.account or given

    @property
    def payment_email(self) -> Secret | None:
        """The e-mail address of the host's payment."""
        return self.call.host.payment.email if self.call.host.payment else None


class Question(Protocol):
    """The part of a state's block that is needed to interpret the keys pressed there."""

    @property
    def help(self) -> str | None:
        """The prompt with longer help, which every reprompt from the second on includes."""

    @property
    def takes_several_keys(self) -> bool:
        """Whether the question asks for a number or a spelling instead of a single key."""

    @property
    def star_restarts(self) -> bool:
        """Whether only the keys after the last star count."""

    def words(self, view: CallView, /) -> tuple[Prompt, ...]:
        """Return the prompts."""

    def menu(self, view: CallView, /) -> tuple[Option, ...]:
        """Return the options offered."""


@frozen
class Transition(CallView, Generic[E_co]):
    """A call, its terms, the event that has just happened, and the question where it happened."""

    event: E_co
    question: Question

    @property
    def said(self) -> tuple[Prompt, ...]:
        """The prompts said at the question."""
        return self.known("said", self.question.words)

    @property
    def options(self) -> tuple[Option, ...]:
        """The options offered at the question."""
        return self.question.menu(self)


def once(tell: Callable[[CallView], T]) -> Callable[[CallView], T]:
    """Make a function compute its result only once per view, so that guards can share it."""

    @wraps(tell)
    def known(view: CallView) -> T:
        return view.known(tell, tell)

    return known
