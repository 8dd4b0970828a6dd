"""Calls over web requests: workers that share, crash, and wait; abandoned calls."""

from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.backends.demo import springfield
from paperless_ivr.backends.memory import Fault
from paperless_ivr.drive.tokens import TokenSigner, TurnToken
from paperless_ivr.errors import UnknownCall
from paperless_ivr.flow.events import Accepted, Unavailable
from paperless_ivr.flow.host import Disposition, Moment, Reason, Registration
from paperless_ivr.records.memory import MemoryLiveCalls
from paperless_ivr.records.port import ActivityType, SavedCall
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import HangUp, Press
from tests.drive.line import ARRIVAL, GATEWAY, KEY, RIVERA, SID, Line


@pytest.mark.requirement("R09", "R30", "R31")
def test_a_caller_enrols_though_every_request_meets_another_worker():
    """Workers share only the store, and the consent has the words that were heard."""
    line = Line()
    line.begin()
    for acts in ([Press("1")], [], [Press("1137")], [], [Press("1")], []):
        line.worker()
        line.go(*acts)
    assert line.follow() is None
    assert line.runtime.handed_back["disposition"] == "enrolled"
    assert line.reply.handback.registration is Registration.PENDING
    assert line.backend.registration(RIVERA.id, "WATER") is Registration.PENDING
    (given,) = [a.evidence for a in line.record.activities if a.what is ActivityType.CONSENTED]
    assert given.words.startswith("If you agree, your bill will come by e-mail")
    assert next(iter(line.record.writes.values())).evidence == given
    assert next(iter(line.record.writes.values())).answer == Accepted()


@pytest.mark.requirement("R09")
def test_a_key_in_the_question_is_no_yes():
    """After a 1 while the address is still being spelled, the caller is asked to listen first."""
    line = Line()
    line.to_consent()
    line.go(Press("1", at=0))
    assert not line.record.writes
    assert "listen" in line.reply.document.lower()
    line.go(Press("1"))
    line.go()
    assert len(line.record.writes) == 1


@pytest.mark.requirement("R09", "R31")
def test_a_late_answer_gets_the_last_document():
    """Every earlier request, sent again at any time, changes nothing."""
    line, sent = Line(), []
    line.begin()
    for acts in ([Press("1")], [], [Press("1137")], [], [Press("1")], []):
        sent.append(line.request)
        line.go(*acts)
        before = line.calls.load(SID)
        for request in sent:
            assert line.workers[0].answer(request).document == line.reply.document
        assert line.calls.load(SID) == before
    assert len(line.record.writes) == 1
    assert len(line.backend.emails) == 1


@pytest.mark.requirement("R09")
def test_an_address_that_is_asked_again_without_its_keys():
    """If a fallback leads back to where a request failed, the call continues after a silence."""
    line = Line()
    asked = line.to_consent().document
    line.follow(Press("1"))  # no one answers
    again = line.runtime._request(f"{GATEWAY.address}{line.request.path}?{line.request.query}")
    line.reply = line.workers[0].answer(again)
    assert not line.record.writes
    assert "To agree, press 1" in asked
    assert "To agree, press 1" in line.reply.document
    line.go(Press("1"))
    line.go()
    assert len(line.record.writes) == 1


def test_one_moment_is_heard_before_the_wait():
    """A request is carried out on the visit after its words."""
    line = Line()
    line.begin()
    reply = line.go(Press("1"))
    assert "Just a moment, please." in reply.document
    assert urlsplit(ET.fromstring(reply.document)[-1].text).path == "/twilio/on"
    assert "service" not in [a.what for a in line.record.activities]
    assert "last four digits" in line.go().document


# ── abandoned calls ──


@pytest.mark.requirement("R31")
def test_a_call_that_nothing_is_heard_of_ends():
    """After ten minutes of silence, a call is abandoned. Once it has ended, it is forgotten."""
    line = Line()
    line.begin()
    line.clock.go(9 * 60)
    line.workers[0].reap()
    assert not line.ended
    line.clock.go(2 * 60)
    line.workers[0].reap()
    assert line.disposition is Disposition.ABANDONED
    with pytest.raises(UnknownCall):
        line.calls.load(SID)


