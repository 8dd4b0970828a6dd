"""A runtime that cannot tell which prompt a key interrupted gathers run by run."""

from pathlib import Path

import pytest
from attrs import evolve

from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import Digits, Ended
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.turns import Gather, Turn, barge_in_runs
from paperless_ivr.records.memory import MemoryLiveCalls
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.secret import keys
from paperless_ivr.testing.playback import Playback
from paperless_ivr.transcripts import read

FILES = sorted((Path(__file__).parents[1] / "transcripts").glob("*.call"))


def questions(path: Path) -> tuple[Flow, list[Turn]]:
    """Return the questions of a transcript, and the flow that it runs on."""
    playback, seen = Playback(read(path)), list[Turn]()
    store = SeparateStores(playback, MemoryLiveCalls())

    def moved(move) -> None:  # type: ignore[no-untyped-def]
        playback.moved(move)
        seen.append(move.after.turn)

    Driver(Setup(playback.flow, playback.words, playback, store, observers=(moved,))).converse(
        playback, playback.transcript.arrival
    )
    return playback.flow, [turn for turn in seen if isinstance(turn.then, Gather)]


def after(flow: Flow, call: Call, key: str, interrupted: int | None) -> Call:
    """Return the call after a key that came during a prompt."""
    pressed = (
        Digits(keys(key), interrupted=interrupted)
        if key != "#"
        else Digits(keys(""), Ended.END_KEY, interrupted)
    )
    return evolve(flow.advance(call, pressed).call)


@pytest.mark.requirement("R09")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_within_a_run_it_makes_no_difference(path: Path) -> None:
    """For any key, the call continues in the same way wherever in a run the key came."""
    flow, turns = questions(path)
    for turn in turns:
        runs = barge_in_runs(turn)
        assert [n for run in runs for n in run] == list(range(len(turn.say)))
        for run in runs:
            for key in "0123456789*#":
                ways = {after(flow, turn.call, key, interrupted) for interrupted in run}
                if run is runs[-1]:
                    ways.add(after(flow, turn.call, key, None))
                assert len(ways) == 1


@pytest.mark.requirement("R09")
def test_what_must_be_heard_is_never_in_the_last_run() -> None:
    """A yes in the last run was given after everything that must be heard."""
    told = 0
    for path in FILES:
        for turn in questions(path)[1]:
            last = barge_in_runs(turn)[-1]
            assert not any(prompt.must_hear for prompt in turn.say[last.start :])
            told += len(barge_in_runs(turn)) > 2
    assert told  # an address that was read back character by character
