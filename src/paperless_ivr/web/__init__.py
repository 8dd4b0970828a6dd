"""An optional web application (ASGI) that answers a runtime's requests."""

from paperless_ivr.web.application import application
from paperless_ivr.web.meters import MeteredBackend, Meters
from paperless_ivr.web.status import status

__all__ = ["MeteredBackend", "Meters", "application", "status"]