def test_an_agreed_wish_of_a_call_left_behind_is_carried_out():
    """A caller who said yes, and then was never heard from again, is still enrolled."""
    line = Line()
    line.to_consent()
    line.go(Press("1"))
    line.clock.go(11 * 60)
    line.workers[0].reap()
    assert line.disposition is Disposition.ABANDONED
    assert line.backend.registration(RIVERA.id, "WATER") is Registration.PENDING


def test_a_call_that_cannot_be_read_stops_no_other():
    """A call saved by another version stays, and the other calls are ended."""
    line = Line()
    line.calls.save(SavedCall("CA-of-another-version", 1, b"{}"), None)
    line.begin()
    line.clock.go(11 * 60)
    line.workers[0].reap()
    assert line.disposition is Disposition.ABANDONED
    assert line.calls.load("CA-of-another-version")


def test_the_last_document_of_an_ended_call_is_kept_for_a_while():
    """A repeated request at the end gets it again. Once it is forgotten, the host has the call."""
    line = Line()
    line.begin()
    line.go(Press("2"))
    again = line.workers[0].answer(line.request)
    assert again == line.reply
    assert again.handback.disposition is Disposition.DECLINED
    line.clock.go(121)
    line.workers[0].reap()
    lost = line.workers[0].answer(line.request)
    assert lost.handback.reason is Reason.CALL_LOST
    assert line.runtime.follow(lost.document) is None
    assert len(line.ended) == 1


def test_a_talk_with_a_person_may_be_long():
    """While the caller talks to a person, the call is silent, and continues."""
    line = Line(gateway=evolve(GATEWAY, person="+12175550199"))
    line.begin(evolve(ARRIVAL, person_available=True))
    reply = line.go(Press("0"))
    assert "<Dial" in reply.document
    line.clock.go(60 * 60)
    line.workers[0].reap()
    assert not line.ended
    line.go()
    assert line.calls.load(SID)


def test_a_hang_up_before_anything_was_asked():
    """A status callback ends the call at any moment; a second one does nothing."""
    line = Line()
    line.begin()
    for _ in range(2):
        assert line.workers[0].answer(line.runtime.ends()).status == 204
    assert line.disposition is Disposition.ABANDONED
    assert line.go(HangUp()).status == 204


# ── hand-overs ──


@pytest.mark.requirement("R02")
def test_the_same_hand_over_twice_is_one():
    """The host's request is repeated, so the document is returned again."""
    line = Line()
    first = line.begin()
    assert line.begin() == first
    assert [a.what for a in line.record.activities].count(ActivityType.ARRIVED) == 1


@pytest.mark.requirement("R02", "R09")
def test_a_second_hand_over_of_a_call():
    """After the payment, the same call is handed over again. Keys from the first do not count."""
    line = Line()
    line.begin()
    first = line.follow(Press("1"))
    line.reply = line.workers[0].answer(line.runtime.begins(ARRIVAL))
    line.go(Press("2"))
    second = line.begin(evolve(ARRIVAL, moment=Moment.START))
    before = line.calls.load(SID)
    assert line.workers[0].answer(first) == second
    assert line.calls.load(SID) == before


def test_a_hand_over_in_the_middle_takes_the_call_away():
    """By starting again, the host cancels what was in progress."""
    line = Line()
    line.begin()
    line.begin(evolve(ARRIVAL, moment=Moment.START))
    assert line.disposition is Disposition.TAKEN_BACK
    assert line.ended[0].reason is Reason.HOST_CANCELED
    assert line.turn


# ── what fails ──


