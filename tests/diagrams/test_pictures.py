"""Pictures of the flow: current, complete, in words, legible, and clear without color vision."""

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from itertools import permutations
from pathlib import Path

import pytest
from attrs import evolve

from docs.generate import PICTURES
from paperless_ivr.diagrams.canvas import Canvas
from paperless_ivr.diagrams.chapters import GREEN, LETTERS, pages, ref
from paperless_ivr.diagrams.layout import CROSSINGS_AT_MOST, Layout, crossings, lay_out
from paperless_ivr.diagrams.overview import BELOW, HIGH, RARE, UNDER, WAYS, WIDE, pairs
from paperless_ivr.diagrams.pictures import chapters, overview, switched_off
from paperless_ivr.diagrams.reading import LONGEST, Card, cards, sentence
from paperless_ivr.flow.blocks import End
from paperless_ivr.flow.chapters import address
from paperless_ivr.flow.events import Digits
from paperless_ivr.flow.facts import named, pound
from paperless_ivr.flow.policy import Address, Bills, Languages, Policy, Strategy
from paperless_ivr.flow.rows import On, Row, Table
from paperless_ivr.flow.states import ASKING, ENDS, Phase, State
from paperless_ivr.flow.table import BLOCKS, FLOW

pytestmark = pytest.mark.requirement("R44", "R55")

CARDS = cards(FLOW)
PAGES = pages(CARDS)
EACH = pytest.mark.parametrize("name", ["overview", *(phase.name.lower() for phase in PAGES)])
EACH_CHAPTER = pytest.mark.parametrize("phase", PAGES, ids=lambda phase: phase.name.lower())

SHOW = """
from paperless_ivr.diagrams.pictures import chapters, overview, switched_off
from paperless_ivr.flow.table import FLOW
print(overview(FLOW).svg(), *(canvas.svg() for canvas in chapters(FLOW).values()), sep="")
"""


@cache
def layouts() -> Mapping[Phase, Layout]:
    """The layouts of the chapters."""
    return {phase: lay_out(page) for phase, page in PAGES.items()}


@cache
def canvases() -> Mapping[str, Canvas]:
    """All pictures."""
    painted = {phase.name.lower(): canvas for phase, canvas in chapters(FLOW).items()}
    return {"overview": overview(FLOW), **painted}


class TestCurrent:
    """The pictures show the current table."""

    @pytest.mark.parametrize("seed", ["1", "2"])
    def test_same_table_same_bytes(self, seed: str) -> None:
        """Pictures do not depend on a process's hash seed, and those in the docs are current."""
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", SHOW], env=environment, capture_output=True, check=True
        )
        committed = b"".join(Path(f"docs/pictures/{name}").read_bytes() for name in PICTURES)

        assert done.stdout.strip() == committed.strip()

    def test_one_more_row(self) -> None:
        """An added row changes the picture of its chapter, and no other."""
        more = {**FLOW, State.OFFER: (*FLOW[State.OFFER], On(Digits, State.FAILED, words="more"))}
        changed = [phase for phase, canvas in chapters(more).items() if canvas.svg() != _svg(phase)]

        assert changed == [Phase.ARRIVAL]
        assert overview(more).svg() != canvases()["overview"].svg()

    def test_every_chapter_has_a_file(self) -> None:
        """The docs have a picture for each chapter, and no others."""
        assert sorted(path.name for path in Path("docs/pictures").iterdir()) == sorted(PICTURES)


def _in_note(state: State, row: Row) -> bool:
    """Return whether all questions share a row: to an agent, or back if none is free."""
    to_agent = row.name(state) in {shared.name(state) for shared in BLOCKS[state].shared}
    return to_agent or (state is State.TRANSFERRING and row.to in ASKING)


def _svg(phase: Phase) -> str:
    return canvases()[phase.name.lower()].svg()


