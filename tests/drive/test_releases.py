"""A change of policy while calls are in progress: each one finishes on what it began with."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve

from paperless_ivr.backends.demo import springfield
from paperless_ivr.drive import session
from paperless_ivr.errors import OtherSchema, UnknownCall
from paperless_ivr.flow.events import Accepted, OutcomeUnknown
from paperless_ivr.flow.host import Disposition, Moment, Reason, Registration
from paperless_ivr.flow.saving import SCHEMA, load
from paperless_ivr.records.memory import MemoryLiveCalls
from paperless_ivr.records.port import ActivityType, SavedCall
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import Press
from tests.drive.line import ARRIVAL, POLICY, RIVERA, SID, Line

pytestmark = pytest.mark.requirement("R19", "R31")

NEW = evolve(
    POLICY,
    about=evolve(POLICY.about, version="2"),
    proof=evolve(POLICY.proof, account_keys=(6, 6)),
    words={"en-US": {"end_declined": "As you like.", "last_four": "Your last four digits."}},
)
"""Another policy, with other words."""


def changed(line, *, together=True):
    """Let a worker with the new policy answer from now on, with or without the old one."""
    old = line.workers[0]
    line.policy = NEW
    return line.worker(old) if together else line.worker()


def test_a_call_finishes_on_the_release_that_it_began_with():
    """Words, rules, and the version on record are the old ones; the next call has the new ones."""
    line = Line()
    line.begin()
    changed(line)
    line.go(Press("1"))
    assert "enter the last four digits of your account number." in line.go().document
    for acts in ([Press("1137")], [], [Press("1")], []):
        line.go(*acts)
    assert line.disposition is Disposition.ENROLLED
    assert {a.policy_version for a in line.record.activities} == {POLICY.about.version}

    other = "CA" + 32 * "1"
    line.runtime = SimulatedTwilio(line.gateway, other)
    arrival = evolve(ARRIVAL, call_id=other, ani=None)
    line.reply = line.workers[-1].answer(line.runtime.begins(arrival))
    assert "As you like." in line.go(Press("2")).document
    assert line.record.activities[-1].policy_version == "2"


def test_a_call_of_the_old_release_is_tidied_and_hung_up_on_it():
    """A yes in an abandoned or hung-up call is carried out by the old release's flow."""
    for leave in ("tidy", "hang up"):
        line = Line()
        line.to_consent()
        line.go(Press("1"))
        new = changed(line)
        if leave == "tidy":
            line.clock.go(11 * 60)
            new.reap()
        else:
            new.hang_up(SID)
        new.close()
        assert line.disposition is Disposition.ABANDONED
        assert line.backend.registration(RIVERA.id, "WATER") is Registration.PENDING


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("how", ["visit", "tidy", "hang up", "hand-over"])
def test_a_call_whose_release_nobody_has_goes_back_to_the_host(how):
    """Before a yes, nothing is kept. The call is ended on record, and forgotten."""
    line = Line()
    line.begin()
    line.go(Press("1"))
    new = changed(line, together=False)
    if how == "visit":
        handback = line.go().handback
        assert line.runtime.follow(line.reply.document) is None
        assert line.runtime.handed_back["reason"] == "other_edition"
        assert (handback.disposition, handback.language) == (Disposition.INCOMPLETE, "en-US")
    elif how == "tidy":
        line.clock.go(251 * 60)
        new.reap()
    elif how == "hang up":
        new.hang_up(SID)
    else:
        new.answer(line.runtime.begins(evolve(ARRIVAL, moment=Moment.START)))
        assert line.calls.load(SID).turn == 1
        new.hang_up(SID)
        line.ended.pop()
    assert line.ended[0].reason is Reason.OTHER_RELEASE
    assert line.record.kept() == ()
    ends = [a.detail["disposition"] for a in line.record.activities if a.what is ActivityType.ENDED]
    assert ends[0] == "incomplete"
    if how == "visit":  # for an answer that arrives twice
        line.clock.go(121)
        new.reap()
    with pytest.raises(UnknownCall):
        line.calls.load(SID)


