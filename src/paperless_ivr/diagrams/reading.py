"""Turns the rows of a state into the lines of a card: a key, a sentence, and where the call goes.

The words come from the guards, events, and options of the table. Rows with the same words become
one line. Two consecutive rows also become one line if a guard decides between them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from attrs import evolve, field, frozen

from paperless_ivr.flow.blocks import Ask
from paperless_ivr.flow.events import Digits, HungUp
from paperless_ivr.flow.lines import Keys, Means
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.phrases import Condition, conditions
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.rows import Row, Table
from paperless_ivr.flow.states import Kind, State
from paperless_ivr.flow.table import BLOCKS

LONGEST = 55
"""The maximum length of a merged sentence. Lines are not merged if the result would be longer."""


@frozen
class Way:
    """A row with its conditions, except those that the policy already decides."""

    row: Row
    conditions: tuple[Condition, ...]

    @property
    def fork(self) -> tuple[Condition, ...]:
        """The guards shown as a fork. If they fail, the call takes the row below."""
        return tuple(c for c in self.conditions if c.phrase.fork)

    @property
    def plain(self) -> tuple[Condition, ...]:
        """All other conditions."""
        return tuple(c for c in self.conditions if not c.phrase.fork)


@frozen
class Entry:
    """A line of a card."""

    key: str
    words: str
    targets: tuple[State | None, ...]
    """Where the call goes; None means that it stays in the state."""
    fork: bool = field(default=False, kw_only=True)
    """Whether the second target applies only if the first one is impossible."""
    rows: tuple[Row, ...] = field(kw_only=True)
    """The rows that the line stands for."""

    @property
    def here(self) -> str:
        """What happens if the call stays in the state. After a hang-up, the request is finished."""
        after = any(HungUp in row.events for row in self.rows)
        return "it is finished" if after else "asks again"


@frozen
class Card:
    """A state with its own lines, and the lines that it shares with other states."""

    state: State
    entries: tuple[Entry, ...]
    shared: tuple[Entry, ...]


def cards(table: Table, policy: Policy | None = None) -> dict[State, Card]:
    """Return the cards of a table, in the order of `State`, without anything the policy turns off.

    Raises LookupError for a guard or a choice that has no words.
    """
    ways = {state: _ways(state, rows, policy) for state, rows in table.items()}
    reached = _reached(ways)
    return {
        state: _card(state, [way for way in ways[state] if _target(state, way) in reached])
        for state in State
        if state in ways and state in reached
    }


def sentence(state: State, row: Row) -> str:
    """Describe in words when a row is taken, without looking at other rows."""
    met = (evolve(c, phrase=evolve(c.phrase, fork=False)) for c in conditions(row.when))
    return _words(state, Way(row, tuple(met)), ())


# ── what a policy allows ─────────────────────────────────────────────────────────────────


def _ways(state: State, rows: Iterable[Row], policy: Policy | None) -> list[Way]:
    ways = [Way(row, conditions(row.when)) for row in rows]
    if policy is None:
        return ways
    left: list[Way] = []
    for way in ways:
        if _left_on(state, way, policy) and not any(_shadows(above, way) for above in left):
            undecided = (c for c in way.conditions if not c.settled_by(policy))
            left.append(Way(way.row, tuple(undecided)))
    return _in_order(left, policy)


def _in_order(ways: Sequence[Way], policy: Policy) -> list[Way]:
    """Sort the ways that the policy puts in order, without moving the others."""

    def place(way: Way) -> int | None:
        places = (c.phrase.order(policy) for c in way.conditions if c.phrase.order)
        return next(places, None)

    placed = [way for way in ways if place(way) is not None]
    ordered = iter(sorted(placed, key=lambda way: place(way) or 0))
    return [way if place(way) is None else next(ordered) for way in ways]


def _left_on(state: State, way: Way, policy: Policy) -> bool:
    """Whether a policy allows a way to be taken."""
    offered = {choice for keys in _keys(state, policy) for choice in keys.means}
    chosen = {c.phrase.choice for c in way.conditions if c.phrase.choice and c.holds}
    met = all(condition.met_by(policy) for condition in way.conditions)
    return met and chosen <= offered and _lets_in(_target(state, way), policy)


def _lets_in(state: State, policy: Policy) -> bool:
    block = BLOCKS[state]
    return not isinstance(block, Ask) or block.needs is None or block.needs(policy)


def _keys(state: State, policy: Policy | None) -> Iterator[Keys]:
    """Yield the keys of a question, without those that the policy turns off."""
    block = BLOCKS[state]
    for keys in block.keys if isinstance(block, Ask) else ():
        when = () if policy is None else conditions(keys.when)
        if policy is None or all(c.met_by(policy) for c in when):
            yield keys


def _shadows(above: Way, below: Way) -> bool:
    """Whether a way can never be taken because another one above it is always taken first."""
    events = set(above.row.events) >= set(below.row.events)
    return events and set(above.conditions) <= set(below.conditions)


def _reached(ways: dict[State, list[Way]]) -> set[State]:
    """Return the states that a call can reach from the first one."""
    first = next(iter(State))
    reached, open_ = {first}, [first]
    while open_:
        state = open_.pop()
        for way in ways.get(state, ()):
            to = way.row.to
            back = any(c.phrase.returns for c in way.conditions)
            if to is not None and to not in reached and not back:
                reached.add(to)
                open_.append(to)
    return reached


def _target(state: State, way: Way) -> State:
    return way.row.to or state


# ── lines ────────────────────────────────────────────────────────────────────────────────


def _card(state: State, ways: Sequence[Way]) -> Card:
    names = {row.name(state) for row in BLOCKS[state].shared}
    own = [way for way in ways if way.row.name(state) not in names]
    shared = [way for way in ways if way.row.name(state) in names]
    return Card(state, tuple(_entries(state, own, ways)), tuple(_entries(state, shared, ways)))


def _entries(state: State, ways: Sequence[Way], all_ways: Sequence[Way]) -> Iterator[Entry]:
    """Yield the lines for some of a state's transitions."""
    entries = list(_forked(state, ways, all_ways))
    if state.kind is not Kind.ASK:
        entries = _merged(entries, all_ways)
    for _, same in groupby(entries, key=lambda e: (e.key, e.words, e.fork)):
        first, *others = same
        if first.fork:
            yield from (first, *others)
            continue
        targets = dict.fromkeys(to for entry in (first, *others) for to in entry.targets)
        rows = tuple(row for entry in (first, *others) for row in entry.rows)
        yield evolve(first, targets=tuple(targets), rows=rows)


