"""Examples of each kind of input at an entry. The proof walks through them all."""

from collections.abc import Iterator

from attrs import frozen

from paperless_ivr.flow.events import Customer, Digits, Ended
from paperless_ivr.flow.view import CallView
from paperless_ivr.secret import keys


@frozen
class Known:
    """The data for the examples: customers that a search finds, and the parts of an address."""

    customers: tuple[Customer, ...]
    local: str = "a"
    """The part of the address before the at sign."""
    domain: str = "a.bc"
    """The part of the address after the at sign."""


UNKNOWN_ACCOUNT, SHORT, CARD = "99999999", "12", "4111111111111111"
PHONE, NO_PHONE, COSTLY = "2065550142", "1234567890", "8765550142"


def entry(view: CallView, *texts: str) -> Iterator[Digits]:
    """Yield examples of input at an entry.

    They include each text followed by `#`, half of the first text followed by a pause, and a
    request for more time. After a pause, they include the rest of each text instead.
    """
    so_far = view.call.entry.so_far
    begun = so_far.reveal() if so_far else ""
    if begun:
        rests = (text.removeprefix(begun) for text in texts if text.startswith(begun))
        for rest in dict.fromkeys((*rests, "")):
            yield Digits(keys(rest), Ended.END_KEY)
        yield Digits(keys("*1"), Ended.TIMEOUT)
        if begun == _half(texts[0]):
            yield Digits(keys("9"), Ended.TIMEOUT)
    else:
        yield from whole(*texts)
        yield Digits(keys(_half(texts[0])), Ended.TIMEOUT)
    yield Digits(keys("*"), Ended.TIMEOUT)


def _half(text: str) -> str:
    return text[: len(text) // 2]


def whole(*texts: str) -> Iterator[Digits]:
    """Yield each text with `#`, then 0 with `#`, and then `#` alone."""
    for text in (*texts, "0", ""):
        yield Digits(keys(text), Ended.END_KEY)


def account_numbers(view: CallView, known: Known, most: int | None = None) -> Iterator[Digits]:
    """Yield examples of account numbers, known and unknown. Some end in a pause instead of `#`."""
    pad = view.terms.accounts
    keyable = (pad.keys(customer.account.reveal()) for customer in known.customers)
    theirs = [number for number in keyable if number is not None] or ["10000001"]
    theirs = theirs[:most]
    yield from entry(view, *dict.fromkeys(theirs), UNKNOWN_ACCOUNT, SHORT, CARD)
    if view.call.entry.so_far is None:
        yield Digits(keys(theirs[0]), Ended.TIMEOUT)
        yield Digits(keys(CARD), Ended.TIMEOUT)
