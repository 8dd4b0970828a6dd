"""The visible trace of a replayed call: its words, and the call and its wait at every turn."""

import hashlib
from pathlib import Path

from paperless_ivr.flow.saving import dump, dump_value
from paperless_ivr.flow.turns import Turn
from paperless_ivr.transcripts import read
from paperless_ivr.transcripts.replaying import Replay, replayed

FOLDER = Path(__file__).parent
COVER = FOLDER / "cover"
TRACES = FOLDER / "traces.txt"


def trace(replay: Replay) -> list[str]:
    """Yield a line for each turn: a digest of the saved call; the keys, request, or hand-back."""
    return [_traced(turn) for turn, _ in replay.turns]


def _traced(turn: Turn) -> str:
    digest = hashlib.sha256(dump(turn.call)).hexdigest()[:12]
    return f"{digest} {type(turn.then).__name__} {dump_value(turn.then).decode()}"


def calls() -> list[Path]:
    """Return all stored transcripts: those written by people, and the covering set."""
    return sorted((*COVER.glob("*.call"), *(FOLDER / "transcripts").glob("*.call")))


def traces() -> str:
    """Return the traces of all transcripts, by name."""
    blocks = (
        [path.relative_to(FOLDER).as_posix(), *trace(replayed(read(path), None)), ""]
        for path in calls()
    )
    return "\n".join(line for block in blocks for line in block)


if __name__ == "__main__":  # like `make cover`
    TRACES.write_text(traces(), encoding="utf-8")
