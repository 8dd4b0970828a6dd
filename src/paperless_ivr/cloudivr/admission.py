"""Who may ask about which biller, and for what."""

import hmac

from attrs import field, frozen
from sqlalchemy import select

from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.codes import Code
from paperless_ivr.cloudivr.database import key_hash
from paperless_ivr.cloudivr.transactions import Refused, Visit


@frozen
class Admission:
    """Who asks, about which biller."""

    BillerGUID: str | None
    PartnerGUID: str | None
    PartnerKey: str | None = field(repr=False)


def admit(visit: Visit, admission: Admission, product: t.Bought | None = None) -> t.Biller:
    """Validates the partner, then the biller and its product."""
    with visit.step("ValidatePartner"):
        partner = visit.session.scalar(
            select(t.Partner).filter_by(PartnerGUID=plain_guid(admission.PartnerGUID))
        )
        # Compared also where there is no such partner: the time that it takes tells nothing.
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
    """A GUID as it is kept; .NET writes them in either case, and sometimes in braces."""
    return (text or "").strip().strip("{}").lower()
