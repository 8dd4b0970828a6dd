"""Never run: what a type checker must say of rows, inside a table too."""

from collections.abc import Sequence

from paperless_ivr.flow import guards as g
from paperless_ivr.flow import keeps as k
from paperless_ivr.flow.events import Digits, NoInput, Refused, Screened, Unavailable
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.rows import HERE, On, Row, Table
from paperless_ivr.flow.states import State as S

yes = g.chose(Choice.YES)

right: Table = {
    S.OFFER: (
        On(Digits, S.ACCOUNT, when=yes),
        On(Digits, HERE, when=g.both(g.zero, g.person), keep=k.asks_for_person),
        On((Screened, Unavailable), S.LEFT, when=g.no(g.person), keep=k.nobody),
        On(NoInput, S.IGNORED, when=g.silent_before, keep=k.silent),
    ),
}

wrong: Table = {
    S.OFFER: (
        On(NoInput, S.ACCOUNT, when=yes),  # type: ignore[arg-type]  # a key, on silence
        On(NoInput, S.ACCOUNT, when=g.pound),  # type: ignore[arg-type]  # a key, on silence
        On(NoInput, HERE, when=g.both(g.person, g.zero)),  # type: ignore[arg-type]
        On(NoInput, HERE, when=g.no(g.zero)),  # type: ignore[arg-type]
        On((Digits, NoInput), HERE, when=g.zero),  # type: ignore[arg-type]  # a key, on either
        On(Unavailable, HERE, when=g.bad_email_first),  # type: ignore[arg-type]  # a refusal
        On(Refused, HERE, when=g.asked_lately),  # type: ignore[arg-type]  # a screening
        On(NoInput, HERE, keep=k.account),  # type: ignore[arg-type]  # remembers keys, on silence
        On(Digits, HERE, keep=k.hung_up),  # type: ignore[arg-type]  # remembers a hang-up, on keys
    ),
}

block: Sequence[Row] = [
    On(NoInput, S.ACCOUNT, when=g.zero),  # type: ignore[arg-type]
    On(NoInput, HERE, when=g.both(g.zero, g.person)),  # type: ignore[arg-type]
]
