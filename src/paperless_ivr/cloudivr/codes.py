"""The error codes of the reference service."""

import enum
from collections.abc import Mapping


class Code(enum.IntEnum):
    """An `ErrorCode`.

    The first digit shows what the problem concerns: 1 the sender or its request, 2 the payment or
    customer, 3 the e-mail address or telephone number, 4 the state of the bill or earlier requests,
    5 the service itself.
    """

    NONE = 0
    PARTNER_REFUSED = 100
    BILLER_UNKNOWN = 101
    NO_PRODUCT = 102
    FIELD_MISSING = 103
    PAYMENT_NOT_FOUND = 200
    CUSTOMER_NOT_FOUND = 201
    INVOICE_TYPE_NOT_FOUND = 202
    PAYMENT_DIFFERS = 203
    BAD_EMAIL = 300
    BAD_PHONE = 301
    ALREADY_ENROLLED = 400
    PENDING = 401
    LIMIT = 402
    KEY_REUSED = 403
    INTERNAL = 500

    @property
    def message(self) -> str:
        """The text sent as `Message`."""
        return _MESSAGES[self]


_MESSAGES: Mapping[Code, str] = {
    Code.NONE: "Done.",
    Code.PARTNER_REFUSED: "PartnerGUID and PartnerKey do not match any partner.",
    Code.BILLER_UNKNOWN: "The partner has no such biller.",
    Code.NO_PRODUCT: "The biller does not have this product.",
    Code.FIELD_MISSING: "A required search field is missing or blank.",
    Code.PAYMENT_NOT_FOUND: "The biller has no such payment.",
    Code.CUSTOMER_NOT_FOUND: "The biller has no such customer.",
    Code.INVOICE_TYPE_NOT_FOUND: "The customer has no bill of this type.",
    Code.PAYMENT_DIFFERS: "The payment is not for this customer and type of bill.",
    Code.BAD_EMAIL: "The e-mail address is missing or not valid.",
    Code.BAD_PHONE: "The telephone number cannot receive texts.",
    Code.ALREADY_ENROLLED: "The bill is paperless already.",
    Code.PENDING: "A registration is pending: its link has not been opened yet.",
    Code.LIMIT: "The daily limit on messages to this customer has been reached.",
    Code.KEY_REUSED: "The IdempotencyKey was used before with different content.",
    Code.INTERNAL: "Something went wrong at the service. Nothing was changed.",
}
