"""The parts of a transcript, and the words used in it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from attrs import field, frozen

from paperless_ivr.flow import events as e
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.flow.view import Terms
from paperless_ivr.prompts import Catalog, said


@frozen
class Step:
    """One line of the call: its first word, the rest, and the event that it stands for."""

    line: int
    word: str
    rest: str = ""
    about: str = ""
    """The operation, or the request to the record, that is answered."""
    event: e.Event | None = None
    ahead: bool = False
    """Whether the key was pressed before the turn began."""
    again: bool = False
    """Whether the key is delivered a second time, late."""

    def __str__(self) -> str:
        return f"{self.word:<10} {self.rest}".rstrip()


@frozen
class Transcript:
    """A call in writing."""

    path: Path
    comments: tuple[str, ...]
    """The text above the call, for readers."""
    headers: Mapping[str, str]
    """The host's hand-over, as written."""
    steps: tuple[Step, ...]
    arrival: Arrival = field(repr=False)
    terms: Terms = field(repr=False)

    @property
    def proves(self) -> tuple[str, ...]:
        """The requirements that the transcript says it proves."""
        said_so = " ".join(c for c in self.comments if c.startswith("proves:"))
        return tuple(re.findall(r"R\d+", said_so))


HEADERS: Mapping[str, str] = {
    "moment": "moment",
    "caller": "ani",
    "language": "language",
    "account": "account",
    "identity": "identity",
    "invoice": "invoice",
    "invoice_type": "invoice_type",
    "payment": "payment",
    "person": "person_available",
    "intent": "intent",
    "greeted": "greeted",
    "today": "today",
}
"""The possible headers, and their names in `flow.host_strings`. `policy` and `lacking` define the
flow itself. A caller, an account, and a payment can be given by a person's handle."""

STATUSES: Mapping[str, tuple[bool | None, bool]] = {
    "pending": (False, True),
    "paperless": (True, False),
    "paper": (False, False),
    "unclear": (None, False),
}
"""The status of a bill: its flags `paperless` and `pending`."""

ENDED_BY: Mapping[e.EndedBy, str] = {
    e.EndedBy.CALLER: "hangs up",
    e.EndedBy.HOST: "host cancels",
    e.EndedBy.SERVER: "server stops",
}
"""The ways a call can end before the flow ends it."""

ANSWERS: Mapping[str, Mapping[str, e.Event]] = {
    "Screen": {"nothing": e.Screened()},
    "ReserveTry": {"reserved": e.TryReserved(), "limit reached": e.LimitReached()},
    "DeferRequest": {"kept": e.RequestDeferred(), "unknown": e.OutcomeUnknown()},
}
"""The record's possible answers. The first is the default if the transcript has no answer."""


def text_of(comments: Iterable[str], headers: Mapping[str, str], lines: Iterable[str]) -> str:
    """Return the whole text of a transcript."""
    top = [
        *(f"# {c}".rstrip() for c in comments),
        *(f"{f'{n}:':<10} {v}" for n, v in headers.items()),
    ]
    return "\n".join([*top, "", *lines, ""])


def heard(say: Iterable[Prompt], language: str | None, flow: Flow, words: Catalog) -> Iterator[str]:
    """Yield the line with what is heard, if anything is said."""
    text = " ".join(said(say, language or flow.terms.policy.languages.default, words).split())
    if text:
        yield f"{'hears':<10} {text}"
