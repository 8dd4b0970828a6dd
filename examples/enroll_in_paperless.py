"""The operation itself, without a telephone: `EnrollInPaperless` with its four fields."""

import zeep

from paperless_ivr.cloudivr import seed
from paperless_ivr.cloudivr.serving import running

planted = seed.load()
biller, partner = planted.billers[0], planted.partners[0]

with running() as service:
    client = zeep.Client(service.wsdl_url)
    for _ in range(2):
        result = client.service.EnrollInPaperless(
            PaymentGUID=biller.customers[0].payment.guid.reveal(),
            BillerGUID=biller.guid,
            PartnerGUID=partner.guid,
            PartnerKey=partner.key,
        )
        print("EnrollmentSuccessful:", result.EnrollmentSuccessful)
        print("Message:", result.Message)
        print("ErrorCode:", result.ErrorCode)
