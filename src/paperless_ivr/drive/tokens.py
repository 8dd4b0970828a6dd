"""Turn tokens, which tie answers to turns, and contain enough to give a call back to the host."""

from collections.abc import Sequence
from hashlib import sha256

from attrs import field, frozen
from itsdangerous import BadSignature, URLSafeSerializer

from paperless_ivr.flow.host import Arrival, Moment
from paperless_ivr.flow.turns import Turn
from paperless_ivr.secret import Secret

SHORTEST = 16
"""The minimum length of a key, in characters."""


@frozen
class TurnToken:
    """A turn's identity, with the part of the hand-over that the host must get back (R48).

    A token contains no personal data, because it is part of URLs.
    """

    call_id: str
    handover: str
    number: int
    """The number of the turn that is being answered."""
    interrupted: int | None
    """The index of the prompt that was playing when the answer came, or None if none was."""
    moment: Moment = Moment.START
    language: str | None = None
    greeted: bool = False
    paid: bool = False

    @classmethod
    def of(cls, turn: Turn, number: int, interrupted: int | None) -> "TurnToken":
        """Return a turn's token. A greeting in the turn counts as heard."""
        call, host = turn.call, turn.call.host
        return cls(
            host.call_id,
            host.handover,
            number,
            interrupted,
            moment=host.moment,
            language=call.language,
            greeted=call.greeted,
            paid=host.paid,
        )

    def arrival(self, biller: str) -> Arrival:
        """Return the part of the hand-over that the token contains. Never includes a payment."""
        return Arrival(
            self.call_id,
            biller,
            self.moment,
            greeted=self.greeted,
            language=self.language,
            handover=self.handover,
        )


def _keys(keys: Secret | Sequence[Secret]) -> tuple[Secret, ...]:
    return (keys,) if isinstance(keys, Secret) else tuple(keys)


@frozen
class TokenSigner:
    """Signs tokens, and reads tokens that were signed with any of its keys.

    Tokens are signed with the last key. To rotate keys, first add the new key at the beginning on
    all workers, so that they can read tokens signed with it. Then move it to the end, so that they
    sign with it. Remove the old key when no call can still be using it.
    """

    keys: tuple[Secret, ...] = field(repr=False, converter=_keys)
    _serializer: URLSafeSerializer = field(init=False, repr=False)

    @keys.validator
    def _long_enough(self, _: object, keys: tuple[Secret, ...]) -> None:
        if not keys or any(len(key) < SHORTEST for key in keys):
            message = f"a key for tokens must have at least {SHORTEST} characters"
            raise ValueError(message)

    @_serializer.default
    def _make_serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            [key.reveal() for key in self.keys],
            salt="paperless_ivr turn",
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )

    def sign(self, token: TurnToken) -> str:
        """Return the signed token, which is safe for use in a URL."""
        flags = int(token.greeted) + 2 * int(token.paid)
        parts = [token.call_id, token.handover, token.number, token.interrupted]
        return self._serializer.dumps([*parts, token.moment.value, token.language, flags])

    def read(self, signed: str) -> TurnToken | None:
        """Return the token, or None if it is malformed or not signed with one of these keys."""
        try:
            call_id, handover, number, interrupted, moment, *rest = self._serializer.loads(signed)
            language, flags = rest
            greeted, paid = bool(flags & 1), bool(flags & 2)
            return TurnToken(
                call_id, handover, number, interrupted, Moment(moment), language, greeted, paid
            )
        except (BadSignature, ValueError, TypeError):
            return None
