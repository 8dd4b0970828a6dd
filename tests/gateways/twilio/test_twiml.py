"""Turns as TwiML, compared with what Twilio's own library writes."""

import math
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.twiml.voice_response import Gather as TheirGather
from twilio.twiml.voice_response import Say, VoiceResponse

from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.host import Arrival, Disposition, Handback, Moment, Reason
from paperless_ivr.flow.host_strings import handback_from_strings
from paperless_ivr.flow.slots import Words
from paperless_ivr.flow.turns import Gather, Prompt, Return, Transfer, Turn, barge_in_runs
from paperless_ivr.flow.view import CallView
from paperless_ivr.gateways.twilio import VOICES
from paperless_ivr.gateways.web import read_handback
from paperless_ivr.prompts import (
    Cardinal,
    Characters,
    Date,
    Letter,
    Money,
    Pause,
    Text,
    speech,
)
from paperless_ivr.prompts.plain import amount
from paperless_ivr.records.memory import MemoryLiveCalls
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.secret import account, credential, keys
from paperless_ivr.testing.playback import Playback
from paperless_ivr.transcripts import read
from tests.gateways.twilio.making import gateway
from tests.gateways.twilio.test_visits import request

FILES = sorted((Path(__file__).parents[2] / "transcripts").glob("*.call"))


def sign(heard):
    """Return a token that contains the prompt."""
    return f"token-{heard}"


def turns(path):
    """Yield every turn of a transcript, with its words and language."""
    playback, seen = Playback(read(path)), []
    flow = playback.flow

    def moved(move):
        playback.moved(move)
        if move.before is not None:
            seen.append(move.after.turn)

    store = SeparateStores(playback, MemoryLiveCalls())
    setup = Setup(flow, playback.words, playback, store, observers=(moved,))
    Driver(setup).converse(playback, playback.transcript.arrival)
    seen.insert(0, flow.begin(playback.transcript.arrival))
    return [(turn, CallView(turn.call, flow.terms).language, playback.words) for turn in seen]


def theirs(turn, language, words, address):
    """Return the turn as written with Twilio's library."""
    response = VoiceResponse()
    if not isinstance(turn.then, Gather):
        said(response, turn.say, language, words)
        if isinstance(turn.then, Transfer):
            response.dial(action=f"{address}/person?turn=token-None", timeout=30).number(
                "+12175550199"
            )
        elif not isinstance(turn.then, Return):
            response.redirect(f"{address}/on?turn=token-None")
        return response
    then, runs = turn.then, barge_in_runs(turn)
    for number, run in enumerate(runs):
        last = number == len(runs) - 1
        heard = None if last else run.start
        end = then.end_key.replace("#", "%23")
        longest = max(then.first_key_wait, then.next_key_wait if then.max_keys > 1 else 0)
        if then.begun:
            longest = max(then.next_key_wait, 5)
        gather = TheirGather(
            input="dtmf",
            action=f"{address}/keys?most={then.max_keys}&end={end}&turn=token-{heard}",
            num_digits=then.max_keys,
            finish_on_key=then.end_key if then.max_keys > 1 and not then.begun else "",
            timeout=math.ceil(longest) if last else 1,
            action_on_empty_result=last,
        )
        said(gather, turn.say[run.start : run.stop], language, words)
        response.append(gather)
    response.redirect(f"{address}/silence?turn=token-None")
    return response


@pytest.mark.requirement("R15", "R41")
def test_the_end_key_alone_after_a_pause():
    """After a pause in an entry, `#` is gathered like a digit, or it may count as silence."""
    ask = Gather("0123456789*", 8, 12.0, 3.0, begun=True)
    document = gateway().write(Turn(None, (), ask), sign, "en-US")
    (asked,) = ET.fromstring(document).iter("Gather")
    assert (asked.attrib["finishOnKey"], asked.attrib["timeout"]) == ("", "5")
    assert urlsplit(asked.attrib["action"]).query == "most=8&end=%23&turn=token-None"


def said(verb, prompts, language, words):
    """Return what some prompts say."""
    for number, prompt in enumerate(prompts):
        spoken = prompt.language or language
        say, text = Say(language=spoken, voice=VOICES[spoken]), []
        pieces = (*[Pause()] * bool(number), *speech(prompt, spoken, words))
        for piece in pieces:
            match piece:
                case Text(plain) | Letter(plain):
                    text.append(plain)
                case Money():
                    text.append(amount(piece))
                case Date(_, plain):
                    text.append(plain)
                case _:
                    nested(say, text, piece)
        say.append("".join(text))
        verb.append(say)


def nested(say, text, piece):
    """Return a piece that is a separate element."""
    say.append("".join(text))
    text.clear()
    match piece:
        case Characters(groups):
            for place, group in enumerate(groups):
                if place:
                    say.break_(time="300ms")
                say.say_as(group, interpret_as="characters")
        case Cardinal(many):
            say.say_as(str(many), interpret_as="cardinal")
        case Pause():
            say.break_(time="300ms")


def same(ours, other):
    """Return whether two documents are the same except for the order of attributes."""
    return ET.canonicalize(ours) == ET.canonicalize(str(other))