@pytest.mark.requirement("R09", "R32")
def test_a_yes_of_a_release_that_nobody_has_is_kept():
    """The request is kept as agreed, with the consent's words, and the host gets it as deferred."""
    line = Line()
    line.to_consent()
    line.go(Press("1"))
    changed(line, together=False)
    handback = line.go().handback

    (kept,) = line.record.kept()
    assert (handback.disposition, handback.registration) == (
        Disposition.DEFERRED,
        Registration.KEPT,
    )
    assert handback.consents == (kept.evidence.consent.reference,)
    assert (kept.request.customer, kept.request.email) == (RIVERA.id, RIVERA.email)
    assert kept.evidence.words.startswith("If you agree, your bill will come by e-mail")
    assert line.backend.registration(RIVERA.id, "WATER") is Registration.NONE


class Together(MemoryLiveCalls):
    """Calls that the next two requests both load before either of them moves one."""

    barrier = None

    def load(self, call_id):
        """Load the call. The first two requests wait for each other."""
        there, barrier = super().load(call_id), self.barrier
        if barrier is not None:
            with suppress(BrokenBarrierError):
                barrier.wait(10)
            self.barrier = None
        return there


def at_once(line, *workers):
    """Return the answers of two workers that get the same request at the same time."""
    line.calls.barrier = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda worker: worker.answer(line.request), workers))


def on_shared_calls():
    """Return a call at a question, in a store where two requests can collide."""
    line = Line()
    line.calls = Together(now=line.clock)
    line.store = SeparateStores(line.record, line.calls)
    line.workers.clear()
    line.worker()
    line.begin()
    return line


@pytest.mark.requirement("R31", "R48")
def test_one_answer_that_comes_twice_at_once():
    """Two workers without the release both give the call back in the same words."""
    line = on_shared_calls()
    new = changed(line, together=False)
    line.follow(Press("1"))
    one, other = at_once(line, new, new)
    assert one.document == other.document
    line.runtime.follow(other.document)
    assert line.runtime.handed_back["reason"] == "other_edition"
    assert [back.reason for back in line.ended] == [Reason.OTHER_RELEASE]


@pytest.mark.requirement("R31", "R48")
def test_one_answer_that_comes_to_both_releases_at_once():
    """Whichever of them moves the call first, both workers answer with the result."""
    line = on_shared_calls()
    old, new = line.workers[0], changed(line, together=False)
    line.follow(Press("1"))
    one, other = at_once(line, old, new)
    assert one.document == other.document
    assert line.calls.load(SID).document == one.document


@pytest.mark.requirement("R31", "R48")
def test_a_late_answer_does_not_end_a_call_of_another_release():
    """A worker without the release returns the last document again."""
    line = on_shared_calls()
    line.go(Press("1"))
    there, late = line.calls.load(SID), line.request
    new = changed(line, together=False)
    assert new.answer(late).document == line.reply.document
    assert line.calls.load(SID) == there
    assert line.ended == []


@pytest.mark.requirement("R31", "R48")
def test_a_call_that_was_given_back_is_given_back_again():
    """The call's last document is kept as long as that of any call, and then forgotten."""
    line = on_shared_calls()
    line.follow(Press("1"))
    new = changed(line, together=False)
    first = new.answer(line.request)
    noted = line.record.activities
    assert new.answer(line.request).document == first.document
    assert line.record.activities == noted
    line.clock.go(121)
    new.reap()
    with pytest.raises(UnknownCall):
        line.calls.load(SID)
    assert line.record.activities == noted


def test_a_write_under_way_is_not_wished_for_again():
    """The request has the key of the write. Once that is known to be done, no work is left."""
    line = Line()
    line.to_consent()
    line.go(Press("1"))
    stored = line.calls.load(SID)
    at = session.read(stored).session(line.workers[0].setup.flow, stored)
    request = at.turn.then
    (evidence,) = at.evidence.values()
    line.record.intend(request, evidence, POLICY.limits)
    line.record.settle(request.key, OutcomeUnknown())
    changed(line, together=False)
    line.go()
    assert [kept.key for kept in line.record.kept()] == [request.key]

    line.record.settle(request.key, Accepted())
    assert line.record.kept() == ()
    assert [followed.key for followed in line.record.followed()] == [request.key]


