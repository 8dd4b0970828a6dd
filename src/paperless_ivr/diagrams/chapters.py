"""The contents of a chapter's page: cards, the chapters that lead to them, and the shared note."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise

from attrs import evolve, frozen

from paperless_ivr.diagrams.reading import Card, Entry, or_
from paperless_ivr.flow.events import HungUp
from paperless_ivr.flow.states import Kind, Phase, State

LETTERS: Mapping[Phase, str] = dict(
    zip((phase for phase in Phase if phase is not Phase.END), "ABCDEFGHJKLMN", strict=False)
)
"""The letter of each chapter. I is left out because it looks like 1."""

USUAL = (
    State.GREETING,
    State.SCREENING,
    State.OFFER,
    State.ACCOUNT,
    State.ACCOUNT_LOOKUP,
    State.INVOICE,
    State.ADDRESS,
    State.CONFIRMATION,
    State.ENROLLMENT,
    State.AFTERWARDS,
    State.DONE,
    State.ENROLLED,
)
"""The usual path, drawn in green: a known customer with an e-mail address on file says yes."""

BY_KEYPAD = (State.EMAIL_LOCAL, State.EMAIL_DOMAIN, State.EMAIL_READBACK, State.CONFIRMATION)
BY_TEXT = (State.TEXT_NUMBER, State.TEXT_CONSENT, State.WEB_LINK, State.AFTERWARDS)
GREEN = (USUAL, BY_KEYPAD, BY_TEXT)
"""The paths drawn in green: the usual path, and the usual paths through side chapters."""


@frozen
class Page:
    """The contents of a chapter's page."""

    phase: Phase
    cards: tuple[Card, ...]
    sources: Mapping[State, tuple[Phase, ...]]
    """For each state, the other chapters that lead to it."""
    everywhere: frozenset[State]
    """States that shared lines of several chapters lead to."""
    note_title: str
    note: tuple[Entry, ...]


@cache
def ref(state: State) -> str:
    """Return the grid reference of a state: "G2" is the second state of chapter G."""
    of_chapter = [other for other in State if other.phase is state.phase]
    return f"{LETTERS[state.phase]}{of_chapter.index(state) + 1}"


def usual(card: Card) -> Entry | None:
    """Return the card's line that the usual path takes. In a decision, it is the last such line."""
    after = {here: there for way in GREEN for here, there in pairwise(way)}.get(card.state)
    if after is None:
        return None
    first_to_last = card.entries[:: -1 if card.state.kind is Kind.PASS else 1]
    return next((entry for entry in first_to_last if after in entry.targets), None)


def pages(cards: Mapping[State, Card]) -> dict[Phase, Page]:
    """Return the pages of all chapters that have a card."""
    of_phase = {
        phase: tuple(card for card in cards.values() if card.state.phase is phase)
        for phase in LETTERS
    }
    return {phase: _page(phase, own, cards) for phase, own in of_phase.items() if own}


def _page(phase: Phase, own: tuple[Card, ...], cards: Mapping[State, Card]) -> Page:
    sources = {card.state: _sources(card.state, cards.values()) for card in own}
    everywhere = frozenset(card.state for card in own if _shares(card.state, cards.values()))
    asks = [card.state for card in own if card.state.kind is Kind.ASK]
    own = tuple(_with_special(card, own, asks) for card in own)
    lines = list(_shared(own))
    but = _exceptions(lines, asks)
    title = "At every question on this page" if len(asks) > 1 else "Also on this page"
    if len(asks) == 1:
        title = f"Also at {ref(asks[0])}"
    if but and but != tuple(asks):
        title += f" but {or_(*map(ref, but))}"
    note = [
        evolve(entry, words=_where(entry, states, asks, but))
        for entry, states in sorted(lines, key=lambda line: _rank(line[0]))
    ]
    return Page(phase, own, sources, everywhere, title, tuple(_joined(note)))


def _sources(state: State, cards: Iterable[Card]) -> tuple[Phase, ...]:
    """Return the other chapters that lead to a state, not counting shared lines."""
    found = {
        card.state.phase
        for card in cards
        for entry in card.entries
        if state in entry.targets and len(entry.targets) <= 2
    }
    return tuple(phase for phase in LETTERS if phase in found and phase is not state.phase)


def _shares(state: State, cards: Iterable[Card]) -> bool:
    """Whether shared lines of several chapters lead to a state."""
    leading = (card for card in cards if any(state in entry.targets for entry in card.shared))
    return len({card.state.phase for card in leading}) > 1


# ── the note ─────────────────────────────────────────────────────────────────────────────

Shared = tuple[Entry, list[State]]
"""A line of the note, and the states that share it."""


def _shared(cards: Sequence[Card]) -> list[Shared]:
    """Return the shared lines, each with the states that share it."""
    met: dict[Entry, Shared] = {}
    for card in cards:
        for entry in card.shared:
            line = met.setdefault(evolve(entry, rows=()), (entry, []))
            line[1].append(card.state)
    return list(met.values())


def _with_special(card: Card, cards: Sequence[Card], asks: Sequence[State]) -> Card:
    """Return a card that lists shared lines as its own if only a few questions have them."""
    if len(asks) < 2:
        return card
    few = {
        evolve(entry, rows=())
        for entry, states in _shared(cards)
        if not entry.key and not _hang_up(entry) and 2 * len(states) <= len(asks)
    }
    special = tuple(entry for entry in card.shared if evolve(entry, rows=()) in few)
    shared = tuple(entry for entry in card.shared if entry not in special)
    return evolve(card, entries=(*card.entries, *special), shared=shared)


def _exceptions(lines: Sequence[Shared], asks: Sequence[State]) -> tuple[State, ...]:
    """Return the questions that no line of the note applies to, except for the hang-up."""
    with_any = {state for entry, states in lines if not _hang_up(entry) for state in states}
    return tuple(state for state in asks if state not in with_any)


def _where(
    entry: Entry, states: Sequence[State], asks: Sequence[State], but: Sequence[State]
) -> str:
    """Return a shared line's words, with its questions unless it applies to all of them."""
    missing = [state for state in asks if state not in states and state not in but]
    if _hang_up(entry) or not missing:
        return entry.words
    if len(missing) < len(states):
        return f"{entry.words}, not at {or_(*map(ref, missing))}"
    return f"at {or_(*map(ref, states)).replace(' or ', ' and ')}: {entry.words}"


def _hang_up(entry: Entry) -> bool:
    return any(HungUp in row.events for row in entry.rows)


def _rank(entry: Entry) -> tuple[int, bool]:
    """Return a sort key: keys first, a hang-up last."""
    return "0*#1".find(entry.key) if entry.key else 4, _hang_up(entry)


def _joined(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the lines of the note. Lines without a key that lead to the same place are merged."""
    alike: dict[object, list[Entry]] = {}
    for entry in entries:
        alone = entry.key or ":" in entry.words or "," in entry.words or _hang_up(entry)
        alike.setdefault(entry if alone else (entry.targets, entry.fork), []).append(entry)
    for first, *others in alike.values():
        rows = tuple(row for entry in (first, *others) for row in entry.rows)
        words = or_(first.words, *(entry.words for entry in others))
        yield evolve(first, words=words, rows=rows)
