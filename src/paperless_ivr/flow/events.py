"""The events of a call: a closed union of small frozen classes.

Anything the caller or the service can do is an event. A mistake in code or configuration is an
exception (`errors`). "No match" is not an event, because the flow itself decides what a `Digits`
event matches.
"""

import enum
from datetime import date
from decimal import Decimal
from typing import ClassVar

from attrs import field, frozen

from paperless_ivr.flow.host import Disposition
from paperless_ivr.secret import Secret


class Ended(enum.Enum):
    """The ways in which a gather can end after the caller has pressed a key."""

    FULL = "full"
    """The caller pressed as many keys as the gather takes."""
    END_KEY = "end_key"
    """The caller pressed the end key (`#`), which is not one of the gathered keys."""
    TIMEOUT = "timeout"
    """After a key, the caller was silent for longer than the inter-key wait."""


class TransferResult(enum.Enum):
    """The result of a transfer. It is `UNKNOWN` if the runtime cannot report a result."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Refusal(enum.Enum):
    """The business reasons for a refusal. Each biller's codes are mapped to these."""

    ALREADY_PAPERLESS = "already_paperless"
    PENDING = "pending"
    BAD_EMAIL = "bad_email"
    BAD_PHONE = "bad_phone"
    LIMIT = "limit"
    OTHER = "other"


@frozen
class Arrived:
    """The call has reached a state that moves on immediately."""

    words: ClassVar = ""


@frozen
class Digits:
    """The keys that the runtime gathered.

    `interrupted` is the index (from 0) of the turn's prompt that was playing when the first key
    was pressed, or None if all prompts had finished.
    """

    words: ClassVar = ""

    keys: Secret
    ended: Ended = Ended.FULL
    interrupted: int | None = None


@frozen
class NoInput:
    """Silence for longer than the first-key wait."""

    words: ClassVar = "stays silent"


class EndedBy(enum.Enum):
    """The party that ended a call before the flow did."""

    CALLER = "caller"
    HOST = "host"
    SERVER = "server"
    """The server that runs the call is stopping."""
    ERROR = "error"
    """An error in the gateway or the library ended the call."""


@frozen
class HungUp:
    """The flow's part of the call is over: the caller hung up, or the call was taken back."""

    words: ClassVar = "hangs up"

    by: EndedBy = EndedBy.CALLER


@frozen
class TransferEnded:
    """A transfer has ended."""

    words: ClassVar = ""

    result: TransferResult


@frozen(cache_hash=True)
class Invoice:
    """An open invoice, as listed by the service.

    `paperless` is None if the service's answer does not include that flag.
    """

    number: Secret
    type: str
    amount: Decimal | None = field(default=None, repr=False)
    due: date | None = field(default=None, repr=False)
    paperless: bool | None = None
    pending: bool = False


@frozen(cache_hash=True)
class Customer:
    """A customer of the biller, with the data on file."""

    id: Secret
    account: Secret
    invoices: tuple[Invoice, ...] = ()
    name: Secret | None = None
    email: Secret | None = None
    phone: Secret | None = None


@frozen
class CustomersFound:
    """The result of a search. `customers` is empty if no one was found.

    `unread` lists the fields that could not be read, for the log. They count as absent.
    """

    words: ClassVar = ""

    customers: tuple[Customer, ...]
    unread: tuple[str, ...] = field(default=(), eq=False)


@frozen
class InvoiceChecked:
    """The answer to `InvoiceExists`."""

    words: ClassVar = ""

    exists: bool


@frozen
class Accepted:
    """The service accepted a write.

    The registration is now pending, the text is queued, or the preference or payment method is
    stored.
    """

    words: ClassVar = "accepted"


@frozen
class Refused:
    """The service, or the record on its behalf, refused for a business reason.

    `code` is the service's own code, for the log; it does not affect equality.
    """

    words: ClassVar = "refused"

    reason: Refusal
    code: str = field(default="", eq=False)


@frozen
class Unavailable:
    """The service was not reached, did nothing, or gave no valid answer to a look-up.

    `why` is for the log, contains no personal data, and does not affect equality. `busy` means that
    we sent no request, because too many of our requests were already running. `answered` means that
    the service sent something other than a valid answer. After a search, even that may reveal
    whether the customer exists.
    """

    words: ClassVar = "service is down"

    why: str = field(default="", eq=False)
    busy: bool = False
    answered: bool = False


@frozen
class OutcomeUnknown:
    """A write may or may not have gone through. Look up the result before any retry (R23).

    If the request was to the record, the record may or may not have saved it.

    `why` is for the log, contains no personal data, and does not affect equality.
    """

    words: ClassVar = "no clear answer"

    why: str = field(default="", eq=False)


@frozen
class Screened:
    """The record's answer about earlier offers.

    `last` is the disposition of the most recent earlier call with an offer, and `days` is the
    number of whole days since that call. `in_this_call` lists the earlier dispositions of this
    call.
    """

    words: ClassVar = ""

    last: Disposition | None = None
    days: int = 0
    in_this_call: tuple[Disposition, ...] = ()


@frozen
class TryReserved:
    """The record has counted the try, so the question can be asked."""

    words: ClassVar = "tries left"


@frozen
class LimitReached:
    """No tries are left for this caller or account.

    `limit` names the limit that was reached, for the record; it does not affect equality.
    """

    words: ClassVar = "no tries left"

    limit: str = field(default="", eq=False)


@frozen
class RequestDeferred:
    """The record has saved the request, which will be completed later."""

    words: ClassVar = "saved"


@frozen
class RecordUnavailable:
    """The record did not answer in time, or could not save something.

    `busy` means that we sent no request, because too many of our own requests were waiting.
    """

    words: ClassVar = "record is down"

    busy: bool = False


ServiceAnswer = CustomersFound | InvoiceChecked | Accepted | Refused | Unavailable | OutcomeUnknown
RecordAnswer = Screened | TryReserved | LimitReached | RequestDeferred | RecordUnavailable
CallerEvent = Digits | NoInput | HungUp | TransferEnded
Event = CallerEvent | ServiceAnswer | RecordAnswer | Arrived
