"""The contract with the host IVR: what it hands over, and what it gets back (R18).

The host is in charge: it answers the call, decides when paperless billing is offered, hands over an
`Arrival`, and gets a `Handback` with a disposition.
"""

import enum
from datetime import date

from attrs import field, frozen

from paperless_ivr.secret import Secret


class Moment(enum.Enum):
    """The point in the call at which the host asks for the paperless offer (R01, R02)."""

    START = "start"
    BEFORE_PAYMENT = "before_payment"
    AFTER_PAYMENT = "after_payment"


class Intent(enum.Enum):
    """The change that the caller wants."""

    ENROLL = "enrol"
    BACK_TO_PAPER = "back_to_paper"


class Identity(enum.IntEnum):
    """How well the caller is identified. A higher level includes the lower ones.

    A level always refers to the account that is handed over, or handed back, with it. Below
    `LAST_FOUR_KEYED`, the caller can neither hear nor change anything personal (R17).
    """

    NONE = 0
    CALLER_ID = 1
    LAST_FOUR_KEYED = 2
    """The caller keyed the last four digits of the account number, not the whole number."""
    ACCOUNT_KEYED = 3
    VERIFIED = 4


class Disposition(enum.Enum):
    """How a call ended. The host continues the call, except after `TRANSFERRED` and `ABANDONED`."""

    ENROLLED = "enrolled"
    LINK_SENT = "link_sent"
    DEFERRED = "deferred"
    DECLINED = "declined"
    IGNORED = "ignored"
    LEFT = "left"
    NOT_OFFERED = "not_offered"
    INELIGIBLE = "ineligible"
    ALREADY_PAPERLESS = "already_paperless"
    PENDING = "pending"
    NOT_IDENTIFIED = "not_identified"
    NO_CONTACT = "no_contact"
    INCOMPLETE = "incomplete"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    OPTED_OUT = "opted_out"
    OPT_OUT_REQUESTED = "opt_out_requested"
    TRANSFERRED = "transferred"
    ABANDONED = "abandoned"
    """The caller hung up."""
    TAKEN_BACK = "taken_back"
    """The host canceled, or the server stopped. The caller may still be there."""


class Reason(enum.Enum):
    """The reason that a call ended as it did, if the disposition does not already explain it."""

    NONE = "none"
    CALLER_HUNG_UP = "caller_hung_up"
    HOST_CANCELED = "host_cancelled"
    SERVER_STOPPED = "server_stopped"
    CALLER_ASKED = "caller_asked"
    TRIES_USED_UP = "tries_used_up"
    PAYMENT_NOT_APPROVED = "payment_not_approved"
    MOMENT_NOT_OFFERED = "moment_not_offered"
    ASKED_LATELY = "asked_lately"
    TYPE_NOT_ELIGIBLE = "type_not_eligible"
    OPT_OUT_NOT_BY_PHONE = "opt_out_not_by_phone"
    ACCOUNT_NOT_FOUND = "account_not_found"
    LIMIT_REACHED = "limit_reached"
    """No tries were left for this caller or account."""
    SERVICE_DOWN = "service_down"
    SERVICE_REFUSED = "service_refused"
    OUTCOME_UNKNOWN = "outcome_unknown"
    NO_OPERATION = "no_operation"
    BUSY = "busy"
    """A request to the service or the record was not sent, because too many were in progress."""
    RECORD_DOWN = "record_down"
    CALL_LOST = "call_lost"
    """The call is not in the store, its hand-over was unreadable, or an internal error ended it."""
    OTHER_RELEASE = "other_edition"
    NO_ADDRESS_LEFT = "no_address_left"


FAILURES = frozenset(
    {
        Reason.SERVER_STOPPED,
        Reason.SERVICE_DOWN,
        Reason.BUSY,
        Reason.RECORD_DOWN,
        Reason.CALL_LOST,
        Reason.OTHER_RELEASE,
    }
)
"""The reasons that indicate a failure of the service or the library (R48)."""


class Registration(enum.Enum):
    """The progress of a bill's registration. Only opening the link activates it."""

    NONE = "none"
    PENDING = "pending"
    ACTIVE = "active"
    KEPT = "kept"
    UNKNOWN = "unknown"
    LINK = "link"
    PAPER = "paper"


class Sent(enum.Enum):
    """The outcome of a text or of AutoPay, which can be requested in addition to enrollment."""

    NOT_ASKED = "not_asked"
    DECLINED = "declined"
    DONE = "done"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


