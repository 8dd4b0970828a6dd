"""An e-mail address by keypad: one press per character, corrected where wrong, always exact."""

import statistics
import string

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from paperless_ivr import secret
from paperless_ivr.backends.demo import customer
from paperless_ivr.flow import requests as r
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.chapters.email import pieces
from paperless_ivr.flow.events import CustomersFound, Digits, Ended, NoInput, Screened
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Identity, Moment
from paperless_ivr.flow.policy import Policy, Strategy
from paperless_ivr.flow.saving import dump, load
from paperless_ivr.flow.states import State
from paperless_ivr.flow.turns import READ_OUT, Gather, Turn
from paperless_ivr.flow.view import Terms
from paperless_ivr.keypad import EmailPad, on_keys
from paperless_ivr.testing.addresses import people
from tests.counts import heavy

pytestmark = pytest.mark.requirement("R53", "R08")

PAD = EmailPad()
POLICY = Policy()
POLICY = evolve(POLICY, address=evolve(POLICY.address, strategies=(Strategy.KEYPAD,)))
FLOW = Flow(Terms(POLICY, frozenset(r.OPERATIONS - {"InvoiceExists"})))
DOMAINS = POLICY.address.domains


def asked(name: str | None, *, agent: bool = False, fixes: int = 4) -> tuple[Flow, Turn]:
    """Return a call that asks a customer with this name for an address."""
    policy = evolve(POLICY, address=evolve(POLICY.address, fixes=fixes))
    flow = Flow(evolve(FLOW.terms, policy=policy))
    found = evolve(customer("okafor"), name=secret.name(name) if name else None)
    arrival = Arrival(
        "c",
        "b",
        Moment.BEFORE_PAYMENT,
        language="en-US",
        account=found.account,
        identity=Identity.VERIFIED,
        person_available=agent,
    )
    turn = flow.advance(flow.begin(arrival).call, Screened())
    turn = flow.advance(turn.call, CustomersFound((found,)))
    turn = flow.advance(turn.call, Digits(secret.keys("1")))
    assert turn.call.state is State.EMAIL_LOCAL
    return flow, turn


def press(flow: Flow, turn: Turn, *tokens: str) -> Turn:
    """Return the turn after keys: `52#` ended, `52` paused, `*3` a star at the third piece."""
    for token in tokens:
        assert isinstance(turn.then, Gather)
        keys, ended, at = token, Ended.TIMEOUT, None
        if token.endswith("#"):
            keys, ended = token[:-1], Ended.END_KEY
        elif turn.then.max_keys == 1:
            keys, ended = token[0], Ended.FULL
            at = int(token[1:]) if token[1:] else None
        turn = flow.advance(turn.call, Digits(secret.keys(keys), ended, at))
    return turn


def said(turn: Turn) -> list[str]:
    """Return what is said: the pieces of an address, or the names of prompts."""
    return [
        prompt.slots[0][1].text.reveal()
        if prompt.name in READ_OUT and prompt.slots[0][0] == "piece"
        else prompt.name
        for prompt in turn.say
    ]


def email(call: Call) -> str | None:
    """Return the address that was agreed to."""
    return call.contact.email.reveal() if call.contact.email else None


def test_right_at_once() -> None:
    """Names are read as words, and digits one by one, and 1 accepts the address."""
    flow, turn = asked("Ada Okafor")
    turn = press(flow, turn, f"{on_keys('ada.okafor42')}#", "1")
    assert said(turn)[:7] == ["readback", "ada", ".", "okafor", "4", "2", "readback_domain"]
    assert email(press(flow, turn, "1").call) == "ada.okafor42@gmail.com"
    too_early = flow.advance(turn.call, Digits(secret.keys("1"), interrupted=3))
    assert too_early.call.state is State.EMAIL_READBACK
    assert said(too_early)[0] == "listen_first"