@pytest.mark.requirement("R10")
def test_a_store_that_is_down_gives_the_call_back():
    """The caller continues with the host, both at the beginning and in the middle of a call."""
    line = Line()
    line.begin()
    line.calls.down = True
    for request in (line.runtime.begins(ARRIVAL), line.follow(Press("1"))):
        line.reply = line.workers[0].answer(request)
        assert (line.reply.status, line.reply.handback.reason) == (200, Reason.RECORD_DOWN)
        assert line.runtime.follow(line.reply.document) is None
        assert line.runtime.handed_back["disposition"] == "incomplete"
    assert line.workers[0].answer(line.runtime.ends()).status == 503


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("change", ["forged", "token", "call", "answer"])
def test_what_is_refused_changes_nothing(change, capsys):
    """A forged request, another token, another call, or no answer to the question: a 4xx."""
    line = Line()
    line.begin()
    request = line.follow(Press("1"))
    other = SimulatedTwilio(GATEWAY, "CA1")
    if change == "forged":
        request = line.runtime.forged(request)
    elif change == "token":
        request = line.runtime._request(f"{GATEWAY.address}/keys?most=1&end=&turn=x", Digits="1")
    elif change == "call":
        request = other._request(f"{GATEWAY.address}/keys?{request.query}", Digits="1")
    else:
        request = line.runtime._request(f"{GATEWAY.address}/person?{request.query}")
    before = line.calls.load(SID)
    noted = line.record.activities

    assert line.workers[0].answer(request).status in (400, 403)
    assert line.calls.load(SID) == before
    assert line.record.activities == noted
    assert RIVERA.phone.reveal() not in capsys.readouterr().out


@pytest.mark.requirement("R10")
def test_a_service_that_is_down_is_told():
    """A failing service ends the call just as on a held channel."""
    backend = springfield()
    backend.script("SearchByCustomerPhoneNumber", Fault.DOWN, Fault.DOWN)
    line = Line(backend)
    line.begin()
    line.go(Press("1"))
    line.go()
    assert line.disposition is Disposition.UNAVAILABLE


class Broken:
    """A back end that raises something secret."""

    operations = springfield().operations

    def answer(self, request, budget):
        """Raise it."""
        raise RuntimeError(request.phone.reveal())


@pytest.mark.requirement("R24")
def test_a_back_end_that_raises(capsys):
    """A back end that raises counts as a service that is down, and its text is not shown."""
    line = Line(Broken())
    line.begin()
    line.go(Press("1"))
    line.go()
    assert line.disposition is Disposition.UNAVAILABLE
    assert RIVERA.phone.reveal() not in capsys.readouterr().out


# ── tokens ──


def test_tokens():
    """Only a holder of the key can read a token, and it is safe for use in a URL."""
    ticket = TurnToken("CA1", "ab", 7, None)
    token = TokenSigner(KEY).sign(ticket)

    assert TokenSigner(KEY).read(token) == ticket
    assert TokenSigner(secret.credential("another key, as long")).read(token) is None
    assert TokenSigner(KEY).read(token[:-1]) is None
    assert TokenSigner(KEY).read("") is None
    assert all(c.isalnum() or c in "-_." for c in token)
    with pytest.raises(ValueError, match="16 characters"):
        TokenSigner(secret.credential("short"))


def test_what_is_lost_of_a_read():
    """Two such answers are equal, whatever the reason."""
    assert Unavailable("taken over") == Unavailable()


@pytest.mark.requirement("R02", "R48")
def test_a_hand_over_that_is_delivered_twice_at_once(monkeypatch):
    """After an ended call, whichever worker is second returns the first one's document."""
    line = Line()
    line.begin()
    line.go(Press("2"))
    again = line.runtime.begins(evolve(ARRIVAL, moment=Moment.START))
    first, second, replies = line.workers[0], line.worker(), []
    load = MemoryLiveCalls.load

    def overtaken(calls, call_id):
        found = load(calls, call_id)
        if not replies:
            replies.append(None)
            replies[0] = first.answer(again)
        return found

    monkeypatch.setattr(MemoryLiveCalls, "load", overtaken)
    replies.append(second.answer(again))
    assert replies[0].handback is None
    assert replies[1] == replies[0]
