"""Telephone numbers as keyed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperless_ivr.keypad import national, phone_number, textable

pytestmark = pytest.mark.requirement("R07")

# 555-0100 to 555-0199 are reserved for fiction in every area code (ATIS-0300115).
SUBSCRIBERS = st.integers(0, 99).map(lambda n: f"55501{n:02}")


@given(st.sampled_from(["212", "415", "787", "340", "671", "416", "800"]), SUBSCRIBERS)
def test_numbers_under_country_code_1(area: str, subscriber: str) -> None:
    """Ten digits are a number anywhere under country code 1, with or without a leading 1."""
    assert "+1" + area + subscriber == national(area + subscriber)
    assert "+1" + area + subscriber == national("1" + area + subscriber)


@pytest.mark.parametrize(
    "keys",
    [
        "",
        "5550123",
        "212555012",
        "21255501234",
        "22125550123",
        "112125550123",
        "0125550123",
        "1125550123",
        "9115550123",
        "2121550123",
        "2120550123",
        "0000000000",
        "9999999999",
        "0110000000",
        "212*555012",
        "212555012\N{ARABIC-INDIC DIGIT THREE}",
        "2125550123\n",
    ],
)
def test_no_numbers(keys: str) -> None:
    """Text with too few or many digits, or an unknown area code or exchange, is not a number."""
    assert national(keys) is None


@given(st.text("0123456789*#"))
def test_any_keys(keys: str) -> None:
    """Any keys give None, or the last ten of them in E.164, and nothing raises."""
    assert national(keys) in {None, "+1" + keys[-10:]}


def test_regions() -> None:
    """A region stands for its country code: Canada is under 1; an unknown region has no numbers."""
    assert national("4165550123", "CA") == national("4165550123", "US") == "+14165550123"
    assert national("2079460018", "GB") == "+442079460018"
    assert national("2125550123", "XX") is None


@pytest.mark.requirement("R47")
@pytest.mark.parametrize(
    ("number", "regions", "toll_free", "may"),
    [
        ("+12125550123", ("US",), False, True),
        ("+18765550123", ("US",), False, False),
        ("+18765550123", ("US", "JM"), False, True),
        ("+14165550123", ("US",), True, False),
        ("+18005550123", ("US",), False, False),
        ("+18005550123", ("US",), True, True),
        ("+15005550123", ("US",), True, False),
    ],
)
def test_where_texts_go(number: str, regions: tuple[str, ...], toll_free: bool, may: bool) -> None:
    """Texts go to ordinary numbers of the regions, and to toll-free ones if that is allowed."""
    assert textable(number, regions, toll_free=toll_free) is may


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("tel:2125550123;phone-context=+1", "+12125550123"),
        ("tel:2125550123;phone-context=+44", None),
        ("tel:2079460018;phone-context=+44", "+442079460018"),
        ("tel:5550123;phone-context=+1-212", "+12125550123"),
        ("tel:2125550123;phone-context=example.com", None),
        ("tel:+12125550123;phone-context=+44", "+12125550123"),
        ("sip:2125550123;phone-context=+44@host.example;user=phone", None),
        ("sip:+12125550123;ext=5@host.example", "+12125550123"),
    ],
)
@pytest.mark.requirement("R47")
def test_a_local_number_belongs_to_its_context(written: str, number: str | None) -> None:
    """The prefix completes the number. If only a company knows the prefix, it identifies no one."""
    assert phone_number(written) == number
