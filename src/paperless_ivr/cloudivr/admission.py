"""Access control: checks the partner, biller, and product of each request."""

import hmac
from collections.abc import Callable, Mapping

from attrs import field, frozen
from sqlalchemy import select
from sqlalchemy.orm import Session

from paperless_ivr import secret
from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.codes import Code
from paperless_ivr.cloudivr.database import key_hash
from paperless_ivr.cloudivr.transactions import Refused, Visit
from paperless_ivr.cloudivr.words import known
from paperless_ivr.secret import Secret

MASKS: Mapping[str, Callable[[str], Secret]] = {
    "PartnerGUID": secret.credential,
    "PartnerKey": secret.credential,
    "PaymentGUID": secret.payment,
    "CustomerID": secret.customer,
    "AccountNumber": secret.account,
    "InvoiceNumber": secret.invoice,
    "EmailAddress": secret.email,
    "PhoneNumber": secret.phone,
}
"""For each personal or secret parameter of a request, the function that masks it."""
PURPOSES = frozenset({"type_email", "enrol", "confirm", "review"})
"""The purposes of a texted link, as defined in the contract."""


@frozen
class Admission:
    """A request's parameters: the biller, the partner's credentials, and the rest."""

    BillerGUID: str | None
    PartnerGUID: str | None
    PartnerKey: str | None = field(repr=False)
    asked: Mapping[str, object] = field(repr=False)
    """The other parameters of the request, except `IdempotencyKey`."""

    def parameters(self, session: Session) -> str:
        """Return these parameters for the log. All but public ones are masked."""
        who = {
            "BillerGUID": self.BillerGUID,
            "PartnerGUID": self.PartnerGUID,
            "PartnerKey": self.PartnerKey,
        }
        parameters = {**who, **self.asked}.items()
        return ", ".join(f"{name}={_masked(session, name, v)}" for name, v in parameters)


def _masked(session: Session, name: str, value: object) -> str:
    """Return a parameter for the log, in clear text only if it is public and the service knows it.

    The form of a value does not show whether it is public: a name can look like any other word,
    and a payment's identifier is also a GUID.
    """
    if value is None:
        return "missing"
    text = str(value)
    if name in MASKS:
        return str(MASKS[name](text))
    return _known(session, name, text) or f"<text:{len(text)}>"


def _known(session: Session, name: str, text: str) -> str | None:
    match name:
        case "BillerGUID":
            return session.scalar(
                select(t.Biller.BillerGUID).filter_by(BillerGUID=plain_guid(text))
            )
        case "InvoiceType":
            found = select(t.InvoiceType.InvoiceType).filter_by(InvoiceType=text).limit(1)
            return session.scalar(found)
        case "Language":
            return known(text)
        case "Purpose":
            return text if text in PURPOSES else None
        case "Paperless":
            return text
    return None


def admit(visit: Visit, admission: Admission, product: t.Bought | None = None) -> t.Biller:
    """Log a request, validate its partner, biller, and product, and return the biller."""
    visit.note("LogRequest", Code.NONE, parameters=admission.parameters(visit.session))
    with visit.step("ValidatePartner"):
        partner = visit.session.scalar(
            select(t.Partner).filter_by(PartnerGUID=plain_guid(admission.PartnerGUID))
        )
        # Compare even if there is no such partner, so that the time taken reveals nothing.
        known = partner.PartnerKeyHash if partner else ""
        right = hmac.compare_digest(known, key_hash(admission.PartnerKey or ""))
        if partner is None or not right:
            raise Refused(Code.PARTNER_REFUSED)
    with visit.step("ValidateBillerAndProduct"):
        guid = plain_guid(admission.BillerGUID)
        biller = next((b for b in partner.Billers if guid == b.BillerGUID), None)
        if biller is None:
            raise Refused(Code.BILLER_UNKNOWN)
        visit.partner_id, visit.biller_id = partner.PartnerID, biller.BillerID
        if product is not None and product not in {row.Product for row in biller.Products}:
            raise Refused(Code.NO_PRODUCT)
    return biller


def plain_guid(text: str | None) -> str:
    """Return a GUID in its stored form. .NET writes GUIDs in either case, sometimes in braces."""
    return (text or "").strip().strip("{}").lower()
