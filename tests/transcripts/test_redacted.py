"""Real calls are written down with stand-ins, and go the same way."""

import random
import re
from datetime import UTC, datetime
from itertools import pairwise, product
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from paperless_ivr import secret
from paperless_ivr.backends.demo import CUSTOMERS
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.protocol import Move
from paperless_ivr.drive.runner import Setup
from paperless_ivr.drive.session import Session
from paperless_ivr.errors import TranscriptProblems
from paperless_ivr.flow.call import Call, Entry
from paperless_ivr.flow.events import Digits, Screened
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.policy import Policy, Strategy
from paperless_ivr.flow.states import State
from paperless_ivr.flow.turns import Return
from paperless_ivr.flow.view import Terms
from paperless_ivr.keypad import EmailPad, last_four, looks_like_card, mailbox, national
from paperless_ivr.records.memory import MemoryLiveCalls
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.testing.playback import Playback
from paperless_ivr.testing.strategies import Step, flows, walks
from paperless_ivr.transcripts import differences, parse, read
from paperless_ivr.transcripts.replaying import replayed
from paperless_ivr.transcripts.scribe import Scribe, redacted
from paperless_ivr.transcripts.stand_ins import StandIns
from tests.counts import heavy
from tests.flow.test_secrets import personal

FILES = sorted(Path(__file__).parent.glob("*.call"))
PAD = EmailPad()


def moves_of(steps: tuple[Step, ...]) -> list[Move]:
    """Return a walk as an observer sees it."""
    now = datetime.now(UTC)
    return [
        Move(Session(before.turn, now), after.event, Session(after.turn, now))
        for before, after in pairwise(steps)
    ]


@pytest.mark.prove
@pytest.mark.requirement("R24", "R43")
@settings(deadline=None, max_examples=heavy(50, 150))
@given(st.data())
def test_any_call(data: st.DataObject) -> None:
    """It contains nothing personal, and takes the same rows to the same end."""
    flow = data.draw(flows())
    moves = moves_of(data.draw(walks(flow)))
    if not moves:
        return
    text = redacted(flow, moves, chance=random.Random(data.draw(st.integers(0, 99))))

    replay = replayed(parse(text), flow)
    assert [row for move in moves for row in move.after.turn.took] == replay.rows
    last = moves[-1].after.turn
    if isinstance(last.then, Return):
        assert replay.live.call.state is last.call.state
        assert f"ends       {last.then.handback.disposition.value}" in text
        assert differences(parse(text), flow) == ""
    for told in personal(*((move.before.call, move.event) for move in moves)):
        assert told not in text


KEYPAD_FIRST = evolve(Policy(), address=evolve(Policy().address, strategies=(Strategy.KEYPAD,)))


@pytest.mark.prove
@pytest.mark.requirement("R24", "R43")
@settings(deadline=None, max_examples=heavy(20, 60))
@given(st.data())
def test_addresses_that_are_keyed(data: st.DataObject) -> None:
    """Addresses are spelled with as many keys, slips, pauses, and corrections."""
    flow = Flow(Terms(KEYPAD_FIRST))
    moves = moves_of(data.draw(walks(flow, most=60)))
    if not moves:
        return
    text = redacted(flow, moves)

    keyed = [m.event for m in moves if isinstance(m.event, Digits)]
    written = [step.event for step in parse(text).steps if isinstance(step.event, Digits)]
    assert [len(event.keys) for event in keyed] == [len(event.keys) for event in written]
    assert [row for move in moves for row in move.after.turn.took] == replayed(
        parse(text), flow
    ).rows
    for told in personal(*((move.before.call, move.event) for move in moves)):
        assert told not in text


@pytest.mark.requirement("R24", "R43")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_transcript(path: Path) -> None:
    """A call of the demo, written down by a driver's hook, has none of its customers' values."""
    playback, written = Playback(read(path)), []
    scribe = Scribe(playback.flow, lambda _, text: written.append(text))
    store = SeparateStores(playback, MemoryLiveCalls())
    observers = (playback.moved, scribe.moved)
    setup = Setup(playback.flow, playback.words, playback, store, observers=observers)

    Driver(setup).converse(playback, playback.transcript.arrival)

    if not playback.rows:
        assert written == []  # nothing happened in it
        return
    (text,) = written
    assert differences(parse(text), playback.flow) == ""
    assert replayed(parse(text), playback.flow).rows == playback.rows
    real = [who for handle, who in CUSTOMERS.items() if handle in path.read_text(encoding="utf-8")]
    for told in personal(*real, playback.transcript.arrival):
        assert told not in text
    for who in real:
        assert who.name.reveal() not in text
        assert last_four(who.account.reveal()) not in text


# ── stand-ins ──

NUMBERS = st.text("0123456789", min_size=5, max_size=19)
CARDS = st.sampled_from(["4111111111111111", "5555555555554444", "378282246310005"])


def stand_ins(*domains: str) -> StandIns:
    """Return the stand-ins of one call."""
    return StandIns(Terms(Policy()), random.Random(1), frozenset(), frozenset(domains))


def alike(number: str) -> tuple[int, bool, bool]:
    """Return what the flow considers in an account number, except for its last digits."""
    return len(number), looks_like_card(number), Terms(Policy()).accounts.is_long(number)


