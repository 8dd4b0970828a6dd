"""Each row of the table with a planted fault: the transcripts and the covering set find it."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.rows import On, always, nothing
from paperless_ivr.flow.table import FLOW
from paperless_ivr.transcripts import Transcript, read, rows_taken
from paperless_ivr.transcripts.replaying import replayed
from tests.counts import heavy
from tests.tracing import calls, trace

Row = On[Any]

FAULTS: Mapping[str, Callable[[Row], tuple[Row, ...]]] = {
    "row deleted": lambda row: (),
    "guard forced": lambda row: () if row.when is always else (evolve(row, when=always),),
    "update dropped": lambda row: () if row.keep is nothing else (evolve(row, keep=nothing),),
    "words dropped": lambda row: () if row.say is None else (evolve(row, say=None),),
}
"""The faults that a row may have. A row without the part in question does not have the fault."""
SURVIVORS = Path(__file__).parent / "row_survivors.toml"


@frozen(eq=False)
class Mutant:
    """A table with one fault, and the rows by which a call shows it or not."""

    name: str
    table: Mapping[Any, tuple[Row, ...]]
    at: frozenset[str]


def mutants() -> Iterator[Mutant]:
    """Return every fault of every row."""
    for state, block in FLOW.items():
        for number, row in enumerate(block):
            for fault, changed in FAULTS.items():
                instead = changed(row)
                if not instead and fault != "row deleted":
                    continue
                table = {**FLOW, state: (*block[:number], *instead, *block[number + 1 :])}
                taking = block[number:] if fault == "guard forced" else (row,)
                at = frozenset(each.name(state) for each in taking)
                yield Mutant(f"{row.name(state)}: {fault}", table, at)


@frozen(eq=False)
class KeptCall:
    """A transcript, its visible trace with the live table, and the rows it takes."""

    transcript: Transcript
    shows: list[str]
    takes: set[str]

    def finds(self, mutant: Mutant) -> bool:
        """Return whether the call goes differently with the fault, or not at all."""
        try:
            return _shown(self.transcript, mutant.table) != self.shows
        except Exception:  # noqa: BLE001 - whatever it is, the test that replays it fails
            return True


def _shown(transcript: Transcript, table: Mapping[Any, tuple[Row, ...]]) -> list[str]:
    """Return what is compared of a transcript: its lines and its trace."""
    replay = replayed(transcript, Flow(transcript.terms, table))
    return [*replay.lines, *trace(replay)]


@cache
def net() -> tuple[KeptCall, ...]:
    """All transcripts, the short ones first."""
    transcripts = sorted(map(read, calls()), key=lambda each: (len(each.steps), each.path))
    return tuple(KeptCall(each, _shown(each, FLOW), set(rows_taken(each))) for each in transcripts)


def found(mutant: Mutant) -> bool:
    """Return whether any transcript that reaches the fault shows it."""
    return any(kept.finds(mutant) for kept in net() if kept.takes & mutant.at)


@pytest.mark.requirement("R42", "R43")
@pytest.mark.long
def test_faults_of_rows_are_found(record_property: Callable[[str, object], None]) -> None:
    """At least 98% of faults are found. Each other one is listed, with why that is fine."""
    every = tuple(mutants())
    planted = every[:: heavy(40, 1)]
    survivors = {mutant.name for mutant in planted if not found(mutant)}
    listed = tomllib.loads(SURVIVORS.read_text("utf-8"))

    assert survivors == listed.keys() & {mutant.name for mutant in planted}
    assert listed.keys() <= {mutant.name for mutant in every}
    assert len(listed) <= 0.02 * len(every)
    record_property("counts", f"{len(planted) - len(survivors)} of {len(planted)} found")
