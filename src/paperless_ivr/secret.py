"""A wrapper for confidential values, such as pressed keys, e-mail addresses, and account numbers.

A value is wrapped where it arrives, and unwrapped with `reveal` only where it is used. If it is
printed by accident (in a log line, a repr, an error, or an f-string), the output is a stand-in that
shows only the shape of the value: `<email:7@9.3>`, `<account:8>`, `<keys:1>`.
"""

import enum
from collections.abc import Callable
from functools import partialmethod
from typing import NoReturn, final


class Kind(enum.StrEnum):
    """The kind of a secret. It appears in the stand-in."""

    KEYS = "keys"
    ACCOUNT = "account"
    CUSTOMER = "customer"
    INVOICE = "invoice"
    PAYMENT = "payment"
    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    CREDENTIAL = "credential"


@final
class Secret:
    """Confidential text that prints as a stand-in.

    Secrets are hashable, and secrets with the same text are equal. The text is kept in a closure,
    and this is not an attrs class, so that code that prints or serializes fields and attributes
    cannot find the text.
    """

    __slots__ = ("__weakref__", "_reveal", "kind")

    _reveal: Callable[[], str]
    kind: Kind

    def __init__(self, value: str, kind: Kind = Kind.KEYS) -> None:
        object.__setattr__(self, "_reveal", lambda: value)
        object.__setattr__(self, "kind", kind)

    def reveal(self) -> str:
        """Return the text itself. Never pass it to a log, an error, or a prompt name."""
        return self._reveal()

    def __repr__(self) -> str:
        return f"<{self.kind}:{self._shape()}>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        return self.reveal() == other.reveal() if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self.reveal()))

    def __bool__(self) -> bool:
        return bool(self.reveal())

    def __len__(self) -> int:
        return len(self.reveal())

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        message = "a Secret cannot be pickled, to protect its text; save it with flow.saving"
        raise TypeError(message)

    __getstate__ = __reduce__ = partialmethod(__reduce_ex__, None)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(name)

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(name)

    def _shape(self) -> str:
        if self.kind is Kind.CREDENTIAL:
            return "hidden"
        text = self.reveal()
        if self.kind is Kind.EMAIL and "@" in text:
            local, _, domain = text.rpartition("@")
            return f"{len(local)}@" + ".".join(str(len(part)) for part in domain.split("."))
        return str(len(text))


def keys(pressed: str) -> Secret:
    """Return a secret for the keys that a caller pressed."""
    return Secret(pressed, Kind.KEYS)


def account(number: str) -> Secret:
    """Return a secret for an account number."""
    return Secret(number, Kind.ACCOUNT)


def customer(identifier: str) -> Secret:
    """Return a secret for the service's customer identifier."""
    return Secret(identifier, Kind.CUSTOMER)


def invoice(number: str) -> Secret:
    """Return a secret for an invoice number."""
    return Secret(number, Kind.INVOICE)


def payment(guid: str) -> Secret:
    """Return a secret for a payment's GUID."""
    return Secret(guid, Kind.PAYMENT)


def email(address: str) -> Secret:
    """Return a secret for an e-mail address."""
    return Secret(address, Kind.EMAIL)


def phone(number: str) -> Secret:
    """Return a secret for a telephone number."""
    return Secret(number, Kind.PHONE)


def name(text: str) -> Secret:
    """Return a secret for a person's name."""
    return Secret(text, Kind.NAME)


def credential(text: str) -> Secret:
    """Return a secret for a credential such as a partner key. Not even its length is shown."""
    return Secret(text, Kind.CREDENTIAL)