def _forked(state: State, ways: Sequence[Way], all_ways: Sequence[Way]) -> Iterator[Entry]:
    """Yield a line for each way, and a single line for two ways that a guard decides between."""
    left = list(ways)
    while left:
        way = left.pop(0)
        below = next(iter(left), None)
        if (
            way.fork
            and below
            and not below.fork
            and (below.row.events, below.plain) == (way.row.events, way.plain)
        ):
            left.pop(0)
            yield _entry(state, (way, below), all_ways)
        else:
            yield _entry(state, (way,), all_ways)


def _entry(state: State, ways: tuple[Way, ...], all_ways: Sequence[Way]) -> Entry:
    told = ways[-1]
    return Entry(
        _key(state, told),
        _words(state, told, all_ways),
        tuple(dict.fromkeys(way.row.to for way in ways)),
        fork=len({way.row.to for way in ways}) > 1,
        rows=tuple(way.row for way in ways),
    )


def _merged(entries: list[Entry], all_ways: Sequence[Way]) -> list[Entry]:
    """Merge lines that differ only in their event."""
    merged: list[Entry] = []
    for entry in entries:
        for at, other in enumerate(merged):
            both = _joined(other, entry, all_ways)
            if both is not None:
                merged[at] = both
                break
        else:
            merged.append(entry)
    return merged


