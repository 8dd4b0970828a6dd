"""A gateway with no runtime behind it, for calls whose process is gone."""

from paperless_ivr.errors import Rejected
from paperless_ivr.flow.turns import Turn
from paperless_ivr.gateways.port import Sign, Visit, WebRequest


class NullGateway:
    """Has no caller to speak or listen to. What the caller agreed to is still carried out."""

    media_type = "text/plain"
    patience = 0.0

    def read(self, request: WebRequest) -> Visit:  # noqa: ARG002 - no runtime asks
        """No request ever comes."""
        raise Rejected(404, "there is no runtime")

    def write(self, turn: Turn, sign: Sign, language: str) -> str:  # noqa: ARG002
        """Nothing is written."""
        return ""