def test_a_star_at_a_character() -> None:
    """The part before it is right, the character is ruled out, and the change is said."""
    flow, turn = asked("Jane Smith")
    turn = press(flow, turn, f"{on_keys('jbsmith')}#", "1")
    assert said(turn)[1:4] == ["j", "a", "smith"]
    turn = press(flow, turn, "*2")
    assert said(turn)[:3] == ["readback_instead", "c", "smith"]
    turn = press(flow, turn, "*1")
    assert said(turn)[:3] == ["readback_instead", "b", "smith"]
    assert email(press(flow, turn, "1").call) == "jbsmith@gmail.com"


def test_a_star_at_a_word() -> None:
    """The word is spelled, and what came before is right."""
    flow, turn = asked("Jane Smith")
    turn = press(flow, turn, f"{on_keys('jane.smith')}#", "1", "*3")
    assert said(turn)[:6] == ["readback_rest", "s", "m", "i", "t", "h"]


@pytest.mark.parametrize("back", [["8"], ["8", "*1"]])
def test_a_late_star(back: list[str]) -> None:
    """8 refers to what was read before the star: a word is spelled, a character ruled out."""
    flow, turn = asked("Jane Smith")
    turn = press(flow, turn, f"{on_keys('jane.smith')}#", "1", "*2", "8")
    assert said(turn)[:5] == ["readback", "j", "a", "n", "e"]
    turn = press(flow, turn, "*3", "8")
    assert said(turn)[0] == "readback_instead"
    assert turn.call.entry.at == 1


def test_a_star_after_all() -> None:
    """After the whole address, it is read again, character by character."""
    flow, turn = asked("Jane Smith")
    turn = press(flow, turn, f"{on_keys('jane')}#", "1", "*")
    assert said(turn)[:6] == ["readback", "j", "a", "n", "e", "readback_domain"]


def test_a_star_at_the_provider() -> None:
    """The provider is chosen again, and only that is read."""
    flow, turn = asked("Jane Smith")
    turn = press(flow, turn, f"{on_keys('jane')}#", "1", "*2")
    assert turn.call.state is State.EMAIL_DOMAIN
    turn = press(flow, turn, "2")
    assert said(turn)[:2] == ["readback_rest", "readback_domain"]
    assert email(press(flow, turn, "1").call) == "jane@yahoo.com"


def test_a_domain_of_their_own() -> None:
    """With 9, the part after the at sign is spelled in the same way."""
    flow, turn = asked("Jane Smith")
    turn = press(flow, turn, f"{on_keys('jane')}#", "9", f"{on_keys('smith.org')}#")
    assert said(turn)[:7] == ["readback", "jane", "smith", ".", "o", "r", "g"]
    assert email(press(flow, turn, "1").call) == "jane@smith.org"


def test_keys_that_no_domain_has() -> None:
    """Such keys are asked for again, and then spelled exactly. The part before the @ is kept."""
    flow, turn = asked("Jane Smith")
    turn = press(flow, turn, f"{on_keys('jane')}#", "9", *["46245#"] * POLICY.tries.wrong)
    assert turn.call.state is State.EMAIL_DOMAIN_ENTRY
    paused = press(flow, turn, "46", "245#")
    for unclear in (press(flow, turn, "46245#"), paused):
        assert unclear.call.state is State.EMAIL_EXACT_DOMAIN
        assert said(unclear) == ["keys_unclear", "email_exact_domain"]
        spelled = press(flow, unclear, f"{PAD.code('smith.org')}#", "1")
        assert email(spelled.call) == "jane@smith.org"


def test_exact_after_as_many_stars_as_the_policy_has() -> None:
    """The correct part is kept, and the rest is spelled with two keys per character."""
    flow, turn = asked("Jane Smith", fixes=2)
    turn = press(flow, turn, f"{on_keys('jqxw')}#", "1", "*1", "*1")
    assert turn.call.state is State.EMAIL_READBACK
    turn = press(flow, turn, "*2")
    assert turn.call.state is State.EMAIL_EXACT
    kept = turn.call.entry.before
    turn = press(flow, turn, "*" * len(kept) + PAD.code("jqxw") + "#")
    assert email(press(flow, turn, "1").call) == "jqxw@gmail.com"


