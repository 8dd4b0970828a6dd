"""The parts of a transcript and the words used in transcripts."""

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
    """A line of the call: its first word, the rest of its text, and the event that it describes."""

    line: int
    word: str
    rest: str = ""
    about: str = ""
    """The service operation or record request that the line answers."""
    event: e.Event | None = None
    ahead: bool = False
    """Whether the key was pressed before the turn began."""
    again: bool = False
    """Whether this line delivers the key again, after its turn has ended."""

    def __str__(self) -> str:
        return f"{self.word:<10} {self.rest}".rstrip()


@frozen
class Transcript:
    """A call in written form."""

    path: Path
    comments: tuple[str, ...]
    """The comments above the call, for readers."""
    headers: Mapping[str, str]
    """All headers, as written."""
    steps: tuple[Step, ...]
    arrival: Arrival = field(repr=False)
    terms: Terms = field(repr=False)

    @property
    def proves(self) -> tuple[str, ...]:
        """The requirements that the transcript proves, according to its comments."""
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
"""The headers about the hand-over, and their names in `flow.host_strings`. A caller, an account, or
a payment can be given as a person's handle. Other headers define the flow itself (`policy` and
`lacking`) or describe customers (`people`)."""

STATUSES: Mapping[str, tuple[bool | None, bool]] = {
    "pending": (False, True),
    "paperless": (True, False),
    "paper": (False, False),
    "unclear": (None, False),
}
"""The possible statuses of a bill, each with its flags `paperless` and `pending`."""

ENDED_BY: Mapping[e.EndedBy, str] = {
    e.EndedBy.CALLER: "hangs up",
    e.EndedBy.HOST: "host cancels",
    e.EndedBy.SERVER: "server stops",
    e.EndedBy.ERROR: "call fails",
}
"""The ways in which a call can end before the flow ends it."""

ANSWERS: Mapping[str, Mapping[str, e.Event]] = {
    "Screen": {"nothing": e.Screened()},
    "ReserveTry": {"reserved": e.TryReserved(), "limit reached": e.LimitReached()},
    "DeferRequest": {"kept": e.RequestDeferred(), "unknown": e.OutcomeUnknown()},
}
"""The record's answers to each request, except `unavailable`, which fits any request, and reports
of earlier offers. The first one is the default if the transcript does not contain an answer."""


def text_of(comments: Iterable[str], headers: Mapping[str, str], lines: Iterable[str]) -> str:
    """Return the full text of a transcript."""
    top = [
        *(f"# {c}".rstrip() for c in comments),
        *(f"{f'{n}:':<10} {v}" for n, v in headers.items()),
    ]
    return "\n".join([*top, "", *lines, ""])


def heard(say: Iterable[Prompt], language: str | None, flow: Flow, words: Catalog) -> Iterator[str]:
    """Yield the line with the words that the caller hears, if there are any."""
    text = " ".join(said(say, language or flow.terms.policy.languages.default, words).split())
    if text:
        yield f"{'hears':<10} {text}"
