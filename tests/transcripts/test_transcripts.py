"""Every transcript replays, and what does not fit a call is reported."""

import re
from pathlib import Path

import pytest
from attrs import evolve

from paperless_ivr.errors import TranscriptProblems
from paperless_ivr.flow.call import Purpose
from paperless_ivr.flow.events import CustomersFound, Digits, Event, HungUp, Screened
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Disposition
from paperless_ivr.flow.live import Live, deliver
from paperless_ivr.flow.rows import way
from paperless_ivr.flow.states import Kind, State
from paperless_ivr.flow.view import CallView
from paperless_ivr.prompts.catalog import languages
from paperless_ivr.proof.cases import cases
from paperless_ivr.proof.exploration import Counterexample, Move
from paperless_ivr.proof.writing import of_counterexample
from paperless_ivr.secret import keys
from paperless_ivr.transcripts import (
    Transcript,
    differences,
    parse,
    read,
    replay,
    rows_taken,
    update,
)
from paperless_ivr.transcripts.replaying import replayed

pytestmark = pytest.mark.requirement("R43")

FILES = sorted(Path(__file__).parent.glob("*.call"))
COVER = sorted((Path(__file__).parents[1] / "cover").glob("*.call"))
DECLINED = Path(__file__).parent / "declined.call"


def changed(old: str, new: str) -> Transcript:
    """Return the transcript of a no, with something changed."""
    text = DECLINED.read_text(encoding="utf-8")
    assert old in text
    return parse(text.replace(old, new), DECLINED)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_replays(path: Path) -> None:
    """The call goes as the transcript says, from the first word to the last."""
    assert differences(read(path)) == ""


@pytest.mark.parametrize("path", FILES + COVER, ids=lambda path: path.stem)
def test_a_turn_has_one_sorry_at_most(path: Path) -> None:
    """No two prompts in a row apologize: an ending may follow a prompt that already has."""
    heard = re.findall("^hears.*", path.read_text(encoding="utf-8"), re.MULTILINE)
    sorry = re.compile("sorry.*sorry|disculpe.*disculpe", re.IGNORECASE)
    assert [turn for turn in heard if sorry.search(turn)] == []


def test_a_request_under_its_earlier_name() -> None:
    """A transcript of an earlier version has another name for a request, and replays."""
    path = DECLINED.with_name("deferred.call")
    text = path.read_text(encoding="utf-8").replace("DeferRequest", "KeepWish")
    assert "KeepWish" in text
    assert differences(parse(text, path)) == ""


def test_every_disposition_is_told() -> None:
    """There is a transcript for each way in which a call can end."""
    ends = {read(path).steps[-1].rest.split(",")[0] for path in FILES}
    missing = {disposition.value for disposition in Disposition} - ends
    assert missing == set(), "add a transcript of a call that ends like this"


def test_every_state_is_told() -> None:
    """A call goes through each state that says something or waits for something."""
    taken = (row for path in FILES for row in rows_taken(read(path)))
    reached = {name for row in taken for name in way(row)}
    missing = {state.name for state in State if state.kind is not Kind.PASS} - reached
    assert missing == set(), "add a transcript of a call that goes through it"


@pytest.mark.requirement("R09", "R16")
@pytest.mark.parametrize("language", languages())
def test_every_consent_is_told_in_each_language(language: str) -> None:
    """A biller can read the words of each consent, just as a caller hears them."""
    given = {
        consent.purpose.name
        for path in FILES
        for consent in replayed(read(path), None).turns[-1][0].call.consents
        if consent.language == language
    }
    missing = {purpose.name for purpose in Purpose} - given
    assert missing == set(), f"add a transcript of a call in {language} that agrees to it"


def test_requirements_are_those_of_the_mission() -> None:
    """Requirements that a transcript claims to prove are about the call, with full numbers."""
    proved = {number for path in FILES for number in read(path).proves}
    assert proved <= {*(f"R{n:02}" for n in range(1, 25)), "R47", "R51", "R52", "R53"}
    assert len(proved) >= 15


def test_unused_answers_are_named() -> None:
    """Answers that the call did not use are a difference that names each of them."""
    told = differences(changed("presses    2", "presses    2\nsilence\npresses    1"))
    assert "never used: silence" in told
    assert "never used: presses    1" in told


