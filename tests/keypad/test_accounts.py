"""Account numbers: the star, cards in the wrong place, and read-back in groups."""

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from paperless_ivr.keypad import (
    AccountPad,
    counts_as,
    groups,
    last_four,
    last_star,
    looks_like_card,
)

KEYS = st.text("0123456789*")
DIGITS = st.text("0123456789")

# Test numbers that payment processors publish; none belongs to anyone.
TEST_CARDS = {
    "Visa": "4111111111111111",
    "Visa, 13 digits": "4222222222222",
    "Visa debit": "4000056655665556",
    "Mastercard": "5555555555554444",
    "Mastercard 2-series": "2223003122003222",
    "American Express 34": "343434343434343",
    "American Express 37": "378282246310005",
    "Discover": "6011111111111117",
    "Discover, second": "6011000990139424",
    "Diners Club 30": "30569309025904",
    "Diners Club 36": "36227206271667",
    "Diners Club 38": "38520000023237",
    "JCB": "3566002020360505",
    "UnionPay": "6200000000000005",
    "UnionPay, 19 digits": "6205500000000000004",
    "Maestro": "6759649826438453",
}


def with_check_digit(body: str) -> str:
    """Return the body with a Luhn check digit, found by trying all ten."""

    def total(number: str) -> int:
        weighted = (int(d) * (2 if n % 2 else 1) for n, d in enumerate(reversed(number)))
        return sum(w - 9 if w > 9 else w for w in weighted)

    return next(body + d for d in "0123456789" if total(body + d) % 10 == 0)


@given(KEYS, DIGITS)
def test_star_starts_over(before: str, after: str) -> None:
    """Whatever was keyed before the last star is forgotten."""
    assert after == last_star(before + "*" + after)


@given(DIGITS)
def test_no_star_no_change(digits: str) -> None:
    """Keys without a star are kept whole."""
    assert digits == last_star(digits)


@pytest.mark.parametrize("number", TEST_CARDS.values(), ids=TEST_CARDS.keys())
def test_test_cards_are_cards(number: str) -> None:
    """Every published test number of a card brand looks like a card."""
    assert looks_like_card(number)


@given(st.from_regex(r"(4|5|6|30|3[4-9]|2221|2500|2720)[0-9]{12,14}", fullmatch=True))
def test_one_wrong_digit_is_no_card(body: str) -> None:
    """Exactly one of the ten last digits, the Luhn check digit, makes a card."""
    cards = [body + digit for digit in "0123456789" if looks_like_card(body + digit)]

    assert [with_check_digit(body)] == cards


def test_beginnings_of_cards() -> None:
    """Of all four-digit beginnings, those from which cards are issued make a card."""
    issued = {*range(2221, 2721), *range(3000, 3100), *range(3400, 7000)}

    found = {
        beginning
        for beginning in range(10_000)
        for last in range(10)
        if looks_like_card(f"{beginning:04}{last:012}")
    }

    assert issued == found


@given(st.one_of(st.text("0123456789", max_size=10), st.text("0123456789", min_size=18)))
def test_other_lengths_are_no_cards(rest: str) -> None:
    """Fewer than 13 digits, or more than 19, are not a card number."""
    assert not looks_like_card(with_check_digit("4" + rest))


@given(st.text())
def test_any_text_may_be_asked_about(text: str) -> None:
    """Only digits 0 to 9 make a card; any other text is not a card."""
    assume(not text.isascii() or not text.isdigit())
    assume(text)

    assert not looks_like_card(text)
    assert not looks_like_card("4111111111111111" + text)


@pytest.mark.parametrize("number", TEST_CARDS.values(), ids=TEST_CARDS.keys())
@pytest.mark.parametrize("more", ["1", "123", "1228", "1228123"])
def test_a_card_with_more_behind_it(number: str, more: str) -> None:
    """A date or code after a card makes it no account number, unless some have that length."""
    keys = number + more
    usual = len(number) == (15 if number[:2] in ("34", "37") else 14 if number[0] == "3" else 16)
    if not usual or number.startswith("35"):
        return  # too few to try each length, because longer accounts would look like cards
    form = "#" * len(keys)
    assert AccountPad().may_be_card(keys)
    assert AccountPad().read(keys) is None
    assert AccountPad(forms=(form,)).read(keys) == keys
    assert AccountPad(cards=True, most=30).read(keys) == keys


@pytest.mark.requirement("R17", "R47")
@given(
    st.text("0019Aa-./ _", min_size=1, max_size=8),
    st.text("0019Aa-./ _", max_size=8),
    st.sets(st.sampled_from("-./_")),
)
def test_the_same_account_counts_as_one(one: str, other: str, dropped: set[str]) -> None:
    """This holds whatever signs a policy drops. Letters, digits, and inner zeros count."""
    pad = AccountPad(dropped=tuple(dropped))
    assert pad.same(one, pad.bare(one))
    assert counts_as(one) == counts_as(pad.bare(one)) == counts_as(f"0{one} ")
    if pad.same(one, other):
        assert counts_as(one) == counts_as(other)
    assert (counts_as(one) == counts_as(other)) == AccountPad(dropped=(*"-./_",)).same(one, other)


def test_few_long_account_numbers_look_like_cards() -> None:
    """About 4 in 100 random numbers of 18 and 20 digits look like cards."""
    chance = random.Random(1)
    for size in (18, 20):
        found = sum(
            AccountPad().may_be_card("".join(chance.choices("0123456789", k=size)))
            for _ in range(20_000)
        )
        assert 0.02 < found / 20_000 < 0.09


@given(DIGITS, st.integers(2, 6))
def test_groups_join_back(digits: str, size: int) -> None:
    """Nothing is lost or added between the groups."""
    assert digits == "".join(groups(digits, size))


@given(DIGITS, st.integers(2, 6))
def test_no_lonely_last_digit(digits: str, size: int) -> None:
    """All groups have `size` digits, except the last, which has two to `size` + 1."""
    *full, last = groups(digits, size) or ("",)

    assert [size] * len(full) == [len(group) for group in full]
    assert not full or 2 <= len(last) <= size + 1


@pytest.mark.parametrize(
    ("digits", "size", "read"),
    [
        ("", 3, ()),
        ("1", 3, ("1",)),
        ("1234", 3, ("1234",)),
        ("12345678", 3, ("123", "456", "78")),
        ("2125550123", 3, ("212", "555", "0123")),
        ("1234567890", 4, ("1234", "5678", "90")),
    ],
)
def test_groups_as_people_read(digits: str, size: int, read: tuple[str, ...]) -> None:
    """Typical numbers, including telephone numbers, are split into the groups people expect."""
    assert read == groups(digits, size)


@given(st.lists(st.sampled_from("0123456789-. A")), st.text("0123456789", min_size=4, max_size=4))
def test_last_four_of_any_writing(before: list[str], four: str) -> None:
    """The last four digits are found however the account number is written."""
    assert four == last_four("".join(before) + "-".join(four) + " X")


@pytest.mark.parametrize(("account", "ending"), [("", ""), ("AB", ""), ("7-8", "78")])
def test_last_four_of_short_numbers(account: str, ending: str) -> None:
    """For a number with fewer than four digits, all of them are returned."""
    assert ending == last_four(account)
