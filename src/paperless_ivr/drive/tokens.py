"""Turn tokens: an answer carries one, so that it can be placed, or handed back with no store."""

from collections.abc import Sequence
from hashlib import sha256

from attrs import field, frozen
from itsdangerous import BadSignature, URLSafeSerializer

from paperless_ivr.flow.host import Arrival, Moment
from paperless_ivr.flow.turns import Turn
from paperless_ivr.secret import Secret

SHORTEST = 16
"""Characters that a key has at least."""


@frozen
class TurnToken:
    """Names a turn, and what the host handed over that it must get back (R48).

    Nothing in it is personal: it stands in addresses.
    """

    call_id: str
    handover: str
    number: int
    """Of the session's turn that is answered."""
    interrupted: int | None
    """The prompt that was being spoken when the answer came, from 0; None: all were spoken."""
    moment: Moment = Moment.START
    language: str | None = None
    greeted: bool = False
    paid: bool = False

    @classmethod
    def of(cls, turn: Turn, number: int, interrupted: int | None) -> "TurnToken":
        """The token of a turn. Once it is answered, what it says was heard, a greeting too."""
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
        """As much of the hand-over as the token carries. A payment is not among it."""
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
    """Makes tokens, and reads those made with any of its keys.

    The last key signs. To rotate: let all workers read the new key (put it first), then let
    them sign with it (put it last), and drop the old one when no call can hold it any more.
    """

    keys: tuple[Secret, ...] = field(repr=False, converter=_keys)
    _serializer: URLSafeSerializer = field(init=False, repr=False)

    @keys.validator
    def _long_enough(self, _: object, keys: tuple[Secret, ...]) -> None:
        if not keys or any(len(key) < SHORTEST for key in keys):
            message = f"a key for tokens has {SHORTEST} characters or more"
            raise ValueError(message)

    @_serializer.default
    def _make_serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            [key.reveal() for key in self.keys],
            salt="paperless_ivr turn",
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )

    def sign(self, token: TurnToken) -> str:
        """The token, safe in a URL."""
        flags = int(token.greeted) + 2 * int(token.paid)
        parts = [token.call_id, token.handover, token.number, token.interrupted]
        return self._serializer.dumps([*parts, token.moment.value, token.language, flags])

    def read(self, signed: str) -> TurnToken | None:
        """The token; None where it is not one of ours."""
        try:
            call_id, handover, number, interrupted, moment, *rest = self._serializer.loads(signed)
            language, flags = rest
            greeted, paid = bool(flags & 1), bool(flags & 2)
            return TurnToken(
                call_id, handover, number, interrupted, Moment(moment), language, greeted, paid
            )
        except (BadSignature, ValueError, TypeError):
            return None