class TestComplete:
    """No part of the table is missing."""

    def test_every_state_has_one_card(self) -> None:
        """Each state that is not an ending is on one page, under its own reference."""
        drawn = [box.card.state for at in layouts().values() for box in at.boxes if box.card]

        assert sorted(map(ref, drawn)) == sorted(map(ref, FLOW))
        assert len(set(map(ref, drawn))) == len(drawn)

    @EACH_CHAPTER
    def test_every_row_is_read(self, phase: Phase) -> None:
        """Each row of the table is in its state's card, or in the note of its page."""
        layout = layouts()[phase]
        noted = {row.name(State.OFFER) for entry in layout.page.note for row in entry.rows}
        for box in layout.boxes:
            assert box.card
            read = {r.name(box.card.state) for entry in box.card.entries for r in entry.rows}
            missing = [
                row.name(box.card.state)
                for row in FLOW[box.card.state]
                if row.name(box.card.state) not in read and row.name(State.OFFER) not in noted
            ]
            assert missing == []

    def test_what_any_question_leads_to(self) -> None:
        """The note is also above the cards that it leads to: for 0, tries used up, and #."""
        found = {state for page in PAGES.values() for state in page.everywhere}
        assert found == {State.TRANSFERRING, State.GIVEN_UP, State.LEAVING}

    def test_main_ways(self) -> None:
        """The overview has words for each way from chapter to chapter."""
        live, told = pairs(CARDS), set(WAYS) | set(RARE)

        assert sorted((a.name, b.name) for a, b in live - told) == [], (
            "give these ways words in WAYS of diagrams/overview.py, or in RARE for its note"
        )
        assert sorted((a.name, b.name) for a, b in told - live) == [], (
            "no row leads this way anymore: remove it from diagrams/overview.py"
        )
        assert not set(WAYS) & set(RARE)

    def test_every_way_between_chapters_is_in_the_overview(self) -> None:
        """Each row that leaves its chapter is in the overview, as a row or in its note."""
        canvas = canvases()["overview"]
        shown = {tuple(w.split()) for w in re.findall(r'data-way="([^"]*)"', canvas.svg())}
        missing = {
            (state.phase.name, row.to.phase.name): row.name(state)
            for state, rows in FLOW.items()
            for row in rows
            if row.to is not None
            and row.to.phase not in (state.phase, Phase.END)
            and (state.phase.name, row.to.phase.name) not in shown
            and not _in_note(state, row)
        }

        assert missing == {}
        words = " ".join(text.words for text in canvas.texts)
        assert (
            "too many lead to an agent. If no agent is free after 0, the question is repeated"
            in words
        )

    def test_every_ending_is_explained_once(self) -> None:
        """Each ending is of one kind, has its own title, and is in the overview once."""
        svg = canvases()["overview"].svg()
        titles = [BLOCKS[end].title for end in ENDS]

        assert len(set(titles)) == len(titles)
        for end in ENDS:
            block = BLOCKS[end]
            assert isinstance(block, End)
            assert block.group in BELOW
            assert svg.count(f'id="{end.name}"') == 1

    def test_every_chapter_is_in_the_overview(self) -> None:
        """Each chapter has a box."""
        for phase, letter in LETTERS.items():
            assert (
                f'data-letter="{letter}" data-phase="{phase.name}"' in canvases()["overview"].svg()
            )
        assert set(UNDER) < set(LETTERS)

    @pytest.mark.parametrize("way", GREEN, ids=lambda way: way[0].name)
    def test_the_usual_way_is_a_way(self, way: tuple[State, ...]) -> None:
        """Each step of a green line is a row."""
        for here, there in itertools.pairwise(way):
            assert any(row.to is there for row in FLOW[here]), f"{here.name} to {there.name}"


class TestInWords:
    """Pictures use the words of the call."""

    def test_titles(self) -> None:
        """Every state has a short title that no other state has."""
        titles = [block.title for block in BLOCKS.values()]

        assert [title for title in titles if "_" in title] == []
        assert len(set(titles)) == len(titles)

    @EACH_CHAPTER
    def test_sentences(self, phase: Phase) -> None:
        """There are no code names, no long sentences, and no lines in a card that say the same."""
        page = PAGES[phase]
        for lines in (*(card.entries for card in page.cards), page.note):
            for entry in lines:
                assert entry.words
                assert "_" not in entry.words
                assert len(entry.words) <= LONGEST, entry.words
            said = [(entry.key, entry.words) for entry in lines]
            assert len(set(said)) == len(said)

    def test_a_line_leads_to_one_place(self) -> None:
        """Rows that say the same lead to the same state, unless the call goes on as it was due."""
        ways_on = (State.TRANSFERRING, State.GO_ON)
        several = {
            f"{state.name}: {entry.words}"
            for state, card in CARDS.items()
            for entry in (*card.entries, *card.shared)
            if len(entry.targets) > 1 and not entry.fork and state not in ways_on
        }

        assert several == set(), "give these rows words=, so that they differ in the pictures"

    def test_a_key_without_words_is_named(self) -> None:
        """A row for `#` says in words what the key does."""
        row = On(Digits, State.LEFT, when=pound)

        with pytest.raises(LookupError, match="LEFT has no words: use words="):
            sentence(State.OFFER, row)

    def test_every_row_by_itself(self) -> None:
        """Each row also has words for showing it alone, as in the simulator."""
        told = {sentence(state, row) for state, rows in FLOW.items() for row in rows}

        assert "" not in told
        assert [words for words in told if "_" in words] == []

    def test_prompts_say_when(self) -> None:
        """A line that may say several prompts says when each one is heard."""
        silent = {
            state.name: line.names
            for state, block in BLOCKS.items()
            for line in block.say
            if len(line.names) > 1 and not line.when
        }

        assert silent == {}
        for end in ENDS:
            for line in BLOCKS[end].say:
                assert len(line.names) == 1 or set(line.names) == set(line.when)

    def test_a_guard_without_words_is_named(self) -> None:
        """A guard without words is named in an error."""
        guard = named("moon_is_full", lambda _: True)
        table = {**FLOW, State.OFFER: (On(Digits, State.LEFT, when=guard), *FLOW[State.OFFER])}

        with pytest.raises(LookupError, match="moon_is_full"):
            cards(table)

    def test_an_option_without_words_is_named(self) -> None:
        """A choice that a question does not offer has no words."""
        row = FLOW[State.ANOTHER][0]

        with pytest.raises(LookupError, match="EMAIL_DOMAIN does not offer YES"):
            sentence(State.EMAIL_DOMAIN, row)