def test_exact_spelling_goes_on_where_it_was_wrong() -> None:
    """The caller hears what is kept, and a star in exact spelling deletes from it."""
    flow, turn = asked(None)
    turn = press(flow, turn, "52#", "1", "9", f"{PAD.code('jaxe')}#", "1", "*3")
    assert turn.call.state is State.EMAIL_EXACT
    assert said(turn) == ["spelling_so_far", "email_exact"]
    turn = press(flow, turn, f"{PAD.code('ne')}#")
    assert email(press(flow, turn, "1").call) == "jane@gmail.com"


def test_corrections_come_to_an_end() -> None:
    """However often a caller stops the read-back, the call continues."""
    for fixes in (0, 1, 4):
        flow, turn = asked("Jane Smith", fixes=fixes)
        turn = press(flow, turn, f"{on_keys('jane')}#", "1")
        for _ in range(2 * fixes):
            turn = press(flow, turn, "*")
        assert turn.call.state is State.EMAIL_READBACK
        assert press(flow, turn, "*").call.state is not State.EMAIL_READBACK


def test_pauses_and_clearing() -> None:
    """Silence keeps the keys, two stars clear them, and a star alone asks for time."""
    flow, turn = asked("Jane Smith")
    paused = press(flow, turn, "52")
    assert said(paused) == ["entry_go_on"]
    assert paused.call.tries == turn.call.tries
    silent = flow.advance(paused.call, NoInput())
    assert silent.call.entry.so_far == secret.keys("52")
    assert press(flow, silent, "63#").call.entry.local == secret.keys("jane")
    assert press(flow, paused, "9**5263#").call.entry.local == secret.keys("jane")
    cleared = press(flow, paused, "9**")
    assert said(cleared) == ["take_your_time", "email_local"]
    assert cleared.call.entry.so_far is None
    assert said(press(flow, turn, "*"))[0] == "take_your_time"
    for _ in range(20):
        if turn.call.state is State.EMAIL_LOCAL:
            turn = press(flow, turn, "5**")
    assert turn.call.state is not State.EMAIL_LOCAL


def test_zero_and_pound() -> None:
    """0 and # reach an agent if one is free. If not, they are not an address."""
    flow, turn = asked(None, agent=True)
    assert press(flow, turn, "0#").call.state is State.TRANSFERRING
    assert press(flow, turn, "520#").call.entry.pressed == secret.keys("520")
    flow, turn = asked(None)
    assert press(flow, turn, "0#").call.state is State.EMAIL_LOCAL
    assert press(flow, turn, "#").call.state is State.NO_CONTACT  # there is no other way


def test_nothing_shows() -> None:
    """No repr of the call or a turn contains any part of the address, but a saved call does."""
    flow, turn = asked("Jane Smith")
    turn = press(flow, turn, f"{on_keys('jbsmith')}#", "1", "*2")
    for hidden in ("5276484", "jcsmith", "smith", "Jane"):
        assert hidden not in f"{turn!r} {turn.call.entry!r} {turn.say!r}"
    assert load(dump(turn.call)) == turn.call


# ── any address ──

KEYED = string.ascii_lowercase + string.digits + "._-+"
LOCALS = st.text(KEYED, min_size=1, max_size=16).filter(PAD.is_local)
HOSTS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?\.(com|net|co\.uk|zz)", fullmatch=True)
NAMES = st.sampled_from([None, "Jane Smith", "Smith, Jane", "José de la Cruz"])


