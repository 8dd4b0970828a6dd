"""A search for a few calls that together take every table row that a policy can reach.

The search is breadth-first, so it finds a shortest path to each row. It treats more calls as equal
than the proof does: only the presence of keyed values counts, and each value of a counter is
explored once per state, not once for every call that reaches the state. It can therefore use the
policy's own budgets, while the proof needs small ones.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

from attrs import AttrsInstance, evolve, fields, frozen

from paperless_ivr.flow.call import Contact, Entry, Spent, Tries
from paperless_ivr.flow.events import Digits, Ended, Event, HungUp, Unavailable
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.turns import Gather, Return, Then, Turn
from paperless_ivr.proof.cases import Case, rows
from paperless_ivr.proof.exploration import World, alphabet, shape
from paperless_ivr.proof.writing import headers_of
from paperless_ivr.secret import Secret, keys
from paperless_ivr.transcripts import parse, replay
from paperless_ivr.transcripts.form import ANSWERS, text_of
from paperless_ivr.transcripts.people import of_the_demo
from paperless_ivr.transcripts.writing import happened


@frozen(eq=False)
class Start:
    """The start of a case: its arrival, world, and flow, read from transcript headers."""

    headers: Mapping[str, str]
    flow: Flow
    arrival: Arrival
    world: World

    @classmethod
    def of(cls, case: Case, policy: str, folder: Path) -> "Start":
        """Return the start of a case. `policy` is the policy file's path, relative to `folder`."""
        headers = {"policy": policy} | headers_of(case)
        as_read = parse(text_of((), headers, ["ends"]), folder / "start.call")
        world = evolve(case.world, spelled_out=True, local="pat", domain="example.com")
        return cls(headers, Flow(as_read.terms), as_read.arrival, world)


@frozen(eq=False)
class Step:
    """A turn that a call can reach, and the path to it."""

    start: Start
    turn: Turn
    before: "Step | None" = None
    event: Event | None = None
    """The event that led to this turn, or None for the first turn."""

    @property
    def path(self) -> tuple["Step", ...]:
        """The call from its first turn to this one."""
        steps = [self]
        while steps[-1].before is not None:
            steps.append(steps[-1].before)
        return tuple(reversed(steps))

    @property
    def took(self) -> set[str]:
        """The rows that the call has taken."""
        return {row for step in self.path for row in step.turn.took}

    @property
    def ended(self) -> bool:
        """Whether the call is over."""
        return isinstance(self.turn.then, Return)

    def next(self) -> Iterator["Step"]:
        """Yield every turn that can come next, using one event of each class."""
        flow, turn = self.start.flow, self.turn
        for possible in alphabet(flow, turn, self.start.world):
            event = _as_told(turn, possible)
            if event is not None:
                yield Step(self.start, flow.advance(turn.call, event), self, event)


def _as_told(turn: Turn, event: Event) -> Event | None:
    """Return the event as a runtime and a transcript would report it, or None if they cannot."""
    if isinstance(event, Unavailable) and event.answered:
        return None
    gather = turn.then
    if not isinstance(gather, Gather) or not isinstance(event, Digits):
        return event
    if event.ended is Ended.END_KEY and not gather.end_key:
        event = evolve(event, keys=keys(f"{event.keys.reveal()}#"))
    many = len(event.keys)
    if many == gather.max_keys:
        return evolve(event, ended=Ended.FULL)
    return event if many < gather.max_keys and event.ended is not Ended.FULL else None


@frozen
class Covering:
    """A call in the covering set, with the rows that it is the first to take, in order."""

    end: Step
    adds: tuple[str, ...]


# ── the search ───────────────────────────────────────────────────────────────────────────


def search(
    starts: Iterable[Start], watch: Callable[[int, int], None] = lambda _, __: None
) -> dict[str, Step]:
    """Return the first step found for each row, in the order in which they were found.

    `watch` is called at each turn, with the number of rows found and the number of turns still
    to visit.
    """
    first: dict[str, Step] = {}
    met: set[object] = set()
    open_: deque[Step] = deque()

    def reach(step: Step) -> None:
        for row in step.turn.took:
            first.setdefault(row, step)
        if step.ended:
            return
        parts = _parts(step)
        if not parts <= met:
            met.update(parts)
            open_.append(step)

    for start in starts:
        reach(Step(start, start.flow.begin(start.arrival)))
    found = in_vain = 0
    every = len(rows())
    while open_ and len(first) < every and in_vain < IN_VAIN_AT_MOST:
        watch(len(first), len(open_))
        for step in open_.popleft().next():
            reach(step)
        in_vain = in_vain + 1 if len(first) == found else 0
        found = len(first)
    return first


IN_VAIN_AT_MOST = 300_000
"""The search gives up after visiting this many turns without finding a row. Finding the last row
of the library's own table takes about half that many."""


