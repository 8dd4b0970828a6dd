"""A call over web requests goes as it does on a held channel, however it is delivered."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from attrs import define, evolve, field

from paperless_ivr import secret
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.protocol import Move
from paperless_ivr.drive.runner import Observer, Setup, handback_of
from paperless_ivr.drive.web import Reply, WebDriver
from paperless_ivr.flow.host import Handback
from paperless_ivr.gateways.port import WebRequest
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.records.memory import MemoryLiveCalls
from paperless_ivr.records.port import Activity, LiveCalls
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.records.sql import open_store
from paperless_ivr.records.vault import new_keys, vault
from paperless_ivr.testing.calling import Calling
from paperless_ivr.testing.playback import Playback
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.transcripts import read

FILES = sorted((Path(__file__).parents[1] / "transcripts").glob("*.call"))
KEY = secret.credential("0123456789abcdef")
SID = "CA" + 32 * "0"
VAULT = vault(new_keys())


@define(slots=False)
class Noting(Playback):
    """Keeps the moves of a call, and the lines that the record gets about it.

    Each of two workers may be late in observing and noting its own move.
    """

    moves: list[Move] = field(factory=list)
    notes: list[Activity] = field(factory=list)

    def moved(self, move: Move) -> None:
        """Keep a move."""
        super().moved(move)
        self.moves.append(move)

    def note(self, activity: Activity) -> None:
        """Keep a line of the record."""
        self.notes.append(activity)

    @property
    def took(self) -> list[str]:
        """The rows, in the order of the moves."""
        moves = sorted(self.moves, key=lambda move: move.after.number)
        return [row for move in moves if move.before for row in move.after.turn.took]

    @property
    def told(self) -> list[tuple[str, ...]]:
        """The record's lines in order, without values unique to a call."""
        return [_line(note) for note in sorted(self.notes, key=lambda note: note.at)]


def _line(activity: Activity) -> tuple[str, ...]:
    detail = [f"{name} {value}" for name, value in sorted(activity.detail.items())]
    words = activity.evidence.words if activity.evidence else ""
    return (activity.what.value, activity.state, *detail, words)


def of_twilio(path: Path) -> Noting:
    """Return a transcript of a call that has Twilio's identifier."""
    transcript = read(path)
    return Noting(evolve(transcript, arrival=evolve(transcript.arrival, call_id=SID)))


def gateway_of(playback: Noting) -> TwilioGateway:
    """Return the gateway of a playback."""
    return TwilioGateway(
        playback.words,
        playback.transcript.arrival.biller,
        secret.credential("auth token"),
        "https://ivr.example.com/twilio",
        "https://host.example.com/voice",
        KEY,
        person="+12175550199",
    )


def setup_of(playback: Noting, calls: LiveCalls, *observers: Observer) -> Setup:
    """Return the setup for a playback."""
    return Setup(
        playback.flow,
        playback.words,
        playback,
        SeparateStores(playback, calls),
        observers=(playback.moved, *observers),
        at_once=4,
        name_handover=str,
    )


def held(path: Path) -> tuple[Noting, Handback]:
    """Run the call on a held channel."""
    playback = of_twilio(path)
    arrival = playback.transcript.arrival
    setup = setup_of(playback, MemoryLiveCalls())
    return playback, Driver(setup).converse(playback, arrival)


@define
class Delivery:
    """A way of delivering requests to workers that share a store."""

    workers: Sequence[WebDriver]
    twice: bool
    turns: "count[int]" = field(factory=count)
    before: WebRequest | None = None
    pool: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(2))

    def __call__(self, request: WebRequest) -> Reply:
        """Return the reply to a request. If it is delivered twice, take either one in turn."""
        number = next(self.turns)
        one = self.workers[number % len(self.workers)]
        if not self.twice:
            return one.answer(request)
        other = self.workers[(number + 1) % len(self.workers)]
        replies = list(self.pool.map(lambda worker: worker.answer(request), (one, other)))
        if self.before is not None:
            late = other.answer(self.before)
            assert late.status in (200, 204, 404)
        self.before = request
        assert {reply.status for reply in replies} <= {200, 204, 404}
        replies.sort(key=lambda reply: reply.status)
        return replies[number % 2] if replies[0].status == replies[1].status else replies[0]


def told(path: Path, stores: Sequence[LiveCalls], *, twice: bool) -> tuple[Noting, Handback]:
    """Run the call over web requests, with a worker for each store of the same calls."""
    playback, ended = of_twilio(path), list[Handback]()
    gateway = gateway_of(playback)

    def note(move: Move) -> None:
        if move.after.over:
            ended.append(handback_of(move.after))

    documents = [WebDriver(setup_of(playback, calls, note), gateway, KEY) for calls in stores]
    runtime = SimulatedTwilio(gateway, SID)
    delivery = Delivery(documents, twice)
    Calling(playback, runtime, documents[0]).hold(delivery)
    for worker in documents:
        worker.close()
    delivery.pool.shutdown()
    (handback,) = ended
    return playback, handback


@pytest.mark.requirement("R09", "R31", "R41", "R43")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("workers", "twice"),
    [(1, False), pytest.param(1, True, marks=pytest.mark.long), (4, True)],
    ids=["once", "twice", "four-workers"],
)
def test_a_call_over_web_requests_goes_the_same_way(path: Path, workers: int, twice: bool) -> None:
    """Rows, words, the record's lines, and the hand-back are the same as in the blocking loop."""
    agree(path, told(path, [MemoryLiveCalls()] * workers, twice=twice))


@pytest.mark.requirement("R09", "R31", "R41", "R43")
@pytest.mark.parametrize("path", FILES[::4], ids=lambda path: path.stem)
def test_a_call_that_a_database_keeps_goes_the_same_way(path: Path, tmp_path: Path) -> None:
    """The same holds for four workers that share only a database."""
    url = f"sqlite:///{tmp_path / 'calls.db'}"
    with ExitStack() as open_while:
        stores = [open_while.enter_context(open_store(url, VAULT, 30.0)) for _ in range(4)]
        agree(path, told(path, [store.calls for store in stores], twice=True))


def agree(path: Path, got: tuple[Noting, Handback]) -> None:
    """Assert that a call went as it does on a held channel."""
    playback, handback = got
    expected, given_back = held(path)
    assert playback.left == []
    assert playback.took == expected.took
    assert playback.heard == expected.heard
    assert playback.told == expected.told
    assert handback == given_back