def spelled_by(
    flow: Flow, turn: Turn, address: str, late: st.DataObject | None
) -> tuple[Turn, int]:
    """Return the turn after keying an address by the prompts, and the number of keys.

    Stars may be late.
    """
    pressed = 0
    local, _, domain = address.partition("@")
    key = str(DOMAINS.index(domain) + 1) if domain in DOMAINS else "9"
    for _ in range(60):
        entry = turn.call.entry
        match turn.call.state:
            case State.EMAIL_LOCAL:
                # 0 alone asks for an agent, and two signs clear: any key then leads to exact codes.
                alone = on_keys(local).rpartition("**")[2].strip("*") in ("", "0")
                token = "9#" if alone else f"{on_keys(local)}#"
            case State.EMAIL_DOMAIN_ENTRY:
                token = f"{on_keys(domain)}#"
            case State.EMAIL_DOMAIN:
                token = key
            case State.EMAIL_EXACT:
                token = _exactly(entry.before, local)
            case State.EMAIL_EXACT_DOMAIN:
                token = _exactly(entry.before, domain)
            case State.EMAIL_READBACK:
                token = _listening(turn, address, late)
            case _:
                break
        assert isinstance(turn.then, Gather)
        pressed += 1 if turn.then.max_keys == 1 else len(token)
        turn = press(flow, turn, token)
    return turn, pressed


def _exactly(before: str, text: str) -> str:
    """Delete what is wrong, then continue spelling."""
    right = next(n for n in range(len(before), -1, -1) if text.startswith(before[:n]))
    return "*" * (len(before) - right) + PAD.code(text[right:]) + "#"


def _listening(turn: Turn, address: str, late: st.DataObject | None) -> str:
    """Press star at the first wrong piece, or just after it; 8 if it was before."""
    entry, heard = turn.call.entry, list(pieces(turn.call.entry))
    offered = {option.key for option in FLOW.menu(turn.call)}
    if not address.startswith(entry.address[: entry.at]):
        return "8" if "8" in offered else "9"
    for n, (begin, end) in enumerate(heard):
        if not address.startswith(entry.address[begin:end], begin):
            at = n + bool(late and late.draw(st.booleans(), label="late"))
            return f"*{at + 1}" if at < len(heard) else "*"
    return "1" if entry.address == address else f"*{len(heard)}"


def agreed(address: str, name: str | None, late: st.DataObject | None = None) -> str | None:
    """Return the address that a caller ends up with."""
    flow, turn = asked(name, fixes=12 if late else 4)
    return email(spelled_by(flow, turn, address, late)[0].call)


@pytest.mark.prove
@settings(max_examples=heavy(25, 400), deadline=None)
@given(LOCALS, st.sampled_from(DOMAINS) | HOSTS, NAMES)
@example("a__b", "gmail.com", None)
@example("0", "gmail.com", None)
def test_any_address(local: str, domain: str, name: str | None) -> None:
    """A caller who follows the prompts ends up with exactly their address, whatever it is."""
    address = PAD.address(local, domain)
    if address is not None:
        assert agreed(address, name) == address


@pytest.mark.prove
@settings(max_examples=heavy(15, 300), deadline=None)
@given(st.integers(0, 10_000), st.data())
def test_late_stars(seed: int, data: st.DataObject) -> None:
    """The same holds if stars come late."""
    (person,) = people(1, seed)
    assert agreed(person.address, person.holder, data) == person.address


@pytest.mark.prove
def test_few_keys() -> None:
    """An address takes at most 16 keys on average if the holder calls and the domain has a key."""
    callers = people(heavy(60, 600), seed=1)
    listed = [one for one in callers if one.address.partition("@")[2] in DOMAINS]
    assert statistics.mean(spelled_by(*asked(p.holder), p.address, None)[1] for p in listed) <= 16


@settings(max_examples=heavy(40, 2_000), deadline=None)
@given(st.lists(st.text("0123456789*", max_size=12), max_size=6), st.data())
def test_no_keys_raise(entries: list[str], data: st.DataObject) -> None:
    """Whatever is keyed, the call continues."""
    flow, turn = asked("Jane Smith")
    for keyed in entries:
        if not isinstance(turn.then, Gather):
            return
        ended = data.draw(st.sampled_from(Ended))
        at = data.draw(st.none() | st.integers(0, 12))
        turn = flow.advance(turn.call, Digits(secret.keys(keyed), ended, at))
