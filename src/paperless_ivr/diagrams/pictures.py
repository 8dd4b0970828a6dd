"""All pictures of a table: the overview, and one for each chapter."""

from collections import Counter
from collections.abc import Mapping

from paperless_ivr.diagrams.canvas import Canvas
from paperless_ivr.diagrams.chapters import pages
from paperless_ivr.diagrams.layout import lay_out
from paperless_ivr.diagrams.overview import paint_overview
from paperless_ivr.diagrams.painting import Link, files, paint
from paperless_ivr.diagrams.reading import cards
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.rows import Table
from paperless_ivr.flow.states import Phase, State


def overview(table: Table, policy: Policy | None = None, link: Link = files) -> Canvas:
    """Return the picture of the whole call, without anything that the policy switches off."""
    return paint_overview(cards(table, policy), link)


def chapters(
    table: Table, policy: Policy | None = None, link: Link = files
) -> Mapping[Phase, Canvas]:
    """Return the pictures of the chapters that a call can reach."""
    of_chapters = pages(cards(table, policy))
    return {
        phase: paint(lay_out(of_chapters[phase]), tuple(of_chapters), link) for phase in of_chapters
    }


def switched_off(table: Table, policy: Policy) -> Mapping[Phase, int]:
    """Return how many transitions of each chapter's states a policy switches off."""
    all_ways, left_on = _ways(table, None), _ways(table, policy)
    return Counter(state.phase for state, _ in all_ways - left_on)


def _ways(table: Table, policy: Policy | None) -> set[tuple[State, str]]:
    """Return the rows that appear in the pictures."""
    return {
        (card.state, row.name(card.state))
        for card in cards(table, policy).values()
        for entry in (*card.entries, *card.shared)
        for row in entry.rows
    }
