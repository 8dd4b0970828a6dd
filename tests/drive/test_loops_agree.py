"""Every loop runs a call in the same way."""

from pathlib import Path

import pytest

from paperless_ivr.drive.runner import Setup
from paperless_ivr.records.memory import MemoryLiveCalls
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.testing.playback import Playback
from paperless_ivr.transcripts import read
from tests.drive.loops import LOOPS

FILES = sorted((Path(__file__).parents[1] / "transcripts").glob("*.call"))


def played(path: Path, loop: str) -> tuple[Playback, str]:
    """Return a transcript played in a loop, and the resulting disposition."""
    playback = Playback(read(path))
    make, run = LOOPS[loop]
    store = SeparateStores(playback, MemoryLiveCalls())
    setup = Setup(playback.flow, playback.words, playback, store, observers=(playback.moved,))
    back = run(make(setup))(playback, playback.transcript.arrival)
    assert playback.left == []
    return playback, back.disposition.value


@pytest.mark.requirement("R41", "R43")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_transcript_goes_the_same_way(path: Path) -> None:
    """In every loop, a call follows its transcript line by line, and takes the same rows."""
    told = {loop: played(path, loop) for loop in LOOPS}
    first, disposition = told["blocking"]

    *lines, ends = first.transcript.steps
    assert disposition == ends.rest.split(",")[0]
    assert first.lines == list(map(str, lines))
    for playback, ending in told.values():
        assert (playback.rows, playback.lines, ending) == (first.rows, first.lines, disposition)