def test_a_record_that_is_down_keeps_the_call():
    """A yes that cannot be kept stays with its call until it can be."""
    line = Line()
    line.to_consent()
    line.go(Press("1"))
    new = changed(line, together=False)
    line.record.down = True
    assert line.go().handback.reason is Reason.RECORD_DOWN
    assert line.calls.load(SID)
    line.record.down = False
    line.clock.go(251 * 60)
    new.reap()
    assert len(line.record.kept()) == 1


def test_an_ended_call_whose_release_nobody_has():
    """The last document is returned again, nothing more is noted, and in time it is forgotten."""
    line = Line()
    line.begin()
    last = line.go(Press("2"))
    new = changed(line, together=False)
    noted = line.record.activities
    assert new.answer(line.request).document == last.document
    line.clock.go(121)
    new.reap()
    assert line.record.activities == noted
    with pytest.raises(UnknownCall):
        line.calls.load(SID)


# ── another form ──


def of_another_form(line):
    """Return the stored call in the form of an earlier version of the library."""
    saved = line.calls.load(SID)
    content = saved.call.replace(b'"schema":2', b'"schema":1', 1)
    assert content != saved.call
    line.calls.drop(SID)
    line.calls.save(SavedCall(SID, saved.turn, content, saved.document), None)


def test_a_call_of_another_form_is_a_named_error():
    """The call is neither guessed at nor moved."""
    line = Line()
    line.begin()
    of_another_form(line)
    forms = ((session.read, session.SCHEMA), (lambda saved: load(saved.call), SCHEMA))
    for read, form in forms:
        with pytest.raises(OtherSchema, match=f"format 1; this version reads format {form}"):
            read(line.calls.load(SID))


@pytest.mark.requirement("R10")
def test_a_call_of_another_form_goes_back_to_the_host(capsys):
    """The call stays stored for a worker that can read it, and others are still cleaned up."""
    line = Line(springfield())
    line.begin()
    of_another_form(line)
    before = line.calls.load(SID)
    reply = line.go(Press("1"))
    assert reply.handback.disposition is Disposition.INCOMPLETE
    assert "OtherSchema" in capsys.readouterr().out

    other = evolve(ARRIVAL, call_id="CA1")
    line.workers[0].answer(line.runtime.begins(other))
    line.clock.go(11 * 60)
    line.workers[0].reap()
    assert "call.not_reaped" in capsys.readouterr().out
    assert line.calls.load(SID) == before
    with pytest.raises(UnknownCall):
        line.calls.load("CA1")


@pytest.mark.requirement("R46")
def test_a_draining_server_waits_for_its_own_calls_only():
    """Calls saved by another version, or of another release, are left to their own servers."""
    line = Line(springfield())
    line.begin()
    line.clock.go(1)
    driver, other = line.workers[0], changed(line, together=False)
    assert driver.any_live()
    assert not other.any_live()
    of_another_form(line)
    line.clock.go(1)
    assert not driver.any_live()


@pytest.mark.requirement("R46")
def test_two_versions_at_two_addresses():
    """A call stays with the server that wrote its documents, while another one takes new calls."""
    line = Line()
    old_gateway, answers = line.gateway, []
    line.begin()
    line.gateway = evolve(old_gateway, address="https://ivr.example.com/new")
    new = changed(line, together=False)
    for acts in ([Press("1")], [], [Press("1137")], [], [Press("1")], []):
        answers += addresses(line.reply.document)
        line.go(*acts, worker=0)
        new.reap()
    assert line.disposition is Disposition.ENROLLED
    assert {answer.startswith(f"{old_gateway.address}/") for answer in answers} == {True}

    other = SimulatedTwilio(line.gateway, "CA" + 32 * "1")
    begun = new.answer(other.begins(evolve(ARRIVAL, call_id=other.call_id, ani=None)))
    assert all(a.startswith(f"{line.gateway.address}/") for a in addresses(begun.document))


def addresses(document):
    """Return the addresses to which a document sends the call."""
    verbs = list(ET.fromstring(document).iter())
    return [verb.attrib.get("action") or verb.text for verb in verbs if verb.tag in GOES]


GOES = ("Gather", "Redirect")