@settings(deadline=None)
@given(st.lists(NUMBERS | CARDS, max_size=20))
@example(["00000000", "00001234", "12340000"])
@example(["00001", "10001", "00010", "0000000012"])
def test_account_numbers(numbers: list[str]) -> None:
    """They are as long, as similar to a card, and have the same matches of last digits."""
    others = stand_ins()
    made = {number: others.account(number) for number in numbers}

    assert made == {number: others.account(number) for number in numbers}
    assert len(set(made.values())) == len(made)
    for number, other in made.items():
        assert alike(number) == alike(other)
        check = Call(Arrival("c", "b"), State.IDENTITY_CHECK)
        assert others.keys(check, last_four(number), last_four(number)) == last_four(other)
    for (one, other), (two, another) in product(made.items(), repeat=2):
        same = last_four(one) == last_four(two)
        assert same == (last_four(other) == last_four(another))


@settings(deadline=None)
@given(st.text("0123456789*", max_size=11))
@example("*2012000000")
def test_telephone_numbers(keyed: str) -> None:
    """A valid number becomes one that is reserved for fiction; an invalid one stays invalid."""
    whole = keyed.rpartition("*")[2]
    other = stand_ins().keys(Call(Arrival("c", "b"), State.PHONE_CAPTURE), keyed, whole)
    number = national(whole)
    there = national(other.rpartition("*")[2])

    assert [c == "*" for c in keyed] == [c == "*" for c in other]
    assert (number is None) == (there is None)
    if there is not None:
        assert there[5:10] == "55501"
        assert there == stand_ins().phone(number) or number != there


@settings(deadline=None)
@given(st.lists(st.text("0123456789*", min_size=1, max_size=12), min_size=1, max_size=4))
def test_spelling(entries: list[str]) -> None:
    """Each entry has as many keys, which spell as much, leave as much, and are as wrong."""
    others, so_far, real, other = stand_ins(), "", "", ""
    for keyed in entries:
        call = Call(Arrival("c", "b"), State.EMAIL_EXACT, entry=Entry(so_far=secret.keys(so_far)))
        made = others.keys(call, keyed, so_far + keyed)
        assert len(made) == len(keyed)
        real, other = real + keyed, other + made
        one, two = PAD.spell(real), PAD.spell(other)
        assert (len(one.text), one.rest, one.bad) == (len(two.text), two.rest, two.bad)
        assert PAD.is_local(one.text) == PAD.is_local(two.text)
        so_far = PAD.code(one.text) + one.rest


@settings(deadline=None)
@given(st.from_regex(r"[a-z][a-z0-9.]{3,8}@[a-z]{4,9}\.(com|local|org)", fullmatch=True))
def test_addresses(address: str) -> None:
    """One on file, and the same one spelled, have the same stand-in, and are as valid."""
    local, _, domain = address.partition("@")
    others = stand_ins(domain)
    made_local, _, made_domain = others.email(address).partition("@")
    before = Call(Arrival("c", "b"), State.EMAIL_EXACT)
    after = evolve(before, state=State.EMAIL_EXACT_DOMAIN)

    assert PAD.spell(others.keys(before, PAD.code(local), "")).text == made_local
    assert PAD.spell(others.keys(after, PAD.code(domain), "")).text == made_domain
    assert domain.rpartition(".")[2] == made_domain.rpartition(".")[2]
    assert (PAD.address(local, domain) is None) == (PAD.address(made_local, made_domain) is None)


@pytest.mark.requirement("R24")
@pytest.mark.parametrize(
    "domain",
    [
        "xn--mller-kva.de",
        "XN--MLLER-KVA.de",
        "mail.xn--mller-kva.xn--p1ai",
        "xn--80aaa0aeeihd2ajkh1agy2a3h.example",
        "xn--mller-kva",
        "xn--mller.local",
        "müller.de",
        "пример.de",
        "mller-kva",
    ],
)
def test_domains(domain: str) -> None:
    """No label of a private domain is left but the last; the stand-in is as long and as valid."""
    others = stand_ins(domain.lower())
    address, made = f"jan@{domain}", others.email(f"jan@{domain}")
    other = made.partition("@")[2]

    assert not {"mller", "müller", "пример", "80aaa"} & set(re.split(r"[.-]", other.lower()))
    assert len(made) == len(address)
    assert (PAD.address("jan", domain) is None) == (PAD.address("jan", other) is None)
    assert (mailbox(address) is None) == (mailbox(made) is None)
    assert others.email(address) == made
    if domain.isascii() and domain.islower():
        call = Call(Arrival("c", "b"), State.EMAIL_EXACT_DOMAIN)
        assert PAD.spell(others.keys(call, PAD.code(domain), "")).text == other


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("written", ["мария@example.com", "山田太郎@example.com", "Jane Rivera"])
def test_what_a_keypad_cannot_spell(written: str) -> None:
    """No word of a billing system's field is left, in whatever script it is."""
    made = stand_ins().email(written)
    for word in re.findall(r"\w{4,}", written.removesuffix("@example.com")):
        assert word not in made
    assert (mailbox(written) is None) == (mailbox(made) is None)


@pytest.mark.requirement("R24")
def test_a_letter_that_is_two_capitals() -> None:
    """An account number is replaced even if its capital form is longer."""
    assert "1234" not in stand_ins().account("ß-1234567")


def test_no_stand_in_is_left() -> None:
    """A value that has no stand-in is an error, and so is a call that cannot be expressed."""
    every = frozenset(f"{number:04}" for number in range(10_000))
    others = StandIns(Terms(Policy()), random.Random(1), every, frozenset())
    with pytest.raises(LookupError, match="no unused stand-in of 4 characters"):
        others.invoice("1234")
    with pytest.raises(TranscriptProblems, match="cannot be written down"):
        redacted(Flow(), moves_of(odd()))


def odd() -> tuple[Step, ...]:
    """Run a call with something handed over that a transcript cannot express."""
    flow = Flow()
    first = flow.begin(Arrival("c", "b", language="en-US", invoice_type="a\nb"))
    return (Step(None, first), Step(Screened(), flow.advance(first.call, Screened())))
