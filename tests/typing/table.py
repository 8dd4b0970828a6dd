"""Never run: what a type checker must report about rows, even inside a table."""

from collections.abc import Sequence

from paperless_ivr.flow import facts as f
from paperless_ivr.flow import updates as u
from paperless_ivr.flow.blocks import Ask, Do, Press
from paperless_ivr.flow.chapters import arrival, consent, identity
from paperless_ivr.flow.events import Digits, NoInput, Refused, Screened, Unavailable
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.rows import REPROMPT, On, Row, Table
from paperless_ivr.flow.states import State as S

yes = f.chose(Choice.YES)

right: Table = {
    S.OFFER: (
        On(Digits, S.ACCOUNT, when=yes),
        On(Digits, REPROMPT, when=f.all_of(f.zero, f.agent), keep=u.ask_for_agent),
        On((Screened, Unavailable), S.LEFT, when=f.not_(f.agent), keep=u.find_nobody),
        On(NoInput, S.IGNORED, when=arrival.silent_before, keep=u.count_silence),
    ),
}

wrong: Table = {
    S.OFFER: (
        On(NoInput, S.ACCOUNT, when=yes),  # type: ignore[arg-type]  # a key, on silence
        On(NoInput, S.ACCOUNT, when=f.pound),  # type: ignore[arg-type]  # a key, on silence
        On(NoInput, REPROMPT, when=f.all_of(f.agent, f.zero)),  # type: ignore[arg-type]
        On(NoInput, REPROMPT, when=f.not_(f.zero)),  # type: ignore[arg-type]
        On((Digits, NoInput), REPROMPT, when=f.zero),  # type: ignore[arg-type]  # a key, on either
        On(Unavailable, REPROMPT, when=consent.bad_email_first),  # type: ignore[arg-type]  # a refusal
        On(Refused, REPROMPT, when=arrival.asked_lately),  # type: ignore[arg-type]  # a screening
        On(NoInput, REPROMPT, keep=identity.take_account),  # type: ignore[arg-type]  # remembers keys, on silence
        On(Digits, REPROMPT, keep=u.hang_up),  # type: ignore[arg-type]  # remembers a hang-up, on keys
    ),
}

rows: Sequence[Row] = [
    On(NoInput, S.ACCOUNT, when=f.zero),  # type: ignore[arg-type]
    On(NoInput, REPROMPT, when=f.all_of(f.zero, f.agent)),  # type: ignore[arg-type]
]

Ask(
    "A question.",
    title="A question",
    say=[],
    ways=[
        Press(Choice.YES, S.ACCOUNT, when=f.heard),
        Press(Choice.YES, S.ACCOUNT, when=arrival.silent_before),  # type: ignore[arg-type]
        On(NoInput, S.ACCOUNT, when=f.zero),  # type: ignore[arg-type]
    ],
)
Do(  # type: ignore[call-arg]  # what it asks for, and what comes back
    "A request.",
    title="A request",
    say=[],
    ways=[On(Screened, S.OFFER, when=f.zero)],  # type: ignore[arg-type]
)
Ask("A question.", title="A question", ways=[])  # type: ignore[call-arg]  # what it says