class TestLegible:
    """Nothing is on top of anything else."""

    @EACH
    def test_no_text_on_text(self, name: str) -> None:
        """No two texts overlap."""
        texts = canvases()[name].texts
        for one, other in itertools.combinations(texts, 2):
            apart = (
                one.right <= other.left + 0.5
                or other.right <= one.left + 0.5
                or one.bottom <= other.top
                or other.bottom <= one.top
            )
            assert apart, f"{one.words!r} and {other.words!r}"

    @EACH
    def test_texts_stay_inside(self, name: str) -> None:
        """Each text is inside its card, and on the page."""
        canvas = canvases()[name]
        for text in canvas.texts:
            left, top, right, bottom = text.inside
            assert left <= text.left, text.words
            assert text.right <= right, text.words
            assert top <= text.top, text.words
            assert text.bottom <= bottom, text.words
            assert text.left >= 0
            assert text.right <= canvas.width
            assert text.bottom <= canvas.height

    @EACH
    def test_no_line_through_text(self, name: str) -> None:
        """No line touches a text."""
        canvas = canvases()[name]
        for line in canvas.lines:
            for (x1, y1), (x2, y2) in itertools.pairwise(line.points):
                for text in canvas.texts:
                    clear = (
                        max(x1, x2) <= text.left
                        or min(x1, x2) >= text.right
                        or max(y1, y2) <= text.top
                        or min(y1, y2) >= text.bottom
                    )
                    assert clear, f"line to {line.to} through {text.words!r}"

    @EACH_CHAPTER
    def test_no_line_through_a_card(self, phase: Phase) -> None:
        """A line leaves its own row, and reaches cards only at their edges."""
        layout = layouts()[phase]
        boxes = [*layout.boxes, *([layout.note] if layout.note else [])]
        for trunk in layout.trunks:
            for start, points in trunk.paths():
                for (x1, y1), (x2, y2) in itertools.pairwise(points[1:]):
                    for box in boxes:
                        through = (
                            max(x1, x2) > box.x
                            and min(x1, x2) < box.x + 420
                            and max(y1, y2) > box.y
                            and min(y1, y2) < box.bottom
                        )
                        assert not through, f"{start.of} to {trunk.to.name}"

    def test_no_line_of_the_overview_through_a_box(self) -> None:
        """A line leaves a box and reaches another at their edges, and passes through no other."""
        canvas = canvases()["overview"]
        page = (0.0, 0.0, WIDE, HIGH)
        boxes = {text.inside for text in canvas.texts} - {page}
        for line in canvas.lines:
            for (x1, y1), (x2, y2) in itertools.pairwise(line.points):
                for left, top, right, bottom in boxes:
                    through = (
                        max(x1, x2) > left
                        and min(x1, x2) < right
                        and max(y1, y2) > top
                        and min(y1, y2) < bottom
                    )
                    assert not through, f"line to {line.to}"

    @EACH
    def test_lines_cross_twice_at_most(self, name: str) -> None:
        """Crossings are counted as painted, where a horizontal piece crosses a vertical one."""
        crossed = {
            frozenset((one.to, other.to))
            for one, other in itertools.permutations(canvases()[name].lines, 2)
            if one.to != other.to
            for (x1, y1), (x2, y2) in itertools.pairwise(one.points)
            for (x3, y3), (x4, y4) in itertools.pairwise(other.points)
            if y1 == y2 and x3 == x4
            if min(x1, x2) < x3 < max(x1, x2) and min(y3, y4) < y1 < max(y3, y4)
        }

        assert len(crossed) <= CROSSINGS_AT_MOST

    @EACH_CHAPTER
    def test_few_crossings(self, phase: Phase) -> None:
        """At most two lines cross, and at least two lines are drawn."""
        layout = layouts()[phase]

        assert crossings(layout.trunks) <= CROSSINGS_AT_MOST
        assert _drawn(layout) >= 2

    @EACH_CHAPTER
    def test_the_usual_way_has_a_line(self, phase: Phase) -> None:
        """A green row that leads to a card of its page has a green line."""
        layout = layouts()[phase]
        lines = {
            (start.of, trunk.to)
            for trunk in layout.trunks
            for start, _ in trunk.paths()
            if start.green
        }
        for box in layout.boxes:
            for row in box.rows:
                assert box.card
                to = row.entry.targets[0]
                if row.green and to is not None and to.phase is phase:
                    assert (box.card.state.name, to) in lines

    def test_sizes(self) -> None:
        """The overview fits a screen; chapters are as wide as three cards, and nearly as low."""
        overview = canvases()["overview"]
        assert overview.width <= WIDE
        assert overview.height <= HIGH, "list an ending in a shorter group=, or raise HIGH"
        assert {canvas.width for name, canvas in canvases().items() if name != "overview"} == {1504}
        assert max(canvas.height for canvas in canvases().values()) <= 1040

    @EACH
    def test_only_files_that_are_there(self, name: str) -> None:
        """Links lead to existing pictures and cards."""
        for target in re.findall(r'href="([^"]*)"', canvases()[name].svg()):
            file, _, part = target.partition("#")
            svg = canvases()[file.removesuffix(".svg") if file else name].svg()
            assert not part or f'id="{part}"' in svg, target


