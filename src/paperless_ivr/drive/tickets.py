"""Turn tokens: what a document carries so that its answer can be placed (R09)."""

from hashlib import sha256

from attrs import field, frozen
from itsdangerous import BadSignature, URLSafeSerializer

from paperless_ivr.secret import Secret

SHORTEST = 16
"""Characters that a key has at least."""


@frozen
class Ticket:
    """Names the turn of a hand-over, and the prompt in which its answer came."""

    call_id: str
    handover: str
    turn: int
    heard: int | None


@frozen
class Tickets:
    """Makes tokens, and reads those that it, or another with the same key, has made."""

    key: Secret = field(repr=False)
    _serializer: URLSafeSerializer = field(init=False, repr=False)

    @key.validator
    def _long_enough(self, _: object, key: Secret) -> None:
        if len(key) < SHORTEST:
            message = f"a key for tokens has {SHORTEST} characters or more"
            raise ValueError(message)

    @_serializer.default
    def _make_serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            self.key.reveal(),
            salt="paperless_ivr turn",
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )

    def sign(self, ticket: Ticket) -> str:
        """The token of a ticket."""
        parts = [ticket.call_id, ticket.handover, ticket.turn, ticket.heard]
        return self._serializer.dumps(parts)

    def read(self, token: str) -> Ticket | None:
        """The ticket of a token; None where it is not one of ours."""
        try:
            call_id, handover, turn, heard = self._serializer.loads(token)
        except (BadSignature, ValueError):
            return None
        return Ticket(call_id, handover, turn, heard)
