"""A gateway with no runtime behind it, for calls whose worker is gone."""

from paperless_ivr.errors import Rejected
from paperless_ivr.flow.turns import Turn
from paperless_ivr.gateways.port import Sign, Visit, WebRequest


class NullGateway:
    """A gateway for calls that continue without a caller."""

    media_type = "text/plain"
    patience = 0.0

    def read(self, request: WebRequest) -> Visit:  # noqa: ARG002 - there is no runtime
        """Reject the request, because there is no runtime that could have sent it."""
        raise Rejected(404, "there is no runtime")

    def write(self, turn: Turn, sign: Sign, language: str) -> str:  # noqa: ARG002
        """Return an empty document."""
        return ""
