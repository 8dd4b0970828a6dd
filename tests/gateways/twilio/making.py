"""Makes Twilio gateways for tests."""

from paperless_ivr import secret
from paperless_ivr.flow.policy import Policy
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.prompts import Catalog

WORDS = Catalog.of(Policy())
AUTH_TOKEN = secret.credential("12345")
HOST_KEY = secret.credential("key of the host")


def gateway(**settings):
    """Return a gateway for Springfield, with other settings if given."""
    usual = {
        "catalog": WORDS,
        "biller": "springfield-water",
        "auth_token": AUTH_TOKEN,
        "address": "https://ivr.example.com/twilio",
        "host": "https://host.example.com/voice",
        "host_key": HOST_KEY,
    }
    return TwilioGateway(**(usual | settings))
