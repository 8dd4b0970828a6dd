"""Entries of several keys: how they end, the effect of a pause, and account numbers."""

from collections.abc import Callable

import pytest
from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.backends.demo import customer
from paperless_ivr.flow import requests as r
from paperless_ivr.flow.events import (
    CustomersFound,
    Digits,
    Ended,
    InvoiceChecked,
    NoInput,
    Screened,
    TryReserved,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Identity, Moment
from paperless_ivr.flow.policy import Account, CheckDigit, Policy, Proof, Strategy
from paperless_ivr.flow.saving import dump
from paperless_ivr.flow.states import State
from paperless_ivr.flow.turns import Gather, Turn
from paperless_ivr.flow.view import Terms
from paperless_ivr.keypad import last_four
from paperless_ivr.secret import keys

Asked = Callable[..., tuple[Flow, Turn]]
pytestmark = pytest.mark.requirement("R15", "R47")
FIXED = Policy(proof=Proof(account_keys=(8, 8)))


def pressed(flow: Flow, turn: Turn, *tokens: str) -> Turn:
    """Return the turn after keys: `2048#` ended, `2048` paused or complete, `-` silence."""
    for token in tokens:
        assert isinstance(turn.then, Gather)
        typed = token.removesuffix("#")
        full = len(typed) >= turn.then.max_keys
        ended = Ended.END_KEY if token.endswith("#") else Ended.FULL if full else Ended.TIMEOUT
        event = NoInput() if token == "-" else Digits(keys(typed), ended)
        turn = flow.advance(turn.call, event)
        if isinstance(turn.then, r.ReserveTry):
            turn = flow.advance(turn.call, TryReserved())
    return turn


def asked_for_account(policy: Policy | None = None) -> tuple[Flow, Turn]:
    """Return a call that asks for the account number."""
    flow = Flow(Terms(policy or Policy()))
    turn = flow.begin(Arrival("c", "b", Moment.BEFORE_PAYMENT, language="en-US"))
    return flow, pressed(flow, flow.advance(turn.call, Screened()), "1")


def said(turn: Turn) -> list[str]:
    """Return the names of what is said."""
    return [prompt.name for prompt in turn.say]


def account(policy: Policy | None, *tokens: str) -> str | None:
    """Return the account number that is looked up after these keys."""
    flow, turn = asked_for_account(policy)
    turn = pressed(flow, turn, *tokens)
    sought = turn.then
    return sought.account.reveal() if isinstance(sought, r.SearchByAccountNumber) else None


@pytest.mark.parametrize("policy", [Policy(), FIXED], ids=["any length", "one length"])
def test_a_pause_looks_nothing_up(policy: Policy) -> None:
    """A caller who means 20481137, and pauses after 2048, is asked to continue at no cost."""
    flow, turn = asked_for_account(policy)
    paused = pressed(flow, turn, "2048")

    assert paused.call.state is State.ACCOUNT_ENTRY
    assert said(paused) == ["entry_go_on"]
    assert (paused.call.tries, paused.call.spent) == (turn.call.tries, turn.call.spent)
    assert account(policy, "2048", "1", "-", "137#") == "20481137"
    assert account(policy, "99", "*2048", "1137#") == "20481137"
    assert account(policy, "99", "*", "20481137#") == "20481137"


def test_as_many_keys_as_all_numbers_have() -> None:
    """If the policy sets the length, that many keys end the entry; otherwise, only `#` does."""
    assert account(FIXED, "20481137") == "20481137"
    assert account(FIXED, "2048", "1137") == "20481137"
    assert account(Policy(), "20481137") is None
    assert account(Policy(), "20481137", "#") == "20481137"
    assert account(FIXED, "2048#") is None


def test_pauses_come_to_an_end() -> None:
    """However often a caller pauses and starts over, the entry ends."""
    flow, turn = asked_for_account()
    for _ in range(200):
        if turn.call.state is not State.ACCOUNT_ENTRY:
            break
        turn = pressed(flow, turn, "*1")
    assert turn.call.state is not State.ACCOUNT_ENTRY


def test_zero_and_a_pause() -> None:
    """0 and # reach a person. 0 and a pause may begin a number, as may 0 after other keys."""
    flow = Flow()
    arrival = Arrival("c", "b", Moment.BEFORE_PAYMENT, language="en-US", person_available=True)
    turn = pressed(flow, flow.advance(flow.begin(arrival).call, Screened()), "1")
    assert pressed(flow, turn, "0#").call.state is State.TRANSFERRING
    assert pressed(flow, turn, "0").call.entry.so_far == keys("0")
    assert pressed(flow, turn, "2048", "0").call.state is State.ACCOUNT_ENTRY


@pytest.mark.requirement("R17")
def test_a_pause_in_the_last_four() -> None:
    """Two of four digits and a pause are not a miss."""
    flow = Flow()
    ani = customer("rivera").phone
    turn = flow.begin(Arrival("c", "b", Moment.BEFORE_PAYMENT, ani=ani, language="en-US"))
    turn = pressed(flow, flow.advance(turn.call, Screened()), "1")
    turn = flow.advance(turn.call, CustomersFound((customer("rivera"),)))
    turn = flow.advance(turn.call, TryReserved())
    paused = pressed(flow, turn, "11")
    assert said(paused) == ["entry_go_on"]
    assert (paused.call.tries, paused.call.spent) == (turn.call.tries, turn.call.spent)
    assert pressed(flow, paused, "37").call.state is State.INVOICE_CHECK


def entering(state: State, strategies: tuple[Strategy, ...]) -> tuple[Flow, Turn]:
    """Return a call at an entry of the address."""
    policy = Policy()
    policy = evolve(policy, address=evolve(policy.address, strategies=strategies))
    flow = Flow(Terms(policy, frozenset(r.OPERATIONS - {"InvoiceExists"})))
    okafor = customer("okafor")
    arrival = Arrival(
        "c",
        "b",
        Moment.BEFORE_PAYMENT,
        language="en-US",
        account=okafor.account,
        identity=Identity.VERIFIED,
    )
    turn = flow.advance(flow.begin(arrival).call, Screened())
    turn = pressed(flow, flow.advance(turn.call, CustomersFound((okafor,))), "1")
    assert turn.call.state is state
    return flow, turn


@pytest.mark.requirement("R07")
def test_a_pause_in_a_telephone_number() -> None:
    """Six of ten digits and a pause are kept; ten are a whole number."""
    flow, turn = entering(State.PHONE_CAPTURE, (Strategy.TEXT_LINK,))
    paused = pressed(flow, turn, "206555")
    assert said(paused) == ["entry_go_on"]
    assert paused.call.tries == turn.call.tries
    for rest in ("0142", "0142#"):
        done = pressed(flow, paused, rest)
        assert done.call.state is State.PHONE_CONFIRM
        assert done.call.entry.phone == secret.phone("+12065550142")


@pytest.mark.requirement("R53", "R08")
def test_a_pause_in_an_address() -> None:
    """Half a code and a pause are kept, even before the first letter is complete."""
    flow, turn = entering(State.EMAIL_LOCAL, (Strategy.KEYPAD,))
    turn = pressed(flow, turn, "7#", "1", "9")
    paused = pressed(flow, turn, "7")
    assert paused.call.tries == turn.call.tries
    assert said(paused) == ["email_go_on"]
    turn = pressed(flow, paused, "1#", "1")
    assert turn.call.entry.local == secret.keys("p")
    stopped = flow.advance(turn.call, Digits(keys("*"), interrupted=1))
    assert stopped.call.state is State.EMAIL_EXACT
    paused = pressed(flow, stopped, "7")
    assert paused.call.tries == stopped.call.tries
    assert pressed(flow, paused, "4#").call.entry.local == secret.keys("s")


# ── what an account number is ──


def of_forms(*forms: str, **more: object) -> Policy:
    """Return a policy whose account numbers have these forms."""
    return Policy(account=Account(forms=forms, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "tokens", "number"),
    [
        (of_forms("?#######"), ["211204455"], "A1204455"),
        (of_forms("?#######"), ["21", "1204455"], "A1204455"),
        (of_forms("A#######"), ["1204455"], "A1204455"),
        (of_forms("?###-####"), ["261204455"], None),
        (of_forms("?###-####"), ["741204455"], "S120-4455"),
        (of_forms("########", "##########"), ["20481137#"], "20481137"),
        (of_forms("########", "##########"), ["20481137"], None),
        (of_forms("########", "##########"), ["204811370"], None),
        (of_forms("##########"), ["2048113700"], "2048113700"),
        (of_forms("##########"), ["20481137#"], None),
        (of_forms("##########", add_leading_zeros=True), ["20481137#"], "0020481137"),
        (of_forms("##########", add_leading_zeros=True), ["0020481137"], "0020481137"),
        (of_forms("00########"), ["20481137"], "0020481137"),
        (of_forms("########", check_digit=CheckDigit.LUHN), ["20481130"], None),
        (of_forms("########", check_digit=CheckDigit.LUHN), ["20481131"], "20481131"),
        (of_forms("#" * 16), ["4111111111111111"], None),
        (of_forms("#" * 16, may_look_like_card=True), ["4111111111111111"], "4" + "1" * 15),
        (Policy(), ["4111111111111111#"], None),
    ],
)
def test_forms_of_account_numbers(policy: Policy, tokens: list[str], number: str | None) -> None:
    """Lengths, letters, signs, leading zeros, the check digit, and cards follow the policy."""
    assert account(policy, *tokens) == number


CARD = "4111111111111111"


def asked_for_number(policy: Policy | None = None) -> tuple[Flow, Turn]:
    """Return a call that asks for the whole account number as the second fact."""
    policy = policy or Policy()
    policy = evolve(policy, address=evolve(policy.address, strategies=(Strategy.KEYPAD,)))
    flow, okafor = Flow(Terms(policy)), customer("okafor")
    phone = secret.phone("+12175550199")
    turn = flow.begin(Arrival("c", "b", Moment.BEFORE_PAYMENT, ani=phone, language="en-US"))
    turn = pressed(flow, flow.advance(turn.call, Screened()), "1")
    turn = flow.advance(turn.call, CustomersFound((evolve(okafor, phone=phone),)))
    turn = flow.advance(turn.call, TryReserved())
    turn = pressed(flow, turn, last_four(okafor.account.reveal()))
    turn = flow.advance(turn.call, InvoiceChecked(exists=True))
    turn = flow.advance(turn.call, TryReserved())
    assert turn.call.state is State.NUMBER_CHECK
    return flow, turn


WHOLE_NUMBERS = {"looked up": asked_for_account, "second fact": asked_for_number}
"""Both questions for a whole account number."""
asking_whole = pytest.mark.parametrize("asked", WHOLE_NUMBERS.values(), ids=WHOLE_NUMBERS)


@asking_whole
@pytest.mark.parametrize("tokens", [[CARD], [f"{CARD}#"], ["4111", "111111111111"]])
def test_a_card_is_not_kept(asked: Asked, tokens: list[str]) -> None:
    """A card is reported as such at every try, and is no longer in the call, whatever ends it."""
    flow, turn = asked()
    tries = flow.terms.policy.tries
    for _ in range(tries.wrong if tokens[-1].endswith("#") else tries.repeats + tries.wrong):
        turn = pressed(flow, turn, *tokens)
        assert said(turn)[0] == "not_a_card"
        assert CARD not in dump(turn.call).decode()
    turn = pressed(flow, turn, *tokens)
    assert turn.call.state is State.INCOMPLETE
    assert CARD not in dump(turn.call).decode()


@asking_whole
@pytest.mark.parametrize("setting", ["check_digit", "may_look_like_card", "add_leading_zeros"])
def test_a_pause_in_a_number_that_begins_like_a_card(asked: Asked, setting: str) -> None:
    """If numbers have 16 digits, 13 that look like a card are the beginning of one."""
    value = CheckDigit.NONE if setting == "check_digit" else True
    flow, turn = asked(of_forms("#" * 16, **{setting: value}))
    paused = pressed(flow, turn, "4222222222222")
    assert said(paused) == ["entry_go_on"]
    assert (paused.call.tries, paused.call.spent) == (turn.call.tries, turn.call.spent)
    assert paused.call.entry.so_far == keys("4222222222222")
    for policy in (of_forms("#" * 16), Policy(proof=Proof(account_keys=(16, 16)))):
        assert account(policy, "4222222222222", "000") == "4222222222222000"


@asking_whole
def test_a_card_before_a_pause_costs_no_try(asked: Asked) -> None:
    """Those keys may begin a longer number, so they are dropped, but not counted as wrong."""
    flow, turn = asked()
    paused = pressed(flow, turn, CARD)
    assert said(paused)[0] == "not_a_card"
    assert (paused.call.tries.wrong, paused.call.spent) == (turn.call.tries.wrong, turn.call.spent)


@asking_whole
def test_a_mistyped_number_is_said(asked: Asked) -> None:
    """A slip is reported as such at both questions for the whole number, and is not a guess."""
    flow, turn = asked(of_forms("########", check_digit=CheckDigit.LUHN))
    slipped = pressed(flow, turn, "20481130")
    assert said(slipped)[0] == "account_mistyped"
    assert slipped.call.tries.wrong == 1
    assert slipped.call.spent == turn.call.spent


def test_a_card_is_still_none() -> None:
    """If account numbers are shorter than a card, a card is neither looked up nor kept."""
    flow, turn = asked_for_account(Policy(account=Account(may_look_like_card=True)))
    assert account(flow.terms.policy, "4111111111111111#") == "4111111111111111"
    flow, turn = asked_for_account(of_forms("##########", "############"))
    turn = pressed(flow, turn, "4222222222222")
    assert said(turn)[0] == "not_a_card"
    assert turn.call.entry.so_far is None


@asking_whole
def test_how_letters_are_keyed_is_said(asked: Asked) -> None:
    """A caller hears how letters are keyed, or that they are left out, once."""
    assert said(asked(of_forms("?#######"))[1])[-1] == "account_letters"
    assert said(asked(of_forms("A#######"))[1])[-1] == "account_signs"
    assert said(asked()[1])[-1] in ("account_entry", "number_check")
    flow, turn = asked(of_forms("?#######"))
    assert said(pressed(flow, turn, "21")) == ["entry_go_on"]


# ── last four ──


@pytest.mark.requirement("R17")
@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize("written", ["137", "0137", "0000000137", "0000-0137"])
def test_last_four_with_leading_zeros(written: str, *, zeros: bool) -> None:
    """If leading zeros make no difference, they make none for the last four digits either."""
    flow = Flow(Terms(of_forms("##########", add_leading_zeros=zeros)))
    rivera = evolve(customer("rivera"), account=secret.account(written))
    arrival = Arrival("c", "b", Moment.BEFORE_PAYMENT, ani=rivera.phone, language="en-US")
    turn = pressed(flow, flow.advance(flow.begin(arrival).call, Screened()), "1")
    turn = flow.advance(turn.call, CustomersFound((rivera,)))
    turn = flow.advance(turn.call, TryReserved())
    assert turn.call.state is State.IDENTITY_CHECK
    assert pressed(flow, turn, "1137").call.state is not State.INVOICE_CHECK
    found = pressed(flow, turn, "0137").call.state is State.INVOICE_CHECK
    assert found == (zeros or written != "137")