def _drawn(layout: Layout) -> int:
    return sum(len(list(trunk.paths())) for trunk in layout.trunks)


class TestUnderAPolicy:
    """Parts that a policy switches off are left out."""

    def read(self, policy: Policy, table: Table = FLOW) -> Mapping[State, Card]:
        """Return the cards under a policy."""
        return cards(table, policy)

    def test_ways_to_an_address(self) -> None:
        """Without spelling, there is no chapter about e-mail, and no way to it."""
        only_on_file = Policy(address=Address(strategies=(Strategy.ON_FILE,)))
        policy = evolve(only_on_file, bills=Bills(another=False))
        pictures = chapters(FLOW, policy)

        assert Phase.EMAIL not in pictures
        assert State.ANOTHER not in self.read(policy)
        for words in ("spelled by keypad", "a texted link"):
            assert words not in overview(FLOW, policy).svg()
        assert "spelled by keypad" in overview(FLOW, Policy()).svg()

    @pytest.mark.parametrize("strategies", [*permutations(Strategy)], ids=str)
    def test_the_policy_orders_the_ways(self, strategies: tuple[Strategy, ...]) -> None:
        """The ways of getting an address are in the order in which callers are offered them."""
        policy = Policy(address=Address(strategies=strategies))
        wanted = [address.WAYS[strategy] for strategy in strategies]

        entries = self.read(policy)[State.ADDRESS].entries
        assert [entry.words for entry in entries if entry.words in wanted] == wanted

    def test_one_language(self) -> None:
        """No one is asked for the only language."""
        policy = Policy(languages=Languages(offered=("en-US",)))

        assert State.LANGUAGE not in self.read(policy)
        assert State.LANGUAGE in self.read(Policy())

    def test_what_the_policy_settles_is_no_question(self) -> None:
        """Going back to paper by phone is allowed by default, so no row is for when it is not."""
        words = [entry.words for entry in self.read(Policy())[State.ACCOUNT].entries]
        targets = [e.targets for e in self.read(Policy())[State.ENROLLMENT].entries]

        assert "wants paper, not possible by phone" not in words
        assert (State.ALREADY_MENU,) in targets


def test_a_link_that_is_out_is_an_outcome_of_its_own() -> None:
    """The ending "Link sent" is separate from "Enrolled": the bill is not paperless yet."""
    outcomes = {end: block.group for end, block in BLOCKS.items() if isinstance(block, End)}
    alike = [end for end, outcome in outcomes.items() if outcome is outcomes[State.LINK_SENT]]
    assert alike == [State.LINK_SENT]
    boxes = overview(FLOW).svg().split('<g class="outcome">')[1:]
    box = next(box for box in boxes if 'id="LINK_SENT"' in box)
    assert "A link was sent" in box


def test_what_a_policy_switches_off_is_counted() -> None:
    """The count for a chapter is the number of ways that its picture leaves out."""
    without = Policy(address=Address(strategies=(Strategy.ON_FILE,)))
    off = switched_off(FLOW, without)
    email = sum(
        len(entry.rows)
        for card in cards(FLOW).values()
        if card.state.phase is Phase.EMAIL
        for entry in (*card.entries, *card.shared)
    )
    assert off[Phase.EMAIL] == email
    assert 0 < off[Phase.ADDRESS] < email