@frozen
class Payment:
    """A payment that the host has just taken and vouches for. No operation can check it.

    `guid` is the service's PaymentGUID. `email`, `account`, and `invoice` are those given for the
    payment, if known. A payment never includes a card number.
    """

    guid: Secret
    approved: bool
    email: Secret | None = None
    account: Secret | None = None
    invoice: Secret | None = None


@frozen
class Release:
    """Digests of the flow, policy, and wording that a call uses from beginning to end."""

    flow: str = ""
    policy: str = ""
    words: str = ""


@frozen(cache_hash=True)
class Arrival:
    """The information that the host hands over with a call (R02, R18)."""

    call_id: str
    """The host's identifier for the call."""
    biller: str
    """The biller's identifier, as in its policy."""
    moment: Moment = Moment.START
    intent: Intent = Intent.ENROLL
    ani: Secret | None = None
    """The caller's number (ANI), if known. An invalid number is ignored."""
    ani_withheld: bool = field(default=False, kw_only=True)
    """Whether the caller withheld the number. If so, it is ignored unless the policy allows it."""
    dnis: str = ""
    """The number the caller dialed (DNIS)."""
    greeted: bool = False
    """Whether the host has already thanked the caller for calling."""
    person_available: bool = False
    """Whether an agent can take the call now."""
    language: str | None = None
    """The language, if the caller has already chosen one: a BCP 47 tag such as "es-US"."""
    account: Secret | None = None
    invoice: Secret | None = None
    invoice_type: str | None = None
    identity: Identity = Identity.NONE
    payment: Payment | None = None
    edition: Release = Release()
    handover: str = ""
    """A name that distinguishes hand-overs of one call. It is part of every consent's reference."""
    serial: str = ""
    """A name that distinguishes calls with the same host ID. It is part of every try's name."""
    today: date | None = None
    """The caller's local date, for incentives with an end date. The default is the date in UTC."""

    @property
    def paid(self) -> bool:
        """Whether the host has taken an approved payment in this call."""
        return self.payment is not None and self.payment.approved

    @property
    def reference(self) -> str:
        """The unique name of this hand-over: the call's ID, followed by `handover`."""
        return "-".join(name for name in (self.call_id, self.handover) if name)


@frozen
class BillOutcome:
    """The outcome for one bill that the caller agreed to change."""

    customer: Secret
    account: Secret
    invoice_type: str
    registration: Registration
    consent: str
    """The reference of the consent, as in the record."""


@frozen
class Handback:
    """The information that the host gets back with a call (R18)."""

    disposition: Disposition
    reason: Reason = Reason.NONE
    call_id: str = ""
    """The host's identifier for the call. Like `moment` and `paid`, it comes from the host."""
    handover: str = ""
    """A name that distinguishes this hand-over from others of the same call."""
    moment: Moment = Moment.START
    paid: bool = False
    """Whether the host has taken an approved payment in this call."""
    registration: Registration = Registration.NONE
    """The registration of the last bill the caller agreed to switch."""
    text: Sent = Sent.NOT_ASKED
    autopay: Sent = Sent.NOT_ASKED
    language: str | None = None
    account: Secret | None = None
    customer: Secret | None = None
    invoice: Secret | None = None
    identity: Identity = Identity.NONE
    greeted: bool = False
    """Whether the caller has already been thanked for calling. If so, do not thank them again."""
    unused_keys: Secret | None = None
    """A key that the caller meant for the host. Act on it immediately (R01)."""
    outcomes: tuple[BillOutcome, ...] = ()
    consents: tuple[str, ...] = field(default=())
    """The references of all consents given in the call, in order."""

    @classmethod
    def unfinished(cls, arrival: Arrival, reason: Reason) -> "Handback":
        """Return the hand-back of a call that could not continue (R48)."""
        return cls(
            Disposition.INCOMPLETE,
            reason,
            call_id=arrival.call_id,
            handover=arrival.handover,
            moment=arrival.moment,
            paid=arrival.paid,
            language=arrival.language,
            account=arrival.account,
            invoice=arrival.invoice,
            identity=arrival.identity,
            greeted=arrival.greeted,
        )

    @property
    def failed(self) -> bool:
        """Whether the call was handed back because something failed."""
        return self.reason in FAILURES

    @property
    def offer_again(self) -> bool:
        """Whether the host may hand the call over again. After a failure, it must not."""
        return not self.failed