def _parts(step: Step) -> set[object]:
    """Return the parts of a call that may be new: its facts, and the value of each counter."""
    call = step.turn.call
    choosing = call.choosing
    bills = () if choosing.customer is None else call.found[choosing.customer].invoices
    outline = evolve(
        call,
        tries=Tries(),
        spent=Spent(),
        entry=Entry(),
        contact=Contact(),
        consents=(),
        choosing=evolve(choosing, type="", gone=(), done=(), page=0),
    )
    knows = (
        step.start,
        shape(outline),
        _blurred(_outlined(call.entry)),
        _blurred(call.contact),
        frozenset(consent.purpose for consent in call.consents),
        frozenset((b.paperless, b.pending) for b in bills if b.type == choosing.type),
        *(bool(each) for each in (choosing.type, choosing.gone, choosing.done, choosing.page)),
    )
    counters = {
        (call.state, call.host.person_available, counter.name, getattr(counts, counter.name))
        for counts in (call.tries, call.spent)
        for counter in fields(type(counts))
    }
    return {knows, *counters}


def _outlined(entry: Entry) -> Entry:
    """Reduce an entry to a few facts, such as whether it is past its start, or has words."""
    words = ((0, 0),) * min(len(entry.words), 2)
    ruled_out = (Secret(""),) * bool(entry.ruled_out)
    return evolve(entry, at=min(entry.at, 1), words=words, ruled_out=ruled_out)


def _blurred(value: AttrsInstance) -> tuple[object, ...]:
    """Return the fields of a value, with personal data reduced to whether it is present."""
    values = (getattr(value, each.name) for each in fields(type(value)))
    return tuple(isinstance(each, Secret) or each for each in values)


# ── the choice ───────────────────────────────────────────────────────────────────────────


def cover(first: dict[str, Step]) -> Iterator[Covering]:
    """Yield calls that together take all rows found, with no redundant calls.

    The choice is greedy. Each call takes a shortest path to the farthest missing row, then any
    missing rows that are only one event away, and then the shortest path to an end.
    """
    lacking, ends = set(first), list[Step]()
    for row, step in reversed(first.items()):
        if row in lacking:
            ends.append(_completed(step, lacking - step.took))
            lacking -= ends[-1].took
    for end in tuple(reversed(ends)):
        others = [other.took for other in ends if other is not end]
        if end.took <= set().union(*others):
            ends.remove(end)
    lacking = set(first)
    for end in sorted(ends, key=lambda end: len(end.path)):
        rows = (row for step in end.path for row in step.turn.took)
        adds = tuple(dict.fromkeys(row for row in rows if row in lacking))
        lacking -= set(adds)
        yield Covering(end, adds)


def _completed(step: Step, lacking: set[str]) -> Step:
    """Continue a call to its end, and take missing rows that are one event away."""
    while not step.ended:
        gains = [(after, lacking.intersection(after.turn.took)) for after in step.next()]
        going_on = [(after, gain) for after, gain in gains if gain and not after.ended]
        gaining = going_on or [(after, gain) for after, gain in gains if gain]
        if gaining:
            step = max(gaining, key=lambda each: len(each[1]))[0]
        else:
            step = _way_out(step)[len(step.path)]
        lacking -= set(step.turn.took)
    return step


def _way_out(step: Step) -> tuple[Step, ...]:
    """Return the shortest path to an end if the caller presses keys and requests succeed."""
    open_, met = deque([step]), {shape(step.turn.call)}
    while True:
        here = open_.popleft()
        if here.ended:
            return here.path
        asked = isinstance(here.turn.then, Gather)
        after = [each for each in here.next() if isinstance(each.event, Digits) or not asked]
        for each in after if asked else after[:1]:
            if each.ended or shape(each.turn.call) not in met:
                met.add(shape(each.turn.call))
                open_.append(each)


# ── the transcripts ──────────────────────────────────────────────────────────────────────


def of_covering(covering: Covering, path: Path) -> str:
    """Return the transcript of a covering call, to be saved at `path`."""
    comments = [COVERING, *(f"- {in_words(row)}" for row in covering.adds)]
    steps = covering.end.path
    events = [step.event for step in steps if step.event is not None]
    happens = [
        happened(event, step.turn.then, of_the_demo)
        for step, event, following in zip_longest(steps[:-1], events, events[1:])
        if isinstance(following, HungUp) or not _goes_without_saying(step.turn.then, event)
    ]
    return replay(parse(text_of(comments, covering.end.start.headers, [*happens, "ends"]), path))


COVERING = "One of the calls that take every row of the table. It adds these:"
"""The first line of every transcript in a covering set."""


def _goes_without_saying(then: Then, event: Event) -> bool:
    """Return whether an event is the default answer, which is written only before a hang-up."""
    usual = ANSWERS.get(type(then).__name__)
    return usual is not None and event == next(iter(usual.values()))


def in_words(row: str) -> str:
    """Return the name of a row in plain words, such as `offer: chose no; then declined`."""
    source, _, rest = row.partition(" · ")
    happens, _, to = rest.rpartition(" → ")
    events, _, guard = happens.partition(" · ")
    event = ", ".join(EVENTS.get(name, _apart(name)) for name in events.split(" or "))
    if guard:
        event = guard if events in ("Arrived", "Digits") else f"{event}, {guard}"
    then = "asked again" if to == "REPROMPT" else to
    return f"{source}: {event}; then {then}".replace("_", " ").lower()


EVENTS = {"Arrived": "otherwise", "Digits": "other keys", "NoInput": "silence"}
"""The plain words for events, if they differ from the event's own name."""


def _apart(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
