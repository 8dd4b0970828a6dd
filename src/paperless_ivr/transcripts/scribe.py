"""Writes real calls as transcripts in which stand-ins replace all personal data.

A transcript is returned only if its replay takes the same table rows as the real call.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import attrs
from attrs import define, evolve, field

from paperless_ivr.drive.protocol import Move
from paperless_ivr.drive.session import Session
from paperless_ivr.errors import TranscriptProblems
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import Customer, CustomersFound, Digits, Ended, Event
from paperless_ivr.flow.facts import spelled_so_far
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.states import Phase, State
from paperless_ivr.flow.turns import Gather, Turn
from paperless_ivr.flow.view import CallView
from paperless_ivr.keypad import last_star
from paperless_ivr.secret import Secret
from paperless_ivr.transcripts.form import text_of
from paperless_ivr.transcripts.parsing import parse
from paperless_ivr.transcripts.people import HEADER, described, paid
from paperless_ivr.transcripts.replaying import replayed
from paperless_ivr.transcripts.stand_ins import StandIns, personal
from paperless_ivr.transcripts.writing import handed_over, happened

Moves = Sequence[tuple[Session, Event, Session]]
"""The events of a call, each with the session before and after it."""

DRAWS = 50
"""The maximum number of attempts to find stand-ins with which a call takes the same path. The first
attempt nearly always works, unless the caller corrected an address that was spelled with one press
per letter."""


@define(eq=False)
class Scribe:
    """An observer that writes a transcript of every call. Pass its `moved` method to a driver.

    When a call ends, `done` is called with its ID and its transcript, unless the call ended as soon
    as it began. The transcript begins with `headers`, such as `policy` with a file name relative to
    `path`. A single scribe must observe all moves of a call.
    """

    flow: Flow
    done: Callable[[str, str], None]
    headers: Mapping[str, str] = field(factory=dict)
    path: Path = Path("transcript")
    _moves: dict[tuple[str, str], list[Move]] = field(init=False, repr=False, factory=dict)

    def moved(self, move: Move) -> None:
        """Observe a move of a call. Raises `TranscriptProblems`, as `redacted` does."""
        host = move.after.call.host
        of_call = (host.call_id, host.handover)
        self._moves.setdefault(of_call, []).append(move)
        if move.after.over:
            moves = self._moves.pop(of_call)
            if len(moves) > 1:
                self.done(host.call_id, redacted(self.flow, moves, self.headers, self.path))


def redacted(
    flow: Flow,
    moves: Sequence[Move],
    headers: Mapping[str, str] | None = None,
    path: str | Path = "transcript",
    chance: Random | None = None,
) -> str:
    """Return a transcript of a call that takes the same path but contains no personal data.

    `moves` must contain all moves of one call. The move that began the call is optional. Raises
    `TranscriptProblems` if no such transcript was found, for example because `flow` is not the flow
    of the call, or the host handed over something that a transcript cannot express.
    """
    chance = chance or SystemRandom()
    moved = [(m.before, m.event, m.after) for m in moves if m.before and m.event]
    rows = [row for _, _, after in moved for row in after.turn.took]
    for _ in range(DRAWS):
        try:
            text = _written(flow, moved, headers or {}, chance)
            replay = replayed(parse(text, path), flow)
        except (LookupError, ValueError, TranscriptProblems):
            continue
        if replay.rows == rows and not replay.left:
            transcript = parse(text, path)
            return text_of(transcript.comments, transcript.headers, replay.lines)
    title = f"{path}: the call cannot be written down without personal data"
    raise TranscriptProblems(title, ["with stand-ins, the call does not go the same way"])


def _written(flow: Flow, moves: Moves, headers: Mapping[str, str], chance: Random) -> str:
    """Return the transcript of the hand-over and the events, with stand-ins."""
    first, _, _ = moves[0]
    happens = (_secrets((first.call.host, event)) for _, event, _ in moves)
    real = frozenset().union(*map(personal, happens))
    others = StandIns(flow.terms, chance, real, frozenset(_domains(flow, moves)))
    host = others.arrival(first.call.host)
    handles: dict[Customer, str] = {}

    def named(who: Customer) -> str:
        return handles.setdefault(who, _handle(who, handles))

    lines = []
    turn = flow.begin(host)
    for (before, event, after), whole in zip(moves, _wholes(moves), strict=True):
        other, turn = _alike(flow, turn, _other(others, before, event, whole), after.turn)
        lines.append(happened(other, before.turn.then, named))
    written = dict(headers)
    written |= handed_over(host, flow.terms.operations, paid(host.payment) if host.payment else "")
    written |= {f"{HEADER}{handle}": described(who) for who, handle in handles.items()}
    return text_of(["A real call, with stand-ins for personal data."], written, lines)


def _alike(flow: Flow, turn: Turn, event: Event, after: Turn) -> tuple[Event, Turn]:
    """Return an event with stand-ins that takes the same rows as the real one, and the next turn.

    The stand-in for an address can be read back in different pieces, so a key may have to interrupt
    a different piece to take the same rows. Raises LookupError if no piece works.
    """
    events = [event]
    if turn.call.state is State.EMAIL_READBACK and isinstance(event, Digits):
        events += [evolve(event, interrupted=n) for n in (*range(len(turn.say)), None)]
    for other in events:
        led_to = flow.advance(turn.call, other)
        if led_to.took == after.took:
            return other, led_to
    message = f"with stand-ins, the call leaves {turn.call.state.name} a different way"
    raise LookupError(message)


def _wholes(moves: Moves) -> list[str]:
    """Return, for each move, all keys of its entry, including those after a pause."""
    wholes: list[str] = []
    for before, event, after in reversed(moves):
        so_far = before.call.entry.so_far
        keyed = event.keys.reveal() if isinstance(event, Digits) else ""
        whole = (so_far.reveal() if so_far else "") + keyed
        if before.call.state.phase is not Phase.EMAIL:
            whole = last_star(whole)
        goes_on = after.call.entry.so_far is not None and bool(wholes)
        wholes.append(wholes[-1] if goes_on and wholes[-1].startswith(whole) else whole)
    return wholes[::-1]


def _other(others: StandIns, before: Session, event: Event, whole: str) -> Event:
    """Return an event with stand-ins."""
    match event:
        case Digits(keys):
            then = before.turn.then
            if isinstance(then, Gather) and keys and not then.end_key:
                # A gather without an end key ends when it is full.
                event = evolve(event, ended=Ended.FULL)
            return others.digits(before.call, event, whole)
        case CustomersFound(customers):
            return CustomersFound(tuple(map(others.customer, customers)))
        case _:
            return event


def _handle(who: Customer, handles: Mapping[Customer, str]) -> str:
    """Return a customer's letter, followed by a number if data about the customer has changed."""
    same = [handle for other, handle in handles.items() if other.id == who.id]
    if same:
        return f"{same[0]}{len(same) + 1}"
    count = len({other.id for other in handles})
    return "abcdefghijklmnopqrstuvwxyz"[count % 26] * (count // 26 + 1)


def _domains(flow: Flow, moves: Moves) -> Iterator[str]:
    """Yield the domains that were spelled completely."""
    for before, event, _ in moves:
        match before.call, event:
            case Call(state=State.EMAIL_EXACT_DOMAIN) as call, Digits(keys, Ended.END_KEY):
                begun = spelled_so_far(CallView(call, flow.terms))
                yield flow.terms.pad.spell(begun + keys.reveal()).text


def _secrets(value: Any) -> Iterator[Secret]:
    """Yield every secret in a value."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _secrets(item)
    elif attrs.has(type(value)):
        for one in attrs.fields(type(value)):
            yield from _secrets(getattr(value, one.name))