@pytest.mark.requirement("R41")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_turn_is_what_twilios_library_writes(path):
    """Every document of every transcript is what Twilio's library makes of the turn."""
    for turn, language, words in turns(path):
        ours = gateway(catalog=words, person="+12175550199")
        written = ours.write(turn, sign, language)
        expected = theirs(turn, language, words, ours.address)
        if isinstance(turn.then, Return):
            root = ET.fromstring(written)
            expected.redirect(root[-1].text)
        assert same(written, expected)


@pytest.mark.requirement("R09")
def test_a_consent_is_asked_run_by_run():
    """The words that must be heard are in a separate gather, which does not wait for long."""
    say = (Prompt("text_rates", must_hear=True), Prompt("menu_help"))
    turn = Turn(Call(Arrival("c", "b")), say, Gather("12", 1, 5.0, 3.0, type_ahead=False))
    first, second, _ = ET.fromstring(gateway().write(turn, sign, "en-US"))

    assert (first.get("timeout"), second.get("timeout")) == ("1", "5")
    assert [parse_qs(urlsplit(g.get("action")).query)["turn"] for g in (first, second)] == [
        ["token-0"],
        ["token-None"],
    ]


def test_without_barge_in():
    """If no key may interrupt, the prompts are outside the gather."""
    turn = Turn(
        Call(Arrival("c", "b")),
        (Prompt("offer"), Prompt("menu_help")),
        Gather("12", 1, 5.0, 3.0, barge_in=False),
    )
    root = ET.fromstring(gateway().write(turn, sign, "en-US"))
    assert [verb.tag for verb in root] == ["Say", "Say", "Gather", "Redirect"]
    assert len(root[2]) == 0


def test_recordings_and_plain_text():
    """Prompts without gaps may be recordings. A language without a voice is plain text."""
    turn = Turn(
        Call(Arrival("c", "b")),
        (Prompt("offer"), Prompt("offer", language="es-US")),
        Gather("12", 1, 5.0, 3.0),
    )
    recorded = gateway(recordings="https://cdn.example.com/prompts")
    played = ET.fromstring(recorded.write(turn, sign, "en-US"))[0]
    assert [verb.text for verb in played] == [
        "https://cdn.example.com/prompts/en-US/offer.wav",
        "https://cdn.example.com/prompts/es-US/offer.wav",
    ]
    plain = ET.fromstring(gateway(voices={}).write(turn, sign, "en-US"))[0]
    assert [dict(verb.attrib) for verb in plain] == [{"language": "en-US"}, {"language": "es-US"}]
    assert all(len(verb) == 0 and verb.text for verb in plain)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_whatever_is_said_is_well_formed(name):
    """A biller's name with any characters results in a valid document."""
    turn = Turn(
        Call(Arrival("c", "b")),
        (Prompt("greeting", (("biller", Words(name)),)),),
        Gather("12", 1, 5.0, 3.0),
    )
    for voices in (VOICES, {}):
        root = ET.fromstring(gateway(voices=voices).write(turn, sign, "en-US"))
        assert [verb.tag for verb in root] == ["Gather", "Redirect"]


@pytest.mark.requirement("R18", "R48")
def test_what_the_host_gets_back():
    """The host gets the whole hand-back, signed, except for what shows who called.

    It comes from the hand-back itself, because nothing else is left of a call that the store has
    lost.
    """
    ours = gateway(host="https://host.example.com/voice?line=2")
    handback = Handback(
        Disposition.INCOMPLETE,
        Reason.RECORD_DOWN,
        call_id="CA1",
        handover="h1",
        moment=Moment.AFTER_PAYMENT,
        paid=True,
        language="es-US",
        account=account("20481137"),
        greeted=True,
        unused_keys=keys("7"),
    )
    turn = Turn(Call(Arrival("", "")), (), Return(handback))
    url = ET.fromstring(ours.write(turn, sign, "en-US"))[-1].text
    query = urlsplit(url).query
    told = read_handback(query, ours.host_key)

    assert url.startswith("https://host.example.com/voice?line=2&")
    assert told.pop("line") == "2"
    assert handback_from_strings(told) == evolve(handback, account=None)
    assert (told["failed"], told["offer_again"]) == ("yes", "no")
    assert "20481137" not in url
    with pytest.raises(Exception, match="invalid signature"):
        read_handback(query.replace("incomplete", "enrolled"), ours.host_key)
    with pytest.raises(Exception, match="invalid signature"):
        read_handback(query, credential("another key"))


@pytest.mark.parametrize(
    ("caller", "shown"),
    [
        ("sip:kiosk@example.com", "+12175550100"),
        ("client:tommy", "+12175550100"),
        ("+266696687", "+12175550100"),
        ("+12175550151", None),
    ],
)
def test_who_a_person_sees_calling(caller, shown):
    """A caller without a number is transferred with one of the account's; others, with theirs."""
    ours = gateway(person="+12175550199", caller_id="+12175550100")
    visit = ours.read(request("/begin", From=caller))
    turn = Turn(Call(visit.arrival), (), Transfer(Reason.CALLER_ASKED))
    assert ET.fromstring(ours.write(turn, sign, "en-US"))[-1].get("callerId") == shown


def test_a_caller_id_that_is_none():
    """An invalid number is noticed when the gateway is made."""
    with pytest.raises(ValueError, match="caller_id"):
        gateway(caller_id="2175550100")