def test_a_missing_answer_is_named() -> None:
    """A call that continues where the transcript ends says what it waits for."""
    told = differences(changed("presses    2\n", ""))
    assert "+needs      one key, silence, or a hang-up" in told


def test_a_missing_service_answer_is_named() -> None:
    """A missing answer of the service is named by its operation."""
    told = differences(changed("presses    2\n", "presses    1\n"))
    assert "+needs      the service's answer to SearchByCustomerPhoneNumber" in told


@pytest.mark.parametrize(
    "pressed", ["12", "12 then silence", "12#"], ids=["full", "paused", "ended"]
)
def test_keys_that_no_runtime_gathers(pressed: str) -> None:
    """Two keys are not an answer to a question that takes one."""
    assert "+needs      one key" in differences(changed("presses    2", f"presses    {pressed}"))


def test_changed_wording_shows() -> None:
    """Different words show as a diff, old and new."""
    told = differences(changed("leave things as they are", "change nothing"))
    assert "-hears      No problem, we'll change nothing." in told
    assert "+hears      No problem, we'll leave things as they are." in told


def test_a_second_delivery_is_no_answer() -> None:
    """A key that is delivered again needs one that was pressed before."""
    told = differences(changed("presses    2", "presses    1 again\npresses    2"))
    assert "a key that is delivered again must change nothing" in told


def test_every_problem_is_named_at_once() -> None:
    """An unreadable transcript reports everything that is wrong with it, each with its line."""
    text = """# A call.
moment:    sometimes
caller:    nobody-known
color:    red

presses    x
sings
service    Guess: yes
service    InvoiceExists: perhaps
service    SearchByAccountNumber: rivera (GAS pending)
record     DeferRequest: lost
transfer   soon
# Too late.
"""
    with pytest.raises(TranscriptProblems) as caught:
        parse(text, "wrong.call")
    lines = [int(p.split(":")[0].removeprefix("line ")) for p in caught.value.problems]
    assert sorted(lines) == [2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13]


def test_no_file(tmp_path: Path) -> None:
    """A missing file is a problem of the transcript."""
    with pytest.raises(TranscriptProblems, match="cannot be read"):
        read(tmp_path / "no.call")


def test_nothing_happens() -> None:
    """A transcript without a call is invalid."""
    with pytest.raises(TranscriptProblems, match="it contains no call"):
        parse("moment:    start\n")


def test_update_rewrites_what_is_heard(tmp_path: Path) -> None:
    """Words and endings are rewritten as the call goes; a second time, nothing changes."""
    path = tmp_path / "a.call"
    text = DECLINED.read_text(encoding="utf-8")
    path.write_text(text.replace("leave things as they are", "stop"), encoding="utf-8")
    assert update(path)
    assert path.read_text(encoding="utf-8") == text
    assert not update(path)


def test_update_drops_no_answer(tmp_path: Path) -> None:
    """A transcript whose answers do not fit the call is left alone."""
    path = tmp_path / "a.call"
    text = DECLINED.read_text(encoding="utf-8").replace("presses    2", "presses    2\nsilence")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TranscriptProblems, match="never used: silence"):
        update(path)
    assert path.read_text(encoding="utf-8") == text


def test_another_flow() -> None:
    """A transcript can be replayed against a flow other than its own."""
    transcript = read(DECLINED)
    ours = Flow(transcript.terms)
    renamed = evolve(
        ours.terms.policy, words={"en-US": {"end_declined": "Fine, nothing was changed."}}
    )
    other = Flow(evolve(ours.terms, policy=renamed))
    assert "Fine, nothing was changed." in replay(transcript, other)


def test_a_counterexample_is_a_transcript() -> None:
    """A call that the walk finds is written with its problem, and replays in the same way."""
    case = next(c for c in cases() if c.arrival.moment.value == "before_payment")
    flow = Flow(case.terms)
    live = Live(flow.begin(case.arrival))
    path: list[Move] = []
    events: tuple[Event, ...] = (
        Screened(),
        Digits(keys("1")),
        CustomersFound(case.world.customers),
        HungUp(),
    )
    for event in events:
        after = deliver(flow, live, live.token, event)
        path.append(Move(CallView(live.call, flow.terms), live.turn, event, after.turn))
        live = after
    text = of_counterexample(Counterexample("every call ends", "back again", tuple(path)), case)
    assert text.startswith("# every call ends: back again\n")
    assert differences(parse(text), flow) == ""