def _joined(one: Entry, other: Entry, all_ways: Sequence[Way]) -> Entry | None:
    first, last = one.rows[-1], other.rows[-1]
    alike = (one.targets, one.fork, one.key) == (other.targets, other.fork, other.key)
    if not alike or first.words or last.words or not _says_event(first) or not _says_event(last):
        return None
    about = _about(_way(one, all_ways), all_ways)
    if about != _about(_way(other, all_ways), all_ways):
        return None
    events = dict.fromkeys(event for e in (one, other) for row in e.rows for event in row.events)
    words = _with_event(or_(*(event.words for event in events)), about)
    if len(words) > LONGEST:
        return None
    return evolve(one, words=words, rows=(*one.rows, *other.rows))


def _says_event(row: Row) -> bool:
    return all(event.words for event in row.events)


def _way(entry: Entry, ways: Sequence[Way]) -> Way:
    return next(way for way in ways if way.row is entry.rows[-1])


# ── words ────────────────────────────────────────────────────────────────────────────────


def _choice(state: State, way: Way) -> Means | None:
    """Return the option that leads to a way, or None if no option does."""
    choice = next((c.phrase.choice for c in way.conditions if c.phrase.choice), None)
    return None if choice is None else means(state, choice)


def means(state: State, choice: Choice) -> Means:
    """Return the key and the words of a choice.

    Raises LookupError if the question does not offer the choice.
    """
    for keys in _keys(state, None):
        if choice in keys.means:
            return keys.means[choice]
    message = (
        f"{state.name} does not offer {choice.name}; add it to the question's keys, with words"
    )
    raise LookupError(message)


def _key(state: State, way: Way) -> str:
    option = _choice(state, way)
    if option is not None:
        return option.key
    return next((c.phrase.key for c in way.conditions if c.phrase.key and c.holds), "")


def _words(state: State, way: Way, all_ways: Sequence[Way]) -> str:
    if way.row.words:
        return way.row.words
    about = _about(way, all_ways)
    option = _choice(state, way)
    if option is not None:
        return ", ".join((option.words, *about))
    events = or_(*(event.words for event in way.row.events if event.words))
    if not way.plain and state.kind is Kind.PASS and not _all_denied(way, all_ways):
        return "otherwise"
    if not about and not events:
        if _key(state, way):
            message = f"{way.row.name(state)} has no words: use words= to say what the key does"
            raise LookupError(message)
        return "any other key" if way.row.events == (Digits,) else "otherwise"
    return _with_event(events, about)


def _with_event(event: str, about: Sequence[str]) -> str:
    told = ", ".join(about)
    return f"{event}: {told}" if event and told else event or told


def _about(way: Way, all_ways: Sequence[Way]) -> tuple[str, ...]:
    """Return the words of a way's conditions, including the conditions that rows above imply."""
    told = [c.words for c in way.plain if not c.phrase.choice]
    told += [c.phrase.fails for c in _denied(way, all_ways) if c.holds]
    return tuple(dict.fromkeys(words for words in told if words))


def _denied(way: Way, ways: Sequence[Way]) -> Iterator[Condition]:
    """Yield the guards that must fail for this way.

    A guard must fail if a row above has the same conditions plus this guard, and no other.
    """
    for above in ways:
        if above.row is way.row:
            return
        more = [c for c in above.plain if c not in way.plain]
        events = set(above.row.events) & set(way.row.events)
        if events and len(more) == 1 and set(way.plain) <= set(above.plain) and not above.fork:
            yield more[0]


def _all_denied(way: Way, ways: Sequence[Way]) -> bool:
    """Whether the rows above already explain when a way without conditions is taken."""
    denied = list(_denied(way, ways))
    return bool(denied) and all(c.phrase.fails for c in denied)


def or_(*words: str) -> str:
    """Return words as a list: "this, that, or the other"."""
    words = tuple(dict.fromkeys(words))
    if len(words) > 2:
        return f"{', '.join(words[:-1])}, or {words[-1]}"
    return " or ".join(words)
