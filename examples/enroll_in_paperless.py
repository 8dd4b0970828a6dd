"""Sends `EnrollInPaperless` requests to the reference service, without a telephone."""

import zeep

from paperless_ivr.cloudivr import seed
from paperless_ivr.cloudivr.serving import running

planted = seed.load()
biller, partner = planted.billers[0], planted.partners[0]

with running() as service:
    client = zeep.Client(service.wsdl_url)
    for _ in range(2):  # The second request fails, because a registration is pending.
        request = client.get_type("ns0:PaperlessEnrollment_Request")(
            PaymentGUID=biller.customers[0].payment.guid.reveal(),
            BillerGUID=biller.guid,
            PartnerGUID=partner.guid,
            PartnerKey=partner.key,
        )
        response = client.service.EnrollInPaperless(request)
        if response.EnrollmentSuccessful:
            print("Enrollment successful:", response.Message)
        else:
            print("Enrollment failed:", response.Message)
            print("Error code:", response.ErrorCode)
